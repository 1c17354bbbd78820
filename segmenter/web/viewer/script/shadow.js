// The soft shadow that things cast on the floor, as segmenter/render/compositing.py draws it, on few pixels.

import constants from './constants.js';
import { alphaOf, asCanvas, blur, fit, piecesIn, pixelsOf } from './pixels.js';

const { floor: FLOOR, speck: SPECK } = constants.compositing;
const SHADOW_SIDE = 384;
const LAYERS = [['between', 0.13, 0.34], ['between', 0.065, 0.14], ['contact', 0.04, 0.36], ['contact', 0.012, 0.5]];

// The things in a picture of 1 and 0, each with its loose parts: [{pixels}, …]; specks beside them are left out.
function thingsIn(inside, width, height) {
  const things = [];
  const pieces = piecesIn(inside, width, height).sort((a, b) => b.pixels.length - a.pixels.length);
  for (const { pixels, box } of pieces) {
    const over = things.find((thing) => box[0] < thing.right && box[2] > thing.left);
    if (over) over.pixels = over.pixels.concat(pixels);
    else if (pixels.length * SPECK >= pieces[0].pixels.length) things.push({ left: box[0], right: box[2], pixels });
  }
  return things;
}

// Where a thing touches the floor, and its width: {points: [[x, y], …], span}, a point a column at most.
function touching(pixels, width) {
  const bottoms = new Array(width).fill(-1), columns = [];
  let top = Infinity, lowest = -1;
  for (const at of pixels) {
    const x = at % width, y = (at - x) / width;
    bottoms[x] = Math.max(bottoms[x], y);
    top = Math.min(top, y);
    lowest = Math.max(lowest, y);
  }
  bottoms.forEach((y, x) => { if (y >= 0) columns.push(x); });
  const tall = lowest - top + 1, reach = Math.max(1, Math.round(0.04 * columns.length)), line = lowerHull(columns.map((x) => [x, bottoms[x]]));
  const points = columns.map((x) => [x, bottoms[x]]).filter(([x, y], n) => {
    const around = Math.max(...bottoms.slice(Math.max(0, x - reach), x + reach + 1));
    const touches = y >= around - 0.012 * tall || y >= Math.min(line[n], lowest) - 0.02 * tall;
    return touches && y >= lowest - FLOOR * tall;
  });
  return { points, span: Math.max(columns[columns.length - 1] - columns[0] + 1, (lowest - top) / 3, 4) };
}

// The line on which a profile of [x, y] rests: its row at each of the points.
function lowerHull(profile) {
  const hull = [];
  for (const [x, y] of profile) {
    const sinks = () => {
      const [[ax, ay], [bx, by]] = hull.slice(-2);
      return (bx - ax) * (y - ay) >= (by - ay) * (x - ax);
    };
    while (hull.length > 1 && sinks()) hull.pop();
    hull.push([x, y]);
  }
  let edge = 0;
  return profile.map(([x]) => {
    while (edge < hull.length - 2 && hull[edge + 1][0] < x) edge++;
    const [ax, ay] = hull[edge], [bx, by] = hull[Math.min(edge + 1, hull.length - 1)];
    return bx > ax ? ay + ((by - ay) * (x - ax)) / (bx - ax) : ay;
  });
}

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

// A thing's {contact, between}, 0 … 255 a pixel: the points on the floor, and what lies between them.
function shadowShapes({ points, span }, width, height) {
  const across = Math.max(1, Math.round(0.02 * span)) + 0.5, down = Math.max(1, Math.round(0.012 * span)) + 0.5;
  const shapeOf = (draw) => {
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    draw(context);
    return alphaOf(context.getImageData(0, 0, width, height));
  };
  const feet = (context) => points.forEach(([x, y]) => {
    context.beginPath();
    context.ellipse(x + 0.5, y + 0.5, across, down, 0, 0, 2 * Math.PI);
    context.fill();
  });
  const between = (context) => {
    const lift = Math.max(1, Math.round(0.05 * span));
    for (const offset of [-lift / 2, 0, lift / 2]) { // spread a little up and down
      context.setTransform(1, 0, 0, 1, 0, offset);
      feet(context);
      context.beginPath();
      for (const [x, y] of hullOf(points)) context.lineTo(x + 0.5, y + 0.5);
      context.fill();
    }
  };
  return { contact: shapeOf(feet), between: shapeOf(between) };
}

// The shadow of a placed cutout: a small picture of black, to be stretched over the canvas.
export function shadowOf(placed, strength) {
  const [width, height] = fit(placed.width, placed.height, SHADOW_SIDE);
  const inside = alphaOf(pixelsOf(placed, width, height)).map((value) => (value >= 128 ? 1 : 0));
  const light = new Float32Array(width * height).fill(1);
  for (const { pixels } of thingsIn(inside, width, height)) {
    const thing = touching(pixels, width), shapes = shadowShapes(thing, width, height);
    for (const [shape, sigma, weight] of LAYERS) {
      const spread = Math.max(0.3, sigma * thing.span);
      const soft = blur(Float32Array.from(shapes[shape], (value) => value / 255), width, height, spread, Math.max(0.3, 0.45 * spread));
      const most = Math.max(soft.reduce((a, b) => Math.max(a, b), 0), 1e-3) ** 0.8;
      for (let i = 0; i < light.length; i++) light[i] *= 1 - (weight * strength * soft[i]) / most;
    }
  }
  const fade = (at, length) => Math.min(1, (Math.min(at, length - 1 - at) + 0.5) / Math.max(1, 0.04 * length));
  const image = new ImageData(width, height);
  for (let i = 0; i < light.length; i++) {
    image.data[4 * i + 3] = Math.round(255 * (1 - light[i]) * fade(i % width, width) * fade(Math.floor(i / width), height));
  }
  return asCanvas(image);
}
