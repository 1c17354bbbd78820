// How photos come in from outside: dropped or pasted files, folders, and web addresses.

import { $, goTo, page, receivers } from './page.js';
import { openFile, openFrom } from './photo.js';
import { call, fileUrl } from './server.js';

const PICTURE = /\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|avif|hei[cf])$/i;
const MOST = 2000; // files that are taken out of folders

const isPicture = ({ type, name }) => type.startsWith('image/') || PICTURE.test(name);
const isZip = ({ type, name }) => /zip/.test(type) || /\.zip$/i.test(name);

// ---- Files and folders

const promised = (ask) => new Promise((resolve, reject) => ask(resolve, reject));

// The pictures and zips in a folder and those within it.
async function filesIn(entry, found) {
  if (entry.isFile) {
    const file = await promised((resolve, reject) => entry.file(resolve, reject));
    if ((isPicture(file) || isZip(file)) && !file.name.startsWith('.')) found.push(file);
    return;
  }
  const reader = entry.createReader();
  for (let some; found.length < MOST && (some = await promised((resolve, reject) => reader.readEntries(resolve, reject))).length;) {
    for (const each of some) await filesIn(each, found);
  }
}

// All files of what was dropped or pasted. The browser lets its entries be asked for at once only.
async function filesOf(data) {
  const entries = [...(data.items || [])].map((item) => item.webkitGetAsEntry?.()).filter(Boolean), files = [...data.files];
  if (!entries.some(({ isDirectory }) => isDirectory)) return files;
  const found = [];
  for (const entry of entries) await filesIn(entry, found);
  return found;
}

// Several photos, or a zip, are for the place that takes many; one is for the studio.
function takeInStudio(files) {
  const usable = files.filter((file) => isPicture(file) || isZip(file));
  if (usable.length > 1 || usable.some(isZip)) {
    location.hash = '#many';
    goTo('many');
    receivers.many(usable);
  } else if (files.length) openFile(usable[0] || files[0]);
}

// ---- Web addresses

const addressIn = (data) => {
  const text = (data.getData('text/uri-list') || data.getData('text/plain')).trim();
  return /^https?:\/\/\S+$/.test(text) ? text : null;
};

// Have the server fetch a photo: a File of it, and where the server has it.
async function fetchPhoto(address) {
  const answer = await call('photo_at', { address });
  if (answer.problem) return answer;
  const { path, orig_name: name } = answer.file, response = await fetch(fileUrl(path));
  const blob = await response.blob();
  return { path, file: new File([blob], name, { type: blob.type }) };
}

async function takeAddress(address) {
  if (page.root.dataset.place !== 'many') return openFrom(address, fetchPhoto);
  const { file } = await fetchPhoto(address).catch(() => ({}));
  if (file) receivers.many([file]);
}

// ---- Dropped and pasted

async function receive(data) {
  const address = addressIn(data), place = page.root.dataset.place, files = await filesOf(data);
  if (place === 'about') goTo('studio');
  if (files.length) (place === 'many' ? receivers.many : takeInStudio)(files);
  else if (address) takeAddress(address);
}

function listenForDrops() {
  let depth = 0; // entering a child comes before leaving its parent
  const enter = (by) => page.root.classList.toggle('dragged', (depth += by) > 0);
  document.addEventListener('dragenter', () => enter(1));
  document.addEventListener('dragleave', () => enter(-1));
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    enter(-depth);
    receive(event.dataTransfer);
  });
}

const isTyping = (target) => target.matches?.('input[type=text], textarea');

export function startSources() {
  listenForDrops();
  document.addEventListener('paste', (event) => { if (!isTyping(event.target)) receive(event.clipboardData); });
  $('.file').addEventListener('change', (event) => {
    takeInStudio([...event.target.files]);
    event.target.value = ''; // so that the same file can be chosen again
  });
}
