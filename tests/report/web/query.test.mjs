// The filter's language: how terms are read, what they ask for, what is said of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const page = load("words.js", "jobs.js", "fields.js", "query.js", "filter.js");
const NOTHING = { verdict: "", stars: 0, note: "" };
const checks = [
  { name: "frozen", passed: false, value: 2.5, message: "frozen for 2.5 s" },
  { name: "motion", passed: true, value: 0.4, message: "moves" },
];
const JOBS = [
  jobOf(),
  jobOf({ name: "b", axes: { hour: "dusk", seed: 7 }, cost: { spent: "1.2", currency: "USD" } }),
  jobOf({ name: "c", state: "failed", axes: { hour: "late night", seed: 8 }, tags: [], checks }),
];
const { entries } = page.makeEntries(JOBS, []);
const known = page.knownOf(entries);
const CHOICES = {
  b: { verdict: "keep", stars: 4, note: "" },
  c: { ...NOTHING, verdict: "reject" },
};
const choiceOf = (entry) => CHOICES[entry.key] ?? NOTHING;
const ask = (q) => page.makeQuestions(q, known, choiceOf);
const found = (q) => {
  const { wanted } = page.siftEntries(entries, new Set(), ask(q));
  return wanted.map((entry) => entries.indexOf(entry)).join("");
};
const said = (q) => page.complaintsOf(ask(q), entries, known).map((parts) => parts.join(""));

test("terms of every kind are read", () => {
  const read = (q) => page.parseQuery(q).map(({ not, key, op, values }) => [not, key, op, values]);
  assert.deepEqual(read('  Dawn -hour:Dusk,"late night" cost>=0.5 x'), [
    [false, "", "", ["dawn"]],
    [true, "hour", ":", ["dusk", "late night"]],
    [false, "cost", ">=", ["0.5"]],
    [false, "", "", ["x"]],
  ]);
  assert.deepEqual(read('"a b:c" "my axis":1 "q\\"x" "open end'), [
    [false, "", "", ["a b:c"]],
    [false, "my axis", ":", ["1"]],
    [false, "", "", ['q"x']],
    [false, "", "", ["open end"]],
  ]);
  assert.deepEqual(read("- hour: :x ="), [
    [false, "", "", ["-"]],
    [false, "", "", [":x"]],
    [false, "", "", ["="]],
  ]);
});

const ASKED = {
  "": "012",
  dawn: "012",
  "hour:dawn": "0",
  "hour:DAWN,dusk": "01",
  "hour=dusk": "1",
  "-hour:dawn": "12",
  'hour:"late night"': "2",
  "seed>7": "02",
  "seed<=8 -seed:7": "2",
  "cost>0.5": "1",
  "cost>=0.5 hour:dawn": "0",
  "check:frozen": "2",
  "-check:frozen": "01",
  "check:motion": "",
  "frozen>2": "2",
  "motion<1": "2",
  kept: "1",
  rejected: "2",
  "-kept": "02",
  '"kept"': "",
  "stars>=4": "1",
  "stars:4": "1",
  "state:failed": "2",
  "state:failed,done": "012",
  "tag:hero": "01",
  "-tag:hero": "2",
  "size:720P seed:7": "1",
  "media/harbor.png": "012",
  "nothing-of-this": "",
  "cost>x": "",
};
for (const [q, expected] of Object.entries(ASKED)) {
  test(`\`${q}\` finds ${expected || "none"}`, () => assert.equal(found(q), expected));
}

