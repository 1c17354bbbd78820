// What is read from a probability map, without a page: maps in, numbers and curves out.
// A map is {width, height, values}: 8 bits a pixel, row by row, 255 = surely furniture.
// The figures are those of segmenter/render/alpha.py, so that the page and the downloaded file agree.

import constants from './constants.js';

const { ramp: RAMP, rim: RIM } = constants.alpha;
const { yellow: YELLOW, shade: SHADE, opacity: OPACITY } = constants.heatmap;

// The smallest 8-bit value that is furniture at a threshold of 0 … 1.
export const cutoff = (threshold) => Math.max(1, Math.ceil(threshold * 255 - 1e-6));

export const rgba = (r, g, b, a) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0; // as a little-endian word

// 256 colours that, laid over the photo, give segmenter.render.heatmap: shade first, then yellow.
export function heatColours() {
  return Uint32Array.from({ length: 256 }, (_, value) => {
    const p = value / 255;
    const yellow = OPACITY * p;
    const alpha = 1 - (1 - SHADE * OPACITY * (1 - p)) * (1 - yellow);
    const part = alpha ? yellow / alpha : 0;
    return rgba(...YELLOW.map((channel) => Math.round(channel * part)), Math.round(alpha * 255));
  });
}

// How far from the outline alpha is soft at most, in pixels of the map.
export const rimOf = ({ width, height }) => Math.max(2, Math.round(Math.max(width, height) * RIM));

// For each value of the map, the opacity (0 … 255) near the outline.
function alphaRamp(threshold) {
  const below = Math.max(Math.min(RAMP, threshold), 1e-6);
  const above = Math.max(Math.min(RAMP, 1 - threshold), 1e-6);
  return Uint8Array.from({ length: 256 }, (_, value) => {
    const offset = value / 255 - threshold;
    const ramp = 0.5 + (0.5 * offset) / (offset < 0 ? below : above);
    return Math.round(255 * Math.min(1, Math.max(0, ramp)));
  });
}

// How many of the (2 radius + 1)² neighbours of each pixel pass `test`, a table of 256 zeros and ones.
// Outside the map there is nothing to count. Of the rows that are not in the range `wanted` nothing is said.
export function countNear({ width, height, values }, test, radius, wanted = [0, height]) {
  const first = Math.max(0, wanted[0] - radius), end = Math.min(height, wanted[1] + radius);
  const rows = new Uint8Array(width * height);
  for (let y = first, start = first * width; y < end; y++, start += width) {
    let count = 0;
    for (let x = 0; x < Math.min(radius, width); x++) count += test[values[start + x]];
    for (let x = 0; x < width; x++) {
      if (x + radius < width) count += test[values[start + x + radius]];
      rows[start + x] = count;
      if (x >= radius) count -= test[values[start + x - radius]];
    }
  }
  const counts = new Uint8Array(width * height);
  const sums = new Uint16Array(width);
  for (let y = first - radius; y < wanted[1]; y++) {
    const enters = (y + radius) * width, leaves = (y - radius - 1) * width, at = y * width;
    if (y + radius < end) for (let x = 0; x < width; x++) sums[x] += rows[enters + x];
    if (y - radius > first) for (let x = 0; x < width; x++) sums[x] -= rows[leaves + x];
    if (y >= wanted[0]) for (let x = 0; x < width; x++) counts[at + x] = sums[x];
  }
  return counts;
}

const tableOf = (test) => Uint8Array.from({ length: 256 }, (_, value) => (test(value) ? 1 : 0));

