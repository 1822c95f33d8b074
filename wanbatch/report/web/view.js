// What the reader looks at (the filter, the open job, the view and its options) and the
// fragment of the address that keeps it: a reload, a bookmark and a link to a colleague
// show the same.
//
// It may not touch the page or its history (main.js does). A further view adds its keys
// to OPTIONS.
// @ts-check

/** @type {ViewName[]} */
const VIEW_NAMES = ["gallery", "table", "grid", "compare", "duel"];

// What the address keeps besides, by the view that reads it. A key has one meaning.
const OPTIONS = {
  all: ["sort"],
  gallery: ["size"],
  table: [],
  grid: [
    ...["cols", "rows", "scols", "srows", "at", "cycle"],
    ...["paint", "look", "tile", "speed", "loop", "shift"],
  ],
  compare: ["with", "how", "front", "offset"],
  duel: ["group"],
};

/**
 * @param {{get(name: string): string | null}} params
 * @returns {View}
 */
function viewFrom(params) {
  /** @type {(name: string) => string} */
  const text = (name) => params.get(name) ?? "";
  return {
    q: text("q"),
    states: new Set(text("state").split(",").filter(Boolean)),
    job: text("job"),
    show: VIEW_NAMES.find((name) => name === text("show")) ?? VIEW_NAMES[0],
    options: withoutEmpty(optionNames().map((name) => [name, text(name)])),
  };
}

function optionNames() {
  return Object.values(OPTIONS).flat();
}

/** @param {[string, string][]} pairs */
function withoutEmpty(pairs) {
  return Object.fromEntries(pairs.filter(([, value]) => value));
}

/**
 * The view after a change. Its options are added to those that are there; one of "" goes.
 * @param {View} view
 * @param {Partial<View>} change
 * @returns {View}
 */
function changedView(view, change) {
  const options = withoutEmpty(Object.entries({ ...view.options, ...change.options }));
  return { ...view, ...change, options };
}

/** @param {View} view */
function fragmentOf(view) {
  const parts = {
    show: view.show === VIEW_NAMES[0] ? "" : view.show,
    q: view.q,
    state: [...view.states].join(","),
    ...view.options,
    job: view.job,
  };
  const pairs = Object.entries(parts).filter(([, value]) => value);
  return `#${pairs.map(([name, value]) => `${name}=${escaped(value)}`).join("&")}`;
}
