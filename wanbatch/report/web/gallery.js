// The gallery: a card for every job, in three sizes. A card that is far from the window
// holds no picture and no player, so that thousands cost little.
//
// It may not filter or sort: it shows the entries that it is given, in their order.
// @ts-check

/** So many cards are made before the page is shown, and so many in each turn after. */
const FIRST_CARDS = 120;
const CARDS_A_TURN = 400;

/** The sizes by their letter in the address, and their word. */
const SIZES = /** @type {const} */ ([
  ["S", "Small"],
  ["M", "Medium"],
  ["L", "Large"],
]);

/** A picture is loaded this near to the window, and let go beyond. */
const NEAR = "900px";

/** @type {KeyHelp[]} */
const GALLERY_KEYS = [
  ["← ↑ ↓ →", "from card to card"],
  ["Home End", "the first card, the last"],
  ["Enter", "all of the job"],
  ["- +", "smaller cards, larger ones"],
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
  const sizes = makeSizes((size) => page.go({ options: { size: size === "M" ? "" : size } }));
  const pictures = new IntersectionObserver(loadNear, { rootMargin: NEAR });
  /** @type {Map<Entry, HTMLElement>} */
  const cards = new Map();
  /** @type {Entry[]} */
  let order = [];
  /** @type {Set<Entry>} */
  let shownNow = new Set();
  /** @type {Promise<void> | undefined} */
  let built;
  let isBuilt = false;

  /** @param {Entry} entry */
  function cardOf(entry) {
    const card = makeCard(entry, page.data, events);
    card.hidden = !shownNow.has(entry);
    markCard(card, page.picks.of(entry.key));
    cards.set(entry, card);
    const picture = find("img", HTMLImageElement, card);
    if (picture) {
      picture.dataset.source = picture.getAttribute("src") ?? "";
      picture.removeAttribute("src");
      pictures.observe(picture.parentElement ?? picture);
    }
    return card;
  }

  async function build() {
    order = [...shownNow, ...page.entries.filter((entry) => !shownNow.has(entry))];
    const first = order;
    for (let at = 0, turn = FIRST_CARDS; at < first.length; at += turn, turn = CARDS_A_TURN) {
      const now = new DocumentFragment();
      const then = new DocumentFragment();
      for (const entry of first.slice(at, at + turn)) {
        (entry.former ? then : now).append(cardOf(entry));
      }
      list.append(now);
      atticList?.append(then);
      await new Promise((resume) => setTimeout(resume));
    }
    isBuilt = true;
    arrange();
  }

  /** Puts the cards into the order of what is shown, where they are in another. */
  function arrange() {
    const wanted = [...shownNow];
    const before = order.filter((entry) => shownNow.has(entry));
    if (!isBuilt || before.every((entry, i) => entry === wanted[i])) return;
    order = [...wanted, ...order.filter((entry) => !shownNow.has(entry))];
    /** @type {(isFormer: boolean) => HTMLElement[]} */
    const part = (isFormer) =>
      order.filter(({ former }) => former === isFormer).flatMap((entry) => cards.get(entry) ?? []);
    list.replaceChildren(...part(false));
    atticList?.replaceChildren(...part(true));
  }

  // On paper every picture is near; what is far from the window is let go again after.
  addEventListener("beforeprint", () => {
    for (const picture of findAll("#jobs .card:not([hidden]) img", HTMLImageElement)) {
      picture.loading = "eager";
      picture.src = picture.dataset.source ?? "";
    }
  });

  page.picks.onChange((key) => {
    const changed = page.byKey.get(key);
    for (const entry of changed ? [changed] : cards.keys()) {
      const card = cards.get(entry);
      if (card) markCard(card, page.picks.of(entry.key));
    }
  });

  return {
    node,
    keys: GALLERY_KEYS,
    controls: sizes.node,
    show(wanted, view) {
      shownNow = new Set(wanted);
      const size = sizes.show(view.options.size);
      for (const cardsNode of [list, atticList]) if (cardsNode) cardsNode.dataset.size = size;
      for (const [entry, card] of cards) {
        const isHidden = !shownNow.has(entry);
        if (card.hidden !== isHidden) card.hidden = isHidden;
      }
      if (attic) attic.hidden = !wanted.some((entry) => entry.former);
      arrange();
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
    onKey(event) {
      if (event.key === "-" || event.key === "+") return sizes.step(event.key === "+" ? 1 : -1);
      return moveInGrid(event);
    },
  };
}

/**
 * The three buttons for the cards' size.
 * @param {(size: string) => void} choose
 */
function makeSizes(choose) {
  let present = "M";
  const buttons = SIZES.map(([size, word]) => {
    const button = el("button", { type: "button", "aria-label": `${word} cards` }, size);
    button.addEventListener("click", () => choose(size));
    return { size, button };
  });
  const nodes = buttons.map(({ button }) => button);
  return {
    node: el("div", { class: "sizes", role: "group", "aria-label": "Size of the cards" }, nodes),
    /** @param {string | undefined} wanted */
    show(wanted) {
      present = buttons.find(({ size }) => size === wanted)?.size ?? "M";
      for (const { size, button } of buttons) {
        button.setAttribute("aria-pressed", String(size === present));
      }
      return present;
    },
    /** @param {number} step */
    step(step) {
      const next = buttons[buttons.findIndex(({ size }) => size === present) + step];
      if (next) choose(next.size);
      return true;
    },
  };
}

/**
 * Gives the pictures near the window their source, and takes it from the others.
 * @param {IntersectionObserverEntry[]} seen
 */
function loadNear(seen) {
  for (const { target, isIntersecting } of seen) {
    const picture = find("img", HTMLImageElement, target);
    if (!picture) continue;
    if (!isIntersecting) picture.removeAttribute("src");
    else if (!picture.getAttribute("src")) picture.src = picture.dataset.source ?? "";
  }
}
