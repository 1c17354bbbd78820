// The photo on the page: how it comes, and what the server answers.

import { fetchRoom } from './backgrounds.js';
import { endStroke, setCorrecting } from './brush.js';
import { closeCamera, openCamera, takePicture } from './camera.js';
import { showHistory } from './history.js';
import { $, actions, goTo, page } from './page.js';
import { decode } from './pixels.js';
import { canTryAgain, fail, setState, showOrigin, showUpload } from './result.js';
import { ask, failureOf, forsake, onReturn, upload, uploadProblem } from './server.js';
import { canvas, drawPhoto, redraw, setThreshold, studio, takeMap, threshold } from './studio.js';
import { exampleName } from './words.js';

const listeners = []; // functions that are called when another photo has come
let photosSoFar = 0;

export const onBegin = (listener) => listeners.push(listener);

// Another photo takes the place of the last one. Its threshold is the weights' own, unless one was chosen for it.
function beginPhoto(photo, chosen = null) {
  closeCamera();
  endStroke(false);
  forsake('look');
  studio.photo = { edits: [], history: [[]], at: 0, ...photo };
  studio.thresholdChosen = false;
  setThreshold(chosen ?? studio.origin.weights?.threshold ?? page.props.threshold, chosen !== null);
  setCorrecting(false);
  canvas('photo').dataset.token = ++photosSoFar;
  page.root.querySelectorAll('.examples button').forEach((button) => {
    button.setAttribute('aria-pressed', String(button.dataset.example === photo.example));
  });
  setState('waiting', photo.example ? 'looking' : 'uploading');
  redraw();
  for (const listener of listeners) listener();
  return studio.photo;
}

export function showExample(id, picture, threshold = null, known = {}) {
  const photo = beginPhoto({ example: id, name: exampleName(id), file: id + '.jpg', ...known }, threshold);
  if (picture.complete && picture.naturalWidth) drawPhoto(picture);
  analyse(photo);
}

// Show a file of the visitor's; `known` is kept with it.
export async function openFile(file, known = {}, threshold = null) {
  const photo = beginPhoto({ name: file.name, file: file.name, source: file, ...known }, threshold);
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
  } catch (error) {
    const why = await failureOf();
    if (studio.photo === photo && !photo.map) fail(why === 'away' ? why : uploadProblem(error));
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
  const pictures = await Promise.all([decode(answer.photo), decode(answer.map)]);
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
  if (photo && !photo.map && page.root.dataset.state === 'problem') (photo.again ?? bring)(photo);
}

const historyOf = (edits) => ({ edits, history: edits.length ? [[], edits] : [[]], at: edits.length ? 1 : 0 });

// Open a photo again that was kept with what was done to it; `kept` is what it is known by.
export function openKept({ source, example, edits, threshold, kept }) {
  if (source) openFile(source, { ...historyOf(edits), kept }, threshold);
  else showExample(example, exampleThumbnail(example), threshold, { ...historyOf(edits), kept });
}

export const exampleThumbnail = (id) => $(`.examples [data-example="${CSS.escape(id)}"] img`);

// Another place's way in: a photo to look at, with what is known of it. `item` is kept with it.
export function openInStudio({ name, file = name, source, path, threshold = null, edits = [], weights, item }) {
  location.hash = '#studio';
  goTo('studio');
  const known = { ...historyOf(edits), weights, item };
  if (!path) return openFile(source, known, threshold);
  const photo = beginPhoto({ name, file, path, source, ...known }, threshold);
  setState('waiting', 'looking');
  page.root.dataset.shown = 'no';
  return analyse(photo);
}

// Look at a photo of many with the threshold that is set for all.
export function previewPhoto({ name, source, path, edits, weights, item }) {
  const photo = beginPhoto({ name, file: name, source, path, weights, item, ...historyOf(edits) }, studio.thresholdChosen ? threshold() : null);
  page.root.dataset.shown = 'no';
  bring(photo);
}

// Show the photo of a web address. `fetchPhoto` gives a promise of its file and its path on the server, or of a problem.
export async function openFrom(address, fetchPhoto) {
  const photo = beginPhoto({ name: address, file: address, again: () => openFrom(address, fetchPhoto) });
  page.root.dataset.shown = 'no';
  setState('waiting', 'fetching');
  const { file, path, problem } = await fetchPhoto(address).catch(async () => ({ problem: await failureOf() }));
  if (studio.photo !== photo) return;
  if (problem) fail(problem);
  else openFile(file, { path });
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
  Object.assign(actions, {
    choose: () => $('.file').click(),
    openCamera: tryCamera,
    closeCamera,
    again: tryAgain,
    shoot: async () => openFile(await takePicture()),
  });
}
