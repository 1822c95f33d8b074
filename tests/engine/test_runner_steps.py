"""Each step of the runner by itself, and each way that it may end: what is sent, what
the ledger says, what lies on the disk. In virtual time, against scripted answers."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from builders import attempt, follow, job, media
from engine.scripted_api import (
    START,
    Page,
    Stage,
    Video,
    at_once,
    running,
    video_of,
    virtual_time,
)

from wanbatch.engine.events import (
    Altered,
    Downloading,
    DownloadRetried,
    Expired,
    LeftUncertain,
    MoneyMoved,
    NotPrepared,
    PaceChanged,
    Polled,
    PutBack,
    RequestRejected,
    Stored,
    Submitted,
    Submitting,
    Unrecorded,
)
from wanbatch.engine.runner import RunContext
from wanbatch.ledger.store import Ledger, LedgerFailed
from wanbatch.model.job import JobMedia, UrlMedia
from wanbatch.model.lifecycle import Authority, EventKind, State
from wanbatch.model.outcomes import (
    Accepted,
    DownloadFailed,
    Failed,
    Halted,
    ListedTask,
    NotAccepted,
    Rejected,
    Running,
    Succeeded,
    TaskListing,
    ThrottledBy,
    Uncertain,
    Undeliverable,
)
from wanbatch.model.permit import PermitLost
from wanbatch.model.plan import Action
from wanbatch.operations.events import MayFallAsleep
from wanbatch.operations.notifying import Facts
from wanbatch.testing.pool import AtOnce
from wanbatch.videos import outputs
from wanbatch.words.errors import ExitCode

pytestmark = pytest.mark.anyio
GOLDEN = Path(__file__).parent.parent / "upgrade/golden/output/old/videos"
HOUR = 3600.0


@pytest.fixture
def anyio_backend():
    return virtual_time()


def states(snapshot):
    return [a.state for a in snapshot.attempts]


# -- what is told on the way ----------------------------------------------------------


async def test_every_step_of_a_job_is_told_in_its_order(stage):
    await stage.run(stage.job())
    steps = (Submitting, Submitted, Polled, Downloading, Stored)
    assert [type(e) for e in stage.seen if isinstance(e, steps)] == list(steps)
    (sending,) = stage.told(Submitting)
    assert (sending.job, sending.manifest) == ("one", stage.job().manifest)


async def test_pace_and_money_are_told_when_they_change_and_only_then(stage):
    stage.api.submits = [NotAccepted("HTTP 429", ThrottledBy.RATE, 30.0), Accepted("t1")]
    await stage.run(stage.job())
    first, slowed, *_ = stage.told(PaceChanged)
    assert (first.hold_s, first.text) == (0.0, "")
    assert (slowed.hold_s, slowed.text) == (pytest.approx(30.0, abs=1.0), "HTTP 429")
    moved = [(e.spent, e.held) for e in stage.told(MoneyMoved)]
    assert len(moved) >= 3
    assert all(one != other for one, other in pairwise(moved))
    price = max(held for _, held in moved)
    assert moved[0] == (0, 0)
    assert moved[-1] == (price, 0)


# -- what one POST can tell ------------------------------------------------------------


async def test_what_was_refused_for_now_goes_out_again_as_the_same_attempt(stage):
    stage.api.submits = [NotAccepted("HTTP 429", None, 30.0), Accepted("t1")]
    (row,) = (await stage.run(stage.job())).attempts
    assert (row.state, row.refusals, row.authority) == (State.STORED, 1, Authority.FIRST)
    assert len(stage.api.sent) == 2
    assert [(e.job, e.text) for e in stage.told(PutBack)] == [("one", "HTTP 429")]
    assert row.accepted_at - row.intent_at < 1.0, "the intent of the POST that counts"
    assert row.intent_at > START + 30.0


async def test_a_rejected_request_costs_nothing_and_says_why(stage):
    stage.api.submits = [Rejected("InvalidParameter", "no such size")]
    (row,) = (await stage.run(stage.job())).attempts
    assert (row.state, row.error_message) == (State.REJECTED, "no such size")
    assert [e.text for e in stage.told(RequestRejected)] == ["no such size"]
    assert stage.scheduler.budget.spent == stage.scheduler.budget.reserved == 0


async def test_a_halt_puts_the_job_back_with_its_reason_and_ends_with_4(stage):
    stage.api.submits = [Halted("Arrearage", "pay your bill", "top up")]
    (row,) = (await stage.run(stage.job())).attempts
    assert row.state is State.PLANNED
    assert [e.text for e in stage.told(PutBack)] == ["pay your bill"]
    assert (stage.result.code, stage.result.hint) == (ExitCode.ENVIRONMENT, "top up")


async def test_what_is_uncertain_counts_as_spent_and_is_not_sent_by_the_next_run(stage):
    stage.api.submits = [Uncertain("the connection broke", "HTTP 500 …")]
    (row,) = (await stage.run(stage.job())).attempts
    assert (row.state, row.evidence) == (State.UNCERTAIN, "HTTP 500 …")
    assert [e.text for e in stage.told(LeftUncertain)] == ["the connection broke"]
    assert stage.scheduler.budget.spent == row.price
    await stage.run(stage.job())
    assert len(stage.api.sent) == 1
    assert stage.plan.jobs[0].action is Action.ASK


async def test_an_id_that_another_task_has_leaves_the_second_buyer_uncertain(stage):
    stage.api.submits = [Accepted("t1"), Accepted("t1")]
    snapshot = await stage.run(stage.job("a"), stage.job("b", seed=8))
    assert states(snapshot) == [State.STORED, State.UNCERTAIN]
    assert snapshot.attempts[1].reason == "the API answered with the id of another task"
    assert stage.bytes_of(snapshot.attempts[0]) == video_of("t1")


@pytest.mark.parametrize(
    ("outcome", "told"), [(Accepted("t1"), ["t1"]), (Rejected("Bad", "no"), [])], ids=str
)
async def test_an_acceptance_that_cannot_be_recorded_is_told_by_its_id(
    stage, monkeypatch, outcome, told
):
    real = Ledger.append

    async def append(self, event):
        if event.kind in (EventKind.ACCEPTED, EventKind.REJECTED):
            raise LedgerFailed(ExitCode.ENVIRONMENT, "the disk is full")
        return await real(self, event)

    monkeypatch.setattr(Ledger, "append", append)
    stage.api.submits = [outcome]
    with pytest.RaisesGroup(LedgerFailed, flatten_subgroups=True):
        await stage.run(stage.job())
    assert [e.text for e in stage.told(Unrecorded)] == told
    monkeypatch.undo()
    at_once(monkeypatch)
    assert states(await stage.run(stage.job())) == [State.UNCERTAIN]
    assert len(stage.api.sent) == 1


# -- stopping --------------------------------------------------------------------------


async def after(seconds, outcome):
    await anyio.sleep(seconds)
    return outcome


async def test_a_first_interruption_sends_nothing_new_and_waits_for_the_answer(stage):
    stage.api.submits = [lambda: after(50.0, Accepted("t1"))]
    stage.interrupt_at = [(10.0, signal.SIGINT)]
    snapshot = await stage.run(stage.job("a"), stage.job("b", seed=8))
    assert states(snapshot) == [State.ACCEPTED]
    assert snapshot.attempts[0].task_id == "t1"
    assert stage.api.calls == ["submit"]
    assert stage.result.code is ExitCode.INTERRUPTED


async def test_a_second_interruption_leaves_an_intent_that_is_never_sent_again(stage):
    stage.api.submits = [lambda: after(50.0, Accepted("t1"))]
    stage.interrupt_at = [(10.0, signal.SIGINT), (5.0, signal.SIGINT)]
    snapshot = await stage.run(stage.job())
    assert states(snapshot) == [State.INTENT]
    assert anyio.current_time() < 20.0
    stage.interrupt_at = []
    assert states(await stage.run(stage.job())) == [State.UNCERTAIN]
    assert stage.api.calls == ["submit"]


# -- media -----------------------------------------------------------------------------


async def test_a_file_is_delivered_by_its_hash_and_an_address_is_sent_as_it_is(stage):
    web = media("last_frame", UrlMedia("https://media.test/end.png", None))
    await stage.run(stage.job(media=(*stage.job().media, web)))
    digest = stage.digests[stage.picture].sha256
    assert stage.api.delivered == [[(digest, b"a picture"), ("", None)]]
    assert stage.api.sent[0].media[1].url == "https://media.test/end.png"


async def test_media_that_cannot_be_delivered_send_nothing_and_say_why(stage):
    stage.api.delivery = Undeliverable("the bucket refused", ("ask who keeps it",))
    snapshot = await stage.run(stage.job())
    assert not snapshot.attempts
    assert not stage.api.sent
    assert stage.result.reasons == {"one": "the bucket refused; ask who keeps it"}


@pytest.mark.parametrize("harm", ["altered", "deleted"])
async def test_a_video_that_was_changed_since_is_not_sent_and_is_downloaded_again(stage, harm):
    first, other = stage.job("first"), stage.job("other", seed=30)
    snapshot = await stage.run(first, other)
    path = stage.output / snapshot.attempts[0].path
    late = stage.job("late", seed=9)
    stage.api.polls["t3"] = [Running()]
    await stage.run(first, other, late, wait_s=60.0)

    def hurt():
        """Behind the planner's back: size and time stay as they were."""
        if harm == "deleted":
            path.unlink()
        else:
            seen = path.stat()
            path.write_bytes(bytes(seen.st_size))
            os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        return Running()

    stage.api.polls["t3"] = [hurt, Succeeded()]
    chained = job("next", media=follow("first"), seconds=4)
    snapshot = await stage.run(first, other, late, chained)
    assert states(snapshot) == [State.STORED] * 3
    (told,) = stage.told(NotPrepared)
    assert told.job == "next"
    assert "is not the video that was made any more" in told.text
    assert len(stage.api.sent) == 3
    snapshot = await stage.run(first, other, late, chained)
    assert states(snapshot) == [State.STORED] * 4
    assert stage.bytes_of(snapshot.attempts[0]) == video_of("t1")
    assert len(stage.api.sent) == 4
    assert stage.api.delivered[-1][0] == (snapshot.attempts[0].sha256, video_of("t1"))


