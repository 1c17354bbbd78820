// What was corrected by hand, and back again.

import { $, actions, page } from './page.js';
import { correctMap, corrections, redraw, studio } from './studio.js';

export function setCorrections(edits) {
  studio.photo.edits = edits;
  correctMap();
  showHistory();
  redraw();
}

// A new list of corrections becomes the latest in the history.
export function record(edits) {
  const { photo } = studio;
  photo.history = [...photo.history.slice(0, photo.at + 1), edits];
  photo.at = photo.history.length - 1;
  setCorrections(edits);
}

function travel(by) {
  const { photo } = studio, at = photo?.history ? photo.at + by : -1;
  if (!photo?.map || at < 0 || at >= photo.history.length) return;
  photo.at = at;
  setCorrections(photo.history[at]);
}

export function showHistory() {
  const { history = [[]], at = 0 } = studio.photo || {};
  for (const button of page.root.querySelectorAll('[data-do=undo]')) button.disabled = at === 0;
  for (const button of page.root.querySelectorAll('[data-do=redo]')) button.disabled = at === history.length - 1;
  $('[data-do=clear]').disabled = !corrections().length;
}

function travelByKey(event) {
  const typing = /^(textarea|select)$/i.test(event.target.tagName) || event.target.type === 'text';
  if (page.root.dataset.place !== 'studio' || typing || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key !== 'z' && key !== 'y') return;
  event.preventDefault();
  travel(key === 'y' || event.shiftKey ? 1 : -1);
}

export function startHistory() {
  document.addEventListener('keydown', travelByKey);
  Object.assign(actions, { undo: () => travel(-1), redo: () => travel(1), clear: () => record([]) });
}
