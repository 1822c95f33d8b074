// What the reader chose: a verdict, stars and a note for each job, by the entry's key.
//
// It may not touch the page or a store: it keeps what it is told as long as the page is
// open.
// @ts-check

/** @returns {Picks} */
function makePicks() {
  /** @type {Map<string, Choice>} */
  const known = new Map();
  /** @type {((key: string) => void)[]} */
  const listeners = [];
  /** @type {Choice} */
  const none = { verdict: "", stars: 0, note: "" };
  return {
    of: (key) => known.get(key) ?? none,
    set(key, change) {
      const pick = { ...(known.get(key) ?? none), ...change };
      if (pick.verdict || pick.stars || pick.note) known.set(key, pick);
      else known.delete(key);
      for (const heard of listeners) heard(key);
    },
    all: () => known,
    onChange: (heard) => listeners.push(heard),
  };
}
