"""The command line of a simulation: one seed with its log, many, or a hunt for broken
variants.

What it may not do: anything that ``run_seed`` does not.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from simulation.sweep import RunSeed, many

Hunt = Callable[[int, list[str]], int]
"""From how many processes and which variants (none: all) to an exit code."""


def main(prog: str, about: str | None, run_seed: RunSeed, hunt: Hunt) -> int:
    parser = argparse.ArgumentParser(prog=prog, description=about)
    parser.add_argument("--seed", type=int, help="one seed")
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--mutants",
        nargs="*",
        metavar="NAME",
        help="look for the seed that notices each broken variant",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="print the log of --seed")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        return one(run_seed, chosen.seed, verbose=chosen.verbose)
    if chosen.mutants is not None:
        return hunt(chosen.workers, chosen.mutants)
    return many(run_seed, range(chosen.first, chosen.first + chosen.seeds), chosen.workers)


def one(run_seed: RunSeed, seed: int, *, verbose: bool) -> int:
    result = run_seed(seed)
    if verbose:
        print("\n".join(result.log))
    print(f"seed {seed}: {'; '.join(result.violations) or 'all invariants hold'}")
    return bool(result.violations)
