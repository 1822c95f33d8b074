// What the page tells of one job, as texts and numbers: its words, request, times,
// purchase and attempts.
//
// It may not touch the page or make anything of it (panel.js does), or word an instant:
// that takes the reader's language and time zone.
// @ts-check

/**
 * @param {Job} job
 * @param {Labels} labels
 */
function stateWord(job, labels) {
  return labels.states[job.state] ?? job.state;
}

/** `5 s`, as a card shows it. @param {Output} output */
function lengthText(output) {
  return `${Number(output.seconds.toFixed(1))} s`;
}

/**
 * What a screen reader says of a card: first of all what can be seen on it.
 * @param {Job} job
 * @param {Labels} labels
 */
function cardLabel(job, labels) {
  const { output, error } = job;
  const name = shown(job.name);
  if (output) return `${name}, ${job.state}, ${lengthText(output)}: play and show details`;
  const why = error ? ` ${shown(error.message)}` : "";
  return `${name}, ${stateWord(job, labels)}${why}: show details`;
}

/**
 * The steps that settle a job, with its name in place of JOB; none where nothing is
 * left to do.
 * @param {Job} job
 * @param {Advice[]} advice
 */
function stepsFor(job, advice) {
  const found = advice.find((item) => item.state === job.state && item.jobs.includes(job.name));
  return found?.steps.map(({ when, command }) => ({ when, command: commandFor(command, job) }));
}

/**
 * What its failure's code means, where that is known.
 * @param {Job} job
 * @param {Advice[]} advice
 */
function meaningFor(job, advice) {
  return advice.find((item) => item.state === job.state && item.jobs.includes(job.name))?.meaning;
}

/**
 * @param {string} command
 * @param {Job} job
 */
function commandFor(command, job) {
  return command.replace(" JOB ", () => ` ${quoted(job.name)} `);
}

/**
 * Its checks, those that fell short first.
 * @param {Job} job
 */
function checksOf(job) {
  return [...job.checks].sort((one, other) => Number(one.passed) - Number(other.passed));
}

/**
 * What was measured, as people read it: a number has three digits.
 * @param {Check} check
 */
function checkValue({ value }) {
  if (typeof value === "number") return String(Number(value.toPrecision(3)));
  return value == null ? "" : shown(value);
}

/** @param {Request} request */
function optionsText(request) {
  /** @type {(flag: boolean) => string} */
  const word = (flag) => (flag ? "on" : "off");
  return `prompt_extend ${word(request.prompt_extend)}, watermark ${word(request.watermark)}`;
}

/**
 * The parts of a job's time that are known, each with its place in a bar of 100, and
 * their sum.
 * @param {Timings} timings
 * @param {Stage[]} stages
 */
function timeParts(timings, stages) {
  const known = stages.flatMap(({ field, tone, label }) => {
    const seconds = timings[field];
    return seconds == null ? [] : [{ tone, label, seconds }];
  });
  const total = known.reduce((sum, part) => sum + part.seconds, 0);
  let x = 0;
  const parts = known.map((part) => {
    const width = total ? (100 * part.seconds) / total : 0;
    const placed = { ...part, x, width };
    x += width;
    return placed;
  });
  return { parts, total };
}

/**
 * @param {Job} job
 * @param {string} realm
 * @param {Record<string, string>} symbols
 */
function purchaseText(job, realm, symbols) {
  if (realm === "emulator") return "nothing paid";
  const { spent, reserved, currency } = job.cost;
  const held = Number(reserved) ? `, ${money(reserved, currency, symbols)} held back` : "";
  return money(spent, currency, symbols) + held;
}

/**
 * Whether the attempts say more than the job does.
 * @param {Job} job
 */
function tellsMore(job) {
  return (
    job.attempts.length > 1 ||
    job.attempts.some((attempt) => attempt.job !== job.name || attempt.error)
  );
}

/**
 * `stored, $0.50`.
 * @param {Attempt} attempt
 * @param {Record<string, string>} symbols
 */
function attemptText(attempt, symbols) {
  const { spent, currency } = attempt.cost;
  const cost = spent == null || Number(spent) ? money(spent, currency, symbols) : "no charge";
  return `${attempt.state.replace("_", " ")}, ${cost}`;
}

/**
 * What went wrong with an attempt, and why it was allowed to spend.
 * @param {Attempt} attempt
 * @param {Job} job
 * @param {Labels} labels
 */
function attemptNotes(attempt, job, labels) {
  const { error, authority } = attempt;
  const whose =
    attempt.job === job.name ? "" : ` for ${shown(attempt.manifest)}/${shown(attempt.job)}`;
  const fault = error ? `${error.code}: ${error.message}` : attempt.reason;
  return [fault, (labels.authorities[authority] ?? authority) + whose]
    .filter((line) => line != null && line !== "")
    .map(shown);
}
