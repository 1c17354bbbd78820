// The finish panel: what the visitor chooses about the picture, and its names for the server (segmenter/render/options.py).

const DEFAULTS = {
  softness: 0, shift: 0, background: 'transparent', shadow: 0, trim: false, margin: 0.05, canvas: 'photo', format: 'png',
};
const panel = $('.finish');
const ranges = [...panel.querySelectorAll('input[type=range]')];
let choices = { ...DEFAULTS };
let ownPicture = null; // {file, picture, path}: the visitor's own background
const roomPictures = new Map(); // by name and shape

// What the engine takes, the threshold with it.
const chosenFinish = () => ({ ...choices, pieces: 'all', threshold: threshold() });

// The finish in a line of words.
function sayFinish() {
  const { background, shadow, trim, canvas, format } = choices;
  const parts = [sayBackground(background)];
  if (shadow) parts.push(say('withShadow'));
  if (trim) parts.push(say('trimmed'));
  if (canvas !== 'photo') parts.push(sayCanvas(canvas));
  parts.push(sayFormat(format));
  return parts.join(say('comma'));
}

function sayBackground(background) {
  if (background.startsWith('room:')) return say('rooms')[background.slice(5)] || background.slice(5);
  return say({ transparent: 'transparent', '#ffffff': 'white', blur: 'blur', own: 'ownPicture' }[background] || 'colour');
}

const sayFormat = (format) => ({ png: 'PNG', webp: 'WebP', jpeg: 'JPEG' })[format];
const sayCanvas = (canvas) => ({ photo: say('asPhoto'), square: say('square') })[canvas] || canvas.replace('x', ' × ');

// Take over some settings, and whatever follows from them.
function choose(some) {
  choices = { ...choices, ...some };
  showChoices();
  fetchRoom();
  redraw();
}

function showChoices() {
  for (const range of ranges) {
    range.value = choices[range.name];
    range.style.setProperty('--at', (100 * (range.value - range.min)) / (range.max - range.min) + '%');
    const shown = sayAmount(range.name, choices[range.name]);
    range.setAttribute('aria-valuetext', shown);
    range.parentElement.querySelector('output').textContent = shown;
  }
  const { trim, canvas, background, format } = choices;
  panel.querySelector('[name=trim]').checked = trim;
  panel.querySelector('[name=margin]').disabled = !trim;
  panel.querySelector('[name=canvas]').value = canvas;
  const listed = panel.querySelector(`button[data-background="${CSS.escape(background)}"]`);
  for (const swatch of panel.querySelectorAll('[data-background]')) swatch.setAttribute('aria-pressed', String(swatch === listed));
  $('.hue').classList.toggle('taken', !listed);
  if (!listed) $('.colour').value = background;
  $('.hue').style.background = $('.colour').value;
  for (const button of panel.querySelectorAll('[data-format]')) button.setAttribute('aria-pressed', String(button.dataset.format === format));
  $('.chosen').textContent = sayFinish();
  if (!root.classList.contains('saving')) $('.download span').textContent = say('download', { format: sayFormat(format) });
}

function sayAmount(name, value) {
  if (name === 'shift') return (value > 0 ? '+' : value < 0 ? '\u2212' : '') + Math.abs(value) + '\u202f‰';
  if (name === 'softness') return value + '\u202f‰';
  return Math.round(100 * value) + '\u202f%';
}

// What lies behind the furniture: a picture, or null.
function pictureBehind(background) {
  if (background === 'own') return ownPicture?.picture || null;
  if (!background.startsWith('room:')) return null;
  return roomPictures.get(roomKey()) || [...roomPictures].find(([key]) => key.startsWith(background + ' '))?.[1] || null;
}

// The shape that a room has now, to a tenth: the slider need not fetch another for every pixel.
function roomShape() {
  const image = cutPixels(), frame = frameOf(choices.trim ? objectBox(image) : null, image, { ...choices, background: '' }, 960);
  return Math.min(5, Math.max(0.2, Math.round((10 * frame.width) / frame.height) / 10));
}

