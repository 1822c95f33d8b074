"""Every broken variant is noticed: by the seeds that are on record for it, or by the
test that stands for it here. ``CATCHES.json`` says which seed noticed which, and how.

What it may not do: hunt. Where the engine has changed so much that no recorded seed
notices a variant any more, hunt again: ``PYTHONPATH=tests python -m simulation
--mutants NAME``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulation.catalogue import VARIANTS, notices
from simulation.hunt import CATCHES
from simulation.world import run_seed

TESTS = Path(__file__).parent.parent
CAUGHT = json.loads(CATCHES.read_text())
BY_TESTS: dict[str, str] = {}
"""Variants that no seed of the first five hundred notices, and the test that does."""


def test_nine_of_ten_variants_are_caught_within_five_hundred_seeds():
    assert len(VARIANTS) >= 60
    assert set(CAUGHT) | set(BY_TESTS) == set(VARIANTS)
    assert not set(CAUGHT) & set(BY_TESTS)
    assert all(0 <= seed < 500 for catch in CAUGHT.values() for seed in catch["seeds"])
    assert len(CAUGHT) >= 0.9 * len(VARIANTS)


@pytest.mark.parametrize("name", sorted(CAUGHT))
def test_a_broken_variant_is_noticed(name):
    seeds = CAUGHT[name]["seeds"]
    noticed = next((seed for seed in seeds if notices(name, seed)), None)
    assert noticed is not None, (
        f"none of the seeds {seeds} notices {name} any more; hunt again: python -m simulation"
        f" --mutants {name}"
    )
    assert not run_seed(noticed).violations, "the seed is broken without the variant, too"


@pytest.mark.parametrize("name", sorted(BY_TESTS))
def test_what_no_seed_notices_a_test_does(name):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "simulation.breaking"]
    environ = {**os.environ, "PYTHONPATH": str(TESTS)}
    for broken, code in (("", 0), (name, 1)):
        done = subprocess.run(
            [*command, str(TESTS / BY_TESTS[name])],
            env={**environ, "WANBATCH_BROKEN": broken},
            cwd=TESTS.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout[-2000:]
