// What all parts of the page share: what Gradio gives, and the places of the page.

// Once connected: `props`, the settings, as Gradio gives them, and `root`, the page's own element.
export const page = {};

export const $ = (selector) => page.root.querySelector(selector);

export function connect({ element, ...gradio }) {
  Object.assign(page, gradio, { root: element.querySelector('.chairlift') });
}

// The way that an arrow key points: [x, y]; undefined for any other key.
export const arrowOf = ({ key }) => ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] })[key];

// Save a file as a browser does with downloads.
export function saveFile(url, name) {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

// A sentence below the download, until the next one.
export function showMessage(text) {
  if ($('.size').textContent !== text) $('.size').textContent = text; // a screen reader says it once
}

// ---- Places: one page, of which one part is shown

export const actions = {}; // what a click on [data-do=name] does: name → function of the element
export const arrivals = {}; // what is done when a place is shown: name → function
export const receivers = {}; // where files go that are dropped or pasted: name of the place → function of the files

// The place that the address names; whatever else it says belongs to the studio.
export function placeOf(hash) {
  const name = hash.slice(1);
  return page.root.querySelector(`.place[data-place="${CSS.escape(name)}"]`) ? name : 'studio';
}

export function goTo(name) {
  if (page.root.dataset.place !== name) window.scrollTo(0, 0);
  page.root.dataset.place = name;
  for (const section of page.root.querySelectorAll('.place')) section.hidden = section.dataset.place !== name;
  for (const link of page.root.querySelectorAll('.places a')) {
    if (link.dataset.place === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  arrivals[name]?.();
}
