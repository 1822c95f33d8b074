"""Two reports side by side: what stands where, in which words, and the page of both."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from report import samples

from wanbatch.model.lock import Lock, LockedOutput, LockEntry
from wanbatch.model.plan import JobState
from wanbatch.model.report import Check, Cost, Fault
from wanbatch.report.collect import collect
from wanbatch.report.compare import Standing, compare, merge, report_of_lock
from wanbatch.report.formats.comparison import (
    MOST_CHARACTERS,
    render_json,
    render_markdown,
    render_text,
)
from wanbatch.report.formats.json import report_document
from wanbatch.report.formats.page import render_page

SIDES = ("old/harbor", "new/harbor")


@pytest.fixture
def report():
    return collect(*samples.make_case(*[JobState.DONE] * 3, JobState.FAILED))


def changed(report, number, **changes):
    jobs = list(report.jobs)
    jobs[number] = replace(jobs[number], **changes)
    return replace(report, jobs=tuple(jobs))


def asking(report, number, **fields):
    """The report whose job asked for something else, and got another video."""
    job = report.jobs[number]
    return changed(
        report,
        number,
        fingerprint="wb1:" + samples.sha(str(fields)),
        request={**job.request, **fields},
        output=replace(job.output, sha256=samples.sha(f"video {fields}")),
    )


def told(a, b, **more):
    return render_text(SIDES, compare(a, b), **more)


def test_the_same_is_identical(report):
    assert told(report, report) == "A  old/harbor\nB  new/harbor\n4 identical\n"
    assert told(report, report, all_jobs=True).count("\n  identical  opening") == 4


def test_what_was_asked_otherwise_is_told_field_by_field(report):
    media = [{"type": "last_frame", "source": "media/door.png", "sha256": None}]
    later = asking(report, 0, prompt="Harbour at dusk, 35mm film, soft light", seed=7, media=media)
    sha = [samples.sha("video opening[hour=dawn,seed=100]")[:8], later.jobs[0].output.sha256[:8]]
    assert told(report, later) == (
        "A  old/harbor\n"
        "B  new/harbor\n"
        "  changed    opening[hour=dawn,seed=100]\n"
        "               prompt: Harbour at [-dawn,-] {+dusk,+} 35mm film, soft light\n"
        "               last_frame: none → media/door.png\n"
        "               first_frame: media/harbor.png → none\n"
        "               seed: 100 → 7\n"
        f"               video: 5.0 s, 1280 × 720 ({sha[0]}) → 5.0 s, 1280 × 720 ({sha[1]})\n"
        "1 changed, 3 identical\n"
    )


def test_media_count_by_their_bytes(report):
    (media,) = report.jobs[0].request["media"]
    moved = asking(report, 0, media=[{**media, "source": "elsewhere.png"}])
    names = [c.field for c in compare(report, moved).jobs[0].differences]
    assert names == ["identity", "video"], "another name of the same bytes is no change"
    other = asking(report, 0, media=[{**media, "sha256": "0" * 64}])
    assert compare(report, other).jobs[0].differences[0].field == "first_frame"


def test_the_same_request_with_another_video_and_another_state(report):
    job = report.jobs[0]
    again = changed(report, 0, output=replace(job.output, sha256="0" * 64, seconds=4.5))
    assert [c.field for c in compare(report, again).jobs[0].differences] == ["video"]
    failed = changed(report, 1, state=JobState.FAILED, output=None, error=Fault("quota", "no more"))
    assert "               state: Done → Failed\n               video: 5.0 s, 1280" in told(
        report, failed
    )
    other = changed(report, 3, error=Fault("other", "words"))
    assert "error: DataInspectionFailed: Input" in told(report, other)


def test_a_rule_of_identity_alone_changes_nothing(report):
    job = report.jobs[0]
    newer = changed(report, 0, fingerprint=job.fingerprint.replace("wb1:", "wb2:"))
    assert compare(report, newer).jobs[0].standing is Standing.IDENTICAL
    other = changed(report, 0, fingerprint="wb1:" + "0" * 64)
    assert "identity: something that the request does not show" in told(report, other)


def test_a_verdict_that_turned_is_a_change_and_a_new_check_is_none(report):
    good = Check("frozen", passed=True, message="moves")
    bad = Check("frozen", passed=False, message="0.8 s", value=0.8)
    before = changed(report, 0, checks=(good,))
    after = changed(report, 0, checks=(bad, Check("cut", passed=False, message="at 1 s")))
    assert "check frozen: passed (moves) → remarked (0.8 s)\n1 changed" in told(before, after)


def test_new_gone_and_renamed(report):
    renamed = changed(report, 1, name="opening[hour=noon,seed=101]")
    later = replace(renamed, jobs=renamed.jobs[1:])
    assert told(report, later) == (
        "A  old/harbor\n"
        "B  new/harbor\n"
        "  new        opening[hour=noon,seed=101]  (the same request as"
        " opening[hour=dawn,seed=101])\n"
        "  gone       opening[hour=dawn,seed=100]\n"
        "  gone       opening[hour=dawn,seed=101]  (the same request as"
        " opening[hour=noon,seed=101])\n"
        "1 new, 2 gone, 2 identical\n"
    )


def test_json_has_every_job_and_whole_values(report):
    later = asking(report, 2, prompt="x" * 3000)
    document = json.loads(render_json(SIDES, compare(report, later)))
    assert (document["a"], document["b"]) == SIDES
    assert document["totals"] == {"new": 0, "gone": 0, "changed": 1, "identical": 3}
    (change, *_) = document["jobs"][2]["changes"]
    assert change == {
        "field": "prompt",
        "words": f"[-{report.jobs[2].request['prompt']}-] {{+{'x' * 3000}+}}",
        "before": report.jobs[2].request["prompt"],
        "after": "x" * 3000,
    }


def test_markdown_is_a_table_within_the_limit_of_a_comment(report):
    later = asking(report, 0, seed=7)
    text = render_markdown(SIDES, compare(report, later))
    assert text.startswith("**old/harbor** → **new/harbor**: 1 changed, 3 identical.\n\n| job |")
    assert r"| opening\[hour=dawn,seed=100\] | changed | seed\: 100 → 7<br>video" in text
    assert render_markdown(SIDES, compare(report, report)).count("\n") == 1
    many = replace(
        report,
        jobs=tuple(replace(report.jobs[0], name=f"j{i}[x={'y' * 60}]") for i in range(5000)),
    )
    cut = render_markdown(SIDES, compare(report, many))
    assert len(cut) <= MOST_CHARACTERS
    rows = cut.count("| new |")
    assert cut.endswith(f"\nand {5004 - rows} more\n")


HOSTILE = "\x1b[31m\u202e<script>alert(1)</script> | ` \n| x | y |\n</td>"


def test_hostile_texts_stay_texts(report):
    later = asking(
        changed(report, 1, name=HOSTILE, error=Fault(HOSTILE, HOSTILE)), 0, prompt=HOSTILE
    )
    text = render_text((HOSTILE, HOSTILE), compare(report, later))
    assert "\x1b" not in text
    assert "\u202e" not in text
    markdown = render_markdown((HOSTILE, "b"), compare(report, later))
    assert "<script" not in markdown
    assert "\n| x" not in markdown
    assert markdown.count("<br>") == 1
    page = render_page(both := merge(report, later, ("", "../b/")), report_document(both))
    assert "<script>alert" not in page


# -- the page of both ------------------------------------------------------------------


def test_one_report_of_both_has_an_axis_and_leads_to_both_folders(report):
    posters = changed(report, 0, poster="posters/a.webp", preview="previews/a.mp4")
    fewer = replace(posters, jobs=posters.jobs[:2])
    both = merge(posters, fewer, ("", "../new/harbor/"))
    assert [job.name for job in both.jobs[:3]] == [
        "opening[run=A,hour=dawn,seed=100]",
        "opening[run=B,hour=dawn,seed=100]",
        "opening[run=A,hour=dawn,seed=101]",
    ]
    assert len({job.name for job in both.jobs}) == len(both.jobs) == 6
    first, second = both.jobs[:2]
    assert first.axes[0] == ("run", "A")
    assert (first.poster, second.poster) == ("posters/a.webp", "../new/harbor/posters/a.webp")
    assert second.preview == "../new/harbor/previews/a.mp4"
    assert second.output is not None
    assert second.output.path.startswith("../new/harbor/videos/")
    assert both.totals.done == 6
    assert both.totals.cost.spent == report.totals.cost.spent * 2
    yen = replace(report, totals=replace(report.totals, cost=Cost(currency="CNY")))
    assert merge(report, yen, ("", "")).totals.cost.spent is None


def test_an_axis_that_is_called_run_keeps_its_name(report):
    named = changed(report, 0, axes=(("run", "x"),))
    axes = merge(named, named, ("", "")).jobs[0].axes
    assert axes == (("side", "A"), ("run", "x"), ("name", "opening[hour=dawn,seed=100]"))


def test_the_page_opens_in_the_view_and_gives_no_commands(report):
    both = merge(report, report, ("", ""))
    page = render_page(both, report_document(both), opening="show=grid&cols=run")
    assert r'"opening":"show=grid\u0026cols=run"' in page
    assert '"advice":[]' in page
    assert '"again":""' in page
    alone = render_page(report, report_document(report))
    assert '"advice":[]' not in alone
    assert '"again":""' not in alone


# -- locks -----------------------------------------------------------------------------


def locked(report):
    return Lock(
        "ledger",
        {
            job.name: LockEntry(
                job.fingerprint,
                job.state.value,
                job.request,
                task_id=job.task_id or "",
                output=job.output
                and LockedOutput(
                    job.output.sha256,
                    job.output.bytes,
                    job.output.seconds,
                    job.output.width,
                    job.output.height,
                ),
            )
            for job in report.jobs
        },
    )


def test_a_lock_stands_for_the_report_it_was_written_from(report):
    report = replace(report, jobs=report.jobs[:3])  # a lock keeps no error's words
    lock = report_of_lock(locked(report), "harbor")
    assert {job.standing for job in compare(lock, report).jobs} == {Standing.IDENTICAL}
    assert lock.jobs[0].axes == (("hour", "dawn"), ("seed", "100"))
    assert lock.totals.done == 3
    later = asking(report, 0, seed=7)
    assert compare(lock, later).count(Standing.CHANGED) == 1
    assert merge(lock, report, ("", "")).jobs[0].output is None, "a lock has no videos"
