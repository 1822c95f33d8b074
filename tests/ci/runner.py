"""Runs ``action.yml`` as a forge's runner does: its steps in their order, under their
conditions, with the environment and the files that a runner gives them.

What it may not do: know what a step is for. Of expressions it knows those that the
action uses, and raises for any other.
"""

from __future__ import annotations

import glob
import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ci.forge import OWN_ID, REPOSITORY, TOKEN, Forge, files_below

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
_TOKEN = re.compile(r"\s*(&&|\|\||==|!=|\(|\)|'[^']*'|[\w.\-]+)")


@dataclass
class Outcome:
    """How a job went: what each step said, by name; the conclusion of each by id."""

    said: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    conclusions: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    failed: bool = False


class Runner:
    """One job that uses the action once.

    ``event_name``, ``event``, ``ref``, ``sha`` are what the forge says of the event.
    ``environ`` is the job's environment, with its secrets. ``python`` leads to an
    environment that has wanbatch, in the place of the one that the action installs.
    """

    def __init__(
        self,
        folder: Path,
        workspace: Path,
        forge: Forge,
        python: Path,
        environ: Mapping[str, str],
    ) -> None:
        self.temp, self.workspace, self.forge = folder, workspace, forge
        self.environ = environ
        folder.mkdir(parents=True)
        (folder / "wanbatch/bin").mkdir(parents=True)
        launcher = folder / "wanbatch/bin/python"
        launcher.write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
        launcher.chmod(0o755)

    def use(
        self,
        event_name: str,
        *,
        run_id: int,
        sha: str,
        pull: dict[str, Any] | None = None,
        ref: str = "refs/heads/main",
        fork: bool = False,
        around: Callable[[str, list[str], dict[str, str]], int] | None = None,
        **inputs: str,
    ) -> Outcome:
        """``around`` may start a step in the runner's place."""
        event: dict[str, Any] = {"repository": {"default_branch": "main", "id": OWN_ID}}
        if pull is not None:
            event["pull_request"] = pull
        (self.temp / "event.json").write_text(json.dumps(event))
        branch = "feature" if event_name == "pull_request" else "main"
        head = (pull or {}).get("head", {}).get("sha", sha)
        run = self.forge.run(run_id, event_name, head, fork=fork, branch=branch)
        job = _Job(self, event_name, event, sha, ref, run, inputs, around)
        return job.run()


