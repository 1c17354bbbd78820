// The finished picture as the server would make it (segmenter/finish.py and compose.py), on few pixels, at the
// speed of the hand. It looks the same; the file itself is the server's.

const STANDING = 0.6, FEET = 0.87, WALL = 0.8; // how a room is furnished
const SHADOW_SIDE = 384, BACKDROP_SIDE = 160, BACKDROP_BLUR = 0.022;

// Blur one channel in place by about a Gaussian: three running means along each axis.
function blur(values, width, height, sigmaX, sigmaY = sigmaX) {
  const line = new Float32Array(Math.max(width, height));
  const pass = (start, step, length, radius) => {
    let sum = values[start] * (radius + 1);
    for (let i = 0; i < radius; i++) sum += values[start + Math.min(i, length - 1) * step];
    for (let i = 0; i < length; i++) {
      sum += values[start + Math.min(i + radius, length - 1) * step];
      line[i] = sum / (2 * radius + 1);
      sum -= i >= radius ? values[start + (i - radius) * step] : values[start];
    }
    for (let i = 0; i < length; i++) values[start + i * step] = line[i];
  };
  const radiusOf = (sigma) => Math.round((Math.sqrt(4 * sigma * sigma + 1) - 1) / 2);
  for (let turn = 0; turn < 3; turn++) {
    if (radiusOf(sigmaX)) for (let y = 0; y < height; y++) pass(y * width, 1, width, radiusOf(sigmaX));
    if (radiusOf(sigmaY)) for (let x = 0; x < width; x++) pass(x, width, height, radiusOf(sigmaY));
  }
  return values;
}

// For each pixel the nearest one where `inside` is 1: its index, and how far it is. Two sweeps of vectors.
function nearest(inside, width, height) {
  const far = 1 << 14, dx = new Int16Array(inside.length), dy = new Int16Array(inside.length);
  for (let i = 0; i < inside.length; i++) if (!inside[i]) dx[i] = dy[i] = far;
  const take = (i, from, x, y) => {
    const a = dx[from] + x, b = dy[from] + y;
    if (a * a + b * b < dx[i] * dx[i] + dy[i] * dy[i]) { dx[i] = a; dy[i] = b; }
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0, i = y * width; x < width; x++, i++) {
      if (x) take(i, i - 1, -1, 0);
      if (!y) continue;
      take(i, i - width, 0, -1);
      if (x) take(i, i - width - 1, -1, -1);
      if (x < width - 1) take(i, i - width + 1, 1, -1);
    }
    for (let x = width - 2, i = y * width + x; x >= 0; x--, i--) take(i, i + 1, 1, 0);
  }
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1, i = y * width + x; x >= 0; x--, i--) {
      if (x < width - 1) take(i, i + 1, 1, 0);
      if (y === height - 1) continue;
      take(i, i + width, 0, 1);
      if (x) take(i, i + width - 1, -1, 1);
      if (x < width - 1) take(i, i + width + 1, 1, 1);
    }
    for (let x = 1, i = y * width + x; x < width; x++, i++) take(i, i - 1, -1, 0);
  }
  return { dx, dy };
}

// The box of alpha of at least `least`: [left, top, right, bottom], or null.
function boxOf({ width, height, data }, least) {
  const box = [width, height, 0, 0];
  for (let y = 0, i = 3; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      if (data[i] < least) continue;
      if (x < box[0]) box[0] = x;
      if (y < box[1]) box[1] = y;
      if (x >= box[2]) box[2] = x + 1;
      if (y >= box[3]) box[3] = y + 1;
    }
  }
  return box[2] ? box : null;
}

