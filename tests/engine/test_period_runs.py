"""The budgets of day and month in a whole run, in virtual time: what is refused before
anything is sent, and what the engine keeps by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import anyio
import pytest
from engine.scripted_api import Stage, at_once, running, virtual_time

from wanbatch.model.lifecycle import State
from wanbatch.model.outcomes import (
    Accepted,
    Failed,
    NotAccepted,
    ProbePassed,
    Rejected,
    Succeeded,
    Uncertain,
)
from wanbatch.model.period import PeriodLimit, Unit
from wanbatch.operations import run as operations_run
from wanbatch.operations.events import Planned
from wanbatch.words.errors import ExitCode, WanbatchError, innermost

pytestmark = pytest.mark.anyio
DAY_S = 86_400.0
MIDNIGHT = datetime(2026, 11, 28, tzinfo=UTC).timestamp()
NOON = MIDNIGHT - DAY_S / 2
SOURCE = "config.toml: budget."
WORDS = "the budget of the day 2026-11-{} (UTC) does not allow it"


@pytest.fixture
def anyio_backend():
    return virtual_time()


@pytest.fixture
def stage(tmp_path, monkeypatch):
    at_once(monkeypatch)
    stage = Stage(tmp_path)
    stage.start = NOON
    return stage


@pytest.fixture
def unchecked(monkeypatch):
    """A plan above the limit is begun, so that the engine has to keep it by itself."""
    monkeypatch.setattr(operations_run, "keep_periods", lambda *_: None)


def day(amount):
    return (PeriodLimit(Unit.DAY, Decimal(amount), f"{SOURCE}day"),)


def jobs(stage, *names):
    """One task after the other, and each takes ten minutes."""
    stage.profile = replace(stage.profile, max_in_flight=1)
    for number in range(1, len(names) + 1):
        stage.api.polls[f"t{number}"] = [lambda: _after(600)]
    return [stage.job(name, seed=seed) for seed, name in enumerate(names)]


async def _after(seconds):
    await anyio.sleep(seconds)
    return Succeeded()


async def refused(stage, *made, **more):
    with pytest.raises((WanbatchError, ExceptionGroup)) as caught:
        await stage.run(*made, **more)
    error = innermost(caught.value)
    assert isinstance(error, WanbatchError)
    assert error.exit_code is ExitCode.REFUSED
    assert stage.api.sent == [], "nothing was sent"
    return error


async def test_a_plan_over_what_is_left_is_refused_before_anything_is_sent(stage):
    async def probe():
        raise AssertionError("not even a question is sent")

    stage.api.probe = probe
    error = await refused(stage, *jobs(stage, "one", "two", "three"), periods=day("1.00"))
    assert stage.api.calls == []
    assert error.message == (
        "the plan would spend $1.50, and of the $1.00 for the day 2026-11-27 (UTC) $1.00 is left"
        " (config.toml: budget.day); nothing was sent"
    )
    (way,) = error.hints
    assert way == "select fewer jobs with --select or --first N, or raise the limit"


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [(None, True), (Uncertain("closed"), True), (Rejected("no", "no"), False)],
)
async def test_what_other_runs_bought_counts_and_a_refusal_gives_back(stage, outcome, counts):
    one, two, three = jobs(stage, "one", "two", "three")
    stage.api.submits = [outcome] if outcome else []
    await stage.run(one, run_id="run-0", periods=day("1.00"))
    (row,) = stage.result.snapshot.attempts
    assert row.run_id == "run-0"
    stage.api.submits, stage.api.sent = [], []
    if counts:
        await refused(stage, two, three, periods=day("1.00"))
    else:
        await stage.run(two, three, periods=day("1.00"))
        assert len(stage.api.sent) == 2
    assert stage.told(Planned)[-1].left[0].used == Decimal("0.50" if counts else "0")


async def test_the_next_day_has_its_own_money(stage):
    one, two = jobs(stage, "one", "two")
    await stage.run(one, periods=day("0.50"))
    stage.api.sent = []
    await refused(stage, two, periods=day("0.50"))
    stage.start += DAY_S
    await stage.run(two, periods=day("0.50"))
    assert len(stage.api.sent) == 1


async def test_a_failure_is_free_and_its_retry_fits(stage):
    stage.api.polls = {"t1": running(1, Failed("Busy", "later", retryable=True))}
    snapshot = await stage.run(stage.job(), settings={"retries": 1}, periods=day("0.50"))
    assert [a.state for a in snapshot.attempts] == [State.REMOTE_FAILED, State.STORED]


async def test_the_engine_keeps_it_by_itself(stage, unchecked):
    snapshot = await stage.run(*jobs(stage, "one", "two", "three"), periods=day("1.00"))
    assert len(snapshot.attempts) == 2
    reasons = {work.entry.name: work.reason for work in stage.scheduler.works}
    assert reasons == {"one": "", "two": "", "three": WORDS.format(27)}


async def test_at_midnight_a_run_begins_the_next_day(stage, unchecked):
    """One is bought before it, two after; of the new day no more is left for three."""
    stage.start = MIDNIGHT - 300
    snapshot = await stage.run(*jobs(stage, "one", "two", "three"), periods=day("0.50"))
    assert [a.job for a in snapshot.attempts] == ["one", "two"]
    assert [a.intent_at >= MIDNIGHT for a in snapshot.attempts] == [False, True]
    assert stage.scheduler.works[2].reason == WORDS.format(28)


async def test_a_clock_that_is_ahead_does_not_bring_midnight(stage, unchecked):
    """The server says that it is an hour earlier: its day goes on."""
    stage.start = MIDNIGHT - 300

    async def probe():
        stage.clock.hear(stage.wall() - 3600.0)
        return ProbePassed()

    stage.api.probe = probe
    snapshot = await stage.run(*jobs(stage, "one", "two"), periods=day("0.50"))
    assert [a.job for a in snapshot.attempts] == ["one"]
    assert stage.scheduler.works[1].reason == WORDS.format(27)


async def test_a_clock_a_day_ahead_is_refused_once_the_server_was_heard(stage):
    one, two = jobs(stage, "one", "two")
    await stage.run(one, periods=day("0.50"))
    stage.api.sent = []
    stage.start += DAY_S

    async def probe():
        stage.clock.hear(stage.wall() - DAY_S)
        return ProbePassed()

    stage.api.probe = probe
    error = await refused(stage, two, periods=day("0.50"))
    assert "for the day 2026-11-27 (UTC) $0.00 is left" in error.message


async def test_a_clock_that_was_set_back_is_named(stage):
    one, two = jobs(stage, "one", "two")
    await stage.run(one, periods=day("0.50"))
    stage.api.sent = []
    stage.start -= DAY_S
    error = await refused(stage, two, periods=day("0.50"))
    assert error.hints[1] == (
        "1 purchase of this ledger with a date later than now counts until then: a clock is"
        " wrong, or was"
    )


async def test_what_goes_out_again_counts_in_the_day_of_its_last_post(stage):
    """Refused by a limiter before midnight: all of the new day's money is its."""
    stage.start = MIDNIGHT - 20
    one, two = jobs(stage, "one", "two")
    stage.api.submits = [NotAccepted("busy", retry_after_s=60.0), Accepted("t1")]
    await stage.run(one, periods=day("0.50"))
    (row,) = stage.result.snapshot.attempts
    assert (row.state, row.intent_at >= MIDNIGHT) == (State.STORED, True)
    stage.api.sent = []
    await refused(stage, two, periods=day("0.50"))


