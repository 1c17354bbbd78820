// Where a result may be wrong: segmenter/render/uncertainty.py for maps of 8 bits.

import constants from './constants.js';
import { insideOf, regionOf } from './corrections.js';

const { listed: LISTED, speck: SPECK, speck_pixels: SPECK_PIXELS } = constants.uncertainty;

// What is loose or enclosed at a threshold: {islands, gaps}, each [{box, area, at, confidence}, …] in shares, the
// weightiest first: those of the most expected wrong pixels. The largest piece is no island. What holds one of the
// `settled` points has been answered.
export function findDoubts(map, threshold, settled = []) {
  const { width, height, values } = map;
  const inside = insideOf(map, threshold), seen = new Uint8Array(values.length);
  const answered = new Set(settled.map(([x, y]) => Math.min(Math.floor(y * height), height - 1) * width + Math.min(Math.floor(x * width), width - 1)));
  const islands = [], gaps = [];
  for (let seed = 0; seed < values.length; seed++) {
    if (seen[seed]) continue;
    const region = regionOf(inside, width, height, seed, inside[seed] ? 8 : 4, seen);
    if (inside[seed]) islands.push(region);
    else if (!region.border) gaps.push(region);
  }
  const largest = islands.reduce((a, b) => (a && a.pixels.length >= b.pixels.length ? a : b), null);
  const smallest = Math.max(SPECK_PIXELS, SPECK * values.length);
  const listed = (regions, wrong) => regions
    .filter((region) => region !== largest && region.pixels.length >= smallest && !region.pixels.some((at) => answered.has(at)))
    .map((region) => ({ ...region, wrong: region.pixels.reduce((sum, at) => sum + wrong(values[at]), 0) / 255 }))
    .sort((a, b) => b.wrong - a.wrong)
    .slice(0, LISTED)
    .map(({ pixels, box, wrong: sum }) => ({
      box: [box[0] / width, box[1] / height, box[2] / width, box[3] / height],
      area: pixels.length / values.length,
      at: innermost(pixels, box, width, height),
      confidence: 1 - sum / pixels.length,
    }));
  return { islands: listed(islands, (value) => 255 - value), gaps: listed(gaps, (value) => value) };
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
