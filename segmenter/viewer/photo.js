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
  current = photo;
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

async function take(file) {
  const photo = begin({ name: file.name, file: file.name, source: file });
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
  root.dataset.shown = 'yes';
  setState('ready');
  redraw();
}

async function save() {
  if (!current?.map || root.classList.contains('saving')) return;
  root.classList.add('saving');
  $('.download span').textContent = say('downloading');
  const problem = await fetchCutout(current);
  root.classList.remove('saving');
  $('.download span').textContent = say('download');
  if (problem) $('.words').textContent = inWords(problem);
}

// Fetch the cutout as a file; if that fails, what to say about it.
async function fetchCutout(photo, again = false) {
  let answer;
  try {
    answer = await ask('save', { ...sourceOf(photo), threshold: slider.value / 100, weights: photo.weights });
  } catch {
    return 'failed';
  }
  if (answer.gone && photo.source && !again) { // the page was open for longer than photos are kept
    return (await sendFile(photo)) ? fetchCutout(photo, true) : null;
  }
  if (answer.file) handOver(answer.file.url, photo.file.replace(/\.[^.]*$/, '') + '-cutout.png');
  return answer.problem;
}

function loadPicture(url) {
  const picture = new Image();
  picture.src = url;
  return picture.decode().then(() => picture);
}
