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
  const shown = percent(slider.value / 100);
  $('output').textContent = shown;
  slider.setAttribute('aria-valuetext', shown);
  slider.style.setProperty('--at', slider.value + '%');
}

function describeResult() {
  if (current?.map) words = putIntoWords(describe(current.histogram, current.small, slider.value / 100));
  else words = status ? say(status) : '';
  $('.words').textContent = words;
  photoCanvas.setAttribute('aria-label', (current?.name || say('photo')) + (words ? ': ' + words : ''));
  $('.size').textContent = current?.map && !$('.download').disabled ? say('size', { width: current.width, height: current.height }) : '';
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
