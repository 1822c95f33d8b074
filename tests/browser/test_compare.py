"""Comparing in a real browser, and all that a job's page tells: ways, keys, what the
address keeps; chain, strip, checks, command."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import av
import pytest
from PIL import Image
from report import samples

from wanbatch.model.plan import JobState as J
from wanbatch.model.report import Check, ReportJob
from wanbatch.report.collect import collect
from wanbatch.report.write import write_report

PROMPTS = (
    "Harbour at dawn, 35mm film, soft light",
    "Harbour at dusk, 35mm film, hard light",
    "Harbour at dawn, 35mm film, soft light",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three videos with film strips, and a job that failed. The second begins with the
    last frame of the first, and the third continues the second."""
    root = tmp_path_factory.mktemp("compare") / "harbor"
    report = collect(*samples.make_case(J.DONE, J.DONE, J.DONE, J.FAILED))
    picture = root.parent / "harbor.png"
    Image.new("RGB", (320, 176), "teal").save(picture)
    jobs: list[ReportJob] = []
    for number, job in enumerate(report.jobs):
        jobs.append(furnished(job, number, jobs, root))
    pictures = {samples.sha("harbor.png"): picture}
    report = replace(report, jobs=tuple(jobs), pictures=pictures)
    samples.write_pictures(report, root)
    write_report(report, root)
    return root


def furnished(job: ReportJob, number: int, before: list[ReportJob], root: Path) -> ReportJob:
    if job.output is None:
        return job
    video = root / job.output.path
    samples.write_video(video, hue=2 * number, fps=12)
    frames = f"frames/{number}.webp"
    write_strip(video, root / frames)
    request = {**job.request, "prompt": PROMPTS[number]}
    if number:
        kind, frame = ("first_frame", " (last frame)") if number == 1 else ("first_clip", "")
        source = f"job:{before[number - 1].name}{frame}"
        request["media"] = [{"type": kind, "source": source, "sha256": None}]
    checks = (
        Check("length", passed=True, message="as long as asked for", value=5.0),
        Check("frozen", passed=False, message="nothing moves from 3.1 s on", value=1.25),
    )
    output = replace(job.output, seconds=2.0, width=320, height=176, fps=12.0)
    return replace(job, request=request, frames=frames, checks=checks, output=output)


