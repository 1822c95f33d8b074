"""The tasks under watch, where the API can list them: who is asked, and how often."""

from __future__ import annotations

from dataclasses import replace

from builders import attempt
from engine.scheduler_state import problems_of

from wanbatch.engine.notices import (
    FetchFailed,
    ListAnswered,
    PollAnswered,
    TasksResumed,
    VideoStored,
)
from wanbatch.engine.pacing.budget import Budget
from wanbatch.engine.pacing.submits import SubmitPacer
from wanbatch.engine.polling.batch import SEVERAL, ListPolls
from wanbatch.engine.polling.schedule import PollSchedule
from wanbatch.engine.scheduler import POLL_LANE, Scheduler
from wanbatch.engine.work_items import Fetch, Finish, ListTasks, Poll, RunPolicy, Wait
from wanbatch.model.lifecycle import State
from wanbatch.model.outcomes import (
    DownloadFailed,
    ListedTask,
    Running,
    Succeeded,
    TaskListing,
)

AT = 10_000.0
"""The wall clock when the monotonic one shows 0."""
INTERVAL_S = 15.0


class Account:
    """A run that watches tasks of an account with a list. What it asks for is answered
    after some time."""

    def __init__(self, tasks, word, queries_per_second=20.0):
        base = attempt(state=State.ACCEPTED, accepted_at=AT - 50, available_until=AT + 9e4)
        rows = [
            replace(base, attempt_id=n, task_id=f"t{n}", fingerprint=f"wb2:{n}")
            for n in range(1, tasks + 1)
        ]
        self.word, self.now, self.asked = word, 0.0, []
        self.scheduler = Scheduler(
            [],
            SubmitPacer(None, tasks),
            PollSchedule(INTERVAL_S, queries_per_second),
            Budget(None),
            RunPolicy(),
            ListPolls(INTERVAL_S),
        )
        self.tell(TasksResumed(rows, AT))

    def tell(self, notice):
        self.scheduler.handle(notice, self.now)
        assert not problems_of(self.scheduler), notice

    def next(self):
        action = self.scheduler.next_action(self.now)
        assert not problems_of(self.scheduler), action
        return action

    def answer(self, action):
        match action:
            case Poll(task) if self.word == "RUNNING":
                self.asked.append(task.attempt.task_id)
                self.tell(PollAnswered(task, task.attempt, Running("RUNNING"), AT + self.now))
            case Poll(task):
                self.asked.append(task.attempt.task_id)
                row = replace(task.attempt, state=State.REMOTE_OK)
                self.tell(PollAnswered(task, row, Succeeded(), AT + self.now))
            case Fetch(task):
                self.tell(VideoStored(task, replace(task.attempt, state=State.STORED)))
            case ListTasks():
                found = [t.attempt.task_id for t in self.scheduler.tasks.values()]
                listed = tuple(ListedTask(name, self.word) for name in found)
                self.tell(ListAnswered(TaskListing(listed, AT, complete=True), AT + self.now))

    def actions(self):
        """All that is to be done at once."""
        found = []
        while not isinstance(action := self.next(), (Wait, Finish)):
            found.append(action)
        return found, action


def test_a_task_that_waits_to_be_asked_is_not_asked_twice_for_what_the_list_says():
    account = Account(3 * POLL_LANE, "SUCCEEDED", queries_per_second=None)
    found, _ = account.actions()
    assert [type(action) for action in found] == [Poll] * POLL_LANE + [ListTasks]
    account.now = 0.1
    account.answer(found.pop())
    while found or not isinstance(account.next(), Finish):
        account.now += 0.1
        for action in found:
            account.answer(action)
        found, _ = account.actions()
    assert len(account.asked) == len(set(account.asked)) == 3 * POLL_LANE


def test_a_run_sleeps_while_the_list_is_being_asked():
    account = Account(SEVERAL, "RUNNING")
    while account.now < 10 * INTERVAL_S:
        action = account.next()
        match action:
            case ListTasks():
                rest = account.next()
                assert isinstance(rest, Wait)
                assert rest.until is None or rest.until > account.now
                account.now += 0.5
                account.answer(action)
            case Wait(until):
                assert until is not None
                assert until > account.now
                account.now = until
            case _:
                account.answer(action)


def test_what_the_list_shows_as_running_is_what_is_watched_and_accepted():
    account = Account(SEVERAL + 2, "SUCCEEDED", queries_per_second=None)
    polls, rest = account.actions()
    running = account.scheduler._tracking.running
    assert isinstance(rest, Wait)
    assert len(running) == SEVERAL + 2
    account.answer(polls[0])
    assert [*running] == [2, 3, 4, 5]
    fetch = account.next()
    failure = DownloadFailed("no space left", disk=True)
    account.tell(FetchFailed(fetch.task, fetch.task.attempt, failure))
    assert 1 in account.scheduler.tasks
    assert [*running] == [2, 3, 4, 5]
