"""Thumbnails beside a report: made once, kept, and never a reason to fail."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image
from report import samples

from wanbatch.model.plan import JobState
from wanbatch.report.collect import collect
from wanbatch.report.thumbnails import add_thumbnails, digests_of
from wanbatch.report.write import write_report

SHA = samples.sha("harbor.png")
NAME = f"inputs/{SHA[:24]}.webp"


@pytest.fixture
def report(tmp_path):
    picture = tmp_path / "harbor.png"
    Image.new("RGB", (640, 360), "teal").save(picture)
    return replace(
        collect(*samples.make_case(JobState.DONE, JobState.FAILED)), pictures={SHA: picture}
    )


def test_each_given_picture_has_one_copy_and_the_page_knows_it(report, tmp_path):
    folder = tmp_path / "reports" / "harbor"
    assert write_report(report, folder).thumbnails == {SHA: NAME}
    assert [path.name for path in (folder / "inputs").iterdir()] == [NAME.removeprefix("inputs/")]
    assert f'"thumbnails":{{"{SHA}":"{NAME}"}}' in (folder / "report.html").read_text()
    assert "inputs/" not in (folder / "report.json").read_text()


def test_a_copy_outlives_its_picture_and_is_not_made_anew(report, tmp_path):
    add_thumbnails(report, tmp_path)
    report.pictures[SHA].unlink()
    made_at = (tmp_path / NAME).stat().st_mtime_ns
    assert add_thumbnails(report, tmp_path).thumbnails == {SHA: NAME}
    assert add_thumbnails(replace(report, pictures={}), tmp_path).thumbnails == {SHA: NAME}
    assert (tmp_path / NAME).stat().st_mtime_ns == made_at


def test_what_cannot_be_read_is_shown_without(report, tmp_path):
    report.pictures[SHA].write_bytes(b"no picture")
    assert add_thumbnails(report, tmp_path).thumbnails == {}
    assert add_thumbnails(replace(report, pictures={}), tmp_path).thumbnails == {}


def test_only_frames_with_a_whole_digest_name_a_file():
    def medium(kind: str, sha256: object) -> dict[str, object]:
        return {"type": kind, "source": "x", "sha256": sha256}

    assert digests_of([medium("first_frame", SHA), medium("last_frame", "a" * 64)]) == (
        SHA,
        "a" * 64,
    )
    odd = ("../" * 21 + "a", "A" * 64, None, "ab", 7)
    assert digests_of([medium("first_frame", sha256) for sha256 in odd]) == ()
    assert digests_of([medium("driving_audio", SHA)]) == ()
    assert digests_of(None) == ()
