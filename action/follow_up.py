"""Fetches what was paid for and still runs, when a run ended before it, and on a
schedule.

What it may not do: buy anything (``wanbatch fetch`` never submits).

How it works: on a disk without a ledger ``wanbatch status`` is asked, which makes none:
a ledger that machines share knows what a runner bought that died.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from steps import files, guarded, has_ledger, set_output, shared_options, wanbatch


def follow_up() -> int:
    code = 0 if has_ledger() else _look()
    if code:
        set_output("exit-code", str(code))
        return code
    if code is None:
        print("Nothing was bought that could be fetched.")
        return 0
    wait = ["--wait", os.environ["INPUT_WAIT"]] if os.environ.get("INPUT_WAIT") else []
    code = wanbatch("fetch", *files(), *shared_options(), *wait, keyless=False)
    set_output("exit-code", str(code))
    return code


def _look() -> int | None:
    """``None`` where nothing runs, by a ledger that is not on this disk; else 0, or the
    exit code of who could not say."""
    with tempfile.TemporaryDirectory() as folder:
        standing = Path(folder) / "standing.json"
        words = ("status", *files(), *shared_options(), "--json")
        code = wanbatch(*words, keyless=False, stdout=standing)
        if code:
            return code
        return 0 if json.loads(standing.read_bytes())["totals"]["resume"] else None


if __name__ == "__main__":
    sys.exit(guarded(follow_up))
