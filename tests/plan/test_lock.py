"""The lock of a plan, its text and back, and what it says of a manifest."""

from __future__ import annotations

import json
from dataclasses import replace

from builders import DIGESTS, attempt, job, manifest
from plan.test_planner import NOW, TARGET

from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.model.lock import Lock, LockEntry
from wanbatch.plan.history import known_fingerprints
from wanbatch.plan.identity import identify
from wanbatch.plan.lock import Kind, find_differences, lock_text, make_lock, parse_lock
from wanbatch.plan.planner import PlanOptions, make_plan


def locked(*rows, jobs=(), earlier=None, prune=False):
    snapshot = Snapshot(tuple(rows))
    plan = make_plan(
        [manifest(*(jobs or (job(),)))], DIGESTS, snapshot, frozenset(), TARGET, PlanOptions(), NOW
    )
    return make_lock(plan.jobs, snapshot, earlier, prune=prune)


def differences(lock, *jobs, selected=None):
    found = identify([manifest(*jobs)], DIGESTS)
    known = known_fingerprints(found)
    names = frozenset(one.name for one in jobs) if selected is None else frozenset(selected)
    return list(
        find_differences(
            lock,
            {name: entry.request for (_, name), entry in found.items()},
            {name: known["m", name] for _, name in found},
            names,
        )
    )


def test_every_job_that_may_have_been_paid_for_is_in_it():
    for state in State:
        bought = state not in (State.PLANNED, State.REJECTED, State.REMOTE_FAILED)
        assert bool(locked(attempt(state=state, task_id="t")).jobs) is bought, state


def test_a_purchase_before_a_failed_retry_counts():
    rows = (
        attempt(attempt_id=1, state=State.ABANDONED, task_id="t"),
        attempt(attempt_id=2, state=State.REJECTED),
    )
    assert locked(*rows).jobs["one"].task_id == "t"


def test_text_and_back_is_the_same_and_keys_are_sorted():
    lock = locked(attempt(state=State.STORED, task_id="t", sha256="c" * 64, bytes=7))
    text = lock_text(lock)
    assert parse_lock(json.loads(text)) == lock
    assert text == lock_text(parse_lock(json.loads(text)))
    again = json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
    assert json.dumps(json.loads(text), ensure_ascii=False) == again
    assert json.loads(lock_text(Lock("x"))) == {
        "schema": "wanbatch/lock@1",
        "ledger": "x",
        "jobs": {},
    }


def test_hostile_names_and_prompts_are_text():
    name, prompt = 'a"]\n{', '"\\ \u2028 </script>'
    lock = Lock("x", {name: LockEntry("wb2:" + "1" * 64, "done", {"prompt": prompt})})
    assert parse_lock(json.loads(lock_text(lock))).jobs[name].request == {"prompt": prompt}


def test_entries_of_other_ledgers_are_kept_unless_pruned():
    stranger = LockEntry("wb2:" + "1" * 64, "done", {})
    earlier = Lock("other", {"theirs": stranger, "one": stranger})
    row = attempt(state=State.STORED, task_id="t")
    kept = locked(row, earlier=earlier)
    assert list(kept.jobs) == ["one", "theirs", "one~11111111"]
    assert list(locked(row, earlier=earlier, prune=True).jobs) == ["one"]


def test_an_entry_of_a_renamed_job_is_not_kept_twice():
    row = attempt(state=State.STORED, task_id="t")
    before = locked(row)
    renamed = job("two")
    after = locked(replace(row, job="one"), jobs=(renamed,), earlier=before)
    assert list(after.jobs) == ["two"]


def test_differences_are_named_by_kind():
    lock = locked(attempt(state=State.STORED, task_id="t"))
    assert differences(lock, job()) == []
    assert differences(lock, job("renamed")) == []
    new, gone = differences(lock, job("new", seed=99))
    assert (new.kind, gone.kind) == (Kind.UNLOCKED, Kind.GONE)
    (changed,) = differences(lock, job(prompt="a quiet harbour"))
    assert str(changed) == "one: changed: prompt: a {+quiet+} harbour"
    (take,) = differences(lock, job(take=2))
    assert str(take) == "one: changed: identity: its upstream, its take or the query of a URL"


def test_what_is_not_selected_is_not_asked_about():
    assert differences(locked(), job(), job("two", seed=8), selected=["two"])[0].job == "two"
    assert differences(locked(), job(), selected=()) == []
