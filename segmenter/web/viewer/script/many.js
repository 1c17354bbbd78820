// Many photos: sent and worked on one by one, so that others' turns come in between, and handed over as a zip.

import { sendOwnPicture } from './backgrounds.js';
import { choicesFor, itemsToDo, many, recipeOf, verdictText } from './many_items.js';
import { drawItem, find, setMessage, showAll, showProblems, showProgress } from './many_view.js';
import { actions, arrivals, page, receivers, saveFile } from './page.js';
import { openInStudio } from './photo.js';
import { call, failureOf, fileUrl, isReachable, untilReachable, upload } from './server.js';
import { chosenFinish, corrections, redraw, setThreshold, studio, threshold } from './studio.js';
import { onLanguageChange, translate } from './words.js';

const AT_ONCE = 2; // one is sent while another is worked on
const THUMBNAIL_SIDE = 192;
const NAME_LENGTH = 100;
let previewing = false;

// ---- Choosing

const isZip = (file) => /zip/.test(file.type) || /\.zip$/i.test(file.name);
const stemOf = (name) => name.replace(/\.[^./]*$/, '').toLowerCase();

// A name that is possible on every disk and that no other photo has: results are called after it.
function uniqueName(name) {
  const [, stem, suffix] = name.replace(/[\x00-\x1f<>:"|?*\\/]/g, '_').match(/^(.*?)((?:\.[A-Za-z0-9]{1,8})?)$/s);
  let clean = [...stem].slice(-NAME_LENGTH).join('').replace(/^[ .-]+|[ .-]+$/g, '') || 'photo';
  if (/^(con|prn|aux|nul|com\d|lpt\d)$/i.test(clean)) clean += '_';
  const taken = new Set(many.items.map((item) => stemOf(item.name)));
  let unique = clean;
  for (let number = 2; taken.has(unique.toLowerCase()); number++) unique = `${clean}-${number}`;
  return unique + suffix;
}

async function takeFiles(files) {
  many.key ??= crypto.getRandomValues(new Uint8Array(16)).reduce((key, byte) => key + byte.toString(16).padStart(2, '0'), '');
  setMessage(null);
  let left = 0;
  for (const file of files.filter((file) => !isZip(file))) {
    if (many.items.length >= page.props.bounds.photos) left++;
    else addItem({ name: uniqueName(file.name), file, problem: file.size > page.props.limit * 1024 * 1024 ? 'tooLarge' : null });
  }
  showAll();
  for (const zip of files.filter(isZip)) left += await unpackZip(zip);
  if (left) setMessage('manyLeft', { left, photos: page.props.bounds.photos });
  showAll();
  makePreviews();
}

function addItem(item) {
  many.items.push({ state: item.problem ? 'failed' : 'waiting', edits: [], sent: false, ...item });
}

// Send a zip and let the server take the photos out; how many there was no room for.
async function unpackZip(zip) {
  const { zip: limit } = page.props.bounds;
  if (zip.size > limit * 1024 * 1024) {
    setMessage('manyZipTooLarge', { limit });
    return 0;
  }
  setMessage('manyUnpacking', { name: zip.name });
  let answer;
  try {
    answer = await call('many_unpack', { key: many.key, path: await upload(zip), taken: many.items.map((item) => item.name) });
  } catch {
    answer = { problem: 'notSent' };
  }
  if (answer.problem) {
    setMessage(answer.problem);
    return 0;
  }
  for (const name of answer.names) addItem({ name, sent: true });
  setMessage(null);
  return answer.left;
}

// Small pictures of the photos that are here, one after another, as large ones take a moment each.
async function makePreviews() {
  if (previewing) return;
  previewing = true;
  for (let item; (item = many.items.find((each) => each.file && !each.thumbnail && !each.seen));) {
    item.seen = true;
    try {
      const bitmap = await createImageBitmap(item.file, { resizeWidth: THUMBNAIL_SIDE, resizeQuality: 'medium' });
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      canvas.getContext('2d').drawImage(bitmap, 0, 0);
      bitmap.close();
      item.preview = URL.createObjectURL(await canvas.convertToBlob({ type: 'image/webp', quality: 0.7 }));
      drawItem(item);
    } catch { /* no picture, or none that this browser knows: the server will say */ }
  }
  previewing = false;
}

// ---- The run

function startRun(items = null) {
  const choices = chosenFinish();
  const todo = items || itemsToDo(choices);
  if (many.run || !todo.length) return;
  for (const item of todo) Object.assign(item, { state: 'waiting', problem: null });
  many.run = { todo: [...todo], total: todo.length, done: 0, started: performance.now(), choices };
  setMessage('manyStarted', { n: todo.length });
  showAll();
  const run = many.run;
  Promise.all(Array.from({ length: AT_ONCE }, () => work(run))).then(() => { if (many.run === run) endRun('manyDone'); });
}

async function work(run) {
  for (let item; many.run === run && (item = run.todo.shift());) {
    item.state = 'working';
    drawItem(item);
    const answer = await cutItem(item, run);
    if (many.run !== run) return; // cancelled meanwhile
    run.done++;
    takeAnswer(item, answer, run.choices);
    showProgress();
  }
}

// Send a photo, unless it is there, and have it worked on; as soon as the server is there, if it is gone. `again`: the
// photo was gone, or did not arrive.
async function cutItem(item, run, again = false) {
  let answer, sent = item.sent;
  try {
    const background = await sendOwnPicture(run.choices.background);
    const path = sent ? null : await upload(item.file);
    sent = true;
    answer = await call('many_cut', {
      key: many.key, name: item.name, path, choices: choicesFor(item, run.choices), edits: item.edits, background,
    });
  } catch {
    if (!(await isReachable())) {
      await untilReachable();
      return many.run === run ? cutItem(item, run, again) : { problem: 'notSent' };
    }
    answer = { problem: sent ? 'failed' : 'notSent' };
  }
  if (answer.gone && item.file) item.sent = false;
  const mayHelp = answer.gone || answer.problem === 'notSent';
  return mayHelp && !again && many.run === run ? cutItem(item, run, true) : answer;
}

function takeAnswer(item, { problem, result, thumbnail, path, weights }, choices) {
  item.sent ||= Boolean(path);
  Object.assign(item, {
    path, result, thumbnail, problem, weights, state: problem ? 'failed' : 'done', madeOf: recipeOf(item, choices),
  });
  if (weights !== undefined) repeatOthers(weights);
  drawItem(item);
  showProblems();
}

// Where newer weights took over on the server, what others made is made again: a zip is made by one kind.
function repeatOthers(weights) {
  const others = many.items.filter((item) => item.state === 'done' && item.weights !== weights);
  for (const item of others) {
    Object.assign(item, { state: 'waiting', madeOf: null });
    drawItem(item);
  }
  many.run.todo.push(...others);
  many.run.total += others.length;
}

function cancelRun() {
  for (const item of many.items) if (item.state === 'working') item.state = 'waiting';
  endRun('manyCancelled');
}

function endRun(key) {
  const { done, total } = many.run, failed = many.items.filter((item) => item.state === 'failed').length;
  many.run = null;
  setMessage(key, { done, total, failed: failed ? translate('manyFailed', { failed }) : '' });
  showAll();
}

// ---- To the studio and back

function openItem({ dataset }) {
  const item = many.items.find(({ name }) => name === dataset.name);
  if (!item?.path && !item?.file) return;
  const kept = threshold();
  openInStudio({ name: item.name, source: item.file, path: item.path, threshold: item.threshold, edits: item.edits, weights: item.weights, item });
  many.opened = { item, threshold: kept, before: studioState(item) };
}

const studioState = (item) => JSON.stringify([threshold(), corrections(), chosenFinish(), item.name]);

// A photo that was corrected in the studio is made again; the slider is set back to what it was for all.
function takeBackFromStudio() {
  const { item, threshold: kept, before } = many.opened;
  many.opened = null;
  const changed = studio.photo?.item === item && many.items.includes(item) && studioState(item) !== before;
  if (changed) Object.assign(item, { threshold: threshold(), edits: [...corrections()] });
  setThreshold(kept, true);
  redraw();
  if (changed && !many.run) startRun([item]);
}

// ---- All of it as one file

async function downloadZip() {
  const button = find('.many-zip');
  button.disabled = true;
  setMessage('manyZipping');
  const errors = Object.fromEntries(many.items.filter((item) => item.problem).map((item) => [item.name, verdictText(item)]));
  const names = many.items.filter((item) => ['done', 'failed'].includes(item.state)).map((item) => item.name);
  const answer = await call('many_zip', { key: many.key, names, errors }).catch(async () => ({ problem: await failureOf() }));
  button.disabled = false;
  if (answer?.gone) for (const item of many.items) Object.assign(item, { state: 'waiting', sent: item.sent && !item.file, madeOf: null });
  setMessage(answer?.file ? 'manyZipped' : answer?.problem || 'failed');
  showAll();
  if (answer?.file) saveFile(fileUrl(answer.file.path), 'chairlift.zip');
}

function clearAll() {
  if (many.key) page.server.many_forget({ key: many.key });
  for (const { preview } of many.items) if (preview) URL.revokeObjectURL(preview);
  many.items = [];
  many.key = many.opened = null;
  setMessage(null);
  showAll();
  find('[data-do=manyChoose]').focus();
}

export function startMany() {
  arrivals.many = () => {
    if (many.opened) takeBackFromStudio();
    showAll();
  };
  receivers.many = (files) => takeFiles([...files]);
  Object.assign(actions, {
    manyChoose: () => find('.many-file').click(),
    manyStart: () => { startRun(); find('.many-cancel').focus(); },
    manyCancel: () => { cancelRun(); find('.many-start').focus(); },
    manyOpen: openItem,
    manyZip: downloadZip,
    manyClear: clearAll,
  });
  find('.many-file').addEventListener('change', (event) => {
    takeFiles([...event.target.files]);
    event.target.value = ''; // so that the same files can be chosen again
  });
  onLanguageChange(showAll);
}
