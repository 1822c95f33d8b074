// The grid's geometry: which axes jobs differ by, which of them make columns and rows,
// what the selectors leave, and which jobs stand in which cell.
//
// It may not touch the page, or keep a view: a layout follows from jobs and address.
// @ts-check

/**
 * @typedef {{name: string, values: string[]}} Axis values in the order of the manifest
 * @typedef {"cols" | "rows" | "scols" | "srows"} Side
 * @typedef {Record<Side, Axis | null> & {
 *   selectors: Axis[], chosen: Map<string, string | null>}} Layout what stands where;
 *   a selector's value is null where it lets all through
 * @typedef {{outer: string, value: string, first: boolean}} Head one column or row;
 *   `first` of those under one outer head
 * @typedef {{entries: Entry[], hidden: number}} Cell `hidden`: so many are filtered out
 * @typedef {{columns: Head[], rows: Head[], cells: Cell[][]}} Sheet
 */

/** What every job has beside the axes of its matrix. */
const COMMON_AXES = /** @type {const} */ (["seed", "job", "size", "seconds"]);

/** The address says so where an axis is taken from a side. */
const NO_AXIS = "-";

/** @type {Side[]} */
const SIDES = ["cols", "rows", "scols", "srows"];

/**
 * A job's value on an axis, as text; empty where it has none.
 * @param {Job} job
 * @param {string} name
 */
function axisValue(job, name) {
  const { request } = job;
  if (Object.hasOwn(job.axes, name)) return String(job.axes[name] ?? "");
  if (name === "job") return job.id;
  if (name === "seed" || name === "size" || name === "seconds") return String(request[name] ?? "");
  return "";
}

/**
 * The axes on which jobs differ: those of the matrix first, then what all jobs have.
 * Where all are numbers they stand in their order, else as the manifest has them.
 * @param {Entry[]} entries
 * @returns {Axis[]}
 */
function gridAxes(entries) {
  const names = new Set(entries.flatMap(({ job }) => Object.keys(job.axes)));
  for (const name of COMMON_AXES) names.add(name);
  return [...names]
    .map((name) => ({ name, values: inOrder(entries.map(({ job }) => axisValue(job, name))) }))
    .filter((axis) => axis.values.length > 1);
}

/** @param {string[]} values */
function inOrder(values) {
  const found = [...new Set(values)];
  const areNumbers = found.every((value) => value !== "" && Number.isFinite(Number(value)));
  return areNumbers ? found.sort((a, b) => Number(a) - Number(b)) : found;
}

/**
 * The axis with most values across, the next one down: so seeds stand under seeds. An
 * axis that names each job (its name, a seed of its own) makes no grid, and comes last;
 * so does one that says nothing new beside the columns.
 * @param {Axis[]} axes
 * @param {Entry[]} entries
 */
function rankedAxes(axes, entries) {
  /** @type {(axis: Axis) => number} */
  const weight = ({ values }) => (values.length < entries.length ? values.length : 0);
  return [...axes].sort((a, b) => weight(b) - weight(a));
}

/**
 * Whether jobs of one value of `first` differ on `second`.
 * @param {Entry[]} entries
 * @param {string} first
 * @param {string} second
 */
function varyWithin(entries, first, second) {
  /** @type {Map<string, string>} */
  const seen = new Map();
  return entries.some(({ job }) => {
    const [at, value] = [axisValue(job, first), axisValue(job, second)];
    const known = seen.get(at);
    seen.set(at, value);
    return known != null && known !== value;
  });
}

/**
 * What stands where: as the address says, and by default where it says nothing.
 * @param {Entry[]} entries
 * @param {Record<string, string | undefined>} options
 * @param {Axis[]} [axes] theirs, where they are known
 * @returns {Layout}
 */
