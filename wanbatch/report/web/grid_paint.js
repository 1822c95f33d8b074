// What a check's value looks like in the grid: its scale over all jobs that are shown,
// and the colour of each.
//
// It may not touch the page, or judge: a colour says how much, not how good.
// @ts-check

/**
 * @typedef {object} Scale
 * @property {string} name
 * @property {number} low
 * @property {number} high
 * @property {boolean} counts whether jobs have numbers; else it is passed or not
 */

/** From little to much: viridis, which stays in order in grey and for every eye. */
const HEAT = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];

const RING_PX = 4;

/** Of a check without numbers: two colours that differ for every eye. */
const PASSED = "rgb(33 145 140)";
const NOT_PASSED = "rgb(213 94 0)";

/** @param {Job} job @param {string} name */
function checkOf(job, name) {
  return job.checks.find((check) => check.name === name);
}

/**
 * The scale of every check that jobs have.
 * @param {Entry[]} entries
 * @returns {Scale[]}
 */
function scalesOf(entries) {
  /** @type {Map<string, Scale>} */
  const scales = new Map();
  for (const { name, value } of entries.flatMap(({ job }) => job.checks)) {
    const scale = scales.get(name) ?? { name, low: Infinity, high: -Infinity, counts: false };
    scales.set(name, scale);
    if (typeof value !== "number") continue;
    scale.counts = true;
    scale.low = Math.min(scale.low, value);
    scale.high = Math.max(scale.high, value);
  }
  return [...scales.values()];
}

/**
 * The colour of a job's value, `rgb(…)`; none where it has no such check.
 * @param {Job} job
 * @param {Scale} scale
 */
function paintOf(job, scale) {
  const check = checkOf(job, scale.name);
  if (!check) return "";
  if (!scale.counts) return check.passed ? PASSED : NOT_PASSED;
  if (typeof check.value !== "number") return "";
  const room = scale.high - scale.low;
  return heatAt(room ? (check.value - scale.low) / room : 0.5);
}

/** The scale of a legend, from low to high, and the one of passed and not. */
const HEAT_BAR = `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map(heatAt).join(", ")})`;
const PASS_BAR = `linear-gradient(to right, ${PASSED} 50%, ${NOT_PASSED} 50%)`;

/** @param {number} share 0 to 1 */
function heatAt(share) {
  const at = Math.min(1, Math.max(0, share)) * (HEAT.length - 1);
  const from = HEAT[Math.floor(at)];
  const to = HEAT[Math.ceil(at)];
  return `rgb(${from.map((part, i) => Math.round(part + (to[i] - part) * (at % 1))).join(" ")})`;
}

/**
 * A measured number in few digits.
 * @param {number} value
 */
function fewDigits(value) {
  return String(Number(value.toPrecision(3)));
}

/**
 * What a cell says of a check: its value, else whether it passed.
 * @param {Job} job
 * @param {string} name
 */
function checkText(job, name) {
  const check = checkOf(job, name);
  if (!check) return "–";
  if (typeof check.value === "number") return fewDigits(check.value);
  return check.value ?? (check.passed ? "passed" : "not passed");
}

/**
 * Rings inside of a picture, one a colour, as a box shadow.
 * @param {string[]} colours
 */
function ringsOf(colours) {
  return colours.map((colour, at) => `inset 0 0 0 ${(at + 1) * RING_PX}px ${colour}`).join(", ");
}

/**
 * Bands side by side, one a colour, as a background.
 * @param {string[]} colours
 */
function bandsOf(colours) {
  const width = 100 / colours.length;
  const bands = colours.map((colour, at) => `${colour} ${at * width}% ${(at + 1) * width}%`);
  return `linear-gradient(to right, ${bands.join(", ")})`;
}
