// A link that keeps the settings, but not the photo: they stand in the address after the #.

import { fetchRoom } from './backgrounds.js';
import { showChoices } from './choices.js';
import constants from './constants.js';
import { $, actions, arrivals, page, showMessage } from './page.js';
import { setView } from './stage.js';
import { onDescribe, redraw, setThreshold, slider, studio, view } from './studio.js';
import { translate } from './words.js';

const { defaults: DEFAULTS, ranges: RANGES, formats: FORMATS, pieces: PIECES } = constants.choices;
let written = null; // what the address says; the first photo alone is no reason to change it

function settings() {
  const parameters = new URLSearchParams();
  if (studio.thresholdChosen) parameters.set('threshold', slider().value);
  if (view() !== 'heat') parameters.set('view', view());
  if (studio.photo?.example) parameters.set('photo', studio.photo.example);
  for (const [name, value] of Object.entries(studio.choices)) {
    if (value !== DEFAULTS[name] && value !== 'own') parameters.set(name, value);
  }
  return parameters.toString();
}

function updateAddress() {
  const wanted = settings();
  const plain = wanted === '' || wanted === 'photo=' + (page.props.examples[0]?.id || '');
  if (page.root.dataset.place !== 'studio' || wanted === written || (written === null && plain)) return;
  written = wanted;
  history.replaceState(history.state, '', '#' + (plain ? '' : wanted));
}

// Take over what an address says; what is not possible is left out. The name of the example that it shows, or null.
export function readLink(hash) {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const percentage = Number(parameters.get('threshold'));
  if (percentage >= 1 && percentage <= 99) setThreshold(percentage / 100, true);
  studio.choices = { ...DEFAULTS, ...possibleChoices(parameters) };
  showChoices();
  fetchRoom();
  setView(parameters.get('view'));
  return page.props.examples.some(({ id }) => id === parameters.get('photo')) ? parameters.get('photo') : null;
}

function possibleChoices(parameters) {
  const choices = {}, take = (name, possible) => { if (possible) choices[name] = parameters.get(name); };
  for (const [name, [low, high]] of Object.entries(RANGES)) {
    const value = Number(parameters.get(name));
    if (parameters.has(name) && value >= low && value <= high) choices[name] = value;
  }
  for (const name of ['trim', 'tint']) if (parameters.get(name) === 'true') choices[name] = true;
  take('canvas', [...$('.finish [name=canvas]').options].some(({ value }) => value === parameters.get('canvas')));
  take('format', FORMATS.includes(parameters.get('format')));
  take('pieces', PIECES.includes(parameters.get('pieces')));
  const background = parameters.get('background') || '', isRoom = page.props.rooms.some(({ name }) => background === 'room:' + name);
  take('background', /^#[0-9a-f]{6}$/.test(background) || background === 'blur' || isRoom);
  return choices;
}

async function copyLink(button) {
  const url = new URL(location.href);
  url.hash = settings();
  try {
    await navigator.clipboard.writeText(url.href);
    showMessage(translate(studio.photo?.source ? 'linkCopiedOwn' : 'linkCopied'));
  } catch { // forbidden, as in a frame: let it be copied by hand
    window.prompt(translate('copyLink'), url.href);
  }
  button.focus();
}

export function startLink() {
  onDescribe(updateAddress);
  actions.copyLink = copyLink;
  arrivals.studio = () => { // whose settings the address says again
    written = null;
    redraw();
  };
}
