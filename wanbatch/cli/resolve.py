"""``wanbatch resolve``: a person's decision on a job that is uncertain or expired. The only way out of those states.

What it may not do: send anything. ``--adopt`` is checked by the next run or fetch, which polls the task.

How it works: shows the time, the price and the evidence; records the decision as an event under the run lock.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import anyio
import click

from wanbatch.cli import stages
from wanbatch.cli.console import money, quoted, say
from wanbatch.cli.options import Amount
from wanbatch.engine.folders import refuse_odd_places
from wanbatch.engine.recovery import settle_leftovers
from wanbatch.engine.runner import RunContext
from wanbatch.engine.settle import acceptance_facts
from wanbatch.errors import ExitCode, Refusal
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger
from wanbatch.lifecycle import Attempt, Event, EventKind, Facts, Snapshot, State

DEFAULT_OUTPUT = Path("reports")
TASK_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


@click.command("resolve")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("job")
@click.option("--adopt", metavar="TASK_ID", help="The API did take it: this is its task id.")
@click.option("--resubmit", is_flag=True, help="Allow it to be bought again.")
@click.option("--abandon", is_flag=True, help="Give it up; its price stays counted as spent.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_OUTPUT,
    show_default=True,
)
@click.option("--lock-timeout", type=Amount(0), default=0.0, metavar="SECONDS")
def command(
    file: Path,
    job: str,
    adopt: str | None,
    resubmit: bool,
    abandon: bool,
    output: Path,
    lock_timeout: float,
) -> None:
    """Decide on an uncertain or expired JOB of FILE. Without a decision it shows what is known."""
    if sum((adopt is not None, resubmit, abandon)) > 1:
        raise Refusal(ExitCode.INVALID, "one decision at a time: --adopt, --resubmit or --abandon")
    if adopt is not None and not TASK_ID.fullmatch(adopt):
        raise Refusal(
            ExitCode.INVALID,
            "that is not a task id",
            "task ids are letters, digits, '_', '.', ':' and '-', at most 128",
        )
    if not (output / "ledger.db").exists():
        raise Refusal(
            ExitCode.INVALID, f"there is no ledger in {output}", "name the folder with --output"
        )
    refuse_odd_places(output, ())
    with RunLock(output, timeout_s=lock_timeout):
        anyio.run(_resolve, file, job, output, _decision(adopt, resubmit=resubmit, abandon=abandon))


def _decision(
    adopt: str | None, *, resubmit: bool, abandon: bool
) -> tuple[EventKind, Facts] | None:
    now = time.time()
    if adopt is not None:
        return EventKind.ADOPTED, {
            **acceptance_facts(adopt, now),
            "reason": "adopted by a person",
        }
    if resubmit:
        return EventKind.RESUBMIT, {"reason": "a person allowed it to be bought again"}
    return (EventKind.ABANDONED, {"reason": "abandoned by a person"}) if abandon else None


async def _resolve(
    file: Path, job: str, output: Path, decision: tuple[EventKind, Facts] | None
) -> None:
    async with Ledger.open(output / "ledger.db") as ledger:
        await settle_leftovers(RunContext("resolve", "", "", "", "", output, time.time), ledger)
        attempt = find_undecided(ledger.snapshot, stages.manifest_name(file), job)
        elsewhere = [] if output == DEFAULT_OUTPUT else ["--output", str(output)]
        if decision is None:
            _show(attempt, file, elsewhere)
            return
        kind, facts = decision
        _refuse_taken(ledger.snapshot, attempt, str(facts.get("task_id", "")))
        await ledger.append(Event(attempt.attempt_id, kind, time.time(), facts))
        following = quoted(["wanbatch", "run", str(file), "--backend", attempt.backend, *elsewhere])
        say(f"{attempt.job}: {kind.value}, recorded. Continue with: {following}")


def _refuse_taken(snapshot: Snapshot, attempt: Attempt, task_id: str) -> None:
    """One task is one purchase: it cannot stand for two jobs. Raises ``Refusal`` (2)."""
    others = [
        a
        for a in snapshot.attempts
        if task_id
        and a.task_id == task_id
        and a.origin == attempt.origin
        and a.attempt_id != attempt.attempt_id
    ]
    if others:
        raise Refusal(
            ExitCode.INVALID,
            f"task {task_id} is the one of {others[0].job!r} already; nothing was recorded",
            f"look for one whose prompt and time are those of {attempt.job!r}: {_local_time(attempt.intent_at)}",
        )


def find_undecided(snapshot: Snapshot, manifest: str, job: str) -> Attempt:
    """The one attempt of that job which waits for a person. Raises ``Refusal`` (2) where there is none, naming those that do."""
    waiting = [
        a
        for a in snapshot.attempts
        if a.manifest == manifest and a.state in (State.UNCERTAIN, State.EXPIRED)
    ]
    found = [a for a in waiting if a.job == job]
    if not found:
        names = ", ".join(dict.fromkeys(a.job for a in waiting)) or "none"
        raise Refusal(
            ExitCode.INVALID,
            f"no attempt of {job!r} waits for a decision",
            f"jobs of {manifest} that do: {names}",
        )
    return found[-1]


def _show(attempt: Attempt, file: Path, elsewhere: list[str]) -> None:
    say(f"{attempt.job} is {attempt.state.value}.")
    say(f"  submitted  {_local_time(attempt.intent_at)} to {attempt.backend} ({attempt.origin})")
    say(f"  price      {money(attempt.price, attempt.currency)}, counted as spent until you decide")
    say(f"  task id    {attempt.task_id or 'unknown'}")
    say(f"  evidence   {attempt.reason or attempt.error_message or 'none'}")
    say(f"  request    {attempt.request}")
    say("Look for it in the provider's task list or bill, then decide:")
    for words, meaning in (
        (["--adopt", "TASK_ID"], "it was taken; fetch that task"),
        (["--resubmit"], "it was not taken, or pay again"),
        (["--abandon"], "leave it"),
    ):
        say(
            f"  {quoted(['wanbatch', 'resolve', str(file), attempt.job, *words, *elsewhere])}   # {meaning}"
        )


def _local_time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
