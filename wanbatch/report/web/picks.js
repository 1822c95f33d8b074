// What the reader chose: verdict, stars and note of each job, the duels, and what other
// people's files say; each change is kept in a store and can be undone.
//
// It may not touch the page: the store, the clock and chance are given.
// @ts-check

/**
 * @typedef {object} PicksAbout what the page is of
 * @property {{name: string, sha256: string}} manifest
 * @property {string} realm
 * @typedef {object} PicksStore where it is kept; `write` says whether that went well
 * @property {(name: string) => string | null} read
 * @property {(name: string, text: string) => boolean} write
 */

/** So many changes can be undone. */
const MOST_UNDONE = 200;
const REVIEWER = "wanbatch reviewer";

/** @type {Choice} */
const NO_CHOICE = { verdict: "", stars: 0, note: "" };

/**
 * @param {Entry[]} entries
 * @param {PicksAbout} about
 * @param {PicksStore} store
 * @param {() => string} now
 * @param {() => number} random
 * @returns {Picks}
 */
function makePicks(entries, about, store, now, random) {
  const { manifest, realm } = about;
  const place = `wanbatch review ${realm} ${manifest.name}`;
  const refs = new Map(entries.map(({ key, job }) => [key, job]));
  /** @type {((key: string) => void)[]} */
  const listeners = [];
  /** @type {(() => string)[]} */
  const past = [];
  let { shelf, duels } = restored(store.read(place));
  let me = store.read(REVIEWER) || `guest-${Math.floor(random() * 36 ** 4).toString(36)}`;
  let isKept = store.write(REVIEWER, me);

  function review() {
    const picks = [...shelf.values()];
    const reviewers = [...new Set([...picks, ...duels].map(({ by }) => by))].sort();
    return { schema: REVIEW, manifest, realm, reviewers, picks, duels, exported_at: now() };
  }

  /** @param {string} key */
  function changed(key) {
    isKept = store.write(place, JSON.stringify(review()));
    for (const heard of listeners) heard(key);
  }

  /** @param {string} key @param {string} by */
  function pickOf(key, by) {
    const job = refs.get(key);
    return job && shelf.get(opinionKey(job, by));
  }

  /** @param {string} key @param {Choice} choice */
  function put(key, { verdict, stars, note }) {
    const job = refs.get(key);
    if (!job) return;
    const { name, fingerprint } = job;
    const video = job.output?.sha256 ?? null;
    const pick = { name, fingerprint, video, verdict, stars, note, by: me, at: now() };
    if (verdict || stars || note) shelf.set(opinionKey(job, me), pick);
    else shelf.delete(opinionKey(job, me));
    changed(key);
  }

  /** @param {() => string} undoes */
  function remember(undoes) {
    past.push(undoes);
    if (past.length > MOST_UNDONE) past.shift();
  }

  return {
    of: (key) => pickOf(key, me) ?? NO_CHOICE,
    set(key, change) {
      const before = pickOf(key, me) ?? NO_CHOICE;
      remember(() => {
        put(key, before);
        return key;
      });
      put(key, { ...before, ...change });
    },
    all() {
      /** @type {Map<string, Choice>} */
      const made = new Map();
      for (const { key } of entries) {
        const pick = pickOf(key, me);
        if (pick) made.set(key, pick);
      }
      return made;
    },
    others(key) {
      const job = refs.get(key);
      const said = job ? [...shelf.values()].filter((pick) => keyOf(pick) === keyOf(job)) : [];
      return said.filter(({ by }) => by !== me);
    },
    onChange: (heard) => listeners.push(heard),
    undo: () => past.pop()?.(),
    duels: () => duels,
    judge(duel) {
      const judged = { ...duel, by: me, at: now() };
      duels = [...duels, judged];
      remember(() => {
        duels = duels.filter((one) => one !== judged);
        changed("");
        return "";
      });
      changed("");
    },
    review,
    merge(other) {
      if (other.manifest.name !== manifest.name || other.realm !== realm)
        throw new Error(`it is of ${other.manifest.name} (${other.realm}), not of this report`);
      shelf = newestPicks([...shelf.values(), ...other.picks]);
      duels = eachDuelOnce([...duels, ...other.duels]);
      past.length = 0;
      changed("");
    },
    me: () => me,
    rename(name) {
      if (!name.trim()) return;
      const from = me;
      me = name.trim().slice(0, 100);
      isKept = store.write(REVIEWER, me);
      /** @type {<T extends {by: string}>(one: T) => T} */
      const own = (one) => (one.by === from ? { ...one, by: me } : one);
      shelf = newestPicks([...shelf.values()].map(own));
      duels = duels.map(own);
      past.length = 0;
      changed("");
    },
    isKept: () => isKept,
  };
}

/**
 * What the store had; a text that is no review is nothing.
 * @param {string | null} text
 * @returns {{shelf: Map<string, ReviewPick>, duels: Duel[]}}
 */
function restored(text) {
  try {
    const { picks, duels } = readReview(text ?? "");
    return { shelf: newestPicks(picks), duels: eachDuelOnce(duels) };
  } catch {
    return { shelf: new Map(), duels: [] };
  }
}

/**
 * `2 kept, 1 rejected`, in the words of the toolbar.
 * @param {Iterable<Choice>} choices
 */
function choiceCounts(choices) {
  const counts = { keep: 0, reject: 0, stars: 0 };
  for (const { verdict, stars } of choices) {
    if (verdict) counts[verdict]++;
    if (stars) counts.stars++;
  }
  return counts;
}

/**
 * The mark on a picture: `✓ ★★★ ✎`.
 * @param {Choice} choice
 */
function choiceMark({ verdict, stars, note }) {
  const sign = { keep: "✓", reject: "✕", "": "" }[verdict];
  return [sign, "★".repeat(stars), note && "✎"].filter(Boolean).join(" ");
}

/**
 * What others said of a job, in a line each.
 * @param {ReviewPick[]} picks
 */
function othersLines(picks) {
  return picks.map((pick) => {
    const word = { keep: "keeps it", reject: "rejects it", "": "" }[pick.verdict];
    return [pick.by, word, "★".repeat(pick.stars), pick.note].filter(Boolean).join(" · ");
  });
}

/**
 * What a key means for a choice, or nothing.
 * @param {string} key
 * @param {Choice} choice
 * @returns {Partial<Choice> | undefined}
 */
function changeOf(key, { verdict }) {
  if (key === "k") return { verdict: verdict === "keep" ? "" : "keep" };
  if (key === "x") return { verdict: verdict === "reject" ? "" : "reject" };
  return /^[0-5]$/.test(key) ? { stars: Number(key) } : undefined;
}