let roomIs = null; // the key of the room that was asked for last
const roomKey = () => roomIs;

async function fetchRoom() {
  const { background } = choices;
  if (!background.startsWith('room:') || !current?.map) return;
  const shape = roomShape(), key = `${background} ${shape}`;
  if (key === roomIs && $('.board').hasAttribute('aria-busy')) return; // it is on its way
  roomIs = key;
  if (roomPictures.has(key)) return redraw();
  $('.board').setAttribute('aria-busy', 'true');
  const width = Math.round(960 * Math.min(1, shape)), height = Math.round(width / shape);
  try {
    const answer = await ask('room', { room: background.slice(5), width, height });
    if (answer.problem) throw new Error();
    const picture = await loadPicture(answer.picture);
    picture.light = answer.light;
    roomPictures.set(key, picture);
  } catch {
    if (roomIs === key) tell(say('failed'));
  }
  if (roomIs === key) $('.board').removeAttribute('aria-busy');
  redraw();
}

// A sentence below the download, until the next one.
function tell(text) {
  if ($('.size').textContent !== text) $('.size').textContent = text; // a screen reader says it once
}

async function takeOwnPicture(file) {
  if (!file) return;
  if (file.size > props.limit * 1024 * 1024) return tell(say('tooLarge', { limit: props.limit }));
  try {
    ownPicture = { file, picture: await createImageBitmap(file), path: null };
    $('.own-picture').style.backgroundImage = `url(${URL.createObjectURL(file)})`;
    $('.own-picture').classList.add('filled');
    choose({ background: 'own' });
  } catch {
    tell(say('notAPicture'));
  }
}

function addRooms() {
  for (const { name, thumbnail } of props.finishing.rooms) {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'swatch room' });
    Object.assign(button.dataset, { do: 'background', background: 'room:' + name });
    button.style.backgroundImage = `url(${thumbnail})`;
    $('.rooms').append(button);
  }
}

function nameChoices() {
  for (const button of panel.querySelectorAll('.room')) {
    const name = sayBackground(button.dataset.background);
    button.setAttribute('aria-label', name);
    button.dataset.says = name;
  }
  const select = panel.querySelector('[name=canvas]'), shops = document.createElement('optgroup');
  const option = (value, text) => Object.assign(document.createElement('option'), { value, textContent: text });
  shops.label = say('marketplaces');
  for (const [name, preset] of Object.entries(props.finishing.presets)) {
    if (name.startsWith('marketplace')) shops.append(option(preset.canvas, sayCanvas(preset.canvas)));
  }
  select.replaceChildren(...['photo', 'square', '4:5', '3:4', '4:3', '16:9'].map((value) => option(value, sayCanvas(value))), shops);
  showChoices();
}

panel.addEventListener('input', ({ target }) => {
  if (target.type === 'range') choose({ [target.name]: Number(target.value) });
  if (target.name === 'trim') choose({ trim: target.checked });
  if (target.classList.contains('colour')) choose({ background: target.value });
});
panel.addEventListener('change', ({ target }) => {
  if (target.name === 'canvas') {
    const preset = Object.entries(props.finishing.presets).find(([name, { canvas }]) => name.startsWith('marketplace') && canvas === target.value);
    choose(preset ? preset[1] : { canvas: target.value });
  }
  if (target.classList.contains('own-file')) {
    takeOwnPicture(target.files[0]);
    target.value = '';
  }
});
$('.colour').addEventListener('click', () => choose({ background: $('.colour').value }));
Object.assign(deeds, {
  background: (button) => choose({ background: button.dataset.background }),
  ownPicture: () => { if (ownPicture && choices.background !== 'own') choose({ background: 'own' }); else $('.own-file').click(); },
  format: (button) => choose({ format: button.dataset.format }),
  plain: () => choose(DEFAULTS),
});
speakers.push(nameChoices);
