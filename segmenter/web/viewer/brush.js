// Corrections by hand: a brush on the photo, and a closer look.

const easel = $('.easel'), brushTip = $('.tip-of-brush'), sheet = $('.sheet');
const STEP = 0.012; // of the photo's longer side: what an arrow key moves the brush
let brushKind = 'keep';
let zoom = 1, panX = 0, panY = 0; // the sheet's scale, and where it lies, as shares of the frame
let cursor = [0.5, 0.5];

const correcting = () => root.classList.contains('correcting');
const corrections = () => current?.edits || [];

// ---- What was corrected, and back again

function setEdits(edits) {
  current.edits = edits;
  correctMap();
  showHistory();
  redraw();
}

// A new list of corrections becomes the latest in the history.
function record(edits) {
  current.history = [...current.history.slice(0, current.at + 1), edits];
  current.at = current.history.length - 1;
  setEdits(edits);
}

function travel(by) {
  const at = current?.history ? current.at + by : -1;
  if (!current?.map || at < 0 || at >= current.history.length) return;
  current.at = at;
  setEdits(current.history[at]);
}

function showHistory() {
  const { history = [[]], at = 0 } = current || {};
  $('[data-do=undo]').disabled = at === 0;
  $('[data-do=redo]').disabled = at === history.length - 1;
  $('[data-do=clear]').disabled = !corrections().length;
}

// ---- The brush

const brushRadius = () => Math.min(0.25, $('.brush-radius').value / 1000 / zoom); // a closer look, a finer brush

function shareOf({ clientX, clientY }) {
  const box = sheet.getBoundingClientRect();
  const within = (value) => Math.min(1.5, Math.max(-0.5, value));
  return [within((clientX - box.left) / box.width), within((clientY - box.top) / box.height)].map((value) => Math.round(1e5 * value) / 1e5);
}

function startStroke(point) {
  if (!current?.map || corrections().length >= 500) return;
  current.stroke = { do: brushKind, radius: Math.round(1e5 * brushRadius()) / 1e5, points: [point] };
  current.aims = aimsAt(threshold());
  setMap({ ...current.map, values: current.map.values.slice() });
  brush(current.map, brushKind, current.stroke.radius, point, point, current.aims);
  redraw();
}

function extendStroke(point) {
  const { stroke, map } = current, last = stroke.points[stroke.points.length - 1];
  const away = Math.hypot((point[0] - last[0]) * map.width, (point[1] - last[1]) * map.height);
  if (away < Math.max(0.6, 0.1 * stroke.radius * Math.max(map.width, map.height))) return;
  stroke.points.push(point);
  brush(map, stroke.do, stroke.radius, last, point, current.aims);
  setMap({ ...map }); // the same values, but what was made of them is out of date
  redraw();
  if (stroke.points.length === 2000) { endStroke(); startStroke(point); }
}

function endStroke(keep = true) {
  const { stroke } = current || {};
  if (!stroke) return;
  current.stroke = null;
  if (keep) record([...current.edits, stroke]);
  else setEdits(current.edits);
}

function showTip() {
  const box = sheet.getBoundingClientRect(), frame = easel.getBoundingClientRect();
  const size = 2 * brushRadius() * Math.max(box.width, box.height);
  Object.assign(brushTip.style, {
    width: size + 'px', height: size + 'px',
    left: box.left - frame.left + cursor[0] * box.width + 'px', top: box.top - frame.top + cursor[1] * box.height + 'px',
  });
  brushTip.dataset.brush = brushKind;
}

const pointers = new Map(); // those that are down: id → event
easel.addEventListener('pointerdown', (event) => {
  if (event.button > 0) return;
  event.preventDefault();
  easel.focus({ preventScroll: true });
  easel.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, event);
  cursor = shareOf(event);
  if (pointers.size === 1) startStroke(cursor);
  else endStroke(false); // a second finger means a closer look, not a stroke
  showTip();
});
easel.addEventListener('pointermove', (event) => {
  const before = pointers.get(event.pointerId);
  if (pointers.size === 2 && before) pinch(before, event);
  if (before) pointers.set(event.pointerId, event);
  cursor = shareOf(event);
  if (current?.stroke && pointers.size === 1) {
    const between = event.getCoalescedEvents?.() || [];
    for (const each of between.length ? between : [event]) extendStroke(shareOf(each));
  }
  showTip();
});
for (const kind of ['pointerup', 'pointercancel']) {
  easel.addEventListener(kind, (event) => {
    pointers.delete(event.pointerId);
    endStroke(kind === 'pointerup');
  });
}
easel.addEventListener('keydown', (event) => {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (event.key === ' ' && !event.repeat && !current?.stroke) startStroke(cursor);
  if (way) {
    const longest = Math.max(current.map.width, current.map.height), step = STEP / zoom;
    cursor = [cursor[0] + (way[0] * step * longest) / current.map.width, cursor[1] + (way[1] * step * longest) / current.map.height]
      .map((value) => Math.min(1, Math.max(0, value)));
    if (current.stroke) extendStroke(cursor);
    showTip();
  }
  if (way || event.key === ' ') event.preventDefault();
});
easel.addEventListener('keyup', (event) => { if (event.key === ' ') endStroke(); });
easel.addEventListener('blur', () => endStroke());

