// How the requests of a few jobs differ, in words; and the small sums of comparing: which
// entries the address names, where a wipe stands, which of them is in front.
//
// It may not touch the page, or shorten what a request says.
// @ts-check

/**
 * @typedef {object} Piece
 * @property {string} text
 * @property {boolean} odd whether another job's text lacks it
 *
 * @typedef {object} Difference a field that is not the same in all requests
 * @property {string} label
 * @property {Piece[][]} cells one for each job
 */

/** So many jobs are compared: a fifth has no place beside them, nor a use. */
const MOST_COMPARED = 4;

/** Words of one text times words of the other: 30 ms. Beyond, texts differ as wholes. */
const MOST_STEPS = 2_000_000;

/** An arrow moves a wipe by so many percent, with Shift by ten. */
const WIPE_STEP = 2;

/**
 * Where two lists of words have the same words in the same order, as many as can be:
 * for each word whether it is one of them.
 * @param {string[]} one
 * @param {string[]} other
 * @returns {[boolean[], boolean[]]}
 */
function commonWords(one, other) {
  const inOne = one.map(() => false);
  const inOther = other.map(() => false);
  const width = other.length + 1;
  if (one.length * width > MOST_STEPS) return [inOne, inOther];
  // lengths[i * width + j]: of the longest common part from word i and word j on
  const lengths = new Uint32Array((one.length + 1) * width);
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      lengths[at] =
        one[i] === other[j]
          ? lengths[at + width + 1] + 1
          : Math.max(lengths[at + width], lengths[at + 1]);
    }
  }
  for (let i = 0, j = 0; i < one.length && j < other.length; ) {
    const at = i * width + j;
    if (one[i] === other[j]) inOne[i++] = inOther[j++] = true;
    else if (lengths[at + width] >= lengths[at + 1]) i += 1;
    else j += 1;
  }
  return [inOne, inOther];
}

/**
 * Each text in pieces: a word is odd where the first text lacks it, and in the first
 * text where any other does.
 * @param {string[]} texts
 * @returns {Piece[][]}
 */
function textPieces(texts) {
  const words = texts.map((text) => text.split(/(?<=\s)(?=\S)/));
  const bare = words.map((list) => list.map((word) => word.trim()));
  const odd = words.map((list) => list.map(() => false));
  for (let i = 1; i < texts.length; i += 1) {
    const [inFirst, inThis] = commonWords(bare[0], bare[i]);
    odd[0] = odd[0].map((was, at) => was || !inFirst[at]);
    odd[i] = inThis.map((is) => !is);
  }
  return words.map((list, i) => joinPieces(list, odd[i]));
}

/**
 * @param {string[]} words
 * @param {boolean[]} odd
 */
function joinPieces(words, odd) {
  /** @type {Piece[]} */
  const pieces = [];
  words.forEach((word, i) => {
    const last = pieces.at(-1);
    if (last && last.odd === odd[i]) last.text += word;
    else pieces.push({ text: word, odd: odd[i] });
  });
  return pieces;
}

/**
 * The fields that are not the same in all requests; prompts word by word.
 * @param {Job[]} jobs
 * @param {Record<string, string>} mediaLabels
 * @returns {Difference[]}
 */
function requestDifferences(jobs, mediaLabels) {
  const requests = jobs.map((job) => job.request);
  /** @type {(flag: boolean) => string} */
  const word = (flag) => (flag ? "on" : "off");
  const types = [...new Set(requests.flatMap((request) => request.media.map(({ type }) => type)))];
  /** @type {[string, string[]][]} */
  const fields = [
    ["Prompt", requests.map(({ prompt }) => prompt ?? "")],
    ["Negative prompt", requests.map((request) => request.negative_prompt ?? "")],
    ["Seed", requests.map(({ seed }) => String(seed ?? ""))],
    ["Length", requests.map(({ seconds }) => `${seconds} s`)],
    ["Size", requests.map(({ size }) => size)],
    ...types.map(
      (type) =>
        /** @type {[string, string[]]} */ ([
          Object.hasOwn(mediaLabels, type) ? mediaLabels[type] : shown(type),
          requests.map((request) => mediumText(request, type)),
        ]),
    ),
    ["Model", requests.map(({ model }) => model)],
    ["Prompt extension", requests.map((request) => word(request.prompt_extend))],
    ["Watermark", requests.map(({ watermark }) => word(watermark))],
    ["Backend", jobs.map(({ backend }) => backend)],
  ];
  return fields
    .filter(([, texts]) => texts.some((text) => text !== texts[0]))
    .map(([label, texts]) => ({ label, cells: cellsOf(label, texts) }));
}

