// The controls over the grid: which axis stands where, what the selectors let through,
// which axis cycles, which checks are painted and how, and the legend of these.
//
// It may not lay out the grid or keep a choice: it shows a layout, and tells as a change
// of the address what the reader chose.
// @ts-check

/** @type {[side: Side, title: string][]} */
const SIDE_TITLES = [
  ["cols", "Columns"],
  ["rows", "Rows"],
  ["scols", "Over the columns"],
  ["srows", "Beside the rows"],
];

/** An axis that cycles shows each value for so many seconds. */
const CYCLE_S = [1, 2, 3, 5, 10];

/** What an option of a select says for all values: no value is written like it. */
const ALL_VALUES = "\u0000";

/** There the axes are folded away at first: a phone has no room for them. */
const NARROW = "(max-width: 600px)";

/** @type {[string, string][]} */
const TILE_SIZES = [
  ["", "Fit"],
  ["s", "Small"],
  ["m", "Medium"],
  ["l", "Large"],
];

/** @type {[string, string][]} */
const LOOKS = [
  ["", "Outline"],
  ["heat", "Heat"],
];

/**
 * @typedef {object} GridFacts what the bar shows
 * @property {Layout} layout
 * @property {Axis[]} axes
 * @property {Record<string, string | undefined>} options
 * @property {Scale[]} scales of all checks
 * @property {Scale[]} painted
 * @property {[axis: string, seconds: number] | null} cycle
 */

/** @param {(options: Record<string, string>) => void} choose */
function makeGridBar(choose) {
  const sides = el("div", { class: "choices" });
  const legend = el("div", { class: "legend" });
  const setup = el("details", { class: "setup" }, el("summary", null, "Axes and checks"), sides);
  setup.open = !matchMedia(NARROW).matches;
  const node = el("div", { class: "grid-bar" }, setup, legend);
  let drawn = "";

  /** @param {GridFacts} facts */
  function show(facts) {
    const { layout, axes, options, scales, painted, cycle } = facts;
    const selected = [...layout.chosen];
    const signature = JSON.stringify([axes, sidesOf(layout), selected, options, painted, cycle]);
    if (signature === drawn) return;
    drawn = signature;
    const back = focusAgain(sides);
    sides.replaceChildren(
      ...sideSelects(layout, axes, choose),
      ...valueSelects(layout, choose),
      ...cycleSelects(layout, cycle, choose),
      labelled(
        "tile",
        labelledSelect(TILE_SIZES, "Size", (tile) => choose({ tile })),
        options.tile,
      ),
      ...(scales.length ? checkChoices(scales, painted, options, choose) : []),
    );
    legend.replaceChildren(...painted.map(legendOf));
    back();
  }

  document.addEventListener("pointerdown", ({ target }) => {
    const menu = find(".menu[open]", HTMLDetailsElement, sides);
    if (menu && target instanceof Node && !menu.contains(target)) menu.open = false;
  });

  return { node, show };
}

/**
 * What brings the focus back to where it is now, once the choices are made anew.
 * @param {HTMLElement} root
 */
function focusAgain(root) {
  const active = document.activeElement;
  const name = active?.closest(".choice")?.getAttribute("data-name");
  /** @type {() => HTMLElement[]} */
  const inputs = () => {
    const choices = findAll("[data-name]", HTMLElement, root);
    const choice = choices.find((one) => one.dataset.name === name);
    return choice ? findAll("select, input, summary", HTMLElement, choice) : [];
  };
  const at = active instanceof HTMLElement ? inputs().indexOf(active) : -1;
  return () => inputs()[at]?.focus();
}

/** @param {Layout} layout */
function sidesOf(layout) {
  return SIDES.map((side) => layout[side]?.name ?? NO_AXIS);
}

/**
 * @param {string} name
 * @param {ReturnType<typeof labelledSelect>} choice
 * @param {string | undefined} value
 */
function labelled(name, { node, select }, value) {
  node.dataset.name = name;
  select.value = value ?? "";
  return node;
}

