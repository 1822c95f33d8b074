"""What the run does next, decided without a socket: the order of what is at risk, what waits for what, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import DIGESTS, attempt, follow, job, manifest

from wanbatch.engine.budget import Budget
from wanbatch.engine.conductor import (
    BLIND_POLLS_AFTER_HALT,
    Conductor,
    Fetch,
    Finish,
    Limits,
    Phase,
    Poll,
    Prepare,
    Submit,
    Wait,
    build_works,
)
from wanbatch.engine.outcomes import (
    Accepted,
    DownloadFailed,
    Failed,
    Halted,
    NotAccepted,
    Rejected,
    Running,
    Succeeded,
    Uncertain,
    Unreadable,
)
from wanbatch.engine.pacing import SubmitPacer
from wanbatch.engine.polling import PollSchedule
from wanbatch.engine.settle import poll_event, submit_event
from wanbatch.lifecycle import Authority, Event, EventKind, Snapshot, State, apply, open_attempt
from wanbatch.plan.planner import PlanOptions, Target, make_plan
from wanbatch.plan.price import PriceList

PRICES = PriceList({"720P": Decimal("0.10")}, "USD")
AT = 10_000.0
"""The wall clock when the monotonic one shows 0."""


class Play:
    """A conductor and the ledger's rows, played by hand: each method does what the runner would."""

    def __init__(
        self,
        *jobs,
        attempts=(),
        limit=None,
        rate=None,
        ceiling=10,
        retries=0,
        wait_s=7200.0,
        on_failure="continue",
    ):
        plan = make_plan(
            [manifest(*jobs, retries=retries)],
            DIGESTS,
            Snapshot(tuple(attempts)),
            frozenset(),
            Target("gateway", "paid", "https://api.test", PRICES),
            PlanOptions(),
            AT,
        )
        limits = Limits(wait_s, frozenset({"m"}) if on_failure == "stop" else frozenset())
        self.conductor = Conductor(
            build_works(plan, {"m": retries}),
            SubmitPacer(rate, ceiling),
            PollSchedule(15.0),
            Budget(limit),
            limits,
        )
        self.rows = {a.attempt_id: a for a in attempts}
        self.now = 0.0
        self.conductor.resume(
            [a for a in attempts if a.state in (State.ACCEPTED, State.REMOTE_OK)], 0.0, AT
        )

    def next(self, kind):
        action = self.conductor.next_action(self.now)
        assert isinstance(action, kind), action
        return action

    def wait_for(self, kind):
        """Lets time pass, and media be prepared, until an action of ``kind`` is asked for."""
        while isinstance(action := self.conductor.next_action(self.now), (Wait, Prepare)):
            if isinstance(action, Prepare):
                self.conductor.prepared(action.work, {"first_frame": "data:x"})
                continue
            assert action.until is not None
            assert action.until > self.now
            self.now = action.until
        assert isinstance(action, kind), action
        return action

    def prepare(self):
        work = self.next(Prepare).work
        self.conductor.prepared(work, {"first_frame": "data:x"})
        return work

    def submit(self, outcome):
        work = self.wait_for(Submit).work
        number = len(self.rows) + 1
        row = open_attempt(number, _opening(work, AT + self.now))
        self.conductor.opened(work, row)
        self.rows[number] = apply(row, submit_event(row, outcome, AT + self.now))
        self.conductor.submitted(work, self.rows[number], outcome, self.now)
        return work

    def poll(self, outcome):
        task = self.wait_for(Poll).task
        row = task.attempt
        event = poll_event(row, outcome, AT + self.now, task.polls, task.not_done_at)
        row = apply(row, event) if event else row
        self.conductor.polled(task, row, outcome, self.now, AT + self.now)
        return row

    def store(self):
        task = self.next(Fetch).task
        row = apply(task.attempt, Event(task.attempt.attempt_id, EventKind.STAGED, AT + self.now))
        self.conductor.fetched(
            task, apply(row, Event(row.attempt_id, EventKind.STORED, AT + self.now)), self.now
        )


def _opening(work, at):
    from wanbatch.lifecycle import Opening

    entry = work.entry
    return Opening(
        entry.fingerprint,
        "paid",
        "gateway",
        "https://api.test",
        "m",
        entry.name,
        "run-1",
        work.authority,
        "{}",
        5,
        "720P",
        entry.price,
        "USD",
        at,
    )


def bring_home(play):
    play.prepare()
    play.submit(Accepted(f"t{len(play.rows)}"))
    play.poll(Succeeded())
    play.store()


