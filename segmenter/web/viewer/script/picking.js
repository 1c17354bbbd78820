// A click says which piece: it is shown under the pointer, and picked by mouse, finger, pen and keyboard.

import constants from './constants.js';
import { record } from './history.js';
import { $, actions, arrowOf, page, showMessage } from './page.js';
import { fetchMissing, pieceOf } from './picked.js';
import { addPiece, holds, isPick, keepOnly, takeAway } from './picks.js';
import { onBegin } from './photo.js';
import { failureOf } from './server.js';
import { hidePiece, partAt, showPiece } from './spotlight.js';
import { onView, setView } from './stage.js';
import { corrections, onDescribe, onDraw, studio, threshold, view } from './studio.js';
import { translate } from './words.js';
import { inFrame, onZoom, zoomFactor } from './zoom.js';

const { max_edits: MAX_EDITS, max_picks: MAX_PICKS } = constants.corrections;
const REST = 60; // milliseconds that the pointer rests before the server is asked what is under it
const STILL = 6; // pixels that a click may move
const STEP = 0.02; // of the photo's longer side: what an arrow key moves the cross
let chosen = 'only'; // what a plain click does
let hovered = null; // what is shown under the pointer: {point, map, sure}; `sure`: the server has said so
let down = null; // the pointer that is down, if it may become a click: its event
let cross = [0.5, 0.5]; // where the keyboard points, in shares of the photo's width and height
let resting = null;

const layer = () => $('.picking'), sheet = () => $('.sheet');
const rounded = (share) => Math.round(1e5 * share) / 1e5;

const canPick = () => Boolean(studio.photo?.map && studio.photo.canPick) && view() === 'heat' && !page.root.classList.contains('correcting');

export function pointOf({ clientX, clientY }) {
  const box = sheet().getBoundingClientRect();
  return [(clientX - box.left) / box.width, (clientY - box.top) / box.height].map((share) => rounded(Math.min(1, Math.max(0, share))));
}

// What a click does: as chosen, or as the keys say that are held.
const kindOf = ({ shiftKey, altKey }) => (shiftKey ? 'add' : altKey ? 'take' : chosen);

// ---- Under the pointer

async function hover(point, kind) {
  clearTimeout(resting);
  if (hovered?.sure && holds(hovered.map, point, threshold())) return showPiece(hovered.map, kind);
  const { photo } = studio, part = partAt(photo.map, point);
  hovered = part && { point, map: part, sure: false };
  if (part) showPiece(part, kind);
  else hidePiece();
  resting = setTimeout(async () => {
    const map = await pieceOf({ points: [point], labels: [1] }).catch(() => null);
    if (!map || studio.photo !== photo || !canPick() || lastPoint !== point) return;
    hovered = { point, map, sure: true };
    showPiece(map, kind);
  }, REST);
}

let lastPoint = null; // of the pointer, while it is over the photo

function noteDrag(event) {
  if (down && Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > STILL) down = null;
}

function pointerMove(event) {
  if (event.pointerType === 'touch' || event.buttons || !canPick()) return;
  lastPoint = pointOf(event);
  hover(lastPoint, kindOf(event));
}

function leave() {
  clearTimeout(resting);
  lastPoint = hovered = null;
  hidePiece();
}

// ---- A click

function pointerDown(event) {
  down = event.isPrimary && event.button === 0 && canPick() ? event : null; // a second finger means a closer look
}

function pointerUp(event) {
  if (!down || event.pointerId !== down.pointerId) return;
  down = null;
  if (!canPick()) return;
  const point = pointOf(event), seen = hovered?.sure && holds(hovered.map, point, threshold());
  pick(seen ? hovered.point : point, kindOf(event)); // what was shown is what is picked
}

// Pick the piece at a point, in shares.
function pick(point, kind) {
  const edits = corrections(), { pieces } = studio.photo;
  const wanted = {
    only: () => keepOnly(point),
    add: () => addPiece(edits, point),
    take: () => takeAway(edits, point, pieces, threshold()),
  }[kind]();
  return change(wanted, point);
}

// Let these be the corrections, once the server has found their pieces. `point` is where to show that it is at work.
export async function change(edits, point = null) {
  const { photo } = studio, before = photo.edits;
  if (edits.length > MAX_EDITS || edits.filter(isPick).length > MAX_PICKS) return showMessage(translate('pickTooMany'));
  showWorking(point);
  const maps = await Promise.all(edits.filter(isPick).map(pieceOf)).catch(() => null);
  showWorking(null);
  if (studio.photo !== photo || photo.edits !== before) return null; // something else was done meanwhile
  if (!maps || maps.includes(null)) return showMessage(translate(maps ? 'failed' : await failureOf()));
  leave();
  return record(edits);
}

function showWorking(point) {
  const mark = $('.picking .working');
  mark.hidden = !point;
  if (point) place(mark, point);
}

// Put something of the layer where a point of the photo is now.
export function place(mark, point) {
  const [x, y] = inFrame(point);
  mark.style.left = 100 * x + '%';
  mark.style.top = 100 * y + '%';
}

// ---- By keyboard

function keyDown(event) {
  if (!canPick() || event.target !== layer() || event.ctrlKey || event.metaKey) return;
  const way = arrowOf(event);
  if (way) {
    const { width, height } = studio.photo.map, step = (STEP / zoomFactor()) * Math.max(width, height);
    const within = (share) => rounded(Math.min(1, Math.max(0, share)));
    cross = [within(cross[0] + (way[0] * step) / width), within(cross[1] + (way[1] * step) / height)];
    showCross();
    hover(lastPoint = cross, kindOf(event));
  }
  if (event.key === 'Enter' || event.key === ' ') pick(cross, kindOf(event));
  if (event.key === '+') pick(cross, 'add');
  if (event.key === '-') pick(cross, 'take');
  if (way || ['Enter', ' ', '+', '-'].includes(event.key)) event.preventDefault();
}

const showCross = () => place($('.picking .cross'), cross);

function showLayer() {
  page.root.classList.toggle('can-pick', canPick());
  page.root.classList.toggle('has-pieces', Boolean(studio.photo?.map && studio.photo.canPick));
  $('.pick-hint').hidden = corrections().some(isPick);
  layer().tabIndex = canPick() ? 0 : -1;
  showCross();
}

function chooseKind(button) {
  chosen = button.dataset.kind;
  if (!canPick()) setView('heat');
  for (const each of page.root.querySelectorAll('[data-do=pickKind]')) each.setAttribute('aria-pressed', String(each === button));
}

export function startPicking() {
  const frame = $('.frame');
  layer().addEventListener('pointermove', pointerMove);
  layer().addEventListener('pointerleave', leave);
  layer().addEventListener('pointerdown', pointerDown);
  for (const [name, listener] of [['pointermove', noteDrag], ['pointerup', pointerUp]]) {
    document.addEventListener(name, listener); // the stage takes the pointer where it is dragged
  }
  document.addEventListener('pointercancel', () => { down = null; });
  frame.addEventListener('pointerdown', (event) => { if (!event.isPrimary) down = null; });
  layer().addEventListener('keydown', keyDown);
  layer().addEventListener('focus', showCross);
  layer().addEventListener('blur', leave);
  onZoom(showCross);
  onView(leave);
  onBegin(leave);
  onDraw(showLayer);
  onDescribe(fetchMissing);
  actions.pickKind = chooseKind;
}
