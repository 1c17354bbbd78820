// The pieces that the server finds at clicks: asked for once each.

import { effectivePicks, keyOf } from './picks.js';
import { decode } from './pixels.js';
import { sendPhoto, sourceOf } from './photo.js';
import { call } from './server.js';
import { correctMap, corrections, readMap, redraw, studio } from './studio.js';

const MOST_KEPT = 60; // maps of pieces of one photo

// The map of the piece at these points: a promise, of null where there is none to be had.
export function pieceOf({ points, labels }) {
  const { photo } = studio, key = keyOf({ points, labels });
  if (photo.pieces.has(key)) return Promise.resolve(photo.pieces.get(key));
  const asked = (photo.asked ??= new Map()); // key → promise of a map, as long as the answer is on its way
  if (!asked.has(key)) asked.set(key, fetchPiece(photo, points, labels, key).finally(() => asked.delete(key)));
  return asked.get(key);
}

async function fetchPiece(photo, points, labels, key) {
  const { width, height } = photo.base;
  const question = () => ({ ...sourceOf(photo), weights: photo.weights, points, labels, width, height });
  let answer = await call('pick', question());
  if (answer.gone && photo.source && (await sendPhoto(photo))) answer = await call('pick', question());
  if (!answer.map) return null;
  const map = readMap(await decode(answer.map));
  photo.pieces.set(key, map);
  forgetSome(photo);
  return map;
}

// Of pieces that were looked at and not picked only the latest are kept.
function forgetSome({ pieces, history }) {
  const needed = new Set(history.flatMap(effectivePicks).map(keyOf));
  for (const key of [...pieces.keys()].slice(0, -1)) {
    if (pieces.size <= MOST_KEPT) return;
    if (!needed.has(key)) pieces.delete(key);
  }
}

// Ask for the pieces of the corrections that are not here yet, as of a photo that was kept, and show them.
export async function fetchMissing() {
  const { photo } = studio;
  if (!photo?.map || !photo.canPick) return;
  const missing = effectivePicks(corrections()).filter((pick) => !photo.pieces.has(keyOf(pick)) && !photo.refused?.has(keyOf(pick)));
  if (!missing.length) return;
  photo.refused ??= new Set(); // not asked for again and again
  for (const pick of missing) photo.refused.add(keyOf(pick));
  await Promise.all(missing.map((pick) => pieceOf(pick).catch(() => null)));
  if (studio.photo !== photo || photo.stroke) return;
  correctMap();
  redraw();
}
