"""Many seeds, shared out among processes; the sums of what happened are printed at the
end.

What it may not do: change a seed's outcome by the company it is in.

How it works: a pool of fresh processes, five seeds at a time; a seed depends on nothing
but its number.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter

from simulation.world import Result, run_seed


def bare(seed: int) -> Result:
    """A result without its log, which is long and can be had again."""
    result = run_seed(seed)
    result.log = []
    return result


def many(seeds: range, workers: int) -> int:
    began = time.perf_counter()
    faults: Counter[str] = Counter()
    deaths: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    failed: list[Result] = []
    processes = 0
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for result in pool.imap_unordered(bare, seeds, chunksize=5):
            faults, deaths, outcomes = (
                faults + result.faults,
                deaths + result.deaths,
                outcomes + result.outcomes,
            )
            processes += result.processes
            if result.violations:
                failed.append(result)
    took = time.perf_counter() - began
    print(
        f"{len(seeds)} seeds in {took:.1f} s ({len(seeds) / took:.1f} a second), {processes}"
        " processes"
    )
    for title, counter in (("faults", faults), ("deaths", deaths), ("attempts", outcomes)):
        print(
            f"{title} ({counter.total()}): "
            + ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))
        )
    for result in sorted(failed, key=lambda r: r.seed):
        print(f"seed {result.seed}: {'; '.join(result.violations)}")
    print(f"{len(failed)} seeds with violations" if failed else "all invariants hold")
    return bool(failed)
