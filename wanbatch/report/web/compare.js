// Two to four videos held against each other: side by side, under a wipe, one by one, or
// as their difference; all in step. Below: how their requests differ, and the picture
// that was given beside the first frame that was made.
//
// It may not keep what is compared, or how: the address does. It reads no pixel: a
// browser forbids that for files on a disk, and blends two videos without it.
// @ts-check

/** @type {[name: string, title: string][]} */
const COMPARE_WAYS = [
  ["side", "Side by side"],
  ["wipe", "Wipe"],
  ["flip", "Flip"],
  ["difference", "Difference"],
];

/** @type {KeyHelp[]} */
const COMPARE_KEYS = [
  ["w", "the next way: side by side, wipe, flip, difference"],
  ["f F", "the next one in front, the one before"],
  ["← →", "moves the wipe, with Shift farther; else as f"],
  ["Space", "play, pause"],
  [", .", "a frame back, a frame on"],
  ["l", "loop"],
  ["m", "sound of the one in front, none"],
];

/** So many are offered to be added: a longer list is no list to choose from. */
const MOST_OFFERED = 400;

/** Frames a second of a video that does not say. */
const PLAIN_FPS = 30;

/**
 * @param {PageContext} page
 * @returns {PageView}
 */
function makeCompareView(page) {
  const { data } = page;
  const players = makePlayers(page.still);
  const transport = makeTransport({
    ...{ toggle, seek: players.seek, speed: players.speed, loop: players.loop },
    step: players.step,
  });
  const ways = COMPARE_WAYS.map(([name, title]) => {
    const button = el("button", { type: "button", "data-way": name }, title);
    button.addEventListener("click", () => page.go({ options: { how: name } }));
    return button;
  });
  const more = el("select", { "aria-label": "Add a video" });
  const divider = el("div", { class: "divider" });
  const stage = el("div", { class: "versus" });
  const words = el("div", { class: "words" });
  const hint = el("p", { class: "nothing" });
  const node = el(
    "div",
    { id: "compare" },
    el("div", { class: "ways", role: "group", "aria-label": "How" }, ways, more),
    ...[hint, stage, transport.node, words],
  );
  /** @type {Entry[]} */
  let entries = [];
  /** @type {HTMLElement[]} */
  let hosts = [];
  /** @type {number[]} in frames */
  let offsets = [];
  let way = "side";
  let front = 0;
  let wipe = 50;
  /** @type {PlayersState | null} */
  let state = null;

  // ---- playing ----------------------------------------------------------------------

  function toggle() {
    if (state?.clock.isPlaying || state?.isStarting) players.pause();
    else players.play();
  }

  /** @param {number} index whose sound is heard, or nobody's where it was */
  function hear(index) {
    players.sound(state?.sound === index ? -1 : index);
  }

  players.onTime((now) => {
    state = now;
    transport.show(now);
    for (const button of findAll("[data-sound]", HTMLElement, stage)) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.sound) === now.sound));
    }
  });

  function loadPlayers() {
    players.load(
      entries.flatMap(({ job }, i) => {
        if (!job.output) return [];
        const fps = job.output.fps || PLAIN_FPS;
        const source = addressOf(data.base, job.output.path);
        return [{ host: hosts[i], source, fps, offset_s: offsets[i] / fps }];
      }),
    );
  }

  // ---- choosing ---------------------------------------------------------------------

  /** @param {string[]} keys */
  function choose(keys) {
    page.go({ options: { with: keys.join(","), offset: "", front: "" } });
  }

  /** @param {number} index @param {number} frames */
  function shift(index, frames) {
    const next = offsets.map((offset, i) => (i === index ? offset + frames : offset));
    page.go({ options: { offset: next.some(Boolean) ? next.join(",") : "" } });
  }

  /** @param {number} step */
  function flip(step) {
    front = frontAfter(front, step, entries.length, way === "flip" || way === "side");
    page.go({ options: { front: String(front) } });
  }

  more.addEventListener("change", () => {
    if (more.value) choose(toggledKey(keysNow(), more.value));
  });

  const keysNow = () => entries.map((entry) => entry.key);

  /** @param {Entry[]} wanted */
  function offer(wanted) {
    const others = wanted.filter((entry) => entry.job.output && !entries.includes(entry));
    const options = others
      .slice(0, MOST_OFFERED)
      .map(({ key, job }) => el("option", { value: key }, shown(job.name)));
    more.replaceChildren(el("option", { value: "" }, "Add a video …"), ...options);
    more.hidden = !options.length || entries.length >= MOST_COMPARED;
  }

  // ---- the stage --------------------------------------------------------------------

  /** @param {Entry} entry @param {number} i */
  function cell(entry, i) {
    const { job, key } = entry;
    const host = el("div", { class: "host" }, el("b", { class: "chip" }, String(i + 1)));
    if (job.poster) {
      host.prepend(el("img", { src: addressOf(data.base, job.poster), alt: "" }));
    } else host.prepend(el("p", null, job.output ? "" : stateWord(job, data.labels)));
    hosts[i] = host;
    return el("figure", { "data-key": key }, host, caption(entry, i));
  }

  /** @param {Entry} entry @param {number} i */
  function caption(entry, i) {
    const { job, key } = entry;
    const name = `${i + 1}, ${shown(job.id)}`;
    /** @type {(text: string, label: string, act: () => void) => HTMLButtonElement} */
    const button = (text, label, act) => {
      const made = el("button", { type: "button", "aria-label": label, title: label }, text);
      made.addEventListener("click", act);
      return made;
    };
    const open = button(shown(job.id), `All of ${shown(job.name)}`, () => page.open(entry));
    const sound = button("Sound", `Sound of ${name}`, () => hear(i));
    sound.dataset.sound = String(i);
    open.className = "name";
    return el(
      "figcaption",
      null,
      el(
        "p",
        null,
        el("b", null, String(i + 1)),
        open,
        el("span", { class: "axes" }, axesLine(job)),
      ),
      el(
        "p",
        { class: "tools" },
        button("−", `${name}: a frame earlier`, () => shift(i, -1)),
        el("output", { "data-offset": String(i) }),
        button("+", `${name}: a frame later`, () => shift(i, 1)),
        job.output?.has_audio ? sound : null,
        button("×", `Without ${name}`, () => choose(toggledKey(keysNow(), key))),
      ),
    );
  }

  function build() {
    players.load([]);
    hosts = [];
    stage.replaceChildren(...entries.map(cell), divider);
    const output = entries.find(({ job }) => job.output)?.job.output;
    stage.style.setProperty("--wide", String(output ? output.width / output.height : 16 / 9));
    const sections = [requestsSection(entries, data), givenSection(entries, data)];
    words.replaceChildren(...sections.filter((section) => section != null));
  }

  function place() {
    const alone = way === "flip";
    if (way !== "side") front = frontAfter(front, 0, entries.length, alone);
    stage.className = `versus n${entries.length} ${way}`;
    stage.style.setProperty("--n", String(entries.length));
    for (const [i, host] of hosts.entries()) {
      const isFront = way !== "side" && i === front;
      host.classList.toggle("front", isFront);
      host.classList.toggle("away", way !== "side" && !isFront && (alone || i > 0));
      host.parentElement?.classList.toggle("off", host.classList.contains("away"));
    }
    for (const button of ways) {
      button.setAttribute("aria-pressed", String(button.dataset.way === way));
    }
    for (const text of findAll("[data-offset]", HTMLElement, stage)) {
      const frames = offsets[Number(text.dataset.offset)];
      text.textContent = `${frames > 0 ? "+" : ""}${frames} f`;
    }
    setWipe(wipe);
  }

  // ---- the wipe ---------------------------------------------------------------------

  /** @param {number} at */
  function setWipe(at) {
    wipe = at;
    stage.style.setProperty("--at", `${at}%`);
    const slider = {
      ...{ role: "slider", tabindex: "0", "aria-label": "Wipe" },
      "aria-valuenow": String(Math.round(at)),
    };
    for (const [name, value] of Object.entries(slider)) {
      if (way === "wipe") divider.setAttribute(name, value);
      else divider.removeAttribute(name);
    }
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    if (way !== "wipe" || !event.buttons) return;
    setWipe(wipeAt(event.clientX, divider.getBoundingClientRect()));
  }

  divider.addEventListener("pointerdown", (event) => {
    if (way === "wipe") divider.setPointerCapture(event.pointerId);
    else if (way === "flip") flip(1);
    drag(event);
  });
  divider.addEventListener("pointermove", drag);

  // ---- the view ---------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const arrow = wipeAfter(event.key, wipe, event.shiftKey);
    const inControl = event.target instanceof Element && event.target.matches("button, input");
    if (event.key === " " && inControl) return false;
    if (event.key.startsWith("Arrow") && inControl) return false;
    const at = COMPARE_WAYS.findIndex(([name]) => name === way);
    /** @type {Record<string, () => void>} */
    const acts = {
      " ": toggle,
      ",": () => players.step(-1),
      ".": () => players.step(1),
      l: () => players.loop(!state?.clock.loops),
      m: () => hear(way === "side" ? 0 : front),
      w: () => page.go({ options: { how: COMPARE_WAYS[(at + 1) % COMPARE_WAYS.length][0] } }),
      f: () => flip(1),
      F: () => flip(-1),
    };
    if (Object.hasOwn(acts, event.key)) acts[event.key]();
    else if (way === "wipe" && arrow != null) setWipe(arrow);
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      flip(event.key === "ArrowLeft" ? -1 : 1);
    } else return false;
    return true;
  }

  return {
    node,
    keys: COMPARE_KEYS,
    show(wanted, view) {
      const before = keysNow().join();
      entries = comparedIn(view, page.byKey);
      way = COMPARE_WAYS.find(([name]) => name === view.options.how)?.[0] ?? "side";
      front = Math.min(Number(view.options.front) || 0, entries.length - 1);
      offsets = offsetsIn(view.options.offset ?? "", entries.length);
      const isBare = entries.length < 2;
      hint.hidden = !isBare;
      hint.textContent =
        "Choose two to four videos: point at one in the gallery and press c, or add them here.";
      for (const part of [transport.node, ...ways]) part.hidden = isBare;
      offer(wanted);
      const isNew = before !== keysNow().join() || hosts.length !== entries.length;
      if (isNew) build();
      place();
      loadPlayers();
      if (isNew && !isBare && !page.still.matches) players.play();
    },
    leave: players.clear,
    onKey,
  };
}