def test_one_job_from_start_to_finish():
    play = Play(job())
    work = play.prepare()
    play.submit(Accepted("t1"))
    assert work.phase is Phase.RUNNING
    assert play.poll(Running()).state is State.ACCEPTED
    assert play.poll(Succeeded()).state is State.REMOTE_OK
    play.store()
    assert work.phase is Phase.DONE
    play.next(Finish)
    assert play.conductor.budget.spent == Decimal("0.50")
    assert play.conductor.budget.reserved == 0


def test_downloads_come_before_polls_and_polls_before_submits():
    running = attempt(
        number=1, state=State.ACCEPTED, task_id="t1", accepted_at=AT - 100, available_until=AT + 9e4
    )
    play = Play(job(), job("new", seed=8), attempts=[running])
    play.poll(Succeeded())
    play.store()
    assert play.prepare().entry.name == "new"


def test_nothing_new_is_bought_before_what_was_in_flight_was_asked_for():
    rows = [
        attempt(
            job(f"j{n}", seed=n),
            n,
            state=State.ACCEPTED,
            task_id=f"t{n}",
            accepted_at=AT - 50,
            available_until=AT + 9e4 - n,
        )
        for n in (1, 2)
    ]
    play = Play(job("j1", seed=1), job("j2", seed=2), job("new", seed=9), attempts=rows)
    first = play.next(Poll).task
    assert first.attempt.attempt_id == 2, "the one whose result vanishes first"
    second = play.next(Poll).task
    play.next(Wait)
    for task in (first, second):
        play.conductor.polled(task, task.attempt, Running(), 0.0, AT)
    play.prepare()


def test_a_chain_is_submitted_link_by_link():
    play = Play(job("first"), job("second", media=follow("first")))
    play.prepare()
    play.submit(Accepted("t1"))
    play.poll(Running())
    play.poll(Succeeded())
    assert play.conductor.works[1].phase is Phase.WAITING
    play.store()
    assert play.prepare().entry.name == "second"


def test_a_chain_whose_link_fails_goes_no_further():
    play = Play(job("first"), job("second", media=follow("first")))
    play.prepare()
    play.submit(Rejected("InvalidParameter", "no"))
    play.next(Finish)
    assert play.conductor.budget.spent == 0


def test_what_was_proven_not_accepted_goes_out_again_as_a_new_attempt():
    play = Play(job())
    play.prepare()
    play.submit(NotAccepted("busy", None, 30.0))
    work = play.submit(Accepted("t1"))
    assert play.now >= 30.0
    assert [a.state for a in work.attempts] == [State.PLANNED, State.ACCEPTED]
    assert work.authority is Authority.NOT_ACCEPTED


def test_an_uncertain_submit_is_never_repeated_and_counts_as_spent():
    play = Play(job(), limit=Decimal("1.00"))
    play.prepare()
    play.submit(Uncertain("reset"))
    play.next(Finish)
    assert play.conductor.budget.spent == Decimal("0.50")


def test_three_uncertain_outcomes_stop_buying():
    play = Play(*(job(f"j{n}", seed=n) for n in range(6)))
    for _ in range(3):
        play.submit(Uncertain("reset"))
    play.wait_for(Finish)
    assert "uncertain" in play.conductor.stop_reason


def test_a_halt_puts_the_job_back_and_brings_home_what_runs():
    play = Play(job("a", seed=1), job("b", seed=2))
    play.submit(Accepted("t1"))
    play.submit(Halted("Arrearage", "pay your bill"))
    assert play.rows[2].state is State.PLANNED
    play.poll(Succeeded())
    play.store()
    play.next(Finish)
    assert play.conductor.trouble == "pay your bill"


def test_after_a_halt_an_api_that_tells_nothing_any_more_is_not_waited_for():
    play = Play(job("a", seed=1), job("b", seed=2))
    play.submit(Accepted("t1"))
    play.submit(Halted("InvalidApiKey", "bad key"))
    for _ in range(BLIND_POLLS_AFTER_HALT):
        play.poll(Unreadable("HTTP 401"))
    play.next(Finish)


def test_remote_failures_are_retried_by_policy_within_the_budget():
    play = Play(job(), retries=1)
    play.prepare()
    play.submit(Accepted("t1"))
    play.poll(Failed("InternalError", "x", retryable=True))
    work = play.prepare()
    assert work.authority is Authority.RETRY_POLICY
    play.submit(Accepted("t2"))
    play.poll(Failed("InternalError", "x", retryable=True))
    play.next(Finish)
    assert work.phase is Phase.STUCK
    assert play.conductor.budget.spent == 0


