// A link that keeps the settings, but not the photo: they stand in the address after the #.

const NUMBERS = { softness: [0, 10], shift: [-20, 20], shadow: [0, 1], margin: [0, 0.5] };

function settingsInLink() {
  const said = new URLSearchParams();
  if (moved) said.set('threshold', slider.value);
  if (view() !== 'heat') said.set('view', view());
  if (current?.example) said.set('photo', current.example);
  for (const [name, value] of Object.entries(choices)) {
    if (value !== DEFAULTS[name] && value !== 'own') said.set(name, value);
  }
  return said.toString();
}

let linked = null; // what the address says; the first photo alone is no reason to change it
function keepLink() {
  const said = settingsInLink();
  const plain = said === '' || said === 'photo=' + (props.examples[0]?.id || '');
  if (root.dataset.place !== 'studio' || said === linked || (linked === null && plain)) return;
  linked = said;
  history.replaceState(history.state, '', '#' + (plain ? '' : said));
}

// Take over what an address says; what is not possible is left out. The name of the example that it shows, or null.
function readLink(hash) {
  const said = new URLSearchParams(hash.replace(/^#/, '')), some = {};
  const percentage = Number(said.get('threshold'));
  if (percentage >= 1 && percentage <= 99) {
    slider.value = percentage;
    moved = true;
  }
  for (const [name, [low, high]] of Object.entries(NUMBERS)) {
    const value = Number(said.get(name));
    if (said.has(name) && value >= low && value <= high) some[name] = value;
  }
  if (said.get('trim') === 'true') some.trim = true;
  const options = [...panel.querySelector('[name=canvas]').options].map((option) => option.value);
  if (options.includes(said.get('canvas'))) some.canvas = said.get('canvas');
  if (['png', 'webp', 'jpeg'].includes(said.get('format'))) some.format = said.get('format');
  const background = said.get('background') || '';
  const known = /^#[0-9a-f]{6}$/.test(background) || background === 'blur' || props.finishing.rooms.some(({ name }) => background === 'room:' + name);
  if (known) some.background = background;
  choices = { ...DEFAULTS, ...some };
  showChoices();
  fetchRoom();
  setView(said.get('view'));
  return props.examples.some(({ id }) => id === said.get('photo')) ? said.get('photo') : null;
}

async function copyLink(button) {
  const url = new URL(location.href);
  url.hash = settingsInLink();
  try {
    await navigator.clipboard.writeText(url.href);
    tell(say(current?.source ? 'linkCopiedOwn' : 'linkCopied'));
  } catch { // forbidden, as in a frame: let it be copied by hand
    window.prompt(say('copyLink'), url.href);
  }
  button.focus();
}
deeds.copyLink = copyLink;
