"""Every broken variant is noticed: by the seeds that are on record for it, or by the
test that stands for it here. ``CATCHES.json`` says which seed noticed which, and how.

What it may not do: hunt. Where the engine has changed so much that no recorded seed
notices a variant any more, hunt again: ``PYTHONPATH=tests python -m simulation
--mutants NAME``.
"""

from __future__ import annotations

import json

import pytest
from simulation.by_tests import demand_noticed
from simulation.catalogue import CATCHES, VARIANTS
from simulation.world import run_seed

CAUGHT = json.loads(CATCHES.read_text())
BY_TESTS = {
    "a_failure_is_weighed_by_the_least_age": "words/test_clock.py",
    "a_list_that_is_not_whole_proves_absence": "providers/test_dashscope.py",
    "another_spelling_of_the_prompt_proves_absence": "engine/test_reconcile.py",
    "candidates_do_not_hinder_absence": "engine/test_reconcile.py",
    "no_answer_of_a_failed_task_is_a_no": "engine/test_scheduler.py",
    "restore_takes_any_bytes": "engine/test_runner_steps.py",
    "time_does_not_matter_for_adopting": "engine/test_reconcile.py",
}
"""Variants that no seed of the first five hundred notices, and the tests that do.

Most need two rare things at once: a list lane, a lost answer and another's task with
the same prompt.
"""


def test_every_variant_is_caught_by_a_seed_or_stands_with_its_tests():
    assert len(VARIANTS) >= 60
    assert set(CAUGHT) | set(BY_TESTS) == set(VARIANTS)
    assert not set(CAUGHT) & set(BY_TESTS)
    assert all(0 <= seed < 500 for catch in CAUGHT.values() for seed in catch["seeds"])
    assert len(CAUGHT) >= 0.9 * len(VARIANTS)


@pytest.mark.parametrize("name", sorted(CAUGHT))
def test_a_broken_variant_is_noticed(name):
    seeds = CAUGHT[name]["seeds"]
    noticed = next((seed for seed in seeds if VARIANTS.notices(name, seed)), None)
    assert noticed is not None, (
        f"none of the seeds {seeds} notices {name} any more; hunt again: python -m simulation"
        f" --mutants {name}"
    )
    assert not run_seed(noticed).violations, "the seed is broken without the variant, too"


@pytest.mark.parametrize("name", sorted(BY_TESTS))
def test_what_no_seed_notices_a_test_does(name):
    demand_noticed(BY_TESTS[name], name)
