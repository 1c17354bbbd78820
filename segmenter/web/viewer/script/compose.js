// The finished picture as the server would make it (segmenter/render/render.py and compositing.py), on few pixels, at the
// speed of the hand. It looks the same; the file itself is the server's. Nothing here needs a page: it runs beside it.

import constants from './constants.js';
import { frameOf } from './frame.js';
import { asCanvas, blur, objectBox, pixelsOf, shapeEdge } from './pixels.js';
import { shadowOf } from './shadow.js';

const { blur: BLUR, scarce: SCARCE } = constants.compositing;
const BACKDROP_SIDE = 160;
const ROOM_COMING = '#d8d4cc'; // until the picture of a room is there

// Fill a canvas with a picture, cropped at its middle.
function cover(context, picture, width, height) {
  const scale = Math.max(width / picture.width, height / picture.height);
  const w = picture.width * scale, h = picture.height * scale;
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
}

// The photo's background out of focus, without a ghost of the furniture: a small picture to be stretched.
function backdrop(photo, cut, frame) {
  const scale = (BACKDROP_SIDE / Math.max(frame.width, frame.height)) * frame.scale; // from the map's pixels
  const width = Math.max(1, Math.round((frame.width / frame.scale) * scale)), height = Math.max(1, Math.round((frame.height / frame.scale) * scale));
  const w = Math.max(1, Math.round(cut.width * scale)), h = Math.max(1, Math.round(cut.height * scale));
  const colours = pixelsOf(photo, w, h).data, hidden = pixelsOf(cut, w, h).data;
  const mirror = (at, length) => { const n = ((at % (2 * length)) + 2 * length) % (2 * length); return n < length ? n : 2 * length - 1 - n; };
  const channels = [0, 1, 2, 3].map(() => new Float32Array(width * height));
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const at = 4 * (mirror(y + Math.floor(frame.top * scale), h) * w + mirror(x + Math.floor(frame.left * scale), w));
      const weight = 1 - Math.min(1, hidden[at + 3] / 64);
      for (let c = 0; c < 3; c++) channels[c][i] = weight * colours[at + c];
      channels[3][i] = weight;
    }
  }
  const means = [0, 1, 2].map((c) => new Float32Array(width * height).fill(channels[c].reduce((a, b) => a + b, 0) / Math.max(1, channels[3].reduce((a, b) => a + b, 0))));
  for (const widening of [8, 4, 2, 1]) { // from far off where there is nothing nearer
    const sigma = widening * BLUR * Math.max(width, height);
    const [total, ...sums] = [3, 0, 1, 2].map((c) => blur(channels[c].slice(), width, height, sigma));
    means.forEach((mean, c) => { for (let i = 0; i < mean.length; i++) mean[i] = (sums[c][i] + SCARCE * mean[i]) / (total[i] + SCARCE); });
  }
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([means[0][i], means[1][i], means[2][i], 255], 4 * i);
  return asCanvas(image);
}

// The finished picture, as a canvas that is on no page.
//   image: ImageData of the cutout, whose edge is shaped in place
//   wanted: the choices of the finish panel
//   photo: the photo as a canvas, for the background "blur"; behind: the picture behind, and light: how much of its light
//     the furniture takes on; each may be null
//   aligned: in the photo's own frame, to lie over it
export function compose(image, wanted, { photo, behind, light }, aligned) {
  if (wanted.background !== 'transparent' || wanted.shift || wanted.softness) shapeEdge(image, wanted.shift, wanted.softness);
  const cut = asCanvas(image);
  if (isPlain(wanted)) return cut;
  const frame = aligned ? { left: 0, top: 0, scale: 1, width: image.width, height: image.height }
    : frameOf(wanted.trim || wanted.background.startsWith('room:') ? objectBox(image) : null, image, wanted, Math.max(image.width, image.height, 640));
  const { width, height } = frame, canvas = new OffscreenCanvas(width, height), context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  const picture = wanted.background === 'blur' ? backdrop(photo, cut, frame) : behind;
  if (picture) cover(context, picture, width, height);
  else if (wanted.background.startsWith('#')) fill(context, wanted.background);
  else if (wanted.background.startsWith('room:')) fill(context, ROOM_COMING);
  else if (wanted.format === 'jpeg' && wanted.background === 'transparent') fill(context, '#ffffff');
  const placed = new OffscreenCanvas(width, height), hand = placed.getContext('2d', { willReadFrequently: true });
  hand.imageSmoothingQuality = 'high';
  hand.drawImage(cut, -frame.left * frame.scale, -frame.top * frame.scale, cut.width * frame.scale, cut.height * frame.scale);
  const shadow = wanted.shadow ? shadowOf(placed, wanted.shadow) : null;
  if (shadow) context.drawImage(shadow, 0, 0, width, height);
  if (light) harmonise(hand, canvas, light, wanted.tint);
  context.drawImage(placed, 0, 0);
  return canvas;
}

// Whether the cutout itself is all that is to be seen.
export const isPlain = ({ background, shadow, trim, canvas, format }) => (
  background === 'transparent' && !shadow && !trim && canvas === 'photo' && format !== 'jpeg');

function fill(context, colour) {
  context.fillStyle = colour;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
}

const LUMA = [0.299, 0.587, 0.114]; // how much of brightness each colour is

// Give what is drawn by `hand` a little of a picture's brightness, and of its hue where that is wanted.
function harmonise(hand, picture, strength, tint) {
  const { width, height } = hand.canvas, image = hand.getImageData(0, 0, width, height), { data } = image;
  const around = pixelsOf(picture, 16, 16).data, own = [0, 0, 0], behind = [0, 0, 0];
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 127) { count++; own.forEach((_, c) => { own[c] += data[i + c]; }); }
  for (let i = 0; i < around.length; i += 4) behind.forEach((_, c) => { behind[c] += around[i + c] / 256; });
  if (!count) return;
  const bright = (colour) => (tint ? colour : colour.map(() => colour.reduce((sum, value, c) => sum + LUMA[c] * value, 0)));
  const [from, to] = [bright(own.map((sum) => sum / count)), bright(behind)];
  const gain = from.map((value, c) => 1 - strength + (strength * (to[c] + 20)) / (value + 20));
  for (let i = 0; i < data.length; i += 4) for (let c = 0; c < 3; c++) data[i + c] *= gain[c];
  hand.putImageData(image, 0, 0);
}
