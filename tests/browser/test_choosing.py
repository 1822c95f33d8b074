"""Choosing, from the opened page to the next run, by the keyboard alone; and what the
page takes from other people's files."""

from __future__ import annotations

import json

import command
import pytest
from PIL import Image
from report.test_review import document, pick

MANIFEST = """\
wanbatch: 1
name: harbor
jobs:
  - id: opening
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
    seeds: [1, 2, 3]
run: {backend: emulator}
"""
FILE, NEW = "harbor.wanbatch.yaml", "best.wanbatch.yaml"
HOSTILE = '</script><img src=x onerror="alert(1)">{{7*7}} \u202egnp.exe'
NAMES = [f"opening[seed={seed}]" for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A run on the emulator, as a user has it."""
    folder = tmp_path_factory.mktemp("project")
    Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
    (folder / FILE).write_text(MANIFEST)
    done = command.run(folder, "run", FILE)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def opened(visit, project):
    return visit(project / "reports" / "harbor")


def focused(page):
    return page.evaluate("document.activeElement.closest('[data-key]')?.dataset.key")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def walk_to_the_cards(page):
    for _ in range(40):
        press(page, "Tab")
        if focused(page) == NAMES[0]:
            return
    pytest.fail("Tab never leads to the cards")


def marks(page):
    return page.locator("#jobs .card .chosen").all_inner_texts()


def export(page, to):
    with page.expect_download() as download:
        press(page, "e")
    assert download.value.suggested_filename == "review.json"
    download.value.save_as(to)
    return json.loads(to.read_text())


def judge_for(page, wanted):
    """One answer in favour of a video, by what its source says: the page does not."""
    sources = page.locator("#duel .pair video").evaluate_all("all => all.map((v) => v.src)")
    assert not page.locator("#duel .pair").inner_text().strip(), "the pair is blind"
    assert len(sources) == 2
    found = [f"seed-{wanted}" in source for source in sources]
    press(page, "ArrowLeft" if found[0] else "ArrowRight" if found[1] else "ArrowDown")


def test_by_keys_alone_from_the_opened_page_to_the_next_videos(opened, project):
    walk_to_the_cards(opened)
    press(opened, "k", "3", "ArrowRight", "x", "u", "ArrowRight", "k", "5", "n")
    opened.keyboard.type(HOSTILE)
    press(opened, "Enter")
    assert marks(opened) == ["✓ ★★★", "", "✓ ★★★★★ ✎"]
    assert opened.locator(".review summary").text_content() == "2 kept"
    press(opened, "Enter", "ArrowLeft", "x", "1")  # in the job's panel: the second one
    assert opened.locator("#job .choosing [aria-pressed=true]").all_inner_texts() == [
        "Reject\nx",
        "★",
    ]
    press(opened, "u", "u", "Escape")
    for _ in range(5):
        press(opened, "]")
    assert opened.locator("#duel").is_visible()
    for _ in range(8):
        judge_for(opened, 3)
    assert opened.locator("#duel li bdi").first.inner_text() == "seed 3"
    assert "settled" in opened.locator("#duel [role=status]").inner_text()
    shown = len(export(opened, project / "early.json")["duels"])
    press(opened, "ArrowDown", "u")
    review = export(opened, project / "review.json")
    assert len(review["duels"]) == shown == 8
    assert [(p["name"], p["verdict"], p["stars"]) for p in review["picks"]] == [
        (NAMES[0], "keep", 3),
        (NAMES[2], "keep", 5),
    ]
    assert review["picks"][1]["note"] == HOSTILE
    assert str(project) not in json.dumps(review)
    opened.reload()
    opened.wait_for_selector("html[data-ready]")
    assert opened.locator(".review summary").text_content() == "2 kept", "the browser keeps it"

    words = ("--top", "1", "--set", "seconds=3", "-o", NEW)
    done = command.run(project, "promote", FILE, "--picks", "review.json", *words)
    assert done.returncode == 0, done.stderr
    assert "Plan: 1 to generate ($0.00)." in done.stderr
    assert command.run(project, "plan", NEW).returncode == 0
    done = command.run(project, "run", NEW)
    assert done.returncode == 0, done.stderr
    (job,) = json.loads((project / "reports/best/report.json").read_text())["jobs"]
    assert (job["request"]["seed"], job["request"]["seconds"]) == (3, 3)
    assert (project / "reports/best" / job["output"]["path"]).is_file()


def test_files_of_others_are_added_or_refused_and_a_closed_store_is_told(opened, project):
    opened.evaluate("location.hash = 'show=grid'")
    opened.locator("#grid .tile .stage").nth(1).focus()
    press(opened, "k", "4")
    assert "★★★★" in opened.locator("#grid .tile .mark").nth(1).inner_text()
    press(opened, "u", "u", "[", "[")
    report = json.loads((project / "reports/harbor/report.json").read_text())
    prints = {job["name"]: job["fingerprint"] for job in report["jobs"]}
    said = pick(NAMES[0], by=HOSTILE, note=HOSTILE, verdict="reject") | {
        "fingerprint": prints[NAMES[0]]
    }
    files = {
        "good.json": document([said], reviewers=[HOSTILE]),
        f"{HOSTILE[:8].replace('/', '')}.json": document([said | {"stars": 9}]),
        "other.json": document(manifest={"name": "else", "sha256": "0" * 64}),
        "deep.json": None,
    }
    for name, content in files.items():
        text = "[" * 100_000 if content is None else json.dumps(content)
        (project / name).write_text(text)
    opened.locator(".review input[type=file]").set_input_files([project / name for name in files])
    opened.wait_for_function(
        "() => document.querySelector('.said').textContent.includes('deep.json')"
    )
    told = opened.locator(".said").inner_text().splitlines()
    assert told[0] == "good.json: 1 picks, 0 duels"
    assert "was not added: /picks/0/stars" in told[1]
    assert "it is of else" in told[2]
    assert "deep.json was not added" in told[3]
    opened.locator("#jobs .stage").first.press("Enter")
    assert "onerror" in opened.locator("#job .choosing p").inner_text()
    assert not opened.locator("img[src=x]").count()
    opened.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw 1 }})")
    opened.reload()
    opened.wait_for_selector("html[data-ready]")
    press(opened, "Escape")
    opened.locator("#jobs .stage").first.focus()
    press(opened, "k")
    assert marks(opened)[0] == "✓"
    opened.locator(".review summary").press("Enter")
    assert "keeps nothing" in opened.locator(".review").inner_text()
