"""Finds the plan that was approved with the merge of this commit.

What it may not do: take a digest from a comment, a branch's name or an input; take a
plan that a fork's run made, for a fork's files decide what such a run does.

How it works: the commit names the pull request whose merge it is, the pull request
names its last commit, and that commit names the artifact that its own ``plan`` job
saved.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from github import Artifact, Forge, Trouble
from steps import guarded, set_output

REFUSED = 3
DIGEST = re.compile(r"[0-9a-f]{64}")


def name_of_plan(sha: str) -> str:
    """What the artifact of a commit's plan is called."""
    return f"wanbatch-plan-{sha}"


def find(forge: Forge, sha: str) -> Artifact:
    """The newest plan of the pull request that ``sha`` merged. Raises ``Trouble``."""
    pulls = forge.merged_by(sha)
    if len(pulls) != 1:
        several = f"{len(pulls)} pull requests" if pulls else "no pull request"
        raise Trouble(
            REFUSED,
            f"{sha[:12]} was merged by {several}: nobody has approved a plan of it; nothing was"
            " sent",
            "open a pull request with the change; its plan job makes the plan, its merge"
            " approves it",
        )
    head = str(pulls[0]["head"]["sha"])
    found = forge.artifacts(name_of_plan(head))
    own = [
        a
        for a in found
        if not a.from_fork and a.head_sha == head and forge.event_of(a.run_id) == "pull_request"
    ]
    if own:
        return own[0]
    number = pulls[0]["number"]
    if found:
        raise Trouble(
            REFUSED,
            f"the plan of pull request {number} was made by a fork's run; nothing was sent",
            "push the branch to this repository, and open the pull request from there",
        )
    raise Trouble(
        REFUSED,
        f"pull request {number} has no plan of its last commit {head[:12]}, or it has expired;"
        " nothing was sent",
        "let the plan job end before merging; for this commit: revert it, and open it again",
    )


def approved() -> int:
    folder = Path(os.environ["INPUT_PLAN_FOLDER"])
    forge = Forge.from_environment()
    artifact = find(forge, os.environ["INPUT_SHA"])
    forge.unpack(artifact, folder)
    path = folder / "plan.json"
    try:
        digest = str(json.loads(path.read_bytes())["digest"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Trouble(
            REFUSED,
            f"the artifact {artifact.name} holds no plan ({type(error).__name__});"
            " nothing was sent",
            "run the plan job again",
        ) from error
    if not DIGEST.fullmatch(digest):
        raise Trouble(REFUSED, "the plan has no digest; nothing was sent", "run the plan job again")
    set_output("digest", digest)
    set_output("plan", str(path))
    print(f"Plan {digest} of run {artifact.run_id}.")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(approved))