async def test_a_still_is_cut_again_where_it_was_changed_since(stage):
    film = next(GOLDEN.glob("plain.*.mp4"))
    stage.api.downloads = [Video(film.read_bytes())]
    still = job("still", media=(media("first_frame", JobMedia("a", "last")),), seconds=2)
    failed = Failed("Internal", "try again", retryable=True)
    seen = []

    def harm(how):
        def answer():
            (path,) = (stage.output / "m/stills").iterdir()
            seen.append(path.stat().st_ino)
            how(path)
            return failed

        return answer

    stage.api.polls = {
        "t2": [harm(lambda p: p.write_bytes(b"scribbled")), failed],
        "t3": [harm(Path.unlink), failed],
        "t4": [harm(lambda _: None), failed],
    }
    await stage.run(stage.job("a"), still, settings={"retries": 3})
    stills = stage.api.delivered[1:]
    assert len(stage.api.sent) == 5
    assert [s[0] for s in stills] == [stills[0][0]] * 4
    digest, content = stills[0][0]
    assert hashlib.sha256(content).hexdigest() == digest
    (path,) = (stage.output / "m/stills").iterdir()
    assert path.stat().st_ino == seen[-1], "what was not changed is not cut again"


async def test_a_still_that_cannot_be_cut_sends_nothing(stage):
    still = job("still", media=(media("first_frame", JobMedia("a", "last")),), seconds=2)
    await stage.run(stage.job("a"), still)
    assert len(stage.api.sent) == 1
    assert stage.result.reasons["still"].startswith("its media could not be read: ")


