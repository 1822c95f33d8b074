// Blind duels: two videos of one group side by side in step, a choice by an arrow, and
// the ranking that follows from it.
//
// It may not rank or choose the pair (ranking.js does), or name a video that is not
// judged yet.
// @ts-check

/** @type {[outcome: Duel["outcome"], key: string, arrow: string, text: string][]} */
const ANSWERS = [
  ["left", "ArrowLeft", "←", "Left is better"],
  ["same", "ArrowDown", "↓", "The same"],
  ["both_bad", "ArrowUp", "↑", "Both are bad"],
  ["right", "ArrowRight", "→", "Right is better"],
];

/** @type {KeyHelp[]} */
const DUEL_KEYS = [
  ["← →", "left or right is better"],
  ["↓ ↑", "both the same, both bad"],
  ["Space", "plays, or pauses"],
  ["s", "skips the pair"],
  ["< >", "the group before, the next group"],
];

/** Fitting so many takes a few milliseconds; nobody judges more. */
const MOST_IN_DUEL = 60;
const SURE_ENOUGH = 0.95;

/**
 * @param {PageContext} page
 * @returns {PageView}
 */
function makeDuelView(page) {
  const { picks, data } = page;
  const groups = duelGroups(page.entries);
  const players = makePlayers(page.still);
  const choice = el("select", null, ...[...groups.keys()].map((name) => groupOption(name)));
  const progress = el("p", { class: "progress", role: "status" });
  const sides = [1, 2].map(() => el("div", { class: "stage" }));
  const answers = ANSWERS.map(([outcome, , arrow, text]) =>
    actionButton(text, arrow, () => judge(outcome)),
  );
  const judged = el("p", { class: "judged", "aria-live": "polite" });
  const ranking = el("ol", null);
  const arena = el(
    "div",
    { class: "arena" },
    el("div", { class: "pair" }, ...sides),
    el("div", { class: "answers" }, ...answers),
    judged,
  );
  const table = el("aside", { "aria-label": "Ranking" }, el("h3", null, "Ranking"), ranking);
  const head = el(
    "div",
    { class: "duel-bar" },
    el("label", { class: "choice" }, el("span", null, "Group"), choice),
    progress,
  );
  const node = el("section", { id: "duel", "aria-label": "Duel" }, head, arena, table);
  const empty = "A duel needs two videos of one prompt that you have not rejected.";
  let group = "";
  /** @type {{left: string, right: string, swapped: boolean} | null} */
  let pair = null;
  let skipped = "";

  choice.addEventListener("change", () => page.go({ options: { group: choice.value } }));

  function members() {
    const all = groups.get(group) ?? [];
    const left = all.filter(({ key }) => picks.of(key).verdict !== "reject");
    return new Map(left.slice(0, MOST_IN_DUEL).map((entry) => [keyOf(entry.job), entry]));
  }

  /** @param {Map<string, Entry>} known */
  function duelsOf(known) {
    return picks
      .duels()
      .filter(({ left, right }) => known.has(keyOf(left)) && known.has(keyOf(right)));
  }

  /** Shows the ranking, and a pair where none waits for its answer. */
  function draw() {
    const known = members();
    const keys = [...known.keys()];
    const duels = duelsOf(known);
    const ranked = rankGroup(keys, duels);
    const isStale = !pair || !known.has(pair.left) || !known.has(pair.right);
    if (isStale) {
      const own = duels.filter(({ by }) => by === picks.me());
      pair = nextPair(keys, own, ranked.fit, Math.random, skipped);
      seat(known);
    }
    for (const button of answers) button.disabled = !pair;
    progress.textContent = pair ? progressText(duels.length, ranked) : empty;
    ranking.replaceChildren(
      ...ranked.ranks.map((rank) => rankRow(rank, /** @type {Entry} */ (known.get(rank.key)))),
    );
  }

  /** @param {Map<string, Entry>} known */
  function seat(known) {
    const entries = pair ? [pair.left, pair.right].map((key) => known.get(key)) : [];
    const slots = entries.flatMap((entry, at) => {
      const { job } = /** @type {Entry} */ (entry);
      const host = sides[at];
      const poster = el("img", { alt: "" });
      if (job.poster) poster.src = addressOf(data.base, job.poster);
      host.replaceChildren(job.poster ? poster : "");
      host.setAttribute("role", "group");
      host.setAttribute("aria-label", at ? "Right video" : "Left video");
      const { path = "", fps = 0 } = job.output ?? {};
      return [{ host, source: addressOf(data.base, path), fps }];
    });
    players.clear();
    players.load(slots);
    if (slots.length && !page.still.matches) players.play();
  }

  /** @param {Duel["outcome"]} outcome */
  function judge(outcome) {
    const known = members();
    const [left, right] = pair ? [known.get(pair.left), known.get(pair.right)] : [];
    if (!pair || !left || !right) return;
    const { swapped } = pair;
    pair = null;
    skipped = "";
    picks.judge({ group, left: refOf(left), right: refOf(right), outcome, swapped });
    judged.textContent = judgedText(outcome, axesText(left), axesText(right));
  }

  function skip() {
    if (!pair) return;
    skipped = [pair.left, pair.right].sort().join();
    pair = null;
    draw();
  }

  function togglePlay() {
    if (isPlaying) players.pause();
    else players.play();
  }
  let isPlaying = false;
  players.onTime(({ clock, isStarting }) => {
    isPlaying = clock.isPlaying || isStarting;
  });

  /** @param {number} step */
  function stepGroup(step) {
    const names = [...groups.keys()];
    const next = names[names.indexOf(group) + step];
    if (next !== undefined) page.go({ options: { group: next } });
  }

  return {
    node,
    keys: DUEL_KEYS,
    show(_wanted, view) {
      const first = groups.keys().next().value ?? "";
      const next = groups.has(view.options.group) ? view.options.group : first;
      if (next !== group) {
        pair = null;
        skipped = "";
        judged.textContent = "";
      }
      group = next;
      choice.value = group;
      draw();
    },
    leave() {
      pair = null;
      players.clear();
    },
    onKey(event) {
      const answer = ANSWERS.find(([, key]) => key === event.key);
      if (answer) judge(answer[0]);
      else if (event.key === " " && !(event.target instanceof HTMLButtonElement)) togglePlay();
      else if (event.key === "s") skip();
      else if (event.key === "<" || event.key === ">") stepGroup(event.key === ">" ? 1 : -1);
      else return false;
      return true;
    },
  };
}

