// What the server says of the model, and how its figures are written.

import { texts, translate } from './words.js';

// `current`: the server's answer, or null: {weights, name, architecture, size, sha256, threshold, thresholds, sources,
// samples, caption, card}, see segmenter/web/model_info.py.
export const model = { current: null };

export const number = (value, digits = 3) => (value == null ? '–' : value.toFixed(digits));
export const share = (value) => (value == null ? '–' : translate('percent', { n: (100 * value).toFixed(1) }));

// A kind of photos in words; those we do not know are called what their weights call them.
export const sourceName = (name, key = 'aboutSources') => texts()[key][name] || name;
