// The result in words.

import { backgroundName } from './choices.js';
import { canvasShape, frameOf } from './frame.js';
import { $, actions, page, showMessage } from './page.js';
import { objectBox } from './pixels.js';
import { onReturn } from './server.js';
import { setView } from './stage.js';
import { canvas, cutPixels, figures, onDescribe, onDraw, placesToCheck, slider, studio, threshold } from './studio.js';
import { currentLanguage, exampleName, onLanguageChange, percent, problemText, translate, translateCount } from './words.js';

const FAINT = 0.25; // where nothing is sure enough, but something is this probable, a lower threshold finds it
const PASSING = ['notSent', 'failed', 'away'];
let waitingFor = null; // [key, values] of the text about what is being waited for
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
export function setState(state, key = null, values = {}) {
  page.root.dataset.state = state;
  waitingFor = key && [key, values];
  $('.stage').setAttribute('aria-busy', String(state === 'waiting'));
  if (state === 'ready') return; // the result is drawn first, and described a moment later
  $('.download').disabled = true;
  describeResult();
}

export function describeResult() {
  const { photo } = studio;
  const [text, check] = photo?.map ? summary(figures()) : [waitingFor ? translateCount(...waitingFor) : ''];
  showWords(text, check);
  canvas('photo').setAttribute('aria-label', (photo?.name || translate('photo')) + (text ? ': ' + text : ''));
  for (const button of page.root.querySelectorAll('.extras [data-do^=save]')) button.disabled = !photo?.map;
  $('button.correct').disabled = !photo?.map;
  showMessage(photo?.map && !$('.download').disabled ? fileSummary() : '');
}

// Show a sentence, and where there is something to check, the button that leads there.
function showWords(text, check) {
  const words = $('.words'), gap = text && check && currentLanguage() !== 'zh' ? ' ' : '';
  if (words.textContent === text + gap + (check || '')) return; // a screen reader says it once
  const button = check && Object.assign(document.createElement('button'), { type: 'button', className: 'link', textContent: check });
  if (button) button.dataset.do = 'check';
  words.replaceChildren(text + gap, ...(button ? [button] : []));
}

// The file to come: its size, where it can be said exactly, and its background.
function fileSummary() {
  const { choices, photo } = studio;
  const [kind, across, down] = canvasShape(choices.canvas);
  const exact = kind === 'pixels' || (kind === 'photo' && !choices.trim);
  const background = choices.background === 'transparent' && choices.format === 'jpeg' ? '#ffffff' : choices.background;
  const behind = translate('onBackground', { background: backgroundName(background).toLowerCase() });
  const larger = enlargedText() && translate('comma') + enlargedText();
  if (!exact) return behind;
  const [width, height] = kind === 'pixels' ? [across, down] : [photo.width, photo.height];
  return translate('size', { width, height }) + larger + translate('comma') + behind;
}

// How many times larger the photo's pixels become in the file, in words; nothing where they do not.
export function enlargedText() {
  const times = canvasShape(studio.choices.canvas)[0] === 'pixels' ? enlargement() : 1;
  return times > 1.05 ? translate('enlarged', { times: times.toFixed(1) }) : '';
}

function enlargement() {
  const { choices, photo } = studio, image = cutPixels(), box = choices.trim ? objectBox(image) : null;
  const { scale } = frameOf(box, image, { ...choices, background: '' }, Infinity);
  return (scale * image.width) / photo.width;
}

// [what was found, what there is to check] in words; where nothing is to be checked, the first says that too.
function summary({ coverage, pieces, highest }) {
  $('.download').disabled = !coverage;
  if (!coverage) return [translate(highest >= FAINT ? 'lower' : 'none')];
  const sentence = translate(pieces > 1 ? 'many' : 'one', { pieces, coverage: percent(coverage) });
  const { check } = placesToCheck();
  if (check) return [sentence, translateCount('check', { n: check })];
  return [sentence + (currentLanguage() === 'zh' ? '' : ' ') + translate('clean')];
}

// Say what is wrong in the photo's place.
export function fail(key) {
  problem = key;
  setState('problem');
  showProblem();
}

function showProblem() {
  $('.problem p').textContent = problemText(problem);
  $('.problem button').hidden = !canTryAgain();
}

// Whether what went wrong may go well the next time.
export const canTryAgain = () => page.root.dataset.state === 'problem' && PASSING.includes(problem);

// How much of the photo has been sent, 0 … 1; null: none is under way.
export function showUpload(share) {
  const bar = $('.stage progress');
  bar.hidden = share === null;
  bar.value = share ?? 0;
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
  onReturn(describeResult); // in the place of what was said of the server
  actions.check = () => {
    setView('unsure');
    $('.views [data-view=unsure]').focus(); // the button that was clicked may go
  };
  onLanguageChange(() => {
    nameExamples();
    if (page.root.dataset.state === 'problem') showProblem();
    showOrigin();
    showThreshold();
    describeResult();
  });
}
