"""Fetches what was paid for and still runs, when a run ended before it, and on a
schedule.

What it may not do: buy anything (``wanbatch fetch`` never submits).
"""

from __future__ import annotations

import os
import sys

from steps import files, guarded, output_folder, set_output, shared_options, wanbatch


def follow_up() -> int:
    if not (output_folder() / "ledger.db").exists():
        print("There is no ledger: nothing was bought that could be fetched.")
        return 0
    wait = ["--wait", os.environ["INPUT_WAIT"]] if os.environ.get("INPUT_WAIT") else []
    code = wanbatch("fetch", *files(), *shared_options(), *wait, keyless=False)
    set_output("exit-code", str(code))
    return code


if __name__ == "__main__":
    sys.exit(guarded(follow_up))
