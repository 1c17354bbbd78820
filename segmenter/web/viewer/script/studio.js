// What the parts of the studio share: the photo on the page, the threshold, the choices, and what is made of them.

import constants from './constants.js';
import { applyEdits } from './corrections.js';
import { cutoutFollower } from './following.js';
import { cutoff, describe, histogram, shrink } from './map.js';
import { $, page } from './page.js';
import { isPick, pickedMap, pickedPoints } from './picks.js';
import { withoutScraps } from './pieces.js';
import { fit, pixelsOf } from './pixels.js';
import { findPlaces } from './uncertainty.js';

const PHOTO_SIDE = constants.page.photo_side; // of what is shown, in pixels; the server keeps the whole photo
const FIGURES_SIDE = 384; // of the map that the figures are read from
const PLACES_SIDE = 480; // of the map on which places to check are looked for: on all of it that takes longer than a frame
const STEP_SIDE = 420; // of a cutout as one of the steps
const DESCRIBING_MS = 80; // after a change; words do not follow while something moves
const MOVING_MS = 120; // between two drawings while something moves, at most

export const studio = {
  photo: null, // the one on the page: where it comes from, its map, its pieces, its corrections, and what is made of them
  thresholdChosen: false, // whether the visitor chose one; until then the weights' own is right
  choices: { ...constants.choices.defaults }, // of the finish panel
  origin: {}, // the last answer's `weights` and `notice`
};

export const canvas = (name) => $('canvas.' + name);
export const slider = () => $('#chairlift-threshold');
export const threshold = () => slider().value / 100;
export const view = () => page.root.dataset.view;
export const corrections = () => studio.photo?.edits || [];

// What the server takes: the choices, the threshold with them.
export const chosenFinish = () => ({ ...studio.choices, threshold: threshold() });

export function setThreshold(share, chosen = false) {
  slider().value = Math.round(100 * share);
  if (chosen) studio.thresholdChosen = true;
}

// ---- The photo and its map

export function drawPhoto(picture) {
  const photo = canvas('photo'), [width, height] = fit(picture.width, picture.height, PHOTO_SIDE);
  Object.assign(photo, { width, height });
  page.root.style.setProperty('--ratio', width / height);
  const context = photo.getContext('2d');
  context.fillStyle = 'white'; // under transparent pictures, as the server sees them
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
}

export function readMap(picture) {
  const { width, height, data } = pixelsOf(picture), values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = data[4 * i];
  return { width, height, values };
}

// Everything that is made once per photo, before any slider moves.
export function takeMap(answer, photo, picture) {
  drawPhoto(photo);
  const { weights: { name: weights }, width, height, size, canPick } = answer;
  Object.assign(studio.photo, { weights, width, height, size, canPick, base: readMap(picture), pieces: new Map() });
  correctMap();
}

const settledPoints = (edits, ...answers) => edits.filter(({ do: answer, at }) => at && answers.includes(answer)).map(({ at }) => at);

// What a person has answered already: pieces and gaps that were kept or dropped, and pieces that were picked.
const answeredPoints = (edits) => [...settledPoints(edits, 'keep', 'drop'), ...pickedPoints(edits)];

// The map without scraps, unless all pieces are wanted, and with the corrections in it: at every new correction, and,
// as both depend on it, threshold.
export function correctMap() {
  const { photo, choices } = studio;
  setMap(mapWith(photo.edits));
  photo.correctedFor = choices.pieces + threshold();
}

function mapWith(edits) {
  const byHand = edits.filter((edit) => !isPick(edit));
  const chosen = byHand.length < edits.length ? pickedMap(edits, studio.photo.pieces, () => furniture(edits)) : furniture(edits);
  return applyEdits(chosen, byHand, threshold());
}

function furniture(edits) {
  const { photo: { base }, choices } = studio;
  return choices.pieces === 'all' ? base : withoutScraps(base, threshold(), settledPoints(edits, 'keep'));
}

