// The beginning: every part is started, then the page is filled and what the visitor does is listened to.

import { startAbout } from './about.js';
import { leaveCorrecting, setCorrecting, startBrush } from './brush.js';
import { closeCamera } from './camera.js';
import { startChoices } from './choices.js';
import { startDoubts } from './doubts.js';
import { startDownload } from './download.js';
import { startHistory } from './history.js';
import { readLink, startLink } from './link.js';
import { startMany } from './many.js';
import { actions, connect, goTo, page, placeOf, receivers } from './page.js';
import { showExample, startPhoto } from './photo.js';
import { setState, startResult } from './result.js';
import { startServer } from './server.js';
import { startStage } from './stage.js';
import { redraw, setThreshold, slider, studio } from './studio.js';
import { startWords, switchLanguage } from './words.js';
import { startZoom } from './zoom.js';

// Show the example of a link, once its thumbnail can stand in for it; without one, what is there stays.
async function showLinked(id) {
  if (id === undefined) return setState('empty');
  if (id === null || id === studio.photo?.example) return redraw();
  const picture = page.root.querySelector(`.examples [data-example="${CSS.escape(id)}"] img`), before = studio.photo;
  await picture.decode().catch(() => {});
  if (studio.photo === before) showExample(id, picture);
}

function followAddress() {
  const place = placeOf(location.hash);
  goTo(place);
  if (place === 'studio' && location.hash.includes('=')) showLinked(readLink(location.hash));
}

function receiveFiles(data) {
  if (data?.files.length) receivers[page.root.dataset.place]?.(data.files);
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
    receiveFiles(event.dataTransfer);
  });
}

function listen() {
  page.root.addEventListener('click', (event) => {
    const button = event.target.closest('[data-do]');
    if (button) actions[button.dataset.do]?.(button);
  });
  slider().addEventListener('input', () => { studio.thresholdChosen = true; redraw(); });
  document.addEventListener('paste', (event) => receiveFiles(event.clipboardData));
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && !closeCamera()) leaveCorrecting(); });
  window.addEventListener('hashchange', followAddress);
  listenForDrops();
}

// Called once, with what Gradio gives the script of a component.
export function start(gradio) {
  connect(gradio);
  Object.assign(actions, {
    programs: () => document.querySelector('footer .show-api')?.click(), // Gradio's own page about the endpoints
    language: switchLanguage,
  });
  for (const startPart of [
    startServer, startStage, startResult, startChoices, startHistory, startZoom, startBrush, startDoubts, startPhoto, startDownload, startLink,
    startMany, startAbout, listen,
  ]) startPart();
  setThreshold(page.props.threshold);
  startWords();
  const place = placeOf(location.hash), example = readLink(place === 'studio' ? location.hash : '');
  goTo(place);
  setCorrecting(false);
  showLinked(example || page.props.examples[0]?.id);
}
