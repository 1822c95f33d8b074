"""Mode *apply*: the approved plan, begun and run.

What it may not do: buy anything that is not in the plan, or before the plan is marked
as begun.

How it works: ``wanbatch`` itself refuses what is stale (3) and continues what was
interrupted. The exit code goes to the outputs; the job ends with it when everything has
been saved.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from steps import guarded, set_output, wanbatch


def apply() -> int:
    digest, plan = os.environ["INPUT_DIGEST"], os.environ["INPUT_PLAN"]
    output = ("--output", os.environ["INPUT_OUTPUT"])
    backend = json.loads(Path(plan).read_bytes())["backend"]
    code = wanbatch("ledger", "begin", digest, "--backend", backend, *output, keyless=False)
    if not code:
        words = ("run", "--plan", plan, "--digest", digest, *output, *_wait())
        code = wanbatch(*words, keyless=False)
    set_output("exit-code", str(code))
    return code


def _wait() -> list[str]:
    return ["--wait", os.environ["INPUT_WAIT"]] if os.environ.get("INPUT_WAIT") else []


if __name__ == "__main__":
    sys.exit(guarded(apply))
