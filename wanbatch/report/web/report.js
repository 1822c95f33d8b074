// The report's one script. Inlined as it is and named by hash in the page's policy. It reads the data block, builds the cards and the job panel,
// filters, and plays. Text of manifests and providers only ever becomes text nodes; addresses are relative and escaped part by part; a handful of
// players is shared by all cards, because browsers refuse the thousandth. The view (filter, open job) lives in the address's fragment.
"use strict";
(() => {
  const PLAYERS = 4, FIRST_CARDS = 120, CARDS_A_TURN = 400, HOVER_MS = 90;
  const SYMBOLS = { USD: "$", EUR: "€", GBP: "£", CNY: "¥", JPY: "¥" };
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // ---- words --------------------------------------------------------------------------------------------------------------------------------

  // Control and direction characters are shown, not obeyed: a prompt can neither hide text nor turn around what stands beside it.
  const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]/g;
  const shown = (text) => String(text).replace(/\r\n?/g, "\n").replace(UNSEEN, (c) => `⟨${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
  const decimals = (amount) => { const [whole, part = ""] = amount.split("."); return `${whole}.${part.padEnd(2, "0")}`; };
  const money = (amount, currency) => amount == null ? "–" : currency in SYMBOLS ? SYMBOLS[currency] + decimals(amount) : `${decimals(amount)} ${currency}`.trim();
  const seconds = (s) => {
    if (s == null) return "–";
    if (s < 9.95) return `${s.toFixed(1)} s`;
    const whole = Math.round(s);
    if (whole < 60) return `${whole} s`;
    const [big, small] = whole < 3600 ? [Math.floor(whole / 60), whole % 60] : [Math.floor(whole / 3600), Math.floor(whole % 3600 / 60)];
    const [unit, part] = whole < 3600 ? ["min", "s"] : ["h", "min"];
    return `${big} ${unit}${small ? ` ${small} ${part}` : ""}`;
  };
  const bytes = (n) => n < 1e6 ? `${Math.max(1, Math.round(n / 1e3))} kB` : n < 1e9 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e9).toFixed(2)} GB`;
  const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const brief = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const address = (path) => data.base + path.split("/").map(encodeURIComponent).join("/");
  const quoted = (word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;

  function el(tag, props, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props ?? {})) {
      if (name in node && typeof value !== "string") node[name] = value; else node.setAttribute(name, value);
    }
    node.append(...children.flat().filter((child) => child != null && child !== ""));
    return node;
  }

  // ---- jobs ---------------------------------------------------------------------------------------------------------------------------------

  let data, entries = [];
  const byKey = new Map();

  async function load() {
    const block = find("#data");
    if (!("packed" in block.dataset)) return JSON.parse(block.textContent);
    const packed = Uint8Array.from(atob(block.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  function index() {
    const add = (job, former) => {
      const key = former || byKey.has(job.name) ? `${job.name}@${job.fingerprint.slice(-8)}` : job.name;
      const entry = { job, key, former, card: null, text: "" };
      byKey.set(key, entry);
      return entry;
    };
    entries = [...data.jobs.map((job) => add(job, false)), ...data.former.map((job) => add(job, true))];
    for (const entry of entries) if (!byKey.has(entry.job.name)) byKey.set(entry.job.name, entry);
  }

  // Axes as they vary, and the seed, which every job has.
  function pairs(job) {
    const found = Object.entries(job.axes);
    if (!("seed" in job.axes) && job.request.seed != null) found.push(["seed", job.request.seed]);
    return found;
  }
  const axesLine = (job) => pairs(job).map(([name, value]) => el("span", null, el("b", null, shown(name)), " ", shown(value)));

  function haystack(entry) {
    const { job } = entry;
    entry.text ||= [job.name, ...pairs(job).flatMap(([name, value]) => [value, `${name}=${value}`]), ...job.tags.map((tag) => `tag:${tag} ${tag}`), job.state,
      job.request.prompt, job.request.negative_prompt, ...job.request.media.map((m) => m.source), job.task_id, job.error?.code, job.error?.message, job.backend,
    ].filter((part) => part != null).join("\n").toLowerCase();
    return entry.text;
  }

  // ---- cards --------------------------------------------------------------------------------------------------------------------------------

  function makeCard(entry) {
    const { job } = entry;
    const card = find("#card").content.firstElementChild.cloneNode(true);
    entry.card = card;
    card.classList.add(job.state);
    const stage = find(".stage", card), picture = find("img", card), word = find(".word", card);
    stage.setAttribute("aria-label", `${shown(job.name)}, ${job.state}${job.output ? `, ${seconds(job.output.seconds)}: play and show details` : ": show details"}`);
    if (job.poster) {
      picture.src = address(job.poster);
      picture.addEventListener("error", () => missing(stage), { once: true });
    } else picture.remove();
    if (job.output) {
      find(".length", card).textContent = `${Number(job.output.seconds.toFixed(1))} s`;
      if (!job.poster) word.textContent = "▶";
    } else {
      word.append(STATE_WORDS[job.state] ?? job.state);
      if (job.error) word.append(el("small", null, shown(job.error.message)));
    }
    find("h3", card).textContent = job.id;
    card.title = "";
    find(".badge span", card).textContent = job.state;
    find(".axes", card).append(...axesLine(job));
    const prompt = find(".prompt", card);
    if (job.request.prompt) prompt.textContent = shown(job.request.prompt); else prompt.remove();
    stage.addEventListener("click", () => open(entry));
    stage.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") preview(entry, stage, HOVER_MS); });
    stage.addEventListener("pointerleave", () => rest(stage));
    stage.addEventListener("focus", () => { if (stage.matches(":focus-visible")) preview(entry, stage, 0); });
    stage.addEventListener("blur", () => rest(stage));
    return card;
  }
  const STATE_WORDS = { failed: "Failed", blocked: "Blocked", uncertain: "Uncertain", expired: "Expired", finished: "Made, not here yet", elsewhere: "Bought elsewhere", running: "Being made", planned: "Not started", skipped: "Given up", done: "Done" };

  function missing(stage) {
    find("img", stage)?.remove();
    find(".word", stage).replaceChildren(el("small", null, "The picture is not beside this page"));
  }

  async function build() {
    const [grid, attic] = [find("#jobs .grid"), find(".former .grid")];
    for (let at = 0; at < entries.length;) {
      const turn = entries.slice(at, at += at ? CARDS_A_TURN : FIRST_CARDS);
      const [now, then] = [new DocumentFragment(), new DocumentFragment()];
      for (const entry of turn) { (entry.former ? then : now).append(makeCard(entry)); entry.card.hidden = !matches(entry); }
      grid.append(now);
      attic?.append(then);
      await new Promise((resume) => setTimeout(resume));
    }
    document.documentElement.dataset.ready = "";
  }

  // ---- previews -----------------------------------------------------------------------------------------------------------------------------

  const players = [];
  let waiting = 0;

  function player(source) {
    let node = players.find((p) => p.dataset.source === source) ?? (players.length < PLAYERS ? null : players.find((p) => p.paused) ?? players[0]);
    if (!node) node = el("video", { muted: true, loop: true, playsInline: true, preload: "auto", tabIndex: -1, "aria-hidden": "true", disableRemotePlayback: true });
    players.splice(0, players.length, ...players.filter((p) => p !== node), node);
    if (node.dataset.source !== source) { node.dataset.source = source; node.src = source; }
    return node;
  }

  function preview(entry, stage, delay) {
    clearTimeout(waiting);
    if (!entry.job.output || still.matches) return;
    waiting = setTimeout(() => {
      const node = player(address(entry.job.output.path));
      node.parentElement?.classList.remove("playing");
      find(".word", stage).before(node);
      node.onplaying = () => stage.classList.add("playing");
      node.onerror = () => { stage.classList.remove("playing"); delete node.dataset.source; };
      node.play().catch(() => {});
    }, delay);
  }

  function rest(stage) {
    clearTimeout(waiting);
    if (stage.matches(":hover") || stage.matches(":focus-visible")) return;
    find("video", stage)?.pause();
    stage.classList.remove("playing");
  }

  // ---- filter -------------------------------------------------------------------------------------------------------------------------------

  const view = { q: "", states: new Set(), job: "" };
  let terms = [];
  const toolbar = find(".toolbar"), input = find("#find"), dialog = find("dialog");
  const matches = (entry) => (!view.states.size || view.states.has(entry.job.state)) && terms.every((term) => haystack(entry).includes(term));

  function filter() {
    terms = view.q.toLowerCase().split(/\s+/).filter(Boolean);
    let now = 0, then = 0;
    for (const entry of entries) {
      const fits = matches(entry);
      if (fits) entry.former ? then++ : now++;
      if (entry.card) entry.card.hidden = !fits;
    }
    const total = data.jobs.length;
    find(".shown").textContent = now === total ? `${total} ${total === 1 ? "job" : "jobs"}` : `${now} of ${total}`;
    find(".nothing").hidden = now + then > 0;
    const attic = find(".former");
    if (attic) attic.hidden = then === 0;
    for (const button of all(".states button")) button.setAttribute("aria-pressed", String(view.states.has(button.dataset.state)));
  }

  function readView() {
    const params = new URLSearchParams(location.hash.slice(1));
    view.q = params.get("q") ?? "";
    view.states = new Set((params.get("state") ?? "").split(",").filter(Boolean));
    view.job = params.get("job") ?? "";
    if (input.value !== view.q) input.value = view.q;
    filter();
    const entry = byKey.get(view.job);
    if (entry) show(entry); else if (dialog.open) dialog.close();
  }

  function writeView(how = "replaceState") {
    const parts = [];
    const part = (name, value) => { if (value) parts.push(`${name}=${encodeURIComponent(value)}`); };
    part("q", view.q);
    part("state", [...view.states].join(","));
    part("job", view.job);
    history[how]({ pushed: how === "pushState" || Boolean(view.job && history.state?.pushed) }, "", `#${parts.join("&")}`);
  }

  // ---- one job ------------------------------------------------------------------------------------------------------------------------------

  function open(entry) {
    view.job = entry.key;
    writeView(dialog.open ? "replaceState" : "pushState");
    show(entry);
  }

  function close() {
    if (history.state?.pushed) history.back(); else { view.job = ""; writeView(); dialog.close(); }
  }

  function leave() {
    const entry = byKey.get(view.job) ?? current;
    find("video", dialog)?.removeAttribute("src");
    find("video", dialog)?.load();
    find(".body", dialog).replaceChildren();
    if (view.job) { view.job = ""; writeView(); }
    entry?.card?.querySelector(".stage")?.focus({ preventScroll: false, focusVisible: false });
    current = null;
  }

  let current = null;
  function show(entry) {
    if (current === entry && dialog.open) return;
    current = entry;
    const { job } = entry, wasOpen = dialog.open;
    const title = find("#job-title");
    title.replaceChildren(el("bdi", null, job.id), el("span", { class: "axes" }, axesLine(job)), badge(job));
    find(".body", dialog).replaceChildren(screen(job), el("div", { class: "panel", tabindex: "0", role: "region", "aria-label": "Details" }, panel(entry)));
    for (const button of all("[data-step]", dialog)) button.disabled = !neighbour(Number(button.dataset.step));
    if (!dialog.open) dialog.showModal();
    if (!dialog.contains(document.activeElement) || !wasOpen) dialog.focus();
    const video = find("video", dialog);
    if (video && !still.matches) video.play().catch(() => {});
  }

  function neighbour(step) {
    const shownEntries = entries.filter(matches);
    const at = shownEntries.indexOf(current);
    return at < 0 ? shownEntries[0] : shownEntries[at + step];
  }

  const badge = (job) => el("span", { class: `badge ${job.state}` }, el("i", { class: "dot" }), job.state);

  function screen(job) {
    if (!job.output) return el("div", { class: `screen bare ${job.state}` }, el("p", null, el("b", null, STATE_WORDS[job.state] ?? job.state), job.error ? shown(job.error.message) : "No video yet"));
    const video = el("video", { controls: true, loop: true, playsInline: true, preload: "auto", "aria-label": `Video of ${shown(job.name)}` });
    if (job.poster) video.poster = address(job.poster);
    video.src = address(job.output.path);
    const box = el("div", { class: "screen" }, video);
    video.addEventListener("error", () => {
      if (video.getAttribute("src")) box.replaceChildren(el("p", null, el("b", null, "The video cannot be played"), `It is expected at ${shown(job.output.path)}, beside this page.`));
    });
    return box;
  }

  function panel(entry) {
    return [trouble(entry), prompts(entry.job), request(entry.job), result(entry.job), timing(entry.job), purchase(entry.job), raw(entry.job)].filter(Boolean);
  }

  const section = (title, aside, ...children) => el("section", null, title ? el("h3", null, title, aside ? el("small", null, aside) : null) : null, ...children);
  const list = (...rows) => el("dl", { class: "pairs" }, rows.filter(Boolean).flatMap(([name, ...value]) => [el("dt", null, name), el("dd", null, ...value)]));

  function trouble(entry) {
    const advice = data.advice.find((item) => item.state === entry.job.state && item.jobs.includes(entry.job.name));
    if (!advice) return null;
    const { job } = entry;
    const heading = el("h3", { class: `tone ${job.state}` }, STATE_WORDS[job.state]);
    if (job.error && job.error.code !== job.state) heading.append(el("small", null, el("code", null, shown(job.error.code))));
    const steps = advice.steps.map(({ when, command }) => el("div", null, el("dt", null, when), el("dd", null, copyable(command.replace(" JOB ", () => ` ${quoted(job.name)} `)))));
    return el("section", { class: job.state }, heading, job.error ? el("p", { class: "tell", dir: "auto" }, shown(job.error.message)) : null, el("dl", { class: "steps" }, steps));
  }

  function prompts(job) {
    const { prompt, negative_prompt: negative } = job.request;
    if (prompt == null && negative == null) return null;
    return section("Prompt", null, prompt != null ? el("p", { class: "text", dir: "auto" }, shown(prompt)) : null,
      negative != null ? el("p", { class: "text minor", dir: "auto" }, "Not: ", shown(negative)) : null);
  }

  const MEDIA = { first_frame: "First frame", last_frame: "Last frame", driving_audio: "Driving audio", first_clip: "First clip" };
  function request(job) {
    const r = job.request;
    return section("Request", job.backend,
      list(["Model", r.model], ["Length, size", `${r.seconds} s, ${r.size}`], ["Seed", String(r.seed)],
        ["Options", `prompt_extend ${r.prompt_extend ? "on" : "off"}, watermark ${r.watermark ? "on" : "off"}`],
        ...r.media.map((m) => [MEDIA[m.type] ?? shown(m.type), shown(m.source), m.sha256 ? el("small", null, " ", el("code", { title: m.sha256 }, m.sha256.slice(0, 8))) : null]),
        job.tags.length ? ["Tags", shown(job.tags.join(", "))] : null));
  }

  function result(job) {
    const o = job.output;
    if (!o) return null;
    const file = el("a", { href: address(o.path) }, shown(o.path.split("/").pop()));
    return section("Video", bytes(o.bytes),
      list(["File", file], ["Picture", `${o.width} × ${o.height}, ${Number(o.fps.toFixed(2))} frames/s`], ["Length", `${o.seconds.toFixed(2)} s, ${o.has_audio ? "with sound" : "silent"}`],
        ...job.checks.filter((c) => !c.passed).map((c) => ["Check", el("span", { class: "miss" }, shown(c.message))]),
        ["SHA-256", el("code", { title: o.sha256 }, `${o.sha256.slice(0, 16)}…`), copier(o.sha256)]));
  }

  const STAGES = [["queue_s", "waiting", "Waited"], ["submit_s", "submitting", "Submitted in"], ["generation_s", "generating", "Generated in"], ["download_s", "downloading", "Downloaded in"]];
  function timing(job) {
    const t = job.timings;
    const known = STAGES.filter(([name]) => t[name] != null);
    const total = known.reduce((sum, [name]) => sum + t[name], 0);
    if (!known.length && !t.submitted_at) return null;
    const rows = known.map(([name, , label]) => [label, seconds(t[name])]);
    for (const [name, label] of [["submitted_at", "Submitted"], ["stored_at", "On disk"]]) if (t[name]) rows.push([label, el("time", { datetime: t[name], title: t[name] }, clock.format(new Date(t[name])))]);
    return section("Time", known.length ? seconds(total) : null, total ? bars(known, t, total) : null, list(...rows));
  }

  function bars(known, t, total) {
    const svg = (tag, props) => { const node = document.createElementNS("http://www.w3.org/2000/svg", tag); for (const [k, v] of Object.entries(props)) node.setAttribute(k, v); return node; };
    const chart = svg("svg", { viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" });
    let x = 0;
    for (const [name, tone] of known) { const width = 100 * t[name] / total; chart.append(svg("rect", { class: tone, x, width, height: 1 })); x += width; }
    return el("figure", { class: "time" }, chart);
  }

  function purchase(job) {
    const { cost } = job;
    const held = Number(cost.reserved) ? `, ${money(cost.reserved, cost.currency)} held back` : "";
    const attempts = job.attempts.length > 1 || job.attempts.some((a) => a.job !== job.name || a.error) ? el("ul", { class: "attempts" }, job.attempts.map((a) => attempt(a, job))) : null;
    return section("Purchase", data.realm === "emulator" ? "nothing paid" : `${money(cost.spent, cost.currency)}${held}`,
      list(job.task_id ? ["Task", el("code", null, shown(job.task_id)), copier(job.task_id)] : null,
        ["Fingerprint", el("code", { title: job.fingerprint }, shown(job.fingerprint.slice(0, 20)), "…"), copier(job.fingerprint)],
        job.attempts.length ? null : ["Attempts", "none"]),
      attempts);
  }

  const AUTHORITY = { first: "first try", not_accepted: "again: the one before was not accepted", retry_policy: "again: the one before failed, free of charge", absent: "again: the one before never reached the provider", person: "again: a person's decision" };
  function attempt(a, job) {
    const whose = a.job === job.name ? "" : ` for ${shown(a.manifest)}/${shown(a.job)}`;
    const what = [a.error ? `${a.error.code}: ${a.error.message}` : a.reason, AUTHORITY[a.authority] + whose].filter(Boolean).map(shown);
    const cost = a.cost.spent == null || Number(a.cost.spent) ? money(a.cost.spent, a.cost.currency) : "no charge";
    return el("li", null, `${a.state.replace("_", " ")}, ${cost}`, a.timings.submitted_at ? `, ${brief.format(new Date(a.timings.submitted_at))}` : null, ...what.map((line) => el("small", null, line)),
      a.task_id && a.task_id !== job.task_id ? el("small", null, el("code", null, shown(a.task_id))) : null);
  }

  const raw = (job) => section(null, null, el("details", null, el("summary", null, "All of it as JSON"), el("pre", null, shown(JSON.stringify(job, null, 2)))));

  // ---- copying ------------------------------------------------------------------------------------------------------------------------------

  function copier(text) {
    const button = el("button", { type: "button", class: "copy" }, "Copy");
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { getSelection().selectAllChildren(button.previousElementSibling ?? button); }
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
    return button;
  }

  function copyable(command) {
    const button = copier(command);
    button.classList.remove("copy");
    const words = shown(command).match(/'(?:[^']|'"'"')*'|\S+/g) ?? [];
    return el("span", { class: "command" }, el("code", null, words.flatMap((word, i) => [i ? " " : null, el("span", null, word)])), button);
  }

  // ---- keys -----------------------------------------------------------------------------------------------------------------------------------

  function moveInGrid(event) {
    const stage = document.activeElement?.closest?.(".grid .stage");
    if (!stage) return;
    const cards = all(".card:not([hidden])", stage.closest(".grid"));
    const at = cards.indexOf(stage.closest(".card"));
    const columns = getComputedStyle(stage.closest(".grid")).gridTemplateColumns.split(" ").length;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns, ArrowUp: at - columns, Home: 0, End: cards.length - 1 }[event.key];
    if (to == null || !cards[to]) return;
    event.preventDefault();
    find(".stage", cards[to]).focus({ focusVisible: true });
  }

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches?.("input, textarea");
    if (dialog.open) {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step && !typing && !event.target.closest?.("video")) { const next = neighbour(step); if (next) { event.preventDefault(); open(next); } }
    } else if (event.key === "/" && !typing) { event.preventDefault(); input.focus(); input.select(); } else if (event.key === "Escape" && typing) { input.value = ""; input.dispatchEvent(new Event("input")); } else if (!typing) moveInGrid(event);
  }

  // ---- start ----------------------------------------------------------------------------------------------------------------------------------

  function listen() {
    toolbar.addEventListener("submit", (event) => event.preventDefault());
    input.addEventListener("input", () => { view.q = input.value; filter(); writeView(); });
    for (const button of all(".states button")) button.addEventListener("click", () => { const { state } = button.dataset; if (!view.states.delete(state)) view.states.add(state); filter(); writeView(); });
    find("[data-clear]").addEventListener("click", () => { view.q = input.value = ""; view.states.clear(); filter(); writeView(); input.focus(); });
    find("[data-close]", dialog).addEventListener("click", close);
    for (const button of all("[data-step]", dialog)) button.addEventListener("click", () => { const next = neighbour(Number(button.dataset.step)); if (next) open(next); });
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); });
    dialog.addEventListener("close", leave);
    addEventListener("popstate", readView);
    addEventListener("hashchange", () => { readView(); if (view.states.size && !view.job) toolbar.scrollIntoView(); });
    document.addEventListener("keydown", pressed);
  }

  function dress() {
    for (const node of all("time[datetime]")) { node.title = node.textContent; node.textContent = brief.format(new Date(node.dateTime)); }
    for (const node of all("[data-shown]")) node.textContent = shown(node.textContent);
    for (const code of all("code[data-copy]")) code.replaceWith(copyable(code.textContent));
  }

  load().then((found) => {
    data = found;
    index();
    dress();
    listen();
    toolbar.hidden = false;
    readView();
    return build();
  });
})();