// Move and soften the edge of a cutout in place, and give what is half transparent the furniture's own colour.
function shapeEdge(image, shift, softness) {
  const unit = Math.max(image.width, image.height) / 1000, sigma = softness * unit, distance = shift * unit;
  const whole = boxOf(image, 1);
  if (!whole) return;
  const pad = Math.ceil(Math.max(distance, 0) + 3 * sigma) + 2;
  const left = Math.max(0, whole[0] - pad), top = Math.max(0, whole[1] - pad);
  const width = Math.min(image.width, whole[2] + pad) - left, height = Math.min(image.height, whole[3] + pad) - top;
  const words = new Uint32Array(image.data.buffer), alpha = new Float32Array(width * height);
  const index = (i) => (top + Math.floor(i / width)) * image.width + left + (i % width);
  for (let i = 0; i < alpha.length; i++) alpha[i] = words[index(i)] >>> 24;
  const inside = Uint8Array.from(alpha, (value) => (value >= 128 ? 1 : 0));
  const { dx, dy } = nearest(inside, width, height);
  if (distance > 0) {
    for (let i = 0; i < alpha.length; i++) alpha[i] = Math.max(alpha[i], 255 * Math.min(1, Math.max(0, 1 + distance - Math.hypot(dx[i], dy[i]))));
  } else if (distance < 0) {
    const out = nearest(inside.map((value) => 1 - value), width, height);
    for (let i = 0; i < alpha.length; i++) alpha[i] = Math.min(alpha[i], 255 * Math.min(1, Math.max(0, Math.hypot(out.dx[i], out.dy[i]) + distance)));
  }
  if (sigma) blur(alpha, width, height, sigma);
  const source = words.slice();
  for (let i = 0; i < alpha.length; i++) {
    const at = index(i), own = source[at] >>> 24, value = Math.round(alpha[i]);
    let colour = source[at];
    if (value && own < 250) { // from a little inside the nearest edge
      const away = Math.hypot(dx[i], dy[i]) || 1, deeper = 1 + 1.5 / away;
      const x = Math.min(width - 1, Math.max(0, Math.round((i % width) + dx[i] * deeper)));
      const y = Math.min(height - 1, Math.max(0, Math.round(Math.floor(i / width) + dy[i] * deeper)));
      colour = source[index(y * width + x)];
    }
    words[at] = ((colour & 0xffffff) | (value << 24)) >>> 0;
  }
}

// ['photo'], ['ratio', width, height] or ['pixels', width, height]
function canvasShape(canvas) {
  if (canvas === 'square') return ['ratio', 1, 1];
  const found = /^(\d+)([:x])(\d+)$/.exec(canvas);
  return found ? [found[2] === ':' ? 'ratio' : 'pixels', Number(found[1]), Number(found[3])] : ['photo'];
}

// Which part of the photo's plane is shown, {left, top, scale, width, height}: in the map's pixels, of which each
// becomes `scale` on a canvas of width × height.
function frameOf(box, map, { trim, margin, canvas, background }, longest) {
  let left = 0, top = 0, wide = map.width, tall = map.height;
  if (trim && box) {
    const border = margin * Math.max(box[2] - box[0], box[3] - box[1]);
    [left, top, wide, tall] = [box[0] - border, box[1] - border, box[2] - box[0] + 2 * border, box[3] - box[1] + 2 * border];
  }
  const [kind, across, down] = canvasShape(canvas), room = background.startsWith('room:');
  if (kind !== 'photo') { // the shorter side is lengthened to the canvas's shape
    const longer = Math.max(wide, (tall * across) / down), taller = Math.max(tall, (wide * down) / across);
    left -= (longer - wide) / 2;
    top -= (taller - tall) * (room ? WALL : 0.5);
    [wide, tall] = [longer, taller];
  }
  const scale = Math.min(kind === 'pixels' ? across / wide : 1, longest / Math.max(wide, tall));
  const width = Math.max(1, Math.round(wide * scale)), height = Math.max(1, Math.round(tall * scale));
  if (!room || !box || trim) return { left, top, scale, width, height };
  const size = Math.min((STANDING * width) / (box[2] - box[0]), (STANDING * height) / (box[3] - box[1]));
  return { left: (box[0] + box[2] - width / size) / 2, top: box[3] - (FEET * height) / size, scale: size, width, height };
}

// Fill a canvas with a picture, cropped at its middle.
function cover(context, picture, width, height) {
  const scale = Math.max(width / picture.width, height / picture.height);
  const w = picture.width * scale, h = picture.height * scale;
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
}

// The photo's background out of focus, without a ghost of the furniture: a small picture to be stretched.
function backdrop(photo, cut, frame) {
  const scale = (BACKDROP_SIDE / Math.max(frame.width, frame.height)) * frame.scale; // from the map's pixels
  const width = Math.max(1, Math.round((frame.width / frame.scale) * scale)), height = Math.max(1, Math.round((frame.height / frame.scale) * scale));
  const w = Math.max(1, Math.round(cut.width * scale)), h = Math.max(1, Math.round(cut.height * scale));
  const colours = pixelsOf(photo, w, h).data, hidden = pixelsOf(cut, w, h).data;
  const mirror = (at, length) => { const n = ((at % (2 * length)) + 2 * length) % (2 * length); return n < length ? n : 2 * length - 1 - n; };
  const channels = [0, 1, 2, 3].map(() => new Float32Array(width * height));
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const at = 4 * (mirror(y + Math.floor(frame.top * scale), h) * w + mirror(x + Math.floor(frame.left * scale), w));
      const weight = 1 - Math.min(1, hidden[at + 3] / 64);
      for (let c = 0; c < 3; c++) channels[c][i] = weight * colours[at + c];
      channels[3][i] = weight;
    }
  }
  const means = [0, 1, 2].map((c) => new Float32Array(width * height).fill(channels[c].reduce((a, b) => a + b, 0) / Math.max(1, channels[3].reduce((a, b) => a + b, 0))));
  for (const widening of [8, 4, 2, 1]) { // from far off where there is nothing nearer
    const sigma = widening * BACKDROP_BLUR * Math.max(width, height);
    const [total, ...sums] = [3, 0, 1, 2].map((c) => blur(channels[c].slice(), width, height, sigma));
    means.forEach((mean, c) => { for (let i = 0; i < mean.length; i++) mean[i] = (sums[c][i] + 0.01 * mean[i]) / (total[i] + 0.01); });
  }
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([means[0][i], means[1][i], means[2][i], 255], 4 * i);
  return asCanvas(image);
}

