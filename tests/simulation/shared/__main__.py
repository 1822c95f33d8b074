"""``PYTHONPATH=tests python -m simulation.shared``: seeds of machines that share a
ledger.

What it may not do: anything that ``world.run_seed`` does not.
"""

from __future__ import annotations

import argparse
import sys

from simulation.shared.hunt import hunt
from simulation.shared.sweep import many
from simulation.shared.world import run_seed


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulation.shared", description=__doc__)
    parser.add_argument("--seed", type=int, help="one seed")
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-v", "--verbose", action="store_true", help="print the log of --seed")
    parser.add_argument(
        "--mutants",
        nargs="*",
        metavar="NAME",
        help="look for the seed that notices each broken variant",
    )
    chosen = parser.parse_args()
    if chosen.mutants is not None:
        return hunt(chosen.workers, chosen.mutants)
    if chosen.seed is None:
        return many(range(chosen.first, chosen.first + chosen.seeds), chosen.workers)
    result = run_seed(chosen.seed)
    if chosen.verbose:
        print("\n".join(result.log))
    print(f"seed {chosen.seed}: {'; '.join(result.violations) or 'all invariants hold'}")
    return bool(result.violations)


if __name__ == "__main__":
    sys.exit(main())
