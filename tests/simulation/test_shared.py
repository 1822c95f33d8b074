"""Machines that share a ledger, in the deterministic simulation: no seed breaks an
invariant, and every broken variant is noticed by the seeds that are on record for it.

What it may not do: draw, or hunt: ``PYTHONPATH=tests python -m simulation.shared
--mutants NAME``. More seeds: ``make simulate``.
"""

from __future__ import annotations

import json

import pytest
from simulation.by_tests import demand_noticed
from simulation.shared.mutants import CATCHES, VARIANTS
from simulation.shared.scenario import DEATHS, draw
from simulation.shared.world import run_seed

CAUGHT = json.loads(CATCHES.read_text())
SEEDS, SHARES = 24, 4
LEAST_VARIANTS = 8
BY_TESTS = {
    "absence_is_concluded_for_others": "engine/test_reconcile.py",
    "exists_means_anothers": "ledger/test_door.py",
    "lease_is_released_with_an_intent_open": "ledger/test_beside.py",
}
"""Variants that no seed of the first five hundred notices, and the tests that do: one
costs time alone, and what the others open the next guard still holds."""


@pytest.mark.parametrize("share", range(SHARES))
def test_no_invariant_is_broken(share):
    for seed in range(share, SEEDS, SHARES):
        result = run_seed(seed)
        assert not result.violations, (
            f"python -m simulation.shared --seed {seed} -v: {result.violations}\n"
            + "\n".join(result.log[-30:])
        )


def test_the_same_seed_gives_the_same_log():
    assert run_seed(9).log == run_seed(9).log


def test_every_kind_of_trouble_is_drawn_for_some_seed():
    scenarios = [draw(seed) for seed in range(300)]
    lives = [life for s in scenarios for machine in s.machines for life in machine.lives]
    assert {life.death[0] for life in lives if life.death} == set(DEATHS)
    assert {len(s.machines) for s in scenarios} == {2, 3, 4}
    for name in scenarios[0].store:
        assert any(s.store[name] > 0.2 for s in scenarios)
    assert any(stop > 15.0 for s in scenarios for m in s.machines for stop in m.stops_in_post)


def test_every_variant_is_caught_by_a_seed_or_stands_with_its_test():
    assert set(CAUGHT) | set(BY_TESTS) == set(VARIANTS)
    assert not set(CAUGHT) & set(BY_TESTS)
    assert len(CAUGHT) >= LEAST_VARIANTS
    assert all(0 <= seed < 500 for catch in CAUGHT.values() for seed in catch["seeds"])


@pytest.mark.parametrize("name", sorted(CAUGHT))
def test_a_broken_variant_is_noticed(name):
    seeds = CAUGHT[name]["seeds"]
    noticed = next((seed for seed in seeds if VARIANTS.notices(name, seed)), None)
    assert noticed is not None, (
        f"none of the seeds {seeds} notices {name} any more; hunt again: python -m"
        f" simulation.shared --mutants {name}"
    )
    assert not run_seed(noticed).violations, "the seed is broken without the variant, too"


@pytest.mark.parametrize("name", sorted(BY_TESTS))
def test_what_no_seed_notices_a_test_does(name):
    demand_noticed(BY_TESTS[name], name)