# -- room ------------------------------------------------------------------------------


def no_disk():
    raise OSError(errno.EIO, "no such disk")


@pytest.mark.parametrize(
    ("free", "sent", "code"),
    [
        (lambda: 529_999_999, 0, ExitCode.ENVIRONMENT),
        (lambda: 530_000_000, 1, ExitCode.DONE),
        (no_disk, 1, ExitCode.DONE),
    ],
    ids=["too little", "just enough", "nobody knows"],
)
async def test_nothing_is_bought_that_the_disk_has_no_room_for(stage, free, sent, code):
    stage.free_bytes = free
    snapshot = await stage.run(stage.job())
    assert (len(stage.api.sent), len(snapshot.attempts), stage.result.code) == (sent, sent, code)
    assert [("free some space" in e.text) for e in stage.told(NotPrepared)] == [True] * (1 - sent)


async def test_room_is_kept_for_what_is_in_flight_by_the_largest_video_there_was(stage):
    stage.api.downloads = [Video(bytes(2_000_000))]
    stage.api.polls = {"t2": [Running()], "t3": [Running()]}
    await stage.run(stage.job("a"))
    stage.free_bytes = lambda: 504_000_000
    jobs = [stage.job(name, seed=n) for n, name in enumerate("bcd", 20)]
    await stage.run(stage.job("a"), *jobs, wait_s=60.0)
    assert [r.seed for r in stage.api.sent] == [7, 20, 21], "2 MB each, and 500 MB to spare"


