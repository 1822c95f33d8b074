"""The charts of the overview: geometry, numbers as text, and what they make of
no job, one job, five thousand jobs and hostile names."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from expecting import expect
from report import samples

from wanbatch.model.plan import JobState as J
from wanbatch.model.report import Cost, Report, ReportAttempt, ReportJob, Timings
from wanbatch.report.charts import latency, scale, spend, timeline
from wanbatch.report.charts.latency import latency_of
from wanbatch.report.charts.spend import spend_of
from wanbatch.report.charts.timeline import timeline_of
from wanbatch.report.collect import collect
from wanbatch.report.formats.render import render

START = samples.START
HOSTILE = "</svg><script>x</script>\"'&\u202e\x07" + 300 * "<"


def attempt(number: int, times: tuple[float, float, float], queue_s: float = 0.0) -> ReportAttempt:
    """Submitted, finished and stored at so many seconds of the run."""
    submitted, finished, stored = (START + seconds for seconds in times)
    shown = collect(*samples.make_case(J.DONE)).jobs[0].attempts[0]
    timings = Timings(
        submitted_at=submitted,
        accepted_at=submitted + 0.5,
        finished_at=finished,
        stored_at=stored,
        queue_s=queue_s,
        submit_s=0.5,
        generation_s=finished - submitted - 0.5,
        download_s=stored - finished,
    )
    return replace(shown, id=number, timings=timings)


def report_of(*jobs: ReportJob, **changes: object) -> Report:
    report = collect(*samples.make_case(J.DONE))
    return replace(report, jobs=jobs, **changes)  # type: ignore[arg-type]


def job(number: int, spent: str = "0.50", **axes: object) -> ReportJob:
    """Submitted after ``number`` seconds, made in 40, downloaded in two."""
    shown = collect(*samples.make_case(J.DONE)).jobs[0]
    made = attempt(number, (number, number + 40, number + 42), queue_s=number)
    return replace(
        shown,
        name=f"opening[{number}]",
        task_id=f"task_{number}",
        axes=tuple(axes.items()),  # type: ignore[arg-type]
        attempts=(made,),
        timings=made.timings,
        cost=Cost(Decimal(spent), Decimal(0), "USD"),
    )


def slow(number: int, seconds: float) -> ReportJob:
    entry = job(number)
    return replace(entry, timings=replace(entry.timings, generation_s=seconds))


def charts_of(report: Report) -> str:
    page = render(report, "html")
    return page[page.find('<section class="charts"') : page.index('<p class="facts">')]


# -- scales ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "most", "step"),
    [(0.3, 4, 0.1), (9, 4, 5), (61, 4, 30), (3600, 4, 900), (5e6, 4, 15 * 86_400), (0, 4, 0.1)],
)
def test_steps_are_round(span, most, step):
    assert scale.step_for(span, most) == step


def test_marks_stay_inside_of_the_chart():
    marks = scale.time_marks(0, 120, 4)
    assert [(m.at, m.text, m.anchor) for m in marks] == [
        (0.0, "0", "start"),
        (25.0, "30 s", "middle"),
        (50.0, "1 min", "middle"),
        (75.0, "1 min 30 s", "middle"),
        (100.0, "2 min", "end"),
    ]
    assert scale.time_marks(5, 5, 4) == ()


def test_percentiles_lie_between_neighbours():
    assert scale.percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.5
    assert scale.percentile([7.0], 0.95) == 7.0
    assert scale.percentile([float(n) for n in range(101)], 0.95) == 95.0


def test_a_long_name_keeps_both_ends_and_no_mark_that_turns_it():
    name = scale.short_name("a" * 90 + "\u202e" + "z" * 9)
    assert len(name) == scale.LONGEST_NAME
    assert name.startswith("aaa")
    assert name.endswith("\\u202e" + "z" * 9)


# -- time per video --------------------------------------------------------------------


def test_bins_have_every_video_and_the_percentiles_their_places():
    found = expect(latency.Latency, latency_of(report_of(*(slow(n, 30 + n) for n in range(21)))))
    assert found.count == sum(b.count for b in found.bins) == 21
    assert (found.p50_s, found.p95_s, found.fastest_s, found.slowest_s) == (40, 49, 30, 50)
    assert found.p50.text == "p50 40 s"
    low, high = found.bins[0].low_s, found.bins[-1].high_s
    assert found.p50.at == pytest.approx(100 * (40 - low) / (high - low), abs=0.01)
    assert found.p95.anchor == "end"
    assert max(b.height for b in found.bins) == latency.HEIGHT
    for one, other in zip(found.bins, found.bins[1:], strict=False):
        assert one.high_s == other.low_s
        assert one.x + one.width == pytest.approx(other.x, abs=0.02)
    assert found.bins[-1].x + found.bins[-1].width == pytest.approx(100, abs=0.02)


def test_a_task_that_two_jobs_share_counts_once_and_one_video_has_no_distribution():
    one, other = slow(1, 30), slow(2, 40)
    twin = replace(one, name="twin")
    assert expect(latency.Latency, latency_of(report_of(one, twin, other))).count == 2
    assert latency_of(report_of(one, twin)) is None
    assert latency_of(report_of(one, replace(other, output=None))) is None


def test_equal_times_and_far_outliers_make_bins_too():
    even = expect(latency.Latency, latency_of(report_of(slow(1, 30), slow(2, 30))))
    assert [b.count for b in even.bins] == [2]
    far = expect(latency.Latency, latency_of(report_of(slow(1, 3), slow(2, 200_000))))
    assert len(far.bins) <= latency.MOST_BINS
    assert far.bins[0].count == far.bins[-1].count == 1


# -- timeline --------------------------------------------------------------------------


def test_a_row_has_what_its_job_waited_generated_and_downloaded():
    found = expect(timeline.Timeline, timeline_of(report_of(job(58), job(10))))
    assert [row.name for row in found.rows] == ["opening[10]", "opening[58]"]
    assert [(r.waiting_s, r.generating_s, r.downloading_s) for r in found.rows] == [
        (10, 40, 2),
        (58, 40, 2),
    ]
    assert found.seconds == 100
    assert found.generating == "M100 1h400v8h-400zM580 11h400v8h-400z"
    assert found.downloading == "M500 1h20v8h-20zM980 11h20v8h-20z"
    assert (found.count, found.others) == (2, 0)


def test_what_other_runs_made_is_left_out_and_told():
    old = replace(attempt(7, (-5000, -4950, -4940)), run_id="older")
    found = expect(
        timeline.Timeline,
        timeline_of(report_of(job(1), replace(job(2), attempts=(old,)))),
    )
    assert (found.count, found.others) == (1, 1)
    brought_on = replace(attempt(7, (-100, 30, 40)), run_id="older")
    found = expect(
        timeline.Timeline, timeline_of(report_of(replace(job(2), attempts=(brought_on,))))
    )
    assert [(r.waiting_s, r.generating_s) for r in found.rows] == [(0, 30)], "cut to the run"


def test_a_tried_again_job_is_one_row_and_shared_attempts_one_job():
    first, second = attempt(1, (0, 20, 21)), attempt(2, (30, 60, 62), queue_s=10)
    again = replace(job(1), attempts=(first, second))
    found = expect(timeline.Timeline, timeline_of(report_of(again, replace(again, name="twin"))))
    assert [(r.name, r.generating_s) for r in found.rows] == [("opening[1]", 50)]
    assert found.others == 0


def test_of_very_many_jobs_every_nth_is_drawn():
    found = expect(timeline.Timeline, timeline_of(report_of(*map(job, range(1001)))))
    assert found.count == 1001
    assert timeline.MOST_ROWS / 2 < len(found.rows) <= timeline.MOST_ROWS
    assert found.rows[1].name == "opening[6]"


def test_without_a_run_or_work_there_is_no_timeline():
    assert timeline_of(report_of(job(1), run=None)) is None
    assert timeline_of(collect(*samples.make_case(J.PLANNED))) is None


# -- spend -----------------------------------------------------------------------------


def test_each_axis_with_more_than_one_value_adds_up_to_the_same():
    jobs = [
        job(1, "0.50", hour="dawn", lens="35mm", size="720P"),
        job(2, "0.50", hour="dusk", lens="85mm", size="720P"),
        job(3, "1.00", hour="dusk", lens="35mm", size="720P"),
    ]
    jobs[0] = replace(jobs[0], cost=Cost(Decimal("0.50"), Decimal("0.25"), "USD"))
    found = expect(spend.Spend, spend_of(report_of(*jobs)))
    assert [group.axis for group in found.groups] == ["hour", "lens"]
    assert [(b.label, b.jobs, str(b.spent), str(b.held)) for b in found.groups[0].bars] == [
        ("dawn", 1, "0.50", "0.25"),
        ("dusk", 2, "1.50", "0"),
    ]
    assert {sum(bar.spent for bar in group.bars) for group in found.groups} == {Decimal("2.00")}
    assert (found.groups[0].bars[1].width, found.groups[1].bars[0].held_width) == (85.71, 14.29)


def test_of_many_values_the_dearest_stand_alone():
    jobs = [job(n, f"0.{n:02}", hour=f"h{n}", take=n % 2) for n in range(1, 21)]
    found = expect(spend.Spend, spend_of(report_of(*jobs)))
    assert [group.axis for group in found.groups] == ["take", "hour"], "one value a job: last"
    assert [bar.label for bar in found.groups[1].bars] == ["h17", "h18", "h19", "h20", "16 others"]
    assert sum(bar.spent for bar in found.groups[1].bars) == Decimal("2.10")


def test_what_finds_no_room_is_counted_and_nothing_paid_is_no_chart():
    jobs = [job(n, a=n % 5, b=n % 4, c=n % 3) for n in range(60)]
    found = expect(spend.Spend, spend_of(report_of(*jobs)))
    assert [group.axis for group in found.groups] == ["a", "c"]
    assert found.left_out == 1
    assert spend_of(report_of(*jobs, realm="emulator")) is None
    assert spend_of(report_of(job(1), job(2))) is None, "one bar"
    assert spend_of(report_of(*(replace(j, cost=Cost(None, None)) for j in jobs))) is None
    ids = [replace(job(1), id="opening"), replace(job(2), id="closing")]
    found = expect(spend.Spend, spend_of(report_of(*ids)))
    assert [bar.label for bar in found.groups[0].bars] == ["opening", "closing"]


# -- on the page -----------------------------------------------------------------------


def test_every_chart_is_drawn_and_says_its_numbers_as_text():
    jobs = [
        job(0, "0.50", hour="dawn"),
        replace(slow(60, 59.5), axes=(("hour", "dusk"),)),
    ]
    text = charts_of(report_of(*jobs))
    words = re.sub(r"<[^>]+>|\s+", " ", text)
    for wanted in ("p50 50 s", "p95 59 s", "2 jobs in 1 min 42 s", "dawn", "dusk", "$0.50"):
        assert wanted in words
    tables = re.findall(r"<tbody>.*?</tbody>", text, re.S)
    assert len(tables) == text.count('<svg width="100%" height="134"') + 2 == 3
    rows = re.findall(r"<tr>(.*?)</tr>", tables[1], re.S)
    assert [re.findall(r">([^<>]+)</", row) for row in rows] == [
        ["opening[0]", "0.0 s", "40 s", "2.0 s"],
        ["opening[60]", "1 min", "40 s", "2.0 s"],
    ]
    assert text.count('role="img" aria-label="') == 3
    assert "style=" not in text, "the policy allows no style in an attribute"
    ET.fromstring(text.replace("&nbsp;", ""))


def test_an_empty_report_and_one_video_have_no_chart_that_says_nothing():
    assert charts_of(collect(*samples.make_case())) == ""
    assert charts_of(collect(*samples.make_case(J.PLANNED))) == ""
    one = charts_of(collect(*samples.make_case(J.DONE)))
    assert "Timeline" in one
    assert "Time per video" not in one


def test_hostile_names_and_values_stay_text_and_charts_small():
    jobs = [
        replace(
            job(n % 90, hour=f"{HOSTILE}{n % 7}", lens=n % 2), name=f"{HOSTILE}{n}", task_id=f"t{n}"
        )
        for n in range(1, 5000)
    ]
    jobs = [
        replace(entry, attempts=(replace(entry.attempts[0], id=n),)) for n, entry in enumerate(jobs)
    ]
    text = charts_of(report_of(*jobs))
    assert "<script" not in text
    assert "\u202e" not in text
    ET.fromstring(text)
    assert "of them drawn" in text
    assert len(text) < 120_000, "every letter of a name escaped"
    plain = charts_of(
        report_of(*(replace(entry, name=f"opening[seed={n}]") for n, entry in enumerate(jobs)))
    )
    assert len(plain) < 60_000


def test_states_money_and_limit_stand_at_the_top():
    manifest, plan, snapshot, run = samples.make_case(J.DONE, J.FAILED, J.BLOCKED, J.UNCERTAIN)
    manifest = replace(manifest, run=replace(manifest.run, max_cost=Decimal("7.5")))
    page = render(collect(manifest, plan, snapshot, run), "html")
    figures = dict(re.findall(r'<div class="figure"><dt>(.*?)</dt><dd>(.*?)(?:<small|</dd>)', page))
    assert figures | {"done": "1 of 4", "failed": "1", "blocked": "1", "uncertain": "1"} == figures
    assert figures["limit of a run"] == "$7.50"
