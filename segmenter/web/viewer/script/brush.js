// Corrections by hand: a brush on the photo.

import constants from './constants.js';
import { aimsAt, brush } from './corrections.js';
import { record, setCorrections, showHistory } from './history.js';
import { $, actions, arrowOf, page } from './page.js';
import { setView } from './stage.js';
import { corrections, redraw, setMap, studio, threshold } from './studio.js';
import { onZoom, pinch, resetZoom, zoomFactor } from './zoom.js';

const { max_edits: MAX_EDITS, max_points: MAX_POINTS, max_radius: MAX_RADIUS, beyond: BEYOND } = constants.corrections;
const STEP = 0.012; // of the photo's longer side: what an arrow key moves the brush
const pointers = new Map(); // those that are down: id → event
let kind = 'keep'; // or 'erase'
let cursor = [0.5, 0.5]; // in shares of the photo's width and height

const easel = () => $('.easel'), sheet = () => $('.sheet');
const correcting = () => page.root.classList.contains('correcting');
const rounded = (share) => Math.round(1e5 * share) / 1e5;
const brushRadius = () => Math.min(MAX_RADIUS, $('.brush-radius').value / 1000 / zoomFactor()); // a closer look, a finer brush

function pointOf({ clientX, clientY }) {
  const box = sheet().getBoundingClientRect();
  const within = (value) => Math.min(1 + BEYOND, Math.max(-BEYOND, value));
  return [within((clientX - box.left) / box.width), within((clientY - box.top) / box.height)].map(rounded);
}

// ---- A stroke

function startStroke(point) {
  const { photo } = studio;
  if (!photo?.map || corrections().length >= MAX_EDITS) return;
  photo.stroke = { do: kind, radius: rounded(brushRadius()), points: [point] };
  photo.aims = aimsAt(threshold());
  setMap({ ...photo.map, values: photo.map.values.slice() });
  brush(photo.map, kind, photo.stroke.radius, point, point, photo.aims);
  redraw();
}

function extendStroke(point) {
  const { stroke, map, aims } = studio.photo, last = stroke.points[stroke.points.length - 1];
  const away = Math.hypot((point[0] - last[0]) * map.width, (point[1] - last[1]) * map.height);
  if (away < Math.max(0.6, 0.1 * stroke.radius * Math.max(map.width, map.height))) return;
  stroke.points.push(point);
  brush(map, stroke.do, stroke.radius, last, point, aims);
  setMap({ ...map }); // the same values, but what was made of them is out of date
  redraw();
  if (stroke.points.length === MAX_POINTS) { endStroke(); startStroke(point); }
}

export function endStroke(keep = true) {
  const { photo } = studio, stroke = photo?.stroke;
  if (!stroke) return;
  photo.stroke = null;
  if (keep) record([...photo.edits, stroke]);
  else setCorrections(photo.edits);
}

function showTip() {
  const box = sheet().getBoundingClientRect(), frame = easel().getBoundingClientRect(), tip = $('.tip-of-brush');
  const size = 2 * brushRadius() * Math.max(box.width, box.height);
  Object.assign(tip.style, {
    width: size + 'px', height: size + 'px',
    left: box.left - frame.left + cursor[0] * box.width + 'px', top: box.top - frame.top + cursor[1] * box.height + 'px',
  });
  tip.dataset.brush = kind;
}

// ---- By mouse, finger, pen and keyboard

function pointerDown(event) {
  if (event.button > 0) return;
  event.preventDefault();
  easel().focus({ preventScroll: true });
  easel().setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, event);
  cursor = pointOf(event);
  if (pointers.size === 1) startStroke(cursor);
  else endStroke(false); // a second finger means a closer look, not a stroke
  showTip();
}

function pointerMove(event) {
  const before = pointers.get(event.pointerId);
  if (pointers.size === 2 && before) {
    const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    pinch(before, event, other);
  }
  if (before) pointers.set(event.pointerId, event);
  cursor = pointOf(event);
  if (studio.photo?.stroke && pointers.size === 1) {
    const between = event.getCoalescedEvents?.() || [];
    for (const each of between.length ? between : [event]) extendStroke(pointOf(each));
  }
  showTip();
}

function pointerEnd(event) {
  pointers.delete(event.pointerId);
  endStroke(event.type === 'pointerup');
}

function keyDown(event) {
  const way = arrowOf(event);
  const { photo } = studio;
  if (event.key === ' ' && !event.repeat && !photo?.stroke) startStroke(cursor);
  if (way) {
    const { width, height } = photo.map, step = (STEP / zoomFactor()) * Math.max(width, height);
    cursor = [cursor[0] + (way[0] * step) / width, cursor[1] + (way[1] * step) / height].map((value) => Math.min(1, Math.max(0, value)));
    if (photo.stroke) extendStroke(cursor);
    showTip();
  }
  if (way || event.key === ' ') event.preventDefault();
}

// ---- Begin and end

export function setCorrecting(on) {
  page.root.classList.toggle('correcting', on);
  easel().hidden = $('.tools').hidden = !on;
  easel().tabIndex = on ? 0 : -1;
  $('.views').hidden = $('button.correct').hidden = on;
  if (on) {
    setView('heat');
    showTip();
    easel().focus({ preventScroll: true });
  } else {
    endStroke();
    resetZoom();
  }
  showHistory();
}

function toggleCorrecting() {
  const on = !correcting();
  if (on && !studio.photo?.map) return;
  setCorrecting(on);
  if (!on) $('button.correct').focus();
}

// Whether there was something to leave.
export function leaveCorrecting() {
  const was = correcting();
  if (was) toggleCorrecting();
  return was;
}

function chooseBrush(button) {
  kind = button.dataset.brush;
  for (const each of page.root.querySelectorAll('[data-brush]')) each.setAttribute('aria-pressed', String(each === button));
  showTip();
}

export function startBrush() {
  const listeners = {
    pointerdown: pointerDown, pointermove: pointerMove, pointerup: pointerEnd, pointercancel: pointerEnd, keydown: keyDown,
    keyup: (event) => { if (event.key === ' ') endStroke(); },
    blur: () => endStroke(),
  };
  for (const [name, listener] of Object.entries(listeners)) easel().addEventListener(name, listener);
  $('.brush-radius').addEventListener('input', showTip);
  onZoom(showTip);
  Object.assign(actions, { correct: toggleCorrecting, brush: chooseBrush });
}