# -- polls -----------------------------------------------------------------------------


async def test_many_tasks_are_watched_through_the_accounts_list(stage):
    stage.profile = replace(stage.profile, kind="dashscope")
    stage.api.polls = {f"t{n}": [Succeeded()] for n in (1, 2, 3)}
    seen = {"t1": "SUCCEEDED", "t2": "RUNNING", "t3": "RUNNING"}

    def found():
        tasks = tuple(ListedTask(i, word) for i, word in seen.items())
        if stage.api.calls.count("list") > 1:
            tasks = tuple(replace(t, status="SUCCEEDED") for t in tasks)
        return TaskListing(tasks, stage.wall(), complete=True)

    stage.api.lists = [found]
    rows = (await stage.run(*[stage.job(f"j{n}", seed=n) for n in (1, 2, 3)])).attempts
    assert [a.state for a in rows] == [State.STORED] * 3
    asked = [c for c in stage.api.calls if c.startswith(("list", "poll"))]
    assert asked[:2] == ["list", "poll t1"]
    assert asked.count("list") + asked.count("poll t1") < len(asked)
    assert stage.api.calls.count("poll t1") == 1


async def test_a_clock_that_was_set_has_what_runs_asked_again_before_a_purchase(stage):
    await with_two_left_running(stage)
    moved = 0.0
    stage.wall = lambda: Stage.wall(stage) + moved

    def set_the_clock():
        nonlocal moved
        moved = 5 * HOUR
        return Running()

    stage.api.polls = {
        "t1": [Running(), Succeeded()],
        "t2": [set_the_clock, Running(), Succeeded()],
    }
    stage.api.calls.clear()
    await stage.run(*two(stage), stage.job("new", seed=9))
    before = stage.api.calls[: stage.api.calls.index("submit")]
    asked = [call for call in before if call.startswith("poll")]
    assert asked == ["poll t1", "poll t2", "poll t1"]


def two(stage):
    return stage.job("a", seed=1), stage.job("b", seed=2)


async def with_two_left_running(stage):
    stage.api.polls = {"t1": [Running()], "t2": [Running()]}
    await stage.run(*two(stage), wait_s=60.0)


async def test_the_videos_of_jobs_that_are_gone_come_home_under_their_old_names(stage):
    await with_two_left_running(stage)
    stage.api.polls = {}
    snapshot = await stage.run(stage.job("new", seed=9))
    assert states(snapshot) == [State.STORED] * 3
    for row in snapshot.attempts[:2]:
        assert row.path.startswith(f"m/videos/{row.job}.")
        assert stage.bytes_of(row) == video_of(row.task_id)


# -- downloads -------------------------------------------------------------------------


async def test_a_download_that_fails_is_made_again_with_a_fresh_poll(stage):
    stage.api.downloads = [DownloadFailed("HTTP 503"), Video(b"all of it")]
    (row,) = (await stage.run(stage.job())).attempts
    assert (row.state, row.download_error) == (State.STORED, "HTTP 503")
    assert stage.bytes_of(row) == b"all of it"
    assert [e.text for e in stage.told(DownloadRetried)] == ["HTTP 503"]
    assert stage.api.calls[1:] == ["poll t1", "download t1"] * 2


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([Video(b"cut off", 3.0, declared=False), Video(b"whole")], b"whole"),
        ([Video(b"cut off", 3.0, declared=False), Video(b"as short", 3.0)], b"as short"),
        ([Video(b"short", 3.0), Video(b"never asked for")], b"short"),
        ([Video(b"long", declared=False), Video(b"never asked for")], b"long"),
    ],
)
async def test_what_may_have_been_cut_off_is_downloaded_twice(stage, given, kept):
    stage.api.downloads = given
    (row,) = (await stage.run(stage.job())).attempts
    assert stage.bytes_of(row) == kept
    assert row.sha256 == hashlib.sha256(kept).hexdigest()


