// The server: whether it can be reached, what it is asked, and how files get there.

import { $, actions } from './page.js';

const PAUSE = 4000, ANSWER = 8000; // between two looks at the server, and how long it has for an answer, in milliseconds
const PATIENCE = 180_000; // with a question for which nobody else is before us, in milliseconds
const LINE_PAUSE = 1500; // between two looks at a line, in milliseconds
const STALLED = 60_000; // without any progress, a file is not on its way any more
const SESSION = crypto.getRandomValues(new Uint32Array(3)).join(''); // what this tab is called in a line
const open = new Map(); // the questions that wait for an answer: how to give one up → what is asked
const listeners = []; // functions that are called when the server is there again
let isAway = false, watching = null;
let components = null; // of the server that answers, as Gradio describes them

const root = () => window.gradio_config?.root ?? '';
const addressOf = (route) => root() + '/gradio_api/' + route;
export const fileUrl = (path) => addressOf('file=') + encodeURI(path);
export const onReturn = (listener) => listeners.push(listener);

// ---- Is it there?

// Whether the server answers at all. A gateway that stands before it (502 and above) is none.
async function answers() {
  try {
    return (await fetch(addressOf('app_id'), { cache: 'no-store', signal: AbortSignal.timeout(ANSWER) })).status < 502;
  } catch {
    return false;
  }
}

// Look at the server now: whether it is there. The page's banner follows.
export async function isReachable() {
  const there = await answers();
  if (there !== !isAway) setAway(!there);
  return there;
}

function setAway(away) {
  isAway = away;
  $('.banner').hidden = !away;
  watch();
  if (away) for (const given of open.keys()) given.abort();
  else for (const listener of listeners) listener();
}

// Look at the server now and then, as long as it is gone or an answer is waited for.
function watch() {
  watching ??= setInterval(() => {
    if (isAway || open.size) isReachable();
    else watching = clearInterval(watching) ?? null;
  }, PAUSE);
}

// Resolves once the server is there.
export async function untilReachable() {
  if (!(await isReachable())) await new Promise((resolve) => onReturn(resolve)); // which may be called again: it does nothing then
}

// Why a question failed, as a key of the texts.
export const failureOf = async () => (isAway || !(await isReachable()) ? 'away' : 'failed');

// ---- Questions

// Ask one of the server's functions: resolves with its answer, an object; rejects when the server fails or does not answer.
// `signal` gives the question up. Gradio's own way of asking cannot be given up.
export async function call(name, question = {}, signal = null) {
  let response = await post(name, question, signal);
  if (response.status === 400) { // it may have begun anew since the page came from it, and count its parts otherwise
    const config = await fetch(root() + '/config', { signal });
    components = (await config.json()).components;
    response = await post(name, question, signal);
  }
  const answer = response.ok && (await response.json());
  if (!answer) throw new Error(response.status);
  return answer;
}

function post(name, question, signal) {
  components ??= window.gradio_config.components;
  const { id } = components.find(({ props }) => props.server_fns?.includes(name));
  const body = JSON.stringify({ data: question, fn_name: name, component_id: id, session_hash: SESSION });
  return fetch(addressOf('component_server'), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, signal });
}

// The same for what a person waits for: it has an end, and `inLine` is called with how many of others come first.
export async function ask(name, question = {}, inLine = () => {}) {
  const given = new AbortController();
  let late, waits = true;
  const wait = () => { clearTimeout(late); late = setTimeout(() => given.abort(), PATIENCE); };
  open.set(given, name);
  watch();
  wait();
  watchLine(name, () => waits, (ahead) => {
    if (ahead) wait();
    inLine(ahead);
  });
  try {
    return await call(name, question, given.signal);
  } finally {
    waits = false;
    clearTimeout(late);
    open.delete(given);
  }
}

// Give up the questions to a function: nobody waits for their answers any more.
export function forsake(name) {
  for (const [given, asked] of open) if (asked === name) given.abort();
}

// Look at the line before a function now and then, as long as `goesOn()`: `inLine` is called with how many of others come
// first.
export function watchLine(name, goesOn, inLine) {
  const looking = setInterval(() => {
    if (!goesOn()) clearInterval(looking);
    else call('line', { of: name }).then(({ ahead }) => goesOn() && inLine(ahead)).catch(() => {});
  }, LINE_PAUSE);
}

// ---- Files

// Send a file: where the server has it. `report` is called with the share that is there, 0 … 1.
export function upload(file, report = () => {}) {
  const request = new XMLHttpRequest(), form = new FormData();
  form.append('files', file, file.name);
  return new Promise((resolve, reject) => {
    let stalled;
    const wait = () => { clearTimeout(stalled); stalled = setTimeout(() => request.abort(), STALLED); };
    const end = (settle) => { clearTimeout(stalled); settle(); };
    request.upload.addEventListener('progress', ({ loaded, total }) => { wait(); report(total ? loaded / total : 0); });
    request.addEventListener('load', () => end(() => (request.status === 200 ? resolve(JSON.parse(request.responseText)[0]) : reject(new Error(request.status)))));
    for (const failure of ['error', 'abort']) request.addEventListener(failure, () => end(() => reject(new Error(failure))));
    request.open('POST', addressOf('upload'));
    request.send(form);
    wait();
  });
}

// Why a file did not get there, as a key of the texts: the server says where it has no room.
export const uploadProblem = (error) => (error.message === '507' ? 'serverFull' : 'notSent');

export function startServer() {
  window.addEventListener('offline', isReachable);
  window.addEventListener('online', () => { if (isAway) isReachable(); });
  actions.reconnect = isReachable;
}
