"""A run whose videos live in an object store: none is called stored before the store
has it, none is bought again because no file is here, and a silent store loses
nothing."""

from __future__ import annotations

import signal

import pytest
from builders import follow, job
from engine.scripted_api import MemoryArchive, video_of, virtual_time

from wanbatch.model.archive import archived_sha256, is_archived
from wanbatch.model.lifecycle import State
from wanbatch.model.outcomes import Running, Succeeded
from wanbatch.operations.events import NotPrepared, Stored
from wanbatch.videos import outputs
from wanbatch.words.errors import ExitCode

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return virtual_time()


@pytest.fixture(name="archive")
def _archive(stage):
    stage.archive = MemoryArchive()
    return stage.archive


def copies(stage):
    return [path for path in stage.output.rglob("*.mp4") if path.is_file()]


async def test_a_video_is_stored_once_the_store_has_it_and_its_copy_goes(stage, archive):
    (row,) = (await stage.run(stage.job())).attempts
    assert row.state is State.STORED
    assert is_archived(row.path)
    assert archived_sha256(row.path) == row.sha256
    assert archive.objects == {row.path: video_of("t1")}
    assert copies(stage) == []
    assert not outputs.part_path(stage.output, row).exists()
    assert stage.result.code == ExitCode.DONE


async def test_the_next_run_asks_the_store_and_buys_nothing(stage, archive):
    await stage.run(stage.job())
    archive.sizes.clear()
    snapshot = await stage.run(stage.job(), stage.job("twin"))
    assert archive.asked == ["keep", "learn"]
    assert len(stage.api.sent) == 1
    assert {p.job: p.path for p in snapshot.placements} == dict.fromkeys(
        ("one", "twin"), snapshot.attempts[0].path
    )
    assert stage.result.code == ExitCode.DONE


@pytest.mark.parametrize("harm", ["gone", "shorter"])
async def test_what_is_neither_here_nor_there_is_downloaded_again(stage, archive, harm):
    (row,) = (await stage.run(stage.job())).attempts
    archive.objects[row.path] = b"half"
    if harm == "gone":
        del archive.objects[row.path]
    (after,) = (await stage.run(stage.job())).attempts
    assert len(stage.api.sent) == 1
    assert after.state is State.STORED
    assert archive.objects[row.path] == video_of("t1")
    assert stage.api.calls.count("download t1") == 2


async def test_what_is_lost_and_too_old_is_for_a_person(stage, archive):
    (row,) = (await stage.run(stage.job())).attempts
    archive.objects.clear()
    stage.start += 48 * 3600.0
    await stage.run(stage.job())
    assert len(stage.api.sent) == 1
    assert [entry.action.value for entry in stage.plan.jobs] == ["ask"]
    assert archive.objects == {}
    assert row.path not in archive.sizes


async def test_a_store_that_never_answers_keeps_the_video_staged_and_ends_with_4(stage, archive):
    archive.is_silent = {"keep"}
    snapshot = await stage.run(stage.job(), stage.job("later", seed=2), run_id="r1")
    staged = [a for a in snapshot.attempts if a.state is State.STAGED]
    assert staged
    assert stage.result.code == ExitCode.ENVIRONMENT
    assert "could not be reached" in stage.result.trouble
    assert "go to the store when the same command is run again" in stage.result.hint
    assert not stage.told(Stored)
    assert archive.objects == {}
    assert len(copies(stage)) == len(staged), "the bytes are here"
    bought = len(stage.api.sent)
    # Silent still: nothing is bought, what was bought stays as it is.
    await stage.run(stage.job(), stage.job("later", seed=2), stage.job("new", seed=3))
    assert len(stage.api.sent) == bought
    assert stage.result.code == ExitCode.ENVIRONMENT
    # It answers: all is brought to its end, and nothing is downloaded twice.
    archive.is_silent = set()
    snapshot = await stage.run(stage.job(), stage.job("later", seed=2))
    assert {a.state for a in snapshot.attempts} == {State.STORED}
    assert stage.result.code == ExitCode.DONE
    assert len(archive.objects) == 2
    assert stage.api.calls.count("download t1") == 1
    assert copies(stage) == []


async def test_while_the_store_is_silent_at_the_start_its_ledger_is_believed(stage, archive):
    await stage.run(stage.job())
    archive.is_silent = {"learn"}
    await stage.run(stage.job(), stage.job("new", seed=9))
    assert len(stage.api.sent) == 1, "nothing is bought, nothing is called lost"
    assert stage.result.code == ExitCode.ENVIRONMENT
    assert [entry.action.value for entry in stage.plan.jobs] == ["reuse", "generate"]


