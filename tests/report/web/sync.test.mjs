// The law that keeps players in step, held against simulated players: slow ones, late
// ones, a loop, an offset.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const sync = load("sync.js");
const CLOCK = { at: 0, position: 0, speed: 1, isPlaying: true, loops: true, length: 5 };
const near = (a, b, within = 1e-9) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);

test("the clock moves by its speed and comes round", () => {
  near(sync.positionAt(CLOCK, 1500), 1.5);
  near(sync.positionAt({ ...CLOCK, speed: 2 }, 1500), 3);
  near(sync.positionAt(CLOCK, 6500), 1.5);
  near(sync.positionAt({ ...CLOCK, loops: false }, 6500), 5);
  near(sync.positionAt({ ...CLOCK, isPlaying: false, position: 2 }, 6500), 2);
  near(sync.positionAt({ ...CLOCK, length: 0 }, 6500), 0);
});

test("a change keeps the place", () => {
  const slow = sync.clockFrom(CLOCK, 2000, { speed: 0.5 });
  near(sync.positionAt(slow, 2000), 2);
  near(sync.positionAt(slow, 3000), 2.5);
  const paused = sync.clockFrom(slow, 3000, { isPlaying: false });
  near(sync.positionAt(paused, 9000), 2.5);
  near(sync.clockFrom(paused, 9000, { position: 77 }).position, 5);
  near(sync.clockFrom(paused, 9000, { position: -1 }).position, 0);
});

test("a player aims at the master and its offset, and is held outside of its video", () => {
  assert.deepEqual(sync.aimOf(2, 0.5, 5), { time: 2.5, isHeld: false });
  assert.deepEqual(sync.aimOf(2, -3, 5), { time: 0, isHeld: true });
  const after = sync.aimOf(4, 0, 3);
  assert.ok(after.isHeld && after.time < 3 && after.time > 2.99);
});

test("a drift is measured round the circle where a video loops by itself", () => {
  near(sync.driftOf(0.1, 4.9, 5), 0.2);
  near(sync.driftOf(4.9, 0.1, 5), -0.2);
  near(sync.driftOf(0.1, 4.9, 0), -4.8);
});

test("small drifts are left, others are nudged, large ones jump", () => {
  assert.deepEqual(sync.mendOf(0.005, 1), { rate: 1, jumps: false });
  assert.ok(sync.mendOf(0.05, 1).rate < 1);
  assert.ok(sync.mendOf(-0.05, 2).rate > 2);
  assert.ok(sync.mendOf(-0.19, 1).rate <= 1.25);
  assert.ok(sync.mendOf(0.5, 1).jumps && sync.mendOf(-0.5, 1).jumps);
  assert.ok(!sync.mendOf(0.3, 2).jumps, "at twice the speed a drift grows twice as fast");
});

/** Plays for `seconds` with a look every 100 ms; gives the drifts. */
function played(player, seconds) {
  const drifts = [];
  let rate = 1;
  for (let now = 0; now < seconds * 1000; now += 100) {
    const aim = sync.aimOf(sync.positionAt(CLOCK, now), 0, 5).time;
    const drift = sync.driftOf(player.time, aim, 5);
    drifts.push(drift);
    const mend = sync.mendOf(drift, 1);
    if (mend.jumps) player.time = aim;
    rate = mend.rate;
    player.time = (player.time + 0.1 * rate * player.pace) % 5;
  }
  return drifts;
}

test("a player that began late, or runs too fast or too slow, is in step soon", () => {
  for (const [time, pace] of [
    [4.87, 1],
    [0.15, 1],
    [0, 0.97],
    [0, 1.03],
    [2, 1],
  ]) {
    const drifts = played({ time, pace }, 20);
    for (const drift of drifts.slice(20)) assert.ok(Math.abs(drift) < 0.02, `${drift}`);
  }
});

test("a frame step falls into the middle of a frame, and stays inside", () => {
  near(sync.frameAfter(0, 1, 25, 5), 0.06);
  near(sync.frameAfter(0.06, 1, 25, 5), 0.1);
  near(sync.frameAfter(0.06, -1, 25, 5), 0.02);
  near(sync.frameAfter(0.02, -1, 25, 5), 0.02);
  near(sync.frameAfter(4.99, 3, 25, 5), 4.98);
  let at = 0;
  for (let step = 0; step < 60; step++) at = sync.frameAfter(at, 1, 24, 5);
  near(at, 60.5 / 24, 1e-6);
});

test("after a loop the clock waits for players that all came late", () => {
  const late = [-0.05, -0.06, 0.3, -0.055];
  const waited = sync.settledClock(CLOCK, 5100, late);
  near(sync.positionAt(waited, 5100), 0.1 - 0.05);
  assert.equal(sync.settledClock(CLOCK, 5100, [-0.001, 0.002]), CLOCK);
  assert.equal(sync.settledClock(CLOCK, 5100, [-1, -1]), CLOCK, "these jump");
  assert.equal(sync.settledClock(CLOCK, 5100, []), CLOCK);
  near(sync.settledClock(CLOCK, 5010, [-0.05]).position, 0, 1e-9);
});
