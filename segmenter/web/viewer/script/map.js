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
// Outside the map there is nothing to count.
export function countNear({ width, height, values }, test, radius) {
  const rows = new Uint8Array(width * height);
  for (let y = 0, start = 0; y < height; y++, start += width) {
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
  for (let y = -radius; y < height; y++) {
    const enters = (y + radius) * width, leaves = (y - radius - 1) * width, at = y * width;
    if (y + radius < height) for (let x = 0; x < width; x++) sums[x] += rows[enters + x];
    if (y > radius) for (let x = 0; x < width; x++) sums[x] -= rows[leaves + x];
    if (y >= 0) for (let x = 0; x < width; x++) counts[at + x] = sums[x];
  }
  return counts;
}

const tableOf = (test) => Uint8Array.from({ length: 256 }, (_, value) => (test(value) ? 1 : 0));

// Write the cutout's alpha at a threshold into `pixels`, words of RGBA whose colours are the photo's.
export function cutOut(map, threshold, colours, pixels) {
  const { width, height, values } = map;
  const radius = rimOf(map);
  const lowest = cutoff(threshold), ramp = alphaRamp(threshold);
  const inside = countNear(map, tableOf((value) => value >= lowest), radius);
  const across = Uint8Array.from({ length: width }, (_, x) => Math.min(x + radius, width - 1) - Math.max(x - radius, 0) + 1);
  for (let y = 0, i = 0; y < height; y++) {
    const down = Math.min(y + radius, height - 1) - Math.max(y - radius, 0) + 1;
    for (let x = 0; x < width; x++, i++) {
      const near = inside[i];
      const alpha = near === 0 ? 0 : near === across[x] * down ? 255 : ramp[values[i]];
      pixels[i] = (colours[i] & 0xffffff) | (alpha << 24);
    }
  }
}

// The curves along which the map crosses the threshold, holes included: closed polygons as flat
// lists x, y, x, y … in pixels of the map, between pixel centres. Each follows the cracks between
// pixels inside and outside, furniture on the right hand, and shifts every crack to where the
// probability crosses.
export function outlines({ width, height, values }, threshold) {
  const lowest = cutoff(threshold), level = threshold * 255;
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : values[y * width + x]);
  const visited = new Uint8Array(width * height); // of the cracks to the left of a pixel
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
    }
  }
  return found;
}

// For each of `to` equal stretches of a line of `from` pixels: the first pixel it touches, and the
// share that each pixel has in it.
function shares(from, to) {
  return Array.from({ length: to }, (_, i) => {
    const start = (i * from) / to, end = ((i + 1) * from) / to, first = Math.floor(start);
    const parts = [];
    for (let at = first; at < end - 1e-9; at++) parts.push(((Math.min(at + 1, end) - Math.max(at, start)) * to) / from);
    return { first, parts };
  });
}

// A smaller map whose pixels are means, at most `longest` on its longer side.
export function shrink({ width, height, values }, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  const w = Math.max(1, Math.round(width * scale)), h = Math.max(1, Math.round(height * scale));
  const across = shares(width, w), down = shares(height, h);
  const narrow = new Float32Array(w * height);
  for (let y = 0; y < height; y++) {
    across.forEach(({ first, parts }, x) => {
      for (let n = 0; n < parts.length; n++) narrow[y * w + x] += parts[n] * values[y * width + first + n];
    });
  }
  const means = new Float32Array(w * h);
  down.forEach(({ first, parts }, y) => {
    for (let n = 0; n < parts.length; n++) {
      for (let x = 0; x < w; x++) means[y * w + x] += parts[n] * narrow[(first + n) * w + x];
    }
  });
  return { width: w, height: h, values: new Uint8Array(means.map(Math.round)) };
}

// How many pixels there are of each value.
export function histogram({ values }) {
  const counts = new Uint32Array(256);
  for (const value of values) counts[value]++;
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
