// The many photos: what is known of each, and what is to be done.

import { percent, problemText, texts, translate } from './words.js';

const DOUBTFUL = 0.1; // a result that is so doubtful is worth a look

export const many = {
  items: [], // {name, file, sent, state, result, thumbnail, problem, edits, threshold, madeOf, node}
  key: null, // of the visitor's folder on the server
  run: null, // {todo, done, started, choices}: what is under way
  opened: null, // {item, threshold, before}: what is being corrected in the studio
  message: null, // {key, values}: what was shown last, to be shown again in another language
};

// What a photo is to be made of, as text: where it was made of something else, it must be made again.
export const choicesFor = (item, choices) => ({ ...choices, threshold: item.threshold ?? choices.threshold });
export const recipeOf = (item, choices) => JSON.stringify([choicesFor(item, choices), item.edits]);
export const itemsToDo = (choices) => many.items.filter((item) => item.problem !== 'tooLarge'
  && (!['done', 'failed'].includes(item.state) || item.problem === 'notSent' || item.problem === 'failed' || item.madeOf !== recipeOf(item, choices)));

// Why a result may want a look, in a few words.
export function verdictText({ state, result, problem }) {
  if (problem) return problemText(problem);
  if (state !== 'done') return translate({ working: 'manyWorking', waiting: 'manyWaiting' }[state]);
  if (!result.coverage) return translate('manyNothing');
  const unsure = result.doubtfulness >= DOUBTFUL ? translate('manyUnsure', { share: percent(result.doubtfulness) }) : '';
  const pieces = result.check ? translate('manyPieces', { n: result.check }) : '';
  return [unsure, pieces].filter(Boolean).join(translate('comma')) || translate('manyFine');
}

// A text about `n` photos; one photo has a text of its own where that differs.
export const translateCount = (key, values) => translate(values.n === 1 && texts()[key + 'One'] ? key + 'One' : key, values);