// Make the map anew where the threshold or the choice of pieces has changed; a stroke that is being drawn waits.
export function updateMap() {
  const { photo, choices } = studio;
  if (!photo.stroke && photo.correctedFor !== choices.pieces + threshold()) correctMap();
}

export function setMap(map) {
  if (studio.photo.map === map) return;
  studio.photo.map = map;
  studio.photo.histogram = null; // the figures wait until somebody reads them
}

// What deserves a look in the result, see uncertainty.js: found once for each map and threshold.
export function placesToCheck() {
  const { photo } = studio, { map, edits } = photo, at = threshold();
  if (photo.places?.map !== map || photo.places.at !== at) {
    photo.places = { map, at, found: findPlaces(shrink(map, PLACES_SIDE), at, answeredPoints(edits)) };
  }
  return photo.places.found;
}

// What would deserve a look if these were the corrections.
export const placesWith = (edits) => findPlaces(shrink(mapWith(edits), PLACES_SIDE), threshold(), answeredPoints(edits));

export function figures() {
  const { photo } = studio;
  photo.histogram ??= { counts: histogram(photo.map), small: shrink(photo.map, FIGURES_SIDE) };
  return describe(photo.histogram.counts, photo.histogram.small, threshold());
}

// Write a map on a canvas, each value in its colour; or a box of it, [left, top, one beyond the right, one beyond the
// bottom], where all else is there already.
export function paint(canvas, { width, height, values }, colours, [left, top, right, bottom] = [0, 0, width, height]) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(right - left, bottom - top), pixels = new Uint32Array(image.data.buffer);
  for (let y = top, i = 0; y < bottom; y++) {
    for (let at = y * width + left, end = y * width + right; at < end; at++, i++) pixels[i] = colours[values[at]];
  }
  canvas.getContext('2d').putImageData(image, left, top);
}

export function maskPicture(map) {
  const picture = new OffscreenCanvas(map.width, map.height), lowest = cutoff(threshold());
  paint(picture, map, Uint32Array.from({ length: 256 }, (_, value) => (value >= lowest ? 0xffffffff : 0xff000000)));
  return picture;
}

// The photo's pixels with the cutout's alpha, at most `side` pixels long.
export function cutPixels(side = STEP_SIDE) {
  const { image: { data, width, height } } = cutoutNow(side);
  return new ImageData(data.slice(), width, height);
}

// The same, but not to be changed: it is what the next one will be made of; see `cutoutFollower`.
export function cutoutNow(side) {
  const { photo } = studio;
  photo.cutouts ??= new Map();
  if (!photo.cutouts.has(side)) {
    photo.cutouts.set(side, cutoutFollower(side, (...size) => new Uint32Array(pixelsOf(canvas('photo'), ...size).data.buffer)));
  }
  return photo.cutouts.get(side)(photo.map, threshold());
}

// ---- Drawing again

const drawers = [], describers = [];
let drawing = false, describing = null, resting = null, drawn = 0, moving = false;

export const onDraw = (drawer) => drawers.push(drawer); // in the next frame after a change
export const onDescribe = (describer) => describers.push(describer); // a moment after a change, once nothing moves

// Whether one drawing follows another, as when a slider moves: once it rests, all is drawn again.
export const isMoving = () => moving;

export function redraw() { // at most once per frame, however fast the slider moves
  if (drawing) return;
  drawing = true;
  requestAnimationFrame((now) => {
    drawing = false;
    moving = now - drawn < MOVING_MS;
    drawn = now;
    for (const drawer of drawers) drawer();
    clearTimeout(resting);
    resting = moving ? setTimeout(rest, MOVING_MS) : null;
    if (!moving) describing ??= setTimeout(describeAll, DESCRIBING_MS);
  });
}

function describeAll() {
  describing = null;
  if (!moving) for (const describer of describers) describer(); // else once it rests and all is drawn again
}

function rest() {
  moving = false;
  redraw();
}
