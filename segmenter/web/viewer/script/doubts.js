// "Where I am unsure": the places to check, numbered on the photo and listed. Islands and gaps are settled by one click,
// the other areas by hand.

import { record } from './history.js';
import { $, actions } from './page.js';
import { corrections, onDescribe, placesToCheck, studio, view } from './studio.js';
import { currentLanguage, percent, translate } from './words.js';

let shown = ''; // what the list is of, so that it is not built again while a finger is on it

function listDoubts() {
  const { photo } = studio;
  if (view() !== 'unsure' || !photo?.map) return;
  const { islands, gaps, areas } = placesToCheck();
  const items = [['island', islands], ['gap', gaps], ['area', areas]].flatMap(([kind, places]) => places.map((place) => ({ ...place, kind })));
  const wanted = currentLanguage() + JSON.stringify(items.map(({ kind, at, area }) => [kind, at, area]));
  if (wanted === shown && $('.marks').childElementCount === items.length) return;
  shown = wanted;
  const focused = document.activeElement?.closest('.doubts li');
  const place = focused ? [...focused.parentElement.children].indexOf(focused) : -1;
  $('.doubts .none').hidden = items.length > 0;
  $('.doubts ol').replaceChildren(...items.map(doubtLine));
  $('.marks').replaceChildren(...items.map(doubtMark));
  if (place >= 0) { // the visitor goes on with the one that has taken its place
    const lines = $('.doubts ol').children, next = lines[Math.min(place, lines.length - 1)];
    (next?.querySelector('button') || $('.views [aria-pressed=true]')).focus();
  }
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

function doubtMark({ kind, box }, n) {
  const mark = Object.assign(document.createElement('button'), { type: 'button', className: 'mark ' + kind, textContent: n + 1 });
  mark.dataset.do = 'showDoubt';
  mark.dataset.number = n;
  mark.setAttribute('aria-label', translate(kind + 'Mark', { n: n + 1 }));
  mark.style.left = 50 * (box[0] + box[2]) + '%';
  mark.style.top = 100 * box[1] + '%';
  return mark;
}

export function startDoubts() {
  onDescribe(listDoubts);
  Object.assign(actions, {
    settle: ({ dataset }) => record([...corrections(), { do: dataset.settle, at: dataset.at.split(',').map(Number) }]),
    showDoubt: ({ dataset }) => $('.doubts ol').children[dataset.number]?.querySelector('button').focus(),
  });
}
