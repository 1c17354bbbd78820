// Many photos: sent and worked on one by one, so that others' turns come in between, and handed over as a zip.

import { sendOwnPicture } from './backgrounds.js';
import { choicesFor, itemsToDo, many, mayWork, recipeOf, verdictText } from './many_items.js';
import { startManyStudio } from './many_studio.js';
import { drawItem, find, setMessage, showAll, showFinish, showLine, showNames, showProblems, showProgress } from './many_view.js';
import { actions, arrivals, page, receivers, saveFile } from './page.js';
import { call, failureOf, fileUrl, isReachable, untilReachable, upload, uploadProblem } from './server.js';
import { chosenFinish, onDescribe } from './studio.js';
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
  let answer, waits = true;
  showLine('many_unpack', () => waits, 'manyZipsBefore', 'manyUnpacking', { name: zip.name });
  try {
    answer = await call('many_unpack', { key: many.key, path: await upload(zip), taken: many.items.map((item) => item.name) });
  } catch (error) {
    answer = { problem: uploadProblem(error) };
  }
  waits = false;
  if (answer.problem) {
    setMessage(answer.problem);
    return 0;
  }
  answer.names.forEach((name, n) => addItem({ name, sent: true, path: answer.paths[n] }));
  setMessage(null);
  return answer.left;
}

// Small pictures of the photos that are here, one after another, as large ones take a moment each.
async function makePreviews() {
  if (previewing) return;
  previewing = true;
  for (let item; (item = many.items.find((each) => !each.thumbnail && !each.seen));) {
    item.seen = true;
    try {
      if (!item.file) {
        item.preview = (await call('many_peek', { key: many.key, name: item.name })).thumbnail;
        drawItem(item);
        continue;
      }
      const bitmap = await createImageBitmap(item.file, { resizeWidth: THUMBNAIL_SIDE, resizeQuality: 'medium' });
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      canvas.getContext('2d').drawImage(bitmap, 0, 0);
      bitmap.close();
      item.preview = URL.createObjectURL(await canvas.convertToBlob({ type: 'image/webp', quality: 0.7 }));
      drawItem(item);
    } catch { /* no picture, or none that this browser knows: the run will say */ }
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
  showLine('many_cut', () => many.run === run, 'inLine', 'manyStarted', { n: run.total });
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
  } catch (error) {
    if (!(await isReachable())) {
      await untilReachable();
      return many.run === run ? cutItem(item, run, again) : { problem: 'notSent' };
    }
    answer = { problem: sent ? 'failed' : uploadProblem(error) };
  }
  if (answer.gone && item.file) item.sent = false;
  const mayHelp = answer.gone || answer.problem === 'notSent';
  return mayHelp && !again && many.run === run ? cutItem(item, run, true) : answer;
}

function takeAnswer(item, { problem, result, thumbnail, path, weights }, choices) {
  item.sent ||= Boolean(path);
  Object.assign(item, {
    path, result, thumbnail, problem, weights, state: problem ? 'failed' : 'done', madeOf: recipeOf(item, choices), downloaded: false,
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

// A run that is under way, or results that nobody has downloaded, would be lost with the page.
function warnBeforeLeaving(event) {
  if (many.run || many.items.some(({ state, downloaded }) => state === 'done' && !downloaded)) event.preventDefault();
}

function cancelRun() {
  for (const item of many.items) if (item.state === 'working') item.state = 'waiting';
  endRun('manyCancelled');
}

function endRun(key) {
  const { done, total } = many.run, failed = many.items.filter((item) => item.state === 'failed');
  const again = failed.filter(mayWork).length, bad = failed.length - again;
  many.run = null;
  setMessage(key, { done: done - again, total, failed: (bad ? translate('manyFailed', { failed: bad }) : '') + (again ? translate('manyNotDone', { n: again }) : '') });
  showAll();
}

// ---- All of it as one file

async function downloadZip() {
  const button = find('.many-zip');
  button.disabled = true;
  setMessage('manyZipping');
  const errors = Object.fromEntries(many.items.filter((item) => item.problem).map((item) => [item.name, verdictText(item)]));
  const names = many.items.filter((item) => ['done', 'failed'].includes(item.state)).map((item) => item.name);
  let waits = true;
  showLine('many_zip', () => waits, 'manyZipsBefore', 'manyZipping');
  const answer = await call('many_zip', { key: many.key, names, errors, pattern: find('.many-names').value, only: find('.many-only').checked ? 'cutouts' : 'all' }).catch(async () => ({ problem: await failureOf() }));
  waits = false;
  button.disabled = false;
  if (answer.gone) for (const item of many.items) Object.assign(item, { state: 'waiting', sent: item.sent && !item.file, madeOf: null });
  setMessage(answer.file ? 'manyZipped' : answer.problem);
  showAll();
  if (!answer.file) return;
  for (const item of many.items) item.downloaded = true;
  saveFile(fileUrl(answer.file.path), 'chairlift.zip');
}

function removeItem({ dataset }) {
  const item = many.items.find(({ name }) => name === dataset.name), next = item.node.nextElementSibling ?? item.node.previousElementSibling;
  if (item.preview?.startsWith('blob:')) URL.revokeObjectURL(item.preview);
  many.items = many.items.filter((each) => each !== item);
  if (many.run?.todo.includes(item)) {
    many.run.todo = many.run.todo.filter((each) => each !== item);
    many.run.total--;
  }
  showAll();
  (next?.querySelector('.remove') ?? find('[data-do=manyChoose]')).focus();
}

function clearAll() {
  if (many.key) call('many_forget', { key: many.key }).catch(() => {}); // it is deleted in an hour anyway
  for (const { preview } of many.items) if (preview) URL.revokeObjectURL(preview);
  many.items = [];
  many.key = many.opened = null;
  setMessage(null);
  showAll();
  find('[data-do=manyChoose]').focus();
}

export function startMany() {
  arrivals.many = showAll;
  startManyStudio(startRun);
  receivers.many = (files) => takeFiles([...files]);
  Object.assign(actions, {
    manyChoose: () => find('.many-file').click(),
    manyStart: () => { startRun(); find('.many-cancel').focus(); },
    manyCancel: () => { cancelRun(); find('.many-start').focus(); },
    manyZip: downloadZip,
    manyClear: clearAll,
    manyRemove: removeItem,
  });
  find('.many-file').addEventListener('change', (event) => {
    takeFiles([...event.target.files]);
    event.target.value = ''; // so that the same files can be chosen again
  });
  find('.many-names').addEventListener('input', showNames);
  onDescribe(showFinish);
  window.addEventListener('beforeunload', warnBeforeLeaving);
  onLanguageChange(showAll);
}