async def test_other_bytes_under_its_name_end_the_run_with_4(stage, archive):
    archive.deny = "the store s3://clips holds other bytes under sha256/…"
    (row,) = (await stage.run(stage.job())).attempts
    assert row.state is State.STAGED
    assert stage.result.code == ExitCode.ENVIRONMENT
    assert "holds other bytes" in stage.result.trouble


@pytest.mark.parametrize("left", ["copy", "part"])
async def test_a_process_that_died_before_the_record_goes_on_from_its_bytes(stage, archive, left):
    archive.is_silent = {"keep"}
    (row,) = (await stage.run(stage.job())).attempts
    (copy,) = copies(stage)
    assert copy == stage.output / row.path
    if left == "part":
        copy.rename(outputs.part_path(stage.output, row))
    else:
        archive.objects[row.path] = video_of("t1")  # it was put there, and nobody heard
    archive.is_silent = set()
    (after,) = (await stage.run(stage.job())).attempts
    assert after.state is State.STORED
    assert stage.api.calls.count("download t1") == 1
    assert archive.objects == {row.path: video_of("t1")}


async def test_videos_of_a_time_before_the_store_stay_where_they_are(stage):
    (row,) = (await stage.run(stage.job())).attempts
    stage.archive = MemoryArchive()
    (after,) = (await stage.run(stage.job())).attempts
    assert after.path == row.path
    assert stage.archive.asked == []
    assert (stage.output / row.path).is_file()
    (stage.output / row.path).unlink()
    (after,) = (await stage.run(stage.job())).attempts
    assert after.state is State.STORED
    assert is_archived(after.path), "what comes back goes to the store"
    assert stage.archive.objects == {after.path: video_of("t1")}


async def test_without_its_store_a_video_is_lost_until_it_is_downloaded_again(stage, archive):
    (row,) = (await stage.run(stage.job())).attempts
    stage.archive = None
    (after,) = (await stage.run(stage.job())).attempts
    assert len(stage.api.sent) == 1
    assert after.path == row.path
    assert (stage.output / row.path).read_bytes() == video_of("t1")


async def test_a_video_that_another_is_made_from_is_brought_here(stage, archive):
    first = stage.job("first")
    (row,) = (await stage.run(first)).attempts
    chained = job("next", media=follow("first"), seconds=4)
    snapshot = await stage.run(first, chained)
    assert [a.state for a in snapshot.attempts] == [State.STORED] * 2
    assert stage.api.delivered[-1] == [(row.sha256, video_of("t1"))]
    assert archive.asked.count("fetch") == 1
    assert copies(stage) == []


async def test_in_one_run_the_copy_is_still_here(stage, archive):
    await stage.run(stage.job("first"), job("next", media=follow("first"), seconds=4))
    assert stage.api.delivered[-1][0][1] == video_of("t1")
    assert "fetch" not in archive.asked
    assert copies(stage) == []


async def test_one_that_cannot_be_brought_buys_nothing(stage, archive):
    first = stage.job("first")
    await stage.run(first)
    archive.is_silent = {"fetch"}
    await stage.run(first, job("next", media=follow("first"), seconds=4))
    (told,) = stage.told(NotPrepared)
    assert told.job == "next"
    assert "could not be reached" in told.text
    assert len(stage.api.sent) == 1


async def test_who_leaves_leaves_the_copies_for_the_next_run(stage, archive):
    stage.api.polls["t2"] = [Running()]
    stage.interrupt_at = [(30.0, signal.SIGINT)]
    await stage.run(stage.job(), stage.job("late", seed=2))
    assert len(copies(stage)) == 1
    assert len(archive.objects) == 1
    stage.interrupt_at = []
    stage.api.polls["t2"] = [Succeeded()]
    snapshot = await stage.run(stage.job(), stage.job("late", seed=2))
    assert {a.state for a in snapshot.attempts} == {State.STORED}
    assert copies(stage) == []


async def test_a_restored_video_is_confirmed_before_it_is_said(stage, archive):
    (row,) = (await stage.run(stage.job())).attempts
    archive.objects.clear()
    archive.is_silent = {"keep"}
    await stage.run(stage.job())
    assert stage.result.code == ExitCode.ENVIRONMENT
    assert archive.objects == {}
    await stage.run(stage.job())
    assert stage.result.code == ExitCode.ENVIRONMENT, "what is here alone is not done with"
    archive.is_silent = set()
    snapshot = await stage.run(stage.job())
    assert archive.objects == {row.path: video_of("t1")}
    assert snapshot.attempts[0].state is State.STORED
    assert stage.api.calls.count("download t1") == 2
    assert stage.result.code == ExitCode.DONE
    assert copies(stage) == []
