// The chain that a job stands in.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobOf, load } from "./load.mjs";

const chain = load("chain.js");
const taking = (name, ...sources) =>
  jobOf({
    name,
    request: {
      ...jobOf().request,
      media: sources.map((source) => ({ type: "first_frame", source, sha256: null })),
    },
  });

test("a medium names the job that it comes from, and the frame", () => {
  const name = "a[hour=dawn (early),seed=1]";
  assert.deepEqual(chain.upstreamIn(`job:${name}`), { name, frame: "" });
  assert.deepEqual(chain.upstreamIn(`job:${name} (last frame)`), { name, frame: "last" });
  assert.deepEqual(chain.upstreamIn("job:a\nb (first frame)"), { name: "a\nb", frame: "first" });
  for (const source of ["media/job.png", "https://example.com/job:a", "job:", ""]) {
    assert.equal(chain.upstreamIn(source), null, source);
  }
});

test("up and down the chain, one step", () => {
  const jobs = [
    taking("a", "media/a.png"),
    taking("b", "job:a (last frame)"),
    taking("c", "job:b"),
    taking("d", "media/x.png", "job:a"),
  ];
  assert.deepEqual(chain.upstreamOf(jobs[3]), ["a"]);
  assert.deepEqual(chain.upstreamOf(jobs[0]), []);
  assert.deepEqual(chain.downstreamOf(jobs[0], jobs), ["b", "d"]);
  assert.deepEqual(chain.downstreamOf(jobs[2], jobs), []);
});
