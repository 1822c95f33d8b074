"""Which videos are looked at, and beside what: files, chains, URLs, former jobs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from builders import job, media
from report import samples

from wanbatch.model.job import FileMedia, JobMedia, MediaInput, MediaType, UrlMedia
from wanbatch.model.lifecycle import Placement, Snapshot, State
from wanbatch.model.looked import Looked, record_look
from wanbatch.model.measures import MEASURES_VERSION, Level, Measures, References, Targets
from wanbatch.model.plan import JobState as J
from wanbatch.model.plan import MediaRef, Plan, PlannedJob
from wanbatch.operations.viewings import Subject, Viewings

MEASURES = Measures(Level.ALL, 5.0, 1280, 720, 24.0, 120)


def planned(*states: J) -> tuple[Plan, Snapshot]:
    _, plan, snapshot, _ = samples.make_case(*states, former=True)
    return plan, snapshot


def beside(entry: PlannedJob, medium: MediaInput, ref: MediaRef) -> PlannedJob:
    """The job with one medium."""
    request = replace(entry.request, media=(ref,))
    return replace(entry, job=replace(entry.job, media=(medium,)), request=request)


def viewings(folder: Path, plan: Plan, *looks: Looked, level: Level = Level.ALL) -> Viewings:
    return Viewings(folder, level, plan, looks)


def subject_of(plan: Plan, snapshot: Snapshot, number: int = 0) -> Subject:
    return viewings(Path("reports"), plan).subjects(plan, snapshot)[number]


def test_present_and_former_videos_are_shown_each_once(tmp_path: Path) -> None:
    plan, snapshot = planned(J.DONE, J.FAILED, J.DONE)
    found = viewings(tmp_path, plan).subjects(plan, snapshot)
    stored = [a.attempt_id for a in snapshot.attempts if a.state is State.STORED]
    assert sorted(one.attempt.attempt_id for one in found) == sorted(stored)
    assert [one.entry is None for one in found] == [False, False, True]
    emulated = replace(plan, realm="emulator")
    assert len(viewings(tmp_path, plan).subjects(emulated, snapshot)) == 2, "former ones are paid"


def test_what_came_since_the_plan_was_made_is_its_jobs_and_no_former_one(tmp_path: Path) -> None:
    """By the plan that a run began with it is compared with its job's media, too."""
    after, snapshot = planned(J.DONE)
    attempt = after.jobs[0].attempt
    assert attempt is not None
    picture = MediaRef("first_frame", "a.png", sha256="ab" * 32)
    medium = media(source=FileMedia("a.png", tmp_path / "a.png"))
    new = replace(after.jobs[0], state=J.PLANNED, attempt=None)
    plan = replace(after, jobs=(beside(new, medium, picture),))
    known = viewings(tmp_path, plan)
    assert next(one.entry for one in known.subjects(plan, snapshot)) is None
    known.take(attempt)
    found = [one for one in known.subjects(plan, snapshot) if one.attempt is attempt]
    assert [one.entry for one in found] == [plan.jobs[0]]
    known.note(record_look(attempt.sha256, f"first_frame={'ab' * 32}", Level.ALL, MEASURES))
    assert known.found(found[0]) == MEASURES


def test_a_video_is_looked_at_where_it_stands_now(tmp_path: Path) -> None:
    plan, snapshot = planned(J.DONE)
    attempt = plan.jobs[0].attempt
    assert attempt is not None
    moved = Placement("harbor", plan.jobs[0].name, attempt.attempt_id, "harbor/videos/b.mp4", 0)
    found = viewings(tmp_path, plan).subjects(plan, replace(snapshot, placements=(moved,)))
    assert found[0].path == "harbor/videos/b.mp4"
    viewing = viewings(tmp_path, plan).needed(found[0])
    assert viewing is not None
    assert viewing.video == tmp_path / "harbor/videos/b.mp4"


def test_no_row_of_a_ledger_leads_outside(tmp_path: Path) -> None:
    plan, snapshot = planned(J.DONE)
    odd = replace(subject_of(plan, snapshot), path="../outside.mp4")
    assert viewings(tmp_path, plan).needed(odd) is None