async def test_bytes_that_are_no_video_are_kept_and_after_the_second_time_a_person_decides(stage):
    stage.api.downloads = [Page(b"<html>")]
    (row,) = (await stage.run(stage.job())).attempts
    assert (row.state, row.refused_times) == (State.REMOTE_OK, 2)
    assert outputs.rejected_path(stage.output, row).read_bytes() == b"<html>"
    assert stage.api.calls.count("download t1") == 2
    assert stage.result.code is ExitCode.UNFINISHED
    await stage.run(stage.job())
    assert stage.api.calls.count("download t1") == 2
    assert len(stage.api.sent) == 1


async def test_refused_bytes_that_vanished_from_the_disk_stop_nothing(stage):
    stage.api.downloads = [DownloadFailed("no video", refused="ab" * 32), Video(b"whole")]
    (row,) = (await stage.run(stage.job())).attempts
    assert row.state is State.STORED
    assert not outputs.rejected_path(stage.output, row).exists()


async def test_a_result_that_is_gone_after_its_day_expires(stage):
    stage.profile = replace(stage.profile, poll_interval_s=HOUR)
    stage.api.downloads = [DownloadFailed("HTTP 503")]
    await stage.run(stage.job(), wait_s=HOUR)
    await anyio.sleep(30 * HOUR)
    stage.api.downloads = [DownloadFailed("404 everywhere", gone=True)]
    (row,) = (await stage.run(stage.job())).attempts
    assert (row.state, row.reason) == (State.EXPIRED, "404 everywhere")
    assert [e.text for e in stage.told(Expired)] == ["404 everywhere"]
    assert len(stage.api.sent) == 1


async def test_a_part_folder_that_cannot_be_made_ends_buying_and_loses_nothing(stage):
    blocked = stage.output / "m/videos/.part"
    blocked.parent.mkdir(parents=True)
    blocked.write_bytes(b"in the way")
    snapshot = await stage.run(stage.job())
    assert states(snapshot) == [State.REMOTE_OK]
    assert stage.result.code is ExitCode.ENVIRONMENT
    assert "cannot be made" in stage.result.trouble
    assert not any(c.startswith("download") for c in stage.api.calls)
    blocked.unlink()
    (row,) = (await stage.run(stage.job())).attempts
    assert stage.bytes_of(row) == video_of("t1")


async def test_a_disk_that_gives_no_name_leaves_staged_bytes_for_the_next_run(stage, monkeypatch):
    real = outputs.publish

    def refuse(*_):
        raise OSError(errno.EIO, "")

    monkeypatch.setattr(outputs, "publish", refuse)
    snapshot = await stage.run(stage.job())
    assert states(snapshot) == [State.STAGED]
    assert "input/output error" in stage.result.trouble
    assert len(stage.told(DownloadRetried)) == 1
    monkeypatch.setattr(outputs, "publish", real)
    (row,) = (await stage.run(stage.job())).attempts
    assert (row.state, stage.bytes_of(row)) == (State.STORED, video_of("t1"))
    assert stage.api.calls.count("download t1") == 1


# -- the content route before the task is called finished ------------------------------


async def test_a_task_at_100_percent_is_taken_from_the_content_route(stage):
    stage.api.polls["t1"] = [Running("finishing", 100.0)]
    (row,) = (await stage.run(stage.job())).attempts
    assert row.state is State.STORED
    assert row.available_until - row.finished_at == 24 * HOUR
    assert stage.bytes_of(row) == video_of("t1")


@pytest.mark.parametrize(
    "given", [Video(b"a preview", 1.0), Video(b"too large", size=(1920, 1080))], ids=str
)
async def test_an_early_video_that_is_not_what_was_asked_for_is_no_end(stage, given):
    stage.api.polls["t1"] = [Running("finishing", 100.0), Running("finishing", 100.0), Succeeded()]
    stage.api.downloads = [given, Video(b"the real one")]
    (row,) = (await stage.run(stage.job())).attempts
    assert (row.state, stage.bytes_of(row)) == (State.STORED, b"the real one")
    assert outputs.early_path(stage.output, row).read_bytes() == given.content
    assert not stage.told(DownloadRetried), "nothing was promised yet"


async def test_a_full_disk_on_the_content_route_proves_no_failure(stage):
    stage.api.polls["t1"] = [Failed("cancelled", "who knows", certain=False)]
    stage.api.downloads = [DownloadFailed("no space left", disk=True)]
    snapshot = await stage.run(stage.job())
    assert states(snapshot) == [State.ACCEPTED]
    assert (stage.result.code, stage.result.trouble) == (ExitCode.ENVIRONMENT, "no space left")


