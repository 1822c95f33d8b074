// The page: its jobs, the view, and what follows when the reader does something. It is
// the last of the scripts (SCRIPTS in formats/page.py), and the one that runs.
//
// It may not word a value or make a node: the files before it do, from what they are
// given. The view is here alone; the address is a copy of it.
// @ts-check

/**
 * The views by their names, in the order of their tabs. One is made when it is first
 * shown.
 * @type {[name: ViewName, title: string, make: ((page: PageContext) => PageView) | null][]}
 */
const VIEWS = [
  ["gallery", "Gallery", makeGalleryView],
  ["table", "Table", makeTableView],

  ["grid", "Grid", makeGridView],

  ["compare", "Compare", makeCompareView],

  ["duel", "Duel", makeDuelView],
];

/** @type {KeyHelp[]} */
const PAGE_KEYS = [
  ["/", "to the filter"],
  ["Esc", "empties the filter, closes what is open"],
  ["[ ]", "the view before, the next view"],
  ["?", "these keys"],
];

/** @type {KeyHelp[]} */
const JOB_KEYS = [
  ["← →", "the job before, the next job"],
  ["Esc", "back to the page"],
];

/** @param {Data} data */
async function startPage(data) {
  const { entries, byKey } = makeEntries(data.jobs, data.former);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const now = () => new Date().toISOString();
  const picks = makePicks(entries, data, makeStore(), now, Math.random);
  const made = VIEWS.flatMap(([name, title, make]) => (make ? [{ name, title, make }] : []));
  const tabs = makeTabs(
    made.map(({ name, title }) => [name, title]),
    (show) => go({ show }),
  );
  const known = knownOf(entries);
  const toolbar = makeToolbar(known, data.jobs.length, {
    find: (q) => go({ q }),
    toggle: toggleState,
    clear: () => go({ q: "", states: new Set() }),
    sort: (sort) => go({ options: { sort } }),
  });
  const facets = makeFacets(known, (key, value) => go({ q: toggledQuery(view.q, key, value) }));
  const dialog = makeDialog(data, still, {
    ...{ step: stepJob, close: closeJob, left: leaveJob },
    ...{ follow: followLink, compare: () => tray.choose() },
  });
  /** @type {PageContext} */
  const page = {
    ...{ data, entries, byKey, still, picks, known, go, current },
    open: openJob,
    refresh: showView,
    wanted: () => wanted,
  };
  const tray = makeTray(page);
  // What hears keys in every view.
  /** @type {PagePart[]} */
  const parts = [makeChoosing(page), tray];
  /** @type {Map<ViewName, PageView>} */
  const views = new Map();
  /** @type {View} */
  let view = viewFrom(new URLSearchParams());
  /** @type {PageView | undefined} */
  let present;
  /** @type {Entry[]} */
  let wanted = [];

  // ---- the view ---------------------------------------------------------------------

  function readView() {
    view = viewFrom(new URLSearchParams(location.hash.slice(1) || data.opening));
    const shown = showView();
    const entry = byKey.get(view.job);
    if (entry) showJob(entry);
    else if (dialog.isOpen()) dialog.close();
    return shown;
  }

  /** @param {"replaceState" | "pushState"} how */
  function writeView(how = "replaceState") {
    const pushed = Boolean(view.job) && (how === "pushState" || history.state?.pushed);
    history[how]({ pushed }, "", fragmentOf(view));
  }

  /** @param {Partial<View>} change */
  function go(change) {
    const isOther = (change.show ?? view.show) !== view.show;
    view = changedView(view, change);
    writeView(isOther ? "pushState" : "replaceState");
    showView();
  }

  function viewNow() {
    const { name, make } = made.find((one) => one.name === view.show) ?? made[0];
    const found = views.get(name) ?? make(page);
    views.set(name, found);
    tabs.show(name);
    // The overview stands above the gallery alone: elsewhere the videos have the room.
    document.documentElement.dataset.show = name;
    return found;
  }

  function showView() {
    sift();
    const next = viewNow();
    if (present !== next) {
      present?.leave();
      if (present) present.node.hidden = true;
      next.node.hidden = false;
      if (!next.node.isConnected) need("#views", HTMLElement).append(next.node);
      toolbar.lend(next.controls);
      present = next;
    }
    for (const part of parts) part.show?.(view);
    return next.show(wanted, view);
  }

  /** Asks every job, and shows in the toolbar what came of it. */
  function sift() {
    const questions = makeQuestions(view.q, known, choiceOf);
    const sifted = siftEntries(entries, view.states, questions);
    wanted = sortedEntries(sifted.wanted, view.options.sort ?? "", known, choiceOf);
    const former = wanted.filter((entry) => entry.former).length;
    toolbar.show(view, {
      visible: wanted.length - former,
      none: wanted.length === 0,
      states: sifted.counts.get("state") ?? new Map(),
      complaints: complaintsOf(questions, entries, known),
    });
    facets.show(questions, sifted.counts);
  }

  /** @param {Entry} entry */
  function choiceOf(entry) {
    return picks.of(entry.key);
  }

  /** @param {JobState} state */
  function toggleState(state) {
    const states = new Set(view.states);
    if (!states.delete(state)) states.add(state);
    go({ states });
  }

  // ---- one job ----------------------------------------------------------------------

  function current() {
    const focused = document.activeElement?.closest("[data-key]");
    const near = focused ?? find("#jobs [data-key]:hover", HTMLElement);
    const key = near instanceof HTMLElement ? near.dataset.key : "";
    return dialog.current() ?? byKey.get(key ?? "");
  }

  /** @param {Entry} entry */
  function openJob(entry) {
    view.job = entry.key;
    writeView(dialog.isOpen() ? "replaceState" : "pushState");
    showJob(entry);
  }

  /** @param {string} name */
  function followLink(name) {
    const entry = byKey.get(name);
    if (entry) openJob(entry);
  }

  /** @param {Entry} entry */
  function showJob(entry) {
    dialog.show(entry, (step) => Boolean(neighbourOf(wanted, entry, step)));
    for (const part of parts) part.opened?.(entry);
  }

  /** @param {number} step */
  function stepJob(step) {
    const next = neighbourOf(wanted, dialog.current(), step);
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
    if (entry) present?.focus?.(entry);
  }

  function forgetJob() {
    view.job = "";
    writeView();
  }

  // ---- keys -------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target instanceof Element ? event.target : null;
    const isTyping = Boolean(target?.matches("input:not([type=range]), textarea, select"));
    if (isKeyPanelOpen()) return;
    if (isTyping) {
      if (event.key === "Escape" && target?.id === "find") toolbar.empty();
    } else if (parts.some((part) => part.onKey?.(event)) || onPageKey(event)) {
      event.preventDefault();
    } else if (dialog.isOpen()) {
      const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
      if (step && !target?.closest("video") && stepJob(step)) event.preventDefault();
    } else if (present?.onKey?.(event)) event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  function onPageKey(event) {
    if (event.key === "?") openKeyPanel(keyGroups());
    else if (dialog.isOpen()) return false;
    else if (event.key === "/") toolbar.focus();
    else if (event.key === "[" || event.key === "]") {
      const at = made.findIndex(({ name }) => name === view.show);
      const next = made[at + (event.key === "]" ? 1 : -1)];
      if (next) go({ show: next.name });
    } else return false;
    return true;
  }

  /** @returns {[string, KeyHelp[]][]} */
  function keyGroups() {
    const title = made.find(({ name }) => name === view.show)?.title ?? "";
    return [
      ["The page", PAGE_KEYS],
      [title, present?.keys ?? []],
      ["One job", JOB_KEYS],
      ["Everywhere", parts.flatMap((part) => part.keys ?? [])],
    ];
  }

  // ---- start ------------------------------------------------------------------------

  dressSkeleton();
  picks.onChange(() => showView());
  addEventListener("popstate", readView);
  addEventListener("hashchange", () => {
    readView();
    if (view.states.size && !view.job) toolbar.scrollIntoView();
  });
  document.addEventListener("keydown", onKey);
  await readView();
  if (view.show !== VIEW_NAMES[0] && !view.job) toolbar.scrollIntoView();
  document.documentElement.dataset.ready = "";
}

readData().then(startPage);
