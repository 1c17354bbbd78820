// What is shown of many photos and their run.

import { finishSummary } from './choices.js';
import { itemsToDo, many, verdictText } from './many_items.js';
import { $, page } from './page.js';
import { enlargedText } from './result.js';
import { watchLine } from './server.js';
import { chosenFinish, studio } from './studio.js';
import { percent, problemText, translate, translateCount } from './words.js';

const place = () => $('.many');
export const find = (selector) => place().querySelector(selector);

// Show a message: a key of the texts or the server's problem, or null for none.
export function setMessage(key, values = {}) {
  many.message = key && { key, values };
  showRunMessage();
}

function showRunMessage() {
  const { key, values } = many.message || {}, place = find('.many-message');
  const text = !key ? '' : typeof key === 'string' ? translateCount(key, values) : problemText(key);
  if (place.textContent !== text) place.textContent = text; // a screen reader says it once
}

// Say how many of others come first in a line, as the message `before` in place of another, as long as any do.
export function showLine(name, goesOn, before, key, values) {
  watchLine(name, goesOn, (n) => {
    const shown = many.message?.key;
    if (n && (shown === key || shown === before)) setMessage(before, { n });
    if (!n && shown === before) setMessage(key, values);
  });
}

function durationText(seconds) {
  if (seconds < 90) return translate('manySeconds', { n: Math.max(1, Math.round(seconds / 5) * 5 || 1) });
  return translate('manyMinutes', { n: Math.round(seconds / 60) });
}

export function showProgress() {
  if (!many.run) return;
  const { done, total, started } = many.run;
  find('progress').max = total;
  find('progress').value = done;
  const left = done > 1 ? ((performance.now() - started) / 1000 / done) * (total - done) : null;
  find('.many-count').textContent = translate('manyCount', { done, total }) + (left === null ? '' : translate('manyTimeLeft', { time: durationText(left) }));
}

export function drawItem(item) {
  if (!item.node) {
    item.node = document.createElement('li');
    item.node.innerHTML = '<button type="button" data-do="manyOpen"><span class="board"><img alt="" loading="lazy"></span><b></b><span class="why"></span></button><button type="button" class="remove" data-do="manyRemove"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 7l10 10M17 7L7 17" /></svg></button>';
  }
  const { node, name, state } = item, button = node.firstChild, picture = item.thumbnail || item.preview;
  node.dataset.state = state;
  button.dataset.name = name;
  button.disabled = !item.path && !item.file;
  const image = node.querySelector('img');
  if (picture && image.src !== picture) image.src = picture;
  image.hidden = !picture;
  node.querySelector('b').textContent = name;
  node.querySelector('.why').textContent = verdictText(item);
  button.title = translate('manyOpen');
  const remove = node.lastChild;
  remove.dataset.name = name;
  remove.setAttribute('aria-label', translate('manyRemove', { name }));
  remove.hidden = state === 'working';
}

// The doubtful ones first, once all is done; as they came, until then.
function sortedItems() {
  if (many.run) return many.items;
  const doubt = (item) => (item.state === 'failed' ? 2 : item.state === 'done' ? item.result.doubtfulness : -1);
  return [...many.items].sort((a, b) => doubt(b) - doubt(a));
}

export function showProblems() {
  const failed = many.items.filter((item) => item.state === 'failed');
  find('.many-problems').replaceChildren(...failed.map((item) => {
    const line = document.createElement('li');
    line.append(Object.assign(document.createElement('b'), { textContent: item.name }), ' ', verdictText(item));
    return line;
  }));
}

// The finish of all of them in words, and what the button would do now.
export function showFinish() {
  if (page.root.dataset.place !== 'many') return;
  const choices = chosenFinish(), todo = itemsToDo(choices).length;
  find('.many-finish').textContent = translate('manyFinish', { threshold: percent(choices.threshold), finish: finishSummary() });
  const again = many.items.some((item) => item.madeOf);
  find('.many-start').textContent = translateCount(again && todo < many.items.length ? 'manyGoOn' : again ? 'manyAgain' : 'manyStart', { n: todo });
  find('.many-start').hidden = Boolean(many.run) || !todo;
  find('.many-larger').textContent = studio.photo?.map && many.items.includes(studio.photo.item) ? enlargedText() : '';
}

// What the first file will be called.
export function showNames() {
  const first = many.items[0]?.name.replace(/\.[^./]*$/, '') ?? 'chair', pattern = find('.many-names').value;
  const stem = (pattern.trim() || '{name}').replaceAll('{name}', first).replaceAll('{n}', '001');
  find('.many-example').textContent = translate('manyNamesExample', { example: `${stem}.${suffixOf(chosenFinish().format)}` });
}

const suffixOf = (format) => (format === 'jpeg' ? 'jpg' : format);

// Which photo the preview is of.
export function nameShown(item) {
  find('.many-preview').dataset.shows = item ? 'photo' : 'nothing';
  find('.many-shown').textContent = item?.name ?? '';
}

export function showAll() {
  const done = many.items.filter((item) => item.state === 'done').length;
  place().dataset.many = many.run ? 'working' : many.items.length ? 'ready' : 'empty';
  find('.many-bounds').textContent = translate('manyBounds', { photos: page.props.bounds.photos, limit: page.props.limit, zip: page.props.bounds.zip });
  showFinish();
  showNames();
  find('.many-cancel').hidden = !many.run;
  find('.many-zip').hidden = Boolean(many.run) || !done;
  find('.many-zip').textContent = translateCount('manyZip', { n: done });
  find('.many-clear').hidden = Boolean(many.run);
  for (const item of many.items) drawItem(item);
  const order = sortedItems().map((item) => item.node), list = find('.many-list');
  if (order.length !== list.children.length || order.some((node, i) => node !== list.children[i])) list.replaceChildren(...order);
  showProblems();
  showProgress();
  showRunMessage();
}
