// A click on a picture enlarges it; another, or Escape, makes it small again.
const enlarge = (picture, large) => {
  picture.setAttribute('aria-expanded', large);
  picture.closest('li').classList.toggle('large', large);
  if (large) picture.scrollIntoView({ block: 'nearest' });
};
for (const picture of document.querySelectorAll('.picture')) {
  picture.addEventListener('click', () => enlarge(picture, picture.getAttribute('aria-expanded') !== 'true'));
}
addEventListener('keydown', event => {
  if (event.key !== 'Escape') return;
  for (const picture of document.querySelectorAll('.picture[aria-expanded="true"]')) enlarge(picture, false);
});
// On paper everything is there to be read.
let opened = [];
addEventListener('beforeprint', () => {
  opened = [...document.querySelectorAll('details:not([open])')];
  for (const details of opened) details.open = true;
});
addEventListener('afterprint', () => {
  for (const details of opened) details.open = false;
});
