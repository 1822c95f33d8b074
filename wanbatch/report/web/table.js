// The table: a row for every job, a column for what it can be compared by. Only the rows
// in the window exist, so that thousands cost what dozens do.
//
// It may not filter or sort: a heading tells which order the reader asked for.
// @ts-check

/** Pixels; the style gives every row this height (--row in table.css). */
const ROW_HEIGHT = 40;
/** Rows made beyond the window, so that a scroll does not show their absence. */
const ROWS_BEYOND = 12;

/** @type {KeyHelp[]} */
const TABLE_KEYS = [
  ["↑ ↓", "from row to row"],
  ["Home End", "the first row, the last"],
  ["Enter", "all of the job; in a heading, its order"],
];

/** @typedef {{key: string, title: string, isNumber: boolean, text: (entry: Entry) => string}} Column */

/**
 * @param {PageContext} page
 * @returns {PageView}
 */
function makeTableView(page) {
  const columns = columnsOf(page);
  const heads = columns.map((column) => headOf(column, page));
  const body = el("tbody");
  const table = el(
    "table",
    null,
    el("thead", null, el("tr", { "aria-rowindex": 1 }, ...heads.map(({ cell }) => cell))),
    body,
  );
  const frame = el(
    "div",
    { class: "sheet", tabindex: "0", role: "region", "aria-label": "Table of the jobs" },
    table,
  );
  const node = el("div", { id: "table" }, frame);
  /** @type {Entry[]} */
  let entries = [];
  let [first, last] = [0, 0];

  function windowNow() {
    const top = Math.max(0, Math.floor(frame.scrollTop / ROW_HEIGHT) - ROWS_BEYOND);
    const many = Math.ceil((frame.clientHeight || innerHeight) / ROW_HEIGHT) + 2 * ROWS_BEYOND;
    return [top, Math.min(entries.length, top + many)];
  }

  /** @param {boolean} [isNew] */
  function draw(isNew) {
    const [from, to] = windowNow();
    if (!isNew && from === first && to === last) return;
    const focused = document.activeElement;
    const row = focused instanceof HTMLElement && body.contains(focused) ? focused : null;
    const at = row ? Number(row.closest("tr")?.getAttribute("aria-rowindex")) - 2 : -1;
    [first, last] = [from, to];
    body.replaceChildren(
      spacer(from),
      ...entries.slice(from, to).map((entry, i) => rowOf(entry, from + i, columns, page)),
      spacer(entries.length - to),
    );
    if (at >= 0) buttonAt(at)?.focus({ preventScroll: true });
  }

  /** @param {number} at */
  function buttonAt(at) {
    return find(`tr[aria-rowindex="${at + 2}"] button`, HTMLElement, body);
  }

  /** @param {number} at */
  function moveTo(at) {
    const top = at * ROW_HEIGHT;
    const room = frame.clientHeight - 2 * ROW_HEIGHT;
    if (top < frame.scrollTop) frame.scrollTop = top;
    else if (top > frame.scrollTop + room) frame.scrollTop = top - room;
    draw();
    buttonAt(at)?.focus({ preventScroll: true });
  }

  frame.addEventListener("scroll", () => draw(), { passive: true });
  new ResizeObserver(() => draw()).observe(frame);

  return {
    node,
    keys: TABLE_KEYS,
    show(wanted, view) {
      entries = wanted;
      table.setAttribute("aria-rowcount", String(entries.length + 1));
      for (const head of heads) head.show(view.options.sort ?? "");
      frame.hidden = entries.length === 0;
      draw(true);
    },
    leave() {
      body.replaceChildren();
    },
    focus(entry) {
      const at = entries.indexOf(entry);
      if (at >= 0) moveTo(at);
    },
    onKey(event) {
      const row = document.activeElement?.closest("#table tbody tr");
      if (!row) return false;
      const at = Number(row.getAttribute("aria-rowindex")) - 2;
      const place = placeAfter(event.key, at, 1, entries.length);
      if (place == null || event.key === "ArrowLeft" || event.key === "ArrowRight") return false;
      moveTo(place);
      return true;
    },
  };
}

/**
 * @param {PageContext} page
 * @returns {Column[]}
 */
function columnsOf({ data, known, picks }) {
  const symbols = data.labels.symbols;
  /** @type {(name: string) => (entry: Entry) => Value} */
  const field = (name) => fieldFor(name, known, (entry) => picks.of(entry.key)) ?? (() => null);
  /** @type {(key: string, title: string) => Column} */
  const plain = (key, title) => ({ key, title, isNumber: false, text: textOf(field(key)) });
  /** @type {(key: string, title: string, text: (entry: Entry) => string) => Column} */
  const number = (key, title, text) => ({ key, title, isNumber: true, text });
  return [
    plain("name", "Name"),
    plain("state", "State"),
    ...[...known.axes].map(([key, { name }]) => plain(key, shown(name))),
    number("seconds", "Seconds", ({ job }) => (job.output ? duration(job.output.seconds) : "")),
    number("cost", "Cost", ({ job }) => money(job.cost.spent, job.cost.currency, symbols)),
    number("time", "Generation", ({ job }) =>
      job.timings.generation_s == null ? "" : duration(job.timings.generation_s),
    ),
    ...[...known.measured].map((name) =>
      number(name.toLowerCase(), shown(name), textOf(field(name.toLowerCase()))),
    ),
    number("stars", "Stars", (entry) => "★".repeat(picks.of(entry.key).stars)),
  ];
}

/** @param {(entry: Entry) => Value} field */
function textOf(field) {
  /** @param {Entry} entry */
  return (entry) => {
    const value = field(entry);
    if (value == null) return "";
    return typeof value === "number" ? String(Number(value.toFixed(3))) : shown(value);
  };
}

/**
 * A heading whose button asks for its order, then for the other way round.
 * @param {Column} column
 * @param {PageContext} page
 */
function headOf({ key, title, isNumber }, page) {
  const button = el("button", { type: "button" }, title);
  const cell = el("th", { scope: "col", class: isNumber ? "number" : "" }, button);
  let sort = "";
  button.addEventListener("click", () => {
    page.go({ options: { sort: sort === key ? `-${key}` : key } });
  });
  return {
    cell,
    /** @param {string} now */
    show(now) {
      sort = now;
      const order = now === key ? "ascending" : now === `-${key}` ? "descending" : "none";
      cell.setAttribute("aria-sort", order);
    },
  };
}

/**
 * @param {Entry} entry
 * @param {number} at
 * @param {Column[]} columns
 * @param {PageContext} page
 */
function rowOf(entry, at, columns, page) {
  const { job } = entry;
  const cells = columns.map(({ key, isNumber, text }) => {
    if (key === "name") {
      const button = el("button", { type: "button" }, shown(job.name));
      return el("th", { scope: "row" }, button);
    }
    const dot = key === "state" ? el("i", { class: "dot" }) : null;
    return el("td", { class: isNumber ? "number" : "" }, dot, text(entry));
  });
  const kind = `${job.state}${entry.former ? " gone" : ""}`;
  const row = el("tr", { class: kind, "aria-rowindex": at + 2, "data-key": entry.key }, cells);
  row.addEventListener("click", () => page.open(entry));
  return row;
}

/** As high as the rows that are not there. @param {number} rows */
function spacer(rows) {
  const row = el("tr", { class: "spacer", "aria-hidden": "true" }, el("td"));
  row.style.height = `${rows * ROW_HEIGHT}px`;
  return row;
}
