// The result in words.

let words = '';
let status = null; // the key of what we are waiting for
let origin = {}; // the last answer's `weights` and `notice`

// Which weights the last answer came from, and why not from those that were wanted.
function showOrigin() {
  const { notice, weights } = origin;
  $('.notice').textContent = notice ? say(notice.kind, notice) : '';
  $('.origin').textContent = weights?.repository ? say('weights', {
    ...weights, commit: weights.commit.slice(0, 7), licence: weights.licence || say('unstated'),
  }) : '';
}

function showThreshold() {
  const shown = percent(threshold());
  $('.ask output').textContent = shown;
  slider.setAttribute('aria-valuetext', shown);
  slider.style.setProperty('--at', slider.value + '%');
  for (const follow of thresholdWatchers) follow(threshold());
}

function describeResult() {
  if (current?.map) words = putIntoWords(figures());
  else words = status ? say(status) : '';
  if ($('.words').textContent !== words) $('.words').textContent = words;
  photoCanvas.setAttribute('aria-label', (current?.name || say('photo')) + (words ? ': ' + words : ''));
  for (const button of root.querySelectorAll('.extras [data-do^=save]')) button.disabled = !current?.map;
  $('button.correct').disabled = !current?.map;
  tell(current?.map && !$('.download').disabled ? sayFile() : '');
}

// The file to come: its size, where it can be said exactly, and its background.
function sayFile() {
  const [kind, across, down] = canvasShape(choices.canvas);
  const exact = kind === 'pixels' || (kind === 'photo' && !choices.trim);
  const background = choices.background === 'transparent' && choices.format === 'jpeg' ? '#ffffff' : choices.background;
  const told = say('onBackground', { background: sayBackground(background).toLowerCase() });
  if (!exact) return told;
  const [width, height] = kind === 'pixels' ? [across, down] : [current.width, current.height];
  return say('size', { width, height }) + say('comma') + told;
}

function putIntoWords({ coverage, confidence, pieces, place, highest }) {
  $('.download').disabled = !coverage;
  if (!coverage) return say(highest >= 0.25 ? 'lower' : 'none');
  const sentence = say(pieces > 1 ? 'many' : 'one', {
    pieces, coverage: percent(coverage), confidence: percent(confidence),
  });
  if (place === null) return sentence;
  const gap = language === 'zh' ? '' : ' ';
  return sentence + gap + say('unsureAt', { place: props.texts[language].places[place] });
}

speakers.push(() => {
  root.querySelectorAll('.examples button').forEach((button) => {
    button.setAttribute('aria-label', exampleName(button.dataset.example));
    button.title = exampleName(button.dataset.example);
  });
  if (current?.problem) showProblem(current.problem);
  showOrigin();
  showThreshold();
  describeResult();
});
