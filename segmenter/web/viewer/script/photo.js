// The photo on the page: how it comes, and what the server answers.

import { fetchRoom, loadPicture } from './backgrounds.js';
import { endStroke, setCorrecting } from './brush.js';
import { closeCamera, openCamera, takePicture } from './camera.js';
import { showHistory } from './history.js';
import { $, actions, goTo, page, receivers } from './page.js';
import { canTryAgain, fail, setState, showOrigin, showUpload } from './result.js';
import { ask, failureOf, forsake, onReturn, upload } from './server.js';
import { canvas, drawPhoto, redraw, setThreshold, studio, takeMap } from './studio.js';
import { exampleName } from './words.js';

let photosSoFar = 0;

function beginPhoto(photo) {
  closeCamera();
  endStroke(false);
  forsake('look');
  studio.photo = { edits: [], history: [[]], at: 0, ...photo };
  setCorrecting(false);
  canvas('photo').dataset.token = ++photosSoFar;
  page.root.querySelectorAll('.examples button').forEach((button) => {
    button.setAttribute('aria-pressed', String(button.dataset.example === photo.example));
  });
  setState('waiting', photo.example ? 'looking' : 'uploading');
  redraw();
  return studio.photo;
}

export function showExample(id, picture) {
  const photo = beginPhoto({ example: id, name: exampleName(id), file: id + '.jpg' });
  if (picture.complete && picture.naturalWidth) drawPhoto(picture);
  analyse(photo);
}

// Show a file of the visitor's; `known` is kept with it.
async function openFile(file, known = {}) {
  const photo = beginPhoto({ name: file.name, file: file.name, source: file, ...known });
  if (file.size > page.props.limit * 1024 * 1024) {
    fail('tooLarge');
    return;
  }
  createImageBitmap(file).then(
    (picture) => { if (studio.photo === photo && !photo.map) { drawPhoto(picture); page.root.dataset.shown = 'yes'; } },
    () => {}, // not every photo that the server reads can be shown by the browser: wait for the server's
  );
  page.root.dataset.shown = 'no';
  await bring(photo);
}

// Send a photo, unless the server has it, and show what the server finds in it.
async function bring(photo) {
  setState('waiting', photo.source && !photo.path ? 'uploading' : 'looking');
  if (photo.source && !photo.path && !(await sendPhoto(photo))) return;
  setState('waiting', 'looking');
  await analyse(photo);
}

// Whether the photo reached the server, and is still the one on the page.
export async function sendPhoto(photo) {
  try {
    photo.path = await upload(photo.source, (share) => { if (studio.photo === photo) showUpload(share); });
  } catch {
    const why = await failureOf();
    if (studio.photo === photo && !photo.map) fail(why === 'away' ? why : 'notSent');
    return false;
  } finally {
    showUpload(null);
  }
  return studio.photo === photo;
}

// What the server needs to find the photo again.
export const sourceOf = ({ path, example }) => ({ path, example });

// Ask the server for the photo's map, and show it.
async function analyse(photo) {
  const question = { ...sourceOf(photo), weights: photo.weights };
  const inLine = (n) => { if (studio.photo === photo) setState('waiting', n ? 'inLine' : 'looking', { n }); };
  const answer = await ask('look', question, inLine).catch(async () => studio.photo === photo && { problem: await failureOf() });
  if (studio.photo !== photo) return; // the visitor has gone on to another one
  if (answer.problem) {
    if (answer.gone) photo.path = null;
    fail(answer.problem);
    return;
  }
  const pictures = await Promise.all([loadPicture(answer.photo), loadPicture(answer.map)]);
  if (studio.photo !== photo) return;
  studio.origin = { weights: answer.weights, notice: answer.notice };
  showOrigin();
  if (!studio.thresholdChosen) setThreshold(answer.weights.threshold);
  takeMap(answer, ...pictures);
  showHistory();
  fetchRoom();
  page.root.dataset.shown = 'yes';
  setState('ready');
  redraw();
}

// Once more, where the last try failed.
function tryAgain() {
  const { photo } = studio;
  if (photo && !photo.map && page.root.dataset.state === 'problem') bring(photo);
}

// Another place's way in: a photo to look at, with what is known of it. `item` is kept with it.
export function openInStudio({ name, file = name, source, path, threshold, edits = [], weights, item }) {
  location.hash = '#studio';
  goTo('studio');
  if (threshold !== undefined) setThreshold(threshold, true);
  const known = { edits, history: edits.length ? [[], edits] : [[]], at: edits.length ? 1 : 0, weights, item };
  if (!path) return openFile(source, known);
  const photo = beginPhoto({ name, file, path, source, ...known });
  setState('waiting', 'looking');
  page.root.dataset.shown = 'no';
  return analyse(photo);
}

function openFirst(files) {
  const file = [...files].find(({ type }) => type.startsWith('image/')) || files[0];
  if (file) openFile(file);
}

async function tryCamera() {
  try {
    await openCamera();
  } catch {
    studio.photo = null;
    redraw();
    fail('noCamera');
  }
}

function addExamples() {
  for (const { id, thumbnail } of page.props.examples) {
    const item = document.createElement('li'), button = document.createElement('button'), picture = new Image();
    button.type = 'button';
    button.dataset.example = id;
    picture.src = thumbnail;
    picture.alt = '';
    button.append(picture);
    button.addEventListener('click', () => showExample(id, picture));
    item.append(button);
    $('.examples').append(item);
  }
}

export function startPhoto() {
  addExamples();
  onReturn(() => { if (canTryAgain()) tryAgain(); });
  receivers.studio = openFirst;
  $('.file').addEventListener('change', (event) => {
    openFirst(event.target.files);
    event.target.value = ''; // so that the same file can be chosen again
  });
  Object.assign(actions, {
    choose: () => $('.file').click(),
    openCamera: tryCamera,
    closeCamera,
    again: tryAgain,
    shoot: async () => openFile(await takePicture()),
  });
}
