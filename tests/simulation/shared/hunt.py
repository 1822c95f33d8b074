"""Looks for the first seed that notices each broken variant, and writes
``CATCHES.json``.

What it may not do: leave a variant out.
"""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

from simulation.shared.mutants import VARIANTS, catch

CATCHES = Path(__file__).with_name("CATCHES.json")


def look(name: str) -> tuple[str, list[tuple[int, str]]]:
    return name, catch(name)


def hunt(workers: int, names: list[str]) -> int:
    """Prints and writes which seed noticed what; the exit code tells whether all were
    noticed."""
    found: dict[str, dict[str, object]] = (
        json.loads(CATCHES.read_text()) if names and CATCHES.exists() else {}
    )
    missed = 0
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for name, caught in pool.imap_unordered(look, names or list(VARIANTS), chunksize=1):
            found.pop(name, None)
            if caught:
                found[name] = {"seeds": [seed for seed, _ in caught], "says": caught[0][1]}
            missed += not caught
            print(f"{name}: {found.get(name) or 'NOT NOTICED within 500 seeds'}", flush=True)
            text = json.dumps(dict(sorted(found.items())), indent=2, ensure_ascii=False)
            CATCHES.write_text(f"{text}\n")
    return bool(missed)
