// What is kept, as thumbnails that can be dropped; and the clicks that said so, as dots that can be moved or removed.

import { record } from './history.js';
import { insideOf, regionOf } from './corrections.js';
import { shrink } from './map.js';
import { $, actions, arrowOf, page } from './page.js';
import { change, place, pointOf } from './picking.js';
import { dropClick, dropPiece, effectivePicks, isPick, keptPicks, keyOf, moveClick } from './picks.js';
import { hidePiece, showPiece } from './spotlight.js';
import { canvas, corrections, onDescribe, onDraw, studio, threshold } from './studio.js';
import { currentLanguage, translate } from './words.js';
import { onZoom } from './zoom.js';

const MOST = 8; // thumbnails
const SIDE = 80; // of a thumbnail, in pixels
const PARTS_SIDE = 240; // of the map on which connected parts are looked for
const LEAST = 1 / 1000; // of the photo: what is smaller has no thumbnail
const STEP = 0.01; // of the photo: what an arrow key moves a dot
const STILL = 4; // pixels that a dot may move and still be clicked
let shownChips = '', shownDots = '';

// ---- Thumbnails

// What is kept: the pieces that were picked, or else the connected parts: [{map, drop}].
function keptPieces() {
  const { photo } = studio, picks = keptPicks(corrections());
  if (picks.length) {
    return picks.filter((pick) => photo.pieces.has(keyOf(pick)))
      .map((pick) => ({ map: photo.pieces.get(keyOf(pick)), drop: () => change(dropPiece(corrections(), pick)) }));
  }
  return partsOf(photo.map).map(({ map, at }) => ({ map, drop: () => record([...corrections(), { do: 'drop', at }]) }));
}

// The connected parts of a map, the largest first: {map, at}, `at` the surest point.
function partsOf(map) {
  const small = shrink(map, PARTS_SIDE), { width, height, values } = small, inside = insideOf(small, threshold());
  const seen = new Uint8Array(values.length), parts = [];
  for (let seed = 0; seed < values.length; seed++) {
    if (seen[seed] || !inside[seed]) continue;
    const { pixels } = regionOf(inside, width, height, seed, 8, seen);
    if (pixels.length < LEAST * values.length) continue;
    const own = new Uint8Array(values.length);
    for (const pixel of pixels) own[pixel] = values[pixel];
    const surest = pixels.reduce((best, pixel) => (values[pixel] > values[best] ? pixel : best));
    parts.push({ area: pixels.length, map: { width, height, values: own }, at: [((surest % width) + 0.5) / width, (Math.floor(surest / width) + 0.5) / height] });
  }
  return parts.sort((a, b) => b.area - a.area);
}

function thumbnail({ width, height, values }) {
  const small = document.createElement('canvas'), inside = insideOf({ values }, threshold());
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let i = 0; i < inside.length; i++) {
    if (!inside[i]) continue;
    const x = i % width, y = Math.floor(i / width);
    left = Math.min(left, x); right = Math.max(right, x + 1); top = Math.min(top, y); bottom = Math.max(bottom, y + 1);
  }
  Object.assign(small, { width: SIDE, height: SIDE });
  if (right <= left) return small;
  const scale = (0.86 * SIDE) / Math.max(right - left, bottom - top), context = small.getContext('2d');
  const [x, y] = [SIDE / 2 - (scale * (left + right)) / 2, SIDE / 2 - (scale * (top + bottom)) / 2];
  const mask = new OffscreenCanvas(width, height), image = new ImageData(width, height);
  inside.forEach((is, i) => { image.data[4 * i + 3] = 255 * is; });
  mask.getContext('2d').putImageData(image, 0, 0);
  context.imageSmoothingQuality = 'high';
  context.drawImage(mask, x, y, scale * width, scale * height);
  context.globalCompositeOperation = 'source-in';
  context.drawImage(canvas('photo'), x, y, scale * width, scale * height);
  return small;
}

function chip({ map, drop }, n) {
  const item = document.createElement('li'), button = Object.assign(document.createElement('button'), { type: 'button', className: 'chip' });
  button.setAttribute('aria-label', translate('chipDrop', { n: n + 1 }));
  button.append(thumbnail(map), Object.assign(document.createElement('i'), { textContent: '×' }));
  button.addEventListener('click', drop);
  for (const event of ['pointerenter', 'focus']) button.addEventListener(event, () => { if (map.width === studio.photo.map.width) showPiece(map, 'take'); });
  for (const event of ['pointerleave', 'blur']) button.addEventListener(event, hidePiece);
  item.append(button);
  return item;
}

