// Pictures that follow a map while a hand moves: only what has changed since the last time is made anew.
// A box is [left, top, one beyond the right, one beyond the bottom], in pixels.

import { cutOut, quadsOf, rimOf, shrinker } from './map.js';

// The box in which two lists of as many bytes differ, each of them its own buffer; null where they are the same.
function changedBox(before, now, width) {
  const old = quadsOf(before), next = quadsOf(now), words = old.length;
  let first = 0, last = now.length - 1;
  while (first >> 2 < words && old[first >> 2] === next[first >> 2]) first += 4;
  while (first < now.length && before[first] === now[first]) first++;
  if (first === now.length) return null;
  while (last >> 2 >= words && before[last] === now[last]) last--;
  while (last >> 2 < words && old[last >> 2] === next[last >> 2]) last -= 4;
  while (before[last] === now[last]) last--;
  const top = Math.floor(first / width), bottom = Math.floor(last / width) + 1;
  let left = width, right = 0;
  for (let start = top * width; start < bottom * width; start += width) {
    for (let x = 0; x < left; x++) if (before[start + x] !== now[start + x]) left = x;
    for (let x = width - 1; x >= right; x--) if (before[start + x] !== now[start + x]) right = x + 1;
  }
  return [left, top, right, bottom];
}

// A function that takes a map over into a list of its values, and gives the box in which they have become others.
export function follower() {
  let values = null, height = 0;
  return (map) => {
    const { width } = map, isNew = values?.length !== map.values.length || height !== map.height;
    if (isNew) values = new Uint8Array(map.values.length);
    ({ height } = map);
    const box = isNew ? [0, 0, width, height] : changedBox(values, map.values, width);
    if (box) values.set(map.values.subarray(box[1] * width, box[3] * width), box[1] * width);
    return box;
  };
}

// A function of a map and a threshold that gives its cutout on at most `side` pixels: {image, rows, version}. `image` is
// the same ImageData each time, of which `rows`, [first, one beyond the last], are others than at the last `version`.
// `coloursOf` gives the photo's pixels for a width and height, as words.
export function cutoutFollower(side, coloursOf) {
  const changesOf = follower(), shrink = shrinker(side);
  let image = null, colours = null, at = null, rows = null, version = 0;
  return (map, threshold) => {
    const { map: small, box } = shrink(map, changesOf(map));
    const isNew = image?.width !== small.width || image.height !== small.height;
    if (isNew) {
      image = new ImageData(small.width, small.height);
      colours = coloursOf(small.width, small.height);
    }
    const rim = rimOf(small), isOther = isNew || at !== threshold;
    if (isOther) rows = [0, small.height];
    else if (box) rows = [Math.max(0, box[1] - rim), Math.min(small.height, box[3] + rim)];
    if (isOther || box) {
      cutOut(small, threshold, colours, new Uint32Array(image.data.buffer), rows);
      version++;
    }
    at = threshold;
    return { image, rows, version };
  };
}
