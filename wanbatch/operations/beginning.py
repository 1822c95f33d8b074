"""Marks a saved plan as begun where every other runner sees it, before anything of it
is bought.

What it may not do: send anything to an API, take a mark away, or go on where another
ledger has begun.

How it works: a runner's disk is gone after its job, so two things must agree. This
ledger keeps a mark for the plan's digest (``ledger/begun``), and a git ref of that
digest shows the same mark on the remote. The ref is created only if it is absent, so
of two runners one wins. A ref whose mark this ledger does not have was made by a
ledger that is elsewhere, or lost: what that one bought is not known here, and nothing
may be bought until a person has looked. A ledger that machines share is seen by every
runner itself, and needs no ref.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wanbatch.ledger.begun import keep_mark, read_marks
from wanbatch.ledger.lock import RunLock
from wanbatch.operations.folders import make_output
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.hiding import hide_queries
from wanbatch.words.humanize import plural

NAMESPACE = "refs/wanbatch/begun/"
DIGEST = re.compile(r"[0-9a-f]{64}")
GIT_TIMEOUT_S = 120.0
"""A push of one empty commit takes seconds; a remote that takes longer is down
(chosen)."""


class MarkBoard(Protocol):
    """Where marks are shown to every runner."""

    def face(self, digest: str, mark: str) -> str:
        """How a mark is shown there; of another mark it is another."""

    def read(self) -> Mapping[str, str]:
        """All faces by digest. Raises ``WanbatchError`` (4)."""

    def create(self, digest: str, face: str) -> str:
        """Shows ``face`` if ``digest`` has none; returns what went wrong, or nothing.
        An answer may be lost after the deed."""

    def describe_removal(self, digest: str) -> str:
        """The command that takes a mark away, for a person."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A plan may be worked on by this ledger; ``is_new`` the first time."""

    digest: str
    is_new: bool


def begin(output: Path, digest: str, board: MarkBoard, mark: str) -> Begun:
    """Marks ``digest`` as begun by the ledger in ``output``, which is created where
    there is none. ``mark`` is a text that nobody else has; it counts where the ledger
    has none for this plan yet.

    Raises ``WanbatchError``: 2 for what is no digest, 3 where another ledger has begun
    this plan or any other, 4 where the board cannot be read or written, or the folder
    is in use.
    """
    _refuse_other_words(digest)
    make_output(output, mode=0o700)
    with RunLock(output):
        path = output / "ledger.db"
        shown = board.read()
        _refuse_unknown(shown, read_marks(path), board)
        own = keep_mark(path, digest, mark)
        if digest not in shown:
            trouble = board.create(digest, board.face(digest, own))
            now = board.read()
            if digest not in now:
                raise WanbatchError(
                    ExitCode.ENVIRONMENT,
                    f"the plan could not be marked as begun; nothing was sent: {trouble}",
                    "let the job write to the repository (permissions: contents: write),"
                    " and run it again",
                )
            _refuse_unknown(now, read_marks(path), board)
        return Begun(digest, digest not in shown)


def begin_shared(output: Path, digest: str, keep: Callable[[], bool]) -> Begun:
    """The same for a ledger that machines share: every runner sees it, so it keeps the
    mark alone, and any of them may go on. ``keep`` puts it there, and says whether it
    is new. Raises ``WanbatchError`` as ``keep``, 2 for what is no digest, 4 where the
    folder is in use."""
    _refuse_other_words(digest)
    make_output(output, mode=0o700)
    with RunLock(output):
        return Begun(digest, keep())


def _refuse_other_words(digest: str) -> None:
    if not DIGEST.fullmatch(digest):
        raise WanbatchError(
            ExitCode.INVALID,
            f"{digest!r} is no digest of a saved plan",
            "it has 64 hexadecimal digits, and stands in the plan: wanbatch plan -o plan.json",
        )


def _refuse_unknown(shown: Mapping[str, str], own: Mapping[str, str], board: MarkBoard) -> None:
    """Raises ``WanbatchError`` (3) for what is shown of marks that this ledger does not
    have."""
    strange = sorted(
        digest
        for digest, face in shown.items()
        if digest not in own or board.face(digest, own[digest]) != face
    )
    if strange:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"{plural(len(strange), 'plan')} {'was' if len(strange) == 1 else 'were'} begun by a"
            " ledger that is not this one, and what it bought is not known here; nothing was"
            f" sent: {', '.join(digest[:12] for digest in strange[:5])}",
            "let the job that began it end, and restore the ledger that it saved",
            "if that ledger is lost: look at the provider's list of tasks, bring its videos home"
            f" (wanbatch import, wanbatch resolve), then: {board.describe_removal(strange[0])}",
        )


class GitBoard:
    """Marks as refs of a git remote: each names a commit without files, which nobody
    else can have made."""

    def __init__(self, folder: Path, remote: str) -> None:
        self._folder, self._remote = folder, remote

    def face(self, digest: str, mark: str) -> str:
        """The id of a commit that follows from both alone, and so is the same in every
        checkout; it is then in the local repository."""
        tree = self._git("hash-object", "-t", "tree", "-w", "--stdin", given="")
        return self._git("commit-tree", tree, given=f"wanbatch: plan {digest} begun\n\n{mark}\n")

    def read(self) -> Mapping[str, str]:
        lines = self._git("ls-remote", "--", self._remote, f"{NAMESPACE}*").splitlines()
        pairs = (line.split("\t", 1) for line in lines)
        return {name.removeprefix(NAMESPACE): face for face, name in pairs}

    def create(self, digest: str, face: str) -> str:
        ref = NAMESPACE + digest
        words = ("push", "--quiet", "--no-verify", f"--force-with-lease={ref}:")
        try:
            self._git(*words, "--", self._remote, f"{face}:{ref}")
        except WanbatchError as error:
            return error.message
        return ""

    def describe_removal(self, digest: str) -> str:
        return f"git push {self._remote} :{NAMESPACE}{digest}"

    def _git(self, *words: str, given: str | None = None) -> str:
        """What git prints. Raises ``WanbatchError`` (4)."""
        environ = os.environ | _AUTHOR | {"GIT_TERMINAL_PROMPT": "0"}
        try:
            done = subprocess.run(  # noqa: S603 - git, and words of ours
                ("git", "-c", "i18n.commitEncoding=UTF-8", *words),  # noqa: S607 - the user's own
                cwd=self._folder,
                env=environ,
                input=given,
                stdin=subprocess.DEVNULL if given is None else None,
                capture_output=True,
                text=True,
                check=False,
                timeout=GIT_TIMEOUT_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _git_failed(words[0], str(error)) from error
        if done.returncode:
            raise _git_failed(words[0], done.stderr)
        return done.stdout.strip()


_AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "wanbatch"),
        ("EMAIL", "wanbatch@invalid"),
        ("DATE", "1700000000 +0000"),  # any that never changes
    )
}


def _git_failed(word: str, said: str) -> WanbatchError:
    lines = [line.strip() for line in hide_queries(said).splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    line = next(iter((*fatal, *reversed(lines))), "without a word")
    return WanbatchError(
        ExitCode.ENVIRONMENT,
        f"git {word} failed: {line[:300]}; nothing was sent",
        "run it in a checkout whose remote can be read and written",
    )
