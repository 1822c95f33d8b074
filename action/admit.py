"""The first step: is this event one on which the mode may work?

What it may not do: import anything that is not in Python, for nothing is installed yet;
read or run a file of the repository.

How it works: events that give a fork's files the rights of the base repository are
refused in every mode. ``apply`` buys, so it works only on the default branch, where
every file has been merged. What the later steps need to know goes to ``GITHUB_OUTPUT``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MODES = ("check", "plan", "apply")
REFUSED = ("pull_request_target", "workflow_run", "issue_comment", "pull_request_review_comment")
"""They run with the base repository's secrets beside files or words of anybody."""
APPLY_ON = ("push", "workflow_dispatch", "schedule")
FOLLOW_UP = "schedule"
"""On this event nothing is bought: what is still running is fetched."""
EXIT_REFUSED, EXIT_USAGE = 3, 2


class Refusal(Exception):
    """Why a mode may not work here, what to do instead, and the exit code."""

    def __init__(self, code: int, what: str, instead: str) -> None:
        super().__init__(what)
        self.code, self.what, self.instead = code, what, instead


def admit(
    mode: str, event_name: str, ref: str, sha: str, event: Mapping[str, Any]
) -> dict[str, str]:
    """What later steps need: ``task``, ``head_sha``, ``number``, ``from_fork``. Raises
    ``Refusal``."""
    if mode not in MODES:
        raise Refusal(
            EXIT_USAGE, f"mode {mode!r} is none of {', '.join(MODES)}", "write one of them"
        )
    if event_name in REFUSED:
        raise Refusal(
            EXIT_REFUSED,
            f"'{event_name}' gives a fork's files the rights of this repository",
            "use 'on: pull_request' for check and plan, and 'on: push' for apply",
        )
    pull = event.get("pull_request") or {}
    repository = event.get("repository") or {}
    head = pull.get("head") or {}
    if mode == "apply":
        _admit_apply(event_name, ref, str(repository.get("default_branch") or ""))
    return {
        "task": "fetch" if mode == "apply" and event_name == FOLLOW_UP else mode,
        "head_sha": str(head.get("sha") or sha),
        "number": str(pull.get("number") or ""),
        "from_fork": str(
            bool(pull) and (head.get("repo") or {}).get("id") != repository.get("id")
        ).lower(),
    }


def _admit_apply(event_name: str, ref: str, default: str) -> None:
    if event_name not in APPLY_ON:
        raise Refusal(
            EXIT_REFUSED,
            f"apply buys, and '{event_name}' may run before anything was approved",
            "use it on push to the default branch (and on schedule, to fetch what still runs)",
        )
    if not default or ref != f"refs/heads/{default}":
        raise Refusal(
            EXIT_REFUSED,
            f"apply works on the default branch alone ({default or 'unknown'}), not on {ref}",
            f"write 'on: {{push: {{branches: [{default or 'main'}]}}}}'",
        )


def main() -> int:
    """Writes the outputs; returns the exit code."""
    environ = os.environ
    event = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    try:
        found = admit(
            environ["INPUT_MODE"],
            environ["GITHUB_EVENT_NAME"],
            environ.get("GITHUB_REF", ""),
            environ.get("GITHUB_SHA", ""),
            event,
        )
    except Refusal as refusal:
        print(f"::error title=wanbatch::{refusal.what}; nothing was sent")
        print(f"help: {refusal.instead}")
        return refusal.code
    with Path(environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
        outputs.writelines(f"{name}={value}\n" for name, value in found.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
