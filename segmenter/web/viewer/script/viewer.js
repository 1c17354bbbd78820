// The beginning: every part is started, then the page is filled and what the visitor does is listened to.

import { startAbout } from './about.js';
import { leaveCorrecting, setCorrecting, startBrush } from './brush.js';
import { closeCamera } from './camera.js';
import { startChoices } from './choices.js';
import { startComposer } from './composer.js';
import { startDoubts } from './doubts.js';
import { startDownload } from './download.js';
import { startHistory } from './history.js';
import { startKept } from './kept.js';
import { readLink, startLink } from './link.js';
import { startMany } from './many.js';
import { actions, connect, goTo, page, placeOf } from './page.js';
import { exampleThumbnail, showExample, startPhoto } from './photo.js';
import { startPicking } from './picking.js';
import { startRecent } from './recent.js';
import { setState, startResult } from './result.js';
import { startServer } from './server.js';
import { startSources } from './sources.js';
import { startStage } from './stage.js';
import { redraw, setThreshold, slider, studio, threshold } from './studio.js';
import { startWords, switchLanguage } from './words.js';
import { startZoom } from './zoom.js';

// Show the example of a link, once its thumbnail can stand in for it; without one, what is there stays.
async function showLinked(id) {
  if (id === undefined) return setState('empty');
  if (id === null || id === studio.photo?.example) return redraw();
  const picture = exampleThumbnail(id), before = studio.photo;
  await picture.decode().catch(() => {});
  if (studio.photo === before) showExample(id, picture, studio.thresholdChosen ? threshold() : null);
}

function followAddress() {
  const place = placeOf(location.hash);
  goTo(place);
  if (place === 'studio' && location.hash.includes('=')) showLinked(readLink(location.hash));
}

function listen() {
  page.root.addEventListener('click', (event) => {
    const button = event.target.closest('[data-do]');
    if (button) actions[button.dataset.do]?.(button);
  });
  slider().addEventListener('input', () => { studio.thresholdChosen = true; redraw(); });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && !closeCamera()) leaveCorrecting(); });
  window.addEventListener('hashchange', followAddress);
}

// Called once, with what Gradio gives the script of a component.
export function start(gradio) {
  connect(gradio);
  Object.assign(actions, {
    programs: () => document.querySelector('footer .show-api')?.click(), // Gradio's own page about the endpoints
    language: switchLanguage,
  });
  for (const startPart of [
    startServer, startComposer, startStage, startResult, startChoices, startHistory, startZoom, startBrush, startDoubts, startPhoto, startPicking, startKept, startDownload, startLink,
    startSources, startRecent, startMany, startAbout, listen,
  ]) startPart();
  setThreshold(page.props.threshold);
  startWords();
  const place = placeOf(location.hash), example = readLink(place === 'studio' ? location.hash : '');
  goTo(place);
  setCorrecting(false);
  showLinked(example || page.props.examples[0]?.id);
}
