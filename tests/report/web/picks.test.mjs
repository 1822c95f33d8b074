// What was chosen is kept by job, survives the page, merges, and can be taken back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const names = load("ranking.js", "review.js", "picks.js");
const { readReview, changeOf, choiceCounts, choiceMark, othersLines } = names;
const PRINT = `wb2:${"0".repeat(64)}`;
const ABOUT = { manifest: { name: "harbor", sha256: "0".repeat(64) }, realm: "paid" };
const entry = (key) => ({ key, job: jobOf({ name: key, fingerprint: PRINT }), former: false });

function storeOf(known = new Map(), isOpen = true) {
  const write = (name, text) => isOpen && Boolean(known.set(name, text));
  return { known, read: (name) => known.get(name) ?? null, write };
}

/** A clock that goes on by a second with each look. */
function picksOf(store = storeOf(), keys = ["a", "b", "c"]) {
  let second = 0;
  const now = () => new Date(Date.UTC(2026, 0, 1) + 1000 * second++).toISOString();
  return names.makePicks(keys.map(entry), ABOUT, store, now, () => 0.5);
}
const chosen = (picks, key) => {
  const { verdict, stars, note } = picks.of(key);
  return { verdict, stars, note };
};
const showing = (left, right, outcome) => ({
  left: { name: left, fingerprint: PRINT },
  right: { name: right, fingerprint: PRINT },
  ...{ outcome, group: "g", swapped: false },
});

test("a pick is changed in part, and is gone when it says nothing", () => {
  const picks = picksOf();
  const heard = [];
  picks.onChange((key) => heard.push(key));
  picks.set("a", { verdict: "keep" });
  picks.set("a", { stars: 4 });
  assert.deepEqual(chosen(picks, "a"), { verdict: "keep", stars: 4, note: "" });
  assert.deepEqual([...picks.all().keys()], ["a"]);
  picks.set("a", { verdict: "", stars: 0 });
  assert.equal(picks.all().size, 0);
  assert.deepEqual(heard, ["a", "a", "a"]);
  assert.deepEqual(chosen(picks, "x"), { verdict: "", stars: 0, note: "" });
  picks.set("x", { verdict: "keep" });
  assert.equal(picks.all().size, 0, "there is no such job");
});

test("every change can be taken back, duels too, and no more than that", () => {
  const picks = picksOf();
  picks.set("a", { verdict: "keep" });
  picks.set("a", { verdict: "reject" });
  picks.judge(showing("a", "b", "left"));
  assert.equal(picks.undo(), "");
  assert.equal(picks.duels().length, 0);
  assert.equal(picks.undo(), "a");
  assert.equal(picks.of("a").verdict, "keep");
  assert.equal(picks.undo(), "a");
  assert.equal(picks.all().size, 0);
  assert.equal(picks.undo(), undefined);
});

test("it outlives the page, by manifest and realm, and not a change of the job", () => {
  const store = storeOf();
  const picks = picksOf(store);
  picks.set("b", { note: "\u202e</script>" });
  picks.judge(showing("a", "b", "right"));
  const again = picksOf(store);
  assert.equal(again.of("b").note, "\u202e</script>");
  assert.equal(again.duels().length, 1);
  assert.equal(again.me(), picks.me());
  const changed = { ...entry("b"), job: jobOf({ name: "b", fingerprint: "wb2:11111111" }) };
  const other = names.makePicks([changed], ABOUT, store, () => "", Math.random);
  assert.equal(other.all().size, 0);
  const paid = names.makePicks(
    [entry("b")],
    { ...ABOUT, realm: "emulator" },
    store,
    () => "",
    Math.random,
  );
  assert.equal(paid.all().size, 0);
});

test("a store that is closed or spoilt loses nothing but itself", () => {
  const closed = picksOf(storeOf(new Map(), false));
  assert.ok(!closed.isKept());
  closed.set("a", { stars: 2 });
  assert.equal(closed.of("a").stars, 2);
  for (const text of ["", "{", "[]", '{"picks": [{}]}']) {
    const store = storeOf(new Map([["wanbatch review paid harbor", text]]));
    assert.equal(picksOf(store).all().size, 0);
  }
});

test("the review that is exported can be read, and merges with others", () => {
  const [ada, bob] = [picksOf(), picksOf()];
  ada.rename(" Ada ");
  bob.rename("Bob");
  ada.set("a", { verdict: "keep" });
  bob.set("a", { verdict: "reject", note: "no" });
  bob.judge(showing("a", "b", "right"));
  const file = JSON.stringify(bob.review());
  ada.merge(readReview(file));
  ada.merge(readReview(file));
  assert.equal(ada.of("a").verdict, "keep", "mine stays mine");
  assert.deepEqual(othersLines(ada.others("a")), ["Bob · rejects it · no"]);
  assert.equal(ada.duels().length, 1);
  const { reviewers, picks, duels } = readReview(JSON.stringify(ada.review()));
  assert.deepEqual(reviewers, ["Ada", "Bob"]);
  assert.deepEqual([picks.length, duels.length], [2, 1]);
  const foreign = { ...bob.review(), manifest: { name: "else", sha256: "0".repeat(64) } };
  assert.throws(() => ada.merge(foreign), /it is of else/);
});

test("a new name takes along what was chosen under the old one", () => {
  const picks = picksOf();
  picks.set("a", { stars: 5 });
  picks.judge(showing("a", "b", "left"));
  picks.rename("");
  picks.rename("Cleo");
  assert.equal(picks.of("a").stars, 5);
  assert.deepEqual(picks.review().reviewers, ["Cleo"]);
});

test("keys, counts and marks", () => {
  const none = { verdict: "", stars: 0, note: "" };
  assert.deepEqual(changeOf("k", none), { verdict: "keep" });
  assert.deepEqual(changeOf("k", { ...none, verdict: "keep" }), { verdict: "" });
  assert.deepEqual(changeOf("x", { ...none, verdict: "keep" }), { verdict: "reject" });
  assert.deepEqual(changeOf("0", none), { stars: 0 });
  assert.deepEqual(changeOf("5", none), { stars: 5 });
  for (const key of ["6", "K", "", "15", "Enter"]) assert.equal(changeOf(key, none), undefined);
  const all = [none, { verdict: "keep", stars: 3, note: "x" }, { ...none, verdict: "reject" }];
  assert.deepEqual(choiceCounts(all), { keep: 1, reject: 1, stars: 1 });
  assert.equal(choiceMark(all[1]), "✓ ★★★ ✎");
  assert.equal(choiceMark(none), "");
});