def test_a_file_is_compared_by_its_bytes(tmp_path: Path) -> None:
    plan, snapshot = planned(J.DONE)
    picture = tmp_path / "a.png"
    medium = media(source=FileMedia("a.png", picture))
    entry = beside(plan.jobs[0], medium, MediaRef("first_frame", "a.png", sha256="ab" * 32))
    viewing = viewings(tmp_path, plan).needed(replace(subject_of(plan, snapshot), entry=entry))
    assert viewing is not None
    assert viewing.key[1] == f"first_frame={'ab' * 32}"
    assert viewing.references == References(first_frame=picture)


@pytest.mark.parametrize(
    ("source", "compared"),
    [
        (JobMedia("two"), True),
        (JobMedia("two", "last"), True),
        (JobMedia("gone"), False),
        (UrlMedia("https://example.com/a.png"), False),
    ],
    ids=str,
)
def test_a_chain_is_compared_with_what_it_continues_and_a_url_with_nothing(
    tmp_path: Path, source: JobMedia | UrlMedia, *, compared: bool
) -> None:
    plan, snapshot = planned(J.DONE, J.DONE)
    one, two = plan.jobs
    assert two.attempt is not None
    is_picture = isinstance(source, UrlMedia) or source.frame
    kind: MediaType = "first_frame" if is_picture else "first_clip"
    made = replace(two.attempt, path="harbor/videos/two.mp4")
    upstream = replace(two, job=replace(two.job, name="two"), attempt=made)
    entry = beside(one, media(kind, source), MediaRef(kind, "two"))
    both = replace(plan, jobs=(entry, upstream))
    viewing = viewings(tmp_path, both).needed(replace(subject_of(plan, snapshot), entry=entry))
    assert viewing is not None
    assert (viewing.key[1] != "") is compared
    if not compared:
        assert viewing.references == References()
    elif kind == "first_clip":
        assert viewing.references == References(first_clip=tmp_path / "harbor/videos/two.mp4")
        assert viewing.key[1] == f"first_clip={made.sha256}"
    else:
        still = tmp_path / f"harbor/stills/{made.sha256[:16]}.last.png"
        assert viewing.references == References(first_frame=still)


def test_what_is_known_and_shown_is_not_looked_at_again(tmp_path: Path) -> None:
    plan, snapshot = planned(J.DONE)
    subject = subject_of(plan, snapshot)
    fresh = viewings(tmp_path, plan)
    viewing = fresh.needed(subject)
    assert viewing is not None
    files = (viewing.targets.poster, viewing.targets.preview, viewing.targets.frames)
    for file in files:
        assert file is not None
        file.parent.mkdir(parents=True)
        file.write_bytes(b"a picture")
    again = fresh.needed(subject)
    assert again is not None
    assert again.targets == Targets(), "it was never measured"
    assert not again.is_known
    look = record_look(*viewing.key, Level.ALL, MEASURES)
    known = viewings(tmp_path, plan, look)
    assert known.needed(subject) is None
    assert files[0] is not None
    files[0].unlink()
    for one in (known, viewings(tmp_path, plan, level=Level.NONE)):
        missing = one.needed(subject)
        assert missing is not None
        assert missing.is_known, "the file alone is missing"
        assert missing.targets == Targets(files[0])
    files[0].write_bytes(b"a picture")
    assert known.by_attempt(plan, snapshot) == {subject.attempt.attempt_id: MEASURES}
    assert viewings(tmp_path, plan, look, level=Level.NONE).by_attempt(plan, snapshot) == {}
    for other in (
        replace(look, version=MEASURES_VERSION + 1),
        replace(look, compared="first_frame=another"),
        replace(look, level="basic"),
        replace(look, facts="{}"),
    ):
        assert viewings(tmp_path, plan, other).needed(subject) is not None, other


def test_a_video_that_comes_is_the_one_of_every_job_that_asks_for_it(tmp_path: Path) -> None:
    plan, _ = planned(J.PLANNED, J.PLANNED)
    same = [replace(entry, fingerprint="wb2:same") for entry in plan.jobs]
    elsewhere = replace(same[1], job=job("three", manifest="other"))
    attempt = samples.make_attempt(9, "one", fingerprint="wb2:same", path="harbor/videos/a.mp4")
    found = viewings(tmp_path, replace(plan, jobs=(*same, elsewhere))).take(attempt)
    assert [(one.manifest, one.path) for one in found] == [
        ("other", "harbor/videos/a.mp4"),
        ("harbor", "harbor/videos/a.mp4"),
    ]
    stranger = samples.make_attempt(10, "gone", fingerprint="wb2:gone")
    assert viewings(tmp_path, plan).take(stranger) == []
