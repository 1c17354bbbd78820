// The server: whether it can be reached, what it is asked, and how files get there.

import { $, actions, page } from './page.js';

const PAUSE = 4000, ANSWER = 8000; // between two looks at the server, and how long it has for an answer, in milliseconds
const PATIENCE = 180_000; // with a question, its turn in the queue included
const LINE_PAUSE = 1500; // between two looks at a line, in milliseconds
const STALLED = 60_000; // without any progress, a file is not on its way any more
const open = new Map(); // the questions that wait for an answer: how to give one up → its event
const listeners = []; // functions that are called when the server is there again
let isAway = false, watching = null;

const addressOf = (route) => (window.gradio_config?.root ?? '') + '/gradio_api/' + route;
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

// Ask one of the server's events: resolves with its answer, an object; rejects when the server fails or does not answer.
// Each question waits in the server's queue for its turn; `inLine` is called with how many are before it. Gradio's own
// way of asking stops for good at the first lost connection, and has the whole page loaded anew.
export async function ask(event, question = {}, inLine = () => {}) {
  const given = new AbortController(), { signal } = given;
  let late;
  const wait = () => { clearTimeout(late); late = setTimeout(() => given.abort(), PATIENCE); };
  open.set(given, event);
  watch();
  try {
    wait();
    const session = crypto.getRandomValues(new Uint32Array(3)).join('');
    await join(event, question, session, signal);
    return await answerOf(session, signal, (message) => {
      wait();
      if (message.msg === 'estimation') inLine(message.rank);
      if (message.msg === 'process_starts') inLine(0);
    });
  } finally {
    clearTimeout(late);
    open.delete(given);
  }
}

// Give up the questions of an event: nobody waits for their answers any more.
export function forsake(event) {
  for (const [given, asked] of open) if (asked === event) given.abort();
}

async function join(event, question, session, signal) {
  const { id } = window.gradio_config.dependencies.find(({ targets }) => targets.some(([, name]) => name === event));
  const body = JSON.stringify({ data: [], fn_index: id, session_hash: session, event_data: question });
  const response = await fetch(addressOf('queue/join'), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, signal });
  if (!response.ok) throw new Error(response.status);
}

// The answer that arrives on a session's stream of messages; `hear` is called with each of them.
function answerOf(session, signal, hear) {
  const stream = new EventSource(addressOf('queue/data?session_hash=' + session));
  return new Promise((resolve, reject) => {
    const end = (settle, value) => { stream.close(); settle(value); };
    const fail = () => end(reject, new Error('no answer'));
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail);
    stream.addEventListener('error', fail);
    stream.addEventListener('message', ({ data }) => {
      const message = JSON.parse(data), answer = message.output?.data?.[0];
      if (message.msg === 'process_completed') end(...(message.success && answer ? [resolve, answer] : [reject, new Error('failed')]));
      else if (/error|close_stream/.test(message.msg)) fail();
      else hear(message);
    });
  });
}

// Ask one of the server's functions, aside from the queue: its answer; rejects when there is none.
export async function call(name, question) {
  const answer = await page.server[name](question);
  if (!answer) throw new Error(name);
  return answer;
}

// Look at the line before one of these functions now and then, as long as `goesOn()`: `inLine` is called with how many
// of others come first.
export function watchLine(name, goesOn, inLine) {
  const looking = setInterval(() => {
    if (!goesOn()) clearInterval(looking);
    else page.server.line({ of: name }).then(({ ahead }) => goesOn() && inLine(ahead)).catch(() => {});
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
