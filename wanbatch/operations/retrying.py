"""The error codes by which a person asks to buy failed jobs again, held against those
that there are.

What it may not do: decide what is bought (the planner does).

How it works: a code is known where some job of the manifests has ever failed by it, so
that the same command, run once more after all went well, has nothing to do and is no
error. Any other is refused before anything is sent.
"""

from __future__ import annotations

from wanbatch.model.lifecycle import State
from wanbatch.model.plan import Plan
from wanbatch.model.retrying import Retrying, failure_code
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.quoting import closest, escape_unsafe, listed

_FAILED = frozenset({State.REJECTED, State.REMOTE_FAILED})


def refuse_unknown_codes(plan: Plan, wanted: Retrying) -> None:
    """Raises ``WanbatchError`` (2) where no job of ``plan`` has failed by one of the
    codes."""
    if isinstance(wanted, bool):
        return
    now, ever = _codes(plan)
    for code in sorted(wanted - set(ever)):
        near = closest(code, ever)
        raise WanbatchError(
            ExitCode.INVALID,
            f"--retry-failed: no job has failed with {escape_unsafe(code)}; nothing was sent",
            *([f"did you mean {escape_unsafe(near)}?"] if near else []),
            f"the failed jobs have: {escape_unsafe(listed(now, 'and'))}"
            if now
            else "no job here is failed",
        )


def _codes(plan: Plan) -> tuple[list[str], list[str]]:
    """The codes of the jobs that are failed now, and of all that ever failed."""
    now: dict[str, None] = {}
    ever: dict[str, None] = {}
    for entry in plan.jobs:
        for attempt in entry.attempts:
            if attempt.state in _FAILED:
                ever[failure_code(attempt)] = None
        if entry.attempt is not None and entry.attempt.state in _FAILED:
            now[failure_code(entry.attempt)] = None
    return list(now), list(ever)
