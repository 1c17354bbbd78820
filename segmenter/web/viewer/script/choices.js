// The finish panel: what the visitor chooses about the picture, and its names for the server (segmenter/render/options.py).

import { fetchRoom, hasOwnPicture, isRoom, openOwnPicture, roomName } from './backgrounds.js';
import constants from './constants.js';
import { $, actions, page } from './page.js';
import { setView } from './stage.js';
import { redraw, studio, view } from './studio.js';
import { onLanguageChange, texts, translate } from './words.js';

const { defaults: DEFAULTS, ranges: RANGES } = constants.choices;
const SHAPES = ['photo', 'square', '4:5', '3:4', '4:3', '16:9'];
const MARKETPLACES = Object.entries(constants.presets).filter(([name]) => name.startsWith('marketplace')).map(([, preset]) => preset);

const PRESETS = { plain: {}, ...constants.presets }; // by the names under `presetNames` in the texts

const panel = () => $('.finish');
const rangesOf = () => panel().querySelectorAll('input[type=range]');

// The finish in a line of words.
export function finishSummary() {
  const { pieces, background, shadow, trim, canvas, format } = studio.choices;
  const parts = [backgroundName(background)];
  if (pieces === 'all') parts.push(translate('withAllPieces'));
  if (shadow) parts.push(translate('withShadow'));
  if (trim) parts.push(translate('trimmed'));
  if (canvas !== 'photo') parts.push(canvasName(canvas));
  parts.push(formatName(format));
  return parts.join(translate('comma'));
}

export function backgroundName(background) {
  if (isRoom(background)) return texts().rooms[roomName(background)] || roomName(background);
  return translate({ transparent: 'transparent', '#ffffff': 'white', blur: 'blur', own: 'ownPicture' }[background] || 'colour');
}

const formatName = (format) => ({ png: 'PNG', webp: 'WebP', jpeg: 'JPEG' })[format];
const canvasName = (canvas) => ({ photo: translate('asPhoto'), square: translate('square') })[canvas] || canvas.replace('x', ' × ');

// Take over some settings, and whatever follows from them.
function choose(some) {
  Object.assign(studio.choices, some);
  showChoices();
  fetchRoom();
  redraw();
}

export function showChoices() {
  const { choices } = studio;
  for (const range of rangesOf()) {
    range.value = choices[range.name];
    range.style.setProperty('--at', (100 * (range.value - range.min)) / (range.max - range.min) + '%');
    const shown = amountText(range.name, choices[range.name]);
    range.setAttribute('aria-valuetext', shown);
    range.parentElement.querySelector('output').textContent = shown;
  }
  const { trim, canvas, format } = choices;
  for (const box of panel().querySelectorAll('input[type=checkbox]')) box.checked = choices[box.name];
  panel().querySelector('.tint').hidden = !isRoom(choices.background);
  panel().querySelector('[name=margin]').disabled = !trim;
  panel().querySelector('[name=canvas]').value = canvas;
  showBackground();
  for (const button of panel().querySelectorAll('[data-preset]')) button.setAttribute('aria-pressed', String(isTaken(PRESETS[button.dataset.preset])));
  for (const name of ['format', 'pieces']) {
    for (const button of panel().querySelectorAll(`[data-${name}]`)) button.setAttribute('aria-pressed', String(button.dataset[name] === choices[name]));
  }
  $('.chosen').textContent = finishSummary();
  if (!page.root.classList.contains('saving')) $('.download span').textContent = translate('download', { format: formatName(format) });
}

// All that a preset settles: whatever it does not name is as by default, but for which pieces there are.
const presetChoices = (preset) => ({ ...DEFAULTS, pieces: studio.choices.pieces, ...preset });
const isTaken = (preset) => Object.entries(presetChoices(preset)).every(([name, value]) => studio.choices[name] === value);

