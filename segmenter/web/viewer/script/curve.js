// The curve of the model's IoU over thresholds, and where the studio's slider stands on it.

import { model, number, sourceName } from './model.js';
import { $, page } from './page.js';
import { onDraw, redraw, setThreshold, slider, threshold } from './studio.js';
import { percent, translate } from './words.js';

const PLOT = { left: 46, right: 712, top: 14, bottom: 322 }; // in the svg's units
const DASHES = ['', '9 5', '2 5', '12 4 2 4', '4 3', '7 2', '8 3 2 3 2 3'];
const TICKS = 20; // between an IoU of 0 and 1
let lowest = 0; // the IoU at the plot's bottom

const plot = () => $('.about-curve'), ownSlider = () => $('.about .slider');
const dashOf = (i) => DASHES[i % DASHES.length];
const xOf = (share) => PLOT.left + share * (PLOT.right - PLOT.left);
const yOf = (iou) => PLOT.bottom - ((iou - lowest) / (1 - lowest)) * (PLOT.bottom - PLOT.top);

const sourcesWithCurve = () => (model.current?.sources || []).filter(({ curve }) => curve.length && curve.length === model.current.thresholds.length);
export const hasCurve = () => sourcesWithCurve().length > 0;

// The IoU between the measured thresholds, on a straight line from one to the next.
function valueAt(curve, share) {
  const { thresholds } = model.current, last = thresholds.length - 1;
  if (share <= thresholds[0]) return curve[0];
  if (share >= thresholds[last]) return curve[last];
  const right = thresholds.findIndex((each) => each >= share), left = right - 1;
  const part = (share - thresholds[left]) / (thresholds[right] - thresholds[left]);
  return curve[left] + part * (curve[right] - curve[left]);
}

function addNode(name, attributes, text = null) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== null) node.textContent = text;
  plot().append(node);
}

export function drawCurve() {
  const sources = sourcesWithCurve();
  plot().replaceChildren();
  if (!sources.length) return;
  lowest = Math.max(0, Math.floor(Math.min(...sources.flatMap(({ curve }) => curve)) * TICKS - 0.5) / TICKS);
  drawAxes();
  sources.forEach(({ curve }, i) => {
    const points = curve.map((iou, n) => `${xOf(model.current.thresholds[n]).toFixed(1)},${yOf(iou).toFixed(1)}`).join(' ');
    addNode('polyline', { class: 'curve', points, 'stroke-dasharray': dashOf(i) });
  });
  addNode('line', { class: 'marker', y1: PLOT.top, y2: PLOT.bottom });
  for (const _ of sources) addNode('circle', { class: 'dot', r: 5.5 });
  showCurve();
}

function drawAxes() {
  for (let n = Math.round(lowest * TICKS); n <= TICKS; n++) {
    if (n % 2 && lowest < 0.7) continue;
    const y = yOf(n / TICKS);
    addNode('line', { class: 'grid', x1: PLOT.left, x2: PLOT.right, y1: y, y2: y });
    addNode('text', { x: PLOT.left - 8, y: y + 5, 'text-anchor': 'end' }, (n / TICKS).toFixed(2));
  }
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    addNode('text', {
      class: share === 0 ? 'first' : '', // which stands beside the lowest IoU, and on a phone has no room there
      x: xOf(share), y: PLOT.bottom + 28, 'text-anchor': share === 1 ? 'end' : 'middle',
    }, percent(share));
  }
}

// Where the slider stands, on the curve and in words.
export function showCurve() {
  const sources = sourcesWithCurve(), marker = plot().querySelector('.marker'), at = threshold();
  ownSlider().value = slider().value;
  ownSlider().setAttribute('aria-valuetext', percent(at));
  ownSlider().style.setProperty('--at', slider().value + '%');
  if (!marker || !sources.length) return;
  for (const end of ['x1', 'x2']) marker.setAttribute(end, xOf(at));
  plot().querySelectorAll('.dot').forEach((dot, i) => {
    dot.setAttribute('cx', xOf(at));
    dot.setAttribute('cy', yOf(valueAt(sources[i].curve, at)));
  });
  plot().setAttribute('aria-label', translate('aboutCurveAlt'));
  $('.about-choice figcaption').replaceChildren(
    Object.assign(document.createElement('strong'), { textContent: translate('aboutHere', { threshold: percent(at) }) }),
    ...sources.map(legend),
  );
}

// A curve's line and its IoU in words.
function legend({ name, curve }, i) {
  const best = model.current.thresholds[curve.indexOf(Math.max(...curve))];
  const line = document.createElement('span');
  line.innerHTML = '<svg viewBox="0 0 44 8" aria-hidden="true"><line x1="1" x2="43" y1="4" y2="4"></line></svg>';
  line.querySelector('line').setAttribute('stroke-dasharray', dashOf(i));
  line.append(translate('aboutCurveLine', {
    source: sourceName(name, 'aboutShort'), iou: number(valueAt(curve, threshold())), best: percent(best),
  }));
  return line;
}

export function startCurve() {
  ownSlider().addEventListener('input', (event) => { // it is the studio's own, seen from here
    event.stopPropagation();
    setThreshold(ownSlider().value / 100, true);
    redraw();
    showCurve();
  });
  onDraw(() => { if (page.root.dataset.place === 'about') showCurve(); });
}
