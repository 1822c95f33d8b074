// Which jobs a view shows, how many these are, and which is next.
//
// It may not touch the page. It keeps one thing: an entry's search text, once it is
// made.
// @ts-check

/**
 * The words of the filter; a job has to have all of them.
 * @param {string} q
 */
function termsOf(q) {
  return q.toLowerCase().split(/\s+/).filter(Boolean);
}

/**
 * @param {Entry} entry
 * @param {Set<JobState>} states none means all
 * @param {string[]} terms
 */
function isWanted(entry, states, terms) {
  if (states.size && !states.has(entry.job.state)) return false;
  if (!terms.length) return true;
  entry.text ||= searchText(entry.job);
  return terms.every((term) => entry.text.includes(term));
}

/**
 * `12 jobs` where all are shown, else `3 of 12`.
 * @param {number} visible
 * @param {number} total
 */
function countText(visible, total) {
  if (visible < total) return `${visible} of ${total}`;
  return `${total} ${total === 1 ? "job" : "jobs"}`;
}

/**
 * The entry `step` places on from `current`; the first, where `current` is not shown.
 * @param {Entry[]} visible
 * @param {Entry | null} current
 * @param {number} step
 * @returns {Entry | undefined}
 */
function neighbourOf(visible, current, step) {
  const at = current ? visible.indexOf(current) : -1;
  return at < 0 ? visible[0] : visible[at + step];
}

/**
 * Where an arrow key leads in a grid: a place among its cards, or none.
 * @param {string} key
 * @param {number} at
 * @param {number} columns
 * @param {number} count
 * @returns {number | undefined}
 */
function placeAfter(key, at, columns, count) {
  /** @type {Record<string, number>} */
  const places = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    Home: 0,
    End: count - 1,
  };
  const place = Object.hasOwn(places, key) ? places[key] : -1;
  return place >= 0 && place < count ? place : undefined;
}
