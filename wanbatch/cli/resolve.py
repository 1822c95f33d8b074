"""``wanbatch resolve``: a person's decision on an uncertain, expired or unfetchable job.

What it may not do: send anything. ``--adopt`` is checked by the next run or fetch, which
polls the task.

How it works: finds the attempts that are meant (``plan.undecided``) in the realm of
``--backend``; shows the time, the price and the evidence; records the decision as an event
under the run lock.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import anyio
import click

from wanbatch.cli import stages
from wanbatch.cli.console import money, plural, quoted, say
from wanbatch.cli.options import Amount, Settings
from wanbatch.engine.interpret import acceptance_facts
from wanbatch.engine.recovery import settle_leftovers
from wanbatch.engine.runner import RunContext, stranger_path
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger
from wanbatch.model.lifecycle import Attempt, Event, EventKind, Facts, Snapshot
from wanbatch.model.origin import same_origin
from wanbatch.model.plan import Plan
from wanbatch.plan.undecided import DECISIONS, find_by_name, find_selected, is_undecided
from wanbatch.videos import outputs
from wanbatch.videos.folders import refuse_odd_places
from wanbatch.words.errors import ExitCode, Refusal

DEFAULT_OUTPUT = Path("reports")
SHOWN = 10
"""So many jobs are named where a decision is about more."""
FLAGS = {
    EventKind.ADOPTED: "--adopt TASK_ID",
    EventKind.RESUBMIT: "--resubmit",
    EventKind.ABANDONED: "--abandon",
    EventKind.STAGED: "--take",
}
MEANING = {
    EventKind.ADOPTED: "it was taken; fetch that task",
    EventKind.RESUBMIT: "it was not taken, or pay again",
    EventKind.ABANDONED: "leave it; its price stays counted",
    EventKind.STAGED: "take the bytes that came and were refused",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks: which jobs of which manifest, and what is decided."""

    file: Path
    job: str | None
    select: tuple[str, ...]
    backend: str | None
    output: Path
    kind: EventKind | None
    task_id: str

    @property
    def elsewhere(self) -> list[str]:
        """The options that a printed command must repeat to mean the same ledger."""
        return [] if self.output == DEFAULT_OUTPUT else ["--output", str(self.output)]


@click.command("resolve")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("job", required=False)
@click.option("--adopt", metavar="TASK_ID", help="The API did take it: this is its task id.")
@click.option("--resubmit", is_flag=True, help="Allow it to be bought again.")
@click.option("--abandon", is_flag=True, help="Give it up; its price stays counted as spent.")
@click.option("--take", is_flag=True, help="Take bytes that came whole and were refused.")
@click.option(
    "--select", multiple=True, metavar="TERM", help="Decide on all these jobs; not with --adopt."
)
@click.option("--backend", metavar="NAME", help="Whose jobs: found as a plan for it finds them.")
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
    """Decide on an uncertain or expired JOB of FILE, or on a finished one whose video cannot
    be had (--abandon, --take). Without a decision it shows what is known."""
    kind = _kind_of(adopt, resubmit=resubmit, abandon=abandon, take=take)
    _refuse_nonsense(job, select, adopt, kind)
    if not (output / "ledger.db").exists():
        raise Refusal(
            ExitCode.INVALID, f"there is no ledger in {output}", "name the folder with --output"
        )
    refuse_odd_places(output, ())
    request = Request(file, job, select, backend, output, kind, adopt or "")
    with RunLock(output, timeout_s=lock_timeout):
        anyio.run(_resolve, request)


def _kind_of(adopt: str | None, *, resubmit: bool, abandon: bool, take: bool) -> EventKind | None:
    asked = {
        EventKind.ADOPTED: adopt is not None,
        EventKind.RESUBMIT: resubmit,
        EventKind.ABANDONED: abandon,
        EventKind.STAGED: take,
    }
    kinds = [kind for kind, given in asked.items() if given]
    if len(kinds) > 1:
        raise Refusal(
            ExitCode.INVALID,
            "one decision at a time: --adopt, --resubmit, --abandon or --take",
            "nothing was recorded; run it again with one of them",
        )
    return kinds[0] if kinds else None


def _refuse_nonsense(
    job: str | None, select: tuple[str, ...], adopt: str | None, kind: EventKind | None
) -> None:
    from wanbatch.providers.dialects.reading import valid_task_id

    if adopt is not None and valid_task_id(adopt) != adopt:
        raise Refusal(
            ExitCode.INVALID,
            "that is not a task id",
            "an id is 1 to 512 printable ASCII characters without white space",
        )
    if bool(job) == bool(select):
        raise Refusal(
            ExitCode.INVALID,
            "name one job, or choose several with --select" if job else "no job is named",
            "for example: wanbatch resolve FILE --select state:uncertain --abandon",
        )
    if select and kind is EventKind.ADOPTED:
        raise Refusal(
            ExitCode.INVALID,
            "one task cannot be adopted for a selection",
            "name the one JOB whose task it is",
        )