def test_a_budget_that_is_used_up_leaves_jobs_unsent():
    play = Play(job("a", seed=1), job("b", seed=2), limit=Decimal("0.60"))
    play.submit(Accepted("t1"))
    while not isinstance(action := play.conductor.next_action(play.now), Fetch):
        if isinstance(action, Poll):
            row = apply(
                action.task.attempt,
                poll_event(action.task.attempt, Succeeded(), AT + play.now, 1, 0.0),
            )
            play.conductor.polled(action.task, row, Succeeded(), play.now, AT + play.now)
        elif isinstance(action, Prepare):
            play.conductor.prepared(action.work, {})
        else:
            assert isinstance(action, Wait)
            play.now = action.until
    row = apply(
        apply(action.task.attempt, Event(1, EventKind.STAGED, AT)), Event(1, EventKind.STORED, AT)
    )
    play.conductor.fetched(action.task, row, play.now)
    play.next(Finish)
    assert play.conductor.works[1].reason == "the budget does not allow it"


def test_on_failure_stop_stops_only_what_is_not_submitted():
    play = Play(job("a", seed=1), job("b", seed=2), job("c", seed=3), on_failure="stop")
    play.submit(Accepted("t1"))
    play.submit(Rejected("InvalidParameter", "no"))
    play.poll(Succeeded())
    play.store()
    play.next(Finish)
    assert sorted(play.rows) == [1, 2], "the third was never sent"


def test_a_slot_is_free_as_soon_as_the_provider_is_done():
    play = Play(job("a", seed=1), job("b", seed=2), ceiling=1)
    play.submit(Accepted("t1"))
    play.poll(Succeeded())
    fetch = play.next(Fetch)
    play.submit(Accepted("t2"))
    assert fetch.task.attempt.state is State.REMOTE_OK


def test_a_failed_download_is_asked_for_again_with_a_fresh_poll():
    play = Play(job())
    play.prepare()
    play.submit(Accepted("t1"))
    play.poll(Succeeded())
    fetch = play.next(Fetch)
    play.conductor.unfetched(fetch.task, fetch.task.attempt, DownloadFailed("reset"), play.now)
    play.wait_for(Poll)
    task = fetch.task
    play.conductor.polled(
        task, task.attempt, Succeeded(urls=("https://fresh.test",)), play.now, AT + play.now
    )
    again = play.next(Fetch)
    assert again.result.urls == ("https://fresh.test",)
    play.conductor.unfetched(
        task, task.attempt, DownloadFailed("no space left", disk=True), play.now
    )
    play.next(Finish)
    assert play.conductor.trouble == "no space left"


def test_a_task_that_runs_for_longer_than_we_wait_is_left_for_the_next_run():
    play = Play(job(), wait_s=60.0)
    play.prepare()
    play.submit(Accepted("t1"))
    while not isinstance(action := play.conductor.next_action(play.now), Finish):
        if isinstance(action, Poll):
            play.conductor.polled(
                action.task, action.task.attempt, Running(), play.now, AT + play.now
            )
        else:
            play.now = action.until
    assert 60.0 <= play.now < 90.0
    assert play.rows[1].state is State.ACCEPTED


def test_a_download_that_fails_after_the_wait_is_over_is_left_for_the_next_run():
    play = Play(job(), wait_s=60.0)
    play.submit(Accepted("t1"))
    play.poll(Succeeded())
    fetch = play.next(Fetch)
    play.now = 61.0
    play.next(Wait)
    play.conductor.unfetched(fetch.task, fetch.task.attempt, DownloadFailed("reset"), play.now)
    play.next(Finish)


def test_draining_waits_for_what_is_out_and_asks_for_nothing_new():
    play = Play(job("a", seed=1), job("b", seed=2))
    work = play.wait_for(Submit).work
    play.conductor.drain()
    assert play.next(Wait).until is None
    row = open_attempt(1, _opening(work, AT))
    play.conductor.opened(work, row)
    play.conductor.submitted(
        work, apply(row, submit_event(row, Accepted("t1"), AT)), Accepted("t1"), 0.0
    )
    play.next(Finish)


def test_a_task_of_a_job_that_is_gone_is_brought_home_too():
    row = replace(
        attempt(job("gone")),
        state=State.ACCEPTED,
        task_id="t1",
        accepted_at=AT - 5,
        available_until=AT + 9e4,
        fingerprint="wb1:gone",
    )
    play = Play(job(), attempts=[row])
    play.poll(Succeeded())
    assert play.next(Fetch).task.work is None


@pytest.mark.parametrize("count", [1, 60])
def test_lanes_hold(count):
    rows = [
        attempt(
            job(f"j{n}", seed=n),
            n,
            state=State.ACCEPTED,
            task_id=f"t{n}",
            accepted_at=AT,
            available_until=AT + 9e4,
        )
        for n in range(1, count + 1)
    ]
    play = Play(*(job(f"j{n}", seed=n) for n in range(1, count + 1)), attempts=rows, ceiling=100)
    polls = 0
    while isinstance(play.conductor.next_action(play.now), Poll):
        polls += 1
    assert polls == min(count, 16)
