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

function takeFirst(files) {
  const photo = [...files].find((file) => file.type.startsWith('image/')) || files[0];
  if (photo) take(photo);
}

Object.assign(deeds, {
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
document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && stream) closeCamera(); });

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
window.addEventListener('hashchange', () => goTo(placeOf(location.hash)));
new ResizeObserver(redraw).observe(photoCanvas);
watch('value', hear);

receivers.studio = takeFirst;
slider.value = Math.round(100 * props.threshold);
addExamples();
speak();
goTo(placeOf(location.hash));
const first = $('.examples button');
if (!first) setState('empty');
else first.querySelector('img').decode().catch(() => {}).then(() => { if (!current) first.click(); });