function layoutOf(entries, options, axes = gridAxes(entries)) {
  const free = new Set(axes);
  /** @type {Layout} */
  const layout = {
    ...{ cols: null, rows: null, scols: null, srows: null },
    ...{ selectors: [], chosen: new Map() },
  };
  /** @type {(side: Side, axis: Axis | undefined) => void} */
  const put = (side, axis) => {
    if (!axis) return;
    layout[side] = axis;
    free.delete(axis);
  };
  for (const side of SIDES) {
    const asked = [...free].find(({ name }) => name === options[side]);
    put(side, asked);
  }
  withoutGaps(layout);
  /** @type {(side: Side) => boolean} whether the address says nothing that holds */
  const isOpen = (side) => !layout[side] && options[side] !== NO_AXIS;
  const ranked = rankedAxes(axes, entries);
  const next = () => ranked.filter((axis) => free.has(axis));
  if (isOpen("cols")) put("cols", next()[0]);
  const across = layout.cols?.name;
  const isNews = (/** @type {Axis} */ { name }) => !across || varyWithin(entries, across, name);
  if (isOpen("rows")) put("rows", next().find(isNews));
  layout.selectors = axes.filter((axis) => free.has(axis));
  layout.chosen = chosenValues(entries, layout, readPairs(options.at));
  return layout;
}

/**
 * An outer axis without an inner one is the inner one.
 * @param {Layout} layout
 */
function withoutGaps(layout) {
  if (!layout.cols) [layout.cols, layout.scols] = [layout.scols, null];
  if (!layout.rows) [layout.rows, layout.srows] = [layout.srows, null];
}

/**
 * What each selector lets through: what the address says; else its first value where
 * several jobs would stand in one cell, and all where they would not.
 * @param {Entry[]} entries
 * @param {Layout} layout
 * @param {Map<string, string | null>} said
 */
function chosenValues(entries, layout, said) {
  /** @type {Layout["chosen"]} */
  const chosen = new Map();
  for (const { name, values } of layout.selectors) {
    const value = said.get(name);
    if (value === null || (value != null && values.includes(value))) chosen.set(name, value);
  }
  for (const { name, values } of layout.selectors) {
    if (chosen.has(name)) continue;
    const left = entries.filter((entry) => isChosen(entry.job, chosen));
    const value = values.find((one) => left.some(({ job }) => axisValue(job, name) === one));
    chosen.set(name, shareCells(left, layout, name) ? (value ?? null) : null);
  }
  return chosen;
}

/**
 * Whether two jobs of one cell differ on an axis.
 * @param {Entry[]} entries
 * @param {Layout} layout
 * @param {string} name
 */
function shareCells(entries, layout, name) {
  /** @type {Map<string, string>} */
  const seen = new Map();
  return entries.some(({ job }) => {
    const [cell, value] = [placeOf(job, layout).join("\n"), axisValue(job, name)];
    const known = seen.get(cell);
    seen.set(cell, value);
    return known != null && known !== value;
  });
}

/** @param {Job} job @param {Layout["chosen"]} chosen */
function isChosen(job, chosen) {
  for (const [name, value] of chosen) {
    if (value != null && axisValue(job, name) !== value) return false;
  }
  return true;
}

/** @param {Job} job @param {Layout} layout a text for the column, and one for the row */
function placeOf(job, layout) {
  /** @type {(axis: Axis | null) => string} */
  const on = (axis) => (axis ? axisValue(job, axis.name) : "");
  return [
    JSON.stringify([on(layout.scols), on(layout.cols)]),
    JSON.stringify([on(layout.srows), on(layout.rows)]),
  ];
}

/**
 * The sheet: heads that some job stands under, and the cells where they cross.
 * @param {Entry[]} all the jobs that the axes are of
 * @param {Set<Entry>} wanted those that the filter leaves
 * @param {Layout} layout
 * @returns {Sheet}
 */
