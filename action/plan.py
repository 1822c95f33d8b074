"""Mode *plan*: what a merge would buy, as a file to approve and as words to read.

What it may not do: see a key, or send anything to a backend.

How it works: the plan is saved beside the checkout, its digest goes to the outputs, its
Markdown to the job's page and to ``plan.md`` for the comment. A plan that cannot be
made is told there too, so that the comment never shows an older one.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from github import Trouble
from steps import add_summary, files, guarded, set_output, shared_options, wanbatch


def plan() -> int:
    folder = Path(os.environ["INPUT_PLAN_FOLDER"])
    folder.mkdir(parents=True, exist_ok=True)
    saved, text = folder / "plan.json", folder / "plan.md"
    saved.unlink(missing_ok=True)
    try:
        named = files()
    except Trouble:
        text.write_text("**No plan.** No manifest is named.\n", encoding="utf-8")
        raise
    words = ("plan", *named, *shared_options(), "-o", str(saved), "--format", "markdown")
    code = wanbatch(*words, keyless=True, stdout=text)
    if code or not saved.exists():
        text.write_text(
            f"**No plan could be made** (exit code {code}). The job's log says why.\n",
            encoding="utf-8",
        )
    else:
        set_output("digest", json.loads(saved.read_bytes())["digest"])
        set_output("plan", str(saved))
    add_summary(text.read_text(encoding="utf-8"))
    return code


if __name__ == "__main__":
    sys.exit(guarded(plan))
