"""Every broken variant of the engine is noticed by the seeds that are on record for it;
``CATCHES.json`` says which seed noticed which, and how.

What it may not do: hunt. Where the engine has changed so much that no recorded seed
notices a variant any more, hunt again: ``PYTHONPATH=tests python -m simulation
--mutants NAME``.
"""

from __future__ import annotations

import json

import pytest
from simulation.hunt import CATCHES
from simulation.mutants import VARIANTS, notices
from simulation.world import run_seed

CAUGHT = json.loads(CATCHES.read_text())


def test_every_variant_is_caught_within_five_hundred_seeds():
    assert set(CAUGHT) == set(VARIANTS)
    assert len(VARIANTS) >= 15
    assert all(0 <= seed < 500 for catch in CAUGHT.values() for seed in catch["seeds"])


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_a_broken_variant_is_noticed(name):
    seeds = CAUGHT[name]["seeds"]
    noticed = next((seed for seed in seeds if notices(name, seed)), None)
    assert noticed is not None, (
        f"none of the seeds {seeds} notices {name} any more; hunt again: python -m simulation"
        f" --mutants {name}"
    )
    assert not run_seed(noticed).violations, "the seed is broken without the variant, too"
