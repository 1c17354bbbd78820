// What is drawn of a photo and its map: one photo, several views.

const PHOTO_SIDE = 1280; // of what is shown; the server keeps the whole photo
const CUTOUT_SIDE = 960, SMALL_SIDE = 720, STEP_SIDE = 420; // of the cutout in the photo's place, beside it, and as a step
const VIEWS = ['heat', 'cutout', 'compare', 'unsure', 'steps'];
const photoCanvas = $('.photo'), heatCanvas = $('.heat'), outlineCanvas = $('.outline'), cutoutCanvas = $('.cutout');
const doubtCanvas = $('.doubt'), afterCanvas = $('.after');
const slider = $('.slider');

let current = null; // the photo on the page: where it comes from, its map, and what is made of it
let moved = false; // whether the visitor chose a threshold; until then the weights' own is right
const thresholdWatchers = []; // functions of the threshold, for who else follows the slider

const threshold = () => slider.value / 100;

function fit(width, height, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

function drawPhoto(picture) {
  const [width, height] = fit(picture.width, picture.height, PHOTO_SIDE);
  photoCanvas.width = width;
  photoCanvas.height = height;
  root.style.setProperty('--ratio', width / height);
  const context = photoCanvas.getContext('2d');
  context.fillStyle = 'white'; // under transparent pictures, as the server sees them
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
}

function pixelsOf(picture, width = picture.width, height = picture.height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function readMap(picture) {
  const { width, height, data } = pixelsOf(picture);
  return { width, height, values: new Uint8Array(new Uint32Array(data.buffer).map((word) => word & 255)) };
}

// Everything that is made once per photo, before any slider moves.
function takeMap(answer, photo, picture) {
  drawPhoto(photo);
  Object.assign(current, {
    weights: answer.weights.name,
    width: answer.width,
    height: answer.height,
    size: answer.size,
    base: readMap(picture),
  });
  correctMap();
}

// The map with the corrections in it: at every new correction, and, as their edge depends on it, threshold.
function correctMap() {
  setMap(applyEdits(current.base, current.edits, threshold()));
}

function setMap(map) {
  current.map = map;
  current.histogram = null; // the figures wait until somebody reads them
}

function figures() {
  current.histogram ??= { counts: histogram(current.map), small: shrink(current.map, 384) };
  return describe(current.histogram.counts, current.histogram.small, threshold());
}

function drawHeat() {
  const { map } = current;
  if (current.heated === map) return;
  current.heated = map;
  paint(heatCanvas, map, heatColours());
}

// Write a map on a canvas, each value in its colour.
function paint(canvas, { width, height, values }, colours) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < values.length; i++) pixels[i] = colours[values[i]];
  canvas.getContext('2d').putImageData(image, 0, 0);
}

function drawOutline() {
  const box = photoCanvas.getBoundingClientRect(); // zoomed as it is
  const density = Math.min(window.devicePixelRatio || 1, 3200 / Math.max(box.width, box.height, 1));
  const width = Math.max(1, Math.round(box.width * density)), height = Math.max(1, Math.round(box.height * density));
  if (outlineCanvas.width !== width || outlineCanvas.height !== height) Object.assign(outlineCanvas, { width, height });
  const context = outlineCanvas.getContext('2d');
  context.clearRect(0, 0, width, height);
  if (!current?.map) return;
  const across = width / current.map.width, down = height / current.map.height;
  const path = new Path2D();
  for (const points of outlines(current.map, threshold())) {
    path.moveTo(points[0] * across, points[1] * down);
    for (let i = 2; i < points.length; i += 2) path.lineTo(points[i] * across, points[i + 1] * down);
    path.closePath();
  }
  context.lineJoin = 'round';
  context.strokeStyle = 'rgba(20, 18, 10, 0.6)'; // a dark casing, so that the line shows on bright photos too
  const line = density * Math.min(1.75, Math.max(1.1, box.width / 400)); // finer on a small photo
  context.lineWidth = 2.3 * line;
  context.stroke(path);
  context.strokeStyle = '#fff3b8';
  context.lineWidth = line;
  context.stroke(path);
}

