// The result in words.

import { backgroundName } from './choices.js';
import { canvasShape } from './frame.js';
import { $, page, showMessage } from './page.js';
import { canvas, figures, onDescribe, onDraw, slider, studio, threshold } from './studio.js';
import { currentLanguage, exampleName, onLanguageChange, percent, problemText, texts, translate } from './words.js';

const FAINT = 0.25; // where nothing is sure enough, but something is this probable, a lower threshold finds it
let waitingFor = null; // the key of what is being waited for
let problem = null; // what is wrong with the photo, a key of ours or texts by language

// Which weights the last answer came from, and why not from those that were wanted.
export function showOrigin() {
  const { notice, weights } = studio.origin;
  $('.notice').textContent = notice ? translate(notice.kind, notice) : '';
  $('.origin').textContent = weights?.repository ? translate('weights', {
    ...weights, commit: weights.commit.slice(0, 7), licence: weights.licence || translate('unstated'),
  }) : '';
}

function showThreshold() {
  const shown = percent(threshold());
  $('.ask output').textContent = shown;
  slider().setAttribute('aria-valuetext', shown);
  slider().style.setProperty('--at', slider().value + '%');
}

// What the page is in: `waiting` (for what `key` says), `ready`, `problem` or `empty`.
export function setState(state, key = null) {
  page.root.dataset.state = state;
  waitingFor = key;
  $('.stage').setAttribute('aria-busy', String(state === 'waiting'));
  if (state !== 'ready') $('.download').disabled = true;
  describeResult();
}

export function describeResult() {
  const { photo } = studio;
  const text = photo?.map ? summary(figures()) : waitingFor ? translate(waitingFor) : '';
  if ($('.words').textContent !== text) $('.words').textContent = text;
  canvas('photo').setAttribute('aria-label', (photo?.name || translate('photo')) + (text ? ': ' + text : ''));
  for (const button of page.root.querySelectorAll('.extras [data-do^=save]')) button.disabled = !photo?.map;
  $('button.correct').disabled = !photo?.map;
  showMessage(photo?.map && !$('.download').disabled ? fileSummary() : '');
}

// The file to come: its size, where it can be said exactly, and its background.
function fileSummary() {
  const { choices, photo } = studio;
  const [kind, across, down] = canvasShape(choices.canvas);
  const exact = kind === 'pixels' || (kind === 'photo' && !choices.trim);
  const background = choices.background === 'transparent' && choices.format === 'jpeg' ? '#ffffff' : choices.background;
  const behind = translate('onBackground', { background: backgroundName(background).toLowerCase() });
  if (!exact) return behind;
  const [width, height] = kind === 'pixels' ? [across, down] : [photo.width, photo.height];
  return translate('size', { width, height }) + translate('comma') + behind;
}

function summary({ coverage, confidence, pieces, place, highest }) {
  $('.download').disabled = !coverage;
  if (!coverage) return translate(highest >= FAINT ? 'lower' : 'none');
  const sentence = translate(pieces > 1 ? 'many' : 'one', {
    pieces, coverage: percent(coverage), confidence: percent(confidence),
  });
  if (place === null) return sentence;
  const gap = currentLanguage() === 'zh' ? '' : ' ';
  return sentence + gap + translate('unsureAt', { place: texts().places[place] });
}

// Say what is wrong in the photo's place.
export function fail(key) {
  problem = key;
  setState('problem');
  showProblem();
}

function showProblem() {
  $('.problem').textContent = problemText(problem);
}

function nameExamples() {
  for (const button of page.root.querySelectorAll('.examples button')) {
    button.title = exampleName(button.dataset.example);
    button.setAttribute('aria-label', button.title);
  }
}

export function startResult() {
  onDraw(showThreshold);
  onDescribe(describeResult);
  onLanguageChange(() => {
    nameExamples();
    if (page.root.dataset.state === 'problem') showProblem();
    showOrigin();
    showThreshold();
    describeResult();
  });
}
