// The gallery: a card for every job, in the page's order or the reader's.
//
// It may not filter or sort: it shows the entries that it is given, in their order.
// @ts-check

/** So many cards are made before the page is shown, and so many in each turn after. */
const FIRST_CARDS = 120;
const CARDS_A_TURN = 400;

/** @type {KeyHelp[]} */
const GALLERY_KEYS = [
  ["← ↑ ↓ →", "from card to card"],
  ["Home End", "the first card, the last"],
  ["Enter", "all of the job"],
];

/**
 * @param {PageContext} page
 * @returns {PageView}
 */
function makeGalleryView(page) {
  const node = need("#gallery", HTMLElement);
  const list = need(".cards", HTMLElement, node);
  const attic = find(".former", HTMLElement);
  const atticList = find(".former .cards", HTMLElement);
  const events = { open: page.open, ...makePreviews(page.data.base, page.still) };
  /** @type {Map<Entry, HTMLElement>} */
  const cards = new Map();
  /** @type {Set<Entry>} */
  let shownNow = new Set();
  /** @type {Promise<void> | undefined} */
  let built;

  async function build() {
    const { entries } = page;
    for (let at = 0, turn = FIRST_CARDS; at < entries.length; at += turn, turn = CARDS_A_TURN) {
      const now = new DocumentFragment();
      const then = new DocumentFragment();
      for (const entry of entries.slice(at, at + turn)) {
        const card = makeCard(entry, page.data, events);
        card.hidden = !shownNow.has(entry);
        cards.set(entry, card);
        (entry.former ? then : now).append(card);
      }
      list.append(now);
      atticList?.append(then);
      await new Promise((resume) => setTimeout(resume));
    }
  }

  return {
    node,
    keys: GALLERY_KEYS,
    show(wanted) {
      shownNow = new Set(wanted);
      for (const [entry, card] of cards) card.hidden = !shownNow.has(entry);
      if (attic) attic.hidden = !wanted.some((entry) => entry.former);
      built ??= build();
      return built;
    },
    leave() {
      if (attic) attic.hidden = true;
    },
    focus(entry) {
      const card = cards.get(entry);
      if (card) focusCard(card, { preventScroll: false, focusVisible: false });
    },
    onKey: moveInGrid,
  };
}
