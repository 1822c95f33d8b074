"""The action, step by step as a runner takes them, on a real git remote, a forge on
loopback and an API with books of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ci.forge import TOKEN, Forge
from ci.runner import Outcome, Runner
from scene import FILE, KEY, Scene

HEAD = "a" * 40
PULL: dict[str, Any] = {"number": 5, "head": {"sha": HEAD, "repo": {"id": 7}}}


class Project:
    """A repository with its remote, its forge and its API; each job has a fresh
    checkout, as a runner's disk is new."""

    def __init__(self, folder: Path, scene: Scene, forge: Forge) -> None:
        self.folder, self.scene, self.forge, self.jobs = folder, scene, forge, 0
        self.remote = folder / "remote.git"
        subprocess.run(("git", "init", "-q", "--bare", "-b", "main", self.remote), check=True)
        first = scene.folder
        git(first, "init", "-q", "-b", "main")
        git(first, "remote", "add", "origin", str(self.remote))
        (first / ".gitignore").write_text("reports/\n")
        self.commit("first")

    def commit(self, message: str) -> str:
        first = self.scene.folder
        git(first, "add", "-A")
        git(first, "commit", "-q", "-m", message)
        git(first, "push", "-q", "origin", "HEAD:main")
        self.sha = git(first, "rev-parse", "HEAD")
        return self.sha

    def edit(self, old: str, new: str) -> None:
        path = self.scene.folder / FILE
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def job(self, **more: str) -> Runner:
        """A runner with a fresh checkout of main."""
        self.jobs += 1
        workspace = self.folder / f"job{self.jobs}/checkout"
        subprocess.run(("git", "clone", "-q", self.remote, workspace), check=True)
        environ = self.scene.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | more
        return Runner(
            self.folder / f"job{self.jobs}/temp",
            workspace,
            self.forge,
            Path(sys.executable),
            environ,
        )

    # -- the three modes ---------------------------------------------------------------

    def plan(self, *, fork: bool = False, head: str = HEAD) -> Outcome:
        pull = {"number": 5, "head": {"sha": head, "repo": {"id": 8 if fork else 7}}}
        return self.job().use(
            "pull_request",
            run_id=100 + self.jobs,
            sha=self.sha,
            ref="refs/pull/5/merge",
            pull=pull,
            fork=fork,
            mode="plan",
            backend="rough",
        )

    def merge(self, head: str = HEAD) -> None:
        self.forge.pulls = [
            {"number": 5, "merged_at": "now", "merge_commit_sha": self.sha, "head": {"sha": head}}
        ]

    def apply(self, event: str = "push", **given: Any) -> Outcome:
        return self.job().use(
            event,
            run_id=200 + self.jobs,
            sha=self.sha,
            mode="apply",
            backend="rough",
            film="false",
            **given,
        )

    def bring_home(self) -> None:
        """Puts the ledger that was saved last into the first checkout, as a person
        would."""
        archive = self.folder / "ledger.zip"
        archive.write_bytes(self.forge.archives[self.ledgers()[-1]["id"]])
        shutil.unpack_archive(archive, self.scene.reports)

    def ledgers(self) -> list[dict[str, Any]]:
        return [a for a in self.forge.artifacts if a["name"] == "wanbatch-ledger"]


