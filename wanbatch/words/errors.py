"""Exit codes, and the one exception that carries a message for the user to the command
line.

What it may not do: import anything of wanbatch. Every other module may import this one.

How it works: expected trouble inside the house is a value (a ``Diagnostic``, an
outcome). Where a command cannot go on at all, it raises ``WanbatchError`` with the exit
code of the contract; the single handler in ``wanbatch.cli`` prints it. Any other
exception that reaches the handler is a bug, exit code 70.
"""

from __future__ import annotations

from enum import IntEnum


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
    """A command that cannot go on: what is wrong, and how to mend it.

    ``hints`` are printed as ``help:`` lines. Nothing secret may stand in any of the
    texts: they reach terminals and CI logs.
    """

    def __init__(self, exit_code: ExitCode, message: str, *hints: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message
        self.hints = hints
