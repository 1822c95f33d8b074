"""What a run and a fetch say when they end, and whether it can be acted on: the real
command."""

from __future__ import annotations

import shlex
import signal
import subprocess

import command
import pytest
from field.scripted import Answer, Project, ScriptedGateway

PAGE = b"<html><title>Access denied</title></html>"
HTML = {"content-type": "text/html"}


def start(project, *words):
    return subprocess.Popen(
        command.line(*words),
        cwd=project.folder,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupt(project, gateway, *words, number=signal.SIGINT):
    """A run that is stopped once all is bought and nothing is made; returns what it
    said."""
    process = start(project, "run", "scene.wanbatch.yaml", "--backend", "rough", "--yes", *words)
    polled = lambda: sum(kind == "poll" for kind, _ in gateway.seen)  # noqa: E731
    while polled() < 3:
        assert process.poll() is None, process.communicate()[1]
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == (130 if number == signal.SIGINT else 143), said
    return said


@pytest.fixture
def gateway():
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, _: gateway.running(task)
        yield gateway


@pytest.fixture
def project(tmp_path, gateway):
    return Project(tmp_path / "project", gateway, jobs=3)


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_what_is_held_back(project, gateway, number, quiet):
    said = interrupt(project, gateway, *(["-q"] if quiet else []), number=number)
    assert "spent $0.00" not in said
    assert "Continue with: wanbatch run scene.wanbatch.yaml --backend rough --yes" in said
    assert quiet or "$0.60 held back for 3 videos under way; took " in said


def test_a_resumed_run_says_what_it_cost_and_where_time_went(project, gateway):
    interrupt(project, gateway)
    gateway.scripts["poll"] = lambda task, _: gateway.completed(task)
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert "spent $0.60, $0.60 of it bought by an earlier run; took " in done.stderr
    assert "summed over 3 videos: submitting " in done.stderr
    project.write(jobs=4)
    more = project.run()
    assert "spent $0.20; took " in more.stderr
    assert "earlier" not in more.stderr
    again = project.run()
    assert "spent" not in again.stderr


def test_a_run_that_waits_no_longer_says_what_is_held_back(project, gateway):
    done = project.run(wait=0.5)
    assert done.returncode == 1
    assert "$0.60 held back for 3 videos under way; took " in done.stderr
    assert "spent" not in done.stderr


# -- fetch -----------------------------------------------------------------------------


def test_fetch_speaks_of_fetching_alone(project, gateway):
    interrupt(project, gateway)
    project.write(jobs=5)
    gateway.scripts["poll"] = lambda task, _: gateway.completed(task)
    done = project.fetch()
    assert done.returncode == 1, done.stderr  # two jobs were never bought
    assert "Fetch: 3 videos that were paid for." in done.stderr
    assert "fetched 3 videos; took " in done.stderr
    assert "generat" not in done.stderr
    assert "Continue with" not in done.stderr
    assert "Never bought: 2 jobs; a run buys: wanbatch run scene.wanbatch.yaml" in done.stderr
    assert len(gateway.posts) == 3


@pytest.mark.parametrize("words", [(), ("-v",), ("-q",)])
def test_fetch_asks_for_nothing_where_there_is_nothing_to_fetch(project, gateway, words):
    done = project.fetch(*words)
    assert done.returncode == 1
    assert "Nothing to fetch" in done.stderr or "-q" in words
    assert "Continue with" not in done.stderr
    assert "generat" not in done.stderr
    assert not gateway.seen


def test_fetch_goes_on_while_something_is_under_way(project, gateway):
    interrupt(project, gateway)
    done = project.fetch("-v", wait=0.5)
    assert done.returncode == 1, done.stderr
    assert "fetched nothing, $0.60 held back for 3 videos under way; took " in done.stderr
    assert "Continue with: wanbatch fetch scene.wanbatch.yaml --backend rough" in done.stderr
    assert "generat" not in done.stderr
    assert "No new jobs" not in done.stderr


def test_fetch_goes_on_for_what_the_manifest_no_longer_names(project, gateway):
    interrupt(project, gateway)
    project.write(jobs=3, prompt="Another harbour")
    done = project.fetch(wait=0.5)
    assert "Fetch: 3 videos that were paid for." in done.stderr
    assert "Continue with: wanbatch fetch" in done.stderr


def test_a_complete_fetch_ends_with_0(project, gateway):
    interrupt(project, gateway)
    gateway.scripts["poll"] = lambda task, _: gateway.completed(task)
    assert project.fetch().returncode == 0
    again = project.fetch()
    assert again.returncode == 0
    assert "Nothing to fetch" in again.stderr


def test_fetch_says_that_it_asks_failed_tasks_once_more(project, gateway):
    gateway.scripts["poll"] = lambda task, _: gateway.failed(task)
    project.run()
    gateway.scripts["poll"] = lambda task, _: gateway.completed(task)
    done = project.fetch()
    assert done.returncode == 0, done.stderr
    assert "Nothing is under way: asking 3 failed tasks once more." in done.stderr
    assert "Nothing to fetch" not in done.stderr
    assert "[3/3] done" in done.stderr
    assert "/0]" not in done.stderr


# -- hints -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "help_"),
    [
        (Answer(401, {"error": {"code": "invalid_api_key", "message": "no"}}), "key"),
        (Answer(401, PAGE, HTML), "key"),
        (Answer(402, PAGE, HTML), ""),
        (Answer(403, PAGE, HTML), ""),
        (
            Answer(429, {"code": "Throttling.AllocationQuota", "message": "used up"}),
            "raise the quota or settle the bill",
        ),
        (Answer(400, {"code": "Arrearage", "message": "overdue"}), ""),
        (Answer(503, {"error": {"code": "model_not_found", "message": "no channel"}}), ""),
        (Answer(303, b"", {"location": "/elsewhere"}), "base URL"),
        (Answer(307, b"", {"location": "/elsewhere"}), "base URL"),
        (Answer(308, b"", {"location": "https://elsewhere.example"}), "base URL"),
    ],
)
@pytest.mark.parametrize("words", [(), ("-q",)])
def test_what_stops_a_run_comes_with_the_way_out(project, gateway, answer, help_, words):
    gateway.scripts["post"] = lambda task, _: answer
    done = project.run(*words)
    assert done.returncode == 4, done.stderr
    error = done.stderr[done.stderr.index("error: ") :].splitlines()
    assert error[1].startswith("  help: ")
    assert help_ in error[1]
    assert len(gateway.posts) == 1


