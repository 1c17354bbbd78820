// What is drawn of a photo and its map: one photo, several views.

import { drawFinished } from './composer.js';
import constants from './constants.js';
import { follower } from './following.js';
import { heatColours, outlines, rgba } from './map.js';
import { $, actions, page } from './page.js';
import { asCanvas, fit } from './pixels.js';
import { canvas, cutPixels, isMoving, maskPicture, onDraw, paint, redraw, studio, threshold, updateMap, view } from './studio.js';
import { onLanguageChange, translate } from './words.js';

const VIEWS = ['heat', 'cutout', 'compare', 'unsure', 'steps'];
const CUTOUT_SIDE = 960, SMALL_SIDE = 720, STEP_SIDE = 420; // of the cutout in the photo's place, beside it, and as a step
const HURRIED_SIDE = 360; // beside it, while something moves
const SLOW_MS = 12; // from which a drawing takes too much of a frame
const OUTLINE_SIDE = 3200; // at most, however closely one looks
const HURRIED = 3; // of so many points of the outline one is drawn while something moves: they are less than a pixel apart
const APART = 1.5; // pixels of the map from one point of the outline to the next, at most
const listeners = [];
const COLOURS = { casing: [20, 18, 10, 153], line: [255, 243, 184, 255] }; // dark around it, so that it shows on bright photos too
const [CASING, LINE] = Object.values(COLOURS).map(([r, g, b, a]) => `rgba(${r}, ${g}, ${b}, ${a / 255})`);
const DABS = [[2, rgba(...COLOURS.casing)], [0, rgba(...COLOURS.line)]]; // the same, and how much wider than the line

const HEAT = heatColours(), heatChanges = follower(); // what the map's canvas shows, for any photo
let heated = null, outlined = null; // the map that it shows, and what the outline's canvas shows besides
let took = 0, firstHalf = 0; // what the last whole drawing took, and the first half of the one that is being done
let isLate = false; // whether the cutout is one behind
let dabbed = null; // the ImageData of an outline while something moves

// Draw the map in its colours: the box in which it has changed, or null.
function drawHeat() {
  const { map } = studio.photo, box = heated === map ? null : heatChanges(map);
  heated = map;
  if (box) paint(canvas('heat'), map, HEAT, box);
  return box;
}

// Draw the outline. While a brush moves and nothing but a box of the map has changed, that is enough.
function drawOutline(changed) {
  const box = canvas('photo').getBoundingClientRect(); // zoomed as it is
  const density = Math.min(window.devicePixelRatio || 1, OUTLINE_SIDE / Math.max(box.width, box.height, 1));
  const width = Math.max(1, Math.round(box.width * density)), height = Math.max(1, Math.round(box.height * density));
  const outline = canvas('outline'), context = outline.getContext('2d'), { map } = studio.photo || {};
  if (outline.width !== width || outline.height !== height) Object.assign(outline, { width, height });
  const now = map && [map.width, map.height, width, height, threshold()].join(), isPart = isMoving() && now === outlined;
  outlined = now;
  if (isPart && !changed) return;
  if (!map) {
    context.clearRect(0, 0, width, height);
    return;
  }
  const line = density * Math.min(1.75, Math.max(1.1, box.width / 400)); // finer on a small photo
  const scale = [width / map.width, height / map.height], step = isMoving() ? HURRIED : 1;
  if (isPart) {
    within(context, changed, scale, 2 * line + 1, (part) => strokeOutline(context, outlinePart(map, ...scale, step, part), line, LINE));
  } else if (isMoving() && APART * Math.max(...scale) <= Math.round(line) + 1) {
    dabOutline(context, map, scale, Math.round(line));
  } else {
    context.clearRect(0, 0, width, height);
    strokeOutline(context, outlinePath(map, ...scale, step), line, LINE);
  }
}

