// Which part of the photo is shown, and on how many pixels: segmenter/render/render.py's frame.

import constants from './constants.js';

// ['photo'], ['ratio', width, height] or ['pixels', width, height]
export function canvasShape(canvas) {
  if (canvas === 'square') return ['ratio', 1, 1];
  const found = /^(\d+)([:x])(\d+)$/.exec(canvas);
  return found ? [found[2] === ':' ? 'ratio' : 'pixels', Number(found[1]), Number(found[3])] : ['photo'];
}

// Which part of the photo's plane is shown, {left, top, scale, width, height}: in the map's pixels, of which each
// becomes `scale` on a canvas of width × height.
export function frameOf(box, map, { trim, margin, canvas, background }, longest) {
  const { standing, feet, wall } = constants.render;
  let left = 0, top = 0, wide = map.width, tall = map.height;
  if (trim && box) {
    const border = margin * Math.max(box[2] - box[0], box[3] - box[1]);
    [left, top, wide, tall] = [box[0] - border, box[1] - border, box[2] - box[0] + 2 * border, box[3] - box[1] + 2 * border];
  }
  const [kind, across, down] = canvasShape(canvas), room = background.startsWith('room:');
  if (kind !== 'photo') { // the shorter side is lengthened to the canvas's shape
    const longer = Math.max(wide, (tall * across) / down), taller = Math.max(tall, (wide * down) / across);
    left -= (longer - wide) / 2;
    top -= (taller - tall) * (room ? wall : 0.5);
    [wide, tall] = [longer, taller];
  }
  const scale = Math.min(kind === 'pixels' ? across / wide : 1, longest / Math.max(wide, tall));
  const width = Math.max(1, Math.round(wide * scale)), height = Math.max(1, Math.round(tall * scale));
  if (!room || !box || trim) return { left, top, scale, width, height };
  const size = Math.min((standing * width) / (box[2] - box[0]), (standing * height) / (box[3] - box[1]));
  return { left: (box[0] + box[2] - width / size) / 2, top: box[3] - (feet * height) / size, scale: size, width, height };
}
