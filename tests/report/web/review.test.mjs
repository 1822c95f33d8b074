// review.json as the page reads and writes it: nothing is believed, nothing is lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { readReview, newestPicks, eachDuelOnce } = load("ranking.js", "review.js");
const AT = "2026-01-31T12:00:00.000Z";
const PRINT = `wb2:${"0".repeat(64)}`;
const pick = (changes) => ({
  ...{ name: "a", fingerprint: PRINT, video: null, verdict: "keep", stars: 3 },
  ...{ note: "\u202e</script>", by: "Ada", at: AT, ...changes },
});
const duel = (changes) => ({
  ...{ group: "g", outcome: "left", swapped: false, by: "Ada", at: AT },
  left: { name: "a", fingerprint: PRINT },
  right: { name: "b", fingerprint: PRINT },
  ...changes,
});
const review = (changes) => ({
  ...{ schema: "wanbatch/review@1", realm: "paid", exported_at: AT, reviewers: ["Ada"] },
  manifest: { name: "harbor", sha256: "0".repeat(64) },
  ...{ picks: [pick()], duels: [duel()], ...changes },
});

test("what is written is read again, and nothing besides", () => {
  assert.deepEqual(readReview(JSON.stringify(review())), review());
  const more = review({ picks: [pick({ evil: 1 })], other: { x: 1 } });
  assert.deepEqual(readReview(`\ufeff${JSON.stringify(more)}`), review());
});

const WRONG = [
  ["", /JSON/],
  ["[]", /\/schema is not/],
  ["7", /the file is not what/],
  ["null", /the file is not what/],
  ['{"schema": NaN}', /JSON/],
  ["[".repeat(100_000), /JSON|call stack/],
  [review({ schema: "wanbatch/review@2" }), /\/schema is not/],
  [review({ realm: "moon" }), /\/realm is not/],
  [review({ manifest: null }), /\/manifest is not what/],
  [review({ manifest: { name: "x", sha256: "0" } }), /\/manifest\/sha256 is not/],
  [review({ picks: {} }), /\/picks is not what/],
  [review({ picks: new Array(200_001).fill(0) }), /\/picks is not what/],
  [review({ picks: [pick(), pick({ stars: 9 })] }), /\/picks\/1\/stars is not/],
  [review({ picks: [pick({ stars: "5" })] }), /\/picks\/0\/stars is not/],
  [review({ picks: [pick({ verdict: "toString" })] }), /\/picks\/0\/verdict is not/],
  [review({ picks: [pick({ note: { toString: 1 } })] }), /\/picks\/0\/note is not/],
  [review({ picks: [pick({ note: "x".repeat(10_001) })] }), /\/picks\/0\/note is not/],
  [review({ picks: [pick({ fingerprint: "../x" })] }), /\/picks\/0\/fingerprint is not/],
  [review({ picks: [pick({ by: "" })] }), /\/picks\/0\/by is not/],
  [review({ picks: [pick({ at: "today" })] }), /\/picks\/0\/at is not/],
  [review({ duels: [duel({ outcome: "up" })] }), /\/duels\/0\/outcome is not/],
  [review({ duels: [duel({ left: "a" })] }), /\/duels\/0\/left is not what/],
  [review({ duels: [duel({ right: duel().left })] }), /\/duels\/0: a video meets itself/],
  [review({ picks: [pick({ video: ["0".repeat(64)] })] }), /\/picks\/0\/video is not/],
  [review({ reviewers: [7] }), /\/reviewers\/0 is not/],
  ['{"__proto__": {"schema": "wanbatch/review@1"}}', /\/schema is not/],
];

test("a wrong or hostile file is refused with its place", () => {
  for (const [given, said] of WRONG) {
    const text = typeof given === "string" ? given : JSON.stringify(given);
    assert.throws(() => readReview(text), said, text.slice(0, 60));
  }
});

test("of one person's words on one video the newest counts", () => {
  const later = "2026-02-01T00:00:00Z";
  const [old, young] = [pick(), pick({ at: later, stars: 5 })];
  for (const order of [
    [old, young],
    [young, old],
  ])
    assert.deepEqual([...newestPicks(order).values()], [young]);
  assert.equal(newestPicks([old, pick({ by: "Bob" }), pick({ name: "b" })]).size, 3);
});

test("a showing counts once, in the order of time", () => {
  const later = duel({ at: "2026-02-01T00:00:00Z" });
  assert.deepEqual(eachDuelOnce([later, duel(), duel(), later]), [duel(), later]);
});