/**
 * @param {string} label
 * @param {string[]} texts
 * @returns {Piece[][]}
 */
function cellsOf(label, texts) {
  const shownTexts = texts.map((text) => (text === "" ? "–" : shown(text)));
  if (label.toLowerCase().endsWith("prompt")) return textPieces(shownTexts);
  return shownTexts.map((text) => [{ text, odd: text !== shownTexts[0] }]);
}

/**
 * @param {Request} request
 * @param {string} type
 */
function mediumText(request, type) {
  const texts = request.media
    .filter((medium) => medium.type === type)
    .map(({ source, sha256 }) => (sha256 ? `${source} (${sha256.slice(0, 8)})` : source));
  return texts.join(", ");
}

/**
 * `They differ in prompt, seed and size.`
 * @param {Difference[]} differences
 */
function differenceText(differences) {
  const names = differences.map(({ label }) => label.toLowerCase());
  if (!names.length) return "Their requests are the same.";
  const last = names.pop();
  return `They differ in ${names.length ? `${names.join(", ")} and ${last}` : last}.`;
}

/**
 * The keys in a text of the address, in order and each once. A key may have commas of
 * its own (`opening[hour=dawn,seed=100]`): the longest that is known counts.
 * @param {string} text
 * @param {(key: string) => boolean} isKnown
 */
function keysIn(text, isKnown) {
  const parts = text.split(",");
  /** @type {string[]} */
  const found = [];
  for (let at = 0; at < parts.length; ) {
    let end = Math.min(parts.length, at + 40);
    while (end > at && !isKnown(parts.slice(at, end).join(","))) end -= 1;
    const key = parts.slice(at, end).join(",");
    if (end > at && !found.includes(key)) found.push(key);
    at = Math.max(end, at + 1);
  }
  return found.slice(0, MOST_COMPARED);
}

/**
 * The chosen with `key` added, or without it where it was there. Of five the first goes.
 * @param {string[]} keys
 * @param {string} key
 */
function toggledKey(keys, key) {
  if (keys.includes(key)) return keys.filter((other) => other !== key);
  return [...keys, key].slice(-MOST_COMPARED);
}

/**
 * Where a wipe stands, in percent, for a pointer at `x`.
 * @param {number} x
 * @param {{left: number, width: number}} box
 */
function wipeAt(x, box) {
  if (!(box.width > 0)) return 50;
  return Math.min(100, Math.max(0, (100 * (x - box.left)) / box.width));
}

/**
 * Where a key leads a wipe, or nothing for a key that is not its.
 * @param {string} key
 * @param {number} at
 * @param {boolean} far
 */
function wipeAfter(key, at, far) {
  const step = far ? 5 * WIPE_STEP : WIPE_STEP;
  /** @type {Record<string, number>} */
  const places = { ArrowLeft: at - step, ArrowRight: at + step, Home: 0, End: 100 };
  if (!Object.hasOwn(places, key)) return undefined;
  return Math.min(100, Math.max(0, places[key]));
}

/**
 * Which of `count` is in front after `step`: any of them where one is shown alone, and
 * any but the first where it is held against the first.
 * @param {number} at
 * @param {number} step
 * @param {number} count
 * @param {boolean} alone
 */
function frontAfter(at, step, count, alone) {
  const low = alone ? 0 : 1;
  const turns = count - low;
  const from = Math.max(at, low) - low;
  return turns > 0 ? low + ((((from + step) % turns) + turns) % turns) : 0;
}

/**
 * The offsets in a text of the address, in frames: whole numbers, none beyond ten seconds
 * of 60 frames.
 * @param {string} text
 * @param {number} count
 */
function offsetsIn(text, count) {
  const parts = text.split(",");
  return Array.from({ length: count }, (_, i) => {
    const frames = Math.round(Number(parts[i] ?? 0));
    return Number.isFinite(frames) ? Math.min(600, Math.max(-600, frames)) : 0;
  });
}
