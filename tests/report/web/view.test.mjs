// The view and the fragment of the address that keeps it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { viewFrom, fragmentOf, changedView, OPTIONS } = load("words.js", "view.js");
const read = (hash) => viewFrom(new URLSearchParams(hash.slice(1)));

test("an address without a view shows everything", () => {
  for (const hash of ["", "#", "#other=1", "#q=&state=&job="]) {
    const everything = { q: "", states: new Set(), job: "", show: "gallery", options: {} };
    assert.deepEqual(read(hash), everything);
  }
  assert.equal(fragmentOf(read("")), "#");
});

test("what is written is read again", () => {
  const view = {
    q: "a&b=c #%+",
    states: new Set(["done", "failed"]),
    job: "x[hour=1,seed=2]",
    show: "table",
    options: { sort: "-cost" },
  };
  assert.deepEqual(read(fragmentOf(view)), view);
  const bare = { ...view, q: "", job: "", show: "gallery", options: {} };
  assert.equal(fragmentOf(bare), "#state=done%2Cfailed");
});

test("Python's links and hand-written ones are read", () => {
  assert.deepEqual(read("#state=done,blocked").states, new Set(["done", "blocked"]));
  assert.equal(read("#job=x%5Bhour%3D1%5D").job, "x[hour=1]");
  assert.equal(read("#q=%").q, "%", "a broken escape is no error");
});

test("a change adds options, and one of nothing takes one away", () => {
  const view = changedView(read("#sort=cost"), { options: { size: "S" } });
  assert.deepEqual(view.options, { sort: "cost", size: "S" });
  assert.deepEqual(changedView(view, { q: "x", options: { sort: "" } }).options, { size: "S" });
  assert.deepEqual(changedView(view, { show: "grid" }).options, view.options);
});

test("a key of the address has one meaning", () => {
  const names = [...Object.values(OPTIONS).flat(), "q", "state", "job", "show"];
  assert.equal(new Set(names).size, names.length);
  assert.equal(read("#show=elsewhere").show, "gallery");
});
