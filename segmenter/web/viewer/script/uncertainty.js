// Where a result may be wrong: segmenter/render/uncertainty.py for maps of 8 bits.

import constants from './constants.js';
import { insideOf, pixelAt, regionOf } from './corrections.js';
import { countNear, shrink } from './map.js';

const { listed: LISTED, speck: SPECK, speck_pixels: SPECK_PIXELS, worth: WORTH, area_side: AREA_SIDE, thick: THICK } = constants.uncertainty;
const UNSURE = constants.alpha.unsure;
const nearTable = (threshold) => Uint8Array.from({ length: 256 }, (_, value) => (Math.abs(value / 255 - threshold) <= UNSURE ? 1 : 0));

// The places to check at a threshold: {islands, gaps, areas, check}. The first three are at most LISTED places each,
// {box, area, at, confidence} in shares, the weightiest first: those of the most expected wrong pixels; `check` is how
// many there are in all. What holds one of the `settled` points has been answered.
export function findPlaces(map, threshold, settled = []) {
  const { width, height, values } = map, near = nearTable(threshold);
  const inside = insideOf(map, threshold), seen = new Uint8Array(values.length);
  const smallest = Math.max(SPECK_PIXELS, SPECK * values.length);
  const pieces = [], enclosed = [];
  for (let seed = 0; seed < values.length; seed++) {
    if (seen[seed]) continue;
    const region = regionOf(inside, width, height, seed, inside[seed] ? 8 : 4, seen);
    if (region.pixels.length < smallest) continue;
    if (inside[seed]) pieces.push(region);
    else if (!region.border) enclosed.push(region);
  }
  const worth = WORTH * inside.reduce((sum, value) => sum + value, 0);
  const nothingIsSure = ({ pixels }) => pixels.length >= worth && pixels.every((at) => near[values[at]]);
  const islands = unsurePieces(pieces, values, nothingIsSure), gaps = enclosed.filter(nothingIsSure);
  const areas = findAreas(map, threshold, near, [...islands, ...gaps]);
  const answered = new Set(settled.map((point) => pixelAt(map, point)));
  const open = (regions) => regions.filter(({ pixels }) => !answered.size || !pixels.some((at) => answered.has(at)));
  const found = {
    islands: listed(open(islands), map, (value) => 255 - value),
    gaps: listed(open(gaps), map, (value) => value),
    areas: listed(areas.regions, areas.map, (value) => Math.min(value, 255 - value)),
  };
  const check = found.islands.length + found.gaps.length + found.areas.length;
  return { ...Object.fromEntries(Object.entries(found).map(([kind, places]) => [kind, places.slice(0, LISTED)])), check };
}

// The pieces of the mask that may be none of the furniture: light ones, and those in which nothing is sure.
function unsurePieces(pieces, values, nothingIsSure) {
  const largest = pieces.reduce((a, b) => (a && a.pixels.length >= b.pixels.length ? a : b), null);
  const weights = pieces.map(({ pixels }) => pixels.reduce((sum, at) => sum + values[at], 0));
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  return pieces.filter((piece, n) => piece !== largest && (weights[n] < constants.pieces.least * heaviest || nothingIsSure(piece)));
}

// What is lukewarm and thick, apart from the regions of the map that are listed already: {regions, map}, of a small map.
function findAreas(map, threshold, near, taken) {
  const small = shrink(map, AREA_SIDE), { width, height, values } = small;
  const inside = insideOf(small, threshold).reduce((sum, value) => sum + value, 0);
  if (!inside) return { regions: [], map: small };
  const thick = opened({ width, height, values: values.map((value) => near[value]) });
  const isTaken = new Uint8Array(map.values.length), seen = new Uint8Array(values.length), regions = [];
  for (const { pixels } of taken) for (const at of pixels) isTaken[at] = 1;
  const overlaps = (at) => isTaken[pixelAt(map, [((at % width) + 0.5) / width, (Math.floor(at / width) + 0.5) / height])];
  for (let seed = 0; seed < values.length; seed++) {
    if (seen[seed] || !thick[seed]) continue;
    const region = regionOf(thick, width, height, seed, 8, seen);
    if (region.pixels.length >= Math.max(1, WORTH * inside) && !region.pixels.some(overlaps)) regions.push(region);
  }
  return { regions, map: small };
}

// A map of 1 and 0, opened by a square: 1 is left wherever a whole square of it fits; the map's border cuts squares off.
function opened(map) {
  const { width, height } = map, radius = (THICK - 1) / 2, one = Uint8Array.from({ length: 256 }, (_, value) => (value ? 1 : 0));
  const counts = countNear(map, one, radius), core = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    const down = Math.min(y + radius, height - 1) - Math.max(y - radius, 0) + 1;
    for (let x = 0; x < width; x++, i++) {
      const across = Math.min(x + radius, width - 1) - Math.max(x - radius, 0) + 1;
      core[i] = counts[i] === across * down ? 1 : 0;
    }
  }
  return countNear({ width, height, values: core }, one, radius).map((count) => (count ? 1 : 0));
}

function listed(regions, { width, height, values }, wrong) {
  return regions
    .map((region) => ({ ...region, wrong: region.pixels.reduce((sum, at) => sum + wrong(values[at]), 0) / 255 }))
    .sort((a, b) => b.wrong - a.wrong)
    .map(({ pixels, box, wrong: sum }, n) => ({
      box: [box[0] / width, box[1] / height, box[2] / width, box[3] / height],
      area: pixels.length / values.length,
      at: n < LISTED ? innermost(pixels, box, width, height) : null,
      confidence: 1 - sum / pixels.length,
    }));
}

// The point of a region that is farthest from its edge, in shares: layer after layer is taken off until nothing is left.
function innermost(pixels, box, width, height) {
  const wide = box[2] - box[0] + 2, shape = new Uint8Array(wide * (box[3] - box[1] + 2));
  let layer = pixels.map((at) => (Math.floor(at / width) - box[1] + 1) * wide + (at % width) - box[0] + 1);
  for (const at of layer) shape[at] = 1;
  let deepest = layer[0];
  for (let diagonal = false; layer.length; diagonal = !diagonal) { // by turns, so that what is taken off is nearly round
    const beside = diagonal ? [-wide - 1, -wide, -wide + 1, -1, 1, wide - 1, wide, wide + 1] : [-wide, -1, 1, wide];
    deepest = layer[Math.floor(layer.length / 2)];
    const edge = layer.filter((at) => beside.some((step) => !shape[at + step]));
    for (const at of edge) shape[at] = 0;
    layer = layer.filter((at) => shape[at]);
  }
  return [((deepest % wide) - 0.5 + box[0]) / width, (Math.floor(deepest / wide) - 0.5 + box[1]) / height];
}
