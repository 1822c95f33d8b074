"""``wanbatch compare`` as it is typed: over the records of two real runs, and over what
is no report."""

from __future__ import annotations

import json
import shutil

import command
import pytest
from PIL import Image

MANIFEST = """\
wanbatch: 1
name: reel
defaults: {prompt_extend: false, seconds: 2}
jobs:
  - id: opening
    prompt: "A boat, %s, soft light"
    media: {first_frame: a.png}
    seeds: [%s]
run: {backend: emulator}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reel")
    Image.new("RGB", (320, 240), "teal").save(folder / "a.png")
    env = command.environ(WANBATCH_EMULATOR_OPTIONS="--latency 0.1 --render tiny")
    for prompt, seeds, name in (("dawn", "1, 2", "old"), ("dusk", "2, 3", "new")):
        (folder / "m.yaml").write_text(MANIFEST % (prompt, seeds))
        done = command.run(folder, "run", "m.yaml", env=env)
        assert done.returncode == 0, done.stderr
        shutil.copytree(folder / "reports/reel", folder / name)
    return folder


def compare(folder, *words):
    return command.run(folder, "compare", *words)


def test_two_report_folders(folder):
    done = compare(folder, "old", "new/report.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:4] == [
        "A  old",
        "B  new/report.json",
        "  changed    opening[seed=2]",
        "               prompt: A boat, [-dawn,-] {+dusk,+} soft light",
    ]
    assert done.stdout.splitlines()[-3:] == [
        "  new        opening[seed=3]",
        "  gone       opening[seed=1]",
        "1 new, 1 gone, 1 changed",
    ]


def test_the_record_of_a_run_and_the_output_folder(folder):
    first, second = sorted((folder / "reports/reel/runs").glob("*.json"))
    done = compare(folder, str(first), "reports", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["totals"] == {"new": 1, "gone": 1, "changed": 1, "identical": 0}
    same = compare(folder, str(second), "reports/reel", "-v")
    assert same.stdout.endswith("  identical  opening[seed=3]\n2 identical\n")


def test_a_page_of_both_leads_to_both_folders(folder):
    (folder / "pages").mkdir(exist_ok=True)
    done = compare(folder, "old", "new", "-o", "pages/compare.html")
    assert (done.returncode, done.stderr) == (0, "the page of both: pages/compare.html\n")
    page = (folder / "pages/compare.html").read_text()
    assert "A is old, B is new" in page
    for name in ("old", "new"):
        assert f"../{name}/videos/opening.seed-2." in page
        assert f"../{name}/posters/" in page


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none", None, "none cannot be read: No such file or directory"),
        ("bad.json", "{", "bad.json is not JSON"),
        ("deep.json", "[" * 100_000, "deep.json is not JSON"),
        ("odd.json", '{"schema": "x"}', "odd.json is no report of format wanbatch/report@1: "),
        (
            "m.lock.json",
            '{"schema": "wanbatch/lock@1", "jobs": {"a": {"state": 1}}}',
            "m.lock.json is no lock of format wanbatch/lock@1: ",
        ),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(folder, name, content, said):
    if content is not None:
        (folder / name).write_text(content)
    done = compare(folder, "old", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: {said}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_or_with_several_reports(folder):
    (folder / "empty").mkdir(exist_ok=True)
    assert "error: empty has no report.json" in compare(folder, "empty", "old").stderr
    several = folder / "several"
    shutil.copytree(folder / "old", several / "one", dirs_exist_ok=True)
    shutil.copytree(folder / "new", several / "two", dirs_exist_ok=True)
    done = compare(folder, "several", "old")
    assert done.returncode == 2
    assert "name one of: several/one or several/two" in done.stderr
    wrong = compare(folder, "old", "new", "-o", "x.pdf")
    assert (wrong.returncode, "the page is HTML" in wrong.stderr) == (2, True)
