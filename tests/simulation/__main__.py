"""``PYTHONPATH=tests python -m simulation``: lives seeds through and says what
happened.

What it may not do: anything that ``world.run_seed`` does not.

How it works: ``--seed N -v`` prints the log of one seed; otherwise ``sweep`` does them
all.
"""

from __future__ import annotations

import argparse
import sys

from simulation.hunt import hunt
from simulation.sweep import many
from simulation.world import run_seed


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
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
        return one(chosen.seed, verbose=chosen.verbose)
    if chosen.mutants is not None:
        return hunt(chosen.workers, chosen.mutants)
    return many(range(chosen.first, chosen.first + chosen.seeds), chosen.workers)


def one(seed: int, *, verbose: bool) -> int:
    result = run_seed(seed)
    if verbose:
        print("\n".join(result.log))
    print(f"seed {seed}: {'; '.join(result.violations) or 'all invariants hold'}")
    return bool(result.violations)


if __name__ == "__main__":
    sys.exit(main())
