"""How long a run takes against what latency, ceiling and pacing allow: two hundred
jobs, 3 s each, fifty in flight, on the embedded emulator.

Prints the makespan, the bound, and their ratio. The emulator answers every task with
one cached clip, so that rendering does not count; the bound is ``ceil(jobs / in flight)
× latency`` (the emulator has no submit limit). Start-up of process, emulator and report
counts as the user sees it, and is shown apart.

    python benchmarks/run_makespan.py [--jobs 200] [--latency 3] [--in-flight 50]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from PIL import Image

MANIFEST = """\
wanbatch: 1
name: makespan
jobs:
  - id: job
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {{first_frame: picture.png}}
    seeds: {{start: 0, count: {jobs}}}
run: {{backend: emulator, max_in_flight: {in_flight}}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--latency", type=float, default=3.0)
    parser.add_argument("--in-flight", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
        (folder / "makespan.wanbatch.yaml").write_text(
            MANIFEST.format(jobs=given.jobs, in_flight=given.in_flight)
        )
        environ = {
            **os.environ,
            "WANBATCH_EMULATOR_OPTIONS": f"--latency {given.latency} --render tiny",
        }
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "wanbatch", "run", "makespan.wanbatch.yaml", "-q"],
            cwd=folder,
            env=environ,
            check=False,
            capture_output=True,
            text=True,
        )
        wall_s = time.monotonic() - begin
        if done.returncode != 0:
            sys.exit(f"the run ended with {done.returncode}:\n{done.stderr}")
        report = json.loads((folder / "reports/makespan/report.json").read_text())
    timings = [job["timings"] for job in report["jobs"]]
    first = min(datetime.fromisoformat(t["submitted_at"]) for t in timings)
    last = max(datetime.fromisoformat(t["stored_at"]) for t in timings)
    makespan_s = (last - first).total_seconds()
    bound_s = math.ceil(given.jobs / given.in_flight) * given.latency
    print(f"jobs {given.jobs}, latency {given.latency:g} s, in flight {given.in_flight}")
    print(f"bound {bound_s:.2f} s, makespan {makespan_s:.2f} s, ratio {makespan_s / bound_s:.3f}")
    print(
        f"whole command {wall_s:.2f} s (ratio {wall_s / bound_s:.3f});"
        f" {report['totals']['http_requests'] / given.jobs:.1f} HTTP requests a job"
    )


if __name__ == "__main__":
    main()