/** @param {string} name */
function groupOption(name) {
  return el("option", { value: name }, shown(name));
}

/** @param {Entry} entry @returns {JobRef} */
function refOf({ job: { name, fingerprint } }) {
  return { name, fingerprint };
}

/** What tells a video from the others of its group. @param {Entry} entry */
function axesText({ job }) {
  const take = job.axes.take == null ? "" : `, take ${job.axes.take}`;
  return `seed ${job.request.seed}${shown(take)}`;
}

/**
 * @param {Duel["outcome"]} outcome
 * @param {string} left
 * @param {string} right
 */
function judgedText(outcome, left, right) {
  if (outcome === "left") return `${left} over ${right}`;
  if (outcome === "right") return `${right} over ${left}`;
  return `${left} and ${right}: ${outcome === "same" ? "the same" : "both bad"}`;
}

/**
 * @param {number} shownPairs
 * @param {ReturnType<typeof rankGroup>} ranked
 */
function progressText(shownPairs, { settled, waiting, sure }) {
  const parts = [`${shownPairs} shown`, `${settled} settled`];
  if (waiting.length) parts.push(`${waiting.length} to come back with sides swapped`);
  if (settled) parts.push(`the leader is the best with ${Math.floor(sure * 100)} %`);
  if (sure >= SURE_ENOUGH) parts.push("enough");
  return parts.join(" · ");
}

/**
 * @param {ReturnType<typeof rankGroup>["ranks"][number]} rank
 * @param {Entry} entry
 */
function rankRow({ chance, low, high, met }, entry) {
  const percent = (/** @type {number} */ share) => Math.round(share * 100);
  const range = el("span", { class: "range", "aria-hidden": "true" }, el("i", null));
  range.style.setProperty("--low", `${percent(low)}%`);
  range.style.setProperty("--high", `${percent(high)}%`);
  range.style.setProperty("--mid", `${percent(chance)}%`);
  const words = `${percent(chance)} % (${percent(low)} to ${percent(high)})`;
  return el(
    "li",
    { title: `wins against an average one; ${met} ${met === 1 ? "duel" : "duels"}` },
    el("bdi", null, axesText(entry)),
    range,
    el("span", { class: "figure" }, met ? words : "not met"),
  );
}
