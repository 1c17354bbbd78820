// A closer look at the photo.

import { $, actions, page } from './page.js';
import { onView } from './stage.js';
import { redraw, view } from './studio.js';

const CLOSEST = 8, STEP = 1.6; // how many times larger at most, and with a click
const listeners = []; // functions that follow the zoom
let zoom = 1, panX = 0, panY = 0; // the sheet's scale, and where it lies, as shares of the frame

export const zoomFactor = () => zoom;

// Where a point of the photo is in its frame: shares of both.
export const inFrame = ([x, y]) => [panX + zoom * x, panY + zoom * y];

export const onZoom = (listener) => listeners.push(listener);

// What is zoomed, as large as it is unzoomed: the photo's frame, or the cutout's.
const lookedAt = () => (view() === 'cutout' ? $('.cutout-frame') : $('.frame'));

// Zoom by a factor about a point of the screen, which stays where it is; about the middle if there is none.
function zoomBy(factor, clientX, clientY) {
  const frame = lookedAt().getBoundingClientRect();
  const x = clientX === undefined ? 0.5 : (clientX - frame.left) / frame.width;
  const y = clientY === undefined ? 0.5 : (clientY - frame.top) / frame.height;
  const next = Math.min(CLOSEST, Math.max(1, zoom * factor));
  panX = x - ((x - panX) * next) / zoom;
  panY = y - ((y - panY) * next) / zoom;
  zoom = next;
  showZoom();
}

// Move what is shown by some pixels of the screen.
function panBy(x, y) {
  const frame = lookedAt().getBoundingClientRect();
  panX += x / frame.width;
  panY += y / frame.height;
}

// One of two fingers has moved, from one pointer event to the next; the other rests.
export function pinch(before, now, other) {
  const gap = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY) || 1;
  panBy((now.clientX - before.clientX) / 2, (now.clientY - before.clientY) / 2);
  zoomBy(gap(now) / gap(before), (now.clientX + other.clientX) / 2, (now.clientY + other.clientY) / 2);
}

function showZoom() {
  panX = Math.min(0, Math.max(1 - zoom, panX)); // no view beyond the photo
  panY = Math.min(0, Math.max(1 - zoom, panY));
  const transform = zoom === 1 ? '' : `translate(${100 * panX}%, ${100 * panY}%) scale(${zoom})`;
  for (const looked of ['.sheet', 'canvas.cutout']) $(looked).style.transform = transform;
  page.root.classList.toggle('zoomed', zoom > 1);
  $('[data-do=zoomReset]').hidden = zoom === 1;
  $('[data-do=zoomOut]').disabled = zoom === 1;
  $('[data-do=zoomIn]').disabled = zoom === CLOSEST;
  for (const listener of listeners) listener();
  redraw();
}

export function resetZoom() {
  zoom = 1;
  panX = panY = 0;
  showZoom();
}

function turnWheel(event) {
  if (!['heat', 'cutout', 'unsure'].includes(view())) return;
  if (event.ctrlKey) zoomBy(Math.exp(-event.deltaY / 200), event.clientX, event.clientY);
  else if (zoom > 1) {
    panBy(-event.deltaX, -event.deltaY);
    showZoom();
  } else return;
  event.preventDefault();
}

// ---- Dragged by a mouse or a finger, pinched by two

const fingers = new Map(); // those that are down: id → event
const isLook = ({ target }) => target.closest('.frame, .large') && !target.closest('.easel, button, input');

function fingerDown(event) {
  if (!isLook(event) || event.button > 0) return;
  fingers.set(event.pointerId, event);
  if (zoom > 1) $('.stage').setPointerCapture(event.pointerId);
}

function fingerMove(event) {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  if (fingers.size === 2) pinch(before, event, [...fingers.values()].find(({ pointerId }) => pointerId !== event.pointerId));
  else if (zoom > 1) {
    panBy(event.clientX - before.clientX, event.clientY - before.clientY);
    showZoom();
  }
  fingers.set(event.pointerId, event);
}

export function startZoom() {
  onView(() => { if (['compare', 'steps'].includes(view())) resetZoom(); });
  const stage = $('.stage');
  stage.addEventListener('wheel', turnWheel, { passive: false });
  stage.addEventListener('pointerdown', fingerDown);
  stage.addEventListener('pointermove', fingerMove);
  for (const end of ['pointerup', 'pointercancel']) stage.addEventListener(end, ({ pointerId }) => fingers.delete(pointerId));
  Object.assign(actions, { zoomIn: () => zoomBy(STEP), zoomOut: () => zoomBy(1 / STEP), zoomReset: resetZoom });
}
