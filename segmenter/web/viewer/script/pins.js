// Numbered pins on a picture, moved apart where they would cover each other.

const STEP = 14, TURNS = 12, FARTHEST = 14; // pixels between two rings of places, places on the first ring, rings

// Where pins of `size` pixels go that belong at `points`, [x, y] in pixels of a picture of width × height: each at its
// point or as near to it as others leave room. A list of [x, y].
export function apart(points, size, width, height) {
  const placed = [], half = size / 2;
  const isFree = ([x, y]) => placed.every(([otherX, otherY]) => Math.abs(otherX - x) >= size || Math.abs(otherY - y) >= size);
  const within = ([x, y]) => [Math.min(width - half, Math.max(half, x)), Math.min(height - half, Math.max(half, y))];
  for (const point of points) placed.push(placesAround(point).map(within).find(isFree) || within(point));
  return placed;
}

function placesAround([x, y]) {
  const places = [[x, y]];
  for (let ring = 1; ring <= FARTHEST; ring++) {
    const count = TURNS * ring;
    for (let turn = 0; turn < count; turn++) {
      const angle = (2 * Math.PI * turn) / count - Math.PI / 2; // upwards first, where the pin's foot still shows its place
      places.push([x + ring * STEP * Math.cos(angle), y + ring * STEP * Math.sin(angle)]);
    }
  }
  return places;
}