// Write the cutout's alpha at a threshold into `pixels`, words of RGBA whose colours are the photo's: those of a range of
// rows, [first, one beyond the last].
export function cutOut(map, threshold, colours, pixels, rows = [0, map.height]) {
  const { width, height, values } = map;
  const radius = rimOf(map);
  const lowest = cutoff(threshold), ramp = alphaRamp(threshold);
  const inside = countNear(map, tableOf((value) => value >= lowest), radius, rows);
  const across = Uint8Array.from({ length: width }, (_, x) => Math.min(x + radius, width - 1) - Math.max(x - radius, 0) + 1);
  for (let y = rows[0], i = rows[0] * width; y < rows[1]; y++) {
    const down = Math.min(y + radius, height - 1) - Math.max(y - radius, 0) + 1;
    for (let x = 0; x < width; x++, i++) {
      const near = inside[i];
      const alpha = near === 0 ? 0 : near === across[x] * down ? 255 : ramp[values[i]];
      pixels[i] = (colours[i] & 0xffffff) | (alpha << 24);
    }
  }
}

// Values by fours: what is all 0 is passed over four times as fast.
export const quadsOf = (values) => new Uint32Array(values.buffer, 0, values.length >> 2);

// The curves along which the map crosses the threshold, holes included: closed polygons as flat
// lists x, y, x, y … in pixels of the map, between pixel centres. Each follows the cracks between
// pixels inside and outside, furniture on the right hand, and shifts every crack to where the
// probability crosses.
export function outlines({ width, height, values }, threshold) {
  const lowest = cutoff(threshold), level = threshold * 255;
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : values[y * width + x]);
  const visited = new Uint8Array(width * height), quads = quadsOf(values); // visited: of the cracks to the left of a pixel
  const forward = [[0, -1], [1, 0], [0, 1], [-1, 0]];
  const follow = (startX, startY) => {
    const points = [];
    let x = startX, y = startY, way = 0;
    do {
      const [fx, fy] = forward[way], [lx, ly] = forward[(way + 3) & 3];
      const here = at(x, y), there = at(x + lx, y + ly);
      const step = Math.min(1, (here - level) / (here - there));
      points.push(x + 0.5 + lx * step, y + 0.5 + ly * step);
      if (way === 0) visited[y * width + x] = 1;
      if (at(x + fx, y + fy) < lowest) way = (way + 1) & 3;
      else {
        x += fx; y += fy;
        if (at(x + lx, y + ly) >= lowest) { x += lx; y += ly; way = (way + 3) & 3; }
      }
    } while (x !== startX || y !== startY || way !== 0);
    return points;
  };
  const found = [];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0, left = 0; x < width; x++, i++) {
      const value = values[i];
      if (value >= lowest && left < lowest && !visited[i]) found.push(follow(x, y));
      left = value;
      while (!value && x + 4 < width && (i & 3) === 3 && !quads[(i + 1) >> 2]) { x += 4; i += 4; }
    }
  }
  return found;
}

// For each of `to` equal stretches of a line of `from` pixels: the first pixel that it touches, how many it touches, and
// from `most` times its number on the share that each of them has in it.
function stretches(from, to) {
  const most = Math.ceil(from / to) + 1, firsts = new Int32Array(to), counts = new Int32Array(to), shares = new Float64Array(to * most);
  for (let i = 0; i < to; i++) {
    const start = (i * from) / to, end = ((i + 1) * from) / to, first = Math.floor(start);
    firsts[i] = first;
    for (let at = first; at < end - 1e-9; at++) {
      shares[i * most + counts[i]++] = ((Math.min(at + 1, end) - Math.max(at, start)) * to) / from;
    }
  }
  return { most, firsts, counts, shares };
}

// A smaller map whose pixels are means, at most `longest` on its longer side.
export const shrink = (map, longest) => shrinker(longest)(map).map;

// A function that shrinks a map time and again: {map, box}, the smaller one, whose values the next call changes in place,
// and where it was made anew. Given is where the map is another than the last time (null: nowhere). A box is [left, top,
// one beyond the right, one beyond the bottom].
export function shrinker(longest) {
  let small = null, narrow = null, across = null, down = null, of = [];
  return (map, changed = [0, 0, map.width, map.height]) => {
    const { width, height, values } = map;
    if (of[0] !== width || of[1] !== height) {
      const scale = Math.min(1, longest / Math.max(width, height));
      [across, down] = [width, height].map((side) => stretches(side, Math.max(1, Math.round(side * scale))));
      const [w, h] = [across.firsts.length, down.firsts.length];
      small = { width: w, height: h, values: new Uint8Array(w * h) };
      narrow = new Float32Array(w * height);
      of = [width, height];
      changed = [0, 0, width, height];
    }
    if (!changed) return { map: small, box: null };
    const [left, right] = touched(across, changed[0], changed[2]), [top, bottom] = touched(down, changed[1], changed[3]);
    narrowRows(values, width, narrow, across, [left, changed[1], right, changed[3]]);
    averageRows(narrow, small, down, [left, top, right, bottom]);
    return { map: small, box: [left, top, right, bottom] };
  };
}

