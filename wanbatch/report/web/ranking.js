// The ranking by duels: what a pair's showings come to, how strong each video is with an
// interval, and which pair teaches most about the best.
//
// It may not touch the page, or draw chance (it is given). How it works: a win counts
// only if it survives the swap of sides, all else is a tie, half a win for each. The
// model is Bradley and Terry's with a normal prior, fitted by Newton's method; intervals
// come from its Hessian. wanbatch/report/ranking.py does the same, and a test compares.
// @ts-check

/** @typedef {{a: number, b: number, score: number}} Result what a pair came to, for `a` */
/** @typedef {{strength: Float64Array, covariance: Float64Array[]}} Fit */

/** Before any duel strengths lie within ± 3: nine in ten win up to 95 % of their duels. */
const PRIOR_SD = 1.5;
const MOST_ROUNDS = 30;
/** Of the normal distribution: 95 % lie within. */
const WIDTH_95 = 1.96;
/** A pair comes back swapped after so many others: by then its sides are forgotten. */
const SHOWN_BETWEEN = 2;

/** @param {number} x */
const logistic = (x) => 1 / (1 + Math.exp(-x));

/**
 * What the showings come to: of each person and pair, two showings make one result; one
 * that has no winner makes one alone. What waits for its second showing is left over.
 * @param {Duel[]} duels in the order in which they were shown
 */
function settleDuels(duels) {
  /** @type {Map<string, Duel>} */
  const waiting = new Map();
  /** @type {{a: string, b: string, score: number}[]} */
  const results = [];
  for (const duel of duels) {
    const [a, b] = [keyOf(duel.left), keyOf(duel.right)].sort();
    const pair = JSON.stringify([duel.by, a, b]);
    const winner = winnerOf(duel);
    const first = waiting.get(pair);
    if (first && first.swapped !== duel.swapped) {
      waiting.delete(pair);
      const agree = winner && winner === winnerOf(first);
      results.push({ a, b, score: agree ? Number(winner === a) : 0.5 });
    } else if (winner) waiting.set(pair, duel);
    else results.push({ a, b, score: 0.5 });
  }
  return { results, waiting: [...waiting.values()] };
}

/** @param {JobRef} job */
function keyOf(job) {
  return `${job.name}\n${job.fingerprint}`;
}

/** @param {Duel} duel */
function winnerOf(duel) {
  if (duel.outcome === "left") return keyOf(duel.left);
  return duel.outcome === "right" ? keyOf(duel.right) : "";
}

/**
 * @param {number} count
 * @param {Result[]} results
 * @returns {Fit}
 */
function fitStrengths(count, results) {
  const wins = Array.from({ length: count }, () => new Float64Array(count));
  for (const { a, b, score } of results) {
    wins[a][b] += score;
    wins[b][a] += 1 - score;
  }
  const strength = new Float64Array(count);
  let covariance = identityOf(count, PRIOR_SD ** 2);
  for (let step = 0; results.length && step < MOST_ROUNDS; step++) {
    const { gradient, hessian } = slopeAt(strength, wins);
    covariance = inverseOf(hessian);
    let furthest = 0;
    for (let i = 0; i < count; i++) {
      let move = 0;
      for (let j = 0; j < count; j++) move += covariance[i][j] * gradient[j];
      move = Math.max(-1, Math.min(1, move));
      strength[i] += move;
      furthest = Math.max(furthest, Math.abs(move));
    }
    if (furthest < 1e-7) break;
  }
  return { strength, covariance };
}

/**
 * @param {Float64Array} strength
 * @param {Float64Array[]} wins
 */
function slopeAt(strength, wins) {
  const count = strength.length;
  const gradient = strength.map((value) => -value / PRIOR_SD ** 2);
  const hessian = identityOf(count, 1 / PRIOR_SD ** 2);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const met = wins[i][j] + wins[j][i];
      if (i === j || !met) continue;
      const chance = logistic(strength[i] - strength[j]);
      gradient[i] += wins[i][j] - met * chance;
      hessian[i][i] += met * chance * (1 - chance);
      hessian[i][j] -= met * chance * (1 - chance);
    }
  }
  return { gradient, hessian };
}

/**
 * @param {number} count
 * @param {number} value
 */
function identityOf(count, value) {
  return Array.from({ length: count }, (_, i) => {
    const row = new Float64Array(count);
    row[i] = value;
    return row;
  });
}

/**
 * The inverse of a positive definite matrix (the prior makes it one), by Gauss and Jordan.
 * @param {Float64Array[]} matrix
 */
function inverseOf(matrix) {
  const count = matrix.length;
  const left = matrix.map((row) => row.slice());
  const right = identityOf(count, 1);
  for (let c = 0; c < count; c++) {
    const pivot = left[c][c];
    for (let k = 0; k < count; k++) {
      left[c][k] /= pivot;
      right[c][k] /= pivot;
    }
    for (let r = 0; r < count; r++) {
      const factor = r === c ? 0 : left[r][c];
      for (let k = 0; factor && k < count; k++) {
        left[r][k] -= factor * left[c][k];
        right[r][k] -= factor * right[c][k];
      }
    }
  }
  return right;
}

/**
 * The variance of how much stronger `i` is than `j`.
 * @param {Fit} fit
 * @param {number} i
 * @param {number} j
 */
function spreadOf({ covariance }, i, j) {
  return covariance[i][i] + covariance[j][j] - 2 * covariance[i][j];
}