function sheetOf(all, wanted, layout) {
  const left = all.filter((entry) => isChosen(entry.job, layout.chosen));
  const places = left.map(({ job }) => placeOf(job, layout));
  const columns = headsOf(layout.scols, layout.cols, new Set(places.map(([column]) => column)));
  const rows = headsOf(layout.srows, layout.rows, new Set(places.map(([, row]) => row)));
  /** @type {Cell[][]} */
  const cells = [...rows.values()].map(() =>
    [...columns.values()].map(() => ({ entries: [], hidden: 0 })),
  );
  const [columnAt, rowAt] = [columns, rows].map(
    (heads) => new Map([...heads.keys()].map((key, at) => [key, at])),
  );
  left.forEach((entry, at) => {
    const [column, row] = places[at];
    const cell = cells[rowAt.get(row) ?? 0][columnAt.get(column) ?? 0];
    if (wanted.has(entry)) cell.entries.push(entry);
    else cell.hidden += 1;
  });
  return { columns: [...columns.values()], rows: [...rows.values()], cells };
}

/**
 * The heads of one side, by the text that `placeOf` makes of them.
 * @param {Axis | null} outer
 * @param {Axis | null} inner
 * @param {Set<string>} used
 */
function headsOf(outer, inner, used) {
  /** @type {Map<string, Head>} */
  const heads = new Map();
  for (const around of outer?.values ?? [""]) {
    let first = true;
    for (const value of inner?.values ?? [""]) {
      const key = JSON.stringify([around, value]);
      if (!used.has(key)) continue;
      heads.set(key, { outer: around, value, first });
      first = false;
    }
  }
  return heads;
}

/**
 * How many heads stand under the outer head that begins at `at`.
 * @param {Head[]} heads
 * @param {number} at
 */
function spanOf(heads, at) {
  const end = heads.findIndex((head, place) => place > at && head.first);
  return (end < 0 ? heads.length : end) - at;
}

/**
 * The value after `value` on an axis, round and round.
 * @param {Axis} axis
 * @param {string | null | undefined} value
 * @param {number} step
 */
function valueAfter(axis, value, step) {
  const at = value == null ? (step > 0 ? -1 : 0) : axis.values.indexOf(value);
  const { length } = axis.values;
  return axis.values[(at + step + length) % length];
}

/**
 * Where an arrow key leads: the next cell that way that is not empty, or none.
 * @param {string} key
 * @param {[number, number]} place row and column
 * @param {(row: number, column: number) => boolean} isFilled
 * @param {number} rows
 * @param {number} columns
 * @returns {[number, number] | undefined}
 */
function cellAfter(key, [row, column], isFilled, rows, columns) {
  /** @type {Record<string, [number, number, number, number]>} from where, and the step */
  const ways = {
    ArrowRight: [row, column + 1, 0, 1],
    ArrowLeft: [row, column - 1, 0, -1],
    ArrowDown: [row + 1, column, 1, 0],
    ArrowUp: [row - 1, column, -1, 0],
    Home: [row, 0, 0, 1],
    End: [row, columns - 1, 0, -1],
  };
  if (!Object.hasOwn(ways, key)) return undefined;
  let [y, x] = ways[key];
  const [, , down, right] = ways[key];
  while (y >= 0 && y < rows && x >= 0 && x < columns) {
    if (isFilled(y, x)) return [y, x];
    y += down;
    x += right;
  }
  return undefined;
}

/**
 * Names and values as the address keeps them in one field: `hour=dawn&lens`; a name
 * alone has the value null.
 * @param {string | undefined} text
 */
function readPairs(text) {
  /** @type {Map<string, string | null>} */
  const pairs = new Map();
  for (const part of (text ?? "").split("&").filter(Boolean)) {
    const [name, ...rest] = part.split("=").map(decoded);
    pairs.set(name, rest.length ? rest.join("=") : null);
  }
  return pairs;
}

/** @param {Iterable<[string, string | null]>} pairs */
function writePairs(pairs) {
  return [...pairs]
    .map(([name, value]) =>
      [name, ...(value == null ? [] : [value])].map(encodeURIComponent).join("="),
    )
    .join("&");
}

/** @param {string} text an address that somebody cut may hold half an escape */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
