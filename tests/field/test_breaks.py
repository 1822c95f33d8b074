"""Attacks on the real command that once got through: purchases that nobody asked for,
videos that were mixed up, texts that led astray. Each is one member of a kind that the
contract names."""

from __future__ import annotations

import pytest
from field.scripted import Answer, Project, ScriptedGateway, video_of


def test_every_failed_task_is_asked_again_before_each_new_attempt(tmp_path):
    """The first turns while the second is out: then the third must not be bought."""
    with ScriptedGateway() as gateway:

        def poll(task, n):
            turned = task == "task_0001" and len(gateway.posts) > 1
            return gateway.completed(task) if turned else gateway.failed(task)

        gateway.scripts["poll"] = poll
        project = Project(tmp_path, gateway, retries=2)
        done = project.run()
        assert done.returncode == 0, done.stderr
        assert len(gateway.posts) == 2
        assert list(project.videos().values()) == [video_of("task_0001")]


@pytest.mark.parametrize("held_back", ["by refusals", "by a full lane"])
def test_a_failed_task_is_asked_again_when_its_retry_had_to_wait(tmp_path, held_back):
    """It turns while the retry waits for its turn: nothing is bought."""
    with ScriptedGateway() as gateway:
        turned_at = []

        def post(task, n):
            refused = held_back == "by refusals" and n in (1, 2)
            if refused and n == 2:
                turned_at.append(n)
            headers = {"retry-after": "11"}
            return Answer(429, {"error": {"message": "rate"}}, headers) if refused else accepted(n)

        def accepted(n):
            return gateway.accepted("task_0001" if n == 0 else "task_0002")

        def poll(task, n):
            if task == "task_0001":
                return gateway.completed(task) if turned_at else gateway.failed(task)
            return gateway.completed(task)

        def slow(task, n):
            """The other job holds the only slot for a while; the first turns
            meanwhile."""
            if task == "task_0001":
                return gateway.completed(task) if turned_at else gateway.failed(task)
            if n > 50:
                turned_at.append(n)
            return gateway.running(task) if n < 70 else gateway.completed(task)

        by_lane = held_back == "by a full lane"
        gateway.scripts["post"] = (lambda task, n: gateway.accepted(task)) if by_lane else post
        gateway.scripts["poll"] = slow if by_lane else poll
        project = Project(tmp_path, gateway, jobs=1 + by_lane, retries=1)
        if by_lane:
            config = project.config.read_text().replace("max_in_flight = 10", "max_in_flight = 1")
            project.config.write_text(config)
        done = project.run(wait=90)
        assert done.returncode == 0, done.stderr
        assert len({row["task_id"] for row in project.rows() if row["task_id"]}) == 1 + by_lane


def _stock(task, link):
    inner = {"status": "succeeded", "content": {"video_url": link}}
    return {"code": "success", "data": {"task_id": task, "status": "SUCCESS", "data": inner}}


def _bare(task, link):
    inner = {"status": "succeeded", "video_url": link}
    return {"data": [{"task_id": task, "result": inner}]}


@pytest.mark.parametrize("shape", [_stock, _bare])
def test_an_answer_whose_outer_object_names_another_task_is_not_taken(tmp_path, shape):
    """A cache gives the first task's answer to a question about the second."""
    with ScriptedGateway() as gateway:

        def poll(task, n):
            told = "task_0001" if n == 0 else task
            return Answer(200, shape(told, f"{gateway.address}/link/{told}.mp4"))

        gateway.scripts["poll"] = poll
        project = Project(tmp_path, gateway, jobs=2)
        done = project.run()
        assert done.returncode == 0, done.stderr
        assert set(project.videos().values()) == {video_of("task_0001"), video_of("task_0002")}


@pytest.mark.parametrize("flag", ["--retry-failed", "--regenerate"])
def test_the_command_that_resumes_asks_for_no_purchase_again(tmp_path, flag):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.failed(task)
        project = Project(tmp_path, gateway)
        project.run()
        gateway.scripts["poll"] = lambda task, n: (
            gateway.failed(task) if task == "task_0001" else gateway.running(task)
        )
        again = project.run(flag, wait=2)
        assert "Continue with: wanbatch run" in again.stderr
        assert flag not in again.stderr


CLOCK = """
import os, time
real, ahead_s = time.time, float(os.environ["AHEAD_S"])
time.time = lambda: real() + ahead_s
"""


def test_a_failed_task_is_asked_again_though_this_machines_clock_was_set_ahead(tmp_path):
    """By the new clock the failure is two days old; the provider knows better."""
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.failed(task)
        project = Project(tmp_path, gateway)
        assert project.run().returncode == 1
        gateway.scripts["poll"] = lambda task, n: gateway.completed(task)
        (tmp_path / "clock").mkdir()
        (tmp_path / "clock/sitecustomize.py").write_text(CLOCK)
        words = ("--backend", "rough", "--yes", "--wait", "20", "--retry-failed")
        again = project.call(
            *("run", project.manifest.name, *words),
            PYTHONPATH=str(tmp_path / "clock"),
            AHEAD_S="172800",
        )
        assert again.returncode == 0, again.stderr
        assert len(gateway.posts) == 1
