// Corrections by hand: segmenter/render/corrections.py for maps of 8 bits.
// A correction is {do: 'keep' | 'erase', radius, points: [[x, y], …]} or {do: 'keep' | 'drop', at: [x, y]}, in shares
// of the photo's width and height; a radius is a share of its longer side.

import constants from './constants.js';
import { cutoff, rimOf } from './map.js';

const RAMP = constants.alpha.ramp;

// The value of a map that has this alpha (0 … 1) near the outline: what alphaRamp undoes.
function valueOf(alpha, threshold) {
  if (alpha >= 1) return 255;
  if (alpha <= 0) return 0;
  const lowest = cutoff(threshold);
  const reach = alpha < 0.5 ? Math.min(RAMP, threshold) : Math.min(RAMP, 1 - threshold);
  const value = Math.round(255 * (threshold + (2 * alpha - 1) * reach));
  return alpha < 0.5 ? Math.min(value, lowest - 1) : Math.max(value, lowest);
}

// Put one stretch of a stroke on a map: from point a to point b, [x, y] in shares. Stretch after stretch gives
// the same as the whole line at once, as each only raises (or lowers) what it covers.
export function brush(map, kind, radius, a, b, aims) {
  const { width, height, values } = map;
  const reach = Math.max(radius * Math.max(width, height), 0.5);
  const ax = a[0] * width - 0.5, ay = a[1] * height - 0.5; // whole numbers are pixels' centres
  const wayX = b[0] * width - 0.5 - ax, wayY = b[1] * height - 0.5 - ay;
  const length = wayX * wayX + wayY * wayY || 1;
  const left = Math.max(0, Math.floor(Math.min(ax, ax + wayX) - reach - 1)), right = Math.min(width - 1, Math.ceil(Math.max(ax, ax + wayX) + reach + 1));
  const top = Math.max(0, Math.floor(Math.min(ay, ay + wayY) - reach - 1)), bottom = Math.min(height - 1, Math.ceil(Math.max(ay, ay + wayY) + reach + 1));
  const keep = kind === 'keep';
  for (let y = top; y <= bottom; y++) {
    for (let x = left, i = y * width + left; x <= right; x++, i++) {
      const along = Math.min(1, Math.max(0, ((x - ax) * wayX + (y - ay) * wayY) / length));
      const away = Math.hypot(x - ax - along * wayX, y - ay - along * wayY);
      const covered = Math.min(1, reach - away + 0.5);
      if (covered <= 0) continue;
      const aim = aims[Math.round(255 * (keep ? covered : 1 - covered))];
      if (keep ? aim > values[i] : aim < values[i]) values[i] = aim;
    }
  }
}

// For each alpha of 0 … 255 the map's value at a threshold.
export const aimsAt = (threshold) => Uint8Array.from({ length: 256 }, (_, alpha) => valueOf(alpha / 255, threshold));

// The connected pixels of a seed's kind: {pixels, box, border}; `border`: it reaches the map's. `inside` is 1 or 0 a pixel.
export function regionOf(inside, width, height, seed, connectivity, seen = new Uint8Array(inside.length)) {
  const kind = inside[seed], stack = [seed], pixels = [];
  const box = [width, height, 0, 0];
  let border = false;
  seen[seed] = 1;
  const visit = (at) => { if (!seen[at] && inside[at] === kind) { seen[at] = 1; stack.push(at); } };
  while (stack.length) {
    const at = stack.pop(), x = at % width, y = (at - x) / width;
    pixels.push(at);
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x >= box[2]) box[2] = x + 1;
    if (y >= box[3]) box[3] = y + 1;
    const l = x > 0, r = x < width - 1, u = y > 0, d = y < height - 1;
    if (!(l && r && u && d)) border = true;
    if (l) visit(at - 1);
    if (r) visit(at + 1);
    if (u) visit(at - width);
    if (d) visit(at + width);
    if (connectivity === 4) continue;
    if (u && l) visit(at - width - 1);
    if (u && r) visit(at - width + 1);
    if (d && l) visit(at + width - 1);
    if (d && r) visit(at + width + 1);
  }
  return { pixels, box, border };
}

export function insideOf({ values }, threshold) {
  const lowest = cutoff(threshold), inside = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) inside[i] = values[i] >= lowest ? 1 : 0;
  return inside;
}

// The index of the pixel that a point in shares of width and height falls on.
export const pixelAt = ({ width, height }, [x, y]) => (
  Math.min(Math.floor(y * height), height - 1) * width + Math.min(Math.floor(x * width), width - 1));

// Visit the pixels at most `reach` away from one: fn(index, squared distance).
function around(at, { width, height }, reach, fn) {
  const x = at % width, y = (at - x) / width;
  for (let down = Math.max(-reach, -y); down <= Math.min(reach, height - 1 - y); down++) {
    for (let across = Math.max(-reach, -x); across <= Math.min(reach, width - 1 - x); across++) {
      const away = down * down + across * across;
      if (away <= reach * reach) fn(at + down * width + across, away);
    }
  }
}

// Keep or drop the island, or enclosed gap, that holds a point.
function settle(map, { do: kind, at: point }, threshold) {
  const { width, height, values } = map;
  const inside = insideOf(map, threshold), seed = pixelAt(map, point);
  const piece = inside[seed], member = new Uint8Array(values.length);
  const { pixels, border } = regionOf(inside, width, height, seed, piece ? 8 : 4, member);
  if (!piece && border) return; // the background as such is never filled
  const reach = rimOf(map) + 1;
  if (piece === (kind === 'keep' ? 1 : 0)) { // what lies deeper than its soft rim becomes sure
    for (const pixel of pixels) {
      const x = pixel % width, y = (pixel - x) / width;
      let deep = true;
      for (let n = -reach + 1; deep && n < reach; n++) {
        for (let m = -reach + 1; deep && m < reach; m++) {
          if (x + m >= 0 && x + m < width && y + n >= 0 && y + n < height && !member[pixel + n * width + m]) deep = false;
        }
      }
      if (deep) values[pixel] = 255 * piece;
    }
    return;
  }
  const skirt = new Set(); // its soft surroundings, unless they are nearer to another piece
  for (const pixel of pixels) {
    around(pixel, map, 1, (next) => {
      if (!member[next]) around(pixel, map, reach, (near) => { if (inside[near] !== piece) skirt.add(near); });
    });
  }
  for (const pixel of skirt) {
    let own = Infinity, others = Infinity;
    around(pixel, map, reach, (near, away) => {
      if (member[near]) own = Math.min(own, away);
      else if (inside[near] === piece) others = Math.min(others, away);
    });
    if (own <= others) values[pixel] = 255 * (1 - piece);
  }
  for (const pixel of pixels) values[pixel] = 255 * (1 - piece);
}

// A map as a person corrected it: a new one, or the same where there are no corrections. Picks are not among them.
export function applyEdits(map, edits, threshold) {
  if (!edits.length) return map;
  const corrected = { ...map, values: map.values.slice() }, aims = aimsAt(threshold);
  for (const edit of edits) {
    if (edit.at) settle(corrected, edit, threshold);
    else edit.points.forEach((point, n) => brush(corrected, edit.do, edit.radius, edit.points[Math.max(0, n - 1)], point, aims));
  }
  return corrected;
}
