// Finished pictures on the page's canvases: what is plain at once, the rest by a worker, of whose work only the latest counts.

import { pictureBehind } from './backgrounds.js';
import { compose, isPlain } from './compose.js';
import { page } from './page.js';
import { fit, pixelsOf } from './pixels.js';
import { canvas as canvasOf, cutPixels, cutoutNow, studio } from './studio.js';

const PHOTO_SIDE = 480, BEHIND_SIDE = 1280; // of the photo that is blurred, and of a picture behind, in pixels
const waiting = new Map(); // canvas → the last thing that is wanted on it and not drawn yet
const plain = new WeakMap(); // canvas → {image, version} that it shows, where that is a cutout and nothing else
const numbers = new WeakMap(); // of pictures that the worker has
let worker = null, isBusy = false, pictures = 0;

// Draw the finished picture on a canvas of the page, worked out on at most `side` pixels. `aligned`: in the photo's own
// frame, to lie over it.
export function drawFinished(canvas, wanted, side, aligned = false) {
  if (isPlain(wanted) && !wanted.shift && !wanted.softness) {
    waiting.delete(canvas);
    showPlain(canvas, cutoutNow(side));
  } else {
    waiting.set(canvas, { wanted, side, aligned });
    work();
  }
  tellState();
}

// One after another; what has been wanted meanwhile is passed over.
async function work() {
  if (isBusy) return;
  isBusy = true;
  for (let next; (next = waiting.entries().next().value);) {
    const [canvas, job] = next, { photo } = studio, picture = photo?.map ? await made(job) : null;
    if (picture && studio.photo === photo && waiting.has(canvas)) show(canvas, picture);
    const isLost = !picture && photo?.map && !worker; // with the worker: the page does it itself
    if (waiting.get(canvas) === job && !isLost) waiting.delete(canvas);
  }
  isBusy = false;
  tellState();
}

async function made({ wanted, side, aligned }) {
  const behind = pictureBehind(wanted.background), image = cutPixels(side);
  const photo = wanted.background === 'blur' ? canvasOf('photo') : null;
  if (!worker) return compose(image, wanted, { photo, behind, light: behind?.light }, aligned);
  const number = behind && (await numberOf(behind));
  const small = photo && pixelsOf(photo, ...fit(photo.width, photo.height, PHOTO_SIDE));
  const given = { image, wanted, photo: small, behind: number, light: behind?.light, aligned };
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = () => { worker = null; resolve(null); }; // then the page does it itself
    worker.postMessage(given, [image.data.buffer, ...(small ? [small.data.buffer] : [])]);
  });
}

// By which number the worker knows a picture, which it is sent once.
async function numberOf(picture) {
  if (!numbers.has(picture)) {
    const [resizeWidth, resizeHeight] = fit(picture.width, picture.height, BEHIND_SIDE), number = ++pictures;
    const bitmap = await createImageBitmap(picture, { resizeWidth, resizeHeight, resizeQuality: 'high' });
    numbers.set(picture, number);
    worker.postMessage({ number, picture: bitmap }, [bitmap]);
  }
  return numbers.get(picture);
}

// Show a cutout as `cutoutFollower` gives it: all of it, or the rows that are not there yet.
function showPlain(canvas, { image, rows, version }) {
  const { image: before, version: seen } = plain.get(canvas) || {};
  fitTo(canvas, image);
  plain.set(canvas, { image, version });
  const [first, end] = before === image && version - seen < 2 ? rows : [0, image.height];
  if (before !== image || version !== seen) canvas.getContext('2d').putImageData(image, 0, 0, 0, first, image.width, end - first);
}

function show(canvas, picture) {
  const context = canvas.getContext('2d');
  fitTo(canvas, picture);
  plain.delete(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
}

function fitTo(canvas, { width, height }) {
  if (canvas.width === width && canvas.height === height && plain.has(canvas)) return;
  Object.assign(canvas, { width, height });
  canvas.parentElement.style.setProperty('--own-ratio', width / height);
}

// Whether something is still to be drawn.
function tellState() {
  page.root.toggleAttribute('data-drawing', isBusy || waiting.size > 0);
}

export function startComposer() {
  try {
    worker = new Worker(window.chairliftModules.beside, { type: 'module' });
    worker.onerror = () => { worker = null; };
  } catch { /* forbidden: the page does it itself */ }
}