// ---- A closer look

// Zoom by a factor about a point of the screen, which stays where it is.
function zoomBy(factor, clientX, clientY) {
  const frame = sheet.parentElement.getBoundingClientRect();
  const x = (clientX ?? frame.left + frame.width / 2) - frame.left, y = (clientY ?? frame.top + frame.height / 2) - frame.top;
  const next = Math.min(8, Math.max(1, zoom * factor));
  panX = x / frame.width - ((x / frame.width - panX) * next) / zoom;
  panY = y / frame.height - ((y / frame.height - panY) * next) / zoom;
  zoom = next;
  showZoom();
}

function pinch(before, now) {
  const other = [...pointers.values()].find((pointer) => pointer.pointerId !== now.pointerId);
  const frame = easel.getBoundingClientRect();
  const gap = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY) || 1;
  panX += (now.clientX - before.clientX) / 2 / frame.width;
  panY += (now.clientY - before.clientY) / 2 / frame.height;
  zoomBy(gap(now) / gap(before), (now.clientX + other.clientX) / 2, (now.clientY + other.clientY) / 2);
}

function showZoom() {
  panX = Math.min(0, Math.max(1 - zoom, panX)); // no view beyond the photo
  panY = Math.min(0, Math.max(1 - zoom, panY));
  sheet.style.transform = zoom === 1 ? '' : `translate(${100 * panX}%, ${100 * panY}%) scale(${zoom})`;
  root.classList.toggle('zoomed', zoom > 1);
  $('[data-do=zoomOut]').disabled = zoom === 1;
  $('[data-do=zoomIn]').disabled = zoom === 8;
  showTip();
  redraw();
}

function resetZoom() {
  zoom = 1;
  panX = panY = 0;
  showZoom();
}

$('.frame').addEventListener('wheel', (event) => {
  if (event.ctrlKey) zoomBy(Math.exp(-event.deltaY / 200), event.clientX, event.clientY);
  else if (zoom > 1) {
    const frame = sheet.parentElement.getBoundingClientRect();
    panX -= event.deltaX / frame.width;
    panY -= event.deltaY / frame.height;
    showZoom();
  } else return;
  event.preventDefault();
}, { passive: false });

// ---- Begin and end

function setCorrecting(on) {
  root.classList.toggle('correcting', on);
  easel.hidden = $('.tools').hidden = !on;
  easel.tabIndex = on ? 0 : -1;
  $('.views').hidden = $('button.correct').hidden = on;
  if (on) {
    setView('heat');
    showTip();
    easel.focus({ preventScroll: true });
  } else {
    endStroke();
    resetZoom();
  }
  showHistory();
}

Object.assign(deeds, {
  correct: () => {
    const on = !correcting();
    if (on && !current?.map) return;
    setCorrecting(on);
    if (!on) $('button.correct').focus();
  },
  brush: (button) => {
    brushKind = button.dataset.brush;
    for (const each of root.querySelectorAll('[data-brush]')) each.setAttribute('aria-pressed', String(each === button));
    showTip();
  },
  undo: () => travel(-1),
  redo: () => travel(1),
  clear: () => record([]),
  zoomIn: () => zoomBy(1.6),
  zoomOut: () => zoomBy(1 / 1.6),
});
$('.brush-radius').addEventListener('input', showTip);
document.addEventListener('keydown', (event) => {
  const elsewhere = root.dataset.place !== 'studio' || /^(textarea|select)$/i.test(event.target.tagName) || event.target.type === 'text';
  if (elsewhere || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key !== 'z' && key !== 'y') return;
  event.preventDefault();
  travel(key === 'y' || event.shiftKey ? 1 : -1);
});
