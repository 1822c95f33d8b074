"""Exit codes, and the one exception that carries a message for the user to the command
line, or to a program.

What it may not do: import anything of wanbatch when it runs. Every other module may
import this one.

How it works: expected trouble inside the house is a value (a ``Diagnostic``, an
outcome). Where a command cannot go on at all, it raises ``WanbatchError`` with the exit
code of the contract; the single handler in ``wanbatch.cli`` prints it, and
``wanbatch.api`` hands it on. Any other exception that reaches either is a bug, exit
code 70, but for what ``as_machine_trouble`` knows.
"""

from __future__ import annotations

import errno
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wanbatch.words.diagnostics import Diagnostic

MACHINE_TROUBLE = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
    }
    | {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}
)
"""Failures of disks, permissions and limits, and something else standing where our file
belongs: the user's machine, not a bug."""


class ExitCode(IntEnum):
    """What a process ends with; scripts rely on the numbers."""

    DONE = 0
    UNFINISHED = 1
    INVALID = 2
    REFUSED = 3
    ENVIRONMENT = 4
    WORK_TO_DO = 5
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


class WanbatchError(Exception):
    """A command or a call that cannot go on: what is wrong, and how to mend it.

    ``exit_code`` is what the command would end with: 2 for what is wrong with manifests
    or arguments, 3 for what was refused (approval, budget), 4 for the environment (key,
    network, disk, another run); with 2 and 3 nothing was sent. ``hints`` say what to
    do; a command prints them as ``help:`` lines, a traceback shows them as notes.
    ``findings`` are all findings in the user's files, where those are what is wrong;
    they have been told to whoever observes. Nothing secret may stand in any of the
    texts: they reach terminals and CI logs.
    """

    findings: tuple[Diagnostic, ...] = ()

    def __init__(self, exit_code: ExitCode, message: str, *hints: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message
        self.hints = hints
        for hint in hints:
            self.add_note(f"help: {hint}")


def innermost(error: BaseException) -> BaseException:
    """The failure itself: task groups wrap it. A refusal among several is what the user
    can act on."""
    while isinstance(error, BaseExceptionGroup):
        error = next(
            (e for e in error.exceptions if isinstance(e, (WanbatchError, BaseExceptionGroup))),
            error.exceptions[0],
        )
    return error


def as_machine_trouble(error: BaseException) -> WanbatchError | None:
    """What a disk, a permission or a limit did, as an error (4); ``None`` for all
    else."""
    if not isinstance(error, OSError) or error.errno not in MACHINE_TROUBLE:
        return None
    where = f"{error.filename}: " if error.filename else ""
    return WanbatchError(
        ExitCode.ENVIRONMENT,
        f"{where}{error.strerror}",
        "nothing that was recorded is lost; mend this and run the same command again",
    )
