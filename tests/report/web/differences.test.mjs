// How requests differ, and the sums of comparing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const d = load("words.js", "differences.js");
const MEDIA = { first_frame: "First frame" };
/** A job whose request has `changes`. */
const jobWith = (changes) => jobOf({ request: { ...jobOf().request, ...changes } });
/** Pieces as text, the odd ones in brackets. */
const marked = (cells) =>
  cells.map((pieces) => pieces.map((p) => (p.odd ? `[${p.text}]` : p.text)).join(""));
const differences = (...changes) => d.requestDifferences(changes.map(jobWith), MEDIA);

test("equal requests differ in nothing", () => {
  assert.deepEqual(differences({}, {}), []);
  assert.equal(d.differenceText([]), "Their requests are the same.");
});

test("a prompt differs word by word", () => {
  const [row] = differences(
    { prompt: "Harbour at dawn, 35mm film" },
    { prompt: "Harbour at dusk, 35mm film, rain" },
  );
  assert.equal(row.label, "Prompt");
  assert.deepEqual(marked(row.cells), [
    "Harbour at [dawn, ]35mm [film]",
    "Harbour at [dusk, ]35mm [film, rain]",
  ]);
});

test("the first of three has every word odd that another lacks", () => {
  const [row] = differences({ prompt: "a b c" }, { prompt: "a b" }, { prompt: "b c" });
  assert.deepEqual(marked(row.cells), ["[a ]b [c]", "a b", "b c"]);
});

test("words that moved, repeated words and no prompt", () => {
  const texts = (...all) => marked(d.textPieces(all));
  assert.deepEqual(texts("x a b", "a b x"), ["[x ]a b", "a b [x]"]);
  assert.deepEqual(texts("a a b a", "a b a a"), ["a [a ]b a", "a b a [a]"]);
  assert.deepEqual(texts("one\ntwo", "one two"), ["one\ntwo", "one two"]);
  const [row] = differences({ prompt: null }, { prompt: "a" });
  assert.deepEqual(marked(row.cells), ["[–]", "[a]"]);
});

test("the longest common words are found, as a slow search finds them", () => {
  const longest = (one, other) => {
    if (!one.length || !other.length) return 0;
    const [a, ...rest] = one;
    const [b, ...others] = other;
    if (a === b) return 1 + longest(rest, others);
    return Math.max(longest(rest, other), longest(one, others));
  };
  let state = 7;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const draw = () =>
    Array.from({ length: Math.floor(random() * 8) }, () => "abc"[Math.floor(random() * 3)]);
  for (let i = 0; i < 400; i += 1) {
    const [one, other] = [draw(), draw()];
    const [inOne, inOther] = d.commonWords(one, other);
    const kept = one.filter((_, at) => inOne[at]);
    assert.deepEqual(
      kept,
      other.filter((_, at) => inOther[at]),
    );
    assert.equal(kept.length, longest(one, other), `${one} and ${other}`);
  }
});

test("texts of 100,000 words are no trap", () => {
  const long = (word) => Array.from({ length: 1e5 }, (_, i) => `${word}${i}`).join(" ");
  const before = performance.now();
  const [one] = d.textPieces([`same ${long("a")} end`, `same ${long("b")} end`]);
  assert.ok(performance.now() - before < 1000);
  assert.ok(
    one.every(({ odd }) => odd),
    "they differ as wholes",
  );
});

test("other fields differ as wholes, and only those that do are told", () => {
  const rows = differences(
    {
      seed: 100,
      seconds: 5,
      media: [{ type: "first_frame", source: "a.png", sha256: "12345678ab" }],
    },
    {
      seed: 101,
      seconds: 8,
      media: [{ type: "first_frame", source: "a.png", sha256: "87654321ab" }],
    },
    { seed: 100, seconds: 5, media: [], prompt_extend: true },
  );
  assert.deepEqual(
    rows.map(({ label, cells }) => [label, ...marked(cells)]),
    [
      ["Seed", "100", "[101]", "100"],
      ["Length", "5 s", "[8 s]", "5 s"],
      ["First frame", "a.png (12345678)", "[a.png (87654321)]", "[–]"],
      ["Prompt extension", "off", "off", "[on]"],
    ],
  );
  assert.equal(
    d.differenceText(rows),
    "They differ in seed, length, first frame and prompt extension.",
  );
  assert.equal(d.differenceText(rows.slice(0, 1)), "They differ in seed.");
});

test("a medium without a word, and marks that would turn text", () => {
  const media = (source) => [{ type: "constructor", source, sha256: null }];
  const rows = differences({ media: media("a") }, { media: media("b\u202e") });
  assert.deepEqual([rows[0].label, ...marked(rows[0].cells)], ["constructor", "a", "[b⟨202E⟩]"]);
});

test("keys of the address may have commas", () => {
  const known = new Set(["opening[hour=dawn,seed=100]", "b", "b,c", "d@12345678", "e"]);
  const keys = (text) => d.keysIn(text, (key) => known.has(key));
  assert.deepEqual(keys("opening[hour=dawn,seed=100],b"), ["opening[hour=dawn,seed=100]", "b"]);
  assert.deepEqual(keys("b,c,d@12345678,nobody,e,e"), ["b,c", "d@12345678", "e"]);
  assert.deepEqual(keys(""), []);
  known.add("x").add("y");
  assert.equal(keys("b,x,y,e,d@12345678").length, 4);
});

test("a key is taken in, or put away; of five the first goes", () => {
  assert.deepEqual(d.toggledKey(["a"], "b"), ["a", "b"]);
  assert.deepEqual(d.toggledKey(["a", "b"], "a"), ["b"]);
  assert.deepEqual(d.toggledKey(["a", "b", "c", "d"], "e"), ["b", "c", "d", "e"]);
});

test("a wipe follows pointer and keys, and stays inside", () => {
  const box = { left: 100, width: 400 };
  assert.deepEqual(
    [100, 300, 500, 0, 900].map((x) => d.wipeAt(x, box)),
    [0, 50, 100, 0, 100],
  );
  assert.equal(d.wipeAt(5, { left: 0, width: 0 }), 50);
  assert.equal(d.wipeAfter("ArrowLeft", 50, false), 48);
  assert.equal(d.wipeAfter("ArrowRight", 95, true), 100);
  assert.equal(d.wipeAfter("Home", 95, false), 0);
  assert.equal(d.wipeAfter("toString", 95, false), undefined);
});

test("what is in front goes round, and never hides behind itself", () => {
  assert.deepEqual(
    [0, 1, 2].map((at) => d.frontAfter(at, 1, 3, true)),
    [1, 2, 0],
  );
  assert.deepEqual(
    [1, 2].map((at) => d.frontAfter(at, 1, 3, false)),
    [2, 1],
  );
  assert.equal(d.frontAfter(0, 0, 3, false), 1);
  assert.equal(d.frontAfter(0, -1, 2, true), 1);
  assert.equal(d.frontAfter(7, 0, 1, false), 0);
});

test("offsets are whole frames", () => {
  assert.deepEqual(d.offsetsIn("0,-3,2.4", 4), [0, -3, 2, 0]);
  assert.deepEqual(d.offsetsIn("x,1e9,-1e9,Infinity", 4), [0, 600, -600, 0]);
});