async def test_a_doubtful_failure_is_believed_once_the_content_route_gives_nothing(stage):
    stage.api.polls["t1"] = [Failed("cancelled", "who knows", certain=False)]
    stage.api.downloads = [DownloadFailed("HTTP 404", gone=True)]
    (row,) = (await stage.run(stage.job())).attempts
    assert (row.state, row.error_message) == (State.REMOTE_FAILED, "who knows")
    assert "who knows" in [e.text for e in stage.told(Polled)]
    assert stage.scheduler.budget.spent == 0


async def test_a_failure_that_is_first_seen_after_23_hours_proves_nothing(stage):
    stage.profile = replace(stage.profile, poll_interval_s=HOUR)
    stage.api.polls["t1"] = running(30, Failed("failed", "expired"))
    stage.api.downloads = [DownloadFailed("HTTP 404", gone=True)]
    await stage.run(stage.job(), wait_s=2 * HOUR)
    await anyio.sleep(23 * HOUR)
    stage.api.polls["t1"] = [Failed("failed", "expired")]
    (row,) = (await stage.run(stage.job())).attempts
    assert row.state is State.EXPIRED
    assert "more than 23 hours" in row.reason
    assert len(stage.told(Expired)) == 1


async def test_a_task_without_a_final_word_expires_only_once_its_sources_gave_nothing(stage):
    stage.profile = replace(stage.profile, poll_interval_s=HOUR)
    stage.api.polls["t1"] = [Running()]
    stage.api.downloads = [DownloadFailed("HTTP 503")]
    snapshot = await stage.run(stage.job(), wait_s=28 * HOUR)
    assert states(snapshot) == [State.ACCEPTED]
    asked = stage.api.calls.count("download t1")
    assert asked < 4 * 60, "in the three hours after its day: once a minute, not once an answer"
    stage.api.downloads = [DownloadFailed("HTTP 404", denied=True)]
    (row,) = (await stage.run(stage.job(), wait_s=28 * HOUR)).attempts
    assert row.state is State.EXPIRED
    assert "no final word" in row.reason


# -- videos that were lost -------------------------------------------------------------


async def test_a_provider_that_now_gives_other_bytes_replaces_nothing(stage):
    (row,) = (await stage.run(stage.job())).attempts
    (stage.output / row.path).unlink()
    stage.api.downloads = [Video(b"other bytes")]
    (after_it,) = (await stage.run(stage.job())).attempts
    assert after_it.sha256 == row.sha256
    assert not (stage.output / row.path).exists()
    assert outputs.part_path(stage.output, row).read_bytes() == b"other bytes"
    assert "other bytes" in stage.told(Altered)[0].text
    assert stage.result.code is ExitCode.UNFINISHED
    assert len(stage.api.sent) == 1
    assert not stage.told(Stored)
    assert stage.result.fetched == 0


async def test_what_follows_a_video_that_came_back_otherwise_is_not_bought(stage):
    first, chained = stage.job("first"), job("next", media=follow("first"), seconds=4)
    (row,) = (await stage.run(first)).attempts
    (stage.output / row.path).unlink()
    stage.api.downloads = [Video(b"other bytes")]
    snapshot = await stage.run(first, chained)
    assert len(snapshot.attempts) == len(stage.api.sent) == 1
    assert stage.result.code is ExitCode.UNFINISHED


# -- a run without a server's clock ----------------------------------------------------


def test_without_a_servers_clock_our_own_counts(tmp_path):
    context = RunContext("r", "gateway", "paid", "", "USD", tmp_path, lambda: 5000.0, AtOnce())
    row = attempt(accepted_at=2000.0, available_until=4000.0)
    assert (context.age_s(row), context.most_age_s(row)) == (3000.0, 3000.0)
    assert (context.past_s(row), context.offset_s) == (1000.0, None)
    told = Succeeded((), 1.0, 2.0, 3.0)
    assert context.by_our_clock(told) is told


async def test_a_person_is_called_once_before_a_paid_video_vanishes(stage: Stage) -> None:
    told: list[dict[str, str]] = []

    def notify(facts: Facts) -> str:
        told.append(dict(facts))
        return ""

    stage.notify = notify
    stage.api.downloads = [DownloadFailed("the network is down")]
    await stage.run(stage.job(), wait_s=1200.0)
    assert told == []  # there is a day for it
    await anyio.sleep(22.5 * 3600.0)
    snapshot = await stage.run(stage.job(), wait_s=3600.0)
    (held,) = snapshot.attempts
    assert [facts["WANBATCH_EVENT"] for facts in told] == ["vanishing"]
    assert told[0]["WANBATCH_JOB"] == held.job
    assert told[0]["WANBATCH_TROUBLE"] == "the network is down"


