// What a job can be compared by: money, times, stars, its axes, what its checks measured;
// and the order that follows.
//
// It may not touch the page, or keep anything: what the reader chose is an argument.
// @ts-check

/** @typedef {string | number | boolean | null | undefined} Value what a field of a job holds */

/** @type {Record<string, (job: Job) => Value>} */
const FIELDS = {
  cost: (job) => (job.cost.spent == null ? null : Number(job.cost.spent)),
  time: (job) => job.timings.generation_s,
  wait: (job) => job.timings.queue_s,
  seconds: (job) => job.output?.seconds ?? job.request.seconds,
  name: (job) => job.name,
  id: (job) => job.id,
  state: (job) => job.state,
  size: (job) => job.request.size,
  model: (job) => job.request.model,
  backend: (job) => job.backend,
  code: (job) => job.error?.code,
};

/** The checks whose `passed` is false, by name. @param {Job} job */
function shortfallsOf(job) {
  return job.checks.filter((check) => !check.passed).map((check) => check.name);
}

/**
 * What the jobs of the page have: each axis with its values, tags, states, checks; and
 * which of the checks ever fell short. Texts are kept by their lower case.
 * @param {Entry[]} entries
 */
function knownOf(entries) {
  /** @type {Map<string, {name: string, values: Map<string, string>}>} */
  const axes = new Map();
  /** @type {Map<string, string>} */
  const tags = new Map();
  /** @type {Map<string, string>} */
  const checks = new Map();
  /** @type {Set<string>} */
  const short = new Set();
  /** @type {Set<string>} */
  const measured = new Set();
  for (const { job } of entries) {
    for (const [name, value] of axesOf(job)) {
      const key = name.toLowerCase();
      const axis = axes.get(key) ?? { name, values: new Map() };
      axes.set(key, axis);
      axis.values.set(String(value).toLowerCase(), String(value));
    }
    for (const tag of job.tags) tags.set(tag.toLowerCase(), tag);
    for (const check of job.checks) {
      checks.set(check.name.toLowerCase(), check.name);
      if (!check.passed) short.add(check.name);
      if (typeof check.value === "number") measured.add(check.name);
    }
  }
  return { axes, tags, checks, short, measured };
}

/** @typedef {ReturnType<typeof knownOf>} Known what can be asked for */

/**
 * The value of a job's field: one of FIELDS, `stars`, an axis, or what a check measured.
 * An axis has its own name before a field does.
 * @param {string} name in lower case
 * @param {Known} known
 * @param {(entry: Entry) => Choice} choiceOf
 * @returns {((entry: Entry) => Value) | null}
 */
function fieldFor(name, known, choiceOf) {
  if (name === "stars") return (entry) => choiceOf(entry).stars;
  const isOwn = name === "cost" || name === "state";
  const axis = isOwn ? undefined : known.axes.get(name);
  if (axis) return ({ job }) => axesOf(job).find(([key]) => key === axis.name)?.[1];
  if (Object.hasOwn(FIELDS, name)) return ({ job }) => FIELDS[name](job);
  const check = known.checks.get(name);
  if (check == null) return null;
  return ({ job }) => job.checks.find((one) => one.name === check)?.value;
}

const COLLATOR = new Intl.Collator("en", { numeric: true });

/**
 * The entries in the order of a field, `-name` for the other way round; as they were
 * where no field has that name. Former jobs come last, and before them those without a
 * value.
 * @param {Entry[]} entries
 * @param {string} sort
 * @param {Known} known
 * @param {(entry: Entry) => Choice} choiceOf
 */
function sortedEntries(entries, sort, known, choiceOf) {
  const isDown = sort.startsWith("-");
  const field = fieldFor(sort.slice(isDown ? 1 : 0).toLowerCase(), known, choiceOf);
  if (!field) return entries;
  const rows = entries.map((entry) => ({ entry, value: field(entry) }));
  rows.sort((a, b) => {
    if (a.entry.former !== b.entry.former) return a.entry.former ? 1 : -1;
    if (a.value == null || b.value == null)
      return Number(a.value == null) - Number(b.value == null);
    const order = compareValues(a.value, b.value);
    return isDown ? -order : order;
  });
  return rows.map(({ entry }) => entry);
}

/**
 * @param {string | number | boolean} a
 * @param {string | number | boolean} b
 */
function compareValues(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return COLLATOR.compare(String(a), String(b));
}
