// The many photos and the studio: a preview of one with the finish of all, and one opened to be corrected, and back.

import { many } from './many_items.js';
import { find, nameShown } from './many_view.js';
import { $, actions, arrivals, page } from './page.js';
import { openInStudio, previewPhoto } from './photo.js';
import { setView } from './stage.js';
import { chosenFinish, corrections, onDescribe, redraw, setThreshold, studio, threshold, view } from './studio.js';
import { onLanguageChange, translate } from './words.js';

const homes = new Map(); // parts of the studio that stand here meanwhile → the marks where they belong
let startRun = null; // makes some photos anew

// ---- Parts of the studio

function borrow(part, place) {
  if (!homes.has(part)) {
    const mark = document.createComment('');
    part.before(mark);
    homes.set(part, mark);
  }
  place.append(part);
}

function borrowAll() {
  find('.many-board').append($('.board'));
  borrow($('.sureness'), find('.many-choices'));
  borrow($('.finish'), find('.many-choices'));
}

function giveBack() {
  for (const [part, mark] of homes) mark.replaceWith(part);
  homes.clear();
  setView(view());
}

// ---- A preview

const canShow = ({ file, path, problem }) => (file || path) && problem !== 'tooLarge';
const shownItem = () => (many.items.includes(studio.photo?.item) ? studio.photo.item : null);

// The photo that many places after the one that is shown, round and round.
function neighbour(by) {
  const items = many.items.filter(canShow), at = items.indexOf(shownItem());
  return items[(at + by + items.length) % items.length];
}

function preview(by) {
  const item = shownItem() && by === 0 ? shownItem() : neighbour(by || 1);
  if (item) previewPhoto({ name: item.name, source: item.file, path: item.path, edits: item.edits, weights: item.weights, item });
  nameShown(item);
}

// ---- To the studio and back

function openItem(item) {
  if (!item?.path && !item?.file) return;
  const kept = threshold(), { name, file, path, edits, weights } = item;
  many.opened = null;
  window.scrollTo(0, 0);
  openInStudio({ name, source: file, path, threshold: item.threshold ?? kept, edits, weights, item });
  many.opened = { item, threshold: kept, before: stateOf(item) };
  showBatch();
}

const stateOf = (item) => JSON.stringify([threshold(), corrections(), chosenFinish(), item.name]);

// A photo that was corrected in the studio is made again; the slider is set back to what it was for all.
function takeBack() {
  const { item, threshold: kept, before } = many.opened;
  many.opened = null;
  const changed = studio.photo?.item === item && many.items.includes(item) && stateOf(item) !== before;
  if (changed) Object.assign(item, { threshold: threshold(), edits: [...corrections()] });
  setThreshold(kept, true);
  redraw();
  if (changed && !many.run) startRun([item]);
}

// The way through the batch, above a photo of it.
function showBatch() {
  const item = shownItem();
  $('.batch').hidden = !item;
  if (item) $('.batch-place').textContent = translate('batchPlace', { n: many.items.indexOf(item) + 1, total: many.items.length });
}

function openNext(by) {
  const item = neighbour(by);
  if (many.opened) takeBack();
  openItem(item);
}

export function startManyStudio(run) {
  startRun = run;
  const atStudio = arrivals.studio;
  arrivals.studio = () => {
    if (homes.size) giveBack();
    const item = shownItem();
    if (item && !many.opened) many.opened = { item, threshold: threshold(), before: stateOf(item) };
    showBatch();
    atStudio?.();
  };
  const atMany = arrivals.many;
  arrivals.many = () => {
    if (many.opened) takeBack();
    borrowAll();
    nameShown(shownItem());
    atMany();
    redraw();
  };
  onDescribe(showBatch);
  onLanguageChange(showBatch);
  Object.assign(actions, {
    manyOpen: ({ dataset }) => openItem(many.items.find(({ name }) => name === dataset.name)),
    manyPreview: () => preview(0),
    manyPreviewPrevious: () => preview(-1),
    manyPreviewNext: () => preview(1),
    batchPrevious: () => openNext(-1),
    batchNext: () => openNext(1),
  });
  page.root.addEventListener('keydown', ({ target, key }) => { if (target.matches('.many-names') && key === 'Enter') target.blur(); });
}
