// What a check's value looks like: scales over all jobs, colours, texts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const paint = load("grid_paint.js");
const job = (...checks) => jobOf({ checks });
const check = (name, value, passed = true) => ({ name, value, passed, message: "" });

test("a scale runs from the least to the most of all jobs", () => {
  const jobs = [job(check("motion", 2), check("cut", null)), job(check("motion", 8)), job()];
  const scales = paint.scalesOf(jobs.map((one) => ({ job: one })));
  assert.deepEqual(scales[0], { name: "motion", low: 2, high: 8, counts: true });
  assert.equal(scales[1].counts, false);
});

test("little and much, and what has no value", () => {
  const scale = { name: "motion", low: 2, high: 8, counts: true };
  const at = (value) => paint.paintOf(job(check("motion", value)), scale);
  assert.equal(at(2), "rgb(68 1 84)");
  assert.equal(at(8), "rgb(253 231 37)");
  assert.equal(at(5), "rgb(33 145 140)");
  assert.equal(at(-3), at(2));
  assert.equal(at(null), "");
  assert.equal(paint.paintOf(job(), scale), "");
  const flat = { ...scale, high: 2 };
  assert.equal(paint.paintOf(job(check("motion", 2)), flat), "rgb(33 145 140)");
});

test("a check without numbers has two colours", () => {
  const scale = { name: "decodes", low: Infinity, high: -Infinity, counts: false };
  const [good, bad] = [true, false].map((passed) =>
    paint.paintOf(job(check("decodes", null, passed)), scale),
  );
  assert.notEqual(good, bad);
  assert.match(good, /^rgb\(\d+ \d+ \d+\)$/);
});

test("a value is said in few digits, else whether it passed", () => {
  const text = (value, passed) => paint.checkText(job(check("a", value, passed)), "a");
  assert.deepEqual([text(0.123456), text(12), text(1234.5)], ["0.123", "12", "1230"]);
  assert.deepEqual([text(null), text(null, false)], ["passed", "not passed"]);
  assert.equal(text("1.0 s, 2.5 s"), "1.0 s, 2.5 s");
  assert.equal(paint.checkText(job(), "a"), "–");
});
