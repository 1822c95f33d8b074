"""Attacks on the real command that once got through: purchases that nobody asked for, videos that
were mixed up, texts that led astray. Each is one member of a kind that the contract names."""

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
