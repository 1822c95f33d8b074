// The focus in a grid of cards: arrow keys, Home and End move it as the eye would.
//
// It may not open a card or know its job.
// @ts-check

/**
 * @param {HTMLElement} card
 * @param {FocusOptions} [options] `focusVisible` shows the ring, or hides it
 */
function focusCard(card, options = { focusVisible: true }) {
  find(".stage", HTMLElement, card)?.focus(options);
}

/**
 * Whether the key led to another card.
 * @param {KeyboardEvent} event
 */
function moveInGrid(event) {
  const stage = document.activeElement?.closest(".cards .stage");
  const grid = stage?.closest(".cards");
  if (!stage || !grid) return false;
  const cards = findAll(".card:not([hidden])", HTMLElement, grid);
  const at = cards.findIndex((card) => card.contains(stage));
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const place = placeAfter(event.key, at, columns, cards.length);
  if (place == null) return false;
  event.preventDefault();
  focusCard(cards[place]);
  return true;
}
