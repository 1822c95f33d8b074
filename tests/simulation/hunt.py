"""Looks for the first seed that notices each broken variant, and writes
``CATCHES.json``.

What it may not do: leave a variant out.

How it works: the variants are shared out among processes; each tries seeds from 0 up to
499. ``catch`` is a function at the top of a module, so that every process finds it.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

Catch = Callable[[str], list[tuple[int, str]]]


def look(catch: Catch, name: str) -> tuple[str, list[tuple[int, str]]]:
    return name, catch(name)


def hunt(
    catch: Catch, variants: Collection[str], catches: Path, workers: int, names: list[str]
) -> int:
    """Prints and writes which seed noticed what; of all variants where no ``names`` are
    given. The exit code tells whether all were noticed."""
    found: dict[str, dict[str, object]] = (
        json.loads(catches.read_text()) if names and catches.exists() else {}
    )
    missed = 0
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        looked = pool.imap_unordered(partial(look, catch), names or list(variants), chunksize=1)
        for name, caught in looked:
            found.pop(name, None)
            if caught:
                found[name] = {"seeds": [seed for seed, _ in caught], "says": caught[0][1]}
            missed += not caught
            print(f"{name}: {found.get(name) or 'NOT NOTICED within 500 seeds'}", flush=True)
            text = json.dumps(dict(sorted(found.items())), indent=2, ensure_ascii=False)
            catches.write_text(f"{text}\n")
    return bool(missed)
