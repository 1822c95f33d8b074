"""CSV and Markdown: complete, and inert in the programs that open them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from report import samples

from wanbatch.model.plan import JobState
from wanbatch.model.report import Check, Fault
from wanbatch.report.collect import collect
from wanbatch.report.formats.tables import (
    inert_cell,
    inert_text,
    render_csv,
    render_markdown,
    render_summary,
)


@pytest.fixture
def report():
    return collect(*samples.make_case(*JobState))


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_per_job_and_a_column_per_axis(report):
    found = rows(render_csv(report, "../harbor/"))
    assert [row["name"] for row in found] == [job.name for job in report.jobs]
    done = found[2]
    assert (
        done["state"],
        done["axis.hour"],
        done["axis.seed"],
        done["seed"],
        done["spent"],
        done["bytes"],
    ) == (
        "done",
        "dawn",
        "102",
        "102",
        "0.50",
        "2345678",
    )
    assert done["path"] == "../harbor/videos/opening.hour-dawn.seed-102.1f3a9c2e.mp4"
    assert (done["has_audio"], done["prompt_extend"], done["media"]) == (
        "true",
        "false",
        "first_frame=media/harbor.png",
    )
    assert (found[3]["error_code"], found[3]["path"]) == ("DataInspectionFailed", "")


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =cmd|' /C calc'!A0",
        "＝1",
        "＋1",
        "－1",
        "＠x",
    ],
)
def test_no_text_becomes_a_formula(report, text):
    assert inert_cell(text) == f"'{text}"
    odd = replace(
        report.jobs[0],
        request={**report.jobs[0].request, "prompt": text},
        tags=(text,),
        error=Fault(text, text),
        task_id=text,
    )
    row = rows(render_csv(replace(report, jobs=(odd,))))[0]
    assert all(
        row[column].startswith("'")
        for column in ("prompt", "tags", "error_code", "error_message", "task_id")
    )


@pytest.mark.parametrize("value", ["Harbour", "a=b", "1-2", "", 5, -1.5, None])
def test_other_cells_stay_as_they_are(value):
    assert inert_cell(value) == value


def test_markdown_shows_totals_steps_and_links(report):
    text = render_markdown(report, "harbor/")
    states = (
        "1 planned, 1 running, 1 failed, 1 blocked, 1 uncertain, 1 expired, 1 skipped, 1"
        " finished, 1 elsewhere"
    )
    assert text.startswith(
        f"# harbor\n\n1 of 10 jobs done, {states}, $2.00 spent, 2 min in this run.\n"
    )
    assert (
        "wanbatch resolve specs/harbor.wanbatch.yaml 'opening[hour=dawn,seed=105]' --adopt TASK_ID"
        in text
    )
    assert "[5.0 s, 1280 × 720](harbor/videos/opening.hour-dawn.seed-102.1f3a9c2e.mp4)" in text
    assert text.count("\n| opening") == 10


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script>",
        "a|b",
        "[x](javascript:1)",
        "line\nbreak | x",
        "`code`",
        "\u202egnp",
        "https://example.com",
    ],
)
def test_no_text_becomes_markup(text):
    shown = inert_text(text)
    assert "<" not in shown
    assert "\n" not in shown
    assert "\u202e" not in shown
    assert not any(shown[i] in "|[]`:" and shown[i - 1 : i] != "\\" for i in range(len(shown)))


def test_a_summary_is_cut_at_a_row_and_counts_the_rest(report):
    whole = render_summary(report, 100_000)
    assert whole == render_markdown(report, None)
    for most in range(0, len(whole.encode()) + 100, 97):
        text = render_summary(report, most)
        assert len(text.encode()) <= most
        rows = text.count("\n| opening")
        if text and text != whole:
            assert text.endswith(f"\nand {10 - rows} more job{'' if rows == 9 else 's'}\n")
    assert not render_summary(report, 200)


def test_markdown_names_the_checks_that_found_something(report):
    odd = replace(
        report.jobs[2], checks=(Check("frozen", passed=False, message="0.8 s", value=0.8),)
    )
    text = render_markdown(replace(report, jobs=(odd,)))
    assert "1280 × 720](videos/opening.hour-dawn.seed-102.1f3a9c2e.mp4) (frozen) |" in text
