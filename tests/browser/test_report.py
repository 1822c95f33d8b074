"""The report in a real browser, opened from disk: what it shows, plays, filters, and
what it withstands."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from expecting import expect
from report import samples

from wanbatch.model.archive import archived_name, archived_poster
from wanbatch.model.plan import JobState as J
from wanbatch.model.report import Output
from wanbatch.report.addresses import with_addresses
from wanbatch.report.collect import collect
from wanbatch.report.write import poster_name, write_report

HOSTILE = (
    '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">{{7*7}}'
    " \u202egnp.exe\u202c \x07 \"'`&amp;"
)
STATES = (
    J.DONE,
    J.DONE,
    J.UNCERTAIN,
    J.FAILED,
    J.DONE,
    J.BLOCKED,
    J.RUNNING,
    J.PLANNED,
    J.EXPIRED,
    J.SKIPPED,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A report with a job in every state, three small videos and one of a job that is
    gone."""
    root = tmp_path_factory.mktemp("my reports #1") / "harbor"
    report = collect(*samples.make_case(*STATES, former=True))
    for number, job in enumerate((*report.jobs, *report.former)):
        if job.output:
            samples.write_video(root / job.output.path, hue=number)
    samples.write_pictures(report, root)
    write_report(report, root)
    return root


@pytest.fixture(scope="module")
def names():
    return [job.name for job in collect(*samples.make_case(*STATES)).jobs]


def stage(page, number):
    return page.locator("#jobs .card .stage").nth(number)


def is_playing(page, selector):
    page.wait_for_function(
        "s => { const v = document.querySelector(s); return v && !v.paused && v.currentTime >"
        " 0.2 }",
        arg=selector,
    )


def test_it_opens_from_disk_and_shows_every_job(visit, folder, names):
    page = visit(folder)
    labels = page.locator("#jobs .card .stage").evaluate_all(
        "all => all.map(s => s.getAttribute('aria-label'))"
    )
    assert [
        label.partition(", ")[0] if "[" not in label else label[: label.index("]") + 1]
        for label in labels
    ] == names
    assert page.locator("#jobs .card .badge").all_inner_texts() == [state.value for state in STATES]
    figures = page.locator(".figure").evaluate_all(
        "all => all.map(f => ['dt', 'dd', 'small'].map(s =>"
        " f.querySelector(s)?.firstChild.textContent))"
    )
    assert figures[:2] == [["done", "3 of 10", None], ["spent", "$3.50", "+ $0.50 held back"]]
    assert page.locator(".former .card").count() == 1
    assert page.locator(".card").first.inner_text().split("\n")[:2] == ["5 s", "opening"]
    for wanted in ("hour dawn", "seed 100", "Harbour at dawn"):
        assert wanted in re.sub(r"\s+", " ", page.locator(".card").first.inner_text())


def test_every_poster_is_a_picture_that_loads(visit, folder):
    page = visit(folder)
    posters = page.locator("#jobs .card img")
    assert posters.count() == 3
    page.wait_for_function(
        "[...document.querySelectorAll('#jobs .card img')].every(i => i.complete &&"
        " i.naturalWidth > 100)"
    )


class Shelf(SimpleHTTPRequestHandler):
    """Gives the files of a folder, and says nothing."""

    def log_message(self, *args):
        pass


def test_a_poster_in_a_store_is_shown_from_there(visit, folder, tmp_path):
    """On another origin, which the page's policy lets in."""
    report = collect(*samples.make_case(J.DONE, J.DONE))
    (job, other) = report.jobs
    output, shelf = job.output, tmp_path / "store"
    assert output is not None
    name = archived_poster(output.sha256)
    (shelf / name).parent.mkdir(parents=True)
    shutil.copy(folder / poster_name(output.sha256), shelf / name)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Shelf, directory=shelf)) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        origin = f"http://127.0.0.1:{server.server_address[1]}"
        stored = replace(job, output=replace(output, path=archived_name(output.sha256)))
        given = with_addresses(replace(report, jobs=(stored, other)), origin, lambda _: True)
        write_report(given, tmp_path / "page")
        visit.expected.append(f"network: {origin}/")
        page = visit(tmp_path / "page")
        picture = page.locator("#jobs .card img").first
        page.wait_for_function(
            "() => { const i = document.querySelector('#jobs .card img');"
            " return i && i.complete && i.naturalWidth > 100 }"
        )
        assert picture.get_attribute("src") == f"{origin}/{name}"
        server.shutdown()


