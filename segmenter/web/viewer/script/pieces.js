// The pieces of a mask, and which of them are scraps: segmenter/inference/pieces.py for maps of 8 bits.

import constants from './constants.js';
import { pixelAt } from './corrections.js';
import { cutoff, histogram, quadsOf, rimOf } from './map.js';

const { least: LEAST, link: LINK, sure: SURE, usual: USUAL, ease: EASE, hidden: HIDDEN } = constants.pieces;
const FREE = 0, OTHER = 1, SCRAP = 2; // what a pixel belongs to
const histograms = new WeakMap(); // of maps that do not change, as the threshold moves far more often

// The map without scraps: a new one, or the same where there are none. A piece that holds one of the points of `keep`,
// [x, y] in shares of width and height, is none. The map given must not change afterwards.
export function withoutScraps(map, threshold, keep = []) {
  if (!keep.length && isDoubtful(map, threshold)) return lowered(map, threshold);
  const pieces = findPieces(map, cutoff(LINK * threshold), cutoff(threshold)), { weights, counts } = pieces;
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0), main = weights.indexOf(heaviest);
  const isScrap = Uint8Array.from(weights, (weight, piece) => (
    weight > 0 && (weight < LEAST * heaviest || (piece !== main && weight < asked(map, counts[piece], threshold))) ? 1 : 0));
  for (const point of keep) {
    const piece = pieceAt(pieces, map, point);
    if (piece !== undefined) isScrap[piece] = 0;
  }
  if (!isScrap.includes(1)) return map;
  const result = { ...map, values: map.values.slice() };
  lower(result.values, map, pieces, isScrap);
  return result;
}

function countsOf(map) {
  if (!histograms.has(map)) histograms.set(map, histogram(map));
  return histograms.get(map);
}

// Whether the pixels that reach the threshold are too unsure on the mean, for how many they are, to be furniture.
function isDoubtful(map, threshold) {
  const counts = countsOf(map);
  let sum = 0, count = 0;
  for (let value = cutoff(threshold); value < 256; value++) { sum += value * counts[value]; count += counts[value]; }
  return count > 0 && sum < asked(map, count, threshold);
}

// What so many pixels of a map weigh at least together, where they are not doubtful.
function asked(map, count, threshold) {
  return 255 * count * (SURE - EASE * Math.log10(count / (USUAL * map.values.length))) * Math.min(1, 2 * threshold);
}

function lowered(map, threshold) {
  const highest = countsOf(map).findLastIndex((count) => count), factor = (HIDDEN * threshold * 255) / highest;
  return { ...map, values: map.values.map((value) => Math.round(value * factor)) };
}

// The sets of touching pixels of at least `low`, as runs along the rows: the pixels from `starts` to before `ends`, those
// of row y from number `rows[y]` on; `pieces`, a number for the set of each; and of each number the values of at least
// `lowest`: `counts`, how many, and `weights`, their sum.
function findPieces({ width, height, values }, low, lowest) {
  const starts = [], ends = [], sums = [], many = [], parents = [], rows = new Int32Array(height + 1);
  const quads = quadsOf(values);
  const rootOf = (run) => {
    while (parents[run] !== run) run = parents[run] = parents[parents[run]];
    return run;
  };
  for (let y = 0, at = 0, end = width, above = 0; y < height; y++, end += width) {
    const row = at, first = rows[y] = starts.length;
    for (;;) {
      while (at < end && values[at] < low) at += at & 3 || quads[at >> 2] || at + 4 > end ? 1 : 4; // four zeros at once
      if (at === end) break;
      const start = at - row, run = starts.length;
      let sum = 0, count = 0;
      for (; at < end && values[at] >= low; at++) if (values[at] >= lowest) { sum += values[at]; count++; }
      starts.push(start); ends.push(at - row); sums.push(sum); many.push(count); parents.push(run);
      while (above < first && ends[above] < start) above++;
      for (let other = above; other < first && starts[other] <= at - row; other++) parents[rootOf(other)] = rootOf(run);
    }
    above = first;
  }
  rows[height] = starts.length;
  const pieces = new Int32Array(starts.length), weights = [], counts = [];
  for (let run = 0; run < pieces.length; run++) if (parents[run] === run) { pieces[run] = weights.push(0) - 1; counts.push(0); }
  for (let run = 0; run < pieces.length; run++) {
    const piece = pieces[run] = pieces[rootOf(run)];
    weights[piece] += sums[run]; counts[piece] += many[run];
  }
  return { starts, ends, rows, pieces, weights, counts };
}

// The number of the piece that holds a point, or undefined.
function pieceAt({ starts, ends, rows, pieces }, map, point) {
  const at = pixelAt(map, point), x = at % map.width, y = (at - x) / map.width;
  for (let run = rows[y]; run < rows[y + 1]; run++) if (starts[run] <= x && x < ends[run]) return pieces[run];
  return undefined;
}

// What each pixel belongs to.
function kindsOf({ width, height, values }, { starts, ends, rows, pieces }, isScrap) {
  const kinds = new Uint8Array(values.length);
  for (let y = 0; y < height; y++) {
    for (let run = rows[y]; run < rows[y + 1]; run++) kinds.fill(isScrap[pieces[run]] ? SCRAP : OTHER, y * width + starts[run], y * width + ends[run]);
  }
  return kinds;
}

