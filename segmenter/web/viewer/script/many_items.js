// The many photos: what is known of each, and what is to be done.

import { ownPictureKey } from './backgrounds.js';
import { problemText, translate, translateCount } from './words.js';

export const many = {
  items: [], // {name, file, sent, state, result, thumbnail, problem, edits, threshold, weights, madeOf, node}
  key: null, // of the visitor's folder on the server
  run: null, // {todo, done, started, choices}: what is under way
  opened: null, // {item, threshold, before}: what is being corrected in the studio
  message: null, // {key, values}: what was shown last, to be shown again in another language
};

// What a photo is to be made of, as text: where it was made of something else, it must be made again.
export const choicesFor = (item, choices) => ({ ...choices, threshold: item.threshold ?? choices.threshold });
export const recipeOf = (item, choices) => JSON.stringify([choicesFor(item, choices), item.edits, ownPictureKey(choices.background)]);
// Whether a photo that failed may do the next time: nothing is wrong with the photo itself.
export const mayWork = ({ problem }) => ['notSent', 'failed', 'away'].includes(problem);
export const itemsToDo = (choices) => many.items.filter((item) => item.problem !== 'tooLarge'
  && (!['done', 'failed'].includes(item.state) || mayWork(item) || item.madeOf !== recipeOf(item, choices)));

// Why a result may want a look, in a few words.
export function verdictText({ state, result, problem }) {
  if (problem) return problemText(problem);
  if (state !== 'done') return translate({ working: 'manyWorking', waiting: 'manyWaiting' }[state]);
  if (!result.coverage) return translate('manyNothing');
  return result.check ? translateCount('manyCheck', { n: result.check }) : translate('manyFine');
}
