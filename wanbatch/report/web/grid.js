// The grid: jobs by their axes, in a table whose heads stick, with players that play in
// step in what is in view.
//
// It may not lay out, word or paint (grid_axes.js, grid_bar.js, grid_tiles.js do): it
// brings layout, tiles, players and the address together.
// @ts-check

/** @type {KeyHelp[]} */
const GRID_KEYS = [
  ["← ↑ ↓ →", "from cell to cell"],
  ["Enter", "all of the job"],
  ["Space", "plays all in view in step, or pauses"],
  [", .", "one frame back, one on"],
  ["< >", "slower, faster"],
  ["l", "loop, or play once"],
  ["m", "the sound of this cell, or none"],
  ["- +", "this cell one frame behind, ahead"],
  ["=", "this cell without an offset"],
  ["Esc", "back to the pictures"],
];

/** From so many on previews play: two cores show four originals in step, not more. */
const ORIGINALS = 4;

/** The least and the most that a tile is wide where all columns are to fit. */
const FIT_PX = /** @type {const} */ ([112, 400]);

/** How wide the heads of the rows are (--side in grid.css): asking costs a layout. */
const SIDE_PX = { wide: 96, narrow: 64 };

/** What a scroll bar and the borders of the sheet take at most. */
const SCROLLBAR_PX = 18;

/** @type {Record<string, number>} */
const TILE_PX = { s: 112, m: 180, l: 320 };

/** Scrolling passes over many tiles: players go to those that stay so long. */
const SETTLED_MS = 150;

/**
 * @param {PageContext} page
 * @returns {PageView}
 */
