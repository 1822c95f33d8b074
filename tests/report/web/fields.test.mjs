// What jobs are compared by, and the order that follows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const page = load("words.js", "jobs.js", "fields.js");
const NOTHING = () => ({ verdict: "", stars: 0, note: "" });
const cost = (spent) => ({ spent, reserved: "0", currency: "USD" });
const check = (value) => [{ name: "motion", passed: value > 1, value, message: "" }];
const JOBS = [
  jobOf({ name: "take10", cost: cost("0.5"), checks: check(3), axes: { seed: 20 } }),
  jobOf({ name: "take9", cost: cost("1.5"), checks: check(0.5), axes: { seed: 100 } }),
  jobOf({ name: "take11", cost: cost(null), checks: [], axes: { seed: 3 } }),
];
const { entries } = page.makeEntries(JOBS, [jobOf({ name: "aaa" })]);
const known = page.knownOf(entries);
const order = (sort, choiceOf = NOTHING) =>
  page.sortedEntries(entries, sort, known, choiceOf).map(({ job }) => job.name);

test("jobs are sorted by names and numbers, former ones last, unknown ones before them", () => {
  assert.deepEqual(order("name"), ["take9", "take10", "take11", "aaa"]);
  assert.deepEqual(order("-name"), ["take11", "take10", "take9", "aaa"]);
  assert.deepEqual(order("cost"), ["take10", "take9", "take11", "aaa"]);
  assert.deepEqual(order("-cost"), ["take9", "take10", "take11", "aaa"]);
  assert.deepEqual(order("seed"), ["take11", "take10", "take9", "aaa"]);
  assert.deepEqual(order("-motion"), ["take10", "take9", "take11", "aaa"]);
});

test("what the reader chose sorts too", () => {
  const stars = (entry) => ({ verdict: "", stars: entry.job.name === "take11" ? 5 : 1, note: "" });
  assert.equal(order("-stars", stars)[0], "take11");
});

test("an order of no field's name changes nothing", () => {
  for (const sort of ["", "-", "nobody", "__proto__", "toString"]) {
    assert.deepEqual(order(sort), ["take10", "take9", "take11", "aaa"]);
  }
});

test("what jobs have is known by its lower case", () => {
  assert.deepEqual([...known.axes.keys()], ["seed", "hour"]);
  assert.deepEqual([...known.axes.get("seed").values.keys()], ["20", "100", "3"]);
  assert.deepEqual([...known.short], ["motion"]);
  assert.deepEqual([...known.measured], ["motion"]);
  assert.deepEqual(page.shortfallsOf(JOBS[1]), ["motion"]);
});
