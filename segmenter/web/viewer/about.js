// What the page tells of the weights that serve: figures, the curve of IoU over thresholds, samples, the card.

const aboutPlace = $('.about');
const aboutSlider = aboutPlace.querySelector('.slider'), aboutCurve = aboutPlace.querySelector('.about-curve');
const aboutBox = { left: 46, right: 712, top: 14, bottom: 322 }; // of the plot, in the svg's units
const aboutDashes = ['', '9 5', '2 5', '12 4 2 4', '5 3'];
let about = null; // the server's answer
let aboutAsking = false;
let aboutY = null; // IoU → height in the plot

arrivals.about = () => {
  showAboutThreshold();
  if (!aboutAsking && (!about || about.weights.name !== (origin.weights?.name ?? about.weights.name))) fetchAbout();
};

async function fetchAbout() {
  aboutAsking = true;
  const answer = await server.about({});
  aboutAsking = false;
  if (answer) about = answer;
  aboutPlace.querySelector('.about-problem').textContent = about ? '' : say('failed');
  showAbout();
}

const aboutNumber = (value, digits = 3) => (value == null ? '–' : value.toFixed(digits));
const aboutShare = (value) => (value == null ? '–' : say('percent', { n: (100 * value).toFixed(1) }));

// A kind of photos in words; those we do not know are called what their weights call them.
function aboutSource(name, key = 'aboutSources') { return props.texts[language][key][name] || name; }

function showAbout() {
  for (const picture of aboutPlace.querySelectorAll('[data-alt]')) picture.alt = say(picture.dataset.alt);
  const has = { figures: about?.sources.length, choice: aboutLines().length, samples: about?.samples, card: about?.card, weights: about };
  for (const [part, there] of Object.entries(has)) aboutPlace.querySelector('.about-' + part).hidden = !there;
  if (!about) return;
  showAboutFigures();
  drawAboutCurve();
  const samples = aboutPlace.querySelector('.about-samples');
  if (about.samples) samples.querySelector('img').src = about.samples;
  samples.querySelector('figcaption').textContent = about.caption || '';
  aboutPlace.querySelector('article').innerHTML = about.card || ''; // made safe by the server
  for (const table of aboutPlace.querySelectorAll('article table')) wrapAboutTable(table);
  showAboutWeights();
}

// A wide table is scrolled by itself, by keyboard too.
function wrapAboutTable(table) {
  const wrapper = document.createElement('div');
  wrapper.className = 'about-scroll';
  wrapper.tabIndex = 0;
  wrapper.setAttribute('role', 'region');
  wrapper.setAttribute('aria-label', say('aboutTable'));
  table.replaceWith(wrapper);
  wrapper.append(table);
}

function showAboutFigures() {
  aboutPlace.querySelector('.about-measured').textContent = say('aboutMeasured', { threshold: aboutShare(about.threshold) });
  const row = (cells, name) => {
    const line = document.createElement('tr');
    cells.forEach((cell, i) => {
      const node = document.createElement(name === 'th' || i === 0 ? 'th' : 'td');
      if (node.tagName === 'TH') node.scope = name === 'th' ? 'col' : 'row';
      node.textContent = cell;
      line.append(node);
    });
    return line;
  };
  const head = document.createElement('thead'), body = document.createElement('tbody');
  head.append(row(props.texts[language].aboutColumns, 'th'));
  for (const source of about.sources) {
    body.append(row([
      aboutSource(source.name), source.photos, aboutNumber(source.iou), aboutNumber(source.dice), aboutNumber(source.boundary_f),
      aboutShare(source.gap_accuracy),
    ], 'td'));
  }
  aboutPlace.querySelector('.about-figures table').replaceChildren(head, body);
}

function showAboutWeights() {
  const { weights, name, architecture, size, sha256 } = about;
  const rows = [
    ['aboutName', name], ['aboutFrom', weights.repository || say('aboutBundled')], ['aboutRevision', weights.revision],
    ['aboutCommit', weights.commit], ['aboutLicence', weights.repository || weights.licence ? weights.licence || say('unstated') : null],
    ['aboutNetwork', architecture && say('aboutNetworkIs', { architecture, size })], ['aboutHash', sha256],
  ];
  const list = aboutPlace.querySelector('dl');
  list.replaceChildren();
  for (const [key, value] of rows) {
    if (!value) continue;
    list.append(Object.assign(document.createElement('dt'), { textContent: say(key) }));
    list.append(Object.assign(document.createElement('dd'), { textContent: value }));
  }
}

// ---- The curve

const aboutLines = () => (about?.sources || []).filter(({ curve }) => curve.length && curve.length === about.thresholds.length);
const aboutX = (threshold) => aboutBox.left + threshold * (aboutBox.right - aboutBox.left);

