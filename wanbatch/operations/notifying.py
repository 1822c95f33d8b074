"""``--notify CMD``: a command of the user's that is run when a run has ended, and when
a video that was paid for is about to vanish.

What it may not do: change how a run ends, or hand on a secret.

How it works: the command goes to the shell as it is written, and what it is told
travels in its environment alone, so that no value is ever read as a command. It has no
input; what it prints is kept for the case that it fails. After half a minute it is
killed with all that it has started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from wanbatch.model.lifecycle import SPENT, Attempt, State
from wanbatch.model.plan import JobState, Plan

TIMEOUT_S = 30.0
"""A message that takes longer will not come (chosen)."""
VANISHES_S = 2 * 3600.0
"""So long before a video vanishes a person is called: time to come to a machine, and
to mend what keeps it from being fetched (chosen)."""
_PATIENCE_S = 600.0
"""So long a finished video may take to come home before somebody is called."""
_KEPT = 200
"""Characters of what a failed command said last: two lines of a terminal."""

Facts = Mapping[str, str]
Notify = Callable[[Facts], str]
"""Runs the command with the facts; what went wrong, or nothing."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What is told of a run's end. ``plan`` is ``None`` where there was none yet."""

    code: int
    run_id: str
    plan: Plan | None = None
    own: Sequence[Attempt] = ()
    reports: Sequence[Path] = ()
    trouble: str = ""


def end_facts(end: Ended) -> dict[str, str]:
    """What the command gets at the end of a run."""
    facts = {
        "WANBATCH_EVENT": "end",
        "WANBATCH_EXIT_CODE": str(int(end.code)),
        "WANBATCH_RUN": end.run_id,
        "WANBATCH_REPORT": str(end.reports[0]) if end.reports else "",
        "WANBATCH_TROUBLE": end.trouble,
    }
    if end.plan is None:
        return facts
    states = [entry.state for entry in end.plan.selected()]
    counts = {
        "JOBS": len(states),
        "DONE": states.count(JobState.DONE),
        "FAILED": states.count(JobState.FAILED),
        "LEFT": len(states) - states.count(JobState.DONE) - states.count(JobState.FAILED),
    }
    facts |= {f"WANBATCH_{name}": str(number) for name, number in counts.items()}
    return facts | {
        "WANBATCH_BACKEND": end.plan.backend,
        "WANBATCH_SPENT": _spent(end.own),
        "WANBATCH_CURRENCY": end.plan.currency,
    }


def _spent(attempts: Iterable[Attempt]) -> str:
    """An amount, or nothing where a price is unknown."""
    prices = [a.price for a in attempts if a.state in SPENT]
    if None in prices:
        return ""
    return str(sum((price for price in prices if price is not None), Decimal(0)))


def find_vanishing(attempts: Iterable[Attempt], now: float) -> list[Attempt]:
    """Finished, paid for, still not here though there was time, and soon gone; the
    first to go first."""
    found = [
        a
        for a in attempts
        if a.state is State.REMOTE_OK
        and a.realm == "paid"
        and a.available_until
        and now >= a.finished_at + _PATIENCE_S
        and now < a.available_until <= now + VANISHES_S
    ]
    return sorted(found, key=lambda a: a.available_until)


def vanishing_facts(run_id: str, attempts: Sequence[Attempt]) -> dict[str, str]:
    """What the command gets where videos are about to vanish."""
    first = attempts[0]
    until = datetime.fromtimestamp(first.available_until, UTC)
    return {
        "WANBATCH_EVENT": "vanishing",
        "WANBATCH_RUN": run_id,
        "WANBATCH_BACKEND": first.backend,
        "WANBATCH_LEFT": str(len(attempts)),
        "WANBATCH_JOB": first.job,
        "WANBATCH_DEADLINE": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "WANBATCH_TROUBLE": first.download_error,
    }


def run_command(
    command: str, facts: Facts, environ: Mapping[str, str], timeout_s: float = TIMEOUT_S
) -> str:
    """Runs the command; what went wrong, or nothing. Raises nothing."""
    with tempfile.TemporaryFile() as said:
        try:
            child = subprocess.Popen(  # noqa: S602 - the user's own words
                command,
                shell=True,  # values travel in the environment
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**environ, **{name: _plain(value) for name, value in facts.items()}},
                process_group=0,
            )
        except (OSError, ValueError) as error:
            return f"it cannot be started: {error}"
        try:
            code = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            _kill(child)
            return f"it took longer than {timeout_s:g} s, and was ended"
        except KeyboardInterrupt:
            _kill(child)
            return "it was interrupted"
        if code == 0:
            return ""
        said.seek(0)
        lines = said.read(100_000).decode(errors="replace").strip().splitlines()
        word = f"exit code {code}" if code > 0 else f"signal {-code}"
        return f"{word}: {lines[-1][:_KEPT]}" if lines else word


def _plain(value: str) -> str:
    """A value that an environment can hold."""
    return value.replace("\0", "")


def _kill(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        child.wait(1)
