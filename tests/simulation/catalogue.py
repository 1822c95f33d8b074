"""All broken variants, and how each is looked for.

What it may not do: break anything by being imported.

How it works: ``mutants`` breaks the engine's promises, ``world_mutants`` what the
world's circumstances ask for; both enter themselves in one table. ``catch`` looks for
the first seed that notices.
"""

from __future__ import annotations

from simulation import world_mutants
from simulation.mutants import VARIANTS, broken
from simulation.world import Result, run_seed

__all__ = ["VARIANTS", "broken", "catch", "notices", "world_mutants"]


def run_broken(name: str, seed: int) -> Result:
    with broken(name):
        return run_seed(seed)


def notices(name: str, seed: int) -> str | None:
    """What the seed says of the variant; that a variant falls over would be no merit,
    and does not count."""
    violations = run_broken(name, seed).violations
    return violations[0] if violations and "fell over" not in violations[0] else None


def catch(name: str, within: int = 500) -> list[tuple[int, str]]:
    """The first seed that notices the variant and what it says, and one more from not
    far behind: the engine changes, and seeds with it."""
    found: list[tuple[int, str]] = []
    seed, last = 0, within
    while seed < last and len(found) < 2:
        said = notices(name, seed)
        if said is not None and not run_seed(seed).violations:
            found.append((seed, said))
            last = min(within, 2 * found[0][0] + 30)
        seed += 1
    return found