/** @param {Entry[]} entries @param {Data} data */
function requestsSection(entries, data) {
  if (entries.length < 2) return null;
  const rows = requestDifferences(
    entries.map(({ job }) => job),
    data.labels.media,
  );
  const heads = entries.map((_, i) => el("th", { scope: "col" }, String(i + 1)));
  const table = el(
    "table",
    null,
    el("thead", null, el("tr", null, el("td", null), heads)),
    el("tbody", null, rows.map(differenceRow)),
  );
  const scroll = { class: "scroll", tabindex: "0", role: "region", "aria-label": "Requests" };
  return titled(
    "Requests",
    null,
    el("p", { class: "minor" }, differenceText(rows)),
    rows.length ? el("div", scroll, table) : null,
  );
}

/** @param {Difference} row */
function differenceRow({ label, cells }) {
  const texts = cells.map((pieces) =>
    el(
      "td",
      { dir: "auto" },
      pieces.map(({ text, odd }) => (odd ? el("mark", null, text) : text)),
    ),
  );
  return el("tr", null, el("th", { scope: "row" }, label), texts);
}

/**
 * The picture that was given, and the first frame that was made.
 * @param {Entry[]} entries
 * @param {Data} data
 */
function givenSection(entries, data) {
  const pairs = entries.map(({ job }, i) => {
    const given = job.request.media.filter(({ type }) => type === "first_frame");
    const pictures = given.map((medium) => pictureOf(medium, data)).filter(Boolean);
    const made = job.frames ? frameOf(job, 0, "The first frame that was made", data) : null;
    if (!pictures.length || !made) return null;
    return el("li", null, el("b", null, String(i + 1)), ...pictures, made);
  });
  if (!pairs.some(Boolean)) return null;
  return titled("Given, and the first frame made", null, el("ul", { class: "given" }, pairs));
}
