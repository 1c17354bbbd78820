// What is drawn of a photo and its map.

const PHOTO_SIDE = 1280; // of what is shown; the server keeps the whole photo
const CUTOUT_SIDE = 720;
const photoCanvas = $('.photo'), heatCanvas = $('.heat'), outlineCanvas = $('.outline'), cutoutCanvas = $('.cutout');
const slider = $('.slider');

let current = null; // the photo on the page: where it comes from, its map, and what is made of it
let moved = false; // whether the visitor chose a threshold; until then the weights' own is right

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

function pixelsOf(picture, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function readMap(picture, width = picture.width, height = picture.height) {
  const words = new Uint32Array(pixelsOf(picture, width, height).data.buffer);
  return { width, height, values: new Uint8Array(words.map((word) => word & 255)) };
}

// Everything that is made once per photo, before any slider moves.
function takeMap(answer, photo, picture) {
  drawPhoto(photo);
  const [width, height] = fit(answer.width, answer.height, CUTOUT_SIDE);
  const colours = pixelsOf(photo, width, height);
  Object.assign(current, {
    weights: answer.weights.name,
    width: answer.width,
    height: answer.height,
    map: readMap(picture),
    cutoutMap: readMap(picture, width, height),
    colours: new Uint32Array(colours.data.buffer),
    cutout: new ImageData(width, height),
  });
  current.histogram = histogram(current.map);
  current.small = shrink(current.map, 384);
  cutoutCanvas.width = width;
  cutoutCanvas.height = height;
  drawHeat(current.map);
}

function drawHeat({ width, height, values }) {
  heatCanvas.width = width;
  heatCanvas.height = height;
  const image = new ImageData(width, height), colours = heatColours();
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < values.length; i++) words[i] = colours[values[i]];
  heatCanvas.getContext('2d').putImageData(image, 0, 0);
}

function drawOutline() {
  const box = photoCanvas.getBoundingClientRect();
  const density = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(box.width * density)), height = Math.max(1, Math.round(box.height * density));
  if (outlineCanvas.width !== width || outlineCanvas.height !== height) {
    outlineCanvas.width = width;
    outlineCanvas.height = height;
  }
  const context = outlineCanvas.getContext('2d');
  context.clearRect(0, 0, width, height);
  if (!current?.map) return;
  const across = width / current.map.width, down = height / current.map.height;
  const path = new Path2D();
  for (const points of outlines(current.map, slider.value / 100)) {
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

function drawCutout() {
  if (!current?.map) {
    cutoutCanvas.getContext('2d').clearRect(0, 0, cutoutCanvas.width, cutoutCanvas.height);
    return;
  }
  cutOut(current.cutoutMap, slider.value / 100, current.colours, new Uint32Array(current.cutout.data.buffer));
  cutoutCanvas.getContext('2d').putImageData(current.cutout, 0, 0);
}

let drawing = false, describing = null;
function redraw() { // at most once per frame, however fast the slider moves
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    drawOutline();
    drawCutout();
    showThreshold();
  });
  describing ??= setTimeout(() => { // words need not follow every frame
    describing = null;
    describeResult();
  }, 80);
}
