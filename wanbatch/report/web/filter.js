// Which jobs a view shows, how many each pill would show, and which is next.
//
// It may not touch the page, or know how a query is written. It keeps one thing: what the
// pills count of an entry, once it has been asked.
// @ts-check

/**
 * The entries that all questions and one of the states want, none means all; and how many
 * a pill of each group would leave: those that all but its own group want. Former jobs
 * are not counted.
 * @param {Entry[]} entries
 * @param {Set<JobState>} states
 * @param {Question[]} questions
 */
function siftEntries(entries, states, questions) {
  /** @type {Entry[]} */
  const wanted = [];
  /** @type {Map<string, Map<string, number>>} */
  const counts = new Map();
  for (const entry of entries) {
    const refusing = refusingGroups(entry, states, questions);
    if (refusing.size === 0) wanted.push(entry);
    const [only] = refusing;
    if (entry.former || refusing.size > 1 || only === "") continue;
    entry.facets ??= facetsOf(entry.job);
    for (const [group, value] of entry.facets) {
      if (only != null && only !== group) continue;
      const count = counts.get(group) ?? new Map();
      counts.set(group, count.set(value, (count.get(value) ?? 0) + 1));
    }
  }
  return { wanted, counts };
}

/**
 * The groups of the questions that an entry does not answer to.
 * @param {Entry} entry
 * @param {Set<JobState>} states
 * @param {Question[]} questions
 */
function refusingGroups(entry, states, questions) {
  /** @type {Set<string>} */
  const refusing = new Set();
  if (states.size && !states.has(entry.job.state)) refusing.add("state");
  for (const { term, asks, group } of questions) {
    if (asks(entry) === term.not) refusing.add(group);
  }
  return refusing;
}

/**
 * What the pills count of a job: group and value, in lower case as a query has them.
 * @param {Job} job
 * @returns {[group: string, value: string][]}
 */
function facetsOf(job) {
  /** @type {(group: string, value: unknown) => [string, string]} */
  const facet = (group, value) => [group.toLowerCase(), String(value).toLowerCase()];
  return [
    ["state", job.state],
    ...axesOf(job).map(([name, value]) => facet(name, value)),
    ...job.tags.map((tag) => facet("tag", tag)),
    ...shortfallsOf(job).map((name) => facet("check", name)),
  ];
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
