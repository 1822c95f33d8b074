// Packed jobs are unpacked by what the data says of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { unpackJobs } = load("unpack.js");
const shapes = {
  job: [
    ["name", "plain", "", "", null],
    ["tags", "plain", "", "", null],
    ["task", "plain", "", "", "t"],
    ["checks", "records", "check", "", null],
    ["tries", "records", "try", "", null],
  ],
  check: [
    ["name", "word", "", "", null],
    ["passed", "plain", "", "", true],
    ["message", "word", "", "", null],
  ],
  try: [["task", "plain", "", "task", null]],
};

test("what a record does not have is as usual, or as in the record around it", () => {
  const packed = [
    25,
    "a",
    [
      [1, 0],
      [7, 0, false, 1],
    ],
    [[0], [1, null]],
  ];
  const { jobs, former } = unpackJobs({ jobs: [packed], former: [], shapes, words: ["x", "no"] });
  assert.deepEqual(former, []);
  assert.deepEqual(jobs, [
    {
      name: "a",
      tags: [],
      task: "t",
      axes: {},
      checks: [
        { name: "x", passed: true, message: "" },
        { name: "x", passed: false, message: "no" },
      ],
      tries: [{ task: "t" }, { task: null }],
    },
  ]);
});

test("a record of nothing is all usual", () => {
  const [job] = unpackJobs({ jobs: [[0]], former: [], shapes, words: [] }).jobs;
  assert.deepEqual(job, { name: null, tags: [], task: "t", axes: {}, checks: [], tries: [] });
});
