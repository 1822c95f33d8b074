// Values in words: what a hostile text, an amount, a path or a command becomes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const words = load("words.js");
const SYMBOLS = { USD: "$" };

test("characters that cannot be seen are shown by their number", () => {
  assert.equal(words.shown("a\u202eb\u0007c\ufeff"), "a⟨202E⟩b⟨0007⟩c⟨FEFF⟩");
  assert.equal(words.shown("one\r\ntwo\rthree\tfour"), "one\ntwo\nthree\tfour");
  assert.equal(words.shown("港の夜明け 🌅 é"), "港の夜明け 🌅 é");
  assert.equal(words.shown(null), "null");
});

test("every character that can hide or turn a text is among them", () => {
  const hidden = [0x00, 0x08, 0x0b, 0x1f, 0x7f, 0x9f, 0x61c, 0x200e, 0x200f, 0x2028, 0x202e];
  for (const code of [...hidden, 0x2066, 0x206f, 0xfff9, 0xfffb]) {
    const number = code.toString(16).toUpperCase().padStart(4, "0");
    assert.equal(words.shown(String.fromCharCode(code)), `⟨${number}⟩`);
  }
});

test("an amount has two decimals, or as many as it has", () => {
  assert.equal(words.money("1.5", "USD", SYMBOLS), "$1.50");
  assert.equal(words.money("0.0125", "USD", SYMBOLS), "$0.0125");
  assert.equal(words.money("3", "CHF", SYMBOLS), "3.00 CHF");
  assert.equal(words.money("3", "", SYMBOLS), "3.00");
  assert.equal(words.money(null, "USD", SYMBOLS), "–");
  assert.equal(words.money("3", "toString", SYMBOLS), "3.00 toString");
});

test("a size is in the unit that people know", () => {
  assert.deepEqual([0, 1, 1500, 999_499].map(words.fileSize), ["1 kB", "1 kB", "2 kB", "999 kB"]);
  assert.deepEqual([1e6, 2_345_678, 1.5e9].map(words.fileSize), ["1.0 MB", "2.3 MB", "1.50 GB"]);
});

test("a path becomes an address part by part", () => {
  assert.equal(words.addressOf("", "videos/a b#1?.mp4"), "videos/a%20b%231%3F.mp4");
  assert.equal(words.addressOf("../x/", "videos/javascript:1"), "../x/videos/javascript%3A1");
});

test("a word is quoted as a POSIX shell needs it", () => {
  assert.equal(words.quoted("opening"), "opening");
  assert.equal(words.quoted("a[b=c]"), "'a[b=c]'");
  assert.equal(words.quoted("it's $(rm)"), `'it'"'"'s $(rm)'`);
  assert.equal(words.quoted(""), "''");
});

test("a command keeps its quoted words whole", () => {
  const command = `wanbatch resolve m.yaml 'a b' --adopt ${words.quoted("it's me")}`;
  assert.deepEqual(words.commandWords(command), [
    ...["wanbatch", "resolve", "m.yaml", "'a b'", "--adopt"],
    `'it'"'"'s me'`,
  ]);
  assert.deepEqual(words.commandWords(""), []);
});
