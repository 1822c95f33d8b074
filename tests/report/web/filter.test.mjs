// Which jobs a view shows, and which is next.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const filter = load("words.js", "jobs.js", "filter.js");
const entry = (changes) => ({ job: jobOf(changes), key: "", former: false, text: "" });
const NONE = new Set();

test("the words of the filter are in lower case, however they are spaced", () => {
  assert.deepEqual(filter.termsOf("  Dawn \t seed=1\n"), ["dawn", "seed=1"]);
  assert.deepEqual(filter.termsOf(" "), []);
});

test("a job needs all words, and one of the states", () => {
  assert.ok(filter.isWanted(entry(), NONE, []));
  assert.ok(filter.isWanted(entry(), NONE, ["dawn", "seed=100"]));
  assert.ok(!filter.isWanted(entry(), NONE, ["dawn", "seed=101"]));
  assert.ok(filter.isWanted(entry(), new Set(["failed", "done"]), ["dawn"]));
  assert.ok(!filter.isWanted(entry(), new Set(["failed"]), ["dawn"]));
});

test("the search text is made once, and not without a need", () => {
  const one = entry();
  filter.isWanted(one, new Set(["failed"]), ["dawn"]);
  filter.isWanted(one, NONE, []);
  assert.equal(one.text, "");
  filter.isWanted(one, NONE, ["dawn"]);
  const text = one.text;
  one.job = null;
  assert.ok(text && filter.isWanted(one, NONE, ["seed=100"]));
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
