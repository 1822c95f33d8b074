"""How long a plan will take: by what this origin was seen to take, else a guess; chains
one after the other; what is running counts its age."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import DIGESTS, attempt, follow, job, manifest

from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.model.wire import Profile
from wanbatch.operations.planning import estimate
from wanbatch.plan.planner import PlanOptions, Target, make_plan

EMPTY = Snapshot()
NOW = 1_000_000.0
ORIGIN = "https://api.test"
PROFILE = Profile("gateway", "gateway", ORIGIN, ORIGIN, rate=None, max_in_flight=5)
SINGLES = [job(f"one[seed={n}]", seed=n) for n in range(10)]
CHAIN = [job("a"), job("b", media=follow("a")), job("c", media=follow("b"))]


def plan_of(jobs, snapshot=EMPTY):
    target = Target(PROFILE.name, PROFILE.realm, ORIGIN, PROFILE.prices)
    return make_plan([manifest(*jobs)], DIGESTS, snapshot, frozenset(), target, PlanOptions(), NOW)


def seen(*took_s, origin=ORIGIN):
    """A ledger with videos that took so long, of a manifest that is gone."""
    return Snapshot(
        tuple(
            attempt(
                job(f"old{n}", manifest="old", seed=900 + n),
                100 + n,
                origin=origin,
                state=State.STORED,
                accepted_at=1000.0,
                polled_at=1000.0 + one,
                finished_at=1000.0 + one,
                stored_at=1000.0 + one,
            )
            for n, one in enumerate(took_s)
        )
    )


def estimated(jobs, snapshot=EMPTY, **limits):
    return estimate(plan_of(jobs, snapshot), replace(PROFILE, **limits), snapshot, NOW)


def test_the_first_run_is_a_guess():
    found = estimated(SINGLES[:1])
    assert found.is_guess
    assert found.low_s < 120.0 < found.high_s


def test_nothing_to_make_has_no_estimate():
    assert estimate(replace(plan_of(SINGLES), jobs=()), PROFILE, Snapshot(), NOW) is None


def test_what_this_origin_took_is_what_counts():
    found = estimated(SINGLES[:1], seen(*[600.0] * 30))
    assert not found.is_guess
    assert 400 < found.low_s < 600 < found.high_s < 900
    assert estimated(SINGLES[:1], seen(*[600.0] * 30, origin="https://other.test")).is_guess


def test_slots_and_rate_make_it_longer():
    ledger = seen(*[60.0] * 30)
    free, few, slow = (
        estimated(SINGLES, ledger, **limits)
        for limits in ({"max_in_flight": 50}, {"max_in_flight": 2}, {"rate": 1 / 60})
    )
    assert few.low_s > 2 * free.high_s
    assert slow.low_s > 9 * 60.0


def test_a_chain_is_made_one_after_the_other():
    ledger = seen(*[60.0] * 30)
    chain, beside = estimated(CHAIN, ledger), estimated(SINGLES[:3], ledger)
    assert chain.low_s > 2 * beside.low_s


@pytest.mark.parametrize(
    ("state", "low_s", "high_s"), [(State.ACCEPTED, 1.0, 40.0), (State.REMOTE_OK, 0.0, 0.01)]
)
def test_what_runs_already_takes_only_its_rest(state, low_s, high_s):
    ledger = seen(*[60.0] * 30)
    running = attempt(
        SINGLES[0],
        1,
        origin=ORIGIN,
        task_id="t",
        state=state,
        accepted_at=NOW - 45.0,
        give_up_at=NOW + 80_000,
        available_until=NOW + 80_000,
    )
    ledger = replace(ledger, attempts=(*ledger.attempts, running))
    found = estimated(SINGLES[:1], ledger)
    assert low_s <= found.low_s <= found.high_s <= high_s