function makeGridView(page) {
  const { data, still, picks } = page;
  const players = makePlayers(still);
  const bar = makeGridBar((options) => page.go({ options }));
  const transport = makeTransport({
    toggle,
    step: (frames) => begun() && players.step(frames),
    seek: (position) => begun() && players.seek(position),
    speed: (speed) => page.go({ options: { speed: speed === 1 ? "" : String(speed) } }),
    loop: (loops) => page.go({ options: { loop: loops ? "" : "off" } }),
  });
  const toolbar = need(".toolbar", HTMLElement);
  const tell = el("p", { class: "tell", role: "status" });
  const sheetNode = el("div", { class: "matrix" });
  const node = el("section", { id: "grid", "aria-label": "Grid" });
  node.append(bar.node, el("div", { class: "drive" }, transport.node, tell), sheetNode);
  const previews = makePreviews(data.base, still);
  const jobs = page.entries.filter((entry) => !entry.former);
  const axes = gridAxes(jobs);
  const scales = scalesOf(jobs);
  /** @type {Map<string, Tile>} */
  const tiles = new Map();
  /** @type {Set<string>} the keys of the tiles that are in view */
  const inView = new Set();
  /** @type {Sheet} */
  let sheet = { columns: [], rows: [], cells: [] };
  /** @type {Record<string, string | undefined>} */
  let options = {};
  /** @type {Entry[]} */
  let wantedNow = [];
  let drawn = "";
  let room = 0;
  let inStep = false;
  /** @type {string[]} the keys of the slots that are loaded */
  let loaded = [];
  /** @type {PlayersState | undefined} */
  let state;
  let focusedKey = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let settling;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let cycling;
  /** @type {[axis: string, value: string] | null} what the cycle shows now */
  let turn = null;

  // ---- the sheet --------------------------------------------------------------------

  /** @type {CardEvents} */
  const events = {
    open: page.open,
    preview: (entry, stage, delayMs) => {
      if (!inStep) previews.preview(entry, stage, delayMs);
    },
    rest: (stage) => {
      if (!inStep) previews.rest(stage);
    },
  };

  /** @param {Entry} entry */
  function tileOf(entry) {
    const known = tiles.get(entry.key);
    if (known) return known;
    const tile = makeTile(entry, data, events);
    if (entry.job.output) tile.node.append(makeTools(tile, { shift: shiftBy, hear }));
    tiles.set(entry.key, tile);
    return tile;
  }

  function draw() {
    const layout = layoutOf(jobs, options, axes);
    if (turn) layout.chosen.set(...turn);
    const painted = paintedScales();
    const cycle = cycleOf(layout);
    bar.show({ layout, axes, options, scales, painted, cycle });
    const wanted = new Set(wantedNow);
    const signature = JSON.stringify([sidesOf(layout), [...layout.chosen]]);
    const keys = wantedNow.map((entry) => entry.key).join("\n");
    if (drawn !== signature + keys) {
      drawn = signature + keys;
      sheet = sheetOf(jobs, wanted, layout);
      fillSheet(layout);
    }
    dressTiles(painted);
    fit();
    const shownJobs = sheet.cells.flat().flatMap((cell) => cell.entries);
    transport.expect(Math.max(0, ...shownJobs.map(({ job }) => job.output?.seconds ?? 0)));
    return cycle;
  }

  /** @param {Layout} layout */
  function fillSheet(layout) {
    const hadFocus = node.contains(document.activeElement) ? focusedKey : "";
    for (const watching of [seen, pictures]) watching.disconnect();
    inView.clear();
    const table = makeTable(sheet, layout, (cell) =>
      cell.entries.map((entry) => {
        const tile = tileOf(entry);
        for (const watching of [seen, pictures]) watching.observe(tile.node);
        return tile.node;
      }),
    );
    sheetNode.replaceChildren(table);
    if (!isShown(focusedKey)) focusedKey = sheet.cells.flat().flatMap(keysOf)[0] ?? "";
    setFocusable(focusedKey);
    if (hadFocus) tiles.get(focusedKey)?.stage.focus({ preventScroll: true });
  }

  /** @param {Cell} cell */
  function keysOf(cell) {
    return cell.entries.map((entry) => entry.key);
  }

  /** @param {string} key */
  function isShown(key) {
    return sheetNode.contains(tiles.get(key)?.node ?? null);
  }

  function paintedScales() {
    const names = readPairs(options.paint);
    return scales.filter(({ name }) => names.has(name));
  }

  /** @param {Scale[]} painted */
  function dressTiles(painted) {
    const shifts = readPairs(options.shift);
    const look = JSON.stringify([painted, options.look]);
    for (const entry of sheet.cells.flat().flatMap((cell) => cell.entries)) {
      const tile = tileOf(entry);
      const choice = picks.of(entry.key);
      const offset = Number(shifts.get(entry.key) ?? 0) || 0;
      if (tile.look !== look) paintTile(tile, painted, options.look ?? "");
      if (tile.choice !== choice) markTile(tile, choice);
      if (tile.offset !== offset) shiftTile(tile, offset);
      Object.assign(tile, { look, choice, offset });
    }
  }

  function roomForHeads() {
    const side = SIDE_PX[matchMedia(NARROW).matches ? "narrow" : "wide"];
    return side * (find(".grouped", HTMLElement, sheetNode) ? 2 : 1) + SCROLLBAR_PX;
  }

  /** Gives the tiles their width, and the shape of the first video. */
  function fit() {
    const [least, most] = FIT_PX;
    room ||= node.clientWidth;
    const share = (room - roomForHeads()) / Math.max(1, sheet.columns.length);
    const width = TILE_PX[options.tile ?? ""] ?? Math.min(most, Math.max(least, share - 8));
    sheetNode.style.setProperty("--tile", `${Math.floor(width)}px`);
    const output = jobs.find(({ job }) => job.output)?.job.output;
    if (output) sheetNode.style.setProperty("--shape", `${output.width} / ${output.height}`);
  }

  // ---- the cycle --------------------------------------------------------------------

  /** @param {Layout} layout @returns {GridFacts["cycle"]} */
  function cycleOf(layout) {
    const [pair] = readPairs(options.cycle);
    if (!pair || !layout.selectors.some(({ name }) => name === pair[0])) return null;
    return [pair[0], Math.min(3600, Math.max(0.5, Number(pair[1]) || 2))];
  }

  /** @param {GridFacts["cycle"]} cycle */
  function startCycle(cycle) {
    clearInterval(cycling);
    if (!cycle || still.matches) return;
    const [name, seconds] = cycle;
    cycling = setInterval(() => {
      const layout = layoutOf(jobs, options, axes);
      const axis = layout.selectors.find((one) => one.name === name);
      if (!axis || document.hidden) return;
      const now = turn?.[0] === name ? turn[1] : layout.chosen.get(name);
      turn = [name, valueAfter(axis, now, 1)];
      draw();
      settle();
    }, seconds * 1000);
  }

  // ---- playing ----------------------------------------------------------------------

  const seen = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) {
        const key = target instanceof HTMLElement ? (target.dataset.key ?? "") : "";
        if (isIntersecting) inView.add(key);
        else inView.delete(key);
      }
      settle();
    },
    { root: null },
  );

  const pictures = new IntersectionObserver(loadNear, { root: sheetNode, rootMargin: NEAR });
  addEventListener("beforeprint", () => {
    for (const picture of findAll("img", HTMLImageElement, sheetNode)) {
      picture.src = picture.dataset.source ?? "";
    }
  });

  function settle() {
    clearTimeout(settling);
    settling = setTimeout(() => inStep && loadPlayers(), SETTLED_MS);
  }

  function loadPlayers() {
    const shifts = readPairs(options.shift);
    const seenTiles = sheet.cells
      .flat()
      .flatMap((cell) => cell.entries.filter((entry) => entry.job.output && inView.has(entry.key)))
      .map(tileOf);
    const isMany = seenTiles.length > ORIGINALS;
    loaded = seenTiles.slice(0, MAX_PLAYERS).map(({ entry }) => entry.key);
    players.load(
      seenTiles.flatMap((tile) =>
        slotOf(tile, isMany, Number(shifts.get(tile.entry.key) ?? 0) || 0),
      ),
    );
    sayWhatPlays(seenTiles, isMany);
  }

  /** @param {Tile} tile @param {boolean} isMany @param {number} offset_s @returns {Slot[]} */
  function slotOf({ entry, stage }, isMany, offset_s) {
    const { output, preview } = entry.job;
    if (!output) return [];
    const original = addressOf(data.base, output.path);
    const source = isMany && preview ? addressOf(data.base, preview) : original;
    return [{ host: stage, source, original, offset_s, fps: output.fps, seconds: output.seconds }];
  }

  /** @param {Tile[]} seenTiles @param {boolean} isMany */
  function sayWhatPlays(seenTiles, isMany) {
    const left = seenTiles.length - loaded.length;
    const bare = isMany ? seenTiles.filter(({ entry }) => !entry.job.preview).length : 0;
    tell.textContent = [
      left > 0 && `the first ${loaded.length} of ${seenTiles.length} in view play`,
      bare > 0 && `${bare} without a preview play in full size`,
    ]
      .filter(Boolean)
      .join("; ");
  }

  /** Whether players are there: what was pointed at makes way for them. */
  function begun() {
    if (inStep) return true;
    inStep = true;
    node.classList.add("in-step");
    for (const video of findAll("video", HTMLVideoElement, sheetNode)) {
      video.parentElement?.classList.remove("playing");
      video.pause();
      video.remove();
    }
    loadPlayers();
    return true;
  }

  function toggle() {
    begun();
    if (state?.clock.isPlaying || state?.isStarting) players.pause();
    else players.play();
  }

  function stop() {
    inStep = false;
    node.classList.remove("in-step");
    loaded = [];
    players.clear();
    tell.textContent = "";
    return true;
  }

  /** @param {Tile | undefined} tile */
  function hear(tile) {
    if (!tile || !begun()) return;
    const at = loaded.indexOf(tile.entry.key);
    players.sound(state?.sound === at ? -1 : at);
  }

  players.onTime((next) => {
    if (state?.sound !== next.sound) {
      for (const { node: tile } of tiles.values()) tile.classList.remove("heard");
      tiles.get(loaded[next.sound])?.node.classList.add("heard");
    }
    state = next;
    transport.show(next);
  });

  // ---- keys -------------------------------------------------------------------------

  /** @param {string} key */
  function setFocusable(key) {
    const before = tiles.get(focusedKey);
    if (before) before.stage.tabIndex = -1;
    focusedKey = key;
    const now = tiles.get(key);
    if (now) now.stage.tabIndex = 0;
  }

  /** @param {string} key @param {FocusOptions} [how] */
  function focusTile(key, how = { focusVisible: true }) {
    setFocusable(key);
    const stage = tiles.get(key)?.stage;
    stage?.focus(how);
    stage?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** @param {string} key */
  function move(key) {
    const row = sheet.cells.findIndex((cells) => cells.some((c) => keysOf(c).includes(focusedKey)));
    if (row < 0) return false;
    const column = sheet.cells[row].findIndex((cell) => keysOf(cell).includes(focusedKey));
    const within = keysOf(sheet.cells[row][column]);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key] ?? 0;
    const beside = step && within[within.indexOf(focusedKey) + step];
    const [rows, columns] = [sheet.cells.length, sheet.columns.length];
    const isFilled = (/** @type {number} */ y, /** @type {number} */ x) =>
      sheet.cells[y][x].entries.length > 0;
    const place = cellAfter(key, [row, column], isFilled, rows, columns);
    const found = beside || (place && keysOf(sheet.cells[place[0]][place[1]])[0]);
    if (found) focusTile(found);
    return Boolean(found);
  }

  /** @param {Tile | undefined} tile @param {number} frames 0: no offset */
  function shiftBy(tile, frames) {
    if (!tile) return;
    const { key, job } = tile.entry;
    const shifts = readPairs(options.shift);
    const now = Number(shifts.get(key) ?? 0) || 0;
    const next = frames ? now + frames / (job.output?.fps || USUAL_FPS) : 0;
    if (Math.abs(next) < 0.001) shifts.delete(key);
    else shifts.set(key, next.toFixed(3));
    page.go({ options: { shift: writePairs(shifts) } });
  }

  /** @param {number} step */
  function changeSpeed(step) {
    const speed = SPEEDS[SPEEDS.indexOf(Number(options.speed ?? 1)) + step];
    if (speed) page.go({ options: { speed: speed === 1 ? "" : String(speed) } });
  }

  /** @type {Record<string, () => unknown>} */
  const acts = {
    " ": toggle,
    ",": () => begun() && players.step(-1),
    ".": () => begun() && players.step(1),
    "<": () => changeSpeed(-1),
    ">": () => changeSpeed(1),
    l: () => page.go({ options: { loop: options.loop ? "" : "off" } }),
    m: () => hear(tiles.get(focusedKey)),
    "-": () => shiftBy(tiles.get(focusedKey), -1),
    "+": () => shiftBy(tiles.get(focusedKey), 1),
    "=": () => shiftBy(tiles.get(focusedKey), 0),
  };

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const target = event.target instanceof Element ? event.target : null;
    const isControl = Boolean(target?.matches("button:not(.stage), input, summary, a"));
    if (event.key === "Escape") return inStep && stop();
    if (isControl && (event.key === " " || event.key.startsWith("Arrow"))) return false;
    if (Object.hasOwn(acts, event.key)) {
      acts[event.key]();
      return true;
    }
    if (!target?.closest(".matrix .stage")) {
      const isArrow = event.key === "ArrowRight" || event.key === "ArrowDown";
      if (isArrow && target === document.body && focusedKey) focusTile(focusedKey);
      return isArrow && target === document.body;
    }
    return move(event.key);
  }

  // ---- the view ---------------------------------------------------------------------

  sheetNode.addEventListener("focusin", (event) => {
    const place = event.target instanceof Element ? event.target.closest("[data-key]") : null;
    if (place instanceof HTMLElement) setFocusable(place.dataset.key ?? "");
  });
  picks.onChange((key) => {
    const tile = tiles.get(key);
    if (tile) markTile(tile, picks.of(key));
    if (tile) tile.choice = undefined;
  });
  const measured = new ResizeObserver(() => {
    room = node.clientWidth;
    node.style.setProperty("--toolbar", `${toolbar.offsetHeight}px`);
    fit();
  });
  for (const one of [node, toolbar]) measured.observe(one);

  return {
    node,
    keys: GRID_KEYS,
    show(wanted, view) {
      const before = options;
      options = view.options;
      wantedNow = wanted.filter((entry) => !entry.former);
      if (before.cycle !== options.cycle || before.at !== options.at) turn = null;
      const cycle = draw();
      if (before.cycle !== options.cycle || cycling == null) startCycle(cycle);
      players.speed(SPEEDS.find((speed) => speed === Number(options.speed)) ?? 1);
      players.loop(options.loop !== "off");
      settle();
    },
    leave() {
      clearInterval(cycling);
      cycling = undefined;
      stop();
    },
    focus: (entry) => focusTile(entry.key, { focusVisible: false }),
    onKey,
  };
}