// What is unsure shines, the rest steps back.
function doubtColours() {
  const at = threshold();
  return Uint32Array.from({ length: 256 }, (_, value) => {
    const near = Math.abs(value / 255 - at) <= UNSURE && value > 0;
    return near ? rgba(...YELLOW, 225) : rgba(16, 15, 13, 168);
  });
}

// ---- Views

const view = () => root.dataset.view;

function setView(name) {
  root.dataset.view = VIEWS.includes(name) ? name : 'heat';
  for (const button of root.querySelectorAll('[data-do=view]')) {
    button.setAttribute('aria-pressed', String(button.dataset.view === view()));
  }
  $(view() === 'cutout' ? '.large' : '.small').append($('.board')); // one cutout, small beside the photo or in its place
  redraw();
}

// The five steps from photo to cutout, each a picture and a sentence.
function drawSteps() {
  const { map, size: side } = current;
  const sheets = [
    (context, width, height) => context.drawImage(photoCanvas, 0, 0, width, height),
    null, // the network's square
    (context, width, height) => {
      context.drawImage(photoCanvas, 0, 0, width, height);
      context.drawImage(heatCanvas, 0, 0, width, height);
    },
    (context, width, height) => context.drawImage(maskPicture(map), 0, 0, width, height),
    (context, width, height) => context.drawImage(asCanvas(cutPixels()), 0, 0, width, height),
  ];
  const figures = $('.steps').children;
  sheets.forEach((draw, n) => {
    figures[n].hidden = !draw && !side;
    const canvas = figures[n].querySelector('canvas');
    [canvas.width, canvas.height] = draw ? fit(map.width, map.height, STEP_SIDE) : [side, side];
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    if (draw) draw(context, canvas.width, canvas.height);
    else context.drawImage(photoCanvas, 0, 0, side, side);
    figures[n].querySelector('p').textContent = say('step' + (n + 1), { size: side });
  });
}

function maskPicture(map) {
  const canvas = new OffscreenCanvas(map.width, map.height), lowest = cutoff(threshold());
  paint(canvas, map, Uint32Array.from({ length: 256 }, (_, value) => (value >= lowest ? 0xffffffff : 0xff000000)));
  return canvas;
}

// The photo's pixels with the cutout's alpha, at most `side` pixels long.
function cutPixels(side = STEP_SIDE) {
  const { map, colours } = scaled(side), image = new ImageData(map.width, map.height);
  cutOut(map, threshold(), colours, new Uint32Array(image.data.buffer));
  return image;
}

// The map and the photo's colours on at most `side` pixels, made once for each map.
function scaled(side) {
  const { map } = current;
  current.sizes ??= new Map();
  const kept = current.sizes.get(side) || {};
  if (kept.of !== map) {
    const small = Math.max(map.width, map.height) > side ? shrink(map, side) : map;
    kept.colours ??= new Uint32Array(pixelsOf(photoCanvas, small.width, small.height).data.buffer);
    current.sizes.set(side, { of: map, map: small, colours: kept.colours });
  }
  return current.sizes.get(side);
}

let drawing = false, describing = null;
function redraw() { // at most once per frame, however fast the slider moves
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
    showThreshold();
  });
  describing ??= setTimeout(() => { // words need not follow every frame
    describing = null;
    describeResult();
    if (view() === 'unsure') listDoubts();
    keepLink();
  }, 80);
}

function draw() {
  if (!current?.map) {
    cutoutCanvas.getContext('2d').clearRect(0, 0, cutoutCanvas.width, cutoutCanvas.height);
    drawOutline();
    return;
  }
  if (current.edits.length && current.correctedAt !== threshold() && !current.stroke) correctMap();
  current.correctedAt = threshold();
  if (view() !== 'cutout') drawHeat();
  if (view() === 'heat') drawOutline();
  if (view() === 'unsure') paint(doubtCanvas, current.map, doubtColours());
  if (view() === 'compare') compose(afterCanvas, { ...choices, trim: false, canvas: 'photo' }, CUTOUT_SIDE, true);
  if (view() === 'steps') drawSteps();
  const side = view() === 'cutout' ? CUTOUT_SIDE : SMALL_SIDE;
  if (view() !== 'unsure' && view() !== 'steps') compose(cutoutCanvas, choices, side);
}
