// The page: its jobs, the view, and what follows when the reader does something. It is
// the last of the scripts (SCRIPTS in formats/page.py), and the one that runs.
//
// It may not word a value or make a node: the files before it do, from what they are
// given. The view is here alone; the address is a copy of it.
// @ts-check

/** So many cards are made before the page is shown, and so many in each turn after. */
const FIRST_CARDS = 120;
const CARDS_A_TURN = 400;

/** @param {Data} data */
function startPage(data) {
  const { entries, byKey } = makeEntries(data.jobs, data.former);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const toolbar = makeToolbar({ find: setWords, toggle: toggleState, clear: clearFilter });
  const dialog = makeDialog(data, still, { step: stepJob, close: closeJob, left: leaveJob });
  const cardEvents = { open: openJob, ...makePreviews(data.base, still) };
  /** @type {Map<Entry, HTMLElement>} */
  const cards = new Map();
  /** @type {View} */
  let view = { q: "", states: new Set(), job: "" };

  // ---- the view ---------------------------------------------------------------------

  function readView() {
    view = viewFrom(new URLSearchParams(location.hash.slice(1)));
    applyFilter();
    const entry = byKey.get(view.job);
    if (entry) showJob(entry);
    else if (dialog.isOpen()) dialog.close();
  }

  /** @param {"replaceState" | "pushState"} how */
  function writeView(how = "replaceState") {
    const pushed = how === "pushState" || Boolean(view.job && history.state?.pushed);
    history[how]({ pushed }, "", fragmentOf(view));
  }

  // ---- the filter -------------------------------------------------------------------

  function wantedEntries() {
    const terms = termsOf(view.q);
    return entries.filter((entry) => isWanted(entry, view.states, terms));
  }

  function applyFilter() {
    const wanted = new Set(wantedEntries());
    const former = [...wanted].filter((entry) => entry.former).length;
    for (const [entry, card] of cards) card.hidden = !wanted.has(entry);
    toolbar.show(view, wanted.size - former, data.jobs.length, wanted.size === 0);
    const attic = find(".former", HTMLElement);
    if (attic) attic.hidden = former === 0;
  }

  /** @param {string} q */
  function setWords(q) {
    view.q = q;
    applyFilter();
    writeView();
  }

  /** @param {JobState} state */
  function toggleState(state) {
    if (!view.states.delete(state)) view.states.add(state);
    applyFilter();
    writeView();
  }

  function clearFilter() {
    view.q = "";
    view.states.clear();
    applyFilter();
    writeView();
  }

  // ---- one job ----------------------------------------------------------------------

  /** @param {Entry} entry */
  function openJob(entry) {
    view.job = entry.key;
    writeView(dialog.isOpen() ? "replaceState" : "pushState");
    showJob(entry);
  }

  /** @param {Entry} entry */
  function showJob(entry) {
    const wanted = wantedEntries();
    dialog.show(entry, (step) => Boolean(neighbourOf(wanted, entry, step)));
  }

  /** @param {number} step */
  function stepJob(step) {
    const next = neighbourOf(wantedEntries(), dialog.current(), step);
    if (next) openJob(next);
    return Boolean(next);
  }

  function closeJob() {
    if (history.state?.pushed) {
      history.back();
      return;
    }
    forgetJob();
    dialog.close();
  }

  /** @param {Entry | null} last */
  function leaveJob(last) {
    const entry = byKey.get(view.job) ?? last;
    if (view.job) forgetJob();
    const card = entry && cards.get(entry);
    if (card) focusCard(card, { preventScroll: false, focusVisible: false });
  }

  function forgetJob() {
    view.job = "";
    writeView();
  }

  // ---- keys -------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof Element ? event.target : null;
    const isTyping = target?.matches("input, textarea");
    if (dialog.isOpen()) {
      const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
      if (!step || isTyping || target?.closest("video")) return;
      if (stepJob(step)) event.preventDefault();
    } else if (event.key === "/" && !isTyping) {
      event.preventDefault();
      toolbar.focus();
    } else if (event.key === "Escape" && isTyping) toolbar.empty();
    else if (!isTyping) moveInGrid(event);
  }

  // ---- start ------------------------------------------------------------------------

  async function buildCards() {
    const grid = need("#jobs .grid", HTMLElement);
    const attic = find(".former .grid", HTMLElement);
    for (let at = 0, turn = FIRST_CARDS; at < entries.length; at += turn, turn = CARDS_A_TURN) {
      const now = new DocumentFragment();
      const then = new DocumentFragment();
      const terms = termsOf(view.q);
      for (const entry of entries.slice(at, at + turn)) {
        const card = makeCard(entry, data, cardEvents);
        card.hidden = !isWanted(entry, view.states, terms);
        cards.set(entry, card);
        (entry.former ? then : now).append(card);
      }
      grid.append(now);
      attic?.append(then);
      await new Promise((resume) => setTimeout(resume));
    }
    document.documentElement.dataset.ready = "";
  }

  dressSkeleton();
  addEventListener("popstate", readView);
  addEventListener("hashchange", () => {
    readView();
    if (view.states.size && !view.job) toolbar.scrollIntoView();
  });
  document.addEventListener("keydown", onKey);
  readView();
  return buildCards();
}

readData().then(startPage);
