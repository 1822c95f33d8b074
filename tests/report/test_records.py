"""A report as one table: kinds that hold, and files of it that are read back."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from arro3.io import read_parquet
from report import samples

from wanbatch.model.plan import JobState
from wanbatch.model.report import Check
from wanbatch.report.collect import collect
from wanbatch.report.formats.parquet import render_parquet
from wanbatch.report.formats.records import Kind, make_columns
from wanbatch.report.formats.render import format_of
from wanbatch.report.formats.tables import render_csv
from wanbatch.report.formats.videofolder import exportable, render_metadata
from wanbatch.words.errors import WanbatchError

HOSTILE = '=cmd|"\n\ud83d, 港\x00'


@pytest.fixture
def report():
    report = collect(*samples.make_case(JobState.DONE, JobState.DONE, JobState.FAILED))
    first = replace(
        report.jobs[0],
        axes=(("hour", "dawn"), ("seed", 100), ("fast", True), ("mixed", 1)),
        poster="posters/a.webp",
        preview="previews/a.mp4",
        checks=(
            Check("frozen", passed=False, message="0.8 s", value=0.8),
            Check("size", passed=True, message="as asked for"),
            Check("silence", passed=True, message="all", value=float("-inf")),
        ),
    )
    second = replace(
        report.jobs[1],
        axes=(("hour", HOSTILE), ("seed", 101), ("mixed", "x")),
        tags=(HOSTILE, "two"),
        checks=(Check("frozen", passed=True, message="moves", value=0.0),),
    )
    return replace(report, jobs=(first, second, report.jobs[2]))


def kinds(report):
    return {column.name: column.kind for column in make_columns(report)}


def test_a_column_of_axes_or_checks_has_one_kind(report):
    found = kinds(report)
    assert found["axis.hour"] is Kind.TEXT
    assert found["axis.seed"] is Kind.WHOLE
    assert found["axis.fast"] is Kind.FLAG
    assert found["axis.mixed"] is Kind.TEXT
    assert found["check.frozen"] is Kind.NUMBER
    assert found["check.size"] is Kind.FLAG
    values = {column.name: column.values for column in make_columns(report, "../h/")}
    assert values["axis.mixed"] == ("1", "x", None)
    assert values["check.frozen"] == (0.8, 0.0, None)
    assert values["check.size"] == (True, None, None)
    assert values["remarks"] == (("frozen",), (), ())
    assert values["preview"] == ("../h/previews/a.mp4", None, None)
    assert all(len(column) == 3 for column in values.values())


def test_csv_has_what_the_checks_measured(report):
    rows = list(csv.DictReader(io.StringIO(render_csv(report, "../h/"))))
    assert [row["check.frozen"] for row in rows] == ["0.8", "0.0", ""]
    assert [row["check.size"] for row in rows] == ["true", "", ""]
    assert [row["remarks"] for row in rows] == ["frozen", "", ""]
    assert rows[0]["preview"] == "../h/previews/a.mp4"


def test_parquet_is_read_back_with_its_types(report):
    content = render_parquet(report, "../h/")
    table = read_parquet(io.BytesIO(content)).read_all()
    assert table.column_names == [column.name for column in make_columns(report)]
    found = {name: table[name].to_pylist() for name in table.column_names}
    assert found["name"] == [job.name for job in report.jobs]
    assert found["state"] == ["done", "done", "failed"]
    assert found["spent"] == [job.cost.spent for job in report.jobs]
    assert isinstance(found["spent"][0], Decimal)
    at = report.jobs[0].timings.submitted_at
    assert found["submitted_at"][0] == datetime.fromtimestamp(at, UTC)
    assert found["tags"][1][1] == "two"
    assert found["axis.hour"] == ["dawn", HOSTILE.replace("\ud83d", "\\ud83d"), "dawn"]
    assert found["check.frozen"] == [0.8, 0.0, None]
    assert found["check.silence"] == [None, None, None]
    assert found["path"][0] == "../h/" + report.jobs[0].output.path
    assert found["has_audio"] == [True, True, None]


def test_an_empty_report_is_a_table_without_rows(report):
    content = render_parquet(replace(report, jobs=()))
    assert read_parquet(io.BytesIO(content)).read_all().num_rows == 0


def test_without_the_extra_it_is_said_before_anything_is_written(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "arro3.io", None)
    with pytest.raises(WanbatchError) as told:
        format_of(tmp_path / "x.parquet")
    assert told.value.exit_code == 2
    assert "pip install '.[parquet]'" in told.value.hints[0]
    assert format_of(tmp_path / "x.csv") == "csv"


def test_metadata_names_done_videos_with_equal_keys(report):
    jobs = exportable(report)
    assert [job.name for job in jobs] == [job.name for job in report.jobs[:2]]
    lines = [json.loads(line) for line in render_metadata(report, jobs, "harbor/").splitlines()]
    assert [line["file_name"] for line in lines] == [
        f"harbor/opening.hour-dawn.seed-{seed}.1f3a9c2e.mp4" for seed in (100, 101)
    ]
    assert next(iter(lines[0])) == "file_name"
    assert set(lines[0]) == set(lines[1])
    assert lines[0]["prompt"] == report.jobs[0].request["prompt"]
    assert (lines[0]["seed"], lines[0]["check.frozen"], lines[0]["remarks"]) == (
        100,
        0.8,
        ["frozen"],
    )
    assert not {"task_id", "spent", "backend", "path"} & set(lines[0])


def test_a_video_outside_its_folder_is_not_exported(report):
    output = report.jobs[0].output
    for path in ("../../secret.mp4", "/etc/passwd"):
        odd = replace(report.jobs[0], output=replace(output, path=path))
        assert exportable(replace(report, jobs=(odd,))) == ()
