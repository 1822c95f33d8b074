// Which jobs a view shows, and which is next.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const filter = load("words.js", "jobs.js", "fields.js", "query.js", "filter.js");
const entry = (changes) => ({ job: jobOf(changes), key: "", former: false, text: "" });
const NONE = new Set();

const FEW = [
  entry(),
  entry({ axes: { hour: "dusk", seed: 1 }, state: "failed" }),
  entry({ axes: { hour: "noon", seed: 1 }, tags: [] }),
  { ...entry({ axes: { hour: "noon" } }), former: true },
];
const sift = (q, states = NONE) => {
  const questions = filter.makeQuestions(q, filter.knownOf(FEW), () => ({}));
  const { wanted, counts } = filter.siftEntries(FEW, states, questions);
  return { wanted: wanted.map((one) => FEW.indexOf(one)), counts };
};

test("a job needs all terms, and one of the states", () => {
  assert.deepEqual(sift("").wanted, [0, 1, 2, 3]);
  assert.deepEqual(sift("seed:1 tag:hero").wanted, [1]);
  assert.deepEqual(sift("", new Set(["failed", "blocked"])).wanted, [1]);
  assert.deepEqual(sift("dawn", new Set(["done"])).wanted, [0, 2, 3]);
});

test("a pill counts what the rest of the query would leave", () => {
  const { counts } = sift("hour:dawn,dusk", new Set(["done"]));
  assert.deepEqual(Object.fromEntries(counts.get("hour")), { dawn: 1, noon: 1 });
  assert.deepEqual(Object.fromEntries(counts.get("state")), { done: 1, failed: 1 });
  assert.deepEqual(Object.fromEntries(counts.get("seed")), { 100: 1 });
  assert.equal(sift("nobody").counts.size, 0);
});

test("the search text is made once, and not without a need", () => {
  const one = entry();
  const ask = (q) => filter.makeQuestions(q, filter.knownOf([one]), () => ({}));
  filter.siftEntries([one], NONE, ask("hour:dawn"));
  assert.equal(one.text, "");
  filter.siftEntries([one], NONE, ask("dawn"));
  assert.ok(one.text.includes("hour=dawn"));
});

test("the count says how many of how many", () => {
  assert.equal(filter.countText(12, 12), "12 jobs");
  assert.equal(filter.countText(1, 1), "1 job");
  assert.equal(filter.countText(0, 0), "0 jobs");
  assert.equal(filter.countText(0, 12), "0 of 12");
});

test("a step leads to the neighbour among what is shown", () => {
  const [a, b, c] = [entry(), entry(), entry()];
  assert.equal(filter.neighbourOf([a, b], a, 1), b);
  assert.equal(filter.neighbourOf([a, b], b, -1), a);
  assert.equal(filter.neighbourOf([a, b], b, 1), undefined);
  assert.equal(filter.neighbourOf([a, b], a, -1), undefined);
  assert.equal(filter.neighbourOf([a, b], c, 1), a, "the open job was filtered away");
  assert.equal(filter.neighbourOf([], null, 1), undefined);
});

test("arrow keys move in the grid as the eye would", () => {
  const from = (key, at) => filter.placeAfter(key, at, 3, 8);
  assert.deepEqual([from("ArrowRight", 2), from("ArrowLeft", 2)], [3, 1]);
  assert.deepEqual([from("ArrowDown", 2), from("ArrowUp", 4)], [5, 1]);
  assert.deepEqual([from("Home", 4), from("End", 4)], [0, 7]);
  for (const [key, at] of [
    ["ArrowLeft", 0],
    ["ArrowRight", 7],
    ["ArrowUp", 2],
    ["ArrowDown", 5],
    ["x", 1],
    ["toString", 1],
  ]) {
    assert.equal(from(key, at), undefined, `${key} at ${at}`);
  }
});
