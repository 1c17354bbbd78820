// "Where I am unsure": loose islands and enclosed gaps, numbered on the photo and listed, each settled by one click.

let doubtsShown = ''; // what the list is of, so that it is not built again while a finger is on it

function listDoubts() {
  if (!current?.map) return;
  const found = findDoubts(current.map, threshold(), corrections().filter(({ at }) => at).map(({ at }) => at));
  const items = [...found.islands.map((item) => ({ ...item, kind: 'island' })), ...found.gaps.map((item) => ({ ...item, kind: 'gap' }))];
  const shown = language + JSON.stringify(items.map(({ kind, at, area }) => [kind, at, area]));
  if (shown === doubtsShown && $('.marks').childElementCount === items.length) return;
  doubtsShown = shown;
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

function doubtLine({ kind, area, at, confidence }, n) {
  const line = document.createElement('li');
  const text = say(kind, { area: percent(area), confidence: percent(confidence) });
  line.append(Object.assign(document.createElement('span'), { textContent: text }));
  for (const deed of ['keep', 'drop']) {
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: say(kind + (deed === 'keep' ? 'Keep' : 'Drop')) });
    Object.assign(button.dataset, { do: 'settle', settle: deed, at: at.join() });
    button.setAttribute('aria-label', `${n + 1}: ${button.textContent}`);
    line.append(button);
  }
  return line;
}

function doubtMark({ kind, box }, n) {
  const mark = Object.assign(document.createElement('button'), { type: 'button', className: 'mark ' + kind, textContent: n + 1 });
  mark.dataset.do = 'showDoubt';
  mark.dataset.number = n;
  mark.setAttribute('aria-label', say(kind + 'Mark', { n: n + 1 }));
  mark.style.left = 50 * (box[0] + box[2]) + '%';
  mark.style.top = 100 * box[1] + '%';
  return mark;
}

Object.assign(deeds, {
  settle: ({ dataset }) => record([...current.edits, { do: dataset.settle, at: dataset.at.split(',').map(Number) }]),
  showDoubt: ({ dataset }) => $('.doubts ol').children[dataset.number]?.querySelector('button').focus(),
});