async def _resolve(request: Request) -> None:
    async with Ledger.open(request.output / "ledger.db") as ledger:
        context = RunContext("resolve", "", "", "", "", request.output, time.time)
        await settle_leftovers(context, ledger)
        found = _find(request, ledger.snapshot)
        if request.kind is None:
            for attempt in found:
                _show(attempt, request)
            return
        _refuse_undecidable(found, request.kind)
        for attempt in found:
            facts = await _facts(attempt, request, ledger.snapshot)
            event = Event(attempt.attempt_id, request.kind, time.time(), facts)
            await ledger.append(event)
        await settle_leftovers(context, ledger)
        _say_recorded(found, request)


# -- which attempts ------------------------------------------------------------------------------


def _find(request: Request, snapshot: Snapshot) -> list[Attempt]:
    """The attempts that are meant. Raises ``Refusal`` (2) where there is none, or a choice."""
    plan, manifest, realm = _plan(request, snapshot)
    rows = [a for a in snapshot.attempts if realm in (None, a.realm)]
    planned = plan.jobs if plan else ()
    if request.select:
        found = find_selected(planned, rows)
        if not found:
            raise _nothing(rows, manifest, "none of the selected jobs waits for a decision")
        return found
    assert request.job is not None  # noqa: S101 - the command line was checked for it
    found = find_by_name(request.job, manifest, planned, rows)
    if not found:
        raise _nothing(rows, manifest, f"no attempt of {request.job!r} waits for a decision")
    backends = sorted({a.backend for a in found})
    if len({(a.realm, a.manifest) for a in found}) > 1 and len(backends) > 1:
        raise Refusal(
            ExitCode.INVALID,
            f"{request.job!r} waits on several backends: {', '.join(backends)}",
            "say which with --backend NAME",
        )
    return found[-1:]


def _nothing(rows: Sequence[Attempt], manifest: str, what: str) -> Refusal:
    waiting = [a for a in rows if is_undecided(a)]
    names = ", ".join(dict.fromkeys(a.job for a in waiting if a.manifest == manifest)) or "none"
    others = ", ".join(dict.fromkeys(a.job for a in waiting if a.manifest != manifest))
    return Refusal(
        ExitCode.INVALID,
        what,
        f"jobs of {manifest} that do: {names}",
        *([f"jobs of other manifests that do: {others}"] if others else []),
        "see how all stand with: wanbatch status FILE",
    )


def _plan(request: Request, snapshot: Snapshot) -> tuple[Plan | None, str, str | None]:
    """The manifest as the plan sees it, its name, and the realm that is meant.

    A manifest that has an error by now, or a backend that is configured no more, must not
    stand in the way of a decision: then jobs are found by their old names.
    """
    settings = _settings(request)
    name = stages.manifest_name(request.file)
    profile = None
    try:
        from wanbatch.manifest.load import LoadOptions, load_manifests

        manifests = load_manifests([request.file], LoadOptions(None, settings.max_jobs, {}))
        profile = stages.choose_backend(settings, manifests.manifests, offline=True).profile
        checked = stages.check_silently(settings)
    except Refusal:
        if request.backend and profile is None:
            raise
        checked = None
    realm = profile.realm if profile and (request.backend or checked) else None
    if checked is None or profile is None:
        if request.select:
            raise Refusal(
                ExitCode.INVALID,
                "a selection needs a manifest without errors, and a backend",
                f"see: wanbatch validate {request.file}; name the backend with --backend",
            )
        return None, name, realm
    intact = outputs.intact_paths(request.output, snapshot)
    return stages.build_plan(settings, checked, profile, snapshot, intact), name, realm


def _settings(request: Request) -> Settings:
    return Settings(
        files=(request.file,),
        backend=request.backend,
        select=request.select,
        with_upstream=False,
        shard=None,
        variables={},
        output=request.output,
        media_root=None,
        max_jobs=100_000,
        format="text",
        color="auto",
        progress="none",
        quiet=True,
        verbose=False,
    )


def _refuse_undecidable(found: Sequence[Attempt], kind: EventKind) -> None:
    """Not every state can be left by every decision. Raises ``Refusal`` (2)."""
    for attempt in found:
        allowed = DECISIONS[attempt.state]
        if kind not in allowed:
            raise Refusal(
                ExitCode.INVALID,
                f"{attempt.job} is {_state(attempt)}: {FLAGS[kind]} does not fit;"
                " nothing was recorded",
                "what does: " + ", ".join(FLAGS[one] for one in allowed),
            )


# -- what is recorded ----------------------------------------------------------------------------


