// What was chosen is kept by key, and who asked hears of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { makePicks } = load("picks.js");

test("a pick is changed in part, and is gone when it says nothing", () => {
  const picks = makePicks();
  const heard = [];
  picks.onChange((key) => heard.push(key));
  picks.set("a", { verdict: "keep" });
  picks.set("a", { stars: 4 });
  assert.deepEqual(picks.of("a"), { verdict: "keep", stars: 4, note: "" });
  picks.set("a", { verdict: "", stars: 0 });
  assert.equal(picks.all().size, 0);
  assert.deepEqual(heard, ["a", "a", "a"]);
});

test("of what nobody chose there is a pick that says nothing", () => {
  assert.deepEqual(makePicks().of("x"), { verdict: "", stars: 0, note: "" });
});
