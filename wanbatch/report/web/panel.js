// All that is known of one job: its video, what went wrong and what to do, its words,
// request, result, times, purchase.
//
// It may not decide what is told (facts.js does), open or close anything, or keep
// anything.
// @ts-check

/** @typedef {[name: string, ...value: Child[]]} Row a name, and what is beside it */

/** @param {Job} job */
function jobTitle(job) {
  return [
    el("bdi", null, job.id),
    el("span", { class: "axes" }, axesLine(job)),
    el("span", { class: `badge ${job.state}` }, el("i", { class: "dot" }), job.state),
  ];
}

/**
 * The video with its controls, or why there is none.
 * @param {Job} job
 * @param {Data} data
 */
function makeScreen(job, data) {
  if (!job.output) {
    const why = job.error ? shown(job.error.message) : "No video yet";
    const word = el("b", null, stateWord(job, data.labels));
    return el("div", { class: `screen bare ${job.state}` }, el("p", null, word, why));
  }
  const video = el("video", {
    controls: true,
    loop: true,
    playsInline: true,
    preload: "auto",
    "aria-label": `Video of ${shown(job.name)}`,
  });
  if (job.poster) video.poster = addressOf(data.base, job.poster);
  video.src = addressOf(data.base, job.output.path);
  const box = el("div", { class: "screen" }, video);
  const [place] = job.output.path.split("?");
  const expected = place.includes("://")
    ? `It lives at ${shown(place)}.`
    : `It is expected at ${shown(place)}, beside this page.`;
  video.addEventListener("error", () => {
    if (!video.getAttribute("src")) return; // it was put away
    box.replaceChildren(el("p", null, el("b", null, "The video cannot be played"), expected));
  });
  return box;
}

/**
 * @param {Job} job
 * @param {Data} data
 */
function makePanel(job, data) {
  return el(
    "div",
    { class: "panel", tabindex: "0", role: "region", "aria-label": "Details" },
    troubleSection(job, data),
    stripSection(job, data),
    promptSection(job),
    requestSection(job, data),
    chainSection(job, data),
    resultSection(job, data.base),
    checksSection(job),
    timeSection(job, data.labels),
    purchaseSection(job, data),
    againSection(job, data),
    rawSection(job),
  );
}

/**
 * @param {string} title
 * @param {string | null} aside
 * @param {Child[]} children
 */
function titled(title, aside, ...children) {
  const heading = el("h3", null, title, aside ? el("small", null, aside) : null);
  return el("section", null, heading, ...children);
}

/** @param {(Row | null)[]} rows */
function pairList(...rows) {
  return el(
    "dl",
    { class: "pairs" },
    rows
      .filter((row) => row != null)
      .flatMap(([name, ...value]) => [el("dt", null, name), el("dd", null, ...value)]),
  );
}

/**
 * @param {Job} job
 * @param {Data} data
 */
function troubleSection(job, data) {
  const steps = stepsFor(job, data.advice);
  if (!steps) return null;
  const meaning = meaningFor(job, data.advice);
  const heading = el("h3", { class: `tone ${job.state}` }, stateWord(job, data.labels));
  if (job.error && job.error.code !== job.state) {
    heading.append(el("small", null, el("code", null, shown(job.error.code))));
  }
  const message = job.error
    ? el("p", { class: "tell", dir: "auto" }, shown(job.error.message))
    : null;
  const rows = steps.map(({ when, command }) =>
    el("div", null, el("dt", null, when), el("dd", null, copyable(command))),
  );
  return el(
    "section",
    { class: job.state },
    heading,
    message,
    meaning && el("p", null, meaning),
    el("dl", { class: "steps" }, rows),
  );
}

/**
 * Five frames of the video; one that is pressed shows its moment.
 * @param {Job} job
 * @param {Data} data
 */
function stripSection(job, data) {
  if (!job.frames) return null;
  const frames = STRIP_FRAMES.map((label, place) => {
    const button = el("button", { type: "button" }, frameOf(job, place, `${label} frame`, data));
    button.addEventListener("click", () => {
      const video = find("#job video", HTMLVideoElement);
      if (!video) return;
      video.pause();
      video.currentTime = (video.duration * place) / (STRIP_FRAMES.length - 1);
    });
    return button;
  });
  return el("section", { class: "strip", "aria-label": "Film strip" }, frames);
}

/** @param {Job} job */
function promptSection(job) {
  const { prompt, negative_prompt: negative } = job.request;
  if (prompt == null && negative == null) return null;
  return titled(
    "Prompt",
    null,
    prompt == null ? null : el("p", { class: "text", dir: "auto" }, shown(prompt)),
    negative == null
      ? null
      : el("p", { class: "text minor", dir: "auto" }, "Not: ", shown(negative)),
  );
}

/**
 * @param {Job} job
 * @param {Data} data
 */
function requestSection(job, data) {
  const { request } = job;
  const { labels } = data;
  const media = request.media.map(({ type, source, sha256 }) => {
    const digest = sha256 ? el("code", { title: sha256 }, sha256.slice(0, 8)) : null;
    const short = digest ? el("small", null, " ", digest) : null;
    const picture = pictureOf({ type, source, sha256 }, data);
    return /** @type {Row} */ ([labels.media[type] ?? shown(type), shown(source), short, picture]);
  });
  return titled(
    "Request",
    job.backend,
    pairList(
      ["Model", request.model],
      ["Length, size", `${request.seconds} s, ${request.size}`],
      ["Seed", String(request.seed)],
      ["Options", optionsText(request)],
      ...media,
      job.tags.length ? ["Tags", shown(job.tags.join(", "))] : null,
    ),
  );
}

