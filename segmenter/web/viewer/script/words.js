// The page's words, in the visitor's language.

import { $, page } from './page.js';

const KEY = 'chairlift-language'; // under which the browser keeps what the visitor chose
const listeners = []; // functions that show their words anew once the language has changed
let language = 'en';

export const currentLanguage = () => language;
export const texts = () => page.props.texts[language];
export const onLanguageChange = (listener) => listeners.push(listener);

function preferredLanguage() {
  let kept = null;
  try { kept = localStorage.getItem(KEY); } catch { /* storage may be forbidden */ }
  if (page.props.texts[kept]) return kept;
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => page.props.texts[tag]) || 'en';
}

export function startWords() {
  language = preferredLanguage();
  showWords();
}

export function switchLanguage() {
  language = language === 'en' ? 'zh' : 'en';
  try { localStorage.setItem(KEY, language); } catch { /* then it lasts until the page is left */ }
  showWords();
}

// The text of a key, each {name} in it replaced by its value.
export function translate(key, values = {}) {
  return Object.entries(values).reduce((text, [name, value]) => text.replaceAll('{' + name + '}', value), texts()[key]);
}

// A text about `n` things; one of them has a text of its own where that differs.
export const translateCount = (key, values) => translate(values.n === 1 && texts()[key + 'One'] ? key + 'One' : key, values);

// A problem as the server reports it, a key of ours or texts by language, in words.
export function problemText(problem) {
  const text = typeof problem === 'string' ? translate(problem) : problem[language] || problem.en;
  return text.replace('{limit}', page.props.limit);
}

export const percent = (share) => translate('percent', { n: share > 0 && share < 0.01 ? '<\u202f1' : Math.round(100 * share) });

export function exampleName(id) {
  return texts().exampleNames[id] || id.replace(/^\d+_/, '').replaceAll('_', ' ');
}

function showWords() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : language;
  page.root.querySelectorAll('[data-text]').forEach((node) => { node.textContent = translate(node.dataset.text); });
  page.root.querySelectorAll('[data-label]').forEach((node) => { node.setAttribute('aria-label', translate(node.dataset.label)); });
  page.root.querySelectorAll('[data-tip]').forEach((node) => { node.dataset.says = translate(node.dataset.tip); });
  const toggle = $('.language'), other = language === 'en' ? 'zh-CN' : 'en';
  toggle.textContent = translate('otherLanguage');
  toggle.lang = other;
  for (const listener of listeners) listener();
}
