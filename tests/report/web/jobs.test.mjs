// Jobs: their names in the address, their axes, what the filter reads of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const jobs = load("words.js", "jobs.js");

test("a job is known by its name, a former one by name and fingerprint", () => {
  const [now, before] = [jobOf(), jobOf({ fingerprint: "wb2:ffffffff11111111" })];
  const gone = jobOf({ name: "gone", fingerprint: "wb2:ffffffff22222222" });
  const { entries, byKey } = jobs.makeEntries([now], [before, gone]);
  assert.deepEqual(
    entries.map((entry) => [entry.key, entry.former]),
    [
      [now.name, false],
      [`${now.name}@11111111`, true],
      ["gone@22222222", true],
    ],
  );
  assert.equal(byKey.get(now.name).job, now);
  assert.equal(byKey.get("gone").job, gone, "a name alone finds a former job too");
  assert.equal(byKey.get("nobody"), undefined);
});

test("the second job of a name has a key of its own", () => {
  const { entries } = jobs.makeEntries([jobOf(), jobOf()], []);
  assert.equal(new Set(entries.map((entry) => entry.key)).size, 2);
});

test("the seed counts as an axis once", () => {
  assert.deepEqual(jobs.axesOf(jobOf()), [
    ["hour", "dawn"],
    ["seed", 100],
  ]);
  assert.deepEqual(jobs.axesOf(jobOf({ axes: {} })), [["seed", 100]]);
  const { request } = jobOf();
  assert.deepEqual(jobs.axesOf(jobOf({ axes: {}, request: { ...request, seed: null } })), []);
});

test("a job is found by all that people know of it", () => {
  const error = { code: "DataInspectionFailed", message: "Inappropriate content" };
  const text = jobs.searchText(jobOf({ error }));
  for (const part of ["hour=dawn", "seed=100", "tag:hero", "done", "harbour at dawn", "video_1"]) {
    assert.ok(text.includes(part), part);
  }
  for (const part of ["media/harbor.png", "datainspectionfailed", "inappropriate", "gateway"]) {
    assert.ok(text.includes(part), part);
  }
  assert.doesNotMatch(text, /null|undefined/);
});