def git(folder: Path, *words: str) -> str:
    author = ("-c", "user.name=a", "-c", "user.email=a@invalid")
    done = subprocess.run(
        ("git", *author, *words), cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Scene(tmp_path / "scene", jobs=3) as scene, Forge() as forge:
        yield Project(tmp_path, scene, forge)


def test_check_annotates_a_fork_without_any_secret(project: Project) -> None:
    project.edit("seconds: 2", "seconds: 99")
    project.commit("a mistake")
    pull = {"number": 5, "head": {"sha": HEAD, "repo": {"id": 8}}}
    job = project.job()
    outcome = job.use("pull_request", run_id=1, sha=project.sha, pull=pull, fork=True, mode="check")
    assert outcome.failed
    assert outcome.ran == ["Admit", "Install", "Check"]
    assert f"::error file={FILE},line=7" in outcome.said["Check"]
    assert not project.forge.asked


@pytest.mark.parametrize("mode", ["check", "plan", "apply"])
def test_pull_request_target_is_refused(project: Project, mode: str) -> None:
    outcome = project.job().use(
        "pull_request_target", run_id=1, sha=project.sha, pull=PULL, mode=mode
    )
    assert outcome.failed
    assert outcome.ran == ["Admit"]
    assert "gives a fork's files the rights of this repository" in outcome.said["Admit"]


def test_a_plan_sees_no_key(project: Project) -> None:
    seen: dict[str, str] = {}

    def around(name: str, line: list[str], environ: dict[str, str]) -> int:
        if name == "Plan":  # what the script hands on, told by the command's own environment
            environ["PYTHONPATH"] = f"{project.folder / 'spy'}{os.pathsep}{environ['PYTHONPATH']}"
        return -1

    spy = project.folder / "spy/wanbatch"
    spy.mkdir(parents=True)
    (spy / "__main__.py").write_text(
        f"import json, os; json.dump(dict(os.environ), open({str(project.folder / 'seen')!r}, 'w'))"
    )
    (spy / "__init__.py").write_text("")
    project.job(DASHSCOPE_API_KEY=KEY, AWS_SESSION="x", MY_SECRET_THING=KEY).use(
        "pull_request", run_id=1, sha=project.sha, pull=PULL, mode="plan", around=around
    )
    seen = json.loads((project.folder / "seen").read_text())
    assert KEY not in seen.values()
    assert TOKEN not in seen.values()
    assert "AWS_SESSION" not in seen
    assert "PATH" in seen


def test_one_living_comment(project: Project) -> None:
    somebody = {"id": 1, "body": "<!-- wanbatch:wanbatch -->\nmine", "user": {"type": "User"}}
    project.forge.comments = [somebody]
    first = project.plan()
    assert not first.failed, first.said
    digest = first.outputs["digest"]
    assert len(digest) == 64
    project.edit("A harbour", "A harbour at night")
    project.commit("night")
    second = project.plan(head="b" * 40)
    assert second.outputs["digest"] != digest
    assert len(project.forge.comments) == 2
    assert project.forge.comments[0] is somebody
    assert somebody["body"].endswith("mine")  # type: ignore[attr-defined]
    body = project.forge.comments[1]["body"]
    assert second.outputs["digest"] in body
    assert digest not in body
    assert "3 to generate" in body
    assert {a["name"] for a in project.forge.artifacts} == {
        f"wanbatch-plan-{HEAD}",
        f"wanbatch-plan-{'b' * 40}",
    }
    assert "3 to generate" in second.summary


def test_a_plan_that_cannot_be_made_replaces_the_older_words(project: Project) -> None:
    project.plan()
    project.edit("seconds: 2", "seconds: 99")
    project.commit("a mistake")
    outcome = project.plan(head="b" * 40)
    assert outcome.failed
    (comment,) = project.forge.comments
    assert "**No plan could be made** (exit code 2)." in comment["body"]
    assert "digest" not in comment["body"]
    assert len(project.forge.artifacts) == 1


def test_a_forks_plan_is_shown_on_the_jobs_page_alone(project: Project) -> None:
    project.forge.may_write = False
    outcome = project.plan(fork=True)
    assert not outcome.failed, outcome.said
    assert not project.forge.comments
    assert "the token may not comment here" in outcome.said["Comment"]
    assert "3 to generate" in outcome.summary


def test_what_was_approved_is_bought_once(project: Project) -> None:
    """The merge buys; a second run of the same job, and the job on a schedule, buy
    nothing."""
    project.plan()
    project.merge()
    outcome = project.apply(lock="commit")
    assert not outcome.failed, outcome.said
    assert project.scene.charges() == 3
    assert outcome.outputs["exit-code"] == "0"
    names = {a["name"] for a in project.forge.artifacts}
    assert {"wanbatch-ledger", "wanbatch-report"} <= names
    lock = json.loads(git(project.remote, "show", "main:scene.lock.json"))
    assert len(lock["jobs"]) == 3
    assert git(project.remote, "log", "-1", "--format=%s", "main").endswith("[skip ci]")

    again = project.apply()
    assert not again.failed, again.said
    assert "begun before, by this ledger" in again.said["Apply"]
    later = project.apply("schedule")
    assert not later.failed, later.said
    assert later.conclusions["Apply"] == "skipped"
    assert project.scene.charges() == 3
    assert not any(
        KEY in text or TOKEN in text for o in (outcome, again) for text in o.said.values()
    )


def test_a_ledger_that_was_lost_buys_nothing(project: Project) -> None:
    """The runner died with its disk; whatever plan comes next, it ends with 3."""
    project.plan()
    project.merge()
    project.apply()
    project.forge.artifacts = [a for a in project.forge.artifacts if "plan" in a["name"]]
    outcome = project.apply()
    assert outcome.failed
    assert outcome.outputs["exit-code"] == "3"
    assert "1 plan was begun by a ledger that is not this one" in outcome.said["Apply"]
    project.edit("count: 3", "count: 4")
    project.commit("one more")
    project.plan(head="c" * 40)
    project.merge("c" * 40)
    assert project.apply().outputs["exit-code"] == "3"
    assert project.scene.charges() == 3


def test_a_stale_plan_buys_nothing(project: Project) -> None:
    project.plan()
    project.edit("A harbour", "Another harbour")
    project.commit("slipped in")
    project.merge()
    outcome = project.apply()
    assert outcome.outputs["exit-code"] == "3"
    assert project.scene.charges() == 0


def test_a_digest_in_a_comment_is_not_listened_to(project: Project) -> None:
    project.plan()
    artifact = project.forge.artifacts[0]
    project.forge.comments[0]["body"] += "digest `" + "f" * 64 + "`"
    project.merge()
    outcome = project.apply()
    assert not outcome.failed, outcome.said
    assert artifact["name"] == f"wanbatch-plan-{HEAD}"
    assert "f" * 64 not in "".join(outcome.said.values())


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("fork", "the plan of pull request 5 was made by a fork's run; nothing was sent"),
        ("gone", "pull request 5 has no plan of its last commit aaaaaaaaaaaa, or it has expired"),
        ("direct", "was merged by no pull request: nobody has approved a plan of it"),
        ("push", "the plan of pull request 5 was made by a fork's run; nothing was sent"),
    ],
)
def test_without_an_approved_plan_nothing_is_bought(project: Project, case: str, said: str) -> None:
    project.plan(fork=case == "fork")
    project.merge()
    if case == "gone":
        project.forge.artifacts[0]["expired"] = True
    if case == "direct":
        project.forge.pulls[0]["merge_commit_sha"] = "e" * 40
    if case == "push":  # a run of another event had its files from somewhere else
        for run in project.forge.runs.values():
            run["event"] = "workflow_dispatch"
    outcome = project.apply()
    assert outcome.failed
    assert said in outcome.said["Find the approved plan"]
    assert outcome.conclusions["Apply"] == "skipped"
    assert project.scene.charges() == 0