/**
 * The share of a normal distribution below `x` (logistic approximation, within 0.01).
 * @param {number} x
 */
function shareBelow(x) {
  return logistic(1.5976 * x + 0.07056 * x ** 3);
}

/**
 * Twice the chance of each to be stronger than the one that leads: 1 for itself.
 * @param {Fit} fit
 */
function chancesToLead(fit) {
  const { strength } = fit;
  const best = strength.indexOf(Math.max(...strength));
  return Array.from(strength, (value, i) =>
    i === best ? 1 : 2 * shareBelow((value - strength[best]) / Math.sqrt(spreadOf(fit, i, best))),
  );
}

/**
 * How much each pair would teach about the best: the information of one more duel, weighed
 * by the chances of both to be better than the leader. Among equals `random` chooses.
 * @param {Fit} fit
 * @param {(a: number, b: number) => boolean} isOpen
 * @param {() => number} random
 * @returns {[number, number] | null}
 */
function mostTelling(fit, isOpen, random) {
  const { strength } = fit;
  const hopes = chancesToLead(fit);
  /** @type {[number, number] | null} */
  let found = null;
  let most = 0;
  for (let a = 0; a < strength.length; a++) {
    for (let b = a + 1; b < strength.length; b++) {
      if (!isOpen(a, b)) continue;
      const chance = logistic(strength[a] - strength[b]);
      const told = hopes[a] * hopes[b] * chance * (1 - chance) * spreadOf(fit, a, b);
      const worth = told * (1 + 1e-6 * random());
      if (worth > most) [most, found] = [worth, [a, b]];
    }
  }
  return found;
}

/**
 * A group's ranking, best first: the chance to win against an average one, its interval,
 * and the chance to be better than the one that leads.
 * @param {string[]} keys
 * @param {Duel[]} duels
 */
function rankGroup(keys, duels) {
  const { results, waiting } = settleDuels(duels);
  const numbered = numberResults(keys, results);
  const fit = fitStrengths(keys.length, numbered);
  const ranks = keys.map((key, i) => {
    const reach = WIDTH_95 * Math.sqrt(fit.covariance[i][i]);
    const middle = fit.strength[i];
    return {
      key,
      chance: logistic(middle),
      low: logistic(middle - reach),
      high: logistic(middle + reach),
      met: numbered.filter(({ a, b }) => a === i || b === i).length,
    };
  });
  ranks.sort((one, other) => other.chance - one.chance);
  return { ranks, fit, settled: numbered.length, waiting, sure: sureness(fit) };
}

/**
 * @param {string[]} keys
 * @param {{a: string, b: string, score: number}[]} results
 * @returns {Result[]}
 */
function numberResults(keys, results) {
  const places = new Map(keys.map((key, i) => [key, i]));
  return results.flatMap(({ a, b, score }) => {
    const [i, j] = [places.get(a), places.get(b)];
    return i === undefined || j === undefined ? [] : [{ a: i, b: j, score }];
  });
}

/**
 * The chance that the one that leads is the best: that no other is better.
 * @param {Fit} fit
 */
function sureness(fit) {
  return 2 * chancesToLead(fit).reduce((sure, hope) => sure * (1 - hope / 2), 1);
}

/**
 * The pair to show next, its sides by chance; a pair that had a winner comes back swapped
 * once others were shown in between. `null` for fewer than two.
 * @param {string[]} keys
 * @param {Duel[]} duels of this person, in this group, in order
 * @param {Fit} fit
 * @param {() => number} random
 * @param {string} [skipped] a pair that is not wanted now: its keys in order
 * @returns {{left: string, right: string, swapped: boolean} | null}
 */
function nextPair(keys, duels, fit, random, skipped = "") {
  const waiting = settleDuels(duels).waiting.filter(
    ({ left, right }) => keys.includes(keyOf(left)) && keys.includes(keyOf(right)),
  );
  const oldest = waiting[0];
  const isDue = oldest && duels.length - duels.lastIndexOf(oldest) > SHOWN_BETWEEN;
  const held = new Set(waiting.map(({ left, right }) => [keyOf(left), keyOf(right)].sort().join()));
  if (keys.length > 2) held.add(skipped);
  const pair = isDue
    ? null
    : mostTelling(fit, (a, b) => !held.has([keys[a], keys[b]].sort().join()), random);
  if (pair) {
    const [left, right] = random() < 0.5 ? pair : pair.toReversed();
    return { left: keys[left], right: keys[right], swapped: false };
  }
  if (!oldest) return null;
  return { left: keyOf(oldest.right), right: keyOf(oldest.left), swapped: true };
}

/**
 * The groups that duels are held in: videos of one request but for seed and take, each
 * with two at least.
 * @param {Entry[]} entries
 * @returns {Map<string, Entry[]>}
 */
function duelGroups(entries) {
  /** @type {Map<string, Entry[]>} */
  const groups = new Map();
  for (const entry of entries) {
    if (entry.former || !entry.job.output) continue;
    const axes = Object.entries(entry.job.axes).filter(([name]) => !/^(seed|take)$/.test(name));
    const inside = axes.map(([name, value]) => `${name}=${value}`).join(", ");
    const group = inside ? `${entry.job.id}[${inside}]` : entry.job.id;
    groups.set(group, [...(groups.get(group) ?? []), entry]);
  }
  return new Map([...groups].filter(([, members]) => members.length > 1));
}