/** @param {Layout} layout @param {Axis[]} axes @param {(o: Record<string, string>) => void} choose */
function sideSelects(layout, axes, choose) {
  const names = axes.map(({ name }) => /** @type {[string, string]} */ ([name, name]));
  const count = axes.length > 2 ? 4 : 2;
  return SIDE_TITLES.slice(0, count).map(([side, title]) => {
    const select = labelledSelect([[NO_AXIS, "none"], ...names], title, (value) =>
      choose(movedAxis(layout, side, value)),
    );
    return labelled(side, select, layout[side]?.name ?? NO_AXIS);
  });
}

/**
 * All sides as they are after an axis was put to one: the axis that it takes the place
 * of goes to where it came from.
 * @param {Layout} layout
 * @param {Side} side
 * @param {string} name
 */
function movedAxis(layout, side, name) {
  const was = layout[side]?.name ?? NO_AXIS;
  return Object.fromEntries(
    SIDES.map((one) => {
      const now = layout[one]?.name ?? NO_AXIS;
      if (one === side) return [one, name];
      return [one, now === name && name !== NO_AXIS ? was : now];
    }),
  );
}

/** @param {Layout} layout @param {(o: Record<string, string>) => void} choose */
function valueSelects(layout, choose) {
  return layout.selectors.map(({ name, values }) => {
    /** @type {[string, string][]} */
    const choices = values.map((value) => [value, value || "–"]);
    const select = labelledSelect([[ALL_VALUES, "all"], ...choices], name, (value) => {
      const chosen = new Map(layout.chosen).set(name, value === ALL_VALUES ? null : value);
      choose({ at: writePairs(chosen) });
    });
    select.node.classList.add("selector");
    return labelled(`at ${name}`, select, layout.chosen.get(name) ?? ALL_VALUES);
  });
}

/**
 * @param {Layout} layout
 * @param {GridFacts["cycle"]} cycle
 * @param {(o: Record<string, string>) => void} choose
 */
function cycleSelects(layout, cycle, choose) {
  if (!layout.selectors.length) return [];
  const [axis, seconds] = cycle ?? ["", 2];
  /** @type {(name: string, s: string | number) => void} */
  const change = (name, s) => choose({ cycle: name && writePairs([[name, String(s)]]) });
  /** @type {[string, string][]} */
  const names = layout.selectors.map(({ name }) => [name, name]);
  const which = labelledSelect([["", "none"], ...names], "Cycle", (name) => change(name, seconds));
  /** @type {[string, string][]} */
  const pauses = CYCLE_S.map((s) => [String(s), `${s} s`]);
  const every = labelledSelect(pauses, "every", (s) => change(axis, s));
  const nodes = [labelled("cycle", which, axis)];
  if (axis) nodes.push(labelled("every", every, String(seconds)));
  return nodes;
}

/**
 * @param {Scale[]} scales
 * @param {Scale[]} painted
 * @param {Record<string, string | undefined>} options
 * @param {(o: Record<string, string>) => void} choose
 */
function checkChoices(scales, painted, options, choose) {
  const names = new Set(painted.map(({ name }) => name));
  const boxes = scales.map(({ name }) => {
    const box = el("input", { type: "checkbox", checked: names.has(name) });
    box.addEventListener("change", () => {
      if (box.checked) names.add(name);
      else names.delete(name);
      choose({ paint: writePairs([...names].map((one) => [one, null])) });
    });
    return el("label", null, box, ` ${shown(name)}`);
  });
  const summary = el("summary", null, painted.length ? `${painted.length} painted` : "none");
  const menu = el("details", { class: "menu" }, summary, el("div", null, ...boxes));
  menu.open = Boolean(document.activeElement?.closest(".menu[open]"));
  const node = el(
    "div",
    { class: "choice", "data-name": "paint" },
    el("span", null, "Checks"),
    menu,
  );
  const look = labelledSelect(LOOKS, "As", (value) => choose({ look: value }));
  return painted.length ? [node, labelled("look", look, options.look)] : [node];
}

/** @param {Scale} scale */
function legendOf({ name, low, high, counts }) {
  const bar = el("i", null);
  const [from, to] = counts ? [fewDigits(low), fewDigits(high)] : ["passed", "not passed"];
  bar.style.setProperty("background", counts ? HEAT_BAR : PASS_BAR);
  return el("span", null, el("b", null, shown(name)), ` ${from} `, bar, ` ${to}`);
}
