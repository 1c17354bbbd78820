// What runs beside the page, in a worker: finished pictures, so that no slider waits for them.

import { compose } from './compose.js';
import { asCanvas } from './pixels.js';

const pictures = new Map(); // that lie behind: their number → ImageBitmap

self.addEventListener('message', ({ data }) => {
  if (data.picture) {
    pictures.set(data.number, data.picture);
    return;
  }
  const { image, wanted, photo, behind, light, aligned } = data;
  const parts = { photo: photo && asCanvas(photo), behind: pictures.get(behind) ?? null, light };
  const made = compose(image, wanted, parts, aligned).transferToImageBitmap();
  self.postMessage(made, [made]);
});
