// Pictures as numbers: blurs, distances, boxes, edges.

import constants from './constants.js';
import { regionOf } from './corrections.js';

// The width and height of a picture made smaller, if need be, so that its longer side has at most `longest` pixels.
export function fit(width, height, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

// A picture that the server sent as a data URI, decoded once and beside the page: an ImageBitmap.
export function decode(uri) {
  const [head, text] = uri.split(','), data = atob(text), bytes = new Uint8Array(data.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = data.charCodeAt(i);
  return createImageBitmap(new Blob([bytes], { type: /^data:([^;]*)/.exec(head)[1] }));
}

// A picture's or a canvas's pixels as ImageData, scaled to width × height.
export function pixelsOf(picture, width = picture.width, height = picture.height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

// Blur one channel in place by about a Gaussian: three running means along each axis.
export function blur(values, width, height, sigmaX, sigmaY = sigmaX) {
  const line = new Float32Array(Math.max(width, height));
  const pass = (start, step, length, radius) => {
    let sum = values[start] * (radius + 1);
    for (let i = 0; i < radius; i++) sum += values[start + Math.min(i, length - 1) * step];
    for (let i = 0; i < length; i++) {
      sum += values[start + Math.min(i + radius, length - 1) * step];
      line[i] = sum / (2 * radius + 1);
      sum -= i >= radius ? values[start + (i - radius) * step] : values[start];
    }
    for (let i = 0; i < length; i++) values[start + i * step] = line[i];
  };
  const radiusOf = (sigma) => Math.round((Math.sqrt(4 * sigma * sigma + 1) - 1) / 2);
  for (let turn = 0; turn < 3; turn++) {
    if (radiusOf(sigmaX)) for (let y = 0; y < height; y++) pass(y * width, 1, width, radiusOf(sigmaX));
    if (radiusOf(sigmaY)) for (let x = 0; x < width; x++) pass(x, width, height, radiusOf(sigmaY));
  }
  return values;
}

// For each pixel the nearest one where `inside` is 1: its index, and how far it is. Two sweeps of vectors.
function nearest(inside, width, height) {
  const far = 1 << 14, dx = new Int16Array(inside.length), dy = new Int16Array(inside.length);
  for (let i = 0; i < inside.length; i++) if (!inside[i]) dx[i] = dy[i] = far;
  const take = (i, from, x, y) => {
    const a = dx[from] + x, b = dy[from] + y;
    if (a * a + b * b < dx[i] * dx[i] + dy[i] * dy[i]) { dx[i] = a; dy[i] = b; }
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0, i = y * width; x < width; x++, i++) {
      if (x) take(i, i - 1, -1, 0);
      if (!y) continue;
      take(i, i - width, 0, -1);
      if (x) take(i, i - width - 1, -1, -1);
      if (x < width - 1) take(i, i - width + 1, 1, -1);
    }
    for (let x = width - 2, i = y * width + x; x >= 0; x--, i--) take(i, i + 1, 1, 0);
  }
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1, i = y * width + x; x >= 0; x--, i--) {
      if (x < width - 1) take(i, i + 1, 1, 0);
      if (y === height - 1) continue;
      take(i, i + width, 0, 1);
      if (x) take(i, i + width - 1, -1, 1);
      if (x < width - 1) take(i, i + width + 1, 1, 1);
    }
    for (let x = 1, i = y * width + x; x < width; x++, i++) take(i, i - 1, -1, 0);
  }
  return { dx, dy };
}

// The box of alpha of at least `least`: [left, top, right, bottom], or null.
function boxOf({ width, height, data }, least) {
  const box = [width, height, 0, 0];
  for (let y = 0, i = 3; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      if (data[i] < least) continue;
      if (x < box[0]) box[0] = x;
      if (y < box[1]) box[1] = y;
      if (x >= box[2]) box[2] = x + 1;
      if (y >= box[3]) box[3] = y + 1;
    }
  }
  return box[2] ? box : null;
}

// Move and soften the edge of a cutout in place, and give what is half transparent the furniture's own colour.
export function shapeEdge(image, shift, softness) {
  const unit = Math.max(image.width, image.height) / 1000, sigma = softness * unit, distance = shift * unit;
  const whole = boxOf(image, 1);
  if (!whole) return;
  const pad = Math.ceil(Math.max(distance, 0) + 3 * sigma) + 2;
  const left = Math.max(0, whole[0] - pad), top = Math.max(0, whole[1] - pad);
  const width = Math.min(image.width, whole[2] + pad) - left, height = Math.min(image.height, whole[3] + pad) - top;
  const words = new Uint32Array(image.data.buffer), alpha = new Float32Array(width * height);
  const index = (i) => (top + Math.floor(i / width)) * image.width + left + (i % width);
  for (let i = 0; i < alpha.length; i++) alpha[i] = words[index(i)] >>> 24;
  const inside = Uint8Array.from(alpha, (value) => (value >= 128 ? 1 : 0));
  const { dx, dy } = nearest(inside, width, height);
  if (distance > 0) {
    for (let i = 0; i < alpha.length; i++) alpha[i] = Math.max(alpha[i], 255 * Math.min(1, Math.max(0, 1 + distance - Math.hypot(dx[i], dy[i]))));
  } else if (distance < 0) {
    const out = nearest(inside.map((value) => 1 - value), width, height);
    for (let i = 0; i < alpha.length; i++) alpha[i] = Math.min(alpha[i], 255 * Math.min(1, Math.max(0, Math.hypot(out.dx[i], out.dy[i]) + distance)));
  }
  if (sigma) blur(alpha, width, height, sigma);
  const source = words.slice();
  for (let i = 0; i < alpha.length; i++) {
    const at = index(i), own = source[at] >>> 24, value = Math.round(alpha[i]);
    let colour = source[at];
    if (value && own < 250) { // from a little inside the nearest edge
      const away = Math.hypot(dx[i], dy[i]) || 1, deeper = 1 + 1.5 / away;
      const x = Math.min(width - 1, Math.max(0, Math.round((i % width) + dx[i] * deeper)));
      const y = Math.min(height - 1, Math.max(0, Math.round(Math.floor(i / width) + dy[i] * deeper)));
      colour = source[index(y * width + x)];
    }
    words[at] = ((colour & 0xffffff) | (value << 24)) >>> 0;
  }
}

// The box of a cutout without its specks, which count for neither frame nor place; null where it is empty.
export function objectBox(image) {
  const inside = alphaOf(image).map((value) => (value >= 128 ? 1 : 0));
  const pieces = piecesIn(inside, image.width, image.height);
  const most = pieces.reduce((count, { pixels }) => Math.max(count, pixels.length), 0);
  const boxes = pieces.filter(({ pixels }) => pixels.length * constants.render.speck >= most).map(({ box }) => box);
  return boxes.length ? boxes.reduce((a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])]) : null;
}

// The connected pieces of a picture of 1 and 0: [{pixels, box, border}, …]
export function piecesIn(inside, width, height) {
  const seen = new Uint8Array(inside.length), pieces = [];
  for (let seed = 0; seed < inside.length; seed++) {
    if (inside[seed] && !seen[seed]) pieces.push(regionOf(inside, width, height, seed, 8, seen));
  }
  return pieces;
}

export const alphaOf = ({ data }) => Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + 3]);

export function asCanvas(image) {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d').putImageData(image, 0, 0);
  return canvas;
}