async def _facts(attempt: Attempt, request: Request, snapshot: Snapshot) -> Facts:
    match request.kind:
        case EventKind.ADOPTED:
            _refuse_taken(snapshot, attempt, request.task_id)
            facts = acceptance_facts(request.task_id, time.time())
            return {**facts, "reason": "adopted by a person", "confirmed_at": 0.0}
        case EventKind.RESUBMIT:
            return {"reason": "a person allowed it to be bought again"}
        case EventKind.STAGED:
            return await anyio.to_thread.run_sync(_take, attempt, request.output)
        case _:
            return {"reason": "abandoned by a person"}


def _refuse_taken(snapshot: Snapshot, attempt: Attempt, task_id: str) -> None:
    """One task is one purchase: it cannot stand for two jobs. Raises ``Refusal`` (2)."""
    others = [
        a
        for a in snapshot.attempts
        if a.task_id == task_id
        and same_origin(a.origin, attempt.origin)
        and a.attempt_id != attempt.attempt_id
    ]
    if others:
        raise Refusal(
            ExitCode.INVALID,
            f"task {task_id} is the one of {others[0].job!r} already; nothing was recorded",
            f"look for one whose prompt and time are those of {attempt.job!r}:"
            f" {_local_time(attempt.intent_at)}",
        )


def _take(attempt: Attempt, output: Path) -> Facts:
    """Copies kept bytes to where staged ones lie; what can be measured of them is recorded.

    Raises ``Refusal`` (2) where nothing was kept.
    """
    from wanbatch.media.probe import probe_video
    from wanbatch.words.files import create_anew, hash_file, open_regular

    kept = next((p for p in _kept(attempt, output) if p.is_file()), None)
    if kept is None:
        raise Refusal(
            ExitCode.INVALID,
            f"no refused bytes of {attempt.job} are kept; nothing was recorded",
            "decide with: " + ", ".join(FLAGS[one] for one in DECISIONS[attempt.state]),
        )
    part = outputs.part_path(output, attempt)
    with open_regular(kept) as reader, create_anew(part) as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())
    facts: Facts = {
        "path": stranger_path(attempt),
        "sha256": hash_file(part),
        "bytes": part.stat().st_size,
        "reason": "refused bytes were taken by a person",
    }
    probed = probe_video(part)
    if isinstance(probed, str):
        say(f"{attempt.job}: these bytes are taken as they are ({probed}).")
        return facts
    return {
        **facts,
        "seconds": probed.seconds,
        "width": probed.width,
        "height": probed.height,
        "fps": probed.fps,
        "has_audio": probed.has_audio,
    }


def _kept(attempt: Attempt, output: Path) -> tuple[Path, Path]:
    return outputs.rejected_path(output, attempt), outputs.early_path(output, attempt)


# -- what is said --------------------------------------------------------------------------------


def _say_recorded(found: Sequence[Attempt], request: Request) -> None:
    assert request.kind is not None  # noqa: S101 - only called for a decision
    for attempt in found[:SHOWN]:
        say(f"{attempt.job}: {_word(request.kind)}, recorded.")
    if len(found) > SHOWN:
        say(f"… and {len(found) - SHOWN} more.")
    if len(found) > 1:
        price = _total(found)
        say(f"{plural(len(found), 'job')}, {money(price, found[0].currency)} in all.")
    backends = sorted({a.backend for a in found})
    for backend in backends:
        words = ["wanbatch", "run", str(request.file), "--backend", backend, *request.elsewhere]
        say(f"Continue with: {quoted(words)}")


def _word(kind: EventKind) -> str:
    return "taken" if kind is EventKind.STAGED else kind.value


def _total(found: Sequence[Attempt]) -> Decimal | None:
    prices = [a.price for a in found]
    known = [price for price in prices if price is not None]
    return sum(known, Decimal(0)) if len(known) == len(prices) else None


def _show(attempt: Attempt, request: Request) -> None:
    say(f"{attempt.job} is {_state(attempt)}.")
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
    kept = any(path.is_file() for path in _kept(attempt, request.output))
    for kind in DECISIONS[attempt.state]:
        if kind is EventKind.STAGED and not kept:
            continue
        words = ["wanbatch", "resolve", str(request.file), attempt.job, *FLAGS[kind].split()]
        where = ["--backend", attempt.backend, *request.elsewhere]
        say(f"  {quoted([*words, *where])}   # {MEANING[kind]}")


def _request_of(attempt: Attempt) -> str:
    """The request as people may see it: what tells URLs apart is the ledger's alone."""
    request = json.loads(attempt.request)
    request.pop("trace", None)
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"))


def _state(attempt: Attempt) -> str:
    if attempt.state.value == "remote_ok":
        return "finished, and its video is not here"
    return "adopted and not confirmed" if attempt.state.value == "accepted" else attempt.state.value


def _local_time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
