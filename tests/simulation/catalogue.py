"""All broken variants, and how each is looked for.

What it may not do: break anything by being imported.

How it works: ``mutants`` breaks the engine's promises, ``world_mutants`` what the
world's circumstances ask for; both enter themselves in one table.
"""

from __future__ import annotations

from pathlib import Path

from simulation import world_mutants
from simulation.hunt import hunt as hunt_for
from simulation.mutants import VARIANTS

__all__ = ["CATCHES", "VARIANTS", "catch", "hunt", "world_mutants"]

CATCHES = Path(__file__).with_name("CATCHES.json")


def catch(name: str) -> list[tuple[int, str]]:
    return VARIANTS.catch(name)


def hunt(workers: int, names: list[str]) -> int:
    return hunt_for(catch, VARIANTS, CATCHES, workers, names)
