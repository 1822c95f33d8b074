// The law that keeps many players in step: a master clock, where each player should be,
// and what to do about one that is not there.
//
// It may not touch a player or read the time (players.js does): `now` is an argument.
// @ts-check

/**
 * @typedef {object} Clock
 * @property {number} at the instant, in milliseconds, at which it stood at `position`
 * @property {number} position seconds
 * @property {number} speed
 * @property {boolean} isPlaying
 * @property {boolean} loops
 * @property {number} length seconds of the longest video
 * @typedef {{time: number, isHeld: boolean}} Aim where a player should be; it is held
 *   before its first frame and after its last
 * @typedef {{seek: number} | {rate: number} | null} Mend null: leave it alone
 */

/** Below, a player is in step: a third of a frame of 30 a second. */
const IN_STEP_S = 0.01;

/** Above, it jumps. Where the machine is busy a seek costs more than it mends. */
const JUMP_S = 0.3;

/** A drift is mended over so many seconds; shorter ones swing at ten looks a second. */
const MEND_S = 0.4;

/** The most that a rate is changed by: a fifth is not seen in a picture without sound. */
const NUDGE = 0.25;

/** @param {Clock} clock @param {number} now */
function positionAt(clock, now) {
  const { position, length } = clock;
  if (!clock.isPlaying) return position;
  const moved = position + ((now - clock.at) / 1000) * clock.speed;
  if (moved < length) return Math.max(0, moved);
  return clock.loops && length > 0 ? moved % length : length;
}

/**
 * The clock from `now` on, with what changes.
 * @param {Clock} clock
 * @param {number} now
 * @param {Partial<Clock>} change
 * @returns {Clock}
 */
function clockFrom(clock, now, change) {
  const position = positionAt(clock, now);
  const next = { ...clock, position, at: now, ...change };
  return { ...next, position: Math.min(Math.max(0, next.position), next.length) };
}

/**
 * @param {number} position
 * @param {number} offset_s positive: this player is ahead
 * @param {number} length its own
 * @returns {Aim}
 */
function aimOf(position, offset_s, length) {
  const time = position + offset_s;
  const last = Math.max(0, length - 0.001);
  return { time: Math.min(Math.max(0, time), last), isHeld: time < 0 || time > last };
}

/**
 * How far a player is ahead, in seconds. A player that loops by itself is compared round
 * the circle: 0.1 s after the start is 0.2 s after 0.1 s before the end.
 * @param {number} time
 * @param {number} aim
 * @param {number} circle its length where it loops by itself, else 0
 */
function driftOf(time, aim, circle) {
  const apart = time - aim;
  return circle ? apart - circle * Math.round(apart / circle) : apart;
}

/**
 * What to do about a drift while playing.
 * @param {number} drift
 * @param {number} speed the master's
 * @param {number} jump above so many seconds it seeks
 * @returns {{rate: number, jumps: boolean}}
 */
function mendOf(drift, speed, jump = JUMP_S) {
  if (Math.abs(drift) > jump * Math.max(1, speed)) return { rate: speed, jumps: true };
  if (Math.abs(drift) < IN_STEP_S) return { rate: speed, jumps: false };
  const nudge = Math.min(NUDGE, Math.max(-NUDGE, drift / MEND_S));
  return { rate: speed * (1 - nudge), jumps: false };
}

/**
 * The middle of the frame `frames` on from the one at `position`: a seek there cannot
 * fall to the frame beside it.
 * @param {number} position
 * @param {number} frames
 * @param {number} fps
 * @param {number} length
 */
function frameAfter(position, frames, fps, length) {
  const last = Math.max(0, Math.ceil(length * fps - 1e-6) - 1);
  const frame = Math.min(last, Math.max(0, Math.floor(position * fps + 1e-6) + frames));
  return (frame + 0.5) / fps;
}

/**
 * The clock after a loop: players that loop by themselves come back some 50 ms late, all
 * alike. Better that the clock waits for them than that all of them hurry.
 * @param {Clock} clock
 * @param {number} now
 * @param {number[]} drifts of those that play
 * @returns {Clock}
 */
function settledClock(clock, now, drifts) {
  const middle = [...drifts].sort((a, b) => a - b)[drifts.length >> 1] ?? 0;
  if (Math.abs(middle) < IN_STEP_S || Math.abs(middle) > JUMP_S) return clock;
  return clockFrom(clock, now, { position: positionAt(clock, now) + middle });
}
