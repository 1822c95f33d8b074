"""Brings back the output folder that the last job saved: ledger, videos, reports.

What it may not do: overwrite a ledger that is there, or take one that a fork's run
made.

How it works: the newest artifact of the default branch. Where there is none this is the
first job, or what it knew is lost; which of the two it is, ``wanbatch ledger begin``
finds out before anything is bought.
"""

from __future__ import annotations

import os
import sys

from github import Forge
from steps import guarded, note, output_folder

NAME = "wanbatch-ledger"


def restore() -> int:
    output = output_folder()
    if (output / "ledger.db").exists():
        note(f"{output}/ledger.db is here already: nothing is restored")
        return 0
    forge = Forge.from_environment()
    branch = os.environ["INPUT_DEFAULT_BRANCH"]
    kept = [a for a in forge.artifacts(NAME) if a.head_branch == branch and not a.from_fork]
    if not kept:
        note("no ledger was saved before: this is the first job, or its artifact has expired")
        return 0
    forge.unpack(kept[0], output)
    print(f"Restored {output} from run {kept[0].run_id} ({kept[0].made_at}).")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(restore))
