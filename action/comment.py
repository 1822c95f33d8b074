"""The one comment of a pull request that shows its plan, and is changed with it.

What it may not do: change a comment that a person wrote, or fail the job where the
token may not write (a fork's may not): the job's page has the same text.

How it works: a hidden first line tells our comment from all others. Anybody can write
that line, so only a bot's comment counts. The comment is for reading: what is applied
comes from the artifact, never from here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from github import Forge
from steps import guarded, note

MOST = 65_536
"""Characters of a comment's body (the forge's limit)."""


def comment() -> int:
    number, digest = os.environ["INPUT_NUMBER"], os.environ.get("INPUT_DIGEST", "")
    if not number:
        return 0
    body = compose(_read_plan(), digest, os.environ.get("INPUT_COMMENT", "wanbatch"))
    forge = Forge.from_environment()
    first = body.partition("\n")[0]
    mine = next(
        (
            one
            for one in forge.comments(number)
            if str(one.get("body") or "").startswith(first)
            and (one.get("user") or {}).get("type") == "Bot"
        ),
        None,
    )
    written = (
        forge.change_comment(int(mine["id"]), body) if mine else forge.add_comment(number, body)
    )
    if not written:
        note("the token may not comment here (a fork's may not): the plan is on the job's page")
    return 0


def _read_plan() -> str:
    path = Path(os.environ["INPUT_PLAN_FOLDER"]) / "plan.md"
    if path.exists():
        return path.read_text(encoding="utf-8")
    return "**No plan could be made.** The job's log says why.\n"


def compose(text: str, digest: str, name: str) -> str:
    """The comment's body, within the forge's limit."""
    last = (
        f"\n\nMerging this pull request applies exactly this plan: digest `{digest}`.\n"
        if digest
        else ""
    )
    first = f"<!-- wanbatch:{name.replace('--', '')} -->\n"
    room = MOST - len(first) - len(last)
    if len(text) > room:
        text = text[: room - 40].rstrip() + "\n\n… (the artifact has all of it)\n"
    return first + text.rstrip("\n") + last


if __name__ == "__main__":
    sys.exit(guarded(comment))
