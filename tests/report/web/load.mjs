// Loads scripts of the report's page without a browser, for the tests beside it.
//
// It may not lend them a document, a window or a stand-in for one: what needs these is tested
// in tests/browser.

import { readFileSync } from "node:fs";

const FOLDER = new URL("../../../wanbatch/report/web/", import.meta.url);
const DECLARED = /^(?:async )?(?:function|const|let) (\w+)/gm;

/**
 * The names that `files` declare, joined in one closure as page.py joins them.
 * @param {string[]} files
 */
export function load(...files) {
  const text = files.map((file) => readFileSync(new URL(file, FOLDER), "utf8")).join("\n");
  const names = [...text.matchAll(DECLARED)].map(([, name]) => name);
  return new Function(`"use strict";\n${text}\nreturn { ${names.join(", ")} };`)();
}

/** A job as report.json has it, with `changes`. */
export function jobOf(changes = {}) {
  return {
    name: "opening[hour=dawn,seed=100]",
    id: "opening",
    axes: { hour: "dawn", seed: 100 },
    tags: ["hero"],
    fingerprint: "wb2:0123456789abcdef01234567",
    state: "done",
    backend: "gateway",
    task_id: "video_1",
    request: {
      model: "wan2.7-i2v",
      prompt: "Harbour at Dawn",
      negative_prompt: null,
      media: [{ type: "first_frame", source: "media/harbor.png", sha256: null }],
      seconds: 5,
      size: "720P",
      seed: 100,
      prompt_extend: false,
      watermark: true,
    },
    attempts: [],
    timings: {},
    cost: { spent: "0.5", reserved: "0", currency: "USD" },
    output: null,
    poster: null,
    preview: null,
    frames: null,
    checks: [],
    error: null,
    ...changes,
  };
}