function showChips() {
  const { photo, choices } = studio;
  if (!photo?.map || !photo.canPick) return;
  const picked = corrections().some(isPick);
  for (const button of page.root.querySelectorAll('[data-do=furniture]')) {
    button.setAttribute('aria-pressed', String(!picked && button.dataset.furniture === choices.pieces));
  }
  const state = JSON.stringify([currentLanguage(), threshold(), choices.pieces, canvas('photo').dataset.token, corrections(), keptPicks(corrections()).map((pick) => photo.pieces.has(keyOf(pick)))]);
  if (state === shownChips) return;
  shownChips = state;
  const pieces = keptPieces(), focused = $('.chips').contains(document.activeElement);
  $('.chips').replaceChildren(...(pieces.length > 1 || picked ? pieces.slice(0, MOST).map(chip) : []));
  if (focused) ($('.chips button') || $('.picking')).focus();
}

// All furniture, or the main piece: what was picked is undone.
function showFurniture({ dataset }) {
  actions.pieces({ dataset: { pieces: dataset.furniture } });
  const rest = corrections().filter((edit) => !isPick(edit));
  if (rest.length < corrections().length) record(rest);
}

// ---- Dots

function showDots() {
  const { photo } = studio;
  const picks = photo?.map && photo.canPick ? effectivePicks(corrections()) : [];
  const state = JSON.stringify([currentLanguage(), picks]);
  if (state !== shownDots) {
    shownDots = state;
    const focused = [...$('.dots').children].indexOf(document.activeElement);
    $('.dots').replaceChildren(...picks.flatMap((pick) => pick.points.map((_, n) => dot(pick, n))));
    if (focused >= 0) ($('.dots').children[Math.min(focused, $('.dots').childElementCount - 1)] || $('.picking')).focus();
  }
  placeDots(picks);
}

function placeDots(picks = studio.photo?.canPick ? effectivePicks(corrections()) : []) {
  const points = picks.flatMap((pick) => pick.points);
  [...$('.dots').children].forEach((mark, n) => { if (points[n] && !mark.dataset.dragged) place(mark, points[n]); });
}

function dot(pick, n) {
  const off = !pick.labels[n] || pick.do === 'take';
  const mark = Object.assign(document.createElement('button'), { type: 'button', className: off ? 'dot off' : 'dot' });
  mark.setAttribute('aria-label', translate(off ? 'dotOff' : 'dotOn'));
  mark.addEventListener('pointerdown', (event) => drag(event, mark, pick, n));
  mark.addEventListener('keydown', (event) => {
    const way = arrowOf(event);
    if (way) change(moveClick(corrections(), pick, n, pick.points[n].map((share, axis) => Math.min(1, Math.max(0, share + STEP * way[axis])))));
    if (['Delete', 'Backspace', 'Enter', ' '].includes(event.key)) change(dropClick(corrections(), pick, n));
    if (way || ['Delete', 'Backspace', 'Enter', ' '].includes(event.key)) event.preventDefault();
  });
  return mark;
}

function drag(event, mark, pick, n) {
  if (event.button > 0) return;
  event.preventDefault();
  event.stopPropagation();
  mark.focus({ preventScroll: true });
  mark.setPointerCapture(event.pointerId);
  const move = (now) => {
    if (Math.hypot(now.clientX - event.clientX, now.clientY - event.clientY) > STILL) mark.dataset.dragged = 'yes';
    if (mark.dataset.dragged) place(mark, pointOf(now));
  };
  const end = (now) => {
    mark.removeEventListener('pointermove', move);
    const dragged = mark.dataset.dragged;
    delete mark.dataset.dragged;
    if (now.type === 'pointercancel') placeDots();
    else change(dragged ? moveClick(corrections(), pick, n, pointOf(now)) : dropClick(corrections(), pick, n)).then(() => placeDots());
  };
  mark.addEventListener('pointermove', move);
  for (const name of ['pointerup', 'pointercancel']) mark.addEventListener(name, end, { once: true });
}

export function startKept() {
  onDescribe(showChips);
  onDraw(showDots);
  onZoom(() => placeDots());
  actions.furniture = showFurniture;
}
