"""Many seeds of machines that share a ledger, shared out among processes.

What it may not do: change a seed's outcome by the company it is in.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter

from simulation.shared.world import Result, run_seed


def bare(seed: int) -> Result:
    result = run_seed(seed)
    result.log = []
    return result


def many(seeds: range, workers: int) -> int:
    began = time.perf_counter()
    sums: dict[str, Counter[str]] = {n: Counter() for n in ("faults", "deaths", "counts")}
    failed: list[Result] = []
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for result in pool.imap_unordered(bare, seeds, chunksize=5):
            for name, total in sums.items():
                total.update(getattr(result, name))
            if result.violations:
                failed.append(result)
    took = time.perf_counter() - began
    print(f"{len(seeds)} seeds in {took:.1f} s ({len(seeds) / took:.1f} a second)")
    for name, total in sums.items():
        said = ", ".join(f"{kind} {count}" for kind, count in sorted(total.items()))
        print(f"{name} ({total.total()}): {said}")
    for result in sorted(failed, key=lambda r: r.seed):
        print(f"seed {result.seed}: {'; '.join(result.violations)}")
    print(f"{len(failed)} seeds with violations" if failed else "all invariants hold")
    return bool(failed)
