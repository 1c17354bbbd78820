// The page's words, in the visitor's language.

let language = chooseLanguage();
const speakers = []; // functions that say again what they said, once the language has changed

function chooseLanguage() {
  const kept = readSetting('language');
  if (props.texts[kept]) return kept;
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => props.texts[tag]) || 'en';
}

function readSetting(name) {
  try { return localStorage.getItem('chairlift-' + name); } catch { return null; } // storage may be forbidden
}

function keepSetting(name, value) {
  try { localStorage.setItem('chairlift-' + name, value); } catch { /* then it lasts until the page is left */ }
}

function say(key, values = {}) {
  return Object.entries(values).reduce((text, [name, value]) => text.replaceAll('{' + name + '}', value), props.texts[language][key]);
}

// What the server says of a problem: a key of ours, or texts by language.
const inWords = (problem) => (typeof problem === 'string' ? say(problem) : problem[language] || problem.en);

const percent = (share) => say('percent', { n: share > 0 && share < 0.01 ? '<\u202f1' : Math.round(100 * share) });

function exampleName(id) {
  return props.texts[language].exampleNames[id] || id.replace(/^\d+_/, '').replaceAll('_', ' ');
}

function speak() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : language;
  root.querySelectorAll('[data-text]').forEach((node) => { node.textContent = say(node.dataset.text); });
  root.querySelectorAll('[data-label]').forEach((node) => { node.setAttribute('aria-label', say(node.dataset.label)); });
  root.querySelectorAll('[data-tip]').forEach((node) => { node.dataset.says = say(node.dataset.tip); });
  const toggle = $('.language'), other = language === 'en' ? 'zh-CN' : 'en';
  toggle.textContent = say('otherLanguage');
  toggle.lang = other;
  for (const again of speakers) again();
}
