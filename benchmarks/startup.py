"""How long a command takes to say something: ``--help`` and ``validate`` of a small
manifest over bare Python, and the lines of a plan of 100,000 jobs.

Each is CPU time, the best of several starts. Modules are compiled beforehand, as they
are after the first start. Bounds: 100 ms, 350 ms; the lines are held against one look
at every job's name and reason.

    python benchmarks/startup.py [--starts 7]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

HELP_S, VALIDATE_S = 0.1, 0.35
LINES = """
import sys, time
sys.path.insert(0, sys.argv[1])
from builders import DIGESTS, job, manifest
from wanbatch.cli.grouping import plan_lines
from wanbatch.model.lifecycle import Snapshot
from wanbatch.plan.planner import PlanOptions, Target, make_plan
jobs = [
    job(f"a[hour={h},seed={s}]", seed=s, axes=(("hour", h), ("seed", s)))
    for h in range(100) for s in range(1000)
]
plan = make_plan(
    [manifest(*jobs)], DIGESTS, Snapshot((), ()), frozenset(),
    Target("gateway", "paid", "", None), PlanOptions(), 0.0,
)
began = time.process_time()
lines = plan_lines(plan, plan.selected())
took = time.process_time() - began
began = time.process_time()
"".join(f"{entry.name} {entry.reason}" for entry in plan.jobs)
print(len(lines), took, time.process_time() - began)
"""


def best_s(words: list[str], folder: Path, starts: int) -> float:
    """CPU seconds: wall time would tell what else the machine does."""
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, *words], cwd=folder, env=environ, capture_output=True, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    once()
    return min(once() for _ in range(starts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=7)
    starts = parser.parse_args().starts
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "wanbatch", "init"], cwd=folder, check=True)
        bare = best_s(["-c", "pass"], folder, starts)
        print(f"bare Python            {bare * 1000:6.0f} ms")
        for what, words, bound in (
            ("--help", ["--help"], HELP_S),
            ("validate", ["validate", "first.wanbatch.yaml"], VALIDATE_S),
        ):
            over = best_s(["-m", "wanbatch", *words], folder, starts) - bare
            print(
                f"wanbatch {what:13} {over * 1000:6.0f} ms over it, {over / bound:.2f} of the bound"
            )
        tests = Path(__file__).parent.parent / "tests"
        done = subprocess.run(
            [sys.executable, "-c", LINES, str(tests)], check=True, capture_output=True, text=True
        )
        lines, took, names = done.stdout.split()
        ratio = float(took) / float(names)
        print(f"lines of 100,000 jobs  {float(took) * 1000:6.0f} ms for {lines}, {ratio:.1f} looks")


if __name__ == "__main__":
    main()