function showBackground() {
  const { background } = studio.choices;
  const listed = panel().querySelector(`button[data-background="${CSS.escape(background)}"]`);
  for (const swatch of panel().querySelectorAll('[data-background]')) swatch.setAttribute('aria-pressed', String(swatch === listed));
  $('.hue').classList.toggle('taken', !listed);
  if (!listed) $('.colour').value = background;
  $('.hue').style.background = $('.colour').value;
}

const thousandths = (value) => (value / 10).toFixed(value % 1 ? 2 : 1) + '\u202f%'; // of the photo's longer side

function amountText(name, value) {
  if (name === 'shift') return (value > 0 ? '+' : value < 0 ? '\u2212' : '') + thousandths(Math.abs(value));
  if (name === 'softness') return thousandths(value);
  return Math.round(100 * value) + '\u202f%';
}

async function chooseOwnPicture(file) {
  if (file && (await openOwnPicture(file))) choose({ background: 'own' });
}

function addRooms() {
  for (const { name, thumbnail } of page.props.rooms) {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'swatch room' });
    Object.assign(button.dataset, { do: 'background', background: 'room:' + name });
    button.style.backgroundImage = `url(${thumbnail})`;
    $('.rooms').append(button);
  }
}

function addPresets() {
  $('.presets').append(...Object.keys(PRESETS).map((preset) => {
    const button = Object.assign(document.createElement('button'), { type: 'button' });
    Object.assign(button.dataset, { do: 'preset', preset });
    return button;
  }));
}

// The finished picture is what the panel is about: it is shown as long as it is open.
function takeToggle() {
  page.root.classList.toggle('finishing', panel().open);
  if (!panel().open || page.root.dataset.place !== 'studio') return;
  if (!['cutout', 'compare'].includes(view())) setView('cutout');
  panel().scrollIntoView({ block: 'nearest' });
}

function nameChoices() {
  for (const button of panel().querySelectorAll('[data-preset]')) button.textContent = texts().presetNames[button.dataset.preset];
  for (const button of panel().querySelectorAll('.room')) {
    const name = backgroundName(button.dataset.background);
    button.setAttribute('aria-label', name);
    button.dataset.says = name;
  }
  const option = (value) => Object.assign(document.createElement('option'), { value, textContent: canvasName(value) });
  const shops = document.createElement('optgroup');
  shops.label = translate('marketplaces');
  shops.append(...MARKETPLACES.map(({ canvas }) => option(canvas)));
  panel().querySelector('[name=canvas]').replaceChildren(...SHAPES.map(option), shops);
  showChoices();
}

function takeInput({ target }) {
  if (target.type === 'range') choose({ [target.name]: Number(target.value) });
  if (target.type === 'checkbox') choose({ [target.name]: target.checked });
  if (target.classList.contains('colour')) choose({ background: target.value });
}

function takeChange({ target }) {
  if (target.name === 'canvas') choose(MARKETPLACES.find(({ canvas }) => canvas === target.value) || { canvas: target.value });
  if (target.classList.contains('own-file')) {
    chooseOwnPicture(target.files[0]);
    target.value = '';
  }
}

export function startChoices() {
  for (const range of rangesOf()) [range.min, range.max] = RANGES[range.name];
  addRooms();
  addPresets();
  panel().addEventListener('toggle', takeToggle);
  panel().addEventListener('input', takeInput);
  panel().addEventListener('change', takeChange);
  $('.colour').addEventListener('click', () => choose({ background: $('.colour').value }));
  Object.assign(actions, {
    background: (button) => choose({ background: button.dataset.background }),
    ownPicture: () => { if (hasOwnPicture() && studio.choices.background !== 'own') choose({ background: 'own' }); else $('.own-file').click(); },
    format: (button) => choose({ format: button.dataset.format }),
    pieces: (button) => choose({ pieces: button.dataset.pieces }),
    preset: (button) => choose(presetChoices(PRESETS[button.dataset.preset])),
    plain: () => choose(DEFAULTS),
  });
  onLanguageChange(nameChoices);
}