def test_a_poster_plays_while_the_mouse_is_over_it(visit, folder):
    page = visit(folder)
    stage(page, 0).hover()
    is_playing(page, ".stage.playing video")
    assert (
        page.locator("video").evaluate_all("all => all.map(v => v.muted)")
        == [True] * page.locator("video").count()
    )
    page.mouse.move(2, 2)
    page.wait_for_function("[...document.querySelectorAll('.stage video')].every(v => v.paused)")
    assert page.locator(".stage.playing").count() == 0


def test_a_click_opens_the_job_and_plays_it(visit, folder, names):
    page = visit(folder)
    stage(page, 0).click()
    is_playing(page, "dialog video")
    dialog = page.locator("dialog")
    text = dialog.inner_text()
    for wanted in (
        "Harbour at dawn, 35mm film, soft light",
        "Not: blurry, text",
        "wan2.7-i2v",
        "5 s, 720P",
        "media/harbor.png",
        "prompt_extend off",
        "1280 × 720",
    ):
        assert wanted in text
    assert "video_" in text, "the task id"
    assert "$0.50" in text
    assert "47 s" in text, "how long the provider took"
    link = dialog.locator("a").get_attribute("href")
    assert (folder / link).is_file()
    assert names[0] in page.evaluate("decodeURIComponent(location.hash)")


def test_the_keyboard_can_do_everything(visit, folder, names):
    page = visit(folder)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.press("Escape")
    while not page.evaluate("document.activeElement.matches('.stage')"):
        page.keyboard.press("Tab")
    is_playing(page, ".stage:focus video")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(names[1])
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    is_playing(page, "dialog video")
    page.keyboard.press("ArrowRight")
    assert page.locator("dialog .badge").inner_text() == "uncertain"
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog:not([open])", state="attached")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(
        names[2]
    ), "the focus is where the reader was"
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(names[-1])


def test_the_filter_narrows_and_stays_in_the_address(visit, folder, names):
    page = visit(folder)
    visible = page.locator("#jobs .card:not([hidden])")
    page.fill("#find", "seed=101")
    assert visible.count() == 1
    assert page.locator(".shown").inner_text() == "1 of 10"
    page.fill("#find", "inappropriate")
    assert visible.locator(".badge").all_inner_texts() == ["failed"]
    page.fill("#find", "")
    page.click("button[data-state=done]")
    page.click("button[data-state=blocked]")
    assert set(visible.locator(".badge").all_inner_texts()) == {"done", "blocked"}
    assert page.evaluate("decodeURIComponent(location.hash)") == "#state=done,blocked"
    page.fill("#find", "nothing at all")
    assert page.locator(".nothing").is_visible()
    page.click("[data-clear]")
    assert visible.count() == len(names)
    page.fill("#find", "seed=102")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.input_value("#find") == "seed=102"
    assert visible.count() == 1


def test_back_closes_what_was_opened_and_an_address_opens_it_again(visit, folder, names):
    page = visit(folder)
    stage(page, 1).click()
    page.wait_for_selector("dialog[open]")
    shared = page.evaluate("location.hash")
    page.go_back()
    page.wait_for_selector("dialog:not([open])", state="attached")
    other = visit(folder, shared)
    other.wait_for_selector("dialog[open]")
    assert "seed 101" in re.sub(r"\s+", " ", other.locator("#job-title").inner_text())
    other.click("[data-close]")
    other.wait_for_selector("dialog:not([open])", state="attached")
    assert other.evaluate("location.hash") in ("", "#")


