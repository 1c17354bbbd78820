// The page: what the visitor does, and what is drawn in answer. Gradio gives `element` (this
// component), `props` (the settings and, in `props.value`, the server's last answer), `trigger`
// (ask the server), `upload` and `watch`. map.js stands before this file in the same function.

const PHOTO_SIDE = 1280; // of what is shown; the server keeps the whole photo
const CUTOUT_SIDE = 720;
const root = element.querySelector('.chairlift');
const $ = (selector) => root.querySelector(selector);
const photoCanvas = $('.photo'), heatCanvas = $('.heat'), outlineCanvas = $('.outline'), cutoutCanvas = $('.cutout');
const slider = $('.slider');
const still = matchMedia('(prefers-reduced-motion: reduce)');

let current = null; // the photo on the page: where it comes from, its map, and what is made of it
let asked = 0; // the number of the last question to the server; answers to earlier ones are late
let language = chooseLanguage();
let words = ''; // the result in words
let status = null; // the key of what we are waiting for
let origin = {}; // the last answer's `weights` and `notice`
let moved = false; // whether the visitor chose a threshold; until then the weights' own is right

// ---- Words

function chooseLanguage() {
  const kept = readSetting('language');
  if (props.texts[kept]) return kept;
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => props.texts[tag]) || 'en';
}

function readSetting(name) {
  try { return localStorage.getItem('chairlift-' + name); } catch { return null; } // storage may be forbidden
}

function keepSetting(name, value) {
  try { localStorage.setItem('chairlift-' + name, value); } catch { /* then it lasts until the page is left */ }
}

function say(key, values = {}) {
  return Object.entries(values).reduce((text, [name, value]) => text.replace('{' + name + '}', value), props.texts[language][key]);
}

const percent = (share) => say('percent', { n: share > 0 && share < 0.01 ? '<\u202f1' : Math.round(100 * share) });

function exampleName(id) {
  return props.texts[language].exampleNames[id] || id.replace(/^\d+_/, '').replaceAll('_', ' ');
}

function speak() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : language;
  root.querySelectorAll('[data-text]').forEach((node) => { node.textContent = say(node.dataset.text); });
  root.querySelectorAll('[data-label]').forEach((node) => { node.setAttribute('aria-label', say(node.dataset.label)); });
  root.querySelectorAll('[data-tip]').forEach((node) => { node.dataset.says = say(node.dataset.tip); });
  root.querySelectorAll('.examples button').forEach((button) => {
    button.setAttribute('aria-label', exampleName(button.dataset.example));
    button.title = exampleName(button.dataset.example);
  });
  const toggle = $('.language'), other = language === 'en' ? 'zh-CN' : 'en';
  toggle.textContent = say('otherLanguage');
  toggle.lang = other;
  if (current?.problem) showProblem(current.problem);
  showOrigin();
  showThreshold();
  describeResult();
}

// Which weights the last answer came from, and why not from those that were wanted.
function showOrigin() {
  const { notice, weights } = origin;
  $('.notice').textContent = notice ? say(notice.kind, notice) : '';
  $('.origin').textContent = weights?.repository ? say('weights', {
    ...weights, commit: weights.commit.slice(0, 7), licence: weights.licence || say('unstated'),
  }) : '';
}

function showThreshold() {
  const shown = percent(slider.value / 100);
  $('output').textContent = shown;
  slider.setAttribute('aria-valuetext', shown);
  slider.style.setProperty('--at', slider.value + '%');
}

function describeResult() {
  if (current?.map) words = putIntoWords(describe(current.histogram, current.small, slider.value / 100));
  else words = status ? say(status) : '';
  $('.words').textContent = words;
  photoCanvas.setAttribute('aria-label', (current?.name || say('photo')) + (words ? ': ' + words : ''));
  $('.size').textContent = current?.map && !$('.download').disabled ? say('size', { width: current.width, height: current.height }) : '';
}

function putIntoWords({ coverage, confidence, pieces, place, highest }) {
  $('.download').disabled = !coverage;
  if (!coverage) return say(highest >= 0.25 ? 'lower' : 'none');
  const sentence = say(pieces > 1 ? 'many' : 'one', {
    pieces, coverage: percent(coverage), confidence: percent(confidence),
  });
  if (place === null) return sentence;
  const gap = language === 'zh' ? '' : ' ';
  return sentence + gap + say('unsureAt', { place: props.texts[language].places[place] });
}

// ---- Drawing

