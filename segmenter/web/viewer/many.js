// Many photos: sent and worked on one by one, so that others' turns come in between, and handed over as a zip.

const manyPlace = $('.many');
const many$ = (selector) => manyPlace.querySelector(selector);
const MANY_AT_ONCE = 2; // one is sent while another is worked on
const MANY_THUMBNAIL = 192;
let manyItems = []; // {name, file, sent, state, result, thumbnail, problem, edits, threshold, madeOf, node}
let manyKey = null; // of the visitor's folder on the server
let manyRun = null; // {todo, done, started, choices}: what is under way
let manyOpened = null; // {item, slider, before}: what is being corrected in the studio
let manySays = null; // what was said last, to be said again in another language

arrivals.many = () => {
  if (manyOpened) takeBackFromStudio();
  showMany();
};
receivers.many = (files) => manyTake([...files]);

// ---- Choosing

const isZip = (file) => /zip/.test(file.type) || /\.zip$/i.test(file.name);
const manyStem = (name) => name.replace(/\.[^./]*$/, '').toLowerCase();

// A name that is possible on every disk and that no other photo has: results are called after it.
function manyName(name) {
  const [, stem, suffix] = name.replace(/[\x00-\x1f<>:"|?*\\/]/g, '_').match(/^(.*?)((?:\.[A-Za-z0-9]{1,8})?)$/s);
  let clean = [...stem].slice(-100).join('').replace(/^[ .-]+|[ .-]+$/g, '') || 'photo';
  if (/^(con|prn|aux|nul|com\d|lpt\d)$/i.test(clean)) clean += '_';
  const taken = new Set(manyItems.map((item) => manyStem(item.name)));
  let unique = clean;
  for (let number = 2; taken.has(unique.toLowerCase()); number++) unique = `${clean}-${number}`;
  return unique + suffix;
}

async function manyTake(files) {
  manyKey ??= crypto.getRandomValues(new Uint8Array(16)).reduce((key, byte) => key + byte.toString(16).padStart(2, '0'), '');
  manySay(null);
  let left = 0;
  for (const file of files.filter((file) => !isZip(file))) {
    if (manyItems.length >= props.bounds.photos) left++;
    else manyAdd({ name: manyName(file.name), file, problem: file.size > props.limit * 1024 * 1024 ? 'tooLarge' : null });
  }
  showMany();
  for (const zip of files.filter(isZip)) left += await manyUnpack(zip);
  if (left) manySay('manyLeft', { left, photos: props.bounds.photos });
  showMany();
  manyPreview();
}

function manyAdd(item) {
  manyItems.push({ state: item.problem ? 'failed' : 'waiting', edits: [], sent: false, ...item });
}

// Send a zip and let the server take the photos out; how many there was no room for.
async function manyUnpack(zip) {
  if (zip.size > props.bounds.zip * 1024 * 1024) return manySay('manyZipTooLarge', { limit: props.bounds.zip }) ?? 0;
  manySay('manyUnpacking', { name: zip.name });
  let answer;
  try {
    answer = await server.many_unpack({ key: manyKey, path: (await upload(zip)).path, taken: manyItems.map((item) => item.name) });
  } catch { /* said below */ }
  if (!answer || answer.problem) return manySay(answer?.problem || 'notSent') ?? 0;
  for (const name of answer.names) manyAdd({ name, sent: true });
  manySay(null);
  return answer.left;
}

// Small pictures of the photos that are here, one after another, as large ones take a moment each.
let manyPreviewing = false;
async function manyPreview() {
  if (manyPreviewing) return;
  manyPreviewing = true;
  for (let item; (item = manyItems.find((each) => each.file && !each.thumbnail && !each.seen));) {
    item.seen = true;
    try {
      const bitmap = await createImageBitmap(item.file, { resizeWidth: MANY_THUMBNAIL, resizeQuality: 'medium' });
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      canvas.getContext('2d').drawImage(bitmap, 0, 0);
      bitmap.close();
      item.preview = URL.createObjectURL(await canvas.convertToBlob({ type: 'image/webp', quality: 0.7 }));
      drawManyItem(item);
    } catch { /* no picture, or none that this browser knows: the server will say */ }
  }
  manyPreviewing = false;
}

// ---- The run

// What a photo is to be made of, as text: where it was made of something else, it must be made again.
const manyChoices = (item, choices) => ({ ...choices, threshold: item.threshold ?? choices.threshold });
const manyWish = (item, choices) => JSON.stringify([manyChoices(item, choices), item.edits]);
const manyTodo = (choices) => manyItems.filter((item) => item.problem !== 'tooLarge'
  && (!['done', 'failed'].includes(item.state) || item.problem === 'notSent' || item.problem === 'failed' || item.madeOf !== manyWish(item, choices)));

function manyStart(items = null) {
  const choices = chosenFinish();
  const todo = items || manyTodo(choices);
  if (manyRun || !todo.length) return;
  for (const item of todo) Object.assign(item, { state: 'waiting', problem: null });
  manyRun = { todo: [...todo], total: todo.length, done: 0, started: performance.now(), choices };
  manySay('manyStarted', { n: todo.length });
  showMany();
  const run = manyRun;
  Promise.all(Array.from({ length: MANY_AT_ONCE }, () => manyWork(run))).then(() => { if (manyRun === run) manyEnd('manyDone'); });
}

async function manyWork(run) {
  for (let item; manyRun === run && (item = run.todo.shift());) {
    item.state = 'working';
    drawManyItem(item);
    const answer = await manyCut(item, run.choices);
    if (manyRun !== run) return; // cancelled meanwhile
    run.done++;
    takeManyAnswer(item, answer, run.choices);
    showManyProgress();
  }
}

// Send a photo, unless it is there, and have it worked on. `again`: it was gone, or did not arrive.
async function manyCut(item, choices, again = false) {
  let answer;
  try {
    if (choices.background === 'own' && !ownPicture.path) ownPicture.path = (await upload(ownPicture.file)).path;
    const path = item.sent ? null : (await upload(item.file)).path;
    answer = await server.many_cut({
      key: manyKey, name: item.name, path, choices: manyChoices(item, choices), edits: item.edits, background: ownPicture?.path,
    });
  } catch {
    answer = { problem: 'notSent' };
  }
  if (answer?.gone && item.file) item.sent = false;
  if ((!answer || answer.gone || answer.problem === 'notSent') && !again && manyRun) return manyCut(item, choices, true);
  return answer || { problem: 'failed' };
}

function takeManyAnswer(item, { problem, result, thumbnail, path }, choices) {
  item.sent ||= Boolean(path);
  Object.assign(item, {
    path, result, thumbnail, problem, state: problem ? 'failed' : 'done', madeOf: manyWish(item, choices),
  });
  drawManyItem(item);
  showManyProblems();
}

function manyCancel() {
  for (const item of manyItems) if (item.state === 'working') item.state = 'waiting';
  manyEnd('manyCancelled');
}

function manyEnd(words) {
  const { done, total } = manyRun, failed = manyItems.filter((item) => item.state === 'failed').length;
  manyRun = null;
  manySay(words, { done, total, failed: failed ? say('manyFailed', { failed }) : '' });
  showMany();
}

// ---- To the studio and back

deeds.manyOpen = (button) => {
  const item = manyItems.find((each) => each.name === button.dataset.name);
  if (!item?.path && !item?.file) return;
  const kept = slider.value;
  openInStudio({ name: item.name, source: item.file, path: item.path, threshold: item.threshold, edits: item.edits, item });
  manyOpened = { item, slider: kept, before: manyState(item) };
};
const manyState = (item) => JSON.stringify([threshold(), corrections(), chosenFinish(), item.name]);

// A photo that was corrected in the studio is made again; the slider is set back to what it was for all.
function takeBackFromStudio() {
  const { item, slider: kept, before } = manyOpened;
  manyOpened = null;
  const changed = current?.item === item && manyItems.includes(item) && manyState(item) !== before;
  if (changed) Object.assign(item, { threshold: threshold(), edits: [...corrections()] });
  slider.value = kept;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  if (changed && !manyRun) manyStart([item]);
}

// ---- What is shown

function manySay(words, values = {}) {
  manySays = words && { words, values };
  showManySaid();
}

// A text about `n` photos; one photo has a text of its own where that differs.
const manySayN = (key, values) => say(values.n === 1 && props.texts[language][key + 'One'] ? key + 'One' : key, values);

function showManySaid() {
  const { words, values } = manySays || {};
  many$('.many-said').textContent = !words ? '' : typeof words === 'string' ? manySayN(words, values) : inWords(words);
}

function manyTime(seconds) {
  if (seconds < 90) return say('manySeconds', { n: Math.max(1, Math.round(seconds / 5) * 5 || 1) });
  return say('manyMinutes', { n: Math.round(seconds / 60) });
}

function showManyProgress() {
  if (!manyRun) return;
  const { done, total, started } = manyRun;
  many$('progress').max = total;
  many$('progress').value = done;
  const left = done > 1 ? ((performance.now() - started) / 1000 / done) * (total - done) : null;
  many$('.many-count').textContent = say('manyCount', { done, total }) + (left === null ? '' : say('manyTimeLeft', { time: manyTime(left) }));
}

// Why a result may want a look, in a few words.
function manyWhy({ state, result, problem }) {
  if (problem) return inWords(problem).replace('{limit}', props.limit);
  if (state !== 'done') return say({ working: 'manyWorking', waiting: 'manyWaiting' }[state]);
  if (!result.coverage) return say('manyNothing');
  const unsure = result.doubtfulness >= 0.1 ? say('manyUnsure', { share: percent(result.doubtfulness) }) : '';
  const pieces = result.check ? say('manyPieces', { n: result.check }) : '';
  return [unsure, pieces].filter(Boolean).join(say('comma')) || say('manyFine');
}

function drawManyItem(item) {
  if (!item.node) {
    item.node = document.createElement('li');
    item.node.innerHTML = '<button type="button" data-do="manyOpen"><span class="board"><img alt="" loading="lazy"></span><b></b><span class="why"></span></button>';
  }
  const { node, name, state } = item, button = node.firstChild, picture = item.thumbnail || item.preview;
  node.dataset.state = state;
  button.dataset.name = name;
  button.disabled = !item.path && !item.file;
  const image = node.querySelector('img');
  if (picture && image.src !== picture) image.src = picture;
  image.hidden = !picture;
  node.querySelector('b').textContent = name;
  node.querySelector('.why').textContent = manyWhy(item);
  button.title = say('manyOpen');
}

// The doubtful ones first, once all is done; as they came, until then.
function manyOrder() {
  if (manyRun) return manyItems;
  const doubt = (item) => (item.state === 'failed' ? 2 : item.state === 'done' ? item.result.doubtfulness : -1);
  return [...manyItems].sort((a, b) => doubt(b) - doubt(a));
}

function showManyProblems() {
  const failed = manyItems.filter((item) => item.state === 'failed');
  many$('.many-problems').replaceChildren(...failed.map((item) => {
    const line = document.createElement('li');
    line.append(Object.assign(document.createElement('b'), { textContent: item.name }), ' ', manyWhy(item));
    return line;
  }));
}

function showMany() {
  const choices = chosenFinish(), todo = manyTodo(choices).length, done = manyItems.filter((item) => item.state === 'done').length;
  manyPlace.dataset.many = manyRun ? 'working' : manyItems.length ? 'ready' : 'empty';
  many$('.many-bounds').textContent = say('manyBounds', { photos: props.bounds.photos, limit: props.limit, zip: props.bounds.zip });
  many$('.many-finish span').textContent = say('manyFinish', { threshold: percent(choices.threshold), finish: sayFinish() });
  const again = manyItems.some((item) => item.madeOf);
  many$('.many-start').textContent = manySayN(again && todo < manyItems.length ? 'manyGoOn' : again ? 'manyAgain' : 'manyStart', { n: todo });
  many$('.many-start').hidden = Boolean(manyRun) || !todo;
  many$('.many-cancel').hidden = !manyRun;
  many$('.many-zip').hidden = Boolean(manyRun) || !done;
  many$('.many-zip').textContent = manySayN('manyZip', { n: done });
  many$('.many-clear').hidden = Boolean(manyRun);
  for (const item of manyItems) drawManyItem(item);
  const order = manyOrder().map((item) => item.node), list = many$('.many-list');
  if (order.length !== list.children.length || order.some((node, i) => node !== list.children[i])) list.replaceChildren(...order);
  showManyProblems();
  showManyProgress();
  showManySaid();
}

// ---- All of it as one file

const manyUrl = (path) => (window.gradio_config?.root ?? '') + '/gradio_api/file=' + encodeURI(path);

async function manyZip() {
  const button = many$('.many-zip');
  button.disabled = true;
  manySay('manyZipping');
  const errors = Object.fromEntries(manyItems.filter((item) => item.problem).map((item) => [item.name, manyWhy(item)]));
  const names = manyItems.filter((item) => ['done', 'failed'].includes(item.state)).map((item) => item.name);
  const answer = await server.many_zip({ key: manyKey, names, errors });
  button.disabled = false;
  if (answer?.gone) for (const item of manyItems) Object.assign(item, { state: 'waiting', sent: item.sent && !item.file, madeOf: null });
  manySay(answer?.file ? 'manyZipped' : answer?.problem || 'failed');
  showMany();
  if (answer?.file) handOver(manyUrl(answer.file.path), 'chairlift.zip');
}

function manyClear() {
  if (manyKey) server.many_forget({ key: manyKey });
  for (const { preview } of manyItems) if (preview) URL.revokeObjectURL(preview);
  manyItems = [];
  manyKey = manyOpened = null;
  manySay(null);
  showMany();
  many$('[data-do=manyChoose]').focus();
}

Object.assign(deeds, {
  manyChoose: () => many$('.many-file').click(),
  manyStart: () => { manyStart(); many$('.many-cancel').focus(); },
  manyCancel: () => { manyCancel(); many$('.many-start').focus(); },
  manyZip, manyClear,
});
many$('.many-file').addEventListener('change', (event) => {
  manyTake([...event.target.files]);
  event.target.value = ''; // so that the same files can be chosen again
});
speakers.push(showMany);
