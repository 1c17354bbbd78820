// The beginning: what the visitor does is listened to, and the page filled.

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

// Show the example of a link, once its thumbnail can stand in for it; without one, what is there stays.
async function showLinked(id) {
  if (id === undefined) return setState('empty');
  if (id === null || id === current?.example) return redraw();
  const picture = root.querySelector(`.examples [data-example="${CSS.escape(id)}"] img`), before = current;
  await picture.decode().catch(() => {});
  if (current === before) showExample(id, picture);
}

function addSteps() {
  for (let n = 0; n < 5; n++) {
    const step = document.createElement('li');
    step.append(document.createElement('canvas'), document.createElement('p'));
    step.firstChild.setAttribute('aria-hidden', 'true');
    $('.steps').append(step);
  }
}

function showSplit() {
  const split = $('.split');
  root.style.setProperty('--split', split.value + '%');
  split.setAttribute('aria-valuetext', say('splitAt', { n: split.value }));
}

function takeFirst(files) {
  const photo = [...files].find((file) => file.type.startsWith('image/')) || files[0];
  if (photo) take(photo);
}

Object.assign(deeds, {
  choose: () => $('.file').click(),
  openCamera, closeCamera, shoot,
  view: (button) => setView(button.dataset.view),
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
});

root.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (button) deeds[button.dataset.do]?.(button);
});
slider.addEventListener('input', () => { moved = true; redraw(); });
$('.file').addEventListener('change', (event) => {
  takeFirst(event.target.files);
  event.target.value = ''; // so that the same file can be chosen again
});
document.addEventListener('paste', (event) => {
  if (event.clipboardData?.files.length) receivers[root.dataset.place]?.(event.clipboardData.files);
});
document.addEventListener('keydown', (event) => { if (event.key !== 'Escape') return;
  if (stream) closeCamera();
  else if (correcting()) deeds.correct();
});

let dragged = 0; // entering a child comes before leaving its parent
document.addEventListener('dragenter', () => root.classList.toggle('dragged', ++dragged > 0));
document.addEventListener('dragleave', () => root.classList.toggle('dragged', --dragged > 0));
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  dragged = 0;
  root.classList.remove('dragged');
  receivers[root.dataset.place]?.(event.dataTransfer.files);
});
window.addEventListener('chairlift-failed', hearFailure);
window.addEventListener('hashchange', () => {
  const place = placeOf(location.hash);
  goTo(place);
  if (place === 'studio' && location.hash.includes('=')) showLinked(readLink(location.hash));
});
$('.split').addEventListener('input', showSplit);
new ResizeObserver(redraw).observe(photoCanvas);
watch('value', hear);

receivers.studio = takeFirst;
arrivals.studio = () => { linked = null; redraw(); };
slider.value = Math.round(100 * props.threshold);
addExamples();
addSteps();
addRooms();
speak();
showSplit();
const place = placeOf(location.hash);
const wanted = readLink(place === 'studio' ? location.hash : '');
goTo(place);
setCorrecting(false);
showLinked(wanted || props.examples[0]?.id);
