// The ranking by duels: what showings come to, who leads and how surely, which pair is
// next, and how many duels that saves.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const ranking = load("ranking.js");
const ref = (name) => ({ name, fingerprint: "wb2:0" });
const key = (name) => ranking.keyOf(ref(name));
const duel = (left, right, outcome, swapped = false, by = "Ada") => ({
  ...{ left: ref(left), right: ref(right), outcome, swapped, by },
  ...{ group: "g", at: "2026-01-01T00:00:00Z" },
});
const scores = (...duels) => ranking.settleDuels(duels).results.map(({ score }) => score);

test("a win counts only if it survives the swap", () => {
  const first = duel("b", "a", "left");
  assert.deepEqual(scores(first), []);
  assert.equal(ranking.settleDuels([first]).waiting.length, 1);
  assert.deepEqual(scores(first, duel("a", "b", "right", true)), [0], "b won twice");
  assert.deepEqual(scores(first, duel("a", "b", "left", true)), [0.5], "left won twice");
  assert.deepEqual(scores(first, duel("a", "b", "same", true)), [0.5]);
  assert.deepEqual(scores(duel("a", "b", "both_bad")), [0.5], "no second showing is needed");
  assert.deepEqual(scores(first, duel("a", "b", "right", true, "Bob")), []);
});

test("who won more is stronger, and who was met more is known better", () => {
  const won = (a, b) => [duel(a, b, "left"), duel(b, a, "right", true)];
  const keys = ["a", "b", "c", "d"].map(key);
  const duels = [...won("b", "a"), ...won("b", "c"), ...won("a", "c"), ...won("b", "a")];
  const { ranks, settled, sure } = ranking.rankGroup(keys, duels);
  assert.deepEqual(
    ranks.map((rank) => rank.key),
    ["b", "d", "a", "c"].map(key),
    "one that met nobody stands in the middle",
  );
  assert.equal(settled, 4);
  const [b, d] = ranks;
  assert.ok(b.low < b.chance && b.chance < b.high);
  assert.ok(d.high - d.low > b.high - b.low);
  assert.ok(sure > 0.3 && sure < 0.9, String(sure));
  assert.equal(ranking.rankGroup([], []).ranks.length, 0);
});

test("the intervals hold the truth about as often as they say", () => {
  const truth = [1, 0.4, 0, -0.4, -1];
  const random = dice(5);
  let held = 0;
  const runs = 200;
  for (let run = 0; run < runs; run++) {
    const results = [];
    for (let i = 0; i < 100; i++) {
      const [a, b] = randomPair(truth.length, random);
      const wins = random() < 1 / (1 + Math.exp(truth[b] - truth[a]));
      results.push({ a, b, score: Number(wins) });
    }
    const { strength, covariance } = ranking.fitStrengths(truth.length, results);
    held += Number(Math.abs(strength[0] - truth[0]) < 1.96 * Math.sqrt(covariance[0][0]));
  }
  assert.ok(held / runs > 0.9, `${held} of ${runs}`);
});

test("a pair comes back with its sides swapped, after others", () => {
  const keys = ["a", "b", "c"].map(key);
  const fit = (duels) => ranking.rankGroup(keys, duels).fit;
  const next = (duels, random) => ranking.nextPair(keys, duels, fit(duels), random);
  const random = dice(1);
  const first = duel("a", "b", "left");
  const second = next([first], random);
  assert.ok(!second.swapped);
  assert.notDeepEqual([second.left, second.right].sort(), [key("a"), key("b")]);
  const others = [first, duel("a", "c", "same"), duel("b", "c", "same")];
  assert.deepEqual(next(others, random), { left: key("b"), right: key("a"), swapped: true });
  assert.equal(ranking.nextPair([key("a")], [], ranking.fitStrengths(1, []), random), null);
  const two = ["a", "b"].map(key);
  const again = ranking.nextPair(two, [first], ranking.rankGroup(two, [first]).fit, random);
  assert.ok(again.swapped, "of two there is no other pair to show in between");
});

