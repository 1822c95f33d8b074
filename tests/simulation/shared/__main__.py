"""``PYTHONPATH=tests python -m simulation.shared``: seeds of machines that share a
ledger.

What it may not do: anything that ``world.run_seed`` does not.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
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


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulation.shared", description=__doc__)
    parser.add_argument("--seed", type=int, help="one seed")
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-v", "--verbose", action="store_true", help="print the log of --seed")
    chosen = parser.parse_args()
    if chosen.seed is None:
        return many(range(chosen.first, chosen.first + chosen.seeds), chosen.workers)
    result = run_seed(chosen.seed)
    if chosen.verbose:
        print("\n".join(result.log))
    print(f"seed {chosen.seed}: {'; '.join(result.violations) or 'all invariants hold'}")
    return bool(result.violations)


if __name__ == "__main__":
    sys.exit(main())
