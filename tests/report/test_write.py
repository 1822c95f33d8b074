"""The report folder: what is written, what is kept, what is made again, what may be
missing."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial

import pytest
from PIL import Image
from report import samples

from wanbatch.model.plan import JobState as J
from wanbatch.report.collect import collect
from wanbatch.report.formats.render import base_for, format_of, render, render_file
from wanbatch.report.write import frames_name, preview_name, read_report, write_report
from wanbatch.words.errors import WanbatchError


@pytest.fixture
def report():
    return collect(*samples.make_case(J.DONE, J.FAILED, J.DONE, former=True))


@pytest.fixture
def folder(report, tmp_path):
    """The manifest's folder with the videos of the report, but for that of the third
    job."""
    folder = tmp_path / "reports" / "harbor"
    for number, job in enumerate((report.jobs[0], *report.former)):
        samples.write_video(folder / job.output.path, seconds=0.5, hue=number)
    samples.write_pictures(report, folder)
    return folder


def test_the_folder_has_the_files_of_the_contract_and_no_others(report, folder):
    write_report(report, folder)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    posters = {f"posters/{job.output.sha256[:24]}.webp" for job in (report.jobs[0], *report.former)}
    videos = {job.output.path for job in (report.jobs[0], *report.former)}
    assert (
        found == {"report.html", "report.json", "runs/20260528-202640-a1b2.json"} | posters | videos
    )


def test_what_was_written_can_be_read_and_names_its_posters(report, folder):
    written = write_report(report, folder)
    again = read_report(folder / "report.json")
    assert again.jobs == written.jobs
    assert [bool(job.poster) for job in again.jobs] == [True, False, False]
    with Image.open(folder / again.jobs[0].poster) as poster:
        assert poster.format == "WEBP"
    assert (folder / "runs/20260528-202640-a1b2.json").read_bytes() == (
        folder / "report.json"
    ).read_bytes()


def test_a_poster_in_a_store_keeps_its_address(report, folder):
    address = "https://videos.example.com/sha256/ab/cd.webp"
    jobs = (replace(report.jobs[0], poster=address), *report.jobs[1:])
    written = write_report(replace(report, jobs=jobs), folder)
    assert written.jobs[0].poster == address
    assert read_report(folder / "report.json").jobs[0].poster == address


def test_previews_and_film_strips_are_named_where_they_are(report, folder):
    sha256 = report.jobs[0].output.sha256
    assert write_report(report, folder).jobs[0].preview is None
    for name in (preview_name(sha256), frames_name(sha256)):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"a picture")
    written = write_report(report, folder).jobs
    assert (written[0].preview, written[0].frames) == (preview_name(sha256), frames_name(sha256))
    assert [job.preview for job in written[1:]] == [None, None]


def test_what_a_report_names_already_stays_where_it_is_there(report, folder):
    (folder / "previews").mkdir(exist_ok=True)
    (folder / "previews" / "own.mp4").write_bytes(b"a preview")
    own, gone = "previews/own.mp4", "previews/gone.mp4"
    jobs = tuple(
        replace(job, preview=name) for job, name in zip(report.jobs, (own, gone, own), strict=True)
    )
    written = write_report(replace(report, jobs=jobs), folder).jobs
    assert [job.preview for job in written] == [own, None, own]


def test_the_record_of_a_finished_run_is_kept_as_it_was(report, folder):
    write_report(report, folder)
    record = folder / "runs" / "20260528-202640-a1b2.json"
    before = record.read_bytes()
    write_report(replace(report, jobs=report.jobs[:1]), folder)
    assert record.read_bytes() == before
    assert len(json.loads((folder / "report.json").read_text())["jobs"]) == 1


def test_an_unfinished_run_leaves_no_record(report, folder):
    write_report(replace(report, run=replace(report.run, finished_at=None, exit_code=None)), folder)
    assert not (folder / "runs").exists()


def test_a_run_id_cannot_leave_the_folder(report, folder):
    write_report(replace(report, run=replace(report.run, id="../../x")), folder)
    assert [path.name for path in (folder / "runs").iterdir()] == ["..%2F..%2Fx.json"]


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("x.html", "<!doctype html>"),
        ("x.json", "{"),
        ("junit.xml", "<?xml"),
        ("x.csv", "name,"),
        ("X.MD", "# harbor"),
    ],
)
def test_a_files_name_decides_its_format(report, tmp_path, name, start):
    assert (
        render_file(report, format_of(tmp_path / name), "../reports/harbor/")
        .lstrip()
        .startswith(start.encode())
    )


def test_the_way_from_a_page_to_the_videos(report, tmp_path):
    folder = tmp_path / "reports" / "harbor"
    assert base_for(folder / "x.html", folder) == ""
    assert base_for(tmp_path / "x.html", folder) == "reports/harbor/"
    base = base_for(tmp_path / "out dir" / "x.md", folder)
    assert base == "../reports/harbor/"
    assert f"({base}{report.jobs[0].output.path})" in render(report, "md", base)


def test_a_name_without_a_format_is_refused(tmp_path):
    with pytest.raises(WanbatchError, match="no report format"):
        format_of(tmp_path / "x.pdf")


class Name(str):
    """A text that compares itself in Python: who looks through a list for it runs lines
    that are counted, though the list is looked through in C."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other):
        return str.__eq__(self, other)


def lines_run(act):
    """How many lines of Python ``act()`` runs, each turn of a loop again."""
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return count


def test_twice_the_jobs_are_twice_the_work(tmp_path):
    """Counted in lines run and bytes written: a busy machine changes nothing. What a
    hundred more jobs add is twice what fifty more add; one look at all others for each
    job would add a twentieth to that."""
    work, pages, documents = [], [], []
    for jobs in (1, 50, 100, 200):
        report = collect(*samples.make_case(*[J.DONE] * jobs))
        named = tuple(replace(job, name=Name(job.name), id=Name(job.id)) for job in report.jobs)
        report, folder = replace(report, jobs=named), tmp_path / str(jobs)
        work.append(lines_run(partial(write_report, report, folder)))
        pages.append((folder / "report.html").stat().st_size)
        documents.append((folder / "report.json").stat().st_size)
    assert work[3] - work[2] < 2.02 * (work[2] - work[1])
    assert documents[3] - documents[2] < 2.02 * (documents[2] - documents[1])
    assert pages[3] - pages[2] < 100 * 800
