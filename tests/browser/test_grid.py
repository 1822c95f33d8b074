"""The report's grid in a real browser: where jobs stand, what is painted, the address,
the keys, and whether small videos play in step."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from report import samples

from wanbatch.model.lifecycle import State
from wanbatch.model.plan import JobState as J
from wanbatch.model.report import Check, Report, ReportJob
from wanbatch.report.collect import collect
from wanbatch.report.formats.render import render
from wanbatch.videos.stills import make_poster

HOURS, LENSES, SEEDS = ("dawn", "dusk"), ("35mm", "50mm"), (100, 101, 102)
ABSENT = ("dusk", "50mm", 102)
FAILED = ("dawn", "50mm", 101)
BROKEN = ("dawn", "35mm", 102)
"""A file that is no video, under a poster."""


def name_of(hour, lens, seed):
    return f"opening[hour={hour},lens={lens},seed={seed}]"


def make_report(root: Path) -> Report:
    cells = [cell for cell in itertools.product(HOURS, LENSES, SEEDS) if cell != ABSENT]
    entries = []
    for number, cell in enumerate(cells, start=1):
        request = samples.make_request(seed=cell[2])
        job = samples.make_job(name_of(*cell), request=request)
        state = J.FAILED if cell == FAILED else J.DONE
        facts = {"error_code": "Refused", "error_message": "No."} if cell == FAILED else {}
        kind = State.REMOTE_FAILED if cell == FAILED else State.STORED
        attempt = samples.make_attempt(number, job.name, kind, **facts)
        entries.append(samples.make_planned(job, state, (attempt,), request))
    manifest = samples.make_manifest([entry.job for entry in entries])
    report = collect(manifest, samples.make_plan(entries), samples.make_snapshot(entries), None)
    return replace(report, jobs=tuple(made(job, at, root) for at, job in enumerate(report.jobs)))


def made(job: ReportJob, at: int, root: Path) -> ReportJob:
    """The job with its video, poster, preview and checks."""
    if job.output is None:
        return job
    video, preview = root / job.output.path, root / f"previews/{at}.mp4"
    samples.write_video(video, hue=at)
    preview.parent.mkdir(exist_ok=True)
    shutil.copy(video, preview)
    poster = root / f"posters/{at}.webp"
    poster.parent.mkdir(exist_ok=True)
    make_poster(video, poster)
    if job.name == name_of(*BROKEN):
        video.write_bytes(b"no video")
        preview.write_bytes(b"no video")
    output = replace(job.output, seconds=2.0, width=320, height=176, fps=12.0)
    checks = (
        Check("motion", passed=at != 3, message="", value=float(at)),
        Check("decodes", passed=at != 4, message=""),
    )
    return replace(
        job, output=output, poster=f"posters/{at}.webp", preview=f"previews/{at}.mp4", checks=checks
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("grid") / "harbor"
    root.mkdir()
    (root / "report.html").write_text(render(make_report(root), "html"), encoding="utf-8")
    return root


def heads(page, where):
    return page.locator(f".matrix {where}").all_inner_texts()


def cells(page):
    """What stands in each cell, row by row."""
    return page.locator(".matrix tbody tr").evaluate_all(
        "rows => rows.map(r => [...r.querySelectorAll('td')].map(td =>"
        " td.querySelector('.tile')?.dataset.key ?? td.innerText))"
    )


def options_of(page):
    return page.evaluate("() => Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")


def clock(page):
    return json.loads(page.locator(".transport").get_attribute("data-clock") or "{}")


def choose(page, label, value):
    page.get_by_label(label, exact=True).select_option(value)


def test_jobs_stand_by_their_axes_and_the_address_keeps_how(visit, folder):
    page = visit(folder, "#show=grid")
    assert heads(page, "thead th[scope=col]") == ["100", "101", "102"]
    assert heads(page, "tbody th") == ["dawn", "dusk"]
    seen = [[name_of(hour, "35mm", seed) for seed in SEEDS] for hour in HOURS]
    assert cells(page) == seen, "the third axis is a selector, at its first value"
    page.wait_for_function(
        "() => [...document.querySelectorAll('.matrix .stage')].every(s =>"
        " s.querySelector('img').naturalWidth > 100 && s.offsetHeight > 100)"
    )

    page.locator(".matrix .stage").first.focus()
    page.keyboard.press("x")
    rejected = page.locator(f'[data-key="{name_of("dawn", "35mm", 100)}"].reject')
    assert "rejected" in rejected.locator(".mark").inner_text()
    page.keyboard.press("x")
    assert rejected.count() == 0

    choose(page, "lens", "50mm")
    expected = [[name_of(hour, "50mm", seed) for seed in SEEDS] for hour in HOURS]
    expected[1][2] = "no job"
    assert cells(page) == expected
    failed = page.locator(f'[data-key="{name_of(*FAILED)}"]')
    assert "Failed" in failed.inner_text()
    page.locator("#find").fill("seed=100")
    assert cells(page) == [[row[0], "filtered out", "filtered out"] for row in expected[:1]] + [
        [expected[1][0], "filtered out", "no job"]
    ]
    page.locator("#find").fill("")

    choose(page, "Columns", "hour")
    assert heads(page, "thead th[scope=col]") == ["dawn", "dusk"]
    assert heads(page, "tbody th") == ["100", "101", "102"], "the two have changed places"
    choose(page, "Over the columns", "lens")
    assert heads(page, "thead th[scope=colgroup]") == ["35mm", "50mm"]
    assert cells(page)[0] == [name_of(hour, lens, 100) for lens in LENSES for hour in HOURS]
    kept = cells(page)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert cells(page) == kept
    choose(page, "Over the columns", "-")
    choose(page, "lens", "\0")
    stacked = page.locator(".matrix td").first.locator(".tile")
    assert stacked.count() == 2, "all values of a selector stand in one cell"
    choose(page, "Beside the rows", "lens")
    assert heads(page, "tbody th.outer") == ["35mm", "50mm"]
    assert options_of(page)["srows"] == "lens"


def test_heads_stick_while_the_grid_scrolls_both_ways(visit, folder):
    address = "#show=grid&cols=seed&rows=lens&srows=hour&tile=l"
    page = visit(folder, address, viewport={"width": 390, "height": 700})
    page.wait_for_function(
        "() => getComputedStyle(document.querySelector('.matrix')).getPropertyValue('--tile') !== ''"
    )
    where = """() => ['thead th[scope=col]', 'tbody th.outer', 'tbody th[scope=row]', '.corner'].map(s => {
        const matrix = document.querySelector('.matrix');
        const [a, b] = [matrix.querySelector(s), matrix]
            .map(n => n.getBoundingClientRect());
        return [Math.round(a.left - b.left), Math.round(a.top - b.top)];
    })"""
    before = page.evaluate(where)
    page.evaluate("() => document.querySelector('.matrix').scrollTo(200, 60)")
    after = page.evaluate(where)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    assert after[0][1] == before[0][1], "the head of a column, up and down"
    assert after[0][0] == before[0][0] - 200
    assert (after[1][0], after[2][0]) == (before[1][0], before[2][0]), "the heads of a row"
    assert after[2][1] == before[2][1] - 60
    assert after[3] == before[3]


def test_checks_are_painted_as_outline_or_heat(visit, folder):
    page = visit(folder, "#show=grid")
    first, last = name_of("dawn", "35mm", 100), name_of("dusk", "35mm", 102)

    def painted(key, what):
        return page.evaluate(
            "([key, what]) => getComputedStyle([...document.querySelectorAll('.tile')].find(t =>"
            " t.dataset.key === key).querySelector('.stage'), '::after')[what]",
            [key, what],
        )

    page.locator(".choices .menu summary").click()
    page.get_by_label("motion").check()
    assert options_of(page)["paint"] == "motion"
    assert "motion 0" in page.locator(".legend").inner_text()
    assert painted(first, "boxShadow") != painted(last, "boxShadow")
    page.get_by_label("decodes").check()
    assert painted(first, "boxShadow").count("inset") == 2
    assert "not passed" in page.locator(".legend").inner_text()
    choose(page, "As", "heat")
    assert "gradient" in painted(first, "backgroundImage")
    assert painted(first, "boxShadow") == "none"
    values = page.locator(f'[data-key="{first}"] .values').inner_text()
    assert values.split("\n") == ["motion 0", "decodes passed"]
    choose(page, "lens", "50mm")
    missed = page.locator(".tile .values .miss").all_inner_texts()
    assert missed == ["motion 3"]
    page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    assert not page.locator(".choices .menu").evaluate("menu => menu.open")


DRIFTS = """() => {
    const clock = JSON.parse(document.querySelector('.transport').dataset.clock);
    const at = (clock.position + (performance.now() - clock.at) / 1000) % clock.length;
    return [...document.querySelectorAll('.matrix video')].map(v => {
        const apart = v.currentTime - at;
        return apart - clock.length * Math.round(apart / clock.length);
    });
}"""


def is_running(page):
    page.wait_for_function(
        "() => JSON.parse(document.querySelector('.transport').dataset.clock ?? '{}').isPlaying"
    )


def test_what_is_in_view_plays_in_step(visit, folder):
    page = visit(folder, "#show=grid")
    assert page.locator(".matrix video").count() == 0, "posters first"
    page.get_by_label("Play all in view").click()
    is_running(page)
    videos = page.locator(".matrix video")
    assert videos.count() == 5
    sources = videos.evaluate_all("all => all.map(v => v.src)")
    assert all("/previews/" in source for source in sources), "more than four: previews"
    broken = page.locator(f'[data-key="{name_of(*BROKEN)}"]')
    assert broken.inner_text() == "This video cannot be played here"
    assert broken.locator("img").is_visible()
    label = broken.locator(".stage").get_attribute("aria-label") or ""
    assert label.endswith("This video cannot be played here")
    page.wait_for_timeout(1500)
    drifts = sorted(abs(drift) for _ in range(20) for drift in steady(page))
    assert drifts[len(drifts) // 2] < 0.04, drifts
    assert drifts[-5] < 0.25, drifts

    # One that lags far behind jumps, one that runs slower is hurried.
    videos.nth(0).evaluate("v => { v.currentTime = (v.currentTime + 1) % 2 }")
    videos.nth(1).evaluate("v => { v.currentTime -= 0.15; v.playbackRate = 0.5 }")
    page.wait_for_timeout(2500)
    drifts = sorted(abs(drift) for _ in range(10) for drift in steady(page)[:2])
    assert drifts[10] < 0.04, drifts

    page.keyboard.press("Space")
    stand_at(page, clock(page)["position"])
    page.get_by_label("Place").fill("1.0")
    stand_at(page, 1.0)
    page.keyboard.press(".")
    stand_at(page, 1.0 + 1.5 / 12)

    # An offset of one cell, the sound of one: that one plays the original.
    page.locator(".matrix .stage").nth(1).focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    stand_at(page, 1.0 + 3.5 / 12, videos=[1])
    stand_at(page, 1.0 + 1.5 / 12, videos=[0, 2, 3, 4])
    assert "+0.17 s" in page.locator(".matrix .tile").nth(1).inner_text()
    page.keyboard.press("m")
    unmuted = videos.evaluate_all("all => all.filter(v => !v.muted).map(v => v.src)")
    assert len(unmuted) == 1
    assert "/videos/" in unmuted[0]
    page.keyboard.press("Escape")
    assert videos.count() == 0


def stand_at(page, place, videos=(0, 1, 2, 3, 4)):
    """Waits until these stand in the frame at ``place``."""
    page.wait_for_function(
        "([place, which]) => [...document.querySelectorAll('.matrix video')].every((v, at) =>"
        " !which.includes(at) || (v.paused && !v.seeking && Math.abs(v.currentTime - place) <"
        " 0.005))",
        arg=[place, list(videos)],
    )


def steady(page):
    page.wait_for_timeout(50)
    drifts: list[float] = page.evaluate(DRIFTS)
    return drifts


def test_the_keys_walk_play_and_open(visit, folder):
    page = visit(folder, "#show=grid&at=lens%3D50mm")
    page.locator("body").press("ArrowRight")
    focused = "() => document.activeElement.closest('[data-key]')?.dataset.key"
    assert page.evaluate(focused) == name_of("dawn", "50mm", 100)
    page.keyboard.press("End")
    assert page.evaluate(focused) == name_of("dawn", "50mm", 102)
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == name_of("dawn", "50mm", 102), "below is no job"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == name_of("dusk", "50mm", 100)
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert options_of(page)["job"] == name_of("dusk", "50mm", 100)
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('#job').open")
    assert page.evaluate(focused) == name_of("dusk", "50mm", 100)
    page.keyboard.press("l")
    page.keyboard.press("<")
    options = options_of(page)
    assert (options["loop"], options["speed"]) == ("off", "0.5")
    assert (clock(page)["loops"], clock(page)["speed"]) == (False, 0.5)
    page.keyboard.press(">")
    page.keyboard.press(">")
    page.keyboard.press(">")
    page.keyboard.press("Space")
    is_running(page)
    page.wait_for_function(
        "() => !JSON.parse(document.querySelector('.transport').dataset.clock).isPlaying"
    )
    assert clock(page)["position"] > 1.9, "it stands at its end"


def test_an_axis_cycles_but_not_for_those_who_want_stillness(visit, folder):
    address = "#show=grid&cycle=lens%3D0.5"
    page = visit(folder, address)
    for lens in ("50mm", "35mm", "50mm"):
        page.wait_for_function(
            "lens => document.querySelector('[aria-label=lens]').value === lens &&"
            " document.querySelector('.matrix .tile').dataset.key.includes(lens)",
            arg=lens,
        )
    still = visit(folder, address, reduced_motion="reduce")
    still.wait_for_timeout(900)
    assert still.locator(f'.matrix [data-key="{name_of("dawn", "35mm", 100)}"]').count() == 1
    assert still.locator("video").count() == 0
