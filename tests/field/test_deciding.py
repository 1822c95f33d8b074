"""A person's decisions, after names have changed and hands have slipped."""

from __future__ import annotations

import shutil

import pytest
from field.scripted import Answer, Project, ScriptedGateway


@pytest.fixture
def lost(tmp_path):
    """Two jobs; the answer to each POST was lost, and the gateway has both tasks."""
    with ScriptedGateway(post=lambda task, n: Answer(0)) as gateway:
        project = Project(tmp_path, gateway, jobs=2)
        assert project.run().returncode == 1
        assert project.states() == ["uncertain", "uncertain"]
        gateway.scripts["post"] = lambda task, n: gateway.accepted(task)
        yield project


def resolve(project, *words, backend="rough"):
    return project.call("resolve", project.manifest.name, *words, "--backend", backend)


def test_a_wrong_id_is_put_right_while_no_poll_has_confirmed_it(lost):
    gateway = lost.gateway
    known = {"task_0001", "task_0002"}
    gateway.scripts["poll"] = lambda task, n: (
        gateway.completed(task) if task in known else Answer(400, {"code": "task_not_exist"})
    )
    assert resolve(lost, "job[seed=0]", "--adopt", "task_0011").returncode == 0
    lost.fetch(wait=1)
    again = resolve(lost, "job[seed=0]", "--adopt", "task_0001")
    assert again.returncode == 0, again.stderr
    assert lost.fetch(wait=10).returncode == 1
    assert lost.states() == ["done", "uncertain"]
    late = resolve(lost, "job[seed=0]", "--adopt", "task_0003")
    assert late.returncode == 2


def test_once_a_poll_has_confirmed_the_id_it_stands(lost):
    gateway = lost.gateway
    gateway.scripts["poll"] = lambda task, n: gateway.running(task)
    assert resolve(lost, "job[seed=0]", "--adopt", "task_0001").returncode == 0
    lost.fetch(wait=1)
    assert resolve(lost, "job[seed=0]", "--adopt", "task_0009").returncode == 2


@pytest.mark.parametrize("task", ["dGFzayAx/+=" * 18, "a:b/c?d#e%20", "4711"])
def test_any_printable_id_can_be_adopted_and_is_asked_for_as_it_is(lost, task):
    gateway = lost.gateway
    asked = []

    def poll(seen, n):
        asked.append(seen)
        return gateway.running(task, "queued")

    gateway.scripts["poll"] = poll
    taken = resolve(lost, "job[seed=0]", "--adopt", task)
    assert taken.returncode == 0, taken.stderr
    lost.fetch(wait=1)
    from urllib.parse import unquote

    assert {unquote(seen) for seen in asked} == {task}


def test_a_selection_is_decided_by_one_call(lost):
    done = resolve(lost, "--select", "state:uncertain", "--abandon")
    assert done.returncode == 0, done.stderr
    assert "2 jobs, $0.40 in all" in done.stderr
    assert {row["state"] for row in lost.rows()} == {"abandoned"}
    assert resolve(lost, "--select", "state:uncertain", "--adopt", "t").returncode == 2


def test_a_renamed_job_and_a_renamed_manifest_are_found_by_identity(lost):
    text = lost.manifest.read_text()
    lost.manifest.write_text(text.replace("id: job", "id: shot").replace("name: scene", "name: b"))
    named = resolve(lost, "shot[seed=1]", "--resubmit")
    assert named.returncode == 0, named.stderr
    old = resolve(lost, "job[seed=0]", "--abandon")
    assert old.returncode == 0, old.stderr
    assert sorted(row["state"] for row in lost.rows()) == ["abandoned", "planned"]


def test_a_job_that_no_manifest_has_any_more_is_found_by_its_old_name(lost):
    lost.write(jobs=1, prompt="Something else")
    assert resolve(lost, "job[seed=1]", "--abandon").returncode == 0