def write_strip(video: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(video)) as container:
        pictures = [frame.to_image() for frame in container.decode(video=0)]
    strip = Image.new("RGB", (5 * 160, 88))
    for place in range(5):
        picture = pictures[place * (len(pictures) - 1) // 4]
        strip.paste(picture.resize((160, 88)), (160 * place, 0))
    strip.save(target, "WEBP")


@pytest.fixture(scope="module")
def names(folder):
    document = json.loads((folder / "report.json").read_text())
    return [job["name"] for job in document["jobs"]]


def comparing(names, *numbers, **options):
    keys = ",".join(names[number] for number in numbers)
    pairs = {"show": "compare", "with": keys, **options}
    return "#" + "&".join(f"{key}={quote(str(value), safe='')}" for key, value in pairs.items())


def address(page):
    return page.evaluate("decodeURIComponent(location.hash)")


def chosen(page):
    return page.locator(".tray li img").evaluate_all("all => all.map(i => i.alt)")


def videos_in_step(page, count):
    """Waits until all play, near one another."""
    page.wait_for_function(
        "n => { const all = [...document.querySelectorAll('#compare video')];"
        " const times = all.map(v => v.currentTime);"
        " return all.length === n && all.every(v => !v.paused && v.currentTime > 0.2)"
        " && Math.max(...times) - Math.min(...times) < 0.1 }",
        arg=count,
    )


def times(page):
    return page.locator("#compare video").evaluate_all("all => all.map(v => v.currentTime)")


def paused_at(page, second):
    page.wait_for_function(
        "t => [...document.querySelectorAll('#compare video')].every(v => v.paused && !v.seeking"
        " && Math.abs(v.currentTime - t) < 0.06)",
        arg=second,
    )


def test_videos_are_chosen_with_a_key_and_compared_with_another(visit, folder, names):
    page = visit(folder)
    assert page.locator(".tray").is_hidden()
    stage = page.locator("#jobs .card .stage")
    stage.nth(0).focus()
    page.keyboard.press("c")
    assert chosen(page) == [names[0]]
    page.keyboard.press("End")
    page.keyboard.press("c")
    assert page.locator(".tray li").count() == 1, "a job without a video is not taken"
    stage.nth(2).hover()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("c")
    stage.nth(1).focus()
    page.keyboard.press("c")
    page.keyboard.press("c")
    assert chosen(page) == [names[0], names[2]]
    assert f"with={names[0]},{names[2]}" in address(page)
    page.keyboard.press("C")
    videos_in_step(page, 2)
    assert page.locator(".tray").is_hidden()
    assert page.locator(".versus figure").evaluate_all("all => all.map(f => f.dataset.key)") == [
        names[0],
        names[2],
    ]
    page.go_back()
    page.wait_for_selector("#compare", state="hidden")
    assert page.locator("#compare video").count() == 0, "what is not seen does not play"
    page.locator(".tray button", has_text="Clear").click()
    assert page.locator(".tray").is_hidden()
    assert "with" not in address(page)


def test_all_ways_of_comparing_by_keyboard_and_the_address_keeps_them(visit, folder, names):
    page = visit(folder, comparing(names, 0, 1, 2))
    videos_in_step(page, 3)
    hosts = page.locator(".versus .host")
    places = hosts.evaluate_all("all => all.map(h => h.getBoundingClientRect().left)")
    assert places[0] < places[1] < places[2], "side by side"
    sources = page.locator("#compare video").evaluate_all("all => all.map(v => v.src)")
    assert all("/videos/" in source for source in sources), "originals, no previews"

    page.keyboard.press(" ")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#compare video')].every(v => v.paused)"
    )
    page.evaluate("document.querySelector('.transport input').value = 1")
    page.dispatch_event(".transport input", "input")
    paused_at(page, 1)
    page.keyboard.press(".")
    paused_at(page, 1 + 1 / 12)
    page.keyboard.press(",")
    paused_at(page, 1)

    page.keyboard.press("w")
    assert "how=wipe" in address(page)
    boxes = hosts.evaluate_all("all => all.map(h => JSON.stringify(h.getBoundingClientRect()))")
    assert len(set(boxes)) == 1, "over each other"
    shown = "all => all.map(h => getComputedStyle(h).visibility === 'visible')"
    assert hosts.evaluate_all(shown) == [True, True, False]
    divider = page.get_by_role("slider", name="Wipe")
    assert divider.get_attribute("aria-valuenow") == "50"
    for key in ("ArrowLeft", "Shift+ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    assert divider.get_attribute("aria-valuenow") == "60"
    assert hosts.nth(1).evaluate("h => getComputedStyle(h).clipPath") == "inset(0px 0px 0px 60%)"
    box = divider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "25"
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    assert divider.get_attribute("aria-valuenow") == "25", "let go"
    page.keyboard.press("f")
    assert hosts.evaluate_all(shown) == [True, False, True], "the first against the third"

    page.keyboard.press("w")
    assert hosts.evaluate_all(shown) == [False, False, True], "one alone"
    page.keyboard.press("ArrowRight")
    assert hosts.evaluate_all(shown) == [True, False, False]
    page.keyboard.press("F")
    page.keyboard.press("w")
    assert hosts.evaluate_all("all => all.map(h => getComputedStyle(h).mixBlendMode)") == [
        "normal",
        "normal",
        "difference",
    ]
    there = address(page)
    assert "how=difference" in there
    assert "front=2" in there
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("[data-way=difference]").get_attribute("aria-pressed") == "true"
    assert hosts.evaluate_all(shown) == [True, False, True]


def test_equal_videos_have_no_difference_and_others_have_one(visit, folder, names):
    """The blend is the compositor's: what a reader sees is a screenshot's pixels."""
    page = visit(folder, comparing(names, 0, 1, how="difference"), reduced_motion="reduce")
    assert brightness(page) > 60
    page.evaluate(
        "() => { const [one, other] = document.querySelectorAll('#compare video');"
        " other.src = one.src }"
    )
    page.wait_for_function(
        "() => [...document.querySelectorAll('#compare video')].every(v => v.readyState > 1)"
    )
    page.wait_for_timeout(200)
    assert brightness(page) < 8


def brightness(page):
    """Of the brightest tenth of the picture in the middle of the stage."""
    page.wait_for_function("() => document.querySelectorAll('#compare .playing').length === 2")
    png = page.locator(".versus .host").first.screenshot()
    picture = Image.open(BytesIO(png)).convert("L")
    width, height = picture.size
    inner = picture.crop((width // 4, height // 4, 3 * width // 4, 3 * height // 4))
    values = sorted(inner.tobytes())
    return values[len(values) * 9 // 10]


def test_one_is_shifted_heard_taken_out_and_added(visit, folder, names):
    page = visit(folder, comparing(names, 0, 1), reduced_motion="reduce")
    page.wait_for_function("() => document.querySelectorAll('#compare .playing').length === 2")
    assert page.locator("#compare video").evaluate_all("all => all.every(v => v.paused)")
    later = page.get_by_role("button", name="2, opening: a frame later")
    later.click()
    later.click()
    assert page.locator("[data-offset='1']").inner_text() == "+2 f"
    assert "offset=0,2" in address(page)
    page.wait_for_function(
        "() => [...document.querySelectorAll('#compare video')].map(v => Math.round(12 *"
        " v.currentTime)).join() === '0,2'"
    )
    page.locator("[data-sound='1']").click()
    muted = "all => all.map(v => v.muted)"
    assert page.locator("#compare video").evaluate_all(muted) == [True, False]
    page.keyboard.press("m")
    assert page.locator("#compare video").evaluate_all(muted) == [False, True], "one at a time"
    page.get_by_label("Add a video").select_option(names[2])
    assert f"with={names[0]},{names[1]},{names[2]}" in address(page)
    assert "offset" not in address(page)
    page.get_by_role("button", name="Without 1, opening").click()
    assert page.locator(".versus figure").count() == 2
    page.get_by_role("button", name="Without 2, opening").click()
    assert page.locator("#compare .nothing").is_visible()
    assert page.locator("#compare .transport").is_hidden()


def test_the_requests_are_compared_in_words_and_given_pictures_stand_beside(visit, folder, names):
    page = visit(folder, comparing(names, 0, 1))
    words = page.locator("#compare .words")
    assert "They differ in prompt, seed and first frame." in words.inner_text()
    rows = words.locator("tbody tr")
    assert rows.nth(0).locator("td").first.inner_text() == PROMPTS[0]
    assert [text.strip() for text in rows.nth(0).locator("mark").all_inner_texts()] == [
        "dawn,",
        "soft",
        "dusk,",
        "hard",
    ]
    assert rows.nth(1).locator("td").all_inner_texts() == ["100", "101"]
    pictures = words.locator(".given img")
    assert (
        pictures.evaluate_all("all => all.map(i => i.alt.split(':')[0])")
        == [
            "Given",
            "The first frame that was made",
        ]
        * 2
    )
    pictures.first.scroll_into_view_if_needed()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.words .given img')].every(i => i.complete &&"
        " i.naturalWidth > 100)"
    )
    assert (folder / str(pictures.first.get_attribute("src"))).parent.name == "inputs"


def test_a_job_page_tells_all_and_links_along_its_chain(visit, folder, names):
    page = visit(folder, f"#job={quote(names[1], safe='')}")
    dialog = page.locator("#job")
    text = dialog.inner_text()
    for wanted in (PROMPTS[1], "5 s, 720P", "video_", "$0.50", "47 s"):
        assert wanted in text
    checks = dialog.locator(".checks li")
    assert checks.evaluate_all("all => all.map(li => li.className)") == ["miss", "pass"]
    assert re.sub(r"\s+", " ", checks.first.inner_text()).endswith(
        "frozen 1.25 nothing moves from 3.1 s on"
    )
    assert "1 of 2 fall short" in text
    command = f"wanbatch run specs/harbor.wanbatch.yaml --select '{names[1]}' --regenerate"
    copied = dialog.locator(".command code").evaluate_all(
        "all => all.map(c => c.textContent.trim())"
    )
    assert command in [re.sub(r"\s+", " ", text) for text in copied]

    assert dialog.locator(".strip img").count() == 5
    dialog.locator(".strip button").nth(4).click()
    page.wait_for_function(
        "() => (v => v.paused && v.currentTime > 1.9)(document.querySelector('#job video'))"
    )
    links = dialog.locator("a[data-job]")
    assert links.all_inner_texts() == [names[0], names[2]]
    links.nth(1).click()
    assert names[2] in address(page)
    assert dialog.locator("a[data-job]").all_inner_texts() == [names[1]]
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    page.wait_for_selector("#job:not([open])", state="attached")
    assert chosen(page) == [names[2]]


def test_a_failed_job_says_first_what_to_do(visit, folder, names):
    page = visit(folder, f"#job={quote(names[3], safe='')}")
    sections = page.locator("#job .panel section")
    first = sections.first.inner_text()
    assert "DataInspectionFailed" in first
    assert "refuses the content" in first, "what the code means"
    assert "wanbatch run" in first
    assert "Make it again" in page.locator("#job .panel").inner_text()
    assert page.locator("#job [data-compare]").count() == 0


def test_nothing_is_wider_than_a_telephone(visit, folder, names):
    size = {"width": 390, "height": 844}
    for fragment in ("", comparing(names, 0, 1, 2), comparing(names, 0, 1, how="wipe")):
        page = visit(folder, fragment, viewport=size)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, fragment
