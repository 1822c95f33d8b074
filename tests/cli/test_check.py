"""``wanbatch check``: reports, folders and single videos, and what is no video."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from command import run
from expecting import expect
from report import defects, samples

from wanbatch.model.plan import JobState as J
from wanbatch.model.report import Check, Output
from wanbatch.operations.inspection import Inspected, inspect
from wanbatch.report.collect import collect
from wanbatch.report.write import write_report
from wanbatch.words.errors import WanbatchError
from wanbatch.words.files import hash_file


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    return defects.write_video(folder / "clean.mp4", defects.pan(), defects.tone())


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    return defects.DEFECTS["cut"](tmp_path_factory.mktemp("cut")).video


def fallen(one: Inspected) -> list[str]:
    return [check.name for check in one.checks if not check.passed]


def test_a_clean_video_ends_with_0_and_a_fault_with_1(tmp_path, clean, cut):
    fine = run(tmp_path, "check", str(clean))
    assert (fine.returncode, fine.stdout) == (0, "")
    assert fine.stderr == f"ok     {clean}\n1 video checked, none falls short.\n"
    short = run(tmp_path, "check", str(clean), str(cut))
    assert short.returncode == 1
    assert "     ! cut: cut at 1.00 s\n" in short.stderr
    assert short.stderr.endswith("2 videos checked, 1 falls short.\n")


def test_json_and_junit_go_to_stdout(tmp_path, clean, cut):
    told = run(tmp_path, "check", "--format", "json", str(clean), str(cut))
    assert (told.returncode, told.stderr) == (1, "")
    found = json.loads(told.stdout)
    assert [entry["path"] for entry in found] == [str(clean), str(cut)]
    assert list(found[0]["checks"][0]) == ["name", "passed", "value", "message"]
    checks = {check["name"]: check for check in found[1]["checks"]}
    assert (checks["cut"]["passed"], checks["cut"]["value"]) == (False, 1)
    shown = run(tmp_path, "check", "--format", "junit", str(cut))
    assert shown.returncode == 1
    suites = fromstring(shown.stdout)
    assert suites.attrib["failures"] == "1"
    (failure,) = suites.iter("failure")
    assert failure.attrib == {"message": "cut at 1.00 s", "type": "cut"}


def test_bad_usage_ends_with_2(tmp_path):
    (tmp_path / "empty").mkdir()
    for words in ([], ["empty"], ["--format", "yaml", "empty"]):
        done = run(tmp_path, "check", *words)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr


def test_help_shows_two_examples(tmp_path):
    shown = run(tmp_path, "check", "--help").stdout.partition("Examples:")[2]
    assert shown.count("wanbatch check ") == 2


# -- what is no video ------------------------------------------------------------------


def test_every_broken_file_is_told_with_its_place(tmp_path, clean):
    page = tmp_path / "page.mp4"
    page.write_text("<html>not found</html>")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "folder.mp4").mkdir()
    shutil.copy(clean, tmp_path / "folder.mp4" / "a.MP4")
    paths = ["none.mp4", "page.mp4", "broken.json", "folder.mp4"]
    found = inspect([tmp_path / name for name in paths])
    assert [(Path(one.path).name, fallen(one)) for one in found] == [
        ("none.mp4", ["file"]),
        ("page.mp4", ["decodes"]),
        ("broken.json", ["file"]),
        ("a.MP4", []),
    ]
    assert "No such file" in found[0].checks[-1].message


def test_a_hostile_name_is_told_on_one_line(tmp_path):
    name = "a\n\x1b[2J\u202eok.mp4"
    (tmp_path / name).write_bytes(b"x")
    told = run(tmp_path, "check", ".")
    assert told.returncode == 1
    assert "\x1b" not in told.stderr
    assert "\u202e" not in told.stderr
    assert told.stderr.count("\n") == 3
    for form in ("json", "junit"):
        shown = run(tmp_path, "check", "--format", form, ".")
        assert "\x1b" not in shown.stdout
        assert shown.returncode == 1


# -- reports ---------------------------------------------------------------------------


@pytest.fixture
def report(tmp_path, clean, cut):
    """A report of three jobs: a clean video, one with a cut, one that is missing."""
    manifest, plan, snapshot, ended = samples.make_case(J.DONE, J.DONE, J.DONE, J.FAILED)
    made = collect(manifest, plan, snapshot, ended)
    folder = tmp_path / "reports" / "harbor"
    (folder / "videos").mkdir(parents=True)
    for job, video in zip(made.jobs, (clean, cut), strict=False):
        shutil.copy(video, folder / expect(Output, job.output).path)
    write_report(made, folder)
    return made, folder


def test_a_report_is_held_against_what_was_asked_for(report):
    made, folder = report
    for path in (folder, folder / "report.json", folder.parent):
        found = inspect([path])
        assert [one.path for one in found] == [
            str(folder / job.output.path) for job in made.jobs if job.output
        ]
        # 5 s of 720P were asked for; the videos are 2 s of 320 × 180
        assert [fallen(one) for one in found] == [
            ["length", "size"],
            ["length", "size", "cut"],
            ["file"],
        ]


def test_what_the_manifest_expected_falls_short_still(report):
    made, folder = report
    said = Check("motion", passed=False, message="where at least 0.5 is expected", value=0.01)
    first = replace(made.jobs[0], checks=(said,), unmet=("motion",))
    write_report(replace(made, jobs=(first, *made.jobs[1:])), folder)
    found = inspect([folder])[0]
    assert fallen(found) == ["length", "size", "motion"]
    assert said in found.checks


def test_a_picture_counts_where_it_is_still_the_one_that_was_sent(tmp_path, report):
    made, folder = report
    picture = defects.picture_file(tmp_path, defects.pan()[0])
    media = [{"type": "first_frame", "source": "first.png", "sha256": hash_file(picture)}]
    changed = tuple(replace(j, request={**j.request, "media": media}) for j in made.jobs)
    write_report(replace(made, jobs=changed), folder)
    assert "first_frame" in {check.name for check in inspect([folder])[0].checks}
    picture.write_bytes(b"another")
    assert "first_frame" not in {check.name for check in inspect([folder])[0].checks}


def test_another_jobs_video_is_the_clip_that_a_job_continues(report):
    made, folder = report
    first, second, *others = made.jobs
    media = [{"type": "first_clip", "source": f"job:{first.name}", "sha256": None}]
    second = replace(second, request={**second.request, "media": media})
    write_report(replace(made, jobs=(first, second, *others)), folder)
    assert "joint" in {check.name for check in inspect([folder])[1].checks}


@pytest.mark.parametrize("way", ["../../secret.mp4", "/etc/passwd", "away/secret.mp4"])
def test_a_report_names_no_video_outside_of_its_folder(tmp_path, report, clean, way):
    _, folder = report
    shutil.copy(clean, tmp_path / "secret.mp4")
    (folder / "away").symlink_to(tmp_path)
    content = json.loads((folder / "report.json").read_text())
    content["jobs"][0]["output"]["path"] = way
    (folder / "report.json").write_text(json.dumps(content))
    first = inspect([folder])[0]
    assert fallen(first) == ["file"]
    assert "outside" in first.checks[0].message or "no report" in first.checks[0].message


def test_a_folder_without_videos_is_refused(tmp_path):
    with pytest.raises(WanbatchError, match="neither a report"):
        inspect([tmp_path])
