"""``wanbatch resolve``: a person's decision on an uncertain, expired or unfetchable
job.

What it may not do: anything but read its options, and word what ``operations.resolve``
found.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import click

from wanbatch.cli.command import Command
from wanbatch.cli.completing import complete_backend, complete_job
from wanbatch.cli.console import say
from wanbatch.cli.options import Amount, CommonOptions
from wanbatch.cli.output import observer
from wanbatch.model.lifecycle import DECISIONS, Attempt, EventKind
from wanbatch.operations.options import DEFAULT_OUTPUT
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.humanize import money, plural, quoted

SHOWN = 10
"""So many jobs are named where a decision is about more."""
MEANING = {
    EventKind.ADOPTED: "it was taken; fetch that task",
    EventKind.RESUBMIT: "it was not taken, or pay again",
    EventKind.ABANDONED: "leave it; its price stays counted",
    EventKind.STAGED: "take the bytes that came and were refused",
}


@click.command("resolve", cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("job", required=False, shell_complete=complete_job)
@click.option("--adopt", metavar="TASK_ID", help="The API did take it: this is its task id.")
@click.option("--resubmit", is_flag=True, help="Allow it to be bought again.")
@click.option("--abandon", is_flag=True, help="Give it up; its price stays counted as spent.")
@click.option("--take", is_flag=True, help="Take bytes that came whole and were refused.")
@click.option(
    "--select", multiple=True, metavar="TERM", help="Decide on all these jobs; not with --adopt."
)
@click.option(
    "--backend",
    metavar="NAME",
    shell_complete=complete_backend,
    help="Whose jobs: found as a plan for it finds them.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_OUTPUT,
    show_default=True,
)
@click.option("--lock-timeout", type=Amount(0), default=0.0, metavar="SECONDS")
def command(
    file: Path,
    job: str | None,
    adopt: str | None,
    resubmit: bool,
    abandon: bool,
    take: bool,
    select: tuple[str, ...],
    backend: str | None,
    output: Path,
    lock_timeout: float,
) -> None:
    """Decide on an uncertain or expired JOB of FILE, or on a finished one whose video
    cannot be had (--abandon, --take). Without a decision it shows what is known."""
    from wanbatch.operations.resolve import Question, start

    kind = _kind_of(adopt, resubmit=resubmit, abandon=abandon, take=take)
    options = CommonOptions(
        files=(file,), backend=backend, select=select, output=output, quiet=True
    )
    question = Question(options, job, kind, adopt or "")
    found = start(question, observer(options), lock_timeout)
    if kind is None:
        for attempt in found.attempts:
            _show(attempt, options)
        return
    for attempt in found.attempts:
        if attempt.attempt_id in found.remarks:
            remark = found.remarks[attempt.attempt_id]
            say(f"{attempt.job}: these bytes are taken as they are ({remark}).")
    _say_recorded(found.attempts, kind, options)


def _kind_of(adopt: str | None, *, resubmit: bool, abandon: bool, take: bool) -> EventKind | None:
    asked = {
        EventKind.ADOPTED: adopt is not None,
        EventKind.RESUBMIT: resubmit,
        EventKind.ABANDONED: abandon,
        EventKind.STAGED: take,
    }
    kinds = [kind for kind, given in asked.items() if given]
    if len(kinds) > 1:
        raise WanbatchError(
            ExitCode.INVALID,
            "one decision at a time: --adopt, --resubmit, --abandon or --take",
            "nothing was recorded; run it again with one of them",
        )
    return kinds[0] if kinds else None


def _say_recorded(found: Sequence[Attempt], kind: EventKind, options: CommonOptions) -> None:
    for attempt in found[:SHOWN]:
        say(f"{attempt.job}: {_word(kind)}, recorded.")
    if len(found) > SHOWN:
        say(f"… and {len(found) - SHOWN} more.")
    if len(found) > 1:
        price = _total(found)
        say(f"{plural(len(found), 'job')}, {money(price, found[0].currency)} in all.")
    for backend in sorted({a.backend for a in found}):
        words = ["wanbatch", "run", str(options.files[0]), "--backend", backend]
        say(f"Continue with: {quoted([*words, *_same_ledger(options)])}")


def _same_ledger(options: CommonOptions) -> list[str]:
    """The options that a printed command must repeat to mean the same ledger."""
    return [] if options.output == DEFAULT_OUTPUT else ["--output", str(options.output)]


def _word(kind: EventKind) -> str:
    return "taken" if kind is EventKind.STAGED else kind.value


def _total(found: Sequence[Attempt]) -> Decimal | None:
    prices = [a.price for a in found]
    known = [price for price in prices if price is not None]
    return sum(known, Decimal(0)) if len(known) == len(prices) else None


def _show(attempt: Attempt, options: CommonOptions) -> None:
    from wanbatch.operations.resolve import FLAGS, describe_state, has_kept_bytes

    say(f"{attempt.job} is {describe_state(attempt)}.")
    say(f"  submitted  {_local_time(attempt.intent_at)} to {attempt.backend} ({attempt.origin})")
    price = money(attempt.price, attempt.currency)
    say(f"  price      {price}, counted as spent until you decide")
    say(f"  task id    {attempt.task_id or 'unknown'}")
    say(f"  reason     {attempt.reason or attempt.error_message or 'none'}")
    if attempt.download_error:
        say(f"  download   {attempt.download_error}")
    if attempt.evidence:
        say(f"  evidence   {attempt.evidence}")
    if attempt.shown_deadline is not None:
        say(f"  available  until {_local_time(attempt.shown_deadline)}")
    say(f"  request    {_request_of(attempt)}")
    say("Look for it in the provider's task list or bill, then decide:")
    kept = has_kept_bytes(attempt, options.output)
    for kind in DECISIONS[attempt.state]:
        if kind is EventKind.STAGED and not kept:
            continue
        words = ["wanbatch", "resolve", str(options.files[0]), attempt.job, *FLAGS[kind].split()]
        where = ["--backend", attempt.backend, *_same_ledger(options)]
        say(f"  {quoted([*words, *where])}   # {MEANING[kind]}")


def _request_of(attempt: Attempt) -> str:
    """The request as people may see it: what tells URLs apart is the ledger's alone."""
    request = json.loads(attempt.request)
    request.pop("trace", None)
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"))


def _local_time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
