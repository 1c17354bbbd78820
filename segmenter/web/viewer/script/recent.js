// Photos that the visitor had on the page, with what they did to them: kept in this browser alone, never on the server.

import { showChoices } from './choices.js';
import { $, actions } from './page.js';
import { onBegin, openKept } from './photo.js';
import { canvas, corrections, onDescribe, studio, threshold } from './studio.js';
import { onLanguageChange, translate } from './words.js';

const MOST = 10; // photos that are kept
const MOST_MEGABYTES = 200; // of all of them
const SIDE = 104; // of a thumbnail, in pixels
const PAUSE = 500; // after a change until it is kept, in milliseconds
let kept = []; // what is known of each: {id, time, name, file, thumbnail, edits, threshold, choices}, the latest first
let waiting = null;

// ---- In the browser's database

function request(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

// Do something with the store of photos; null where the browser keeps nothing, as in some private windows.
async function withStore(mode, use) {
  try {
    const opening = indexedDB.open('chairlift', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('photos', { keyPath: 'id' });
    const database = await request(opening);
    const result = await request(use(database.transaction('photos', mode).objectStore('photos')));
    database.close();
    return result;
  } catch {
    return null;
  }
}

// ---- What is kept

function thumbnailOf(picture) {
  const small = document.createElement('canvas'), scale = SIDE / Math.min(picture.width, picture.height);
  small.width = small.height = SIDE;
  const [width, height] = [picture.width * scale, picture.height * scale];
  small.getContext('2d').drawImage(picture, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  return small.toDataURL('image/webp', 0.8);
}

// Whether the photo on the page is the visitor's work: a file of theirs, or an example that they corrected.
const isWork = ({ source, item, edits }) => (source && !item) || (!item && edits.length > 0);

async function keep() {
  waiting = null;
  const { photo } = studio;
  if (!photo?.map || photo.stroke || !isWork(photo)) return;
  const state = JSON.stringify([corrections(), studio.thresholdChosen && threshold(), studio.choices]);
  if (photo.keptAs === state) return;
  photo.keptAs = state;
  photo.kept ??= Date.now() + Math.random();
  const record = {
    id: photo.kept, time: Date.now(), name: photo.name, file: photo.source || null, example: photo.example,
    thumbnail: thumbnailOf(canvas('photo')), edits: corrections(),
    threshold: studio.thresholdChosen ? threshold() : null, choices: { ...studio.choices },
  };
  kept = [record, ...kept.filter(({ id }) => id !== record.id)];
  await withStore('readwrite', (store) => store.put(record));
  await dropOld();
  showKept();
}

async function dropOld() {
  let megabytes = 0;
  const old = kept.filter(({ file }, n) => { megabytes += (file?.size || 0) / 2 ** 20; return n && (n >= MOST || megabytes > MOST_MEGABYTES); });
  kept = kept.filter((record) => !old.includes(record));
  for (const { id } of old) await withStore('readwrite', (store) => store.delete(id));
}

async function forgetAll() {
  kept = [];
  if (studio.photo) studio.photo.keptAs = null;
  await withStore('readwrite', (store) => store.clear());
  showKept();
  $('button.choose').focus();
}

// ---- The strip

function open(record) {
  studio.choices = { ...studio.choices, ...record.choices, ...(record.choices.background === 'own' ? { background: 'transparent' } : {}) };
  showChoices();
  openKept({ ...record, source: record.file, kept: record.id });
  showKept();
}

function showKept() {
  $('.recents').replaceChildren(...kept.map((record) => {
    const item = document.createElement('li'), button = document.createElement('button'), picture = new Image();
    button.type = 'button';
    button.setAttribute('aria-label', translate('recentOpen', { name: record.name }));
    button.title = record.name;
    button.setAttribute('aria-pressed', String(studio.photo?.kept === record.id));
    picture.src = record.thumbnail;
    picture.alt = '';
    button.append(picture);
    button.addEventListener('click', () => open(record));
    item.append(button);
    return item;
  }));
  $('.recent').hidden = !kept.length;
}

export async function startRecent() {
  onDescribe(() => { waiting ??= setTimeout(keep, PAUSE); });
  onLanguageChange(showKept);
  actions.forgetRecents = forgetAll;
  window.addEventListener('pagehide', keep);
  onBegin(showKept);
  kept = ((await withStore('readonly', (store) => store.getAll())) || []).sort((a, b) => b.time - a.time);
  showKept();
}
