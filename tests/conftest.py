"""For all tests: a machine that is busy is no failure, so nothing that hypothesis draws
is timed.

``make test`` takes a slice of what starts real processes: one of several cases of the
long tables (``THINNED``), every twentieth test of the folders that run whole commands
(``SLICED``). ``make cases`` takes all of them.
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
    "browser/test_hostile.py": 5,
    "ci": 3,
    "cli": 6,
    "crash": 3,
    "docs/test_pages.py": 6,
    "examples": 3,
    "field": 6,
    "media/test_field_inputs.py": 10,
    "media/test_turning.py": 3,
    "torture": 6,
    "simulation/test_mutants.py": 14,
    "simulation/test_shared.py": 4,
}
"""One case of so many is kept where a test of this folder or file has more than two
cases."""
SLICED = ("ci", "cli", "compute", "crash", "field", "upgrade")
"""The tests of these folders run whole commands and clusters, and take two thirds of
the suite's time."""
ONE_OF = 20
"""So many tests of a file there stand behind each that is run (chosen by the time)."""

# A user has no trio, which httpx would import at each start: neither have the commands
# of tests.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(TESTS / "without_trio"), os.environ.get("PYTHONPATH")])
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("WANBATCH_CASES") == "all" or len({item.path for item in items}) < 20:
        return  # all was asked for, or a few files by name
    left_out = {*_cases_left_out(items), *_tests_left_out(items)}
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def _cases_left_out(items: list[pytest.Item]) -> set[pytest.Item]:
    tables: dict[tuple[Path, str], list[pytest.Item]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and item.originalname != item.name:
            tables[item.path, item.originalname].append(item)
    return {
        item
        for (path, _), cases in tables.items()
        if len(cases) > 2
        for number, item in enumerate(cases)
        if number % next((n for start, n in THINNED.items() if _is_in(path, start)), 1)
    }


def _tests_left_out(items: list[pytest.Item]) -> set[pytest.Item]:
    tests: dict[Path, dict[str, list[pytest.Item]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        if isinstance(item, pytest.Function) and any(_is_in(item.path, one) for one in SLICED):
            tests[item.path][item.originalname].append(item)
    return {
        item
        for in_file in tests.values()
        for number, cases in enumerate(in_file.values())
        if number % ONE_OF
        for item in cases
    }


def _is_in(path: Path, start: str) -> bool:
    return path.relative_to(TESTS).as_posix().startswith(start)