# -- commands that are printed ---------------------------------------------------------


def test_what_was_authorised_is_not_said_again(project, gateway):
    gateway.scripts["poll"] = lambda task, _: gateway.failed(task, "DataInspectionFailed")
    assert project.run().returncode == 1
    gateway.scripts["poll"] = lambda task, _: gateway.running(task)
    done = project.run("--retry-failed", wait=0.5)
    assert "Continue with: " in done.stderr
    assert "--retry-failed" not in done.stderr[done.stderr.index("Continue with: ") :]


def test_a_job_that_waits_for_a_person_comes_with_the_command(project, gateway):
    gateway.scripts["post"] = lambda task, n: Answer(0) if n == 1 else gateway.accepted(task)
    gateway.scripts["poll"] = lambda task, _: gateway.completed(task)
    done = project.run("--output", "out")
    assert done.returncode == 1, done.stderr
    (help_,) = [line for line in done.stderr.splitlines() if "help: wanbatch resolve" in line]
    told = project.call(*shlex.split(help_.partition("wanbatch ")[2]))
    assert told.returncode == 0, told.stderr
    assert "is uncertain" in told.stderr
    status = project.call("status", "scene.wanbatch.yaml", "--backend", "rough", "--output", "out")
    assert help_ in status.stderr


def test_status_says_how_to_fetch_what_is_under_way(project, gateway):
    interrupt(project, gateway)
    words = ("scene.wanbatch.yaml", "--backend", "rough")
    told = "Fetch with: wanbatch fetch scene.wanbatch.yaml --backend rough\n"
    assert told in project.call("status", *words).stderr
    gateway.scripts["poll"] = lambda task, _: gateway.completed(task)
    assert project.fetch().returncode == 0
    assert "Fetch with" not in project.call("status", *words).stderr