// The range of the stretches that touch a part of a line.
function touched({ firsts, counts }, begin, end) {
  let from = 0, to = firsts.length;
  while (from < to && firsts[from] + counts[from] <= begin) from++;
  while (to > from && firsts[to - 1] >= end) to--;
  return [from, to];
}

// Shrink each row to as many pixels as there are stretches: those in a box of what comes of it.
function narrowRows(values, width, narrow, { most, firsts, counts, shares }, [left, top, right, bottom]) {
  for (let y = top; y < bottom; y++) {
    for (let x = left, to = y * firsts.length + left; x < right; x++, to++) {
      const first = y * width + firsts[x], share = x * most, count = counts[x];
      let sum = 0;
      for (let n = 0; n < count; n++) sum = Math.fround(sum + shares[share + n] * values[first + n]);
      narrow[to] = sum;
    }
  }
}

// Shrink each column to as many pixels as there are stretches: those in a box of what comes of it.
function averageRows(narrow, { width, values }, { most, firsts, counts, shares }, [left, top, right, bottom]) {
  const sums = new Float32Array(right - left);
  for (let y = top; y < bottom; y++) {
    sums.fill(0);
    for (let n = 0; n < counts[y]; n++) {
      const share = shares[y * most + n];
      for (let x = 0, from = (firsts[y] + n) * width + left; x < sums.length; x++, from++) sums[x] += share * narrow[from];
    }
    for (let x = 0, to = y * width + left; x < sums.length; x++, to++) values[to] = sums[x] + 0.5; // rounded
  }
}

// How many pixels there are of each value.
export function histogram({ values }) {
  const counts = new Uint32Array(256);
  for (let i = 0; i < values.length; i++) counts[values[i]]++;
  return counts;
}

// Parts that are at least a twentieth of the largest and a two-thousandth of the photo.
function countPieces({ width, height, values }, threshold) {
  const lowest = cutoff(threshold), wide = width + 2; // a border of one pixel spares asking for the edges
  const open = new Uint8Array(wide * (height + 2));
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0, at = (y + 1) * wide + 1; x < width; x++, i++, at++) open[at] = values[i] >= lowest ? 1 : 0;
  }
  const neighbours = [-wide - 1, -wide, -wide + 1, -1, 1, wide - 1, wide, wide + 1];
  const stack = new Int32Array(width * height);
  const areas = [];
  for (let start = 0; start < open.length; start++) {
    if (!open[start]) continue;
    let area = 0, top = 0;
    stack[top++] = start;
    open[start] = 0;
    while (top) {
      const at = stack[--top];
      area++;
      for (let n = 0; n < 8; n++) {
        const next = at + neighbours[n];
        if (open[next]) { open[next] = 0; stack[top++] = next; }
      }
    }
    areas.push(area);
  }
  const least = Math.max(areas.reduce((most, area) => Math.max(most, area), 0) / 20, values.length / 2000);
  return areas.filter((area) => area >= least).length;
}

// The result at a threshold in figures: of the map's `histogram` and of the map itself, shrunk to few pixels.
export function describe(counts, small, threshold) {
  let inside = 0, all = 0, highest = 0;
  const lowest = cutoff(threshold);
  counts.forEach((count, value) => {
    all += count;
    if (count) highest = value / 255;
    if (value >= lowest) inside += count;
  });
  return { coverage: inside / all, pieces: inside ? countPieces(small, threshold) : 0, highest };
}