// How far a disc of a radius reaches to each side in its rows, from the topmost one on.
const discOf = (radius) => Int32Array.from({ length: 2 * radius + 1 }, (_, n) => Math.floor(Math.sqrt(radius * radius - (n - radius) ** 2)));

// Make scraps and their soft rims 0, in place; from there the map rises to what it was. What is nearer to another piece
// keeps its values.
function lower(values, map, pieces, isScrap) {
  const { width } = map, kinds = kindsOf(map, pieces, isScrap), rim = rimOf(map) + 1;
  const { away, near } = surroundings(values, map, kinds, rimPixels(values, map, kinds, pieces, isScrap), 3 * rim);
  const isCrowded = crowds(map, pieces, isScrap, 3 * rim);
  const left = Float64Array.from({ length: 9 * rim * rim + 1 }, (_, squared) => Math.min(1, Math.max(0, (Math.sqrt(squared) - rim) / (2 * rim))));
  for (const at of near) {
    if (!values[at]) continue;
    const x = at % width, y = (at - x) / width;
    if (isCrowded(x, y) && isOthers(map, kinds, x, y, away[at])) continue;
    values[at] = Math.round(values[at] * left[away[at]]);
  }
}

// Make scraps 0, in place: the indices of their pixels that touch others.
function rimPixels(values, { width, height }, kinds, { starts, ends, rows, pieces }, isScrap) {
  const found = [];
  for (let y = 0; y < height; y++) {
    for (let run = rows[y]; run < rows[y + 1]; run++) {
      if (!isScrap[pieces[run]]) continue;
      const first = y * width + starts[run], last = y * width + ends[run] - 1;
      values.fill(0, first, last + 1);
      for (let at = first; at <= last; at++) {
        if ((at === first && starts[run] > 0) || (at === last && ends[run] < width)
          || (y > 0 && kinds[at - width] !== SCRAP) || (y < height - 1 && kinds[at + width] !== SCRAP)) found.push(at);
      }
    }
  }
  return found;
}

// What lies at most `reach` from the rims of scraps and is no piece's: `near`, indices; and of each how far `away` the
// nearest scrap is, squared; 0 elsewhere. A pixel that has another one of the scrap beside it is nobody's nearest on
// that side.
function surroundings(values, { width, height }, kinds, rims, reach) {
  const away = new Uint16Array(values.length), near = [], disc = discOf(reach);
  for (const at of rims) {
    const x = at % width, y = (at - x) / width;
    const left = kinds[at - 1] === SCRAP && x ? 0 : x, right = kinds[at + 1] === SCRAP && x < width - 1 ? 0 : width - 1 - x;
    const top = kinds[at - width] === SCRAP ? 0 : -Math.min(reach, y), bottom = kinds[at + width] === SCRAP ? 0 : Math.min(reach, height - 1 - y);
    for (let down = top; down <= bottom; down++) {
      const half = disc[down + reach], end = Math.min(half, right);
      for (let across = -Math.min(half, left), next = at + down * width + across; across <= end; across++, next++) {
        if (kinds[next] !== FREE) continue;
        const distance = down * down + across * across, before = away[next];
        if (before && distance >= before) continue;
        if (!before) near.push(next);
        away[next] = distance;
      }
    }
  }
  return { away, near };
}

// Whether a pixel is nearer than `limit`, squared, to a piece that is no scrap.
function isOthers({ width, height }, kinds, x, y, limit) {
  const reach = Math.floor(Math.sqrt(limit)), most = Math.min(limit - 1, reach * reach);
  for (let down = Math.max(-reach, -y); down <= Math.min(reach, height - 1 - y); down++) {
    const right = Math.min(reach, width - 1 - x);
    for (let across = Math.max(-reach, -x), next = (y + down) * width + x + across; across <= right; across++, next++) {
      if (kinds[next] === OTHER && down * down + across * across <= most) return true;
    }
  }
  return false;
}

// Whether a piece that is no scrap may lie within `reach` of a pixel: a function of x and y, exact to a few times that.
function crowds({ width, height }, { starts, ends, rows, pieces }, isScrap, reach) {
  const side = reach + 1, across = Math.ceil(width / side) + 2, blocks = new Uint8Array(across * (Math.ceil(height / side) + 2));
  for (let y = 0; y < height; y++) {
    const row = (Math.floor(y / side) + 1) * across + 1; // a border of one block spares asking for the edges
    for (let run = rows[y]; run < rows[y + 1]; run++) {
      if (!isScrap[pieces[run]]) blocks.fill(1, row + Math.floor(starts[run] / side), row + Math.floor((ends[run] - 1) / side) + 1);
    }
  }
  return (x, y) => {
    const block = (Math.floor(y / side) + 1) * across + Math.floor(x / side) + 1;
    for (let at = block - across; at <= block + across; at += across) if (blocks[at - 1] || blocks[at] || blocks[at + 1]) return true;
    return false;
  };
}
