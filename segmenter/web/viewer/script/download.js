// The files that the server makes of the photo on the page.

import { forgetOwnPicture, sendOwnPicture } from './backgrounds.js';
import { showChoices } from './choices.js';
import { $, actions, page, saveFile, showMessage } from './page.js';
import { sendPhoto, sourceOf } from './photo.js';
import { describeResult } from './result.js';
import { ask, failureOf, fileUrl } from './server.js';
import { chosenFinish, studio, threshold } from './studio.js';
import { currentLanguage, problemText, translate } from './words.js';

async function download(what) {
  if (!studio.photo?.map || page.root.classList.contains('saving')) return;
  page.root.classList.add('saving');
  $('.download span').textContent = translate('downloading');
  const answer = await fetchFile(studio.photo, what);
  page.root.classList.remove('saving');
  showChoices();
  describeResult();
  if (!answer) return; // the visitor has gone on to another photo
  const notes = (answer.notes || []).map(noteText).join(' ');
  if (answer.problem) $('.words').textContent = problemText(answer.problem);
  else if (notes) showMessage(notes);
}

// A note of the server's: texts by language, or the English text of the only one that is known by a key of ours.
const noteText = (note) => typeof note !== 'string' ? problemText(note) : currentLanguage() === 'en' ? note : translate('onWhite');

// Have a file made of a photo and save it: the server's answer; null if another photo has taken its place.
async function fetchFile(photo, what, again = false) {
  let answer;
  const question = { ...sourceOf(photo), edits: photo.edits, weights: photo.weights };
  try {
    const background = await sendOwnPicture(studio.choices.background);
    answer = what === 'pair' ? await ask('pair', { ...question, threshold: threshold(), pieces: studio.choices.pieces })
      : await ask('save', { ...question, choices: { ...chosenFinish(), what }, background });
  } catch {
    return { problem: await failureOf() };
  }
  if (answer.gone && !again) { // the page was open for longer than photos are kept
    forgetOwnPicture();
    if (!photo.source) return fetchFile(photo, what, true);
    return (await sendPhoto(photo)) ? fetchFile(photo, what, true) : null;
  }
  if (answer.file) saveFile(fileUrl(answer.file.path), photo.file.replace(/\.[^.]*$/, '') + answer.file.orig_name.match(/-[a-z]+\.\w+$/)[0]);
  return answer;
}

export function startDownload() {
  Object.assign(actions, {
    save: () => download('cutout'),
    saveMask: () => download('mask'),
    saveAll: () => download('all'),
    savePair: () => download('pair'),
  });
}
