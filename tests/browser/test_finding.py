"""Finding in the report's page: the query and its pills, the order, the gallery's
sizes, the table; with the keyboard, on paper, and as axe sees it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from report import samples

from wanbatch.model.plan import JobState as J
from wanbatch.model.report import Check
from wanbatch.report.collect import collect
from wanbatch.report.write import write_report

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
STATES = [J.DONE] * 5 + [J.FAILED, J.UNCERTAIN, J.BLOCKED, J.PLANNED]
HOURS = ("dawn", "dusk", "late night")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Nine jobs of three hours; the done ones move more and more, the third is
    frozen."""
    root = tmp_path_factory.mktemp("finding") / "harbor"
    report = collect(*samples.make_case(*STATES, former=True))
    jobs = tuple(dressed(number, job) for number, job in enumerate(report.jobs))
    for number, job in enumerate(jobs):
        if job.output:
            samples.write_video(root / job.output.path, hue=number, seconds=0.5)
    report = replace(report, jobs=jobs)
    samples.write_pictures(report, root)
    write_report(report, root)
    return root


def dressed(number, job):
    """The job with axes, a tag, and checks where it has a video."""
    axes = (("hour", HOURS[number % 3]), ("seed", 100 + number))
    tags = ("hero",) if number < 3 else ()
    if not job.output:
        return replace(job, axes=axes, tags=tags)
    frozen = 2.0 if number == 2 else 0.0
    checks = (
        Check("motion", passed=True, message="moves", value=number / 10),
        Check("frozen", passed=not frozen, message="frozen for 2.0 s", value=frozen),
    )
    return replace(job, axes=axes, tags=tags, checks=(*job.checks, *checks))


def seeds(page):
    """The seeds of the jobs in sight, in their order."""
    return page.evaluate(
        """[...document.querySelectorAll('#jobs .card:not([hidden])')]
           .map((card) => Number(/seed (\\d+)/.exec(card.querySelector('.axes').textContent)[1]))"""
    )


def rows(page):
    return page.locator("#table tbody tr[data-key] th").all_inner_texts()


def test_a_query_finds_sorts_and_says_what_is_wrong(visit, folder):
    page = visit(folder)
    page.fill("#find", "hour:dawn,dusk -state:failed seed<105")
    assert seeds(page) == [100, 101, 103, 104]
    page.fill("#find", "check:frozen")
    assert seeds(page) == [102]
    page.fill("#find", "hourr:dawn zebra hour:dsuk")
    assert page.locator(".amiss span").all_inner_texts() == [
        "no axis hourr; did you mean hour?",
        "no job has zebra",
        "no job has hour:dsuk; did you mean hour:dusk?",
    ]
    page.fill("#find", "")
    assert page.locator(".amiss").is_hidden()
    page.select_option("#sort", "motion")
    page.click("#way")
    assert seeds(page)[:5] == [104, 103, 102, 101, 100]
    assert page.evaluate("decodeURIComponent(location.hash)") == "#sort=-motion"
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert seeds(page)[0] == 104


def test_pills_count_what_the_rest_of_the_query_leaves(visit, folder):
    page = visit(folder, "#state=done")
    page.click("#facets")
    pill = page.locator(".facets button")
    counts = lambda: dict(  # noqa: E731 - read again after each change
        text.rsplit(maxsplit=1) for text in pill.all_inner_texts()
    )
    assert {hour: counts()[hour] for hour in HOURS} == {
        "dawn": "2",
        "dusk": "2",
        "late night": "1",
    }
    page.get_by_role("button", name="late night 1").click()
    assert page.input_value("#find") == 'hour:"late night"'
    assert seeds(page) == [102]
    assert (counts()["dawn"], counts()["hero"], counts()["frozen"]) == ("2", "1", "1")
    assert counts()["100"] == "0"
    page.get_by_role("button", name="dawn 2").click()
    assert seeds(page) == [100, 102, 103]
    state = page.locator("button[data-state=blocked] b")
    assert state.inner_text() == "0", "the blocked job is of another hour"
    page.get_by_role("button", name="late night 1").click()
    page.get_by_role("button", name="dawn 2").click()
    assert page.input_value("#find") == ""


def test_cards_have_three_sizes_and_only_near_ones_a_picture(visit, folder):
    page = visit(folder, viewport={"width": 1280, "height": 700})
    widths = []
    page.locator("#jobs .stage").first.focus()
    for key in ("-", "+", "+"):
        page.keyboard.press(key)
        widths.append(page.locator("#jobs .card").first.bounding_box()["width"])
    assert widths == sorted(widths)
    assert len(set(widths)) == 3
    assert page.evaluate("location.hash") == "#size=L"
    page.wait_for_function("() => document.querySelector('#jobs .card img').naturalWidth > 100")
    page.evaluate("document.querySelector('#gallery').style.marginTop = '4000px'")
    page.wait_for_function("() => !document.querySelector('#jobs .card img').hasAttribute('src')")


def test_the_table_sorts_scrolls_and_opens_by_keyboard(visit, folder):
    page = visit(folder, "#show=table")
    assert len(rows(page)) == 10, "the former job is a row too"
    page.get_by_role("button", name="motion").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=descending]").inner_text() == "motion"
    assert "seed=104" in rows(page)[0]
    page.locator("#table tbody button").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog:not([open])", state="attached")
    assert "seed=103" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("End")
    assert "closing" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("[")
    page.wait_for_selector("#gallery:not([hidden])")
    page.go_back()
    page.wait_for_selector("#table:not([hidden])")


def test_on_paper_it_is_a_contact_sheet(visit, folder):
    page = visit(folder)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#jobs .card img')].every((i) => i.naturalWidth > 100)"
    )
    assert page.locator(".toolbar").is_hidden()
    assert page.locator(".tabs").is_hidden()
    places = [card.bounding_box() for card in page.locator("#jobs .card").all()[:5]]
    assert len({place["y"] for place in places[:4]}) == 1, "four in a line"
    assert places[4]["y"] > places[0]["y"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit, folder, scheme):
    page = visit(folder, color_scheme=scheme, reduced_motion="reduce")
    found = audit(page, "gallery")
    page.fill("#find", "hourr:x")
    page.click("#facets")
    found += audit(page, "nothing found, pills")
    page.fill("#find", "")
    page.click("#facets")
    for tab in page.locator(".tabs button").all():
        tab.click()
        found += audit(page, tab.inner_text())
    page.locator(".tabs button").first.click()
    page.keyboard.press("?")
    found += audit(page, "keys")
    page.keyboard.press("Escape")
    for number in (0, 5):
        page.locator("#jobs .card .stage").nth(number).click()
        found += audit(page, f"job {number}")
        page.keyboard.press("Escape")
    assert not found, "\n".join(sorted(set(found)))


def audit(page, name):
    """What axe says of the page, a line each."""
    if page.evaluate("typeof axe") == "undefined":
        assert AXE.is_file(), "make check installs axe-core (npm ci)"
        page.evaluate(AXE.read_text(encoding="utf-8"))
    page.wait_for_timeout(200)
    result = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{name}: {found['id']}: {node['html'][:120]} {node['any'][:1] and node['any'][0]['message']}"
        for found in result["violations"]
        for node in found["nodes"]
    ]