test("what no job answers to is named, with what was meant", () => {
  assert.deepEqual(said("hourr:dawn"), ["no axis hourr; did you mean hour?"]);
  assert.deepEqual(said("huor:dawn"), ["no axis huor; did you mean hour?"]);
  assert.deepEqual(said("hour:dwan"), ["no job has hour:dwan; did you mean hour:dawn?"]);
  assert.deepEqual(said("hour:dawn,dsuk"), ["no job has hour:dsuk; did you mean hour:dusk?"]);
  assert.deepEqual(said("check:frozn"), ["no job has check:frozn; did you mean check:frozen?"]);
  assert.deepEqual(said("zebra -xyzzy:1 cost>9"), [
    "no job has zebra",
    "no axis xyzzy",
    "no job has cost>9",
  ]);
  assert.deepEqual(said('dawn -hour:dusk kept rejected stars>=5 "harbour at"'), []);
});

test("an axis has its own name before a field does", () => {
  const job = jobOf({ axes: { size: "huge" } });
  const own = page.makeEntries([job], []).entries;
  const questions = page.makeQuestions("size:huge", page.knownOf(own), choiceOf);
  assert.equal(page.siftEntries(own, new Set(), questions).wanted.length, 1);
});

test("a pill adds its value to the query, and takes it out again", () => {
  const once = page.toggledQuery("dawn -x", "hour", "late night");
  assert.equal(once, 'dawn -x hour:"late night"');
  const twice = page.toggledQuery(once, "Hour", "dusk");
  assert.equal(twice, 'dawn -x hour:"late night",dusk');
  assert.equal(page.toggledQuery(twice, "hour", "Late night"), "dawn -x hour:dusk");
  assert.equal(page.toggledQuery("hour:dusk", "hour", "dusk"), "");
  for (const value of ['a"b', "a,b", "a\\b", "-x", "a:b", " ", "kept"]) {
    const [term] = page.parseQuery(page.toggledQuery("", 'odd "key"', value));
    assert.deepEqual([term.key, term.values], ['odd "key"', [value.toLowerCase()]]);
  }
});

const ODD = [
  ..."\"'\\:=<>-,()[]{}|&^$*+?.#%`~;/@!\0\u202e\ufeff\ud800",
  ...["::", ":::", "a::b", "a:b:c", "-", "--", "---a", '""', '"', '""""', '"\\', '"\\"', "a:"],
  ...[":a", "a:,", "a:,,,", ",", ",,", "=", "==", "a=", "=a", "a==b", "<", "<=", "a<", "a<=", ">"],
  ...["a>", "cost>", "cost>>1", "cost>=<1", "cost<NaN", "cost<Infinity", "cost>1e999", "cost>-1"],
  ...["__proto__", "__proto__:x", "constructor:x", "toString>1", "hasOwnProperty", "stars:★"],
  ...["tag:", "check:", "state:", "state:__proto__", "-kept", "--kept", "KEPT", "kept:", "kept>1"],
  ...["<script>alert(1)</script>", "javascript:alert(1)", "$(7*7)", "{{7*7}}", "%00", "\n\t\r"],
  ...["(a+)+$", "[a", "\\", "a\\", "😀:😀", "😀", "é:É", "ß:SS", "İ", "a\u0000b", '"a\nb":c'],
  ...["-".repeat(5000), '"'.repeat(5001), ":".repeat(5000), "a:".repeat(5000), "(".repeat(5000)],
  ...["x ".repeat(5000), `${"a".repeat(50_000)}:b`, `hour:${",a".repeat(5000)}`, "\\".repeat(5000)],
];

test(`${ODD.length} odd queries are read, asked and answered`, () => {
  assert.ok(ODD.length >= 100);
  const started = performance.now();
  for (const q of ODD) {
    for (const asked of [q, `-${q}`, `hour:${q}`, `${q} dawn`]) {
      const terms = page.parseQuery(asked);
      assert.ok(terms.length <= 60, asked.slice(0, 40));
      assert.ok(terms.every(({ values }) => values.every((value) => value !== "")));
      found(asked);
      for (const parts of page.complaintsOf(ask(asked), entries, known)) {
        assert.ok(parts.every((part) => typeof part === "string"));
      }
      page.toggledQuery(asked, "hour", q);
    }
  }
  assert.ok(performance.now() - started < 5000, "no query takes long");
});