function fit(width, height, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

function drawPhoto(picture) {
  const [width, height] = fit(picture.width, picture.height, PHOTO_SIDE);
  photoCanvas.width = width;
  photoCanvas.height = height;
  root.style.setProperty('--ratio', width / height);
  const context = photoCanvas.getContext('2d');
  context.fillStyle = 'white'; // under transparent pictures, as the server sees them
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
}

function pixelsOf(picture, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function readMap(picture, width = picture.width, height = picture.height) {
  const words = new Uint32Array(pixelsOf(picture, width, height).data.buffer);
  return { width, height, values: new Uint8Array(words.map((word) => word & 255)) };
}

// Everything that is made once per photo, before any slider moves.
function takeMap(answer, photo, picture) {
  drawPhoto(photo);
  const [width, height] = fit(answer.width, answer.height, CUTOUT_SIDE);
  const colours = pixelsOf(photo, width, height);
  Object.assign(current, {
    weights: answer.weights.name,
    width: answer.width,
    height: answer.height,
    map: readMap(picture),
    cutoutMap: readMap(picture, width, height),
    colours: new Uint32Array(colours.data.buffer),
    cutout: new ImageData(width, height),
  });
  current.histogram = histogram(current.map);
  current.small = shrink(current.map, 384);
  cutoutCanvas.width = width;
  cutoutCanvas.height = height;
  drawHeat(current.map);
}

function drawHeat({ width, height, values }) {
  heatCanvas.width = width;
  heatCanvas.height = height;
  const image = new ImageData(width, height), colours = heatColours();
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < values.length; i++) words[i] = colours[values[i]];
  heatCanvas.getContext('2d').putImageData(image, 0, 0);
}

function drawOutline() {
  const box = photoCanvas.getBoundingClientRect();
  const density = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(box.width * density)), height = Math.max(1, Math.round(box.height * density));
  if (outlineCanvas.width !== width || outlineCanvas.height !== height) {
    outlineCanvas.width = width;
    outlineCanvas.height = height;
  }
  const context = outlineCanvas.getContext('2d');
  context.clearRect(0, 0, width, height);
  if (!current?.map) return;
  const across = width / current.map.width, down = height / current.map.height;
  const path = new Path2D();
  for (const points of outlines(current.map, slider.value / 100)) {
    path.moveTo(points[0] * across, points[1] * down);
    for (let i = 2; i < points.length; i += 2) path.lineTo(points[i] * across, points[i + 1] * down);
    path.closePath();
  }
  context.lineJoin = 'round';
  context.strokeStyle = 'rgba(20, 18, 10, 0.6)'; // a dark casing, so that the line shows on bright photos too
  const line = density * Math.min(1.75, Math.max(1.1, box.width / 400)); // finer on a small photo
  context.lineWidth = 2.3 * line;
  context.stroke(path);
  context.strokeStyle = '#fff3b8';
  context.lineWidth = line;
  context.stroke(path);
}

function drawCutout() {
  if (!current?.map) {
    cutoutCanvas.getContext('2d').clearRect(0, 0, cutoutCanvas.width, cutoutCanvas.height);
    return;
  }
  cutOut(current.cutoutMap, slider.value / 100, current.colours, new Uint32Array(current.cutout.data.buffer));
  cutoutCanvas.getContext('2d').putImageData(current.cutout, 0, 0);
}

let drawing = false, describing = null;
function redraw() { // at most once per frame, however fast the slider moves
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    drawOutline();
    drawCutout();
    showThreshold();
  });
  describing ??= setTimeout(() => { // words need not follow every frame
    describing = null;
    describeResult();
  }, 80);
}

// ---- Asking the server

function setState(state, waitingFor = null) {
  root.dataset.state = state;
  status = waitingFor;
  $('.stage').setAttribute('aria-busy', String(state === 'waiting'));
  if (state !== 'ready') $('.download').disabled = true;
  describeResult();
}

function begin(photo) {
  closeCamera();
  current = { ...photo, token: ++asked };
  photoCanvas.dataset.token = current.token;
  root.querySelectorAll('.examples button').forEach((button) => {
    button.setAttribute('aria-pressed', String(button.dataset.example === current.example));
  });
  setState('waiting', photo.example ? 'looking' : 'uploading');
  redraw();
  return current;
}

function showProblem(problem) {
  if (current) current.problem = problem;
  $('.problem').textContent = typeof problem === 'string' ? say(problem, { limit: props.limit }) : problem[language] || problem.en;
}

function fail(problem) {
  setState('problem');
  showProblem(problem);
}

function showExample(id, picture) {
  const photo = begin({ example: id, name: exampleName(id), file: id + '.jpg' });
  if (picture.complete && picture.naturalWidth) drawPhoto(picture);
  trigger('look', { token: photo.token, example: id });
}

async function take(file) {
  const photo = begin({ name: file.name, file: file.name, source: file });
  if (file.size > props.limit * 1024 * 1024) return fail('tooLarge');
  createImageBitmap(file).then(
    (picture) => { if (current === photo && !photo.map) { drawPhoto(picture); root.dataset.shown = 'yes'; } },
    () => {}, // not every photo that the server reads can be shown by the browser: wait for the server's
  );
  root.dataset.shown = 'no';
  await send(photo);
}

// Whether the photo reached the server, and is still the one on the page.
async function sendFile(photo) {
  try {
    photo.path = (await upload(photo.source)).path;
  } catch {
    if (current === photo) fail('notSent');
    return false;
  }
  return current === photo;
}

