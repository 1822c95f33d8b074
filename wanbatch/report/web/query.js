// The words of the filter's field: `dawn hour:dawn,dusk -tag:hero cost>0.5 check:frozen
// kept "two words"`. How they are read, which job they want, what is wrong with them.
//
// It may not touch the page, or throw whatever was typed: what is no term of a known kind
// is a word to look for.
// @ts-check

/**
 * @typedef {object} Term
 * @property {string} raw as it was typed
 * @property {boolean} not
 * @property {string} key in lower case; "" for a word
 * @property {string} op
 * @property {string[]} values in lower case
 * @property {boolean} plain without quotes, so that `kept` is more than a word
 */

/** More terms than this are nobody's question. */
const MOST_TERMS = 60;
const OPERATOR = /^(?:[<>]=?|[:=])/;

/** @type {Record<string, Choice["verdict"]>} */
const VERDICTS = { kept: "keep", rejected: "reject" };

/** @type {Record<string, (a: number, b: number) => boolean>} */
const COMPARISONS = {
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
};

/**
 * The terms of a query. A quote keeps spaces, commas and signs together; one that is not
 * closed goes to the end.
 * @param {string} q
 * @returns {Term[]}
 */
function parseQuery(q) {
  /** @type {Term[]} */
  const terms = [];
  let at = 0;
  while (at < q.length && terms.length < MOST_TERMS) {
    if (/\s/.test(q[at])) at += 1;
    else {
      const { term, end } = readTerm(q, at);
      if (term) terms.push(term);
      at = end;
    }
  }
  return terms;
}

/**
 * @param {string} q
 * @param {number} start
 * @returns {{term: Term | null, end: number}}
 */