// The outline in square dabs, a whole number of pixels wide: a browser strokes it several times as long.
function dabOutline(context, map, [across, down], line) {
  const { width, height } = context.canvas, found = outlines(map, threshold());
  if (dabbed?.width !== width || dabbed.height !== height) dabbed = new ImageData(width, height);
  const words = new Uint32Array(dabbed.data.buffer).fill(0);
  for (const [wider, colour] of DABS) {
    const side = line + wider;
    for (const points of found) {
      for (let i = 0; i < points.length; i += 2) {
        const left = Math.round(points[i] * across - side / 2), top = Math.round(points[i + 1] * down - side / 2);
        if (left < 0 || top < 0 || left + side > width || top + side > height) continue;
        for (let y = 0, at = top * width + left; y < side; y++, at += width) for (let x = 0; x < side; x++) words[at + x] = colour;
      }
    }
  }
  context.putImageData(dabbed, 0, 0);
}

// Draw anew what lies in a box of the map or touches it by less than `margin`; `draw` is given the part of the map that
// may be seen there.
function within(context, [left, top, right, bottom], [across, down], margin, draw) {
  const from = [left * across, top * down].map((edge) => Math.floor(edge - across - down - margin));
  const to = [right * across, bottom * down].map((edge) => Math.ceil(edge + across + down + margin));
  const part = [from[0] - margin, from[1] - margin, to[0] + margin, to[1] + margin];
  context.save();
  context.beginPath();
  context.rect(from[0], from[1], to[0] - from[0], to[1] - from[1]);
  context.clip();
  context.clearRect(from[0], from[1], to[0] - from[0], to[1] - from[1]);
  draw(part);
  context.restore();
}

// A line of a colour, in a dark casing.
export function strokeOutline(context, path, line, colour) {
  context.lineJoin = 'round';
  for (const [style, lineWidth] of [[CASING, 2.3 * line], [colour, line]]) {
    Object.assign(context, { strokeStyle: style, lineWidth });
    context.stroke(path);
  }
}

// The outline on a canvas whose pixels are `across` and `down` to one of the map: of its points every `step`-th.
export function outlinePath(map, across, down, step = 1) {
  const path = new Path2D();
  for (const points of outlines(map, threshold())) {
    path.moveTo(points[0] * across, points[1] * down);
    for (let i = 2 * step; i < points.length; i += 2 * step) path.lineTo(points[i] * across, points[i + 1] * down);
    path.closePath();
  }
  return path;
}

// The lines of the outline that begin or end in a part of the canvas, [left, top, right, bottom].
function outlinePart(map, across, down, step, [left, top, right, bottom]) {
  const path = new Path2D();
  for (const points of outlines(map, threshold())) {
    for (let i = 0, wasIn = false; i < points.length + 2 * step; i += 2 * step) {
      const at = i < points.length ? i : 0, x = points[at] * across, y = points[at + 1] * down; // back to the first at last
      const isIn = x >= left && x <= right && y >= top && y <= bottom;
      if (i && (isIn || wasIn)) path.lineTo(x, y);
      else path.moveTo(x, y);
      wasIn = isIn;
    }
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

// While something moves and all of it takes too long, a drawing is done in two frames: the map and the outline in one,
// the cutout and the outline in the next.
function draw() {
  const { photo } = studio, begun = performance.now();
  if (!photo?.map) {
    const cutout = canvas('cutout');
    cutout.getContext('2d').clearRect(0, 0, cutout.width, cutout.height);
    drawOutline();
    return;
  }
  const isHalved = isMoving() && took > SLOW_MS && view() === 'heat';
  isLate = isHalved && !isLate;
  if (!isHalved || isLate) updateMap();
  drawView();
  if (!isLate) drawCutout();
  const work = performance.now() - begun;
  if (isLate) firstHalf = work;
  else [took, firstHalf] = [firstHalf + work, 0];
}

function drawView() {
  const { map } = studio.photo, changed = view() === 'cutout' ? null : drawHeat();
  if (view() === 'heat') drawOutline(changed);
  else outlined = null;
  if (view() === 'unsure') paint(canvas('doubt'), map, doubtColours());
  if (view() === 'compare') drawFinished(canvas('after'), { ...studio.choices, trim: false, canvas: 'photo' }, CUTOUT_SIDE, true);
  if (view() === 'steps') drawSteps();
}

function drawCutout() {
  const side = view() === 'cutout' ? CUTOUT_SIDE : isMoving() ? HURRIED_SIDE : SMALL_SIDE;
  if (page.root.dataset.place === 'many' || !['unsure', 'steps'].includes(view())) drawFinished(canvas('cutout'), { ...studio.choices }, side);
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
