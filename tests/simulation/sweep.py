"""Many seeds, shared out among processes; the sums of what happened are printed at the
end.

What it may not do: change a seed's outcome by the company it is in, or know one
simulation from another.

How it works: a pool of fresh processes, five seeds at a time; a seed depends on nothing
but its number. ``run_seed`` is a function at the top of a module, so that every process
finds it; every ``Counter`` of its results is summed up.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

RunSeed = Callable[[int], Any]


def bare(run_seed: RunSeed, seed: int) -> Any:
    """A result without its log, which is long and can be had again."""
    result = run_seed(seed)
    result.log = []
    return result


def many(run_seed: RunSeed, seeds: range, workers: int) -> int:
    """The exit code tells whether an invariant was broken."""
    began = time.perf_counter()
    sums: dict[str, Counter[str]] = {}
    failed: list[Any] = []
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for result in pool.imap_unordered(partial(bare, run_seed), seeds, chunksize=5):
            for name, counted in _counters(result):
                sums.setdefault(name, Counter()).update(counted)
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


def _counters(result: Any) -> list[tuple[str, Counter[str]]]:
    values = [(field.name, getattr(result, field.name)) for field in fields(result)]
    return [(name, value) for name, value in values if isinstance(value, Counter)]