def test_what_needs_a_person_comes_first_with_the_commands(visit, folder, names):
    page = visit(folder)
    titles = page.locator(".advice h3").all_inner_texts()
    assert titles[0] == "1 job may have been bought: nobody knows"
    assert titles[2].startswith("1 job failed")
    commands = page.locator(".advice code").all_inner_texts()
    assert f"wanbatch resolve specs/harbor.wanbatch.yaml '{names[2]}' --adopt TASK_ID" in commands
    assert (
        page.locator(".advice").bounding_box()["y"]
        < page.locator("#jobs .card").first.bounding_box()["y"]
    )
    page.locator(".advice .names a").first.click()
    page.wait_for_selector("dialog[open]")
    assert "read timeout after the request was sent" in page.locator("dialog .panel").inner_text()
    assert f"'{names[2]}' --resubmit" in page.locator("dialog .panel").inner_text()


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_light_and_dark_follow_the_reader_and_can_be_read(visit, folder, scheme, is_dark):
    page = visit(folder, color_scheme=scheme)
    contrasts = page.evaluate(CONTRAST)
    assert contrasts["dark"] is is_dark
    assert min(contrasts["ratios"].values()) >= 4.5, contrasts["ratios"]


READ = (
    "h1, .facts, .figure dt, .prompt, .card .badge, .axes b, .advice .message, .names a, .command"
    " button, .failed .word, .uncertain .word"
)
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const linear = (v) => v <= 10.31 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = (css) => {
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const ground = light(getComputedStyle(document.body).backgroundColor);
  const ratios = {};
  for (const s of 'READ'.split(', ')) {
    const text = light(getComputedStyle(document.querySelector(s)).color);
    ratios[s] = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  }
  return { dark: ground < 0.2, ratios };
}""".replace("READ", READ)


def test_reduced_motion_moves_nothing_unasked(visit, folder):
    page = visit(folder, reduced_motion="reduce")
    stage(page, 0).hover()
    page.wait_for_timeout(400)
    assert (
        page.locator("video").evaluate_all(
            "all => all.filter(v => !v.paused && !v.closest('dialog')).length"
        )
        == 0
    )
    stage(page, 0).click()
    page.wait_for_selector("dialog[open] video")
    page.wait_for_timeout(300)
    assert page.evaluate(
        "document.querySelector('dialog video').paused && document.querySelector('dialog"
        " video').controls"
    )


def test_it_fits_a_phone(visit, folder):
    page = visit(
        folder,
        viewport={"width": 360, "height": 740},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    stage(page, 0).scroll_into_view_if_needed()
    stage(page, 0).tap()
    is_playing(page, "dialog video")
    box = page.locator("dialog").bounding_box()
    assert (box["x"], box["width"]) == (0, 360)
    assert page.locator("dialog .panel").evaluate("panel => panel.scrollWidth <= panel.clientWidth")


def test_without_scripts_the_summary_and_every_video_are_there(visit, folder):
    page = visit(folder, java_script_enabled=False)
    assert page.locator("noscript a[href^=videos]").count() == 3
    assert "3 of 10" in page.locator(".figures").inner_text()
    assert page.locator(".toolbar").is_hidden()
    assert "wanbatch resolve" in page.locator(".advice").inner_text()


def test_hostile_texts_are_shown_and_do_nothing(visit, tmp_path):
    report = collect(*samples.make_case(J.DONE, J.FAILED))
    jobs = tuple(
        replace(
            job,
            request={
                **job.request,
                "prompt": HOSTILE,
                "negative_prompt": HOSTILE,
                "media": [{"type": "first_frame", "source": HOSTILE, "sha256": None}],
            },
            tags=(HOSTILE,),
            axes=((HOSTILE, HOSTILE),),
            task_id=HOSTILE,
            error=replace(job.error, code=HOSTILE, message=HOSTILE) if job.error else None,
        )
        for job in report.jobs
    )
    samples.write_video(tmp_path / expect(Output, jobs[0].output).path, seconds=0.5)
    write_report(
        replace(
            report,
            jobs=jobs,
            description=HOSTILE,
            manifest=replace(report.manifest, name=HOSTILE, path=HOSTILE),
        ),
        tmp_path,
    )
    page = visit(tmp_path)
    for number in range(2):
        stage(page, number).click()
        page.wait_for_selector("dialog[open]")
        shown = page.locator("dialog .text").first.inner_text()
        assert shown.startswith(
            "</script><script>window.hacked=1</script><img src=x"
            ' onerror="window.hacked=1">{{7*7}} ⟨202E⟩gnp.exe⟨202C⟩ ⟨0007⟩'
        )
        page.keyboard.press("Escape")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("h1").inner_text().startswith("</script>")


def what_was_said(server):
    """The bytes of every connection that was made to ``server``, but for silent
    ones."""
    said: list[bytes] = []
    while True:
        try:
            connection, _ = server.accept()
        except TimeoutError:
            return [text for text in said if text]
        with connection:
            connection.settimeout(0.3)
            try:
                said.append(connection.recv(200))
            except (TimeoutError, ConnectionError):
                continue


def test_an_injected_script_would_not_run(visit, folder, tmp_path):
    """The policy itself, should escaping ever fail: neither foreign script nor style
    nor handler nor network."""
    visit.expected += ["Content Security Policy", "ERR_FILE_NOT_FOUND", "network: http://127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        attack = (
            "<script>window.hacked=1;fetch('ADDRESS/a')</script><style>h1{display:none}</style><img"
            " src=x onerror='window.hacked=1'>"
            "<img src='ADDRESS/b'><video src='ADDRESS/c' autoplay></video><iframe"
            " src='ADDRESS/d'></iframe><link rel=stylesheet href='ADDRESS/e'>"
        ).replace("ADDRESS", address)
        text = (folder / "report.html").read_text()
        (tmp_path / "report.html").write_text(text.replace("</header>", f"{attack}</header>"))
        page = visit(tmp_path)
        assert what_was_said(server) == [], "Chromium connects ahead for a frame, but asks nothing"
    assert page.evaluate("window.hacked") is None
    assert page.locator("h1").is_visible()
    assert (
        len([complaint for complaint in visit.complaints if "Content Security Policy" in complaint])
        >= 6
    )


def test_a_video_that_is_gone_is_said_to_be(visit, tmp_path):
    report = collect(*samples.make_case(J.DONE))
    write_report(report, tmp_path)
    visit.expected.append("ERR_FILE_NOT_FOUND")
    page = visit(tmp_path)
    stage(page, 0).click()
    page.wait_for_selector("dialog .screen p")
    assert (
        "videos/opening.hour-dawn.seed-100.1f3a9c2e.mp4"
        in page.locator("dialog .screen").inner_text()
    )


def test_ten_thousand_cards_open_and_filter_smoothly(visit, tmp_path):
    report = collect(*samples.make_case(*[J.PLANNED if i % 3 else J.DONE for i in range(10_000)]))
    jobs = tuple(replace(job, output=None) for job in report.jobs)
    write_report(replace(report, jobs=jobs), tmp_path)
    page = visit(tmp_path)
    assert page.locator(".card").count() == 10_000
    took = page.evaluate(
        """async () => {
          const find = document.querySelector('#find'), started = performance.now();
          for (const text of ['seed=5', '']) { find.value = text; find.dispatchEvent(new Event('input')); document.body.offsetHeight; }
          return performance.now() - started;
        }""",
    )
    assert took < 10_000, "0.3 s on a quiet machine; as list items the cards took 46 s"


def test_a_question_mark_shows_the_keys(visit, folder):
    page = visit(folder)
    page.keyboard.press("?")
    panel = page.locator("#keys")
    assert panel.locator("h3").all_inner_texts() == ["The page", "Gallery", "One job", "Everywhere"]
    assert "to the filter" in panel.inner_text()
    page.keyboard.press("Escape")
    panel.wait_for(state="detached")
    page.focus("#find")
    page.keyboard.press("?")
    assert panel.count() == 0, "who types a question mark gets one"
    assert page.input_value("#find") == "?"
