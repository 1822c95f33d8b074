// The view and the fragment of the address that keeps it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { viewFrom, fragmentOf } = load("view.js");
const read = (hash) => viewFrom(new URLSearchParams(hash.slice(1)));

test("an address without a view shows everything", () => {
  for (const hash of ["", "#", "#other=1", "#q=&state=&job="]) {
    assert.deepEqual(read(hash), { q: "", states: new Set(), job: "" });
  }
  assert.equal(fragmentOf(read("")), "#");
});

test("what is written is read again", () => {
  const view = { q: "a&b=c #%+", states: new Set(["done", "failed"]), job: "x[hour=1,seed=2]" };
  assert.deepEqual(read(fragmentOf(view)), view);
  assert.equal(fragmentOf({ ...view, q: "", job: "" }), "#state=done%2Cfailed");
});

test("Python's links and hand-written ones are read", () => {
  assert.deepEqual(read("#state=done,blocked").states, new Set(["done", "blocked"]));
  assert.equal(read("#job=x%5Bhour%3D1%5D").job, "x[hour=1]");
  assert.equal(read("#q=%").q, "%", "a broken escape is no error");
});