/**
 * Links to the jobs that it takes media from, and to those that take its own.
 * @param {Job} job
 * @param {Data} data
 */
function chainSection(job, { jobs }) {
  /** @type {(title: string, names: string[]) => Row | null} */
  const row = (title, names) => (names.length ? [title, ...names.map(jobLink)] : null);
  const rows = [row("Goes on from", upstreamOf(job)), row("Goes on in", downstreamOf(job, jobs))];
  return rows.some(Boolean) ? titled("Chain", null, pairList(...rows)) : null;
}

/** @param {string} name */
function jobLink(name) {
  const href = `#job=${encodeURIComponent(name)}`;
  return el("a", { href, "data-job": name }, el("bdi", null, shown(name)));
}

/** @param {Job} job */
function checksSection(job) {
  const items = checksOf(job).map((check) => {
    const value = checkValue(check);
    const word = el("b", null, shown(check.name.replaceAll("_", " ")));
    return el(
      "li",
      { class: check.passed ? "pass" : "miss" },
      el("span", { class: "hidden" }, check.passed ? "holds: " : "falls short: "),
      ...[word, value ? el("code", null, value) : null],
      check.message ? el("span", null, shown(check.message)) : null,
    );
  });
  if (!items.length) return null;
  const short = job.checks.filter((check) => !check.passed).length;
  const aside = short ? `${short} of ${items.length} fall short` : "all hold";
  return titled("Checks", aside, el("ul", { class: "checks" }, items));
}

/**
 * @param {Job} job
 * @param {Data} data
 */
function againSection(job, data) {
  if (!data.again || !data.jobs.includes(job)) return null;
  return titled("Make it again", null, copyable(commandFor(data.again, job)));
}

/**
 * @param {Job} job
 * @param {string} base
 */
function resultSection(job, base) {
  const { output } = job;
  if (!output) return null;
  const { path, width, height, fps, seconds, sha256 } = output;
  const file = el("a", { href: addressOf(base, path) }, shown(path.split("?")[0].split("/").pop()));
  const compare = el("button", { type: "button", class: "copy", "data-compare": "" });
  compare.append("Compare");
  return titled(
    "Video",
    fileSize(output.bytes),
    pairList(
      ["File", file, compare],
      ["Picture", `${width} × ${height}, ${Number(fps.toFixed(2))} frames/s`],
      ["Length", `${seconds.toFixed(2)} s, ${output.has_audio ? "with sound" : "silent"}`],
      ["SHA-256", el("code", { title: sha256 }, `${sha256.slice(0, 16)}…`), copier(sha256)],
    ),
  );
}

/**
 * @param {Job} job
 * @param {Labels} labels
 */
function timeSection(job, labels) {
  const { submitted_at, stored_at } = job.timings;
  const { parts, total } = timeParts(job.timings, labels.stages);
  if (!parts.length && !submitted_at) return null;
  /** @type {(label: string, at: string | null) => Row | null} */
  const instant = (label, at) =>
    at ? [label, el("time", { datetime: at, title: at }, INSTANT.format(new Date(at)))] : null;
  return titled(
    "Time",
    parts.length ? duration(total) : null,
    total ? timeBar(parts) : null,
    pairList(
      ...parts.map((part) => /** @type {Row} */ ([part.label, duration(part.seconds)])),
      instant("Submitted", submitted_at),
      instant("On disk", stored_at),
    ),
  );
}

/** @param {{tone: string, x: number, width: number}[]} parts */
function timeBar(parts) {
  const bar = svg("svg", {
    viewBox: "0 0 100 1",
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  bar.append(
    ...parts.map(({ tone, x, width }) => svg("rect", { class: tone, x, width, height: 1 })),
  );
  return el("figure", { class: "time" }, bar);
}

/**
 * @param {Job} job
 * @param {Data} data
 */
function purchaseSection(job, { realm, labels }) {
  const { task_id: task, fingerprint } = job;
  const short = el("code", { title: fingerprint }, shown(fingerprint.slice(0, 20)), "…");
  const attempts = job.attempts.map((attempt) => attemptItem(attempt, job, labels));
  return titled(
    "Purchase",
    purchaseText(job, realm, labels.symbols),
    pairList(
      task ? ["Task", el("code", null, shown(task)), copier(task)] : null,
      ["Fingerprint", short, copier(fingerprint)],
      job.attempts.length ? null : ["Attempts", "none"],
    ),
    tellsMore(job) ? el("ul", { class: "attempts" }, attempts) : null,
  );
}

/**
 * @param {Attempt} attempt
 * @param {Job} job
 * @param {Labels} labels
 */
function attemptItem(attempt, job, labels) {
  const { submitted_at } = attempt.timings;
  const task = attempt.task_id;
  return el(
    "li",
    null,
    attemptText(attempt, labels.symbols),
    submitted_at ? `, ${MINUTE.format(new Date(submitted_at))}` : null,
    ...attemptNotes(attempt, job, labels).map((note) => el("small", null, note)),
    task && task !== job.task_id ? el("small", null, el("code", null, shown(task))) : null,
  );
}

/** @param {Job} job */
function rawSection(job) {
  const text = el("pre", null, shown(JSON.stringify(job, null, 2)));
  const details = el("details", null, el("summary", null, "What this page knows, as JSON"), text);
  return el("section", null, details);
}
