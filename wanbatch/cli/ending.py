"""What a run or a fetch says when it ends: money, time, and the commands that go on.

What it may not do: print, or decide how the run ended (``operations.run`` does).

How it works: pure functions from attempts and plans to lines. Money counts for all that
the run had to do with: what it bought, and what it took up from earlier runs. What is
accepted and not yet made is held back, not spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from wanbatch.model.lifecycle import RESERVED, SPENT, Attempt, State, is_undecided
from wanbatch.model.plan import Action, JobState, Plan, PlannedJob
from wanbatch.model.reason import ReasonCode
from wanbatch.model.report import Shortfall
from wanbatch.words.humanize import duration, money, plural, quoted

AUTHORISING = frozenset({"--regenerate", "--retry-failed"})
"""Recorded when they are given; said again, they would buy once more."""
NAMED = 3
"""So many jobs get a command each; more are looked at together, by their state."""

LISTED = 20
"""Lines about videos that fall short; the report has them all."""


def shortfall_lines(found: Sequence[Shortfall], *, expected: bool) -> list[str]:
    """``  short     opening[seed=1]  (frozen: 1.2 s; at most 0.5 expected)``, one for
    each check."""
    kind = "short" if expected else "other"
    lines = [
        f"  {kind:9} {one.job}  ({one.check.name}: {one.check.message})"
        for one in found
        if one.expected is expected
    ]
    more = len(lines) - LISTED
    return [*lines[:LISTED], *([f"  and {more} more, in the report"] if more > 0 else [])]


def sum_up_money(own: Sequence[Attempt], earlier: Sequence[Attempt], currency: str) -> str:
    """``spent $2.00, $1.50 of it bought by an earlier run, $0.50 held back for 1 video
    under way``; uncertain attempts count as spent. ``earlier`` are those that this run
    took up."""
    spent = [a for a in (*own, *earlier) if a.state in SPENT]
    total, before = _sum(spent), _sum(a for a in earlier if a.state in SPENT)
    held = _held_back((*own, *earlier), currency)
    parts = [f"spent {money(total, currency)}"]
    if total is None:
        parts = [f"spent an unknown price for {plural(len(spent), 'video')}"]
    elif total == 0 and held:
        parts = []  # "spent nothing" would be heard as "bought nothing"
    elif before:
        parts.append(f"{money(before, currency)} of it bought by an earlier run")
    return ", ".join((*parts, *held))


def sum_up_fetch(fetched: int, earlier: Sequence[Attempt], currency: str) -> str:
    """``fetched 3 videos, $0.50 held back for 1 video under way``."""
    what = f"fetched {plural(fetched, 'video')}" if fetched else "fetched nothing"
    return ", ".join((what, *_held_back(earlier, currency)))


def _held_back(attempts: Iterable[Attempt], currency: str) -> list[str]:
    held = [a for a in attempts if a.state in RESERVED]
    amount = _sum(held)
    if amount == 0:
        return []
    told = money(amount, currency) if amount is not None else "an unknown price"
    return [f"{told} held back for {plural(len(held), 'video')} under way"]


def _sum(attempts: Iterable[Attempt]) -> Decimal | None:
    """One unknown price makes the sum unknown."""
    prices = [a.price for a in attempts]
    if None in prices:
        return None
    return sum((price for price in prices if price is not None), Decimal(0))


def sum_up_time(attempts: Iterable[Attempt], started_at: float, finished_at: float) -> str:
    """A line that says what a run's time was spent on, summed over its videos."""
    stored = [a for a in attempts if a.state is State.STORED and a.accepted_at]
    if not stored:
        return f"took {duration(finished_at - started_at)}"
    submitting = sum(max(0.0, a.accepted_at - a.intent_at) for a in stored)
    generating = sum(max(0.0, a.finished_at - a.accepted_at) for a in stored)
    fetching = sum(max(0.0, a.stored_at - max(a.finished_at, a.accepted_at)) for a in stored)
    return (
        f"took {duration(finished_at - started_at)}; summed over"
        f" {plural(len(stored), 'video')}: submitting {duration(submitting)}, "
        f"generating {duration(generating)}, noticing and downloading {duration(fetching)}"
    )


def command_that_continues(words: Sequence[str]) -> str:
    """The command line once more, for what is left of its work. A value of an option
    that authorises stands in the same word (``command.join_codes``)."""
    kept = (word for word in words if word.partition("=")[0] not in AUTHORISING)
    return quoted(["wanbatch", *kept])


def command_that_buys(words: Sequence[str]) -> str:
    """The ``run`` for what a ``fetch`` with these words left alone."""
    at = words.index("fetch")
    return quoted(["wanbatch", *words[:at], "run", *words[at + 1 :]])


def commands_that_decide(plan: Plan, files: Mapping[str, str], options: Sequence[str]) -> list[str]:
    """How a person looks at the jobs that wait for a decision and then decides: at each
    of a few, or at all that stand alike.

    ``files`` are the manifests' paths by name, ``options`` what names backend and
    ledger.
    """
    waiting = [entry for entry in plan.selected() if _waits(entry)]
    commands = [
        quoted(["wanbatch", "resolve", files[entry.job.manifest], entry.name, *options])
        for entry in waiting[:NAMED]
    ]
    if len(waiting) > NAMED:
        alike = dict.fromkeys((e.job.manifest, e.state) for e in waiting)
        commands = [
            quoted(
                ["wanbatch", "resolve", files[name], "--select", f"state:{state.value}", *options]
            )
            for name, state in alike
        ]
    return commands


def commands_that_buy_again(
    plan: Plan, files: Mapping[str, str], options: Sequence[str]
) -> list[str]:
    """The ``run`` for what was bought and cannot be had here: elsewhere, or as a file
    that is lost. It touches no other job of the state that it selects."""
    again = ("--regenerate", *options)
    gone = dict.fromkeys(
        (entry.job.manifest, entry.state)
        for entry in plan.selected()
        if entry.state is JobState.ELSEWHERE or entry.reason.code is ReasonCode.FILE_LOST
    )
    return [
        quoted(["wanbatch", "run", files[name], "--select", f"state:{state.value}", *again])
        for name, state in gone
    ]


def _waits(entry: PlannedJob) -> bool:
    attempt = entry.attempt
    return entry.action is Action.ASK and attempt is not None and is_undecided(attempt)
