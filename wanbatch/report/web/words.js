// Values in the words that people read: texts made harmless, money, durations, sizes,
// shell words, paths as addresses. report/wording.py words the same numbers in the same
// way.
//
// It may not touch the page, know the reader's language or time zone, or keep anything.
// @ts-check

// Control and direction characters are shown, not obeyed: a prompt can neither hide
// text nor turn around what stands beside it.
const UNSEEN = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f" +
    "\\u2028-\\u202e\\u2066-\\u206f\\ufeff\\ufff9-\\ufffb]",
  "g",
);

/** @param {unknown} text */
function shown(text) {
  return String(text)
    .replace(/\r\n?/g, "\n")
    .replace(UNSEEN, (c) => `⟨${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/**
 * `$1.50`, `1.50 CHF`: two decimals, or as many as the amount has.
 * @param {string | null} amount
 * @param {string} currency
 * @param {Record<string, string>} symbols
 */
function money(amount, currency, symbols) {
  if (amount == null) return "–";
  const [whole, part = ""] = amount.split(".");
  const text = `${whole}.${part.padEnd(2, "0")}`;
  const symbol = Object.hasOwn(symbols, currency) ? symbols[currency] : null;
  return symbol == null ? `${text} ${currency}`.trim() : symbol + text;
}

/**
 * `0.4 s`, `43 s`, `2 min 14 s`, `1 h 3 min`.
 * @param {number | null} seconds
 */
function duration(seconds) {
  if (seconds == null) return "–";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [big, unit, small, part] =
    whole < 3600
      ? [Math.floor(whole / 60), "min", whole % 60, "s"]
      : [Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min"];
  return `${big} ${unit}${small ? ` ${small} ${part}` : ""}`;
}

/** @param {number} bytes */
function fileSize(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/**
 * A relative path as an address, escaped part by part; an address as it is. `base`
 * leads to the manifest's folder.
 * @param {string} base
 * @param {string} path
 */
function addressOf(base, path) {
  if (path.includes("://")) return path;
  return base + path.split("/").map(escaped).join("/");
}

/**
 * A text as a part of an address; half a character, which no address can hold, becomes
 * a sign of its own.
 * @param {string} text
 */
function escaped(text) {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"));
}

/**
 * A word as a POSIX shell takes it.
 * @param {string} word
 */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/**
 * The words of a command, each with its quotes, so that a line breaks between them
 * alone.
 * @param {string} command
 */
function commandWords(command) {
  return shown(command).match(/'(?:[^']|'"'"')*'|\S+/g) ?? [];
}
