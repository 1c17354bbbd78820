// The model that is at work: its figures, samples, weights and card. The curve has a file of its own.

import { drawCurve, hasCurve, showCurve, startCurve } from './curve.js';
import { model, number, share, sourceName } from './model.js';
import { $, arrivals } from './page.js';
import { call } from './server.js';
import { studio } from './studio.js';
import { onLanguageChange, texts, translate } from './words.js';

const find = (selector) => $('.about').querySelector(selector);
let fetching = false;

async function fetchModel() {
  fetching = true;
  const answer = await call('about').catch(() => null);
  fetching = false;
  if (answer) model.current = answer;
  find('.about-problem').textContent = model.current ? '' : translate('failed');
  showAll();
}

function showAll() {
  const { current } = model;
  for (const picture of $('.about').querySelectorAll('[data-alt]')) picture.alt = translate(picture.dataset.alt);
  const has = { figures: current?.sources.length, choice: hasCurve(), samples: current?.samples, card: current?.card, weights: current };
  for (const [part, there] of Object.entries(has)) find('.about-' + part).hidden = !there;
  if (!current) return;
  showFigures();
  drawCurve();
  if (current.samples) find('.about-samples img').src = current.samples;
  find('.about-samples figcaption').textContent = current.caption || '';
  find('article').innerHTML = current.card || ''; // made safe by the server
  for (const table of $('.about').querySelectorAll('article table')) makeScrollable(table);
  showWeights();
}

// A wide table is scrolled by itself, by keyboard too.
function makeScrollable(table) {
  const wrapper = document.createElement('div');
  wrapper.className = 'about-scroll';
  wrapper.tabIndex = 0;
  wrapper.setAttribute('role', 'region');
  wrapper.setAttribute('aria-label', translate('aboutTable'));
  table.replaceWith(wrapper);
  wrapper.append(table);
}

function tableRow(cells, isHead) {
  const row = document.createElement('tr');
  cells.forEach((cell, i) => {
    const node = document.createElement(isHead || i === 0 ? 'th' : 'td');
    if (node.tagName === 'TH') node.scope = isHead ? 'col' : 'row';
    node.textContent = cell;
    row.append(node);
  });
  return row;
}

function showFigures() {
  const { threshold, sources } = model.current;
  find('.about-measured').textContent = translate('aboutMeasured', { threshold: share(threshold) });
  const head = document.createElement('thead'), body = document.createElement('tbody');
  head.append(tableRow(texts().aboutColumns, true));
  body.append(...sources.map(({ name, photos, iou, dice, boundary_f, gap_accuracy }) => tableRow(
    [sourceName(name), photos, number(iou), number(dice), number(boundary_f), share(gap_accuracy)], false,
  )));
  find('.about-figures table').replaceChildren(head, body);
}

function showWeights() {
  const { weights, name, architecture, size, sha256 } = model.current;
  const rows = [
    ['aboutName', name], ['aboutFrom', weights.repository || translate('aboutBundled')], ['aboutRevision', weights.revision],
    ['aboutCommit', weights.commit],
    ['aboutLicence', weights.repository || weights.licence ? weights.licence || translate('unstated') : null],
    ['aboutNetwork', architecture && translate('aboutNetworkIs', { architecture, size })], ['aboutHash', sha256],
  ];
  find('dl').replaceChildren(...rows.filter(([, value]) => value).flatMap(([key, value]) => [
    Object.assign(document.createElement('dt'), { textContent: translate(key) }),
    Object.assign(document.createElement('dd'), { textContent: value }),
  ]));
}

export function startAbout() {
  startCurve();
  arrivals.about = () => {
    showCurve();
    const { current } = model, serving = studio.origin.weights?.name;
    if (!fetching && (!current || current.weights.name !== (serving ?? current.weights.name))) fetchModel();
  };
  onLanguageChange(showAll);
}
