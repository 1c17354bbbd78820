// The files that the server makes of the photo on the page.

import { forgetOwnPicture, sendOwnPicture } from './backgrounds.js';
import { showChoices } from './choices.js';
import { $, actions, page, saveFile, showMessage } from './page.js';
import { sendPhoto, sourceOf } from './photo.js';
import { describeResult } from './result.js';
import { ask, failureOf, fileUrl } from './server.js';
import { chosenFinish, corrections, studio, threshold } from './studio.js';
import { currentLanguage, problemText, translate } from './words.js';

let toShare = null; // {key, file}: what the server made, where the browser wants another click before it is shared

// Have a file made while the button says so; what `use` makes of the server's answer is done with it.
async function download(what, use = save, format = studio.choices.format) {
  if (!studio.photo?.map || page.root.classList.contains('saving')) return;
  page.root.classList.add('saving');
  $('.download span').textContent = translate('downloading');
  const answer = await fetchFile(studio.photo, what, format);
  const message = answer?.file ? await use(answer.file, studio.photo) : null;
  page.root.classList.remove('saving');
  showChoices();
  describeResult();
  if (!answer) return; // the visitor has gone on to another photo
  const notes = (answer.notes || []).map(noteText).join(' ');
  if (answer.problem) $('.words').textContent = problemText(answer.problem);
  else if (message) showMessage(translate(message));
  else if (notes) showMessage(notes);
}

// A note of the server's: texts by language, or the English text of the only one that is known by a key of ours.
const noteText = (note) => typeof note !== 'string' ? problemText(note) : currentLanguage() === 'en' ? note : translate('onWhite');

// Have a file made of a photo: the server's answer; null if another photo has taken its place.
async function fetchFile(photo, what, format, again = false) {
  let answer;
  const question = { ...sourceOf(photo), edits: photo.edits, weights: photo.weights };
  try {
    const background = await sendOwnPicture(studio.choices.background);
    answer = what === 'pair' ? await ask('pair', { ...question, threshold: threshold(), pieces: studio.choices.pieces })
      : await ask('save', { ...question, choices: { ...chosenFinish(), what, format }, background });
  } catch {
    return { problem: await failureOf() };
  }
  if (!answer.gone || again) return answer;
  forgetOwnPicture(); // the page was open for longer than photos are kept
  if (!photo.source) return fetchFile(photo, what, format, true);
  if (await sendPhoto(photo)) return fetchFile(photo, what, format, true);
  return studio.photo === photo ? { problem: 'notSent' } : null;
}

const nameOf = (file, photo) => photo.file.replace(/\.[^.]*$/, '') + file.orig_name.match(/-[a-z]+\.\w+$/)[0];

function save(file, photo) {
  saveFile(fileUrl(file.path), nameOf(file, photo));
}

// ---- To other programs

// Put the finished picture on the clipboard, which knows PNG alone. The browser is promised it at the click.
async function copyPicture() {
  let failed = null;
  const made = new Promise((resolve, reject) => {
    download('cutout', async ({ path }) => {
      const response = await fetch(fileUrl(path));
      resolve(response.blob());
      const isRefused = await failed;
      return isRefused ? 'notCopied' : 'copied';
    }, 'png').then(() => reject(new Error('not made')));
  });
  failed = navigator.clipboard.write([new ClipboardItem({ 'image/png': made })]).then(() => false, () => true);
}

async function share() {
  const key = JSON.stringify([sourceOf(studio.photo), corrections(), chosenFinish()]);
  if (toShare?.key === key) return hand(toShare.file);
  await download('cutout', async (file, photo) => {
    const response = await fetch(fileUrl(file.path)), blob = await response.blob();
    toShare = { key, file: new File([blob], nameOf(file, photo), { type: blob.type }) };
    return hand(toShare.file);
  });
}

// Hand a file to the device's own sheet; where that takes too long after the click, it wants another one.
async function hand(file) {
  try {
    await navigator.share({ files: [file] });
  } catch (error) {
    return error.name === 'NotAllowedError' ? 'shareAgain' : null;
  }
}

const canShare = () => Boolean(navigator.canShare?.({ files: [new File([''], 'chair.png', { type: 'image/png' })] }));

export function startDownload() {
  Object.assign(actions, {
    save: () => download('cutout'),
    saveMask: () => download('mask'),
    saveAll: () => download('all'),
    savePair: () => download('pair'),
    copyPicture,
    share,
  });
  $('[data-do=share]').hidden = !canShare();
  $('[data-do=copyPicture]').hidden = !window.ClipboardItem;
}
