// "Where I am unsure": the places to check, numbered on the photo and listed. Islands and gaps are settled by one click,
// the other areas by hand.

import constants from './constants.js';
import { record } from './history.js';
import { $, actions } from './page.js';
import { apart } from './pins.js';
import { corrections, onDescribe, placesToCheck, placesWith, studio, view } from './studio.js';
import { currentLanguage, percent, translate, translateCount } from './words.js';

const { max_edits: MAX_EDITS } = constants.corrections;
const MOST = 8; // places that are listed at once; the next ones move up
const PIN = 34; // pixels from one mark to the next at least
let shown = ''; // what the list is of, so that it is not built again while a finger is on it

function listDoubts() {
  const { photo } = studio;
  if (view() !== 'unsure' || !photo?.map) return;
  const { islands, gaps, areas, check } = placesToCheck();
  const all = [['island', islands], ['gap', gaps], ['area', areas]].flatMap(([kind, places]) => places.map((place) => ({ ...place, kind })));
  const items = all.slice(0, MOST), frame = $('.frame').getBoundingClientRect();
  const wanted = currentLanguage() + JSON.stringify([check, Math.round(frame.width), items.map(({ kind, at, area }) => [kind, at, area])]);
  if (wanted === shown && $('.marks').childElementCount === items.length) return;
  shown = wanted;
  const focused = document.activeElement?.closest('.doubts li, .loose');
  const place = focused?.parentElement ? [...focused.parentElement.children].indexOf(focused) : -1;
  $('.doubts .none').hidden = items.length > 0;
  $('.doubts .further').textContent = check > items.length ? translateCount('doubtsFurther', { n: check - items.length }) : '';
  $('[data-do=dropLoose]').hidden = islands.length < 2;
  $('.doubts ol').replaceChildren(...items.map(doubtLine));
  showMarks(items, frame);
  if (place >= 0) { // the visitor goes on with the one that has taken its place
    const lines = $('.doubts ol').children, next = lines[Math.min(place, lines.length - 1)];
    (next?.querySelector('button') || $('.views [aria-pressed=true]')).focus();
  }
}

function showMarks(items, { width, height }) {
  const points = items.map(({ box }) => [(width * (box[0] + box[2])) / 2, height * box[1] - PIN / 2]);
  const places = apart(points, PIN, width, height);
  $('.marks').replaceChildren(...items.map((item, n) => doubtMark(item, n, [places[n][0] / width, places[n][1] / height])));
}

function doubtLine({ kind, area, at }, n) {
  const line = document.createElement('li');
  line.append(Object.assign(document.createElement('span'), { textContent: translate(kind, { area: percent(area) }) }));
  const add = (text, data) => {
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: text });
    Object.assign(button.dataset, data);
    button.setAttribute('aria-label', `${n + 1}: ${text}`);
    line.append(button);
  };
  if (kind === 'area') add(translate('correct'), { do: 'correct' });
  else for (const [answer, key] of [['keep', 'Keep'], ['drop', 'Drop']]) add(translate(kind + key), { do: 'settle', settle: answer, at: at.join() });
  return line;
}

function doubtMark({ kind }, n, [x, y]) {
  const mark = Object.assign(document.createElement('button'), { type: 'button', className: 'mark ' + kind, textContent: n + 1 });
  mark.dataset.do = 'showDoubt';
  mark.dataset.number = n;
  mark.setAttribute('aria-label', translate(kind + 'Mark', { n: n + 1 }));
  mark.style.left = 100 * x + '%';
  mark.style.top = 100 * y + '%';
  return mark;
}

// Drop all islands by one correction after another, which are one step for the undo.
function dropLoose() {
  let edits = [...corrections()];
  for (let more = looseOf(edits); more.length && edits.length + more.length <= MAX_EDITS; more = looseOf(edits)) {
    edits = [...edits, ...more.map(({ at }) => ({ do: 'drop', at }))];
  }
  record(edits);
  $('.loose [data-do=undo]').focus();
}

// The islands that are listed once there are these corrections.
const looseOf = (edits) => placesWith(edits).islands.filter(({ at }) => at);

export function startDoubts() {
  onDescribe(listDoubts);
  Object.assign(actions, {
    dropLoose,
    settle: ({ dataset }) => record([...corrections(), { do: dataset.settle, at: dataset.at.split(',').map(Number) }]),
    showDoubt: ({ dataset }) => $('.doubts ol').children[dataset.number]?.querySelector('button').focus(),
  });
}
