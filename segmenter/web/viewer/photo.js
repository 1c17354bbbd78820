// The photo on the page: how it comes, what the server answers, and how its cutout is fetched.

function setState(state, waitingFor = null) {
  root.dataset.state = state;
  status = waitingFor;
  $('.stage').setAttribute('aria-busy', String(state === 'waiting'));
  if (state !== 'ready') $('.download').disabled = true;
  describeResult();
}

let begun = 0; // photos so far
function begin(photo) {
  closeCamera();
  endStroke(false);
  current = { edits: [], history: [[]], at: 0, ...photo };
  setCorrecting(false);
  photoCanvas.dataset.token = ++begun;
  root.querySelectorAll('.examples button').forEach((button) => {
    button.setAttribute('aria-pressed', String(button.dataset.example === current.example));
  });
  setState('waiting', photo.example ? 'looking' : 'uploading');
  redraw();
  return current;
}

function showProblem(problem) {
  if (current) current.problem = problem;
  $('.problem').textContent = inWords(problem).replace('{limit}', props.limit);
}

function fail(problem) {
  setState('problem');
  showProblem(problem);
}

function showExample(id, picture) {
  const photo = begin({ example: id, name: exampleName(id), file: id + '.jpg' });
  if (picture.complete && picture.naturalWidth) drawPhoto(picture);
  look(photo);
}

async function take(file, known = {}) {
  const photo = begin({ name: file.name, file: file.name, source: file, ...known });
  if (file.size > props.limit * 1024 * 1024) return fail('tooLarge');
  createImageBitmap(file).then(
    (picture) => { if (current === photo && !photo.map) { drawPhoto(picture); root.dataset.shown = 'yes'; } },
    () => {}, // not every photo that the server reads can be shown by the browser: wait for the server's
  );
  root.dataset.shown = 'no';
  if (!(await sendFile(photo))) return;
  setState('waiting', 'looking');
  look(photo);
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

// What the server needs to find the photo again.
const sourceOf = (photo) => ({ path: photo.path, example: photo.example });

async function look(photo) {
  let answer;
  try {
    answer = await ask('look', sourceOf(photo));
  } catch {
    answer = { problem: 'failed' };
  }
  if (current !== photo) return; // the visitor has gone on to another one
  if (answer.problem) return fail(answer.problem);
  const pictures = await Promise.all([loadPicture(answer.photo), loadPicture(answer.map)]);
  if (current !== photo) return;
  origin = { weights: answer.weights, notice: answer.notice };
  showOrigin();
  if (!moved) slider.value = Math.round(100 * answer.weights.threshold);
  takeMap(answer, ...pictures);
  showHistory();
  fetchRoom();
  root.dataset.shown = 'yes';
  setState('ready');
  redraw();
}

// ---- Downloads

async function save(what = 'cutout') {
  if (!current?.map || root.classList.contains('saving')) return;
  root.classList.add('saving');
  $('.download span').textContent = say('downloading');
  const answer = await fetchFile(current, what);
  root.classList.remove('saving');
  showChoices();
  describeResult();
  if (!answer) return; // the visitor has gone on to another photo
  const [note] = answer.notes || [];
  if (answer.problem) $('.words').textContent = inWords(answer.problem);
  else if (note) tell(language === 'en' ? note : say('onWhite'));
}

// Fetch a file that is made of a photo: the server's answer, once it has been handed over.
async function fetchFile(photo, what, again = false) {
  let answer;
  const question = { ...sourceOf(photo), edits: photo.edits, weights: photo.weights };
  try {
    if (choices.background === 'own' && !ownPicture.path) ownPicture.path = (await upload(ownPicture.file)).path;
    answer = what === 'pair' ? await ask('pair', { ...question, pieces: 'all', threshold: threshold() })
      : await ask('save', { ...question, choices: { ...chosenFinish(), what }, background: ownPicture?.path });
  } catch {
    return { problem: 'failed' };
  }
  if (answer.gone && !again) { // the page was open for longer than photos are kept
    if (ownPicture) ownPicture.path = null;
    if (!photo.source) return fetchFile(photo, what, true);
    return (await sendFile(photo)) ? fetchFile(photo, what, true) : null;
  }
  if (answer.file) handOver(answer.file.url, photo.file.replace(/\.[^.]*$/, '') + answer.file.orig_name.match(/-[a-z]+\.\w+$/)[0]);
  return answer;
}

// Another place's way in: a photo to look at, with what is known of it. `item` is kept with it.
function openInStudio({ name, file = name, source, path, threshold: wanted, edits = [], item }) {
  location.hash = '#studio';
  goTo('studio');
  if (wanted !== undefined) {
    slider.value = Math.round(100 * wanted);
    moved = true;
  }
  const known = { edits, history: edits.length ? [[], edits] : [[]], at: edits.length ? 1 : 0, item };
  if (!path) return take(source, known);
  const photo = begin({ name, file, path, source, ...known });
  setState('waiting', 'looking');
  root.dataset.shown = 'no';
  return look(photo);
}

function loadPicture(url) {
  const picture = new Image();
  picture.src = url;
  return picture.decode().then(() => picture);
}

Object.assign(deeds, {
  save: () => save(),
  saveMask: () => save('mask'),
  saveAll: () => save('all'),
  savePair: () => save('pair'),
});
