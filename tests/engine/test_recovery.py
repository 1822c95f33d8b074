"""What a run settles before it buys anything: what an earlier process left half done,
what a person allowed, and where reused videos stand."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest
from builders import follow, job
from engine.scripted_api import video_of, virtual_time

from wanbatch.engine.recovery import DIED_BEFORE_ANSWER
from wanbatch.model.lifecycle import Authority, State
from wanbatch.model.outcomes import Failed, Halted, Running, Succeeded
from wanbatch.model.plan import Action
from wanbatch.operations.events import Planned
from wanbatch.videos import outputs
from wanbatch.words.errors import ExitCode, WanbatchError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return virtual_time()


def refuse(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


async def leave_staged(stage, monkeypatch):
    """A run whose disk would not give the video its name; the row that it left."""
    with monkeypatch.context() as broken:
        broken.setattr(outputs, "publish", refuse)
        (row,) = (await stage.run(stage.job())).attempts
    assert row.state is State.STAGED
    return row


class Died(Exception):
    """Stands for a process that ends between two steps."""


# -- staged videos ---------------------------------------------------------------------


async def test_staged_bytes_get_their_name_and_are_not_downloaded_again(stage, monkeypatch):
    row = await leave_staged(stage, monkeypatch)
    (after,) = (await stage.run(stage.job())).attempts
    assert (after.state, stage.bytes_of(after)) == (State.STORED, video_of("t1"))
    assert not outputs.part_path(stage.output, row).exists()
    assert stage.api.calls.count("download t1") == 1


async def test_a_name_that_was_given_before_the_process_died_is_found(stage, monkeypatch):
    row = await leave_staged(stage, monkeypatch)
    outputs.part_path(stage.output, row).rename(stage.output / row.path)
    (after,) = (await stage.run(stage.job())).attempts
    assert (after.state, after.path) == (State.STORED, row.path)
    assert stage.api.calls.count("download t1") == 1


@pytest.mark.parametrize("left", [b"", b"the wrong bytes", None])
async def test_staged_bytes_that_are_lost_or_altered_are_fetched_again(stage, monkeypatch, left):
    row = await leave_staged(stage, monkeypatch)
    part = outputs.part_path(stage.output, row)
    part.unlink() if left is None else part.write_bytes(left)
    (after,) = (await stage.run(stage.job())).attempts
    assert (after.state, stage.bytes_of(after)) == (State.STORED, video_of("t1"))
    assert stage.api.calls.count("download t1") == 2
    assert len(stage.api.sent) == 1


async def test_a_disk_that_gives_no_name_at_the_start_ends_the_run_and_loses_nothing(
    stage, monkeypatch
):
    row = await leave_staged(stage, monkeypatch)
    with monkeypatch.context() as broken:
        broken.setattr(outputs, "publish", refuse)
        with pytest.raises(WanbatchError, match="No space left") as told:
            await stage.run(stage.job(), stage.job("new", seed=9))
    assert told.value.exit_code is ExitCode.ENVIRONMENT
    assert len(stage.api.sent) == 1
    assert outputs.part_path(stage.output, row).read_bytes() == video_of("t1")


# -- intents ---------------------------------------------------------------------------


async def test_an_intent_without_an_answer_is_uncertain_and_never_sent_again(stage):
    async def die(*_):
        raise Died

    stage.api.submits = [die]
    with pytest.RaisesGroup(Died, flatten_subgroups=True):
        await stage.run(stage.job())
    stage.api.submits = []
    (row,) = (await stage.run(stage.job(), retry_failed=True)).attempts
    assert (row.state, row.reason) == (State.UNCERTAIN, DIED_BEFORE_ANSWER)
    assert len(stage.api.sent) == 1
    assert stage.plan.jobs[0].action is Action.ASK


# -- in flight -------------------------------------------------------------------------


async def test_a_task_of_another_account_is_told_of_and_asked_there_only(stage):
    stage.api.polls["t1"] = [Running()]
    await stage.run(stage.job(), wait_s=60.0)
    there, stage.profile = stage.profile, replace(stage.profile, origin="https://other.test")
    stage.api.calls.clear()
    snapshot = await stage.run(stage.job(), stage.job("new", seed=9))
    assert [a.state for a in snapshot.attempts] == [State.ACCEPTED, State.STORED]
    assert "poll t1" not in stage.api.calls
    (planned,) = stage.told(Planned)
    assert [a.attempt_id for a in planned.elsewhere] == [1]
    stage.profile, stage.api.polls = there, {}
    (first, _) = (await stage.run(stage.job(), stage.job("new", seed=9))).attempts
    assert stage.bytes_of(first) == video_of("t1")


async def test_a_fetch_brings_home_and_sends_nothing(stage):
    stage.api.polls["t1"] = [Running()]
    await stage.run(stage.job(), wait_s=60.0)
    stage.api.polls = {}
    snapshot = await stage.run(stage.job(), stage.job("new", seed=9), buys=False)
    assert [a.state for a in snapshot.attempts] == [State.STORED]
    assert len(stage.api.sent) == 1


async def test_a_failure_of_less_than_a_day_ago_is_asked_again_by_a_run_that_buys_nothing(stage):
    stage.api.polls["t1"] = [Failed("Internal", "sorry")]
    await stage.run(stage.job())
    stage.api.polls["t1"] = [Succeeded()]
    (row,) = (await stage.run(stage.job(), buys=False)).attempts
    assert (row.state, stage.bytes_of(row)) == (State.STORED, video_of("t1"))
    assert len(stage.api.sent) == 1


# -- what a person allowed -------------------------------------------------------------


async def test_a_word_to_buy_again_is_recorded_once_for_twins_and_used_up(stage):
    jobs = stage.job("a"), stage.job("twin")
    await stage.run(*jobs)
    snapshot = await stage.run(*jobs, regenerate=True)
    (word,) = snapshot.authorisations
    assert (word.kind, word.job) == ("regenerate", "a")
    first, second = snapshot.attempts
    assert (second.authority, second.authorisation_id) == (
        Authority.REGENERATE,
        word.authorisation_id,
    )
    assert first.authorisation_id == 0
    assert not snapshot.open_authorisations()
    await stage.run(*jobs)
    assert len(stage.api.sent) == 2


async def test_a_word_that_a_run_could_not_use_stands_for_the_next_without_its_flag(stage):
    await stage.run(stage.job())
    stage.api.submits = [Halted("Arrearage", "pay your bill"), None]
    snapshot = await stage.run(stage.job(), regenerate=True)
    assert len(snapshot.open_authorisations()) == 1
    stage.api.submits = []
    snapshot = await stage.run(stage.job())
    assert len(snapshot.authorisations) == 1
    assert not snapshot.open_authorisations()
    assert [a.state for a in snapshot.attempts] == [State.STORED, State.PLANNED, State.STORED]
    await stage.run(stage.job())
    assert [r.seed for r in stage.api.sent] == [7] * 3


# -- reused videos ---------------------------------------------------------------------


async def test_a_renamed_job_gets_its_video_under_its_new_name(stage):
    await stage.run(stage.job("old"))
    snapshot = await stage.run(stage.job("new"))
    (placed,) = [p for p in snapshot.placements if p.job == "new"]
    assert (stage.output / placed.path).read_bytes() == video_of("t1")
    assert (stage.output / snapshot.attempts[0].path).exists()
    assert stage.api.calls.count("submit") == 1


async def test_a_copy_serves_where_the_first_home_was_lost(stage):
    await stage.run(stage.job("a"), stage.job("twin"))
    async with stage.open_ledger() as ledger:
        home, copy = (p.path for p in ledger.snapshot.placements)
    (stage.output / home).unlink()
    chained = job("next", media=follow("a"), seconds=4)
    snapshot = await stage.run(stage.job("a"), stage.job("twin"), chained)
    assert len(stage.api.sent) == 2
    assert stage.api.delivered[-1][0][1] == video_of("t1")
    assert stage.api.calls.count("download t1") == 1
    assert {p.job for p in snapshot.placements} == {"a", "twin", "next"}
    assert (stage.output / copy).read_bytes() == video_of("t1")
    placed = next(p for p in snapshot.placements if p.job == "a")
    assert (stage.output / placed.path).read_bytes() == video_of("t1")


async def test_what_is_not_selected_is_left_where_it_is(stage):
    """Its video serves others all the same."""
    await stage.run(stage.job("old"))
    renamed, chained = stage.job("a"), job("next", media=follow("a"), seconds=4)
    stage.select = ("next",)
    snapshot = await stage.run(renamed, chained)
    assert {p.job for p in snapshot.placements} == {"old", "next"}
    assert stage.api.delivered[-1][0][1] == video_of("t1")


async def test_a_disk_that_takes_no_copy_ends_the_run_before_anything_is_sent(stage, monkeypatch):
    await stage.run(stage.job("old"))
    monkeypatch.setattr(outputs, "copy_video", refuse)
    with pytest.RaisesGroup(WanbatchError, flatten_subgroups=True) as told:
        await stage.run(stage.job("renamed"), stage.job("new", seed=9))
    assert "nothing was sent" in str(told.value.exceptions[0])
    assert len(stage.api.sent) == 1