async def test_nobody_is_called_for_a_video_that_comes_home(stage: Stage) -> None:
    told: list[Facts] = []

    def notify(facts: Facts) -> str:
        told.append(facts)
        return ""

    stage.notify = notify
    stage.api.downloads = [DownloadFailed("the network is down"), Video(b"x")]
    await stage.run(stage.job(), wait_s=1200.0)
    assert told == []


async def test_the_machine_stays_awake_while_something_is_under_way(stage: Stage) -> None:
    held: list[str] = []

    class Held:
        trouble = "no way"

        def __enter__(self) -> Held:
            held.append("begin")
            return self

        def __exit__(self, *_: object) -> None:
            held.append(f"end after {stage.api.calls[-1]}")

    stage.awake = Held
    await stage.run(stage.job())
    assert held == ["begin", "end after download t1"]
    assert stage.told(MayFallAsleep) == [MayFallAsleep("no way")]
    await stage.run(stage.job())
    assert len(held) == 2, "nothing was left to do"


# -- leave to buy ----------------------------------------------------------------------


class Leave:
    """A permit that is refused until an instant, or from one on for good."""

    def __init__(self, until=0.0, gone_at=None, gone_in_intent=False):
        self.until, self.gone_at, self.gone_in_intent = until, gone_at, gone_in_intent

    @property
    def lost(self):
        is_gone = self.gone_at is not None and anyio.current_time() >= self.gone_at
        return "another has the lease" if is_gone else ""

    def refusal(self):
        return self.lost or ("not renewed" if anyio.current_time() < self.until else "")

    async def wait(self):
        await anyio.sleep(max(0.0, self.until - anyio.current_time()))


def permitted(stage, leave, on_intent=None):
    """The stage's ledger asks ``leave``; ``on_intent`` is called as an intent is
    recorded."""
    real = stage.open_ledger

    @asynccontextmanager
    async def open_ledger():
        async with real() as ledger:
            ledger.permit = leave
            record = ledger.open_attempt

            async def open_attempt(opening):
                if on_intent is not None:
                    on_intent()
                return await record(opening)

            ledger.open_attempt = open_attempt
            yield ledger

    stage.open_ledger = open_ledger


async def test_nothing_is_bought_while_the_lease_is_not_renewed_and_then_it_is(stage):
    permitted(stage, Leave(until=40.0))
    snapshot = await stage.run(stage.job())
    assert [a.state for a in snapshot.attempts] == [State.STORED]
    assert min(at for at, call in stage.api.called_at if call == "submit") >= 40.0


@pytest.mark.parametrize("in_intent", [False, True])
async def test_a_lost_lease_ends_buying_and_the_run_with_what_to_do(stage, in_intent):
    def lose():
        raise PermitLost(ExitCode.ENVIRONMENT, "another has the lease", "run it again")

    permitted(stage, Leave(gone_at=None if in_intent else 0.0), lose if in_intent else None)
    snapshot = await stage.run(stage.job())
    assert (stage.api.sent, snapshot.attempts) == ([], ())
    assert stage.result.code is ExitCode.ENVIRONMENT
    assert stage.result.trouble == "another has the lease"
    assert "it waits for the lease" in stage.result.hint
    assert [e.text for e in stage.told(NotPrepared)] == ["another has the lease"]


async def test_leave_is_asked_for_once_more_just_before_the_post(stage):
    """Recording the intent took so long that it is not known who decides now."""
    leave = Leave()

    def delay():
        leave.until = anyio.current_time() + 1.0

    permitted(stage, leave, delay)
    snapshot = await stage.run(stage.job())
    (only,) = snapshot.attempts
    assert (only.state, only.refusals, len(stage.api.sent)) == (State.STORED, 1, 1)


async def test_who_waits_for_leave_can_be_interrupted(stage):
    permitted(stage, Leave(until=1e6))
    stage.interrupt_at = [(5.0, signal.SIGINT)]
    snapshot = await stage.run(stage.job())
    assert (snapshot.attempts, stage.result.code) == ((), ExitCode.INTERRUPTED)
