"""A project that version 0.1.0 made, under the present command: nothing of it is bought
again.

How it works: ``golden`` is copied, so that no file has the modification time that the
ledger remembers, and the real command runs over it with a gateway on loopback that
remembers every POST.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from upgrade.loopback import Loopback
from upgrade.make_golden import AUTH, CONFIG, KEPT

from wanbatch.manifest.load import load_manifests
from wanbatch.media.check import check_media
from wanbatch.plan.history import known_fingerprints
from wanbatch.plan.identity import identify

GOLDEN = Path(__file__).parent / "golden"
MANIFEST = "old.wanbatch.yaml"
JOBS = 18


class Project:
    """A copy of the golden project, or an empty one, beside a gateway."""

    def __init__(self, folder: Path, gateway: Loopback) -> None:
        self.folder, self.gateway = folder / "project", gateway
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.format(base_url=gateway.base_url))
        shutil.copytree(GOLDEN, self.folder)
        (self.folder / "output").rename(self.folder / "reports")

    def call(self, command: str, *more: str) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("WANBATCH")}
        return subprocess.run(
            [sys.executable, "-m", "wanbatch", command, MANIFEST, "--backend", "far", *more],
            cwd=self.folder,
            env={**clean, "WANBATCH_CONFIG": str(self.config), "FAR_KEY": "sk-far-0123456789"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )

    def plan(self, *more: str) -> dict[str, dict[str, Any]]:
        """The planned jobs by name."""
        done = self.call("plan", "--json", *more)
        assert done.returncode == 0, done.stderr
        return {job["name"]: job for job in json.loads(done.stdout)["jobs"]}

    def edit(self, old: str, new: str) -> None:
        path = self.folder / MANIFEST
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def rename_to_rule_1(self) -> int:
        """Gives the ledger's rows the fingerprints that 0.1.0 would have given them;
        how many there were."""
        loaded = load_manifests([self.folder / MANIFEST])
        digests = check_media(loaded.manifests, 0.0).digests
        known = known_fingerprints(identify(loaded.manifests, digests)).values()
        with closing(sqlite3.connect(self.folder / "reports/ledger.db")) as ledger, ledger:
            return sum(
                ledger.execute(
                    "UPDATE attempts SET fingerprint = ? WHERE fingerprint = ?", (earlier, present)
                ).rowcount
                for present, earlier in known
            )

    def actions(self) -> dict[str, str]:
        return {name: job["action"] for name, job in self.plan().items()}


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Any:
    with Loopback() as gateway:
        yield Project(tmp_path, gateway)


def bought(project: Project) -> list[str]:
    return [post["prompt"] for post in project.gateway.posts]


def test_the_upgrade_buys_nothing(project: Project) -> None:
    videos = sorted(p.name for p in (project.folder / "reports/old/videos").glob("*.mp4"))
    planned = project.plan()
    assert len(planned) == JOBS
    assert {job["action"] for job in planned.values()} == {"reuse"}
    assert {job["reason"] for job in planned.values()} == {"up to date"}
    done = project.call("run", "--yes")
    assert (done.returncode, project.gateway.posts) == (0, []), done.stderr
    kept = sorted(p.name for p in (project.folder / "reports/old/videos").glob("*.mp4"))
    assert kept == videos, "the videos keep their names"


def test_a_new_signature_buys_nothing_though_0_1_0_did_not_know_its_name(project: Project) -> None:
    project.edit("OLDSIGNATURE", "NEWSIGNATURE")
    project.edit("OLDKEY", "NEWKEY")
    project.edit(AUTH, "auth_key=1800000000-7-1-fedcba9876543210fedcba9876543210")
    assert set(project.actions().values()) == {"reuse"}
    done = project.call("run", "--yes")
    assert (done.returncode, project.gateway.posts) == (0, []), done.stderr


def test_what_only_looks_signed_is_asked_about_and_not_bought(project: Project) -> None:
    project.edit(KEPT, KEPT[::-1])
    planned = project.plan()
    assert {n: j["action"] for n, j in planned.items() if j["action"] != "reuse"} == {
        "looks": "ask"
    }
    assert "identity: []" in planned["looks"]["reason"]
    done = project.call("run", "--yes")
    assert (done.returncode, project.gateway.posts) == (1, []), done.stderr


@pytest.mark.parametrize("named", ["[]", "[id]"])
def test_saying_which_parameters_count_finds_what_was_bought(project: Project, named: str) -> None:
    url = f'"https://pictures.test/d.png?id=7&k={KEPT}"'
    project.edit(url, f"{{url: {url.replace(KEPT, KEPT[::-1])}, identity: {named}}}")
    assert set(project.actions().values()) == {"reuse"}
    assert project.call("run", "--yes").returncode == 0
    assert project.gateway.posts == []


def test_another_picture_is_bought(project: Project) -> None:
    url = f'"https://pictures.test/d.png?id=7&k={KEPT}"'
    project.edit(url, f"{{url: {url.replace('id=7', 'id=8')}, identity: [id]}}")
    project.edit("e.png?v=3", "e.png?v=4")
    assert project.call("run", "--yes").returncode == 0
    assert sorted(bought(project)) == ["A plain query", "Looks signed"]


def test_trimming_what_is_trimmed_anyway_buys_nothing(project: Project) -> None:
    """The texts lose the white space that 0.1.0 sent; the chains that hang on them stay
    known."""
    project.edit("    prompt: |\n      It goes on", "    prompt: |-\n      It goes on")
    project.edit("    prompt: |\n      A harbour", "    prompt: |-\n      A harbour")
    project.edit('"And on "', '" And on"')
    (project.folder / "shots.csv").write_text("shot,text\none,a boat\ntwo,a gull\nthree,a pier\n")
    (project.folder / "prompt.txt").write_text("A harbour from a file.")
    assert set(project.actions().values()) == {"reuse"}
    assert project.call("run", "--yes").returncode == 0
    assert project.gateway.posts == []


def test_a_job_that_is_equal_but_for_white_space_shares_what_was_bought(project: Project) -> None:
    project.edit(
        "  - id: plain\n",
        '  - id: twin\n    seed_key: plain\n    prompt: "Nothing at its ends\\n"\n  - id: plain\n',
    )
    assert project.plan()["twin"]["action"] == "reuse"
    assert project.call("run", "--yes").returncode == 0
    assert project.gateway.posts == []


def test_a_lost_video_of_0_1_0_does_not_lose_its_chain(project: Project) -> None:
    """The upstream's file is gone and no longer to be had: asked about, and nothing is
    bought for it."""
    next((project.folder / "reports/old/videos").glob("literal.*")).unlink()
    assert "generate" not in project.actions().values()


def test_what_0_1_0_left_running_comes_home_and_its_chain_goes_on(project: Project) -> None:
    """Tasks under way are the present jobs', though their rows have fingerprints of the
    earlier rule."""
    shutil.rmtree(project.folder / "reports")
    project.gateway.ready = False
    assert project.call("run", "--yes", "--wait", "2", "--max-in-flight", "50").returncode == 1
    begun = bought(project)
    assert {"Signed by a known name", "A harbour at dawn.\nBoats leave."} <= set(begun)
    assert project.rename_to_rule_1() == len(begun)
    assert {job["action"] for job in project.plan().values()} == {"resume", "generate"}
    project.gateway.ready = True
    done = project.call("run", "--yes")
    assert done.returncode == 0, done.stderr
    assert len(bought(project)) == JOBS
    names = {path.name.split(".")[0] for path in project.folder.glob("reports/old/videos/*.mp4")}
    assert {"literal", "auth-key", "still", "still-of-still"} <= names
