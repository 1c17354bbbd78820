// What all places of the page share: how the server is asked, and how one goes from place to place.
// Gradio gives `element` (this component), `props` (the settings and, in `props.value`, the server's
// last answer), `trigger` (ask the server), `upload` and `watch`. The files of this folder stand one
// after another in one function, in the order that __init__.py says; viewer.js, the last, begins.

const root = element.querySelector('.chairlift');
const $ = (selector) => root.querySelector(selector);
const still = matchMedia('(prefers-reduced-motion: reduce)');

// ---- Asking the server

let asked = 0; // the number of the last question
const unanswered = new Map(); // questions by number

// Ask one of the server's events: resolves with its answer, an object; rejects when the server stumbles.
// The answer repeats the question's `token`; as long as it also says `more`, `progress` is given it instead.
function ask(event, question = {}, progress = null) {
  const token = ++asked;
  return new Promise((answered, failed) => {
    unanswered.set(token, { event, answered, failed, progress });
    trigger(event, { ...question, token });
  });
}

function hear() {
  const answer = props.value, waiting = unanswered.get(answer?.token);
  if (!waiting) return;
  if (answer.more) return waiting.progress?.(answer);
  unanswered.delete(answer.token);
  waiting.answered(answer);
}

// A fault of the server's, or too many visitors: `detail` is the event's name.
function hearFailure({ detail }) {
  for (const [token, waiting] of unanswered) {
    if (waiting.event !== detail) continue;
    unanswered.delete(token);
    waiting.failed(new Error(detail));
  }
}

// Have a file handed over as a browser does with downloads.
function handOver(url, name) {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

// ---- Places: one page, of which one part is shown

const deeds = {}; // what a click on [data-do=name] does: name → function of the element
const arrivals = {}; // what is done when a place is shown: name → function
const receivers = {}; // where files go that are dropped or pasted: name of the place → function of the files

// The place that the address names; whatever else it says belongs to the studio.
function placeOf(hash) {
  const name = hash.slice(1);
  return root.querySelector(`.place[data-place="${CSS.escape(name)}"]`) ? name : 'studio';
}

function goTo(name) {
  root.dataset.place = name;
  for (const section of root.querySelectorAll('.place')) section.hidden = section.dataset.place !== name;
  for (const link of root.querySelectorAll('.places a')) {
    if (link.dataset.place === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  arrivals[name]?.();
}
