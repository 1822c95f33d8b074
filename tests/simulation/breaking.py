"""A plugin for pytest: breaks the engine by one variant for the whole session.

    WANBATCH_BROKEN=NAME pytest -p simulation.breaking FILE::TEST

What it may not do: anything where no variant is named.

How it works: the variant's patches are applied when pytest is configured, before any
test file is imported, and never taken back: the process ends with the session.
"""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest

_patches = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    name = os.environ.get("WANBATCH_BROKEN")
    if name:
        from simulation import catalogue
        from simulation.shared import mutants

        table = next(t for t in (catalogue.VARIANTS, mutants.VARIANTS) if name in t)
        _patches.enter_context(table.broken(name))