def test_an_artifact_that_is_no_plan_is_refused(project: Project) -> None:
    run = project.forge.run(9, "pull_request", HEAD)
    project.forge.keep(f"wanbatch-plan-{HEAD}", {"../plan.json": b"{}", "plan.json": b"[]"}, run)
    project.merge()
    outcome = project.apply()
    assert "holds no plan (TypeError); nothing was sent" in outcome.said["Find the approved plan"]
    assert project.scene.charges() == 0


def test_a_killed_job_is_continued_with_its_ledger(project: Project) -> None:
    """SIGKILL in the middle: the steps after it save what there is, the next run goes
    on and pays for nothing again."""
    project.plan()
    project.merge()

    def kill(name: str, line: list[str], environ: dict[str, str]) -> int:
        if name != "Apply":
            return -1
        workspace = project.folder / f"job{project.jobs}/checkout"
        process = subprocess.Popen(line, env=environ, cwd=workspace, start_new_session=True)
        deadline = time.monotonic() + 60
        while not project.scene.charges() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return 137

    outcome = project.apply(around=kill)
    assert outcome.failed
    assert "Fetch what still runs" in outcome.ran
    assert project.ledgers()
    again = project.apply()
    project.bring_home()
    assert not project.scene.purchases_without_intent()
    project.scene.decide()  # an intent without an answer is a person's
    assert project.scene.run().returncode == 0
    assert project.scene.charges() == 3, again.said
    assert not project.scene.lost_videos()


def test_a_cancelled_job_brings_home_what_it_paid_for(project: Project) -> None:
    """The forge sends SIGINT to the step alone."""
    project.plan()
    project.merge()

    def cancel(name: str, line: list[str], environ: dict[str, str]) -> int:
        if name != "Apply":
            return -1
        workspace = project.folder / f"job{project.jobs}/checkout"
        process = subprocess.Popen(line, env=environ, cwd=workspace)
        deadline = time.monotonic() + 60
        while project.scene.charges() < 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        return process.wait(60)

    outcome = project.apply(around=cancel)
    assert "Save the ledger" in outcome.ran
    again = project.apply()
    assert again.outputs["exit-code"] == "0", again.said
    assert project.scene.charges() == 3


def test_a_forge_that_stumbles_is_asked_again(project: Project) -> None:
    project.plan()
    project.merge()
    project.forge.stumbles = 2
    assert not project.apply().failed


def test_a_forge_that_is_down_sends_nothing(project: Project) -> None:
    project.plan()
    project.merge()
    project.forge.stumbles = 100
    outcome = project.apply()
    assert outcome.failed
    assert "the forge answered HTTP 502" in outcome.said["Restore the ledger"]
    assert project.scene.charges() == 0


def test_the_token_goes_to_the_api_alone(project: Project) -> None:
    project.plan()
    project.merge()
    project.apply()
    blobs = [token for _, path, token in project.forge.asked if path.startswith("/blob/")]
    assert blobs
    assert not any(blobs)
    assert all(
        token == f"Bearer {TOKEN}"
        for _, path, token in project.forge.asked
        if path.startswith("/repos/")
    )


def test_a_lock_that_may_not_be_pushed_is_a_patch(project: Project) -> None:
    hook = project.remote / "hooks/update"
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ]\n')
    hook.chmod(0o755)
    project.plan()
    project.merge()
    outcome = project.apply(lock="commit")
    assert not outcome.failed, outcome.said
    assert "the lock is offered as a patch" in outcome.said["Settle"]
    report = next(a for a in project.forge.artifacts if a["name"] == "wanbatch-report")
    folder = project.folder / "report"
    folder.mkdir()
    (folder / "all.zip").write_bytes(project.forge.archives[report["id"]])
    shutil.unpack_archive(folder / "all.zip", folder)
    (patch,) = folder.rglob("wanbatch-lock.patch")
    git(project.scene.folder, "apply", str(patch))
    assert (project.scene.folder / "scene.lock.json").is_file()
