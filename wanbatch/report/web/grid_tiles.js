// The grid's tiles: the picture of one job with its state, what was chosen of it, what
// its checks say; and the table that they stand in.
//
// It may not decide where a job stands (grid_axes.js does), or play it.
// @ts-check

/**
 * A tile; `stage` is where its video plays. The rest is what it shows already.
 * @typedef {{entry: Entry, node: HTMLElement, stage: HTMLElement,
 *   look?: string, choice?: Choice, offset?: number}} Tile
 */

/**
 * @param {Entry} entry
 * @param {Data} data
 * @param {CardEvents} events
 * @returns {Tile}
 */
function makeTile(entry, data, events) {
  const { job } = entry;
  const copy = need("#card", HTMLTemplateElement).content.cloneNode(true);
  const stage = need(".stage", HTMLElement, /** @type {DocumentFragment} */ (copy));
  stage.setAttribute("aria-label", cardLabel(job));
  stage.tabIndex = -1;
  fillPicture(stage, job, data);
  letGoOfPicture(stage);
  listenToStage(stage, entry, events);
  const node = el(
    "div",
    { class: `tile ${job.state}`, "data-key": entry.key },
    ...[stage, el("span", { class: "mark" }), el("span", { class: "shift" })],
    el("p", { class: "values" }),
  );
  return { entry, node, stage };
}

/** A picture waits until it is near (loadNear): a thousand would fill the memory. */
function letGoOfPicture(/** @type {HTMLElement} */ stage) {
  const picture = find("img", HTMLImageElement, stage);
  if (!picture) return;
  picture.dataset.source ??= picture.getAttribute("src") ?? "";
  picture.removeAttribute("src");
}

/**
 * What can be done to a tile that plays, for those who point at it: the keys do the same.
 * @param {Tile} tile
 * @param {{shift(tile: Tile, frames: number): void, hear(tile: Tile): void}} events
 */
function makeTools(tile, events) {
  const { output } = tile.entry.job;
  const tools = el("div", { class: "tools" });
  /** @type {(text: string, label: string, act: () => void) => void} */
  const add = (text, label, act) => {
    const props = { type: "button", tabIndex: -1, "aria-label": label, title: label };
    const button = el("button", props, text);
    button.addEventListener("click", act);
    tools.append(button);
  };
  add("−", "One frame behind", () => events.shift(tile, -1));
  add("+", "One frame ahead", () => events.shift(tile, 1));
  if (output?.has_audio) add("♪", "Its sound", () => events.hear(tile));
  return tools;
}

/** @param {Tile} tile @param {Choice} choice */
function markTile({ node }, { verdict, stars, note }) {
  node.classList.toggle("reject", verdict === "reject");
  node.classList.toggle("keep", verdict === "keep");
  const word = { keep: "kept", reject: "rejected", "": "" }[verdict];
  const text = [word, "★".repeat(stars), note && "✎"].filter(Boolean).join(" ");
  need(".mark", HTMLElement, node).textContent = text;
}

/** @param {Tile} tile @param {number} offset_s */
function shiftTile({ node }, offset_s) {
  const text = offset_s ? `${offset_s > 0 ? "+" : "−"}${Math.abs(offset_s).toFixed(2)} s` : "";
  need(".shift", HTMLElement, node).textContent = text;
}

/**
 * @param {Tile} tile
 * @param {Scale[]} scales
 * @param {string} look outline or heat
 */
function paintTile({ node, entry }, scales, look) {
  const colours = scales.map((scale) => paintOf(entry.job, scale)).filter(Boolean);
  node.classList.toggle("outline", look !== "heat" && colours.length > 0);
  node.classList.toggle("heat", look === "heat" && colours.length > 0);
  node.style.setProperty("--rings", ringsOf(colours));
  node.style.setProperty("--bands", bandsOf(colours));
  const values = need(".values", HTMLElement, node);
  values.replaceChildren(
    ...scales.map(({ name }) => {
      const isMissed = checkOf(entry.job, name)?.passed === false;
      const said = shown(checkText(entry.job, name));
      return el(
        "span",
        isMissed ? { class: "miss" } : null,
        el("b", null, shown(name)),
        ` ${said}`,
      );
    }),
  );
}

/**
 * The table of a sheet; `fill` makes the inside of a cell.
 * @param {Sheet} sheet
 * @param {Layout} layout
 * @param {(cell: Cell) => Node[]} fill
 */
function makeTable(sheet, layout, fill) {
  const look = [layout.srows && "grouped", layout.scols && "double"].filter(Boolean).join(" ");
  const columns = [
    ...(layout.srows ? [el("col", { class: "side" })] : []),
    el("col", { class: "side" }),
    ...sheet.columns.map(() => el("col", null)),
  ];
  const table = el(
    "table",
    { class: look },
    el("colgroup", null, columns),
    el("thead", null, ...headRows(sheet, layout)),
  );
  const body = el("tbody", null);
  sheet.rows.forEach((row, at) => {
    const line = el("tr", null, ...rowHeads(sheet, layout, at));
    if (row.first && at && layout.srows) line.className = "border";
    for (const cell of sheet.cells[at]) line.append(makeCell(cell, fill));
    body.append(line);
  });
  table.append(body);
  return table;
}

/** @param {Cell} cell @param {(cell: Cell) => Node[]} fill */
function makeCell(cell, fill) {
  if (cell.entries.length) return el("td", null, ...fill(cell));
  const word = cell.hidden ? "filtered out" : "no job";
  return el("td", { class: "none" }, el("p", null, word));
}

/** @param {Sheet} sheet @param {Layout} layout */
function headRows(sheet, layout) {
  const { cols, rows, scols, srows } = layout;
  const corner = el("th", { class: "corner" });
  corner.colSpan = srows ? 2 : 1;
  corner.rowSpan = scols ? 2 : 1;
  const down = [srows, rows].flatMap((axis) => (axis ? shown(axis.name) : [])).join(", ");
  const across = [scols, cols].flatMap((axis) => (axis ? shown(axis.name) : [])).join(", ");
  if (across) corner.append(el("span", null, `${across} →`));
  if (down) corner.append(el("span", null, `${down} ↓`));
  const line = el("tr", null);
  for (const head of sheet.columns) line.append(headCell("col", cols, head.value, head.first));
  if (!scols) {
    line.prepend(corner);
    return [line];
  }
  const outer = el("tr", { class: "outer" }, corner);
  sheet.columns.forEach((head, at) => {
    if (!head.first) return;
    const cell = headCell("colgroup", scols, head.outer, true);
    cell.colSpan = spanOf(sheet.columns, at);
    outer.append(cell);
  });
  return [outer, line];
}

/** @param {Sheet} sheet @param {Layout} layout @param {number} at */
function rowHeads(sheet, { rows, srows }, at) {
  const { outer, value, first } = sheet.rows[at];
  const head = headCell("row", rows, value, first);
  if (!srows || !first) return [head];
  const around = headCell("rowgroup", srows, outer, true);
  around.rowSpan = spanOf(sheet.rows, at);
  around.className = "outer";
  return [around, head];
}

/** @param {string} scope @param {Axis | null} axis @param {string} value @param {boolean} first */
function headCell(scope, axis, value, first) {
  const text = axis ? shown(value) || "–" : "";
  return el(
    "th",
    { scope, class: first ? "first" : "" },
    el("span", { dir: "auto", title: axis ? `${shown(axis.name)} ${text}` : "" }, text),
  );
}
