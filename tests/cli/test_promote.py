"""``wanbatch promote``: what it writes, what it says, and what it refuses without
having touched a file."""

from __future__ import annotations

import json

import command
import pytest
from PIL import Image
from report.test_review import document, pick

from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.promote import PromotionOptions, promote
from wanbatch.words.errors import ExitCode, WanbatchError

MANIFEST = """\
wanbatch: 1
name: harbor
vars: {style: noir}
jobs:
  - id: opening
    prompt: "Harbour at {{ hour }}, {{ style }}"
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
    matrix: {hour: [dawn, dusk]}
    seeds: {start: 100, count: 3}
  - id: push
    prompt: on we go
    prompt_extend: false
    media: {first_clip: {job: opening}}
    matrix: {hour: [dawn, dusk]}
    seeds: {start: 100, count: 3}
run: {backend: emulator}
"""
FILE, NEW = "harbor.wanbatch.yaml", "best.wanbatch.yaml"


class Desk:
    """A project folder with a manifest and reviews of it."""

    def __init__(self, folder):
        self.folder = folder
        Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
        (folder / FILE).write_text(MANIFEST)
        done = command.run(folder, "plan", FILE, "--json")
        self.prints = {job["name"]: job["fingerprint"] for job in json.loads(done.stdout)["jobs"]}

    def review(self, *picks, name="review.json", **changes):
        own = [
            pick(**{"fingerprint": self.prints.get(p["name"], "wb2:" + "1" * 64)} | p)
            for p in picks
        ]
        (self.folder / name).write_text(json.dumps(document(own, **changes), indent=2))
        return name

    def promote(self, *words, picks="review.json", target=NEW):
        return command.run(self.folder, "promote", FILE, "--picks", picks, "-o", target, *words)

    def plan(self, name=NEW):
        done = command.run(self.folder, "plan", name, "--json")
        assert done.returncode == 0, done.stderr
        return {job["name"]: job for job in json.loads(done.stdout)["jobs"]}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    return Desk(tmp_path_factory.mktemp("desk"))


def test_the_chosen_become_a_manifest_that_says_what_it_costs(desk):
    keep = "push[hour=dawn,seed=101]"
    desk.review(
        {"name": keep, "stars": 5},
        {"name": "opening[hour=dusk,seed=102]"},
        {"name": "opening[hour=dusk,seed=100]", "verdict": "reject"},
        {"name": "opening[hour=noon,seed=100]"},
        {"name": "opening[hour=dawn,seed=100]", "fingerprint": "wb2:" + "2" * 64},
    )
    done = desk.promote()
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{NEW}\n"
    assert "opening[hour=noon,seed=100] is left out: no longer in the manifest" in done.stderr
    assert "opening[hour=dawn,seed=100] is left out: changed since the review" in done.stderr
    assert "opening[hour=dawn,seed=101] is written too" in done.stderr
    assert "2 jobs chosen by 1 person." in done.stderr
    assert "Plan: 3 to generate ($0.00)." in done.stderr
    planned = desk.plan()
    assert {job["fingerprint"] for job in planned.values()} == {
        desk.prints[name]
        for name in (keep, "opening[hour=dawn,seed=101]", "opening[hour=dusk,seed=102]")
    }
    assert command.run(desk.folder, "validate", NEW).returncode == 0

    before = (desk.folder / NEW).read_bytes()
    again = desk.promote("--top", "1")
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert "--overwrite" in again.stderr
    assert (desk.folder / NEW).read_bytes() == before
    done = desk.promote("--top", "1", "--overwrite", "--set", "size=1080P", "--set", "seconds=6")
    assert done.returncode == 0, done.stderr
    assert {(j["request"]["size"], j["request"]["seconds"]) for j in desk.plan().values()} == {
        ("1080P", 6)
    }
    assert len(desk.plan()) == 2
    assert not [path for path in desk.folder.iterdir() if "draft" in path.name]


def test_several_people_are_merged_and_an_even_vote_is_named(desk):
    name, other = "opening[hour=dawn,seed=100]", "opening[hour=dawn,seed=101]"
    desk.review({"name": name}, {"name": other}, name="a.json")
    no = {"name": other, "verdict": "reject", "by": "Bob"}
    desk.review(no, name="b.json", reviewers=["Bob"])
    done = desk.promote("--picks", "b.json", picks="a.json", target="both.wanbatch.yaml")
    assert done.returncode == 0, done.stderr
    assert f"{other} is left out: kept by as many as reject it" in done.stderr
    assert "1 job chosen by 2 people." in done.stderr


def asked(desk, picks="review.json", target="x.yaml", files=(FILE,), **more):
    """The operation itself, told less than the command."""
    return promote(
        PlanningOptions(
            files=tuple(desk.folder / file for file in files),
            output=desk.folder / "reports",
            select=more.pop("select", ()),
        ),
        PromotionOptions(picks=(desk.folder / picks,), target=desk.folder / target, **more),
        lambda event: None,
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"picks": "gone.json"}, "cannot be read: No such file"),
        ({"picks": "."}, "cannot be read"),
        ({"target": FILE}, "is the manifest itself"),
        ({"target": FILE, "overwrite": True}, "is the manifest itself"),
        ({"target": "link.yaml"}, "exists already"),
        ({"target": "reports"}, "is a folder"),
        ({"target": "no/where.yaml"}, "there is no folder"),
        ({"files": (FILE, FILE)}, "one manifest at a time"),
        ({"select": ("opening",)}, "takes no --select"),
        ({"changes": ("seconds=15",)}, "the new manifest would not be valid:"),
        ({"changes": ("sieze=1080P",)}, "there is no such field"),
        ({"picks": "none.json"}, "the review chooses none"),
        ({"picks": "other.json"}, "the review is of the manifest 'else'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(desk, more, said):
    (desk.folder / "reports").mkdir(exist_ok=True)
    link = desk.folder / "link.yaml"
    if not link.is_symlink():
        link.symlink_to("nowhere")
    desk.review({"name": "push[hour=dawn,seed=101]"})
    desk.review({"name": "opening[hour=noon,seed=1]"}, name="none.json")
    desk.review(name="other.json", manifest={"name": "else", "sha256": "0" * 64})
    before = {path.name for path in desk.folder.iterdir()}
    with pytest.raises(WanbatchError) as caught:
        asked(desk, **more)
    assert caught.value.exit_code is ExitCode.INVALID
    assert said in caught.value.message
    assert {path.name for path in desk.folder.iterdir()} == before
    assert (desk.folder / FILE).read_text() == MANIFEST


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b'{"schema": NaN}', ":1:12 (/schema)"),
        (b"[" * 1_000_000, ":1:33 (/0/0/0"),
        (b'{"a": 1,\n "a": 2}', ":2:2"),
        (b'["\\ud800"]', ":1:2 (/0)"),
        (b'{"\x1b]0;x\x07": 1}', ":1:3"),
        (b"\x00\xff", ":1:2"),
    ],
    ids=["nan", "deep", "twice", "half", "escape", "bytes"],
)
def test_a_hostile_review_ends_with_2_and_a_place(desk, text, place):
    (desk.folder / "bad.json").write_bytes(text)
    done = desk.promote(picks="bad.json", target="bad.yaml")
    assert done.returncode == 2
    assert f"error: bad.json{place}" in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    assert not (desk.folder / "bad.yaml").exists()


def test_the_schema_is_printed(desk):
    done = command.run(desk.folder, "schema", "review")
    assert json.loads(done.stdout)["title"].startswith("wanbatch review")
