"""``wanbatch clean``, by the world that it must not be wrong in: manifests that moved
or broke, locks, reviews, shared and chained videos, clocks, ledgers that are gone.

How it works: a real ledger and files of a few bytes; the operation is told what day it
is. Files are as old as the test, so the days lie ahead.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from builders import opening
from PIL import Image

from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger, read_snapshot
from wanbatch.model.lifecycle import Event, EventKind, Facts, Placement, RunRecord
from wanbatch.model.wire import Profile
from wanbatch.operations.check import check
from wanbatch.operations.clean import Cleaning, empty_trash, look, move
from wanbatch.operations.events import ignore
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.planning import build_plan, put_back_needed
from wanbatch.operations.references import REVIEWS, note_plan, note_reviews
from wanbatch.videos.outputs import intact_paths
from wanbatch.videos.trash import trashed_paths
from wanbatch.words.errors import ExitCode, WanbatchError

MANIFEST = """\
wanbatch: 1
name: m
vars: {place: harbour}
jobs:
  - id: one
    prompt: "A {{ place }}"
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
    seeds: {start: 0, count: 2}
"""
NOTHING = MANIFEST.replace("A {{", "Another {{")
BACKEND = Profile("far", "gateway", "https://far.test", "https://far.test")
NOW = time.time()
DAY_S = 86_400.0


class Project:
    """A folder with a manifest of two jobs, both of them bought and at home."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.output = folder, folder / "reports"
        self.manifest = folder / "m.wanbatch.yaml"
        Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
        self.manifest.write_text(MANIFEST)
        self.options = PlanningOptions(files=(self.manifest,), output=self.output)
        for number in range(2):
            self.store(number)

    @property
    def ledger(self) -> Path:
        return self.output / "ledger.db"

    def plan(self, **changes: Any) -> Any:
        options = replace(self.options, **changes)
        snapshot = read_snapshot(self.ledger)
        checked = check(options, ignore)
        intact = intact_paths(self.output, snapshot) | trashed_paths(self.output, snapshot)
        return build_plan(options, checked, BACKEND, snapshot, intact, NOW)

    def store(self, number: int, **changes: Any) -> None:
        """The video of the job of that number, whole and on disk."""
        entry = self.plan().jobs[number]
        given: dict[str, Any] = {"fingerprint": entry.fingerprint, "job": entry.name, **changes}
        self.keep(f"m/videos/{number}.mp4", f"video {number}".encode(), **given)

    def keep(self, path: str, content: bytes, at: float = NOW, **changes: Any) -> None:
        (self.output / path).parent.mkdir(parents=True, exist_ok=True)
        (self.output / path).write_bytes(content)
        done: tuple[tuple[EventKind, Facts], ...] = (
            (EventKind.ACCEPTED, {"task_id": path, "accepted_at": at}),
            (EventKind.REMOTE_OK, {"finished_at": at, "available_until": at + DAY_S}),
            (
                EventKind.STAGED,
                {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)},
            ),
            (EventKind.STORED, {"path": path, "stored_at": at}),
        )
        born = {"manifest": "m", "origin": BACKEND.origin, "backend": "far", "at": at, **changes}

        async def write() -> None:
            async with Ledger.open(self.ledger) as ledger:
                row = await ledger.open_attempt(opening(**born))
                for kind, facts in done:
                    await ledger.append(Event(row.attempt_id, kind, at, facts))

        anyio.run(write)

    def place(self, placement: Placement) -> None:
        async def write() -> None:
            async with Ledger.open(self.ledger) as ledger:
                await ledger.place(placement)

        anyio.run(write)

    def begin_run(self, at: float) -> None:
        async def write() -> None:
            async with Ledger.open(self.ledger) as ledger:
                await ledger.begin_run(RunRecord("r", "m", "far", "paid", at))

        anyio.run(write)

    def run(self, day: float = 0.0, **changes: Any) -> None:
        """What a run writes down of the manifest as it is."""
        options = replace(self.options, **changes)
        snapshot = read_snapshot(self.ledger)
        note_plan(
            options, check(options, ignore), self.plan(**changes), snapshot, NOW + day * DAY_S
        )

    def look(self, day: float) -> Cleaning:
        return look(self.output, NOW + day * DAY_S)

    def move(self, day: float) -> Cleaning:
        return move(self.output, NOW + day * DAY_S)

    def empty(self, day: float) -> Cleaning:
        return empty_trash(self.output, NOW + day * DAY_S)

    def videos(self) -> list[str]:
        return sorted(p.relative_to(self.output).as_posix() for p in self.output.rglob("*.mp4"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project")


def names(found: Cleaning) -> list[str]:
    return [one.attempt.job for one in found.unneeded]


BOTH = ["one[seed=0]", "one[seed=1]"]
HOME = ["m/videos/0.mp4", "m/videos/1.mp4"]
AWAY = ["trash/m/videos/0.mp4", "trash/m/videos/1.mp4"]


@pytest.fixture
def unneeded(project: Project) -> Project:
    """From the 41st day on nobody needs the two videos."""
    project.run()
    project.manifest.write_text(NOTHING)
    project.run(day=10)
    return project


# -- thirty days -----------------------------------------------------------------------


def test_thirty_days_after_the_look_that_found_it_unreferred_to_and_not_before(
    unneeded: Project,
) -> None:
    early = unneeded.look(39.9)
    assert names(early) == []
    assert (early.waiting, round((early.next_at - NOW) / DAY_S)) == (2, 40)
    found = unneeded.look(40.1)
    assert names(found) == BOTH
    assert [one.paths for one in found.unneeded] == [(path,) for path in HOME]
    assert [one.bytes for one in found.unneeded] == [7, 7]
    assert unneeded.videos() == HOME, "a look moves nothing"


def test_what_a_manifest_refers_to_is_never_old(project: Project) -> None:
    project.run()
    assert names(project.look(4000)) == []


def test_an_edit_that_nobody_has_looked_at_yet_begins_the_thirty_days(project: Project) -> None:
    project.run()
    project.manifest.write_text(NOTHING)
    assert names(project.look(100)) == []
    assert names(project.look(129)) == []
    assert names(project.look(130.1)) == BOTH


def test_a_ledger_that_has_not_kept_the_book_for_thirty_days_tells_nothing(
    project: Project,
) -> None:
    found = project.look(300)
    assert (found.since, found.is_early, names(found)) == (None, True, [])
    project.run(day=301)
    project.manifest.write_text(NOTHING)
    project.run(day=302)
    assert project.look(330.9).is_early
    assert names(project.look(332.1)) == BOTH


def test_a_manifest_that_the_book_has_never_met_keeps_what_it_made(unneeded: Project) -> None:
    unneeded.keep("b/videos/x.mp4", b"video x", manifest="b", job="x")
    assert names(unneeded.look(300)) == BOTH, "b was run before the book was kept"


def test_a_run_that_sees_no_change_writes_no_mention_anew(project: Project) -> None:
    def rows() -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(project.ledger)) as connection:
            return connection.execute("SELECT rowid, seen_at FROM referrers").fetchall()

    project.run()
    project.run(day=3)
    assert rows() == [(1, NOW + 3 * DAY_S)]


# -- manifests -------------------------------------------------------------------------


def test_a_manifest_that_was_renamed_beside_still_needs_them(project: Project) -> None:
    project.run()
    project.manifest.rename(project.folder / "other.yml")
    project.look(1)
    assert names(project.look(4000)) == []


def test_a_manifest_that_is_gone_needs_them_for_thirty_days_from_the_look_that_missed_it(
    project: Project,
) -> None:
    project.run()
    project.manifest.rename(project.folder.parent / "elsewhere.away")
    assert names(project.look(100)) == []
    assert names(project.look(131)) == BOTH


def test_a_manifest_that_comes_back_with_its_branch_needs_them_again(unneeded: Project) -> None:
    unneeded.look(20)
    unneeded.manifest.write_text(MANIFEST)
    assert names(unneeded.look(45)) == []


@pytest.mark.parametrize("text", ["wanbatch: 1\njobs: [", MANIFEST.replace("picture", "missing")])
def test_a_manifest_that_is_there_and_cannot_be_read_keeps_all_that_it_ever_named(
    project: Project, text: str
) -> None:
    project.run()
    project.manifest.write_text(text)
    found = project.look(400)
    assert names(found) == []
    assert list(found.unclear) == ["../m.wanbatch.yaml"]
    project.manifest.write_text(NOTHING)
    assert names(project.look(400)) == [], "the look that could not read it dropped nothing"


def test_a_manifest_that_nobody_has_met_and_nobody_can_read_keeps_everything(
    unneeded: Project,
) -> None:
    (unneeded.folder / "new.yaml").write_text("wanbatch: 1\njobs: [")
    assert names(unneeded.look(50)) == []
    (unneeded.folder / "new.yaml").write_text("services: [")
    assert names(unneeded.look(50)) == BOTH, "what is no manifest says nothing"


def test_what_was_run_with_a_variable_is_needed_with_that_variable(project: Project) -> None:
    project.manifest.write_text(MANIFEST.replace("harbour", "lake"))
    project.run(variables={"place": "harbour"})
    assert names(project.look(400)) == []
    project.manifest.write_text(MANIFEST.replace("harbour", "lake").replace("A {{", "No {{"))
    project.look(401)
    assert names(project.look(432)) == BOTH


def test_a_variable_that_holds_an_address_is_not_written_and_keeps_what_it_named(
    project: Project,
) -> None:
    text = MANIFEST.replace("{place: harbour}", "{place: harbour, link: none}")
    project.manifest.write_text(
        text.replace("    seconds", "    tags: ['{{ link }}']\n    seconds")
    )
    project.run(variables={"link": "https://a.test/b?Signature=secret"})
    assert b"secret" not in project.ledger.read_bytes()
    project.manifest.write_text(NOTHING)
    found = project.look(400)
    assert names(found) == []
    assert found.unclear == {"../m.wanbatch.yaml": "it was read with an address in a variable"}


def test_a_project_may_move_as_a_whole(project: Project) -> None:
    project.run()
    moved = project.folder.with_name("moved")
    project.folder.rename(moved)
    assert names(look(moved / "reports", NOW + 400 * DAY_S)) == []


def test_the_path_in_a_report_leads_to_a_manifest_of_an_earlier_version(
    unneeded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = unneeded.folder / "deep"
    deep.mkdir()
    (unneeded.folder / "picture.png").rename(deep / "picture.png")
    (deep / "old.yaml").write_text(MANIFEST)
    unneeded.manifest.unlink()
    assert names(unneeded.look(100)) == BOTH
    report = {"manifest": {"path": "deep/old.yaml"}}
    (unneeded.output / "m/report.json").write_text(json.dumps(report))
    assert names(unneeded.look(100)) == []


# -- locks and reviews -----------------------------------------------------------------


def lock_of(project: Project, number: int) -> str:
    entry = read_snapshot(project.ledger).attempts[number]
    jobs = {entry.job: {"fingerprint": entry.fingerprint}}
    return json.dumps({"schema": "wanbatch/lock@1", "jobs": jobs})


def test_a_lock_beside_the_manifest_needs_what_it_names(unneeded: Project) -> None:
    (unneeded.folder / "m.lock.json").write_text(lock_of(unneeded, 0))
    assert names(unneeded.look(50)) == BOTH[1:]
    (unneeded.folder / "m.lock.json").write_text("<<<<<<< HEAD\n" + lock_of(unneeded, 1))
    assert names(unneeded.look(51)) == [], "a conflict hides none, and the other is 30 days away"
    (unneeded.folder / "m.lock.json").unlink()
    assert names(unneeded.look(52)) == []
    assert names(unneeded.look(83)) == BOTH


def test_a_lock_that_a_run_has_seen_is_known_after_its_manifest_moved(project: Project) -> None:
    lock = project.folder / "m.lock.json"
    lock.write_text(lock_of(project, 0))
    project.run()
    project.manifest.unlink()
    project.look(1)
    assert names(project.look(40)) == BOTH[1:]


def test_a_review_needs_what_was_picked_by_identity_or_by_its_bytes(unneeded: Project) -> None:
    first, second = read_snapshot(unneeded.ledger).attempts
    picks = [{"job": {"fingerprint": first.fingerprint}}, {"video": second.sha256}]
    review = unneeded.output / "review.json"
    review.write_text(json.dumps({"schema": "wanbatch/review@1", "picks": picks}))
    assert names(unneeded.look(50)) == []
    review.write_text(json.dumps({"schema": "wanbatch/review@1", "picks": picks[:1]}))
    unneeded.look(51)
    assert names(unneeded.look(82)) == BOTH[1:]


def test_a_review_far_away_counts_once_a_command_has_read_it(unneeded: Project) -> None:
    far = unneeded.folder.parent / "downloads"
    far.mkdir()
    first = read_snapshot(unneeded.ledger).attempts[0]
    pick = {"job": {"fingerprint": first.fingerprint}}
    (far / "r.json").write_text(json.dumps({"schema": "wanbatch/review@1", "picks": [pick]}))
    assert names(unneeded.look(50)) == BOTH
    note_reviews(unneeded.output, [far / "r.json"])
    assert names(unneeded.look(50)) == BOTH[1:]


def test_a_review_that_was_deleted_before_anybody_looked_counts_for_thirty_days(
    unneeded: Project,
) -> None:
    first = read_snapshot(unneeded.ledger).attempts[0]
    review = unneeded.folder.parent / "r.json"
    review.write_text(json.dumps({"job": {"fingerprint": first.fingerprint}}))
    note_reviews(unneeded.output, [review])
    review.unlink()
    assert names(unneeded.look(50)) == BOTH[1:]
    assert names(unneeded.look(51)) == BOTH[1:]
    assert names(unneeded.look(82)) == BOTH


def test_a_list_of_reviews_that_cannot_be_read_keeps_everything(unneeded: Project) -> None:
    (unneeded.output / REVIEWS).write_text("{")
    found = unneeded.look(50)
    assert names(found) == []
    assert found.unclear == {REVIEWS: "it cannot be read"}


def test_where_there_is_no_ledger_no_review_is_noted(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{}")
    note_reviews(tmp_path / "reports", [tmp_path / "r.json"])
    assert not (tmp_path / "reports").exists()


# -- shared and chained ----------------------------------------------------------------


def test_a_video_that_another_manifest_shares_is_needed_under_all_of_its_names(
    unneeded: Project,
) -> None:
    other = unneeded.folder / "other.wanbatch.yaml"
    other.write_text(MANIFEST.replace("name: m", "name: other"))
    assert names(unneeded.look(50)) == []


def test_a_video_with_two_names_moves_with_both_and_is_counted_once(unneeded: Project) -> None:
    (unneeded.output / "n/videos").mkdir(parents=True)
    os.link(unneeded.output / HOME[0], unneeded.output / "n/videos/copy.mp4")
    unneeded.place(Placement("n", "copy", 1, "n/videos/copy.mp4", 0))
    found = unneeded.move(50)
    assert found.unneeded[0].paths == (HOME[0], "n/videos/copy.mp4")
    assert found.unneeded[0].bytes == 7
    assert unneeded.videos() == [*AWAY, "trash/n/videos/copy.mp4"]


def test_what_a_needed_video_was_made_from_is_needed(unneeded: Project) -> None:
    request = json.dumps({"media": [{"type": "first_clip", "source": "job:one[seed=0]"}]})
    unneeded.keep("m/videos/two.mp4", b"two", NOW + 45 * DAY_S, job="two", request=request)
    assert names(unneeded.look(50)) == BOTH[1:]
    assert names(unneeded.look(76)) == [*BOTH, "two"]


def test_what_a_needed_video_took_by_its_bytes_is_needed(unneeded: Project) -> None:
    sha256 = read_snapshot(unneeded.ledger).attempts[1].sha256
    request = json.dumps({"media": [{"type": "first_clip", "source": "x", "sha256": sha256}]})
    unneeded.keep("m/videos/two.mp4", b"two", NOW + 45 * DAY_S, job="two", request=request)
    assert names(unneeded.look(50)) == BOTH[:1]


def test_a_video_that_a_manifest_takes_as_a_picture_or_clip_is_needed(
    unneeded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = unneeded.folder / "picture.png"
    unneeded.keep("m/videos/p.mp4", picture.read_bytes(), job="p", fingerprint="wb2:" + "1" * 64)
    assert names(unneeded.look(50)) == BOTH


# -- what is no end --------------------------------------------------------------------


def test_only_what_is_stored_is_ever_unneeded(unneeded: Project) -> None:
    async def write() -> None:
        async with Ledger.open(unneeded.ledger) as ledger:
            await ledger.open_attempt(opening(manifest="m", job="three", at=NOW))

    anyio.run(write)
    part = unneeded.output / "m/videos/.part"
    part.mkdir()
    (part / "3.early").write_bytes(b"early")
    (part / "1.rejected").write_bytes(b"rejected")
    found = unneeded.move(50)
    assert [e.path for e in found.moved if not e.sha256] == ["m/videos/.part/1.rejected"]
    assert (part / "3.early").exists()
    assert found.unneeded[0].bytes == 7 + 8


def test_a_video_that_the_ledger_does_not_know_is_never_touched(unneeded: Project) -> None:
    stranger = unneeded.output / "m/videos/stranger.12345678.mp4"
    stranger.write_bytes(b"paid elsewhere")
    unneeded.move(50)
    assert stranger.exists()


def test_a_video_that_was_changed_stays_and_its_names_with_it(unneeded: Project) -> None:
    (unneeded.output / HOME[0]).write_bytes(b"cut by 0")
    (unneeded.output / HOME[1]).write_bytes(b"VIDEO 1")
    found = unneeded.move(50)
    assert names(found) == BOTH[1:], "another length is not even listed"
    assert found.altered == (HOME[1],)
    assert (found.moved, unneeded.videos()) == ((), HOME)


def test_a_link_in_the_place_of_a_video_is_not_followed(unneeded: Project) -> None:
    own = unneeded.folder.parent / "own.mp4"
    own.write_bytes(b"video 0")
    (unneeded.output / HOME[0]).unlink()
    (unneeded.output / HOME[0]).symlink_to(own)
    assert names(unneeded.move(50)) == BOTH[1:]
    assert own.exists()


# -- clocks ----------------------------------------------------------------------------


def test_a_clock_that_went_backwards_ends_it(unneeded: Project) -> None:
    unneeded.begin_run(NOW + 100 * DAY_S)
    with pytest.raises(WanbatchError) as caught:
        unneeded.move(50)
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert re.fullmatch(
        "by this machine's clock it is [0-9-]{10}"
        ", and the ledger knows of [0-9-]{10}"
        ": one of them is wrong; nothing was moved",
        caught.value.message,
    )
    assert unneeded.videos() == HOME
    assert names(unneeded.look(99.5)) == BOTH, "less than a day is no other time"


def test_a_clock_that_had_lost_its_time_makes_nothing_old(
    unneeded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanbatch.operations.clean._file_times", lambda path: (0.0, 0.0))
    unneeded.keep("m/videos/two.mp4", b"two", 86_400.0, job="two")
    assert names(unneeded.look(50)) == BOTH


def test_an_old_video_that_came_home_today_is_young(
    unneeded: Project,
) -> None:
    unneeded.keep("m/videos/two.mp4", b"two", NOW - 400 * DAY_S, job="two")
    assert names(unneeded.look(29)) == []
    assert names(unneeded.look(50)) == [*BOTH, "two"]


# -- refusals --------------------------------------------------------------------------


def refused(project: Project, code: ExitCode) -> WanbatchError:
    """Neither a look nor a move nor an emptying goes on; nothing is moved."""
    before = project.videos()
    caught: list[WanbatchError] = []
    for act in (project.look, project.move, project.empty):
        with pytest.raises(WanbatchError) as error:
            act(50)
        caught.append(error.value)
    assert {one.exit_code for one in caught} == {code}
    assert len({one.message for one in caught}) == 1
    assert all(one.hints for one in caught)
    assert project.videos() == before
    return caught[0]


def test_without_its_ledger_nothing_is_unneeded(unneeded: Project) -> None:
    unneeded.ledger.unlink()
    assert (
        "without it nobody knows which video is needed"
        in refused(unneeded, ExitCode.REFUSED).message
    )
    assert not unneeded.ledger.exists(), "and none is made"


def test_a_ledger_that_cannot_be_read_moves_nothing(unneeded: Project) -> None:
    content = unneeded.ledger.read_bytes()
    unneeded.ledger.write_bytes(content[:2000] + b"\0" * (len(content) - 2000))
    refused(unneeded, ExitCode.ENVIRONMENT)


def test_a_ledger_that_is_not_sound_moves_nothing(unneeded: Project) -> None:
    with closing(sqlite3.connect(unneeded.ledger)) as connection, connection:
        connection.execute("UPDATE attempts SET polls = 7 WHERE attempt_id = 1")
    found = refused(unneeded, ExitCode.REFUSED)
    assert "is not sound (attempt 1: the row is not the fold of its events" in found.message
    assert found.message.endswith("); nothing was moved")


def test_a_ledger_that_is_older_than_its_reports_moves_nothing(unneeded: Project) -> None:
    snapshot = read_snapshot(unneeded.ledger)
    head = {
        "schema": "wanbatch/report@1",
        "manifest": {"path": "m"},
        "run": {"id": "unheard", "realm": "paid", "finished_at": "2026-01-01T00:00:00Z"},
        "ledger": {"id": snapshot.ledger_id, "events": 10_000},
        "jobs": [],
    }
    (unneeded.output / "m/runs").mkdir(parents=True)
    for realm_at_top in ({"realm": "paid", "ledger_id": snapshot.ledger_id, "events": 10_000}, {}):
        (unneeded.output / "m/runs/x.json").write_text(json.dumps({**head, **realm_at_top}))
    from wanbatch.report.head import read_head

    told = read_head(unneeded.output / "m/runs/x.json")
    assert told is not None
    assert told.realm == "paid", "the head of this test is a report's"
    found = refused(unneeded, ExitCode.REFUSED)
    assert "is older than its own reports:" in found.message
    assert found.message.endswith("tells of what it does not hold; nothing was moved")


def test_a_shared_ledger_moves_nothing(unneeded: Project) -> None:
    (unneeded.output / "shared-1234.db").write_bytes(b"")
    assert refused(unneeded, ExitCode.REFUSED).message.endswith(
        " works with a shared store (shared-1234.db): what others need is not known here; nothing"
        " was moved"
    )


def test_a_run_that_goes_on_is_not_disturbed_and_a_look_does_without_the_lock(
    unneeded: Project,
) -> None:
    with RunLock(unneeded.output):
        assert names(unneeded.look(50)) == BOTH
        for act in (unneeded.move, unneeded.empty):
            with pytest.raises(WanbatchError, match="another run works in"):
                act(50)
    assert unneeded.videos() == HOME


def test_a_trash_that_leads_elsewhere_is_not_used(unneeded: Project) -> None:
    away = unneeded.folder.parent / "away"
    away.mkdir()
    (unneeded.output / "trash").symlink_to(away)
    assert "is a symbolic link" in refused(unneeded, ExitCode.ENVIRONMENT).message
    assert list(away.iterdir()) == []


# -- the trash -------------------------------------------------------------------------


def test_moving_and_emptying_are_two_steps(unneeded: Project) -> None:
    moved = unneeded.move(50)
    assert [e.path for e in moved.moved] == HOME
    assert unneeded.videos() == AWAY
    assert names(unneeded.look(51)) == [], "what lies in the trash is not listed again"
    assert [e.path for e in unneeded.look(51).trash] == HOME
    assert [e.path for e in unneeded.empty(51).emptied] == HOME
    assert unneeded.videos() == []
    assert unneeded.empty(52).emptied == ()


def test_emptying_moves_nothing_into_the_trash_first(unneeded: Project) -> None:
    assert unneeded.empty(50).emptied == ()
    assert unneeded.videos() == HOME


def test_what_is_needed_again_is_not_emptied(unneeded: Project) -> None:
    unneeded.move(50)
    (unneeded.folder / "m.lock.json").write_text(lock_of(unneeded, 0))
    found = unneeded.empty(60)
    assert [e.path for e in found.needed] == HOME[:1]
    assert [e.path for e in found.emptied] == HOME[1:]
    assert unneeded.videos() == AWAY[:1]


def test_what_may_be_needed_is_not_emptied(unneeded: Project) -> None:
    unneeded.move(50)
    (unneeded.folder / "new.yaml").write_text("wanbatch: 1\njobs: [")
    assert unneeded.empty(60).emptied == ()


def test_a_plan_counts_what_lies_in_the_trash_and_what_uses_it_takes_it_back(
    unneeded: Project,
) -> None:
    unneeded.move(50)
    unneeded.manifest.write_text(MANIFEST)
    plan = unneeded.plan()
    assert [entry.action.value for entry in plan.jobs] == ["reuse", "reuse"]
    assert unneeded.videos() == AWAY
    put_back_needed(unneeded.output, plan)
    assert unneeded.videos() == HOME
    assert unneeded.look(51).trash == ()


def test_bytes_that_were_changed_in_the_trash_are_not_taken_for_the_video(
    unneeded: Project,
) -> None:
    unneeded.move(50)
    unneeded.manifest.write_text(MANIFEST)
    (unneeded.output / AWAY[0]).write_bytes(b"VIDEO 0")
    with pytest.raises(
        WanbatchError, match=r"was changed since it was moved there, and one.seed=0. needs it"
    ) as caught:
        put_back_needed(unneeded.output, unneeded.plan())
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert unneeded.empty(300).emptied == (), "and what is needed is not deleted either"
