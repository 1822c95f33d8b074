// What the page tells of one job.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const facts = load("words.js", "jobs.js", "facts.js");
const LABELS = {
  states: { done: "Done", failed: "Failed" },
  authorities: { first: "first try", person: "again" },
  media: {},
  stages: [
    { field: "queue_s", tone: "waiting", label: "Waited" },
    { field: "generation_s", tone: "generating", label: "Generated in" },
    { field: "download_s", tone: "downloading", label: "Downloaded in" },
  ],
  symbols: { USD: "$" },
};
const attemptOf = (changes = {}) => ({
  state: "stored",
  authority: "first",
  manifest: "harbor",
  job: jobOf().name,
  task_id: "video_1",
  timings: {},
  cost: { spent: "0.5", reserved: "0", currency: "USD" },
  reason: null,
  error: null,
  ...changes,
});

test("a state without a word is told as it is", () => {
  assert.equal(facts.stateWord(jobOf({ state: "failed" }), LABELS), "Failed");
  assert.equal(facts.stateWord(jobOf({ state: "dreaming" }), LABELS), "dreaming");
});

test("a card says what a click on it does", () => {
  const failed = jobOf({ name: "a\u202eb", state: "failed" });
  assert.equal(facts.cardLabel(failed, LABELS), "a⟨202E⟩b, Failed: show details");
  const done = jobOf({ name: "a", output: { seconds: 5 } });
  assert.equal(facts.cardLabel(done, LABELS), "a, done, 5 s: play and show details");
});

test("the steps are those of the job's state, with its name in the command", () => {
  const steps = [{ when: "Buy it", command: "wanbatch resolve m.yaml JOB --resubmit" }];
  const advice = [
    { state: "failed", jobs: ["$& it's"], steps: [] },
    { state: "uncertain", jobs: ["other", "$& it's"], steps },
  ];
  const job = jobOf({ name: "$& it's", state: "uncertain" });
  assert.deepEqual(facts.stepsFor(job, advice), [
    { when: "Buy it", command: `wanbatch resolve m.yaml '$& it'"'"'s' --resubmit` },
  ]);
  assert.equal(facts.stepsFor(jobOf(), advice), undefined);
});

test("options are on or off", () => {
  assert.equal(facts.optionsText(jobOf().request), "prompt_extend off, watermark on");
});

test("the times that are known fill the bar", () => {
  const timings = { queue_s: 10, generation_s: 30, download_s: null };
  assert.deepEqual(facts.timeParts(timings, LABELS.stages), {
    parts: [
      { tone: "waiting", label: "Waited", seconds: 10, x: 0, width: 25 },
      { tone: "generating", label: "Generated in", seconds: 30, x: 25, width: 75 },
    ],
    total: 40,
  });
  assert.deepEqual(facts.timeParts({}, LABELS.stages), { parts: [], total: 0 });
  const [nothing] = facts.timeParts({ queue_s: 0 }, LABELS.stages).parts;
  assert.deepEqual([nothing.x, nothing.width], [0, 0], "no share of nothing");
});

test("a purchase names what is held back, and nothing for the emulator", () => {
  const cost = { spent: "0.5", reserved: "1", currency: "USD" };
  assert.equal(facts.purchaseText(jobOf(), "paid", LABELS.symbols), "$0.50");
  const held = facts.purchaseText(jobOf({ cost }), "paid", LABELS.symbols);
  assert.equal(held, "$0.50, $1.00 held back");
  assert.equal(facts.purchaseText(jobOf({ cost }), "emulator", LABELS.symbols), "nothing paid");
  const unknown = { spent: null, reserved: null, currency: "" };
  assert.equal(facts.purchaseText(jobOf({ cost: unknown }), "paid", LABELS.symbols), "–");
});

test("attempts are listed where they say more than the job", () => {
  const error = { code: "x", message: "y" };
  assert.equal(facts.tellsMore(jobOf()), false);
  assert.equal(facts.tellsMore(jobOf({ attempts: [attemptOf()] })), false);
  assert.equal(facts.tellsMore(jobOf({ attempts: [attemptOf(), attemptOf()] })), true);
  assert.equal(facts.tellsMore(jobOf({ attempts: [attemptOf({ job: "other" })] })), true);
  assert.equal(facts.tellsMore(jobOf({ attempts: [attemptOf({ error })] })), true);
});

test("an attempt says what it cost", () => {
  const cost = (spent) => ({ spent, reserved: "0", currency: "USD" });
  const text = (changes) => facts.attemptText(attemptOf(changes), LABELS.symbols);
  assert.equal(text({}), "stored, $0.50");
  assert.equal(text({ state: "remote_failed", cost: cost("0") }), "remote failed, no charge");
  assert.equal(text({ cost: cost(null) }), "stored, –");
});

test("an attempt says what went wrong, why it could spend, and for whom", () => {
  const notes = (changes) => facts.attemptNotes(attemptOf(changes), jobOf(), LABELS);
  assert.deepEqual(notes({}), ["first try"]);
  const error = { code: "Bad", message: "no\u202e" };
  assert.deepEqual(notes({ error, reason: "unused" }), ["Bad: no⟨202E⟩", "first try"]);
  assert.deepEqual(notes({ reason: "timeout", job: "b" }), ["timeout", "first try for harbor/b"]);
  assert.deepEqual(notes({ authority: "luck" }), ["luck"], "an unknown reason is told as it is");
});

test("a command names the job, quoted, whatever it is called", () => {
  const job = jobOf({ name: "$& it's" });
  assert.equal(
    facts.commandFor("wanbatch run m.yaml --select JOB --regenerate", job),
    `wanbatch run m.yaml --select '$& it'"'"'s' --regenerate`,
  );
});

test("checks that fell short come first, and values have three digits", () => {
  const checks = [
    { name: "length", passed: true, value: 5.0421 },
    { name: "frozen", passed: false, value: 1.2 },
    { name: "size", passed: true, value: "720P\u202e" },
    { name: "sound", passed: false, value: null },
  ];
  assert.deepEqual(
    facts.checksOf(jobOf({ checks })).map((check) => [check.name, facts.checkValue(check)]),
    [
      ["frozen", "1.2"],
      ["sound", ""],
      ["length", "5.04"],
      ["size", "720P⟨202E⟩"],
    ],
  );
});