async def test_a_fetch_is_never_refused_and_holds_nothing(stage):
    one = stage.job()
    stage.api.polls = {"t1": running(500)}
    await stage.run(one, wait_s=30.0, periods=day("0.50"))
    stage.api.polls = {"t1": [Succeeded()]}
    snapshot = await stage.run(
        one, stage.job("two", seed=8), buys=False, yes=False, periods=day("0.10")
    )
    assert [a.state for a in snapshot.attempts] == [State.STORED]
    assert stage.result.code is ExitCode.UNFINISHED
    assert stage.told(Planned)[-1].left == ()


async def test_resuming_is_never_refused_where_nothing_is_bought(stage):
    one = stage.job()
    stage.api.polls = {"t1": running(500)}
    await stage.run(one, wait_s=30.0, periods=day("0.50"))
    stage.api.polls = {"t1": [Succeeded()]}
    snapshot = await stage.run(one, periods=day("0.10"))
    assert [a.state for a in snapshot.attempts] == [State.STORED]


async def test_the_emulator_spends_none_of_it(stage):
    paid = stage.profile
    stage.profile = replace(stage.profile, kind="emulator", name="emulator", origin="emulator")
    await stage.run(stage.job(), periods=())
    assert [a.realm for a in stage.result.snapshot.attempts] == ["emulator"]
    stage.profile, stage.api.sent = paid, []
    await stage.run(stage.job("two", seed=8), periods=day("0.50"))
    assert len(stage.api.sent) == 1
