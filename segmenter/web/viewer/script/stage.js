// What is drawn of a photo and its map: one photo, several views.

import { drawFinished } from './composer.js';
import constants from './constants.js';
import { heatColours, outlines, rgba } from './map.js';
import { $, actions, page } from './page.js';
import { asCanvas, fit } from './pixels.js';
import { canvas, cutPixels, maskPicture, onDraw, paint, redraw, studio, threshold, updateMap, view } from './studio.js';
import { onLanguageChange, translate } from './words.js';

const VIEWS = ['heat', 'cutout', 'compare', 'unsure', 'steps'];
const CUTOUT_SIDE = 960, SMALL_SIDE = 720, STEP_SIDE = 420; // of the cutout in the photo's place, beside it, and as a step
const OUTLINE_SIDE = 3200; // at most, however closely one looks
const listeners = [];
const CASING = 'rgba(20, 18, 10, 0.6)', LINE = '#fff3b8'; // a dark casing, so that the line shows on bright photos too

function drawHeat() {
  const { map, heated } = studio.photo;
  if (heated === map) return;
  studio.photo.heated = map;
  paint(canvas('heat'), map, heatColours());
}

function drawOutline() {
  const box = canvas('photo').getBoundingClientRect(); // zoomed as it is
  const density = Math.min(window.devicePixelRatio || 1, OUTLINE_SIDE / Math.max(box.width, box.height, 1));
  const width = Math.max(1, Math.round(box.width * density)), height = Math.max(1, Math.round(box.height * density));
  const outline = canvas('outline'), context = outline.getContext('2d');
  if (outline.width !== width || outline.height !== height) Object.assign(outline, { width, height });
  context.clearRect(0, 0, width, height);
  const { map } = studio.photo || {};
  if (!map) return;
  const line = density * Math.min(1.75, Math.max(1.1, box.width / 400)); // finer on a small photo
  strokeOutline(context, outlinePath(map, width / map.width, height / map.height), line, LINE);
}

// A line of a colour, in a dark casing.
export function strokeOutline(context, path, line, colour) {
  context.lineJoin = 'round';
  for (const [style, lineWidth] of [[CASING, 2.3 * line], [colour, line]]) {
    Object.assign(context, { strokeStyle: style, lineWidth });
    context.stroke(path);
  }
}

export function outlinePath(map, across, down) {
  const path = new Path2D();
  for (const points of outlines(map, threshold())) {
    path.moveTo(points[0] * across, points[1] * down);
    for (let i = 2; i < points.length; i += 2) path.lineTo(points[i] * across, points[i + 1] * down);
    path.closePath();
  }
  return path;
}

// What is unsure shines, the rest steps back.
function doubtColours() {
  const at = threshold();
  return Uint32Array.from({ length: 256 }, (_, value) => {
    const near = Math.abs(value / 255 - at) <= constants.alpha.unsure && value > 0;
    return near ? rgba(...constants.heatmap.yellow, 225) : rgba(16, 15, 13, 168);
  });
}

// ---- Views

export const onView = (listener) => listeners.push(listener); // called when another view is chosen

export function setView(name) {
  page.root.dataset.view = VIEWS.includes(name) ? name : 'heat';
  for (const button of page.root.querySelectorAll('[data-do=view]')) {
    button.setAttribute('aria-pressed', String(button.dataset.view === view()));
  }
  if (page.root.dataset.place !== 'many') $(view() === 'cutout' ? '.large' : '.small').append($('.board')); // one cutout, small beside the photo or in its place
  for (const listener of listeners) listener();
  redraw();
}

// The five steps from photo to cutout, each a picture and a sentence.
function drawSteps() {
  const { map, size: side } = studio.photo, photo = canvas('photo');
  const sheets = [
    (context, width, height) => context.drawImage(photo, 0, 0, width, height),
    null, // the network's square
    (context, width, height) => {
      context.drawImage(photo, 0, 0, width, height);
      context.drawImage(canvas('heat'), 0, 0, width, height);
    },
    (context, width, height) => context.drawImage(maskPicture(map), 0, 0, width, height),
    (context, width, height) => context.drawImage(asCanvas(cutPixels(STEP_SIDE)), 0, 0, width, height),
  ];
  const figures = $('.steps').children;
  sheets.forEach((draw, n) => {
    figures[n].hidden = !draw && !side;
    const step = figures[n].querySelector('canvas');
    [step.width, step.height] = draw ? fit(map.width, map.height, STEP_SIDE) : [side, side];
    const context = step.getContext('2d');
    context.imageSmoothingQuality = 'high';
    if (draw) draw(context, step.width, step.height);
    else context.drawImage(photo, 0, 0, side, side);
    figures[n].querySelector('p').textContent = translate('step' + (n + 1), { size: side });
  });
}

function addSteps() {
  for (let n = 0; n < 5; n++) {
    const step = document.createElement('li');
    step.append(document.createElement('canvas'), document.createElement('p'));
    step.firstChild.setAttribute('aria-hidden', 'true');
    $('.steps').append(step);
  }
}

function draw() {
  const { photo, choices } = studio, cutout = canvas('cutout');
  if (!photo?.map) {
    cutout.getContext('2d').clearRect(0, 0, cutout.width, cutout.height);
    drawOutline();
    return;
  }
  updateMap();
  if (view() !== 'cutout') drawHeat();
  if (view() === 'heat') drawOutline();
  if (view() === 'unsure') paint(canvas('doubt'), photo.map, doubtColours());
  if (view() === 'compare') drawFinished(canvas('after'), { ...choices, trim: false, canvas: 'photo' }, CUTOUT_SIDE, true);
  if (view() === 'steps') drawSteps();
  const side = view() === 'cutout' ? CUTOUT_SIDE : SMALL_SIDE;
  if (page.root.dataset.place === 'many' || !['unsure', 'steps'].includes(view())) drawFinished(cutout, { ...choices }, side);
}

// Where the photo ends and the cutout begins, in the comparison.
function showSplit() {
  const split = $('.split');
  page.root.style.setProperty('--split', split.value + '%');
  split.setAttribute('aria-valuetext', translate('splitAt', { n: split.value }));
}

export function startStage() {
  addSteps();
  onDraw(draw);
  onLanguageChange(showSplit);
  $('.split').addEventListener('input', showSplit);
  new ResizeObserver(redraw).observe(canvas('photo'));
  actions.view = (button) => setView(button.dataset.view);
  actions.heat = () => {
    const shown = page.root.classList.toggle('bare');
    $('.peek').setAttribute('aria-pressed', String(!shown));
  };
}
