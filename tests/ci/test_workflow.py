"""The workflow that people copy: what it may, and what it never does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "examples/ci/wanbatch.yml").read_text(encoding="utf-8")
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
JOBS: dict[str, Any] = WORKFLOW["jobs"]
INPUTS = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]


def uses(job: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in job["steps"] if "wanbatch/wanbatch" in step["uses"]]


def test_each_mode_is_used_once_with_inputs_that_exist() -> None:
    steps = [step for job in JOBS.values() for step in uses(job)]
    assert sorted(step["with"]["mode"] for step in steps) == ["apply", "check", "plan"]
    assert all(step["with"].keys() <= INPUTS.keys() for step in steps)


def test_it_runs_on_no_event_that_gives_a_fork_our_rights() -> None:
    assert set(WORKFLOW[True]) == {"pull_request", "push", "schedule"}  # YAML 1.1 reads `on` so


def test_a_secret_stands_in_the_step_that_buys_and_nowhere_else() -> None:
    assert TEXT.count("secrets.") == 1
    (apply,) = uses(JOBS["apply"])
    assert "secrets." in str(apply["env"])
    assert JOBS["apply"]["if"] == "github.event_name != 'pull_request'"


def test_the_plan_knows_the_address_that_the_purchase_goes_to() -> None:
    """A plan without it is stale as soon as there is one."""
    (plan,), (apply,) = uses(JOBS["plan"]), uses(JOBS["apply"])
    assert plan["env"] == {k: v for k, v in apply["env"].items() if "secrets." not in v}
    assert "environment" not in JOBS["plan"], "so the variable is the repository's"


def test_what_buys_is_never_stopped_by_the_next() -> None:
    groups = {name: job.get("concurrency") for name, job in JOBS.items()}
    assert groups == {
        "check": None,
        "plan": None,
        "apply": {"group": "wanbatch", "cancel-in-progress": False},
    }


def test_no_job_may_more_than_it_needs() -> None:
    assert WORKFLOW["permissions"] == {}
    writes = {
        (name, what)
        for name, job in JOBS.items()
        for what, right in job["permissions"].items()
        if right == "write"
    }
    assert writes == {("plan", "pull-requests"), ("apply", "contents")}


def test_foreign_actions_are_named_by_their_commit() -> None:
    named = {step["uses"] for job in JOBS.values() for step in job["steps"]}
    foreign = {name for name in named if not name.startswith("wanbatch/")}
    assert foreign
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", name) for name in foreign)
