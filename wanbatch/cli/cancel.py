"""``wanbatch cancel``: tasks that have not begun are called off, where the API can.

What it may not do: anything but read its options, and word what ``operations.cancel``
found. It asks for no consent: it spends nothing, and what has begun goes on.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.cli.options import Amount, CommonOptions, planning_options
from wanbatch.cli.output import observer
from wanbatch.operations.cancel import Cancellation, Cancelled, Ending, Prepared
from wanbatch.words.errors import ExitCode
from wanbatch.words.humanize import money, plural, quoted

MEANING = {
    Ending.CANCELLED: "the provider says that it is called off",
    Ending.FAILED: "it had failed by itself, which costs nothing",
    Ending.GOES_ON: "it goes on, and is charged when it is made",
    Ending.MADE: "it was made already: fetch it",
    Ending.UNKNOWN: "the provider gave no clear word: ask again",
}
FREE = (Ending.CANCELLED, Ending.FAILED)
EXPLAINED = (Ending.GOES_ON, Ending.UNKNOWN)


@click.command("cancel", cls=Command)
@planning_options
@click.option(
    "--lock-timeout",
    type=Amount(0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for another run on this output folder.",
)
def command(options: CommonOptions, lock_timeout: float) -> int:
    """Ask the provider to call off the tasks of FILE that have not begun.

    Only DashScope's own API can. A task that was called off is not charged (Model
    Studio charges for finished seconds alone), and its job is left alone until a run
    is told --retry-failed. What has begun goes on, and fetch brings it home. Exits 0
    where nothing of the selected jobs runs any more, 1 where something does.
    """
    from wanbatch.operations.cancel import prepare, start

    observe = observer(options, quiet_warnings=True)
    prepared = prepare(options, observe)
    found = start(prepared, observe, lock_timeout)
    return _say(found, prepared, options)


def _say(found: Cancellation, prepared: Prepared, options: CommonOptions) -> int:
    for task in found.tasks:
        told = f" ({task.told})" if task.told and task.ending in EXPLAINED else ""
        say(f"  {task.ending.value:9}  {task.attempt.job}  {MEANING[task.ending]}{told}")
    for attempt in found.unconfirmed:
        say(f"  left       {attempt.job}  its task id is a person's word, and no poll confirmed it")
    for attempt in found.elsewhere:
        say(f"  left       {attempt.job}  its task belongs to {attempt.backend} ({attempt.origin})")
    say(_sum_up(found))
    on = [task for task in found.tasks if task.ending not in FREE]
    words = [*map(str, options.files), "--backend", prepared.profile.name, *_where(options)]
    if on or found.unconfirmed:
        say(f"Bring home what goes on: {quoted(['wanbatch', 'fetch', *words])}")
    if any(task.ending is Ending.CANCELLED for task in found.tasks):
        again = quoted(["wanbatch", "run", *words, "--retry-failed"])
        say(f"To buy them after all: {again}")
    return ExitCode.UNFINISHED if on or found.unconfirmed or found.elsewhere else ExitCode.DONE


def _sum_up(found: Cancellation) -> str:
    if not found.tasks:
        return "No task waits at this provider: nothing was called off."
    counts = Counter(task.ending for task in found.tasks)
    parts = [f"{counts[ending]} {ending.value}" for ending in Ending if counts[ending]]
    free = [task for task in found.tasks if task.ending in FREE]
    text = f"{plural(len(found.tasks), 'task')}: {', '.join(parts)}."
    return f"{text} {_freed(free)}" if free else text


def _freed(free: list[Cancelled]) -> str:
    prices = [task.attempt.price for task in free]
    known = [price for price in prices if price is not None]
    if len(known) < len(prices):
        return "Its price is not charged." if len(free) == 1 else "Their prices are not charged."
    total = money(sum(known, Decimal(0)), free[0].attempt.currency)
    return f"{total} is held back no longer: what was not made is not charged."


def _where(options: CommonOptions) -> list[str]:
    """The option that a printed command must repeat to mean the same ledger."""
    from wanbatch.operations.options import DEFAULT_OUTPUT

    return [] if options.output == DEFAULT_OUTPUT else ["--output", str(options.output)]