async function send(photo) {
  if (!(await sendFile(photo))) return;
  setState('waiting', 'looking');
  trigger('look', { token: photo.token, path: photo.path });
}

function save() {
  if (!current?.map || root.classList.contains('saving')) return;
  root.classList.add('saving');
  $('.download span').textContent = say('downloading');
  current.order = ++asked;
  trigger('save', {
    token: current.order, path: current.path, example: current.example, threshold: slider.value / 100, weights: current.weights,
  });
}

// The answer to save(): a file, or what went wrong.
async function saved(answer) {
  root.classList.remove('saving');
  $('.download span').textContent = say('download');
  if (answer.file) handOver(answer.file.url);
  else if (answer.gone && current.source && !current.sentAgain) { // the page was open for longer than photos are kept
    current.sentAgain = true;
    if (await sendFile(current)) save();
  } else $('.words').textContent = answer.problem[language] || answer.problem.en;
}

function handOver(url) {
  const link = document.createElement('a');
  link.href = url;
  link.download = current.file.replace(/\.[^.]*$/, '') + '-cutout.png';
  document.body.append(link);
  link.click();
  link.remove();
}

function loadPicture(url) {
  const picture = new Image();
  picture.src = url;
  return picture.decode().then(() => picture);
}

async function hear() {
  const answer = props.value;
  if (!answer || !current) return;
  if (answer.token === current.order) {
    saved(answer);
  } else if (answer.token === current.token && !current.map) {
    if (answer.problem) return fail(answer.problem);
    const photo = current;
    const pictures = await Promise.all([loadPicture(answer.photo), loadPicture(answer.map)]);
    if (current !== photo) return;
    origin = { weights: answer.weights, notice: answer.notice };
    showOrigin();
    if (!moved) slider.value = Math.round(100 * answer.weights.threshold);
    takeMap(answer, ...pictures);
    root.dataset.shown = 'yes';
    setState('ready');
    redraw();
  }
}

// ---- The camera

let stream = null;

async function openCamera() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1920 } } });
  } catch { // no camera, no permission, or no secure connection
    current = null;
    redraw();
    return fail('noCamera');
  }
  $('video').srcObject = stream;
  $('.camera').hidden = false;
  await $('video').play();
  $('.shoot').focus();
}

function closeCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  $('.camera').hidden = true;
}

function shoot() {
  const video = $('video');
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d').drawImage(video, 0, 0);
  canvas.toBlob((blob) => take(new File([blob], 'camera.jpg', { type: 'image/jpeg' })), 'image/jpeg', 0.95);
}

// ---- The visitor

function addExamples() {
  for (const { id, thumbnail } of props.examples) {
    const item = document.createElement('li'), button = document.createElement('button'), picture = new Image();
    button.type = 'button';
    button.dataset.example = id;
    picture.src = thumbnail;
    picture.alt = '';
    button.append(picture);
    button.addEventListener('click', () => showExample(id, picture));
    item.append(button);
    $('.examples').append(item);
  }
}

function takeFirst(files) {
  const photo = [...files].find((file) => file.type.startsWith('image/')) || files[0];
  if (photo) take(photo);
}

const deeds = {
  choose: () => $('.file').click(),
  openCamera, closeCamera, shoot, save,
  programs: () => document.querySelector('footer .show-api')?.click(), // Gradio's own page about the endpoints
  heat: () => {
    const shown = root.classList.toggle('bare');
    $('.peek').setAttribute('aria-pressed', String(!shown));
  },
  language: () => {
    language = language === 'en' ? 'zh' : 'en';
    keepSetting('language', language);
    speak();
  },
};

root.addEventListener('click', (event) => deeds[event.target.closest('[data-do]')?.dataset.do]?.());
slider.addEventListener('input', () => { moved = true; redraw(); });
$('.file').addEventListener('change', (event) => {
  takeFirst(event.target.files);
  event.target.value = ''; // so that the same file can be chosen again
});
document.addEventListener('paste', (event) => {
  if (event.clipboardData?.files.length) takeFirst(event.clipboardData.files);
});
document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && stream) closeCamera(); });

let dragged = 0; // entering a child comes before leaving its parent
document.addEventListener('dragenter', () => root.classList.toggle('dragged', ++dragged > 0));
document.addEventListener('dragleave', () => root.classList.toggle('dragged', --dragged > 0));
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  dragged = 0;
  root.classList.remove('dragged');
  takeFirst(event.dataTransfer.files);
});
window.addEventListener('chairlift-failed', () => { // a fault of the server's, or too many visitors
  if (root.classList.contains('saving')) saved({ problem: { [language]: say('failed') } });
  else if (root.dataset.state === 'waiting') fail('failed');
});
new ResizeObserver(redraw).observe(photoCanvas);
watch('value', hear);

slider.value = Math.round(100 * props.threshold);
addExamples();
speak();
const first = $('.examples button');
if (!first) setState('empty');
else first.querySelector('img').decode().catch(() => {}).then(() => { if (!current) first.click(); });