function asCanvas(image) {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d').putImageData(image, 0, 0);
  return canvas;
}

// ---- The shadow

// Where a thing touches the floor: [[x, y], …], one a column. `inside`: 1 or 0 a pixel.
function touching(inside, width, height) {
  const bottoms = new Array(width).fill(-1);
  let top = height, lowest = -1, wide = 0;
  for (let x = 0; x < width; x++) {
    for (let y = height - 1; y >= 0; y--) {
      if (!inside[y * width + x]) continue;
      if (bottoms[x] < 0) { bottoms[x] = y; wide++; }
      top = Math.min(top, y);
    }
    lowest = Math.max(lowest, bottoms[x]);
  }
  const tall = lowest - top + 1, reach = Math.max(1, Math.round(0.04 * wide)), hull = [];
  const cross = ([ax, ay], [bx, by], [cx, cy]) => (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
  bottoms.forEach((y, x) => { // the line on which the profile rests
    if (y < 0) return;
    while (hull.length > 1 && cross(hull[hull.length - 2], hull[hull.length - 1], [x, y]) >= 0) hull.pop();
    hull.push([x, y]);
  });
  const found = [];
  let edge = 0;
  bottoms.forEach((y, x) => {
    if (y < 0 || y < lowest - 0.32 * tall) return;
    while (edge < hull.length - 2 && hull[edge + 1][0] < x) edge++;
    const [ax, ay] = hull[edge], [bx, by] = hull[Math.min(edge + 1, hull.length - 1)];
    const line = bx > ax ? ay + ((by - ay) * (x - ax)) / (bx - ax) : ay;
    const around = Math.max(...bottoms.slice(Math.max(0, x - reach), x + reach + 1));
    if (y >= around - 0.012 * tall || y >= Math.min(line, lowest) - 0.02 * tall) found.push([x, y]);
  });
  return { points: found, tall };
}

// The soft shadow of a placed cutout: a small picture of black to be stretched over the canvas; null if it casts none.
function shadowOf(placed, strength) {
  const [width, height] = fit(placed.width, placed.height, SHADOW_SIDE);
  const inside = alphaOf(pixelsOf(placed, width, height)).map((value) => (value >= 128 ? 1 : 0));
  const { points, tall } = touching(inside, width, height);
  if (!points.length) return null;
  const columns = []; // of the whole silhouette
  for (let x = 0; x < width; x++) for (let y = 0; y < height; y++) if (inside[y * width + x]) { columns.push(x); break; }
  const span = Math.max(columns[columns.length - 1] - columns[0] + 1, tall / 3, 4);
  const shapeOf = (draw) => {
    const canvas = new OffscreenCanvas(width, height), context = canvas.getContext('2d', { willReadFrequently: true });
    draw(context);
    return alphaOf(context.getImageData(0, 0, width, height));
  };
  const feet = (context) => points.forEach(([x, y]) => {
    context.beginPath();
    context.ellipse(x + 0.5, y + 0.5, Math.max(1, 0.012 * span) + 0.5, Math.max(1, 0.008 * span) + 0.5, 0, 0, 2 * Math.PI);
    context.fill();
  });
  const contact = shapeOf(feet), lift = Math.max(1, Math.round(0.05 * span));
  const between = shapeOf((context) => { // the hull of the touching points, spread a little up and down
    for (const offset of [-lift / 2, 0, lift / 2]) {
      context.setTransform(1, 0, 0, 1, 0, offset);
      feet(context);
      context.beginPath();
      for (const [x, y] of hullOf(points)) context.lineTo(x + 0.5, y + 0.5);
      context.fill();
    }
  });
  const light = new Float32Array(width * height).fill(1);
  for (const [shape, sigma, weight] of [[between, 0.09, 0.34], [between, 0.035, 0.28], [contact, 0.022, 0.4], [contact, 0.008, 0.5]]) {
    const soft = blur(Float32Array.from(shape, (value) => value / 255), width, height, Math.max(0.3, sigma * span), Math.max(0.3, 0.45 * sigma * span));
    const most = Math.max(soft.reduce((a, b) => Math.max(a, b), 0), 1e-3) ** 0.8;
    for (let i = 0; i < light.length; i++) light[i] *= 1 - (weight * strength * soft[i]) / most;
  }
  const fade = (at, length) => Math.min(1, (Math.min(at, length - 1 - at) + 0.5) / Math.max(1, 0.04 * length));
  const image = new ImageData(width, height);
  for (let i = 0; i < light.length; i++) {
    image.data[4 * i + 3] = Math.round(255 * (1 - light[i]) * fade(i % width, width) * fade(Math.floor(i / width), height));
  }
  return asCanvas(image);
}

const alphaOf = ({ data }) => Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + 3]);

