// review.json (schemas/review.schema.json): what people thought, as one text; how a file
// of somebody is read, and refused with a place.
//
// It may not touch the page, or believe a file: every value is looked at, and copied.
// @ts-check

const REVIEW = "wanbatch/review@1";
const MOST_ENTRIES = 200_000;

/** @typedef {(value: unknown) => boolean} Rule */

/** @type {(least: number, most: number) => Rule} */
const lengthRule = (least, most) => (value) =>
  typeof value === "string" && value.length >= least && value.length <= most;
/** @type {(pattern: RegExp) => Rule} */
const patternRule = (pattern) => (value) => typeof value === "string" && pattern.test(value);
/** @type {(...values: unknown[]) => Rule} */
const valueRule =
  (...values) =>
  (value) =>
    values.includes(value);

const HASH = patternRule(/^[0-9a-f]{64}$/);
const PERSON = lengthRule(1, 100);
const WHEN = patternRule(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/);
const JOB_RULES = { name: lengthRule(1, 2000), fingerprint: patternRule(/^wb\d+:[0-9a-f]{8,64}$/) };
/** @type {Record<string, Rule>} */
const PICK_RULES = {
  ...JOB_RULES,
  video: (value) => value === null || HASH(value),
  verdict: valueRule("keep", "reject", ""),
  stars: valueRule(0, 1, 2, 3, 4, 5),
  note: lengthRule(0, 10_000),
  by: PERSON,
  at: WHEN,
};
/** @type {Record<string, Rule>} */
const DUEL_RULES = {
  group: lengthRule(0, 4000),
  outcome: valueRule("left", "right", "same", "both_bad"),
  swapped: valueRule(true, false),
  by: PERSON,
  at: WHEN,
};
const HEAD_RULES = {
  schema: valueRule(REVIEW),
  realm: valueRule("paid", "emulator"),
  exported_at: WHEN,
};

/**
 * The review in a text. Throws an `Error` that says where it is wrong.
 * @param {string} text
 * @returns {Review}
 */
function readReview(text) {
  const found = mappingAt(JSON.parse(text.replace(/^\ufeff/, "")), "");
  const head = takeFields(found, "", HEAD_RULES);
  const manifest = takeFields(mappingAt(found.manifest, "/manifest"), "/manifest", {
    name: lengthRule(1, 200),
    sha256: HASH,
  });
  const picks = listAt(found.picks, "/picks").map((pick, i) =>
    takeFields(mappingAt(pick, `/picks/${i}`), `/picks/${i}`, PICK_RULES),
  );
  const duels = listAt(found.duels, "/duels").map((duel, i) => readDuel(duel, `/duels/${i}`));
  const reviewers = listAt(found.reviewers, "/reviewers").map((name, i) => {
    if (!PERSON(name)) throw new Error(`/reviewers/${i} is not what it must be`);
    return String(name);
  });
  const review = { ...head, manifest, reviewers, picks, duels };
  return /** @type {Review} */ (/** @type {unknown} */ (review));
}

/**
 * @param {unknown} value
 * @param {string} place
 */
function readDuel(value, place) {
  const fields = mappingAt(value, place);
  const [left, right] = ["left", "right"].map((side) =>
    takeFields(mappingAt(fields[side], `${place}/${side}`), `${place}/${side}`, JOB_RULES),
  );
  const isItself = left.name === right.name && left.fingerprint === right.fingerprint;
  if (isItself) throw new Error(`${place}/right: a video meets itself`);
  return { ...takeFields(fields, place, DUEL_RULES), left, right };
}

/**
 * @param {unknown} value
 * @param {string} place
 * @returns {Record<string, unknown>}
 */
function mappingAt(value, place) {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${place || "the file"} is not a mapping`);
  return /** @type {Record<string, unknown>} */ (value);
}

/**
 * @param {unknown} value
 * @param {string} place
 * @returns {unknown[]}
 */
function listAt(value, place) {
  if (!Array.isArray(value)) throw new Error(`${place} is not a list`);
  if (value.length > MOST_ENTRIES) throw new Error(`${place} has too many entries`);
  return value;
}

/**
 * Only what the rules name, each held against its own.
 * @param {Record<string, unknown>} fields
 * @param {string} place
 * @param {Record<string, Rule>} rules
 * @returns {Record<string, unknown>}
 */
function takeFields(fields, place, rules) {
  return Object.fromEntries(
    Object.entries(rules).map(([name, holds]) => {
      const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (!holds(value)) throw new Error(`${place}/${name} is not what it must be`);
      return [name, value];
    }),
  );
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
