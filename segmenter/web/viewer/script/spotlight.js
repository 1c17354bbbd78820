// What is under the pointer, shown before it is picked: all else steps back, or the piece itself where it would go.

import { insideOf, pixelAt, regionOf } from './corrections.js';
import { cutoff, rgba } from './map.js';
import { outlinePath, strokeOutline } from './stage.js';
import { canvas, paint, studio, threshold } from './studio.js';

const BACK = rgba(16, 15, 13, 150), CLEAR = 0;
const LINE = '#ffffff';
let shown = null; // [map, kind] that is on the canvas

// The connected part of a map that holds a point, as a map of 0 and 255; null where there is none.
export function partAt(map, point) {
  const at = threshold(), seed = pixelAt(map, point);
  if (map.values[seed] < cutoff(at)) return null;
  const { pixels } = regionOf(insideOf(map, at), map.width, map.height, seed, 8), values = new Uint8Array(map.values.length);
  for (const pixel of pixels) values[pixel] = 255;
  return { ...map, values };
}

// Show a piece that would be kept alone (`only`), put to what there is (`add`) or taken away (`take`).
export function showPiece(map, kind) {
  if (shown && shown[0] === map && shown[1] === kind) return;
  shown = [map, kind];
  const sheet = canvas('spot'), lowest = cutoff(threshold()), current = studio.photo.map.values;
  const stays = kind === 'add' ? map.values.map((value, n) => Math.max(value, current[n])) : map.values;
  const [inside, outside] = kind === 'take' ? [BACK, CLEAR] : [CLEAR, BACK];
  paint(sheet, { ...map, values: stays }, Uint32Array.from({ length: 256 }, (_, value) => (value >= lowest ? inside : outside)));
  strokeOutline(sheet.getContext('2d'), outlinePath(map, 1, 1), Math.max(1.2, map.width / 480), LINE);
  sheet.dataset.kind = kind;
}

export function hidePiece() {
  if (!shown) return;
  shown = null;
  const sheet = canvas('spot');
  sheet.getContext('2d').clearRect(0, 0, sheet.width, sheet.height);
  delete sheet.dataset.kind;
}
