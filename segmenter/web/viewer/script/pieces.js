// The pieces of a mask, and which of them are scraps: segmenter/inference/pieces.py for maps of 8 bits.

import constants from './constants.js';
import { around, pixelAt } from './corrections.js';
import { cutoff, rimOf } from './map.js';

const { least: LEAST, link: LINK, sure: SURE, hidden: HIDDEN } = constants.pieces;

// The map without scraps: a new one, or the same where there are none. A piece that holds one of the points of `keep`,
// [x, y] in shares of width and height, is none.
export function withoutScraps(map, threshold, keep = []) {
  if (!keep.length && isDoubtful(map, threshold)) return lowered(map, threshold);
  const { values } = map, { labels, weights } = findPieces(map, cutoff(LINK * threshold), cutoff(threshold));
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  const isScrap = Uint8Array.from(weights, (weight) => (weight > 0 && weight < LEAST * heaviest ? 1 : 0));
  for (const point of keep) isScrap[labels[pixelAt(map, point)]] = 0;
  if (!isScrap.includes(1)) return map;
  const result = { ...map, values: values.slice() };
  lower(result.values, map, labels, isScrap);
  return result;
}

// Whether the pixels that reach the threshold are too unsure on the mean to be furniture.
function isDoubtful({ values }, threshold) {
  const lowest = cutoff(threshold);
  let sum = 0, count = 0;
  for (const value of values) if (value >= lowest) { sum += value; count++; }
  return count > 0 && sum < 255 * count * SURE * Math.min(1, 2 * threshold);
}

function lowered(map, threshold) {
  const highest = map.values.reduce((most, value) => Math.max(most, value), 0), factor = (HIDDEN * threshold * 255) / highest;
  return { ...map, values: map.values.map((value) => Math.round(value * factor)) };
}

// Number the sets of touching pixels of at least `low`: for each pixel its number, 0 for those below; and of each
// number the sum of the values of at least `lowest`.
function findPieces({ width, height, values }, low, lowest) {
  const labels = new Int32Array(values.length), stack = new Int32Array(values.length), weights = [0];
  for (let seed = 0; seed < values.length; seed++) {
    if (values[seed] < low || labels[seed]) continue;
    const label = weights.length;
    let weight = 0, top = 0;
    stack[top++] = seed;
    labels[seed] = label;
    while (top) {
      const at = stack[--top], x = at % width, y = (at - x) / width;
      if (values[at] >= lowest) weight += values[at];
      const left = Math.max(0, x - 1), right = Math.min(width - 1, x + 1);
      for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
        for (let next = row * width + left; next <= row * width + right; next++) {
          if (values[next] < low || labels[next]) continue;
          labels[next] = label;
          stack[top++] = next;
        }
      }
    }
    weights.push(weight);
  }
  return { labels, weights };
}

// Make scraps and their soft rims 0, in place; from there the map rises to what it was. What is nearer to another piece
// keeps its values.
function lower(values, map, labels, isScrap) {
  const { width, height } = map, rim = rimOf(map) + 1, reach = 3 * rim;
  const away = new Float32Array(values.length).fill(Infinity); // squared, from the nearest scrap
  const near = [];
  for (let at = 0; at < values.length; at++) {
    if (!isScrap[labels[at]]) continue;
    values[at] = 0;
    const x = at % width, beside = [x > 0 && at - 1, x < width - 1 && at + 1, at >= width && at - width, at + width < width * height && at + width];
    if (!beside.some((next) => next !== false && !isScrap[labels[next]])) continue;
    around(at, map, reach, (next, distance) => {
      if (isScrap[labels[next]] || labels[next] || distance >= away[next]) return;
      if (away[next] === Infinity) near.push(next);
      away[next] = distance;
    });
  }
  for (const at of near) {
    const distance = Math.sqrt(away[at]);
    let isOthers = false;
    around(at, map, Math.floor(distance), (next, square) => {
      if (labels[next] && !isScrap[labels[next]] && square < away[at]) isOthers = true;
    });
    if (!isOthers) values[at] = Math.round(values[at] * Math.min(1, Math.max(0, (distance - rim) / (2 * rim))));
  }
}
