"""Which failed jobs a person asks to buy again: all of them, those that failed by
certain error codes, or none.

What it may not do: decide whether a job has failed, or what policy tries again.

How it works: ``True`` is all, ``False`` none, a set the error codes that count. A code
is compared as it is written: a slip of the pen retries nothing, and is refused where
the plan is made.
"""

from __future__ import annotations

from wanbatch.model.lifecycle import Attempt

Retrying = bool | frozenset[str]

NO_CODE = "error"
"""What stands for the code where the API gave none, as reasons show it."""


def failure_code(attempt: Attempt) -> str:
    """The code that a failed attempt is asked for by."""
    return attempt.error_code or NO_CODE


def retries(wanted: Retrying, attempt: Attempt) -> bool:
    """Whether ``wanted`` takes this failed attempt."""
    return wanted if isinstance(wanted, bool) else failure_code(attempt) in wanted