test("sides are drawn", () => {
  const keys = ["a", "b"].map(key);
  const fit = ranking.fitStrengths(2, []);
  const random = dice(3);
  const lefts = Array.from({ length: 40 }, () => ranking.nextPair(keys, [], fit, random).left);
  assert.equal(new Set(lefts).size, 2);
});

test("a group is of one request but for seed and take, and of videos", () => {
  const entry = (changes) => ({ job: jobOf({ output: {}, ...changes }), key: "", former: false });
  const groups = ranking.duelGroups([
    entry({ axes: { hour: "dawn", seed: 1 } }),
    entry({ axes: { hour: "dawn", seed: 2, take: 1 } }),
    entry({ axes: { hour: "dusk", seed: 1 } }),
    entry({ axes: { hour: "dusk", seed: 2 }, output: null }),
    { ...entry({ axes: { hour: "dusk", seed: 3 } }), former: true },
    entry({ id: "solo", axes: { seed: 1 } }),
    entry({ id: "solo", axes: { seed: 2 } }),
  ]);
  assert.deepEqual([...groups.keys()], ["opening[hour=dawn]", "solo"]);
  assert.equal(groups.get("solo").length, 2);
});

// -- the figure ------------------------------------------------------------------------

const STRENGTHS = [2, 1, 0.8, 0.5, 0, -0.5, -1, -1.5];
const VOTERS = 300;
const MOST_SHOWN = 240;
const BOUND = 0.6;

/** How many showings until 95 % of the voters' rankings have the best first, and keep it. */
function showingsNeeded(choose) {
  const right = new Array(MOST_SHOWN + 1).fill(0);
  for (let voter = 0; voter < VOTERS; voter++) {
    for (const [at, isRight] of oneVoter(choose, dice(voter * 7919 + 1)).entries())
      right[at] += isRight;
  }
  let needed = MOST_SHOWN;
  while (needed > 0 && right[needed - 1] >= 0.95 * VOTERS) needed--;
  return needed;
}

/** After each showing, whether the best leads. A tenth are "same", the left side is liked. */
function oneVoter(choose, random) {
  const count = STRENGTHS.length;
  const strengths = STRENGTHS.map((value) => [random(), value]).sort(([a], [b]) => a - b);
  const truth = strengths.map(([, value]) => value);
  const best = truth.indexOf(Math.max(...truth));
  const results = [];
  const right = [0];
  let fit = ranking.fitStrengths(count, results);
  const vote = (left, other) => {
    if (random() < 0.1) return 0.5;
    return Number(random() < 1 / (1 + Math.exp(truth[other] - truth[left] - 0.2)));
  };
  while (right.length <= MOST_SHOWN) {
    const leads = Number(fit.strength.indexOf(Math.max(...fit.strength)) === best);
    const [a, b] = choose(fit, random);
    const first = vote(a, b);
    const second = first === 0.5 ? null : 1 - vote(b, a);
    right.push(leads);
    if (second !== null) right.push(leads);
    results.push({ a, b, score: second !== null && second === first ? first : 0.5 });
    fit = ranking.fitStrengths(count, results);
  }
  return right.slice(0, MOST_SHOWN + 1);
}

test("the best of 8 is found with 60 % of the duels of random pairs at most", (t) => {
  const telling = showingsNeeded((fit, random) => ranking.mostTelling(fit, () => true, random));
  const drawn = showingsNeeded((fit, random) => randomPair(fit.strength.length, random));
  const said = `${telling} duels, random pairs ${drawn === MOST_SHOWN ? "over " : ""}${drawn}`;
  t.diagnostic(`the best of 8 with 95 %: ${said}`);
  assert.ok(telling > 5, said);
  assert.ok(telling <= BOUND * drawn, said);
});

function randomPair(count, random) {
  const a = Math.floor(random() * count);
  const b = Math.floor(random() * (count - 1));
  return [a, b + Number(b >= a)];
}

/** Mulberry32: numbers from 0 to 1 that a seed decides. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
