"""What the ledger knows of a job whose URL has a query: the same, another, or a doubt
for a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import DIGESTS, attempt, follow, job, manifest, media

from wanbatch.model.job import UrlMedia
from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.model.plan import Action, JobState
from wanbatch.plan.identity import identify
from wanbatch.plan.planner import PlanOptions, Target, make_plan

ONE, TWO = "k=9f86d081884c7d659a2feaa0c55ad015", "k=a3bf4f1b2b0b822cd15d6c15b0f00a08"
TARGET = Target("gateway", "paid", "https://api.test", None)


def web(query, identity=None, **changes):
    url = UrlMedia(f"https://h.test/a.png{'?' + query if query else ''}", identity)
    return job(media=(media(source=url),), **changes)


def stored(one, **changes):
    """The attempt that this version would have written for ``one``."""
    entry = next(iter(identify([manifest(one)], DIGESTS).values()))
    row = attempt(one, state=State.STORED, path="m/videos/one.mp4", **changes)
    return replace(row, request=entry.request.record())


def planned(*jobs, rows=(), **options):
    snapshot = Snapshot(tuple(rows))
    plan = make_plan(
        [manifest(*jobs)],
        DIGESTS,
        snapshot,
        frozenset({"m/videos/one.mp4"}),
        TARGET,
        PlanOptions(**options),
        5.0,
    )
    return plan.jobs


@pytest.mark.parametrize(
    ("bought", "now", "action"),
    [
        (ONE, ONE, Action.REUSE),
        (ONE, TWO, Action.ASK),
        (f"id=1&{ONE}", f"{ONE}&id=1", Action.REUSE),
        ("v=1", TWO, Action.ASK),
        (ONE, "v=1", Action.ASK),
        ("sign=1", TWO, Action.ASK),
        (ONE, "sign=1", Action.ASK),
        ("", ONE, Action.GENERATE),
        (ONE, "", Action.GENERATE),
        ("v=1", "v=2", Action.GENERATE),
        ("v=1", "", Action.GENERATE),
        ("v=1&w=2", "w=2&v=1", Action.REUSE),
        ("sign=1", "sign=2&t=1", Action.REUSE),
        ("sign=1", "", Action.REUSE),
        ("id=1&sign=1", "id=1&sign=2", Action.REUSE),
        ("id=1&sign=1", "id=2&sign=2", Action.ASK),
    ],
)
def test_what_a_query_says_of_what_was_bought(bought, now, action):
    assert planned(web(now), rows=[stored(web(bought))])[0].action is action


@pytest.mark.parametrize("bought", [f"id=1&{ONE}", "id=1&sign=1", "id=1&v=2"])
def test_named_parameters_are_compared_and_no_others(bought):
    rows = [stored(web(bought))]
    assert planned(web(f"id=1&{TWO}", ("id",)), rows=rows)[0].action is Action.REUSE
    assert planned(web(f"id=2&{ONE}", ("id",)), rows=rows)[0].action is Action.GENERATE
    assert planned(web(TWO, ()), rows=rows)[0].action is Action.REUSE


def test_a_doubt_says_what_to_write_and_gives_way_to_a_person():
    rows = [stored(web(ONE))]
    (asked,) = planned(web(TWO), rows=rows)
    assert (asked.state, "identity: []" in str(asked.reason)) == (JobState.BLOCKED, True)
    assert planned(web(TWO), rows=rows, regenerate=True)[0].action is Action.GENERATE
    second = replace(stored(web(TWO)), attempt_id=2)
    assert planned(web(TWO), rows=[*rows, second])[0].action is Action.REUSE


@pytest.mark.parametrize(
    "change", [{"prompt": "x"}, {"seed": 8}, {"take": 2, "name": "one[take=2]"}]
)
def test_a_job_that_differs_in_more_than_its_query_is_new(change):
    assert planned(web(TWO, **change), rows=[stored(web(ONE))])[0].action is Action.GENERATE


@pytest.mark.parametrize("state", [State.REJECTED, State.REMOTE_FAILED, State.PLANNED])
def test_what_was_not_bought_raises_no_doubt(state):
    assert (
        planned(web(TWO), rows=[replace(stored(web(ONE)), state=state)])[0].action
        is Action.GENERATE
    )


@pytest.mark.parametrize("state", [State.ACCEPTED, State.UNCERTAIN, State.EXPIRED])
def test_what_may_have_been_bought_raises_one(state):
    rows = [replace(stored(web(ONE)), state=state, task_id="t1")]
    assert planned(web(TWO), rows=rows)[0].action is Action.ASK


def test_what_hangs_on_a_doubt_is_not_bought():
    upstream = replace(web(TWO), name="one")
    jobs = planned(upstream, job("two", media=follow("one")), rows=[stored(web(ONE))])
    assert [entry.action for entry in jobs] == [Action.ASK, Action.BLOCKED]


def test_a_changed_url_is_named_as_what_changed():
    (entry,) = planned(web("v=2"), rows=[stored(web("v=1"))])
    assert str(entry.reason) == "changed: media.first_frame"


def test_a_row_that_cannot_be_read_is_taken_for_what_its_fingerprint_says():
    row = replace(stored(web("id=1&sign=1")), request="{}")
    assert planned(web("id=2&sign=1"), rows=[row])[0].action is Action.REUSE