function readTerm(q, start) {
  let at = start;
  const not = q[at] === "-" && at + 1 < q.length && !/\s/.test(q[at + 1]);
  if (not) at += 1;
  /** @type {string[]} */
  const values = [];
  let [key, op, text, plain, inQuotes] = ["", "", "", true, false];
  for (; at < q.length && (inQuotes || !/\s/.test(q[at])); at += 1) {
    const c = q[at];
    const sign = inQuotes || op || !text ? null : OPERATOR.exec(q.slice(at, at + 2));
    if (inQuotes && c === "\\" && /["\\]/.test(q[at + 1] ?? "")) {
      at += 1;
      text += q[at];
    } else if (c === '"') {
      inQuotes = !inQuotes;
      plain = false;
    } else if (sign) {
      [key, op, text] = [text.toLowerCase(), sign[0], ""];
      at += op.length - 1;
    } else if (op && c === "," && !inQuotes) {
      values.push(text);
      text = "";
    } else text += c;
  }
  values.push(text);
  const found = values.map((value) => value.toLowerCase()).filter(Boolean);
  const term = { raw: q.slice(start, at), not, key, op, values: found, plain };
  return { term: found.length ? term : null, end: at };
}

/**
 * What a term asks of an entry, or `null` where its key is nobody's.
 * @param {Term} term
 * @param {Known} known
 * @param {(entry: Entry) => Choice} choiceOf
 * @returns {((entry: Entry) => boolean) | null}
 */
function asksFor(term, known, choiceOf) {
  const { key, op, values } = term;
  if (!key) return asksForWord(term, choiceOf);
  if (Object.hasOwn(COMPARISONS, op)) {
    const field = fieldFor(key, known, choiceOf);
    const bound = Number(values[0]);
    return (
      field &&
      ((entry) => {
        const value = field(entry);
        return typeof value === "number" && COMPARISONS[op](value, bound);
      })
    );
  }
  const wanted = new Set(values);
  if (key === "tag") return ({ job }) => job.tags.some((tag) => wanted.has(tag.toLowerCase()));
  if (key === "check") {
    return ({ job }) => shortfallsOf(job).some((name) => wanted.has(name.toLowerCase()));
  }
  const field = fieldFor(key, known, choiceOf);
  return field && ((entry) => wanted.has(String(field(entry) ?? "").toLowerCase()));
}

/**
 * @param {Term} term
 * @param {(entry: Entry) => Choice} choiceOf
 * @returns {(entry: Entry) => boolean}
 */
function asksForWord(term, choiceOf) {
  const [word] = term.values;
  if (term.plain && Object.hasOwn(VERDICTS, word)) {
    return (entry) => choiceOf(entry).verdict === VERDICTS[word];
  }
  return wordIn(word);
}

/** @param {string} word @returns {(entry: Entry) => boolean} */
function wordIn(word) {
  return (entry) => {
    entry.text ||= searchText(entry.job);
    return entry.text.includes(word);
  };
}

/**
 * A query that is ready to ask: each term with its question, and the pills' group that
 * it belongs to ("" for none). A term whose key is nobody's is looked for as it stands.
 * @param {string} q
 * @param {Known} known
 * @param {(entry: Entry) => Choice} choiceOf
 */
function makeQuestions(q, known, choiceOf) {
  return parseQuery(q).map((term) => {
    const asks = asksFor(term, known, choiceOf);
    const text = term.raw.slice(term.not ? 1 : 0).toLowerCase();
    const group = asks && term.op === ":" && !term.not ? term.key : "";
    return { term, isKnown: Boolean(asks), asks: asks ?? wordIn(text), group };
  });
}

/** @typedef {ReturnType<typeof makeQuestions>[number]} Question */

/**
 * What to say beside the field: of each term that no job answers to, alternately a text
 * and what was typed or is meant.
 * @param {Question[]} questions
 * @param {Entry[]} entries
 * @param {Known} known
 * @returns {string[][]}
 */
function complaintsOf(questions, entries, known) {
  return questions.flatMap((question) => {
    const { term, isKnown, asks } = question;
    const isVerdict = !term.key && term.plain && Object.hasOwn(VERDICTS, term.values[0]);
    if (!isKnown && !entries.some(asks)) return [unknownKey(term, known)];
    if (isKnown && /^[:=]$/.test(term.op)) return unknownValues(term, entries, known);
    if (isVerdict || term.key === "stars" || entries.some(asks)) return [];
    return [["no job has ", term.raw.slice(term.not ? 1 : 0)]];
  });
}

/** @param {Term} term @param {Known} known */
function unknownKey(term, known) {
  const keys = [...known.axes.keys(), ...known.checks.keys(), ...Object.keys(FIELDS)];
  const meant = nearest(term.key, [...keys, "tag", "check", "stars"]);
  return meant ? ["no axis ", term.key, "; did you mean ", meant, "?"] : ["no axis ", term.key];
}

/**
 * @param {Term} term
 * @param {Entry[]} entries
 * @param {Known} known
 */
function unknownValues({ key, values }, entries, known) {
  if (key === "stars") return [];
  const there = valuesOf(key, entries, known);
  return values
    .filter((value) => !there.has(value))
    .map((value) => {
      const meant = nearest(value, [...there]);
      const said = ["no job has ", `${key}:${value}`];
      return meant ? [...said, "; did you mean ", `${key}:${meant}`, "?"] : said;
    });
}

/**
 * The values that a key has among the jobs, in lower case.
 * @param {string} key
 * @param {Entry[]} entries
 * @param {Known} known
 * @returns {Set<string>}
 */
function valuesOf(key, entries, known) {
  if (key === "tag") return new Set(known.tags.keys());
  if (key === "check") return new Set([...known.short].map((name) => name.toLowerCase()));
  const field = fieldFor(key, known, () => ({ verdict: "", stars: 0, note: "" }));
  return new Set(entries.map((entry) => String(field?.(entry) ?? "").toLowerCase()));
}

/** So long words are compared; more is no slip of the finger. */
const LONGEST_SLIP = 40;

/**
 * The one of `words` that a slip of the finger makes of `word`.
 * @param {string} word
 * @param {string[]} words
 */
function nearest(word, words) {
  if (word.length > LONGEST_SLIP) return undefined;
  const most = word.length < 4 ? 1 : 2;
  const found = words
    .filter((other) => other && Math.abs(other.length - word.length) <= most)
    .map((other) => ({ other, far: distance(word, other) }))
    .sort((a, b) => a.far - b.far)[0];
  return found && found.far <= most ? found.other : undefined;
}

/**
 * How many letters are to be changed, added or removed, or swapped with the next.
 * @param {string} a
 * @param {string} b
 */
function distance(a, b) {
  let before = /** @type {number[]} */ ([]);
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = Number(a[i - 1] !== b[j - 1]);
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + cost);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}

/**
 * The query with a value added to its `key:…` term, or taken out of it.
 * @param {string} q
 * @param {string} key
 * @param {string} value
 */
function toggledQuery(q, key, value) {
  const terms = parseQuery(q);
  const own = terms.find((term) => term.key === key.toLowerCase() && term.op === ":" && !term.not);
  if (!own) return [q.trim(), termText(key, [value])].filter(Boolean).join(" ");
  const folded = value.toLowerCase();
  const left = own.values.filter((one) => one !== folded);
  const values = left.length === own.values.length ? [...left, folded] : left;
  return terms
    .map((term) => (term === own ? values.length && termText(own.key, values) : term.raw))
    .filter(Boolean)
    .join(" ");
}

/** @param {string} key @param {string[]} values */
function termText(key, values) {
  return `${inQuotes(key)}:${values.map(inQuotes).join(",")}`;
}

/** @param {string} text */
function inQuotes(text) {
  return /[\s",:=<>\\]|^-|^$/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
}