class _Job:
    def __init__(
        self,
        runner: Runner,
        event_name: str,
        event: dict[str, Any],
        sha: str,
        ref: str,
        run: dict[str, Any],
        inputs: dict[str, str],
        around: Callable[[str, list[str], dict[str, str]], int] | None,
    ) -> None:
        self.runner, self.run_facts, self.around = runner, run, around
        given = {name: str(i.get("default", "")) for name, i in ACTION["inputs"].items()}
        unknown = inputs.keys() - given.keys()
        assert not unknown, unknown
        given |= inputs
        self.steps: dict[str, dict[str, Any]] = {}
        self.failed = False
        github = {"event": event, "sha": sha, "ref": ref, "token": TOKEN, "event_name": event_name}
        self.names: dict[str, Any] = {
            "github": github,
            "runner": {"temp": str(runner.temp)},
            "steps": self.steps,
        }
        self.names["inputs"] = {name: self.fill(value) for name, value in given.items()}
        self.environ = {
            **runner.environ,
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": runner.forge.url,
            "GITHUB_EVENT_NAME": event_name,
            "GITHUB_EVENT_PATH": str(runner.temp / "event.json"),
            "GITHUB_REF": ref,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SHA": sha,
            "GITHUB_STEP_SUMMARY": str(runner.temp / "summary.md"),
            "RUNNER_TEMP": str(runner.temp),
            "WANBATCH_ACTION_PAUSE_S": "0.01",
        }

    def run(self) -> Outcome:
        outcome = Outcome()
        (self.runner.temp / "summary.md").write_text("")
        for step in ACTION["runs"]["steps"]:
            wanted = str(step.get("if", "success()"))
            if "always()" not in wanted and self.failed:
                self._conclude(step, "skipped", outcome)
                continue
            if not _truthy(self.value(wanted)):
                self._conclude(step, "skipped", outcome)
                continue
            outcome.ran.append(step["name"])
            code = self._upload(step) if "uses" in step else self._script(step, outcome)
            self.failed = self.failed or bool(code)
            self._conclude(step, "failure" if code else "success", outcome)
        outcome.failed = self.failed
        outcome.summary = (self.runner.temp / "summary.md").read_text()
        outcome.outputs = {
            name: self.fill(output["value"]) for name, output in ACTION["outputs"].items()
        }
        return outcome

    def _conclude(self, step: dict[str, Any], conclusion: str, outcome: Outcome) -> None:
        outcome.conclusions[step["name"]] = conclusion
        if "id" in step:
            kept = self.steps.setdefault(step["id"], {"outputs": {}})
            kept["outcome"] = conclusion

    def _script(self, step: dict[str, Any], outcome: Outcome) -> int:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "a value inside a script could be a command"
        outputs = self.runner.temp / "outputs"
        outputs.write_text("")
        environ = self.environ | {"GITHUB_OUTPUT": str(outputs)}
        environ |= {name: self.fill(value) for name, value in step.get("env", {}).items()}
        line = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        said = self.runner.temp / f"{len(outcome.ran):02} {step['name']}.log"
        with said.open("wb") as log:
            code = self.around(step["name"], line, environ) if self.around is not None else -1
            if code < 0:
                code = subprocess.run(
                    line,
                    env=environ,
                    cwd=self.runner.workspace,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    timeout=240,
                    check=False,
                ).returncode
        outcome.said[step["name"]] = said.read_text()
        self.steps.setdefault(step.get("id", ""), {})["outputs"] = _read_outputs(outputs)
        return code

    def _upload(self, step: dict[str, Any]) -> int:
        assert re.fullmatch(r"actions/upload-artifact@[0-9a-f]{40}", step["uses"])
        given = {name: self.fill(str(value)) for name, value in step["with"].items()}
        hidden = given.get("include-hidden-files") == "True"
        files: dict[str, bytes] = {}
        for line in given["path"].split("\n"):
            for found in glob.glob(line.strip(), root_dir=self.runner.workspace):  # noqa: PTH207 - as the forge
                path = self.runner.workspace / found
                files |= (
                    files_below(path, hidden=hidden)
                    if path.is_dir()
                    else {path.name: path.read_bytes()}
                )
        if not files:
            return int(given["if-no-files-found"] == "error")
        self.runner.forge.keep(
            given["name"], files, self.run_facts, overwrite=given.get("overwrite") == "True"
        )
        return 0

    # -- expressions -------------------------------------------------------------------

    def fill(self, text: str) -> str:
        """``text`` with the values of its expressions."""
        return re.sub(r"\$\{\{(.*?)\}\}", lambda m: _shown(self.value(m[1])), str(text))

    def value(self, expression: str) -> Any:
        words, at = [], 0
        text = expression.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            assert match, f"cannot read {text[at:]!r}"
            words.append(match[1])
            at = match.end()
        found = self._either(words)
        assert not words, words
        return found

    def _either(self, words: list[str]) -> Any:
        left = self._both(words)
        while words and words[0] == "||":
            words.pop(0)
            right = self._both(words)
            left = left if _truthy(left) else right
        return left

    def _both(self, words: list[str]) -> Any:
        left = self._compared(words)
        while words and words[0] == "&&":
            words.pop(0)
            right = self._compared(words)
            left = right if _truthy(left) else left
        return left

    def _compared(self, words: list[str]) -> Any:
        left = self._atom(words)
        if words and words[0] in ("==", "!="):
            same = words.pop(0) == "=="
            return (_shown(left) == _shown(self._atom(words))) == same
        return left

    def _atom(self, words: list[str]) -> Any:
        word = words.pop(0)
        if word == "(":
            found = self._either(words)
            assert words.pop(0) == ")"
            return found
        if word.startswith("'"):
            return word[1:-1]
        if words and words[0] == "(":
            assert (words.pop(0), words.pop(0)) == ("(", ")")
            return {"always": True, "success": not self.failed, "failure": self.failed}[word]
        value: Any = self.names
        for step in word.split("."):
            value = value.get(step, "") if isinstance(value, dict) else ""
        return value


def _truthy(value: Any) -> bool:
    return bool(value)


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_outputs(path: Path) -> dict[str, str]:
    found, lines = {}, iter(path.read_text().splitlines())
    for line in lines:
        name, mark, end = line.partition("<<")
        if mark:
            parts = []
            for part in lines:
                if part == end:
                    break
                parts.append(part)
            found[name] = "\n".join(parts)
        else:
            name, _, value = line.partition("=")
            found[name] = value
    return found
