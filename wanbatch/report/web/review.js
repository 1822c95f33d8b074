// review.json (schemas/review.schema.json): what people thought, as one text; how a file
// of somebody is read, and refused with a place.
//
// It may not touch the page, or believe a file: every value is looked at, and copied.
// @ts-check

const REVIEW = "wanbatch/review@1";
const MOST_ENTRIES = 200_000;

/**
 * What a value must be: a rule, a list of such, or a mapping of such.
 * @typedef {((value: unknown) => boolean) | [Shape] | {[name: string]: Shape}} Shape
 */

/** @type {(least: number, most: number) => Shape} */
const lengthRule = (least, most) => (value) =>
  typeof value === "string" && value.length >= least && value.length <= most;
/** @type {(pattern: RegExp) => (value: unknown) => boolean} */
const patternRule = (pattern) => (value) => typeof value === "string" && pattern.test(value);
/** @type {(...values: unknown[]) => Shape} */
const valueRule =
  (...values) =>
  (value) =>
    values.includes(value);

const HASH = patternRule(/^[0-9a-f]{64}$/);
const PERSON = lengthRule(1, 100);
const SAID = {
  by: PERSON,
  at: patternRule(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/),
};
const JOB = { name: lengthRule(1, 2000), fingerprint: patternRule(/^wb\d+:[0-9a-f]{8,64}$/) };
const PICK = {
  ...JOB,
  ...SAID,
  video: (/** @type {unknown} */ value) => value === null || HASH(value),
  verdict: valueRule("keep", "reject", ""),
  stars: valueRule(0, 1, 2, 3, 4, 5),
  note: lengthRule(0, 10_000),
};
const DUEL = {
  ...SAID,
  group: lengthRule(0, 4000),
  left: JOB,
  right: JOB,
  outcome: valueRule("left", "right", "same", "both_bad"),
  swapped: valueRule(true, false),
};
/** @type {Shape} */
const REVIEW_SHAPE = {
  schema: valueRule(REVIEW),
  manifest: { name: lengthRule(1, 200), sha256: HASH },
  realm: valueRule("paid", "emulator"),
  reviewers: [PERSON],
  picks: [PICK],
  duels: [DUEL],
  exported_at: SAID.at,
};

/**
 * The review in a text. Throws an `Error` that says where it is wrong.
 * @param {string} text
 * @returns {Review}
 */
function readReview(text) {
  const found = shaped(JSON.parse(text.replace(/^\ufeff/, "")), REVIEW_SHAPE, "");
  const review = /** @type {Review} */ (found);
  review.duels.forEach(({ left, right }, at) => {
    if (keyOf(left) === keyOf(right)) throw new Error(`/duels/${at}: a video meets itself`);
  });
  return review;
}

/**
 * A copy of what the shape names, each value held against its own.
 * @param {unknown} value
 * @param {Shape} shape
 * @param {string} place
 * @returns {unknown}
 */
function shaped(value, shape, place) {
  if (typeof shape === "function") {
    if (shape(value)) return value;
  } else if (Array.isArray(shape)) {
    if (Array.isArray(value) && value.length <= MOST_ENTRIES)
      return value.map((one, at) => shaped(one, shape[0], `${place}/${at}`));
  } else if (typeof value === "object" && value !== null) {
    const known = new Map(Object.entries(value));
    return Object.fromEntries(
      Object.entries(shape).map(([name, inner]) => [
        name,
        shaped(known.get(name), inner, `${place}/${name}`),
      ]),
    );
  }
  throw new Error(`${place || "the file"} is not what it must be`);
}

/**
 * All opinions, of one person on one video the newest, and every showing once.
 * @param {ReviewPick[]} picks
 * @returns {Map<string, ReviewPick>} by job and person
 */
function newestPicks(picks) {
  /** @type {Map<string, ReviewPick>} */
  const found = new Map();
  for (const pick of picks) {
    const key = opinionKey(pick, pick.by);
    if (!(pick.at < (found.get(key)?.at ?? ""))) found.set(key, pick);
  }
  return found;
}

/** @param {JobRef} job @param {string} by */
function opinionKey(job, by) {
  return `${keyOf(job)}\n${by}`;
}

/** @param {Duel[]} duels */
function eachDuelOnce(duels) {
  const byText = new Map(
    duels.map((duel) => {
      const { group, left, right, outcome, swapped, by, at } = duel;
      return [JSON.stringify([group, keyOf(left), keyOf(right), outcome, swapped, by, at]), duel];
    }),
  );
  return [...byText.values()].sort((one, other) =>
    one.at < other.at ? -1 : Number(one.at > other.at),
  );
}
