// The pictures that can lie behind the furniture: the visitor's own, and rooms, which the server draws.

import constants from './constants.js';
import { frameOf } from './frame.js';
import { $, page, showMessage } from './page.js';
import { objectBox } from './pixels.js';
import { ask, upload } from './server.js';
import { cutPixels, redraw, studio } from './studio.js';
import { translate } from './words.js';

const ROOM_SIDE = constants.page.room_side; // of a room's picture, in pixels
const FLATTEST = 5; // a room is drawn at most this many times as wide as high, or as high as wide
const rooms = new Map(); // pictures by name and shape
let ownPicture = null; // {file, picture, path}: the visitor's own
let wantedRoom = null; // the key of the room that was asked for last

export const isRoom = (background) => background.startsWith('room:');
export const roomName = (background) => background.slice('room:'.length);
export const hasOwnPicture = () => Boolean(ownPicture);

// What lies behind the furniture: a picture, or null.
export function pictureBehind(background) {
  if (background === 'own') return ownPicture?.picture || null;
  if (!isRoom(background)) return null;
  return rooms.get(wantedRoom) || [...rooms].find(([key]) => key.startsWith(background + ' '))?.[1] || null;
}

// The shape that a room has now, to a tenth: the slider need not fetch another for every pixel.
function roomShape() {
  const image = cutPixels(), { choices } = studio;
  const frame = frameOf(choices.trim ? objectBox(image) : null, image, { ...choices, background: '' }, ROOM_SIDE);
  return Math.min(FLATTEST, Math.max(1 / FLATTEST, Math.round((10 * frame.width) / frame.height) / 10));
}

// Have the chosen room drawn, if there is one that is not here yet.
export async function fetchRoom() {
  const { background } = studio.choices, board = $('.board');
  if (!isRoom(background) || !studio.photo?.map) return;
  const shape = roomShape(), key = `${background} ${shape}`;
  if (key === wantedRoom && board.hasAttribute('aria-busy')) return; // it is on its way
  wantedRoom = key;
  if (rooms.has(key)) {
    redraw();
    return;
  }
  board.setAttribute('aria-busy', 'true');
  const width = Math.round(ROOM_SIDE * Math.min(1, shape)), height = Math.round(width / shape);
  try {
    const answer = await ask('room', { room: roomName(background), width, height });
    if (answer.problem) throw new Error();
    const picture = await loadPicture(answer.picture);
    picture.light = answer.light;
    rooms.set(key, picture);
  } catch {
    if (wantedRoom === key) showMessage(translate('failed'));
  }
  if (wantedRoom === key) board.removeAttribute('aria-busy');
  redraw();
}

function loadPicture(url) {
  const picture = new Image();
  picture.src = url;
  return picture.decode().then(() => picture);
}

// Take a file as the visitor's own background; whether it can be one.
export async function openOwnPicture(file) {
  if (file.size > page.props.limit * 1024 * 1024) {
    showMessage(translate('tooLarge', { limit: page.props.limit }));
    return false;
  }
  try {
    ownPicture = { file, picture: await createImageBitmap(file), path: null };
  } catch {
    showMessage(translate('notAPicture'));
    return false;
  }
  $('.own-picture').style.backgroundImage = `url(${URL.createObjectURL(file)})`;
  $('.own-picture').classList.add('filled');
  return true;
}

// Where the server has the visitor's own picture, which is sent if it is chosen and not there yet; or undefined.
export async function sendOwnPicture(background) {
  if (background === 'own' && !ownPicture.path) ownPicture.path = await upload(ownPicture.file);
  return ownPicture?.path;
}

// What tells one own picture from another, where it is the background.
export function ownPictureKey(background) {
  if (background !== 'own' || !ownPicture) return null;
  const { name, size, lastModified } = ownPicture.file;
  return [name, size, lastModified].join('/');
}

// The server no longer has it.
export function forgetOwnPicture() {
  if (ownPicture) ownPicture.path = null;
}
