"""On which events a mode may work: no fork's files get a secret, and only what was
merged buys."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def load(path: Path) -> ModuleType:
    """A script of the action. Its folder stays out of the path: ``plan`` is a room of
    the tests."""
    spec = importlib.util.spec_from_file_location("admit", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


admit = load(ROOT / "action/admit.py")
REPOSITORY = {"default_branch": "main", "id": 7}


def pull(head_repository: int = 7) -> dict[str, object]:
    return {
        "repository": REPOSITORY,
        "pull_request": {"number": 5, "head": {"sha": "h" * 40, "repo": {"id": head_repository}}},
    }


@pytest.mark.parametrize("mode", admit.MODES)
@pytest.mark.parametrize("event", admit.REFUSED)
def test_what_gives_a_fork_our_rights_is_refused_in_every_mode(mode: str, event: str) -> None:
    with pytest.raises(admit.Refusal) as caught:
        admit.admit(mode, event, "refs/heads/main", "s" * 40, pull())
    assert caught.value.code == 3
    assert caught.value.what == f"'{event}' gives a fork's files the rights of this repository"
    assert (
        caught.value.instead
        == "use 'on: pull_request' for check and plan, and 'on: push' for apply"
    )


@pytest.mark.parametrize("event", ["pull_request", "merge_group", "create", "release"])
def test_apply_works_on_no_event_before_the_merge(event: str) -> None:
    with pytest.raises(admit.Refusal) as caught:
        admit.admit("apply", event, "refs/heads/main", "s" * 40, pull())
    assert caught.value.code == 3
    assert f"'{event}' may run before anything was approved" in caught.value.what


@pytest.mark.parametrize("ref", ["refs/heads/feature", "refs/tags/main", "refs/pull/5/merge", ""])
def test_apply_works_on_the_default_branch_alone(ref: str) -> None:
    with pytest.raises(admit.Refusal) as caught:
        admit.admit("apply", "push", ref, "s" * 40, {"repository": REPOSITORY})
    assert caught.value.what == f"apply works on the default branch alone (main), not on {ref}"
    assert caught.value.instead == "write 'on: {push: {branches: [main]}}'"


def test_an_event_without_a_default_branch_applies_nothing() -> None:
    with pytest.raises(admit.Refusal):
        admit.admit("apply", "push", "refs/heads/", "s" * 40, {"repository": {}})


def test_an_unknown_mode_is_told() -> None:
    with pytest.raises(admit.Refusal) as caught:
        admit.admit("aply", "push", "refs/heads/main", "s", {})
    assert (caught.value.code, caught.value.what) == (
        2,
        "mode 'aply' is none of check, plan, apply",
    )


def test_a_plan_belongs_to_the_last_commit_of_the_pull_request() -> None:
    found = admit.admit("plan", "pull_request", "refs/pull/5/merge", "m" * 40, pull())
    assert found == {"task": "plan", "head_sha": "h" * 40, "number": "5", "from_fork": "false"}


def test_a_fork_is_told_from_a_branch() -> None:
    found = admit.admit("check", "pull_request", "refs/pull/5/merge", "m" * 40, pull(8))
    assert found["from_fork"] == "true"
    gone = {"repository": REPOSITORY, "pull_request": {"number": 5, "head": {"repo": None}}}
    assert admit.admit("check", "pull_request", "", "m", gone)["from_fork"] == "true"


def test_a_schedule_fetches_and_buys_nothing() -> None:
    event = {"repository": REPOSITORY}
    assert admit.admit("apply", "schedule", "refs/heads/main", "s", event)["task"] == "fetch"
    assert admit.admit("apply", "push", "refs/heads/main", "s", event)["task"] == "apply"


def test_the_first_step_needs_nothing_but_python() -> None:
    """Nothing is installed when it runs."""
    tree = ast.parse((ROOT / "action/admit.py").read_text())
    names = [n.names[0].name for n in ast.walk(tree) if isinstance(n, ast.Import)]
    names += [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_no_value_of_an_event_stands_inside_a_script() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    steps = action["runs"]["steps"]
    assert all("${{" not in step.get("run", "") for step in steps)
    assert any("run" in step for step in steps)


def test_the_steps_say_what_they_are_for() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert all(one["description"] for one in action["inputs"].values())
    assert all(one["description"] for one in action["outputs"].values())


def test_the_scripts_are_sound_shell() -> None:
    for script in (ROOT / "action").glob("*.sh"):
        subprocess.run(("bash", "-n", script), check=True)