// The convex hull of points that are sorted by x.
function hullOf(points) {
  const half = (line) => line.reduce((hull, point) => {
    const turns = () => {
      const [a, b] = hull.slice(-2);
      return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) <= 0;
    };
    while (hull.length > 1 && turns()) hull.pop();
    hull.push(point);
    return hull;
  }, []);
  return [...half(points), ...half([...points].reverse())];
}

// ---- All together

// Draw the finished picture on a canvas, worked out on at most `side` pixels. `aligned`: in the photo's own frame, to
// lie over it.
function compose(canvas, wanted, side, aligned = false) {
  const image = cutPixels(side);
  const plain = wanted.background === 'transparent' && !wanted.shadow && !wanted.trim && wanted.canvas === 'photo';
  if (wanted.background !== 'transparent' || wanted.shift || wanted.softness) shapeEdge(image, wanted.shift, wanted.softness);
  if (plain && wanted.format !== 'jpeg') {
    Object.assign(canvas, { width: image.width, height: image.height });
    canvas.getContext('2d').putImageData(image, 0, 0);
  } else composeOn(canvas, image, wanted, aligned);
  canvas.style.setProperty('--own-ratio', canvas.width / canvas.height);
}

function composeOn(canvas, image, wanted, aligned) {
  const cut = asCanvas(image);
  const frame = aligned ? { left: 0, top: 0, scale: 1, width: image.width, height: image.height }
    : frameOf(boxOf(image, 128), image, wanted, Math.max(image.width, image.height, 640));
  const { width, height } = frame;
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  const behind = wanted.background === 'blur' ? backdrop(photoCanvas, cut, frame) : pictureBehind(wanted.background);
  if (behind) cover(context, behind, width, height);
  else if (wanted.background.startsWith('#')) fill(context, wanted.background);
  else if (wanted.format === 'jpeg' && wanted.background === 'transparent') fill(context, '#ffffff');
  const placed = new OffscreenCanvas(width, height), hand = placed.getContext('2d', { willReadFrequently: true });
  hand.imageSmoothingQuality = 'high';
  hand.drawImage(cut, -frame.left * frame.scale, -frame.top * frame.scale, cut.width * frame.scale, cut.height * frame.scale);
  const shadow = wanted.shadow ? shadowOf(placed, wanted.shadow) : null;
  if (shadow) context.drawImage(shadow, 0, 0, width, height);
  if (behind?.light) harmonise(hand, canvas, behind.light);
  context.drawImage(placed, 0, 0);
}

function fill(context, colour) {
  context.fillStyle = colour;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
}

// Give what is drawn by `hand` a little of a picture's brightness and tint.
function harmonise(hand, picture, strength) {
  const { width, height } = hand.canvas, image = hand.getImageData(0, 0, width, height), { data } = image;
  const around = pixelsOf(picture, 16, 16).data, own = [0, 0, 0], behind = [0, 0, 0];
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 127) { count++; own.forEach((_, c) => { own[c] += data[i + c]; }); }
  for (let i = 0; i < around.length; i += 4) behind.forEach((_, c) => { behind[c] += around[i + c] / 256; });
  if (!count) return;
  const gain = own.map((sum, c) => 1 - strength + (strength * (behind[c] + 20)) / (sum / count + 20));
  for (let i = 0; i < data.length; i += 4) for (let c = 0; c < 3; c++) data[i + c] *= gain[c];
  hand.putImageData(image, 0, 0);
}
