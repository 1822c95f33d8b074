"""Tasks belong to an address, however it is spelled: the real command against a
gateway."""

from __future__ import annotations

import pytest
from field.scripted import CONFIG, Project, ScriptedGateway


@pytest.fixture
def gateway():
    with ScriptedGateway(poll=lambda task, _: gateway_of[0].running(task)) as gateway:
        gateway_of[:] = [gateway]
        yield gateway


gateway_of: list[ScriptedGateway] = []


@pytest.fixture
def project(tmp_path, gateway):
    project = Project(tmp_path / "project", gateway)
    done = project.run(wait=0.5)
    assert done.returncode == 1, done.stderr
    assert len(gateway.posts) == 1
    gateway.scripts["poll"] = lambda task, _: gateway.completed(task)
    return project


def move(project, address):
    project.config.write_text(CONFIG.format(kind="gateway", address=address, more=""))


@pytest.mark.parametrize(
    "spelling",
    ["http://localhost:{port}", "http://LocalHost:{port}/v1/", "http://127.0.0.1:{port}/"],
)
def test_another_spelling_of_the_address_is_the_same_place(project, gateway, spelling):
    move(project, spelling.format(port=gateway.server.server_port))
    plan = project.call("plan", "scene.wanbatch.yaml", "--backend", "rough")
    assert "1 to resume" in plan.stderr
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert len(gateway.posts) == 1
    assert project.states() == ["done"]


def test_another_address_of_the_same_backend_is_told(project, gateway):
    with ScriptedGateway() as other:
        move(project, other.address)
        done = project.run()
        assert done.returncode == 1, done.stderr
        assert not other.posts
        words = f"is running at {gateway.address}, and backend rough is at {other.address} now"
        assert f"it {words}" in done.stderr
        assert f"A task {words}" in done.stderr
        assert "--backend rough to fetch" not in done.stderr
        status = project.call("status", "scene.wanbatch.yaml", "--backend", "rough")
        assert words in status.stderr


def test_a_resolved_id_is_known_under_every_spelling(project, gateway):
    """One task cannot stand for two jobs, whatever the address was called."""
    move(project, f"http://localhost:{gateway.server.server_port}")
    gateway.scripts["post"] = lambda task, _: gateway.accepted("task_0001")
    project.write(jobs=2)
    done = project.run()
    assert done.returncode == 1, done.stderr
    assert sorted(project.states()) == ["done", "uncertain"]
