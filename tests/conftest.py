"""For all tests: a machine that is busy is no failure, so nothing that hypothesis draws is timed.

``make test`` takes one of several cases of the long tables whose cases start real processes,
and six of the broken variants (``THINNED``); ``make cases``, and CI, take all of them.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

TESTS = Path(__file__).parent
THINNED = {
    "cli": 6,
    "crash": 3,
    "examples": 3,
    "field": 6,
    "media/test_field_inputs.py": 10,
    "media/test_turning.py": 3,
    "torture": 3,
    "simulation/test_mutants.py": 6,
}
"""One case of so many is kept where a test of this folder or file has more than two cases."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("WANBATCH_CASES") == "all" or len({item.path for item in items}) < 20:
        return  # all was asked for, or a few files by name
    tables: dict[tuple[Path, str], list[pytest.Item]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and item.originalname != item.name:
            tables[item.path, item.originalname].append(item)
    left_out = {
        item
        for (path, _), cases in tables.items()
        if len(cases) > 2
        for number, item in enumerate(cases)
        if number % _one_of(path)
    }
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def _one_of(path: Path) -> int:
    name = path.relative_to(TESTS).as_posix()
    return next((n for start, n in THINNED.items() if name.startswith(start)), 1)