def test_a_manifest_with_an_error_does_not_stand_in_the_way(lost):
    (lost.folder / "picture.png").unlink()
    assert resolve(lost, "job[seed=1]", "--abandon").returncode == 0


def test_the_realm_is_the_one_that_is_asked_for(lost):
    done = lost.call("run", lost.manifest.name, "--backend", "emulator")
    assert done.returncode == 0, done.stderr
    assert resolve(lost, "job[seed=0]", "--abandon", backend="emulator").returncode == 2
    assert resolve(lost, "job[seed=0]", "--abandon").returncode == 0


def test_what_is_known_is_shown_with_evidence_and_the_ways_out(tmp_path):
    broken = Answer(502, {"message": "upstream said https://x.test/v?sig=SECRET and no more"})
    with ScriptedGateway(post=lambda task, n: broken) as gateway:
        project = Project(tmp_path, gateway)
        project.run()
        shown = resolve(project, "job[seed=0]").stderr
        assert "upstream said https://x.test/v?…" in shown
        assert "SECRET" not in shown
        for way in ("--adopt TASK_ID", "--resubmit", "--abandon"):
            assert way in shown


def test_refused_bytes_of_a_copy_that_went_on_come_with_its_ledger(tmp_path):
    """The task is known here, and only the copy has seen what came of it."""
    junk = Answer(200, b"\0\0\0\x18ftypmp42" + b"\x07" * 4000, {"content-type": "video/mp4"})
    with ScriptedGateway(link=lambda t, n: junk, content=lambda t, n: junk) as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.running(task)
        project = Project(tmp_path / "here", gateway)
        project.run(wait=1)
        shutil.copytree(project.folder, tmp_path / "copy")
        gateway.scripts["poll"] = lambda task, n: gateway.completed(task)
        copy = Project(tmp_path / "copy", gateway)
        copy.fetch(wait=10)
        assert project.call("import", str(copy.folder / "reports")).returncode == 0
        shutil.rmtree(copy.folder)
        taken = resolve(project, "job[seed=0]", "--take")
        assert taken.returncode == 0, taken.stderr
        assert list(project.videos().values()) == [junk.body]
        assert len(gateway.posts) == 1


def test_of_two_copies_that_wait_for_one_task_the_second_does_not_buy_again(tmp_path):
    """It fails; the first copy retries by policy, and the second sees its ledger."""
    with ScriptedGateway(poll=lambda task, n: gateway.running(task)) as gateway:
        project = Project(tmp_path, gateway, retries=1)
        project.run(wait=1)
        shutil.copytree(project.folder / "reports", project.folder / "copy")
        gateway.scripts["poll"] = lambda task, n: (
            gateway.failed(task) if task == "task_0001" else gateway.completed(task)
        )
        assert project.run().returncode == 0
        assert len(gateway.posts) == 2
        assert project.run("--output", "copy").returncode == 1
        assert len(gateway.posts) == 2
        asked = project.run("--output", "copy")
        assert asked.returncode == 3
        assert "the ledger reports/ledger.db has it as stored, task task_0002" in asked.stderr
        assert project.call("import", "reports", "--output", "copy").returncode == 0
        assert project.run("--output", "copy").returncode == 0
        assert len(gateway.posts) == 2


def test_refused_bytes_can_be_taken(tmp_path):
    junk = Answer(200, b"\0\0\0\x18ftypmp42" + b"\x07" * 4000, {"content-type": "video/mp4"})
    with ScriptedGateway(link=lambda t, n: junk, content=lambda t, n: junk) as gateway:
        project = Project(tmp_path, gateway)
        project.run(wait=10)
        assert "--take" in resolve(project, "job[seed=0]").stderr
        taken = resolve(project, "job[seed=0]", "--take")
        assert taken.returncode == 0, taken.stderr
        assert list(project.videos().values()) == [junk.body]
        assert project.run().returncode == 0
        assert len(gateway.posts) == 1
