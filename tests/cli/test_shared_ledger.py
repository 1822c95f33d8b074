"""Several machines and one ledger, with the real command against a real S3 server: what
one has bought no other buys, by the gateway's own books.

Each machine is a project folder of its own with the same manifest and configuration; a
machine that dies is a process that is killed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from field.scripted import Project, ScriptedGateway
from shared_team import Team
from stores.faulty_proxy import FaultyProxy
from stores.s3_server import S3Server, started_s3

NUMBERS = count()
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with started_s3() as server:
        yield server


@pytest.fixture
def gateway():
    with ScriptedGateway() as gateway:
        yield gateway


@pytest.fixture
def team(tmp_path, server, gateway) -> Team:
    return Team(tmp_path, server, gateway, f"team-{next(NUMBERS)}")


def test_what_one_machine_bought_no_other_buys(team, gateway):
    first, second = team.machine("laptop"), team.machine("runner")
    done = first.run()
    assert (done.returncode, len(gateway.posts)) == (0, 2), done.stderr
    assert not (first.folder / "reports/ledger.db").exists(), "there is one ledger"
    planned = second.call("plan", second.manifest.name, "--backend", "rough")
    assert "2 up to date" in planned.stderr, "the store of the videos has them"
    shown = second.call("report", second.manifest.name, "--backend", "rough")
    assert shown.returncode == 0, shown.stderr
    assert second.states() == ["done"] * 2
    assert not (second.folder / "reports/ledger.db").exists()
    again = second.run()
    assert (again.returncode, len(gateway.posts)) == (0, 2), again.stderr
    second.write(jobs=3)
    more = second.run()
    assert (more.returncode, len(gateway.posts)) == (0, 3), more.stderr
    first.write(jobs=3)
    assert first.run().returncode == 0
    assert len(gateway.posts) == 3
    assert "Shared ledger s3://" in first.status()
    assert ": free." in first.status()


def test_a_local_ledger_is_taken_up_before_anything_is_bought(team, gateway):
    alone = Project(team.folder / "laptop", gateway, jobs=2)
    assert alone.run().returncode == 0
    machine = team.machine("laptop", jobs=2)
    for command in ("plan", "status"):
        seen = machine.call(command, machine.manifest.name, "--backend", "rough").stderr
        assert "elsewhere" not in seen
        assert "--regenerate" not in seen
    done = machine.run()
    assert (done.returncode, len(gateway.posts)) == (0, 2), done.stderr
    other = team.machine("runner")
    asked = gateway.asked.copy()
    assert other.run().returncode == 0
    home = other.call("fetch", other.manifest.name, "--backend", "rough", "--store")
    assert (home.returncode, len(other.videos())) == (0, 2), home.stderr
    assert not (other.folder / "reports/ledger.db").exists()
    assert other.run().returncode == 0
    assert len(gateway.posts) == 2
    assert gateway.asked == asked, "the videos were brought into the store: nothing is asked for"


def test_a_silent_store_sends_nothing_and_shows_what_was_known(team, gateway, server):
    with FaultyProxy(server.url) as proxy:
        machine = team.machine("laptop", endpoint=proxy.url)
        assert machine.run().returncode == 0
        proxy.add(do="refuse", times=0)
        seen = machine.status()
        assert "does not answer: as of " in seen
        assert "2 done" in seen or "done" in seen


def test_a_fetch_needs_no_lease(team, gateway):
    """The owner works on; another machine brings a video home meanwhile, and what it
    learnt is known to the next owner."""
    gateway.scripts["poll"] = lambda task, n: gateway.running(task)
    owner, helper = team.machine("laptop", jobs=1), team.machine("runner", jobs=1)
    with owner.running() as process:
        while not gateway.posts:
            time.sleep(0.05)
        assert ": held by " in helper.status()
        gateway.scripts["poll"] = lambda task, n: gateway.completed(task)
        done = helper.fetch()
        assert done.returncode == 0, done.stderr
        process.kill()
    again = helper.run()
    assert (again.returncode, len(gateway.posts)) == (0, 1), again.stderr


def test_a_plan_is_begun_in_the_ledger_that_all_share(team, gateway):
    """No folder here is a repository: no ref is needed, and any machine goes on."""
    one, other = team.machine("laptop"), team.machine("runner")
    words = ("ledger", "begin", "d" * 64, "--backend", "rough")
    for machine, said in ((one, ": begun."), (other, ": begun before, by this ledger.")):
        done = machine.call(*words)
        assert (done.returncode, done.stderr) == (0, f"Plan {'d' * 12}{said}\n")
        assert not (machine.folder / "reports/ledger.db").exists()
    assert one.run().returncode == 0
    assert other.call(*words).stderr.endswith("by this ledger.\n")
    assert len(gateway.posts) == 2
    alone = one.call("ledger", "begin", "d" * 64, "--backend", "emulator")
    assert alone.returncode == 4
    assert "git ls-remote failed" in alone.stderr


def test_what_a_dead_runner_bought_is_fetched_by_the_follow_up(team, gateway):
    """The runner died before it saved anything: the disk of the next one is empty."""
    later = team.machine("runner", jobs=1)
    step = [sys.executable, str(ROOT / "action/follow_up.py")]
    outputs = later.folder / "outputs"
    given = {
        "INPUT_FILES": later.manifest.name,
        "INPUT_OUTPUT": "reports",
        "INPUT_BACKEND": "rough",
        "INPUT_WAIT": "30",
        "GITHUB_OUTPUT": str(outputs),
        "PYTHONPATH": str(ROOT),
    }

    def follow():
        environ = {**later.environ, **given}
        return subprocess.run(
            step, cwd=later.folder, env=environ, text=True, capture_output=True, check=False
        )

    nothing = follow()
    assert nothing.returncode == 0, nothing.stderr
    assert "Nothing was bought" in nothing.stdout
    assert not (later.folder / "reports").exists()
    gateway.scripts["poll"] = lambda task, n: gateway.running(task)
    with team.machine("dies", jobs=1).running() as process:
        while not any(kind == "poll" for kind, _ in gateway.asked):  # it knows its task
            time.sleep(0.05)
        gateway.scripts["poll"] = lambda task, n: gateway.completed(task)
        process.kill()
    done = follow()
    assert (done.returncode, len(gateway.posts)) == (0, 1), done.stderr
    assert "1 done" in done.stderr
    assert "exit-code<<" in outputs.read_text()
