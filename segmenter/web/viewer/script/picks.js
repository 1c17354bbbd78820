// Pieces that were picked by clicks: segmenter/render/picks.py for maps of 8 bits.
// A pick is a correction {do: 'only' | 'add' | 'take', points: [[x, y], …], labels: [1, 0, …]}, its points in shares of
// the photo's width and height. Lists of corrections are never changed here: what is done to them gives new ones.

import { pixelAt } from './corrections.js';
import { cutoff } from './map.js';

export const isPick = ({ do: kind }) => kind === 'only' || kind === 'add' || kind === 'take';
export const keyOf = ({ points, labels }) => JSON.stringify([points, labels]); // of the piece that a pick means

// The picks that count: from the last "only" on.
export function effectivePicks(edits) {
  const picks = edits.filter(isPick);
  return picks.slice(Math.max(0, picks.findLastIndex(({ do: kind }) => kind === 'only')));
}

export const keptPicks = (edits) => effectivePicks(edits).filter(({ do: kind }) => kind !== 'take');

// The map that the picks leave, before all other corrections. `pieces`: key → map; what is not there yet does not
// count. `furniture` gives the map that was there before.
export function pickedMap(edits, pieces, furniture) {
  const picks = effectivePicks(edits).filter((pick) => pieces.has(keyOf(pick)));
  const [first] = picks, only = first?.do === 'only';
  const start = only ? pieces.get(keyOf(first)) : furniture();
  const values = start.values.slice();
  for (const pick of only ? picks.slice(1) : picks) {
    const found = pieces.get(keyOf(pick)).values;
    if (pick.do === 'add') for (let i = 0; i < values.length; i++) values[i] = Math.max(values[i], found[i]);
    else for (let i = 0; i < values.length; i++) values[i] = Math.min(values[i], 255 - found[i]);
  }
  return { ...start, values };
}

// The points that lie on pieces which are kept.
export const pickedPoints = (edits) => keptPicks(edits).flatMap(({ points, labels }) => points.filter((_, n) => labels[n]));

// Whether a piece's map has a point.
export const holds = (map, point, threshold) => map !== undefined && map.values[pixelAt(map, point)] >= cutoff(threshold);

const pickAt = (kind, point) => ({ do: kind, points: [point], labels: [1] });

// Keep the piece at a point alone: whatever was done before is gone, as far as the history does not bring it back.
export const keepOnly = (point) => [pickAt('only', point)];

export const addPiece = (edits, point) => [...edits, pickAt('add', point)];

// Take away what is at a point: one of several pieces goes; of a single one it is said that this is not part of it.
export function takeAway(edits, point, pieces, threshold) {
  const kept = keptPicks(edits), held = kept.filter((pick) => holds(pieces.get(keyOf(pick)), point, threshold));
  if (held.length && kept.length > 1) return dropPiece(edits, held[held.length - 1]);
  if (held.length) return changed(edits, held[0], { points: [...held[0].points, point], labels: [...held[0].labels, 0] });
  return [...edits, pickAt('take', point)];
}

const changed = (edits, pick, change) => edits.map((edit) => (edit === pick ? { ...pick, ...change } : edit));

// Without one of the picks. The next one that is kept begins then, if this one began; after the last all furniture is back.
export function dropPiece(edits, pick) {
  const counting = effectivePicks(edits), began = pick.do === 'only';
  const rest = edits.filter((edit) => edit !== pick && (!isPick(edit) || counting.includes(edit)));
  const next = began && rest.find(({ do: kind }) => kind === 'add');
  return next ? changed(rest, next, { do: 'only' }) : rest;
}

// Without one of a pick's clicks; without the pick where none is left that lies on the piece.
export function dropClick(edits, pick, number) {
  const without = (list) => list.filter((_, n) => n !== number);
  const labels = without(pick.labels);
  return labels.includes(1) ? changed(edits, pick, { points: without(pick.points), labels }) : dropPiece(edits, pick);
}

export const moveClick = (edits, pick, number, point) => changed(edits, pick, { points: pick.points.map((old, n) => (n === number ? point : old)) });
