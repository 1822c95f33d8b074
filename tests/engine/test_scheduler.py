"""What the run does next, decided without a socket: the order of what is at risk, what
waits for what, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from builders import DIGESTS, attempt, follow, job, manifest
from engine.scheduler_state import problems_of
from expecting import expect

from wanbatch.engine.interpret import failure_event, poll_event, submit_event
from wanbatch.engine.notices import (
    ClockSet,
    Drain,
    FetchFailed,
    IntentRecorded,
    MediaReady,
    NoRoom,
    PollAnswered,
    StopBuying,
    SubmitAnswered,
    TasksResumed,
    VideoStored,
)
from wanbatch.engine.pacing.budget import Budget
from wanbatch.engine.pacing.submits import SubmitPacer
from wanbatch.engine.polling.batch import ListPolls
from wanbatch.engine.polling.schedule import PollSchedule
from wanbatch.engine.scheduler import BLIND_POLLS_AFTER_HALT, Asked, Scheduler, Told
from wanbatch.engine.scheduling.course import Cause, Mode
from wanbatch.engine.scheduling.works import build_works
from wanbatch.engine.work_items import (
    Fetch,
    Finish,
    ListTasks,
    Phase,
    Poll,
    Prepare,
    RunPolicy,
    Submit,
    Wait,
)
from wanbatch.model.lifecycle import (
    Authority,
    Event,
    EventKind,
    Snapshot,
    State,
    apply,
    open_attempt,
)
from wanbatch.model.outcomes import (
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
from wanbatch.model.price import PriceList
from wanbatch.plan.planner import PlanOptions, Target, make_plan
from wanbatch.testing.replay import ReplayDiffers, replay

PRICES = PriceList({"720P": Decimal("0.10")}, "USD")
AT = 10_000.0
"""The wall clock when the monotonic one shows 0."""


class Checked(Scheduler):
    """A scheduler whose invariants are looked at after everything that happens."""

    def handle(self, notice, now):
        super().handle(notice, now)
        assert not problems_of(self), notice

    def next_action(self, now):
        action = super().next_action(now)
        assert not problems_of(self), action
        return action


class Play:
    """A scheduler and the ledger's rows, played by hand: each method does what the
    runner would."""

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
        lists=None,
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
        limits = RunPolicy(wait_s, frozenset({"m"}) if on_failure == "stop" else frozenset())
        self.record: list[Told | Asked] = []
        lists = lists or (lambda: None)

        def build():
            return Checked(
                build_works(plan, {"m": retries}),
                SubmitPacer(rate, ceiling),
                PollSchedule(15.0),
                Budget(limit),
                limits,
                lists(),
                record=self.record,
            )

        self.build = build
        self.scheduler = build()
        self.rows = {a.attempt_id: a for a in attempts}
        self.now = 0.0
        self.scheduler.handle(
            TasksResumed([a for a in attempts if a.state in (State.ACCEPTED, State.REMOTE_OK)], AT),
            0.0,
        )

    def next(self, kind):
        action = self.scheduler.next_action(self.now)
        assert isinstance(action, kind), action
        return action

    def wait_for(self, kind):
        """Lets time pass, and media be prepared, until an action of ``kind`` is asked
        for."""
        while isinstance(action := self.scheduler.next_action(self.now), (Wait, Prepare)):
            if isinstance(action, Prepare):
                self.scheduler.handle(MediaReady(action.work, {"first_frame": "data:x"}), self.now)
                continue
            assert action.until is not None
            assert action.until > self.now
            self.now = action.until
        assert isinstance(action, kind), action
        return action

    def prepare(self):
        work = self.next(Prepare).work
        self.scheduler.handle(MediaReady(work, {"first_frame": "data:x"}), self.now)
        return work

    def submit(self, outcome):
        work = self.wait_for(Submit).work
        number = len(self.rows) + 1
        row = open_attempt(number, _opening(work, AT + self.now))
        if work.reopens is not None:
            number = work.reopens.attempt_id
            row = apply(work.reopens, Event(number, EventKind.REOPENED, AT + self.now))
        self.scheduler.handle(IntentRecorded(work, row), self.now)
        self.rows[number] = apply(row, submit_event(row, outcome, AT + self.now))
        self.scheduler.handle(SubmitAnswered(work, self.rows[number], outcome), self.now)
        return work

    def poll(self, outcome):
        task = self.wait_for(Poll).task
        row = task.attempt
        event = poll_event(row, outcome, AT + self.now, task.polls, task.not_done_at)
        row = apply(row, event) if event else row
        self.scheduler.handle(PollAnswered(task, row, outcome, AT + self.now), self.now)
        return row

    def store(self):
        task = self.next(Fetch).task
        row = apply(task.attempt, Event(task.attempt.attempt_id, EventKind.STAGED, AT + self.now))
        self.scheduler.handle(
            VideoStored(task, apply(row, Event(row.attempt_id, EventKind.STORED, AT + self.now))),
            self.now,
        )


def _opening(work, at):
    from wanbatch.model.lifecycle import Opening

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


def stopped(play):
    reason = play.scheduler.course.reason
    return reason.cause, reason.text


def bring_home(play):
    play.prepare()
    play.submit(Accepted(f"t{len(play.rows)}"))
    play.poll(Succeeded())
    play.store()


def test_one_job_from_start_to_finish():
    play = Play(job())
    work = play.prepare()
    play.submit(Accepted("t1"))
    phases = [work.phase]
    assert play.poll(Running()).state is State.ACCEPTED
    assert play.poll(Succeeded()).state is State.REMOTE_OK
    play.store()
    assert [*phases, work.phase] == [Phase.RUNNING, Phase.DONE]
    play.next(Finish)
    assert play.scheduler.budget.spent == Decimal("0.50")
    assert play.scheduler.budget.reserved == 0


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
        play.scheduler.handle(PollAnswered(task, task.attempt, Running(), AT), 0.0)
    play.prepare()


def test_a_chain_is_submitted_link_by_link():
    play = Play(job("first"), job("second", media=follow("first")))
    play.prepare()
    play.submit(Accepted("t1"))
    play.poll(Running())
    play.poll(Succeeded())
    assert play.scheduler.works[1].phase is Phase.WAITING
    play.store()
    assert play.prepare().entry.name == "second"


def test_a_chain_whose_link_fails_goes_no_further():
    play = Play(job("first"), job("second", media=follow("first")))
    play.prepare()
    play.submit(Rejected("InvalidParameter", "no"))
    play.next(Finish)
    assert play.scheduler.budget.spent == 0


def test_what_was_proven_not_accepted_goes_out_again_as_the_same_attempt():
    play = Play(job())
    play.prepare()
    play.submit(NotAccepted("busy", None, 30.0))
    work = play.submit(Accepted("t1"))
    assert play.now >= 30.0
    assert [(a.state, a.refusals) for a in work.attempts] == [(State.ACCEPTED, 1)]


def test_a_run_that_is_only_refused_backs_off_to_minutes_and_ends():
    play = Play(job(), wait_s=3600.0)
    play.prepare()
    instants = []
    while play.scheduler.course.mode is Mode.BUYING:
        play.submit(NotAccepted("HTTP 429"))
        instants.append(play.now)
    play.next(Finish)
    assert len(play.rows) == 1
    assert play.rows[1].refusals == len(instants) < 40
    assert max(b - a for a, b in pairwise(instants)) > 100.0
    assert "refused every submit" in play.scheduler.course.reason.text


def test_an_uncertain_submit_is_never_repeated_and_counts_as_spent():
    play = Play(job(), limit=Decimal("1.00"))
    play.prepare()
    play.submit(Uncertain("reset"))
    play.next(Finish)
    assert play.scheduler.budget.spent == Decimal("0.50")


def test_three_uncertain_outcomes_stop_buying():
    play = Play(*(job(f"j{n}", seed=n) for n in range(6)))
    for _ in range(3):
        play.submit(Uncertain("reset"))
    play.wait_for(Finish)
    assert play.scheduler.course.reason.text == "3 submits in 5 minutes ended uncertain"


def test_a_halt_puts_the_job_back_and_brings_home_what_runs():
    play = Play(job("a", seed=1), job("b", seed=2))
    play.submit(Accepted("t1"))
    play.submit(Halted("Arrearage", "pay your bill"))
    assert play.rows[2].state is State.PLANNED
    play.poll(Succeeded())
    play.store()
    play.next(Finish)
    assert stopped(play) == (Cause.API, "pay your bill")


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
    failed = Failed("InternalError", "x", retryable=True)
    play.poll(failed)
    play.poll(failed)  # asked once more before it is bought again
    work = play.prepare()
    assert work.authority is Authority.RETRY_POLICY
    play.submit(Accepted("t2"))
    play.poll(failed)
    assert {play.poll(failed).task_id, play.poll(failed).task_id} == {"t1", "t2"}  # at the end
    play.next(Finish)
    assert work.phase is Phase.STUCK
    assert play.scheduler.budget.spent == 0


FAILED = Failed("InternalError", "x", retryable=True)


def test_a_failure_that_turns_before_its_retry_is_not_bought_again():
    play = Play(job(), retries=1, limit=Decimal("0.50"))
    play.prepare()
    work = play.submit(Accepted("t1"))
    play.poll(FAILED)
    assert play.scheduler.budget.spent == 0
    assert play.poll(Succeeded()).state is State.REMOTE_OK
    play.store()
    play.wait_for(Finish)
    assert work.phase is Phase.DONE
    assert len(play.rows) == 1
    assert play.scheduler.budget.spent == Decimal("0.50")


def test_nothing_is_bought_while_the_failed_task_tells_nothing():
    play = Play(job(), retries=1, wait_s=600.0)
    play.prepare()
    work = play.submit(Accepted("t1"))
    play.poll(FAILED)
    while isinstance(action := play.wait_for((Finish, Poll)), Poll):
        task = action.task
        play.scheduler.handle(
            PollAnswered(task, task.attempt, Unreadable("HTTP 502"), AT + play.now), play.now
        )
    assert play.now >= 600.0
    assert len(play.rows) == 1
    assert (work.phase, work.reason) == (
        Phase.STUCK,
        "its failed task could not be asked again",
    )


DENIED = Unreadable("HTTP 404", denied=True)


def refuse_bytes(play, failure):
    task = play.wait_for(Fetch).task
    play.scheduler.handle(FetchFailed(task, task.attempt, failure), play.now)


def test_an_api_that_knows_neither_a_failed_task_nor_its_bytes_lets_its_retry_go():
    play = Play(job(), retries=1)
    play.prepare()
    play.submit(Accepted("t1"))
    play.poll(FAILED)
    play.poll(DENIED)
    refuse_bytes(play, DownloadFailed("HTTP 404", gone=True, denied=True))
    assert play.submit(Accepted("t2")).authority is Authority.RETRY_POLICY


@pytest.mark.parametrize(
    "failure",
    [DownloadFailed("HTTP 400 (not ready)", denied=True), DownloadFailed("HTTP 502")],
    ids=lambda failure: failure.reason,
)
def test_a_failed_task_that_the_api_denies_once_is_not_bought_again_for_that(failure):
    """It had turned, and another node did not know it: its retry was paid for twice."""
    play = Play(job(), retries=1)
    play.prepare()
    play.submit(Accepted("t1"))
    play.poll(FAILED)
    for _ in range(3):
        play.poll(DENIED)
        refuse_bytes(play, failure)
    play.poll(Succeeded())
    play.store()
    play.next(Finish)
    assert len(play.rows) == 1


def test_that_the_bytes_are_gone_says_nothing_of_a_failed_task_that_is_known():
    """It is called something that nobody knows: it may still turn."""
    play = Play(job(), retries=1)
    play.prepare()
    play.submit(Accepted("t1"))
    play.poll(FAILED)
    play.poll(Running("delivered", known=False))
    refuse_bytes(play, DownloadFailed("HTTP 404", gone=True, denied=True))
    play.poll(Succeeded())
    play.store()
    play.next(Finish)
    assert len(play.rows) == 1


def test_a_resumed_job_is_not_bought_anew_beside_the_old_request_of_its_name():
    """It took over a twin's task, and its own old request is not settled: a plan would
    not buy it, so its retry does not either."""
    rows = [
        attempt(job(prompt="old"), 1, state=State.UNCERTAIN),
        attempt(
            job("twin"),
            2,
            state=State.ACCEPTED,
            fingerprint=attempt(job()).fingerprint,
            task_id="t2",
            accepted_at=AT - 50,
            available_until=AT + 9e4,
        ),
    ]
    play = Play(job(), attempts=rows, retries=1)
    play.poll(FAILED)
    play.poll(FAILED)
    play.next(Finish)
    assert len(play.rows) == 2


def test_a_failure_that_turns_at_the_end_of_the_run_comes_home():
    play = Play(job("a", seed=1), job("b", seed=2))
    play.submit(Accepted("t1"))
    play.submit(Accepted("t2"))
    for _ in range(2):
        play.poll(Failed("DataInspectionFailed", "no"))
    turned = play.poll(Succeeded())
    play.store()
    play.poll(Failed("DataInspectionFailed", "no"))
    play.next(Finish)
    assert play.scheduler.budget.spent == Decimal("0.50")
    done = [w for w in play.scheduler.works if w.phase is Phase.DONE]
    assert [w.attempts[-1].task_id for w in done] == [turned.task_id]


def test_a_failed_task_of_an_earlier_run_is_asked_at_the_end_and_an_old_one_is_not():
    young, old = (
        attempt(number=n, state=State.REMOTE_FAILED, task_id=f"t{n}", accepted_at=at)
        for n, at in ((1, AT - 3600), (2, AT - 25 * 3600))
    )
    play = Play()
    play.scheduler.handle(TasksResumed((), AT, (young, old)), 0.0)
    play.rows = {1: young}
    assert play.poll(Succeeded()).task_id == "t1"
    play.store()
    play.next(Finish)


def test_a_failure_in_another_word_is_believed_after_a_second_poll_and_the_content_route():
    play = Play(job())
    play.prepare()
    work = play.submit(Accepted("t1"))
    doubtful = Failed("", "cancelled", certain=False)
    assert play.poll(doubtful).state is State.ACCEPTED
    before = play.now
    assert play.poll(doubtful).state is State.ACCEPTED
    assert play.now - before >= 5.0
    fetch = play.next(Fetch)
    assert fetch.failed == doubtful
    row = apply(
        fetch.task.attempt, failure_event(fetch.task.attempt, doubtful, AT + play.now, 2, 0.0)
    )
    play.scheduler.handle(VideoStored(fetch.task, row), play.now)
    assert work.phase is Phase.STUCK


def test_a_doubtful_failure_that_is_taken_back_is_no_end():
    play = Play(job())
    play.prepare()
    play.submit(Accepted("t1"))
    play.poll(Failed("", "expired", certain=False))
    play.poll(Running("processing"))
    play.poll(Failed("", "expired", certain=False))
    assert isinstance(play.scheduler.next_action(play.now), Wait)


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        (Running("dreaming", known=False), True),
        (Running("dreaming", 100.0, known=False), True),
        (Running("processing", 100.0), True),
        (Running("processing"), False),
    ],
)
def test_a_task_that_should_have_ended_is_looked_for_by_the_content_route_once(answer, asked):
    play = Play(job())
    play.prepare()
    play.submit(Accepted("t1"))
    fetched = 0
    while play.now < 1500.0:
        action = play.wait_for((Poll, Fetch))
        if isinstance(action, Fetch):
            fetched += 1
            failure = DownloadFailed("HTTP 400", denied=True)
            play.scheduler.handle(FetchFailed(action.task, action.task.attempt, failure), play.now)
            continue
        task = action.task
        play.scheduler.handle(PollAnswered(task, task.attempt, answer, AT + play.now), play.now)
    assert fetched == asked


@pytest.mark.parametrize("answer", [FAILED, Running("queued"), Unreadable("HTTP 404", denied=True)])
def test_a_task_once_seen_finished_is_never_given_up_for_another_word(answer):
    play = Play(job())
    play.prepare()
    play.submit(Accepted("t1"))
    play.poll(Succeeded(("https://cdn.test/1.mp4",)))
    action = play.next(Fetch)
    play.scheduler.handle(
        FetchFailed(action.task, action.task.attempt, DownloadFailed("cut")), play.now
    )
    assert play.poll(answer).state is State.REMOTE_OK
    assert play.next(Fetch).result == Succeeded()


def test_bytes_that_were_refused_twice_are_not_fetched_a_third_time():
    play = Play(job())
    play.prepare()
    work = play.submit(Accepted("t1"))
    play.poll(Succeeded())
    action = play.next(Fetch)
    refused = replace(action.task.attempt, refused_sha256="ab", refused_times=2)
    failure = DownloadFailed("no video", refused="ab")
    play.scheduler.handle(FetchFailed(action.task, refused, failure), play.now)
    play.next(Finish)
    assert (work.phase, work.reason) == (Phase.STUCK, "no video")


def test_a_clock_that_was_set_has_all_asked_again_before_anything_is_bought():
    play = Play(job("a", seed=1), job("b", seed=2))
    play.submit(Accepted("t1"))
    play.scheduler.handle(ClockSet(), play.now)
    play.poll(Running("queued"))
    play.submit(Accepted("t2"))


def test_a_disk_without_room_ends_buying_before_anything_is_sent():
    play = Play(job("a", seed=1), job("b", seed=2), limit=Decimal("0.50"))
    work = play.wait_for(Submit).work
    play.scheduler.handle(NoRoom(work, "no room"), play.now)
    play.next(Finish)
    assert stopped(play) == (Cause.DISK, "no room")
    assert play.scheduler.budget.reserved == 0


def test_a_refusal_inside_a_doubtful_answer_stops_buying_at_once():
    play = Play(job("a", seed=1), job("b", seed=2))
    play.submit(Uncertain("HTTP 503", halt=Halted("model_not_found", "no channel")))
    play.next(Finish)
    assert stopped(play) == (Cause.API, "no channel")
    assert len(play.rows) == 1


def test_a_refusal_of_every_job_without_a_word_stops_buying_too():
    play = Play(job("a", seed=1), job("b", seed=2))
    play.submit(Halted("model_not_found", ""))
    play.next(Finish)
    assert stopped(play) == (Cause.API, "the API refuses every job (model_not_found)")


def test_a_work_whose_failed_task_turned_waits_for_no_submit_any_more():
    play = Play(job(), retries=1)
    play.prepare()
    work = play.submit(Accepted("t1"))
    play.poll(FAILED)
    play.poll(FAILED)
    play.prepare()
    play.scheduler.handle(StopBuying("a test"), play.now)
    assert play.poll(Succeeded()).state is State.REMOTE_OK
    phases = [work.phase]
    play.store()
    play.next(Finish)
    assert [*phases, work.phase] == [Phase.RUNNING, Phase.DONE]


def test_a_budget_that_is_used_up_leaves_jobs_unsent():
    play = Play(job("a", seed=1), job("b", seed=2), limit=Decimal("0.60"))
    play.submit(Accepted("t1"))
    while not isinstance(action := play.scheduler.next_action(play.now), Fetch):
        if isinstance(action, Poll):
            row = apply(
                action.task.attempt,
                expect(Event, poll_event(action.task.attempt, Succeeded(), AT + play.now, 1, 0.0)),
            )
            play.scheduler.handle(
                PollAnswered(action.task, row, Succeeded(), AT + play.now), play.now
            )
        elif isinstance(action, Prepare):
            play.scheduler.handle(MediaReady(action.work, {}), play.now)
        else:
            assert isinstance(action, Wait)
            play.now = expect(float, action.until)
    row = apply(
        apply(action.task.attempt, Event(1, EventKind.STAGED, AT)), Event(1, EventKind.STORED, AT)
    )
    play.scheduler.handle(VideoStored(action.task, row), play.now)
    play.next(Finish)
    assert play.scheduler.works[1].reason == "the budget does not allow it"


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
    play.scheduler.handle(
        FetchFailed(fetch.task, fetch.task.attempt, DownloadFailed("reset")), play.now
    )
    play.wait_for(Poll)
    task = fetch.task
    play.scheduler.handle(
        PollAnswered(task, task.attempt, Succeeded(urls=("https://fresh.test",)), AT + play.now),
        play.now,
    )
    again = play.next(Fetch)
    assert again.result.urls == ("https://fresh.test",)
    play.scheduler.handle(
        FetchFailed(task, task.attempt, DownloadFailed("no space left", disk=True)), play.now
    )
    play.next(Finish)
    assert stopped(play) == (Cause.DISK, "no space left")


def test_a_task_that_runs_for_longer_than_we_wait_is_left_for_the_next_run():
    play = Play(job(), wait_s=60.0)
    play.prepare()
    play.submit(Accepted("t1"))
    while not isinstance(action := play.scheduler.next_action(play.now), Finish):
        if isinstance(action, Poll):
            play.scheduler.handle(
                PollAnswered(action.task, action.task.attempt, Running(), AT + play.now), play.now
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
    play.scheduler.handle(
        FetchFailed(fetch.task, fetch.task.attempt, DownloadFailed("reset")), play.now
    )
    play.next(Finish)


def test_draining_waits_for_what_is_out_and_asks_for_nothing_new():
    play = Play(job("a", seed=1), job("b", seed=2))
    work = play.wait_for(Submit).work
    play.scheduler.handle(Drain("a test"), play.now)
    assert play.next(Wait).until is None
    row = open_attempt(1, _opening(work, AT))
    play.scheduler.handle(IntentRecorded(work, row), play.now)
    play.scheduler.handle(
        SubmitAnswered(work, apply(row, submit_event(row, Accepted("t1"), AT)), Accepted("t1")), 0.0
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
    while isinstance(play.scheduler.next_action(play.now), Poll):
        polls += 1
    assert polls == min(count, 16)


@pytest.mark.parametrize("outcome", [Accepted("t1"), Rejected("a", "b"), Uncertain("no answer")])
def test_a_record_gives_the_same_actions_again(outcome):
    play = Play(job("a", seed=1), job("b", seed=2, media=follow("a")), retries=1)
    play.prepare()
    play.submit(outcome)
    if isinstance(outcome, Accepted):
        play.poll(Running())
        play.poll(Succeeded())
        play.store()
    play.scheduler.next_action(play.now)
    record = list(play.record)
    assert len(record) > 5
    replay(record, play.build())


def test_a_record_of_a_run_whose_end_was_looked_at_again_is_replayed_too():
    play = Play(job(), retries=0)
    play.prepare()
    play.submit(Accepted("t1"))
    play.poll(FAILED)
    assert play.poll(FAILED).task_id == "t1", "once more at the end"
    play.next(Finish)
    replay(list(play.record), play.build())


def test_a_replay_notices_another_decision():
    play = Play(job("a", seed=1))
    play.prepare()
    play.submit(Accepted("t1"))
    record = list(play.record)
    other = play.build()
    other.pacer.answered(0.0, NotAccepted("busy"))
    other.handle(StopBuying("a test"), 0.0)
    with pytest.raises(ReplayDiffers, match="entry 1: recorded prepare 0"):
        replay(record, other)


def test_while_a_list_is_under_way_nothing_is_waited_for_but_its_answer():
    """It was a busy loop: the polls that the list stands for are all due."""
    tasks = [
        attempt(job(f"j{n}", prompt=f"p{n}"), n, state=State.ACCEPTED, task_id=f"t{n}")
        for n in (1, 2, 3)
    ]
    jobs = [job(f"j{n}", prompt=f"p{n}") for n in (1, 2, 3)]
    play = Play(*jobs, attempts=tasks, lists=lambda: ListPolls(15.0))
    for _ in tasks:
        task = play.wait_for(Poll).task
        play.scheduler.handle(PollAnswered(task, task.attempt, Running("running"), AT), play.now)
    play.wait_for(ListTasks)
    play.now += 60.0  # the list takes its time, and every poll would be due
    wait = play.next(Wait)
    assert wait.until is None or wait.until > play.now


# -- who waits for the places ----------------------------------------------------------


def test_a_lag_counts_while_a_job_waits_for_the_place_and_no_longer():
    run = Play(job("a"), job("b"), ceiling=1)
    polls = run.scheduler._tracking.polls
    run.wait_for(Submit)
    assert polls._queued
    alone = Play(job("a"), ceiling=1)
    alone.wait_for(Submit)
    alone.next(Wait)
    assert not alone.scheduler._tracking.polls._queued


def test_a_lag_costs_nothing_where_the_rate_of_submits_keeps_places_free():
    run = Play(*(job(name) for name in "abcd"), rate=0.1, ceiling=10)
    model = run.scheduler._tracking.polls.model
    waits = run.scheduler._buying.waits_for_places
    assert waits()  # nothing is known
    for usual_s, waited in ((60.0, False), (80.0, False), (100.0, True), (80.0, True)):
        for _ in range(200):
            model.observe((5, "720P"), usual_s, usual_s)
        assert waits() is waited, usual_s


def test_a_chained_job_waits_for_its_upstream():
    run = Play(job("first"), job("second", media=follow("first")))
    assert run.scheduler._items.waiting == 1
    assert run.scheduler._buying.waits_for_places()


def test_nobody_waits_once_nothing_is_bought():
    run = Play(job("a"), job("b"))
    run.scheduler.handle(StopBuying("enough"), run.now)
    assert not run.scheduler._buying.waits_for_places()


def test_what_is_only_brought_home_has_no_retries() -> None:
    plan = make_plan(
        [manifest(job(), job("two", seed=8), retries=2)],
        DIGESTS,
        Snapshot(),
        frozenset(),
        Target("gateway", "paid", "https://api.test", PRICES),
        PlanOptions(),
        AT,
    )
    never = {plan.jobs[0].fingerprint}
    assert [work.retries for work in build_works(plan, {"m": 2}, never)] == [0, 2]
