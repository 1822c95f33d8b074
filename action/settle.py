"""After the run, however it ended: the locks, the film, and what the job says of
itself.

What it may not do: fail the job, or push anything but lock files.

How it works: ``wanbatch lock`` writes beside each manifest. ``commit`` pushes that to
the branch, once more on top of what came meanwhile where it was refused; where it may
not be pushed, and with ``patch``, the change is offered as a patch in the artifacts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from steps import add_summary, files, guarded, has_ledger, note, shared_options, wanbatch

AUTHOR = ("-c", "user.name=wanbatch", "-c", "user.email=wanbatch@users.noreply.github.com")


def settle() -> int:
    if not has_ledger():
        return 0
    folder = Path(os.environ["INPUT_PLAN_FOLDER"])
    folder.mkdir(parents=True, exist_ok=True)
    named = files()
    if os.environ.get("INPUT_FILM") == "true":
        film = folder / "film.mp4"
        code = wanbatch("film", *named, *shared_options(), "-o", str(film), keyless=True)
        if code:
            note(f"no film was made (exit code {code})")
    if os.environ.get("INPUT_LOCK") != "none":
        _lock(named, folder / "wanbatch-lock.patch")
    return 0


def _lock(named: list[str], patch: Path) -> None:
    code = wanbatch("lock", *named, *shared_options(), keyless=True)
    if code:
        note(f"no lock was written (exit code {code})")
        return
    changed = _git("status", "--porcelain", "--", "*.lock.json")
    if not changed.strip():
        return
    _git("add", "--", "*.lock.json")
    if os.environ.get("INPUT_LOCK") == "commit" and _push():
        note("the lock was committed")
        return
    base = "HEAD" if os.environ.get("INPUT_LOCK") != "commit" else os.environ["GITHUB_SHA"]
    patch.write_text(_git("diff", "--binary", base, "--", "*.lock.json"), encoding="utf-8")
    note("the lock is offered as a patch: wanbatch-lock.patch in the artifacts")
    add_summary(
        "The lock changed. Apply it with `git apply wanbatch-lock.patch` (from the artifacts),"
        " and commit it: a machine without this ledger then buys nothing again.\n"
    )


def _push() -> bool:
    """Whether the lock stands on the branch now."""
    branch = os.environ["INPUT_DEFAULT_BRANCH"]
    said = "wanbatch: lock what was bought [skip ci]"
    try:
        _git(*AUTHOR, "commit", "-q", "-m", said, "--", "*.lock.json")
        for _ in range(3):
            if _succeeds("push", "-q", "origin", f"HEAD:refs/heads/{branch}"):
                return True
            if not _succeeds("fetch", "-q", "origin", branch):
                return False
            if not _succeeds(*AUTHOR, "rebase", "-q", "FETCH_HEAD"):
                _succeeds("rebase", "--abort")
                return False
    except subprocess.CalledProcessError:
        return False
    return False


def _succeeds(*words: str) -> bool:
    return subprocess.run(("git", *words), check=False, capture_output=True).returncode == 0


def _git(*words: str) -> str:
    done = subprocess.run(("git", *words), check=True, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(guarded(settle))