// The IoU between the measured thresholds, on a straight line from one to the next.
function aboutAt(curve, threshold) {
  const { thresholds } = about, last = thresholds.length - 1;
  if (threshold <= thresholds[0]) return curve[0];
  if (threshold >= thresholds[last]) return curve[last];
  const right = thresholds.findIndex((each) => each >= threshold), left = right - 1;
  const share = (threshold - thresholds[left]) / (thresholds[right] - thresholds[left]);
  return curve[left] + share * (curve[right] - curve[left]);
}

function aboutNode(name, attributes, text = null) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== null) node.textContent = text;
  aboutCurve.append(node);
  return node;
}

function drawAboutCurve() {
  const lines = aboutLines();
  aboutCurve.replaceChildren();
  if (!lines.length) return;
  const lowest = Math.max(0, Math.floor(Math.min(...lines.flatMap(({ curve }) => curve)) * 20 - 0.5) / 20);
  const y = (value) => aboutBox.bottom - ((value - lowest) / (1 - lowest)) * (aboutBox.bottom - aboutBox.top);
  for (let n = Math.round(lowest * 20); n <= 20; n++) {
    if (n % 2 && lowest < 0.7) continue;
    aboutNode('line', { class: 'grid', x1: aboutBox.left, x2: aboutBox.right, y1: y(n / 20), y2: y(n / 20) });
    aboutNode('text', { x: aboutBox.left - 8, y: y(n / 20) + 5, 'text-anchor': 'end' }, (n / 20).toFixed(2));
  }
  for (const threshold of [0, 0.25, 0.5, 0.75, 1]) {
    aboutNode('text', {
      class: threshold === 0 ? 'first' : '', // which stands beside the lowest IoU, and on a phone has no room there
      x: aboutX(threshold), y: aboutBox.bottom + 28, 'text-anchor': threshold === 1 ? 'end' : 'middle',
    }, percent(threshold));
  }
  lines.forEach(({ curve }, i) => {
    const points = curve.map((value, n) => `${aboutX(about.thresholds[n]).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    aboutNode('polyline', { class: 'curve', points, 'stroke-dasharray': aboutDashes[i % aboutDashes.length] });
  });
  aboutNode('line', { class: 'marker', y1: aboutBox.top, y2: aboutBox.bottom });
  for (const _ of lines) aboutNode('circle', { class: 'dot', r: 5.5 });
  aboutY = y;
  showAboutThreshold();
}

// Where the slider stands, on the curve and in words.
function showAboutThreshold() {
  aboutSlider.value = slider.value;
  const threshold = aboutSlider.value / 100, lines = aboutLines();
  aboutSlider.setAttribute('aria-valuetext', percent(threshold));
  aboutSlider.style.setProperty('--at', aboutSlider.value + '%');
  const marker = aboutCurve.querySelector('.marker');
  if (!marker || !lines.length) return;
  for (const end of ['x1', 'x2']) marker.setAttribute(end, aboutX(threshold));
  aboutCurve.querySelectorAll('.dot').forEach((dot, i) => {
    dot.setAttribute('cx', aboutX(threshold));
    dot.setAttribute('cy', aboutY(aboutAt(lines[i].curve, threshold)));
  });
  const best = (curve) => about.thresholds[curve.indexOf(Math.max(...curve))];
  const list = lines.map(({ name, curve }, i) => [aboutDashes[i % aboutDashes.length], say('aboutCurveLine', {
    source: aboutSource(name, 'aboutShort'), iou: aboutNumber(aboutAt(curve, threshold)), best: percent(best(curve)),
  })]);
  aboutCurve.setAttribute('aria-label', say('aboutCurveAlt'));
  aboutPlace.querySelector('.about-choice figcaption').replaceChildren(
    Object.assign(document.createElement('strong'), { textContent: say('aboutHere', { threshold: percent(threshold) }) }),
    ...list.map(([dash, text]) => aboutLegend(dash, text)),
  );
}

function aboutLegend(dash, text) {
  const line = document.createElement('span');
  line.innerHTML = '<svg viewBox="0 0 44 8" aria-hidden="true"><line x1="1" x2="43" y1="4" y2="4"></line></svg>';
  line.querySelector('line').setAttribute('stroke-dasharray', dash);
  line.append(text);
  return line;
}

aboutSlider.addEventListener('input', (event) => {
  event.stopPropagation();
  slider.value = aboutSlider.value; // it is the studio's own, seen from here
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  showAboutThreshold();
});
thresholdWatchers.push(() => { if (root.dataset.place === 'about') showAboutThreshold(); });
speakers.push(showAbout);
