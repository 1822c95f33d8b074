"""A person's decision on uncertain, expired or unfetchable jobs.

What it may not do: send anything, or decide for the person. ``ADOPTED`` is checked by
the next run or fetch, which polls the task.

How it works: finds the attempts that are meant (``plan.undecided``) in the realm of the
backend; records the decision as an event, under the run lock that ``resolve`` takes.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from wanbatch.compute.threads import Threads
from wanbatch.engine.interpret import acceptance_facts
from wanbatch.engine.recovery import recover_interrupted
from wanbatch.engine.runner import RunContext, stranger_path
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger
from wanbatch.manifest.load import LoadOptions, load_manifests
from wanbatch.media.errands import HASH, PROBE
from wanbatch.model.lifecycle import (
    DECISIONS,
    Attempt,
    Event,
    EventKind,
    Facts,
    Snapshot,
    is_undecided,
)
from wanbatch.model.media import UnreadableFile
from wanbatch.model.origin import same_origin
from wanbatch.model.plan import Plan
from wanbatch.model.pool import Pool, near, where
from wanbatch.model.wire import Profile
from wanbatch.operations.check import check_silently, read_name
from wanbatch.operations.choose import choose_backend
from wanbatch.operations.events import Observer
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.planning import build_plan, intact_offline
from wanbatch.operations.shared import ledger_opener, shared_ledger
from wanbatch.operations.wiring import shared_ports
from wanbatch.plan.undecided import find_by_name, find_selected
from wanbatch.providers.dialects.reading import valid_task_id
from wanbatch.videos import outputs
from wanbatch.videos.folders import refuse_odd_places
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import create_anew, open_regular

FLAGS = {
    EventKind.ADOPTED: "--adopt TASK_ID",
    EventKind.RESUBMIT: "--resubmit",
    EventKind.ABANDONED: "--abandon",
    EventKind.STAGED: "--take",
}
"""How each decision is written on the command line."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which jobs of which manifest, and what is decided; ``kind`` ``None`` decides
    nothing.

    ``options.files`` is the one manifest, ``options.select`` chooses jobs where ``job``
    does not name one. ``task_id`` belongs to ``ADOPTED``.
    """

    options: PlanningOptions
    job: str | None = None
    kind: EventKind | None = None
    task_id: str = ""

    @property
    def file(self) -> Path:
        return self.options.files[0]


@dataclass(frozen=True, slots=True)
class ResolvePorts:
    """What a decision has to do with outside of itself."""

    wall: Callable[[], float]
    lock: Callable[[], AbstractContextManager[object]]
    open_ledger: Callable[[], AbstractAsyncContextManager[Ledger]]
    pool: Pool


@dataclass(frozen=True, slots=True)
class Resolution:
    """The attempts that were meant, as they stood before. ``remarks`` say by attempt
    what could not be read of bytes that were taken all the same."""

    attempts: tuple[Attempt, ...]
    remarks: dict[int, str]


def start(question: Question, observe: Observer, lock_timeout_s: float = 0.0) -> Resolution:
    """Looks, or decides, under the run lock. Raises ``WanbatchError``."""
    refuse_nonsense(question)
    options, profile = question.options, _backend_of(question)
    is_shared = profile is not None and shared_ledger(profile) is not None
    if not is_shared and not options.ledger.exists():
        raise WanbatchError(
            ExitCode.INVALID,
            f"there is no ledger in {options.output}",
            "name the folder with --output",
        )
    refuse_odd_places(options.output, ())
    pool = Threads()
    ports = ResolvePorts(
        time.time,
        lambda: RunLock(options.output, timeout_s=lock_timeout_s),
        ledger_opener(options, profile, shared_ports(options.output, lock_timeout_s), pool),
        pool,
    )
    with ports.lock(), closing(pool):
        return anyio.run(resolve, question, ports, observe)


def _backend_of(question: Question) -> Profile | None:
    """The backend that is meant; ``None`` where the manifest has an error, or names one
    that is configured no more, which must not stand in the way of a decision. Raises
    ``WanbatchError`` (2) for one that the user names."""
    options = question.options
    try:
        found = load_manifests([question.file], LoadOptions(None, options.max_jobs, {}))
        return choose_backend(options, found.manifests, offline=True).profile
    except WanbatchError:
        if options.backend:
            raise
        return None


def refuse_nonsense(question: Question) -> None:
    """Raises ``WanbatchError`` (2) for what cannot have been meant."""
    job, select, kind = question.job, question.options.select, question.kind
    if kind is EventKind.ADOPTED and valid_task_id(question.task_id) != question.task_id:
        raise WanbatchError(
            ExitCode.INVALID,
            "that is not a task id",
            "an id is 1 to 512 printable ASCII characters without white space",
        )
    if bool(job) == bool(select):
        raise WanbatchError(
            ExitCode.INVALID,
            "name one job, or choose several with --select" if job else "no job is named",
            "for example: wanbatch resolve FILE --select state:uncertain --abandon",
        )
    if select and kind is EventKind.ADOPTED:
        raise WanbatchError(
            ExitCode.INVALID,
            "one task cannot be adopted for a selection",
            "name the one JOB whose task it is",
        )


async def resolve(question: Question, ports: ResolvePorts, observe: Observer) -> Resolution:
    """With the lock held. Raises ``WanbatchError`` (2) where nothing fits; then nothing
    is recorded."""
    return await record(
        question, ports, lambda snapshot: _find(question, snapshot, ports.wall(), observe)
    )


async def record(
    question: Question, ports: ResolvePorts, find: Callable[[Snapshot], Sequence[Attempt]]
) -> Resolution:
    """``resolve`` for the attempts that ``find`` names."""
    async with ports.open_ledger() as ledger:
        output = question.options.output
        context = RunContext("resolve", "", "", "", "", output, ports.wall, ports.pool)
        await recover_interrupted(context, ledger)
        found = tuple(find(ledger.snapshot))
        if question.kind is None:
            return Resolution(found, {})
        _refuse_undecidable(found, question.kind)
        remarks: dict[int, str] = {}
        for attempt in found:
            facts = await _facts(attempt, question, ledger.snapshot, ports, remarks)
            await ledger.append(Event(attempt.attempt_id, question.kind, ports.wall(), facts))
        await recover_interrupted(context, ledger)
        return Resolution(found, remarks)


# -- which attempts --------------------------------------------------------------------


def _find(question: Question, snapshot: Snapshot, at: float, observe: Observer) -> list[Attempt]:
    """The attempts that are meant. Raises ``WanbatchError`` (2) where there is none, or
    a choice."""
    plan, manifest, realm = _plan(question, snapshot, at, observe)
    rows = [a for a in snapshot.attempts if realm in (None, a.realm)]
    planned = plan.jobs if plan else ()
    if question.job is None:
        found = find_selected(planned, rows)
        if not found:
            raise _nothing(rows, manifest, "none of the selected jobs waits for a decision")
        return found
    found = find_by_name(question.job, manifest, planned, rows)
    if not found:
        raise _nothing(rows, manifest, f"no attempt of {question.job!r} waits for a decision")
    backends = sorted({a.backend for a in found})
    if len({(a.realm, a.manifest) for a in found}) > 1 and len(backends) > 1:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{question.job!r} waits on several backends: {', '.join(backends)}",
            "say which with --backend NAME",
        )
    return found[-1:]


def _nothing(rows: Sequence[Attempt], manifest: str, what: str) -> WanbatchError:
    waiting = [a for a in rows if is_undecided(a)]
    names = ", ".join(dict.fromkeys(a.job for a in waiting if a.manifest == manifest)) or "none"
    others = ", ".join(dict.fromkeys(a.job for a in waiting if a.manifest != manifest))
    return WanbatchError(
        ExitCode.INVALID,
        what,
        f"jobs of {manifest} that do: {names}",
        *([f"jobs of other manifests that do: {others}"] if others else []),
        "see how all stand with: wanbatch status FILE",
    )


def _plan(
    question: Question, snapshot: Snapshot, at: float, observe: Observer
) -> tuple[Plan | None, str, str | None]:
    """The manifest as the plan sees it, its name, and the realm that is meant.

    A manifest that has an error by now, or a backend that is configured no more, must
    not stand in the way of a decision: then jobs are found by their old names.
    """
    options = question.options
    name = read_name(question.file, observe)
    profile, checked = _backend_of(question), None
    if profile is not None:
        with suppress(WanbatchError):
            checked = check_silently(options)
    realm = profile.realm if profile and (options.backend or checked) else None
    if checked is None or profile is None:
        if options.select:
            raise WanbatchError(
                ExitCode.INVALID,
                "a selection needs a manifest without errors, and a backend",
                f"see: wanbatch validate {question.file}; name the backend with --backend",
            )
        return None, name, realm
    intact = intact_offline(options.output, profile, snapshot)
    return build_plan(options, checked, profile, snapshot, intact, at), name, realm


def _refuse_undecidable(found: Sequence[Attempt], kind: EventKind) -> None:
    """Not every state can be left by every decision. Raises ``WanbatchError`` (2)."""
    for attempt in found:
        allowed = DECISIONS[attempt.state]
        if kind not in allowed:
            raise WanbatchError(
                ExitCode.INVALID,
                f"{attempt.job} is {describe_state(attempt)}: {FLAGS[kind]} does not fit;"
                " nothing was recorded",
                "what does: " + ", ".join(FLAGS[one] for one in allowed),
            )


def describe_state(attempt: Attempt) -> str:
    """Why an attempt waits for a person, in a word or a few."""
    if attempt.state.value == "remote_ok":
        return "finished, and its video is not here"
    return "adopted and not confirmed" if attempt.state.value == "accepted" else attempt.state.value


# -- what is recorded ------------------------------------------------------------------


async def _facts(
    attempt: Attempt,
    question: Question,
    snapshot: Snapshot,
    ports: ResolvePorts,
    remarks: dict[int, str],
) -> Facts:
    match question.kind:
        case EventKind.ADOPTED:
            _refuse_taken(snapshot, attempt, question.task_id)
            facts = acceptance_facts(question.task_id, ports.wall())
            return {**facts, "reason": "adopted by a person", "confirmed_at": 0.0}
        case EventKind.RESUBMIT:
            return {"reason": "a person allowed it to be bought again"}
        case EventKind.STAGED:
            output = question.options.output
            return await _take(attempt, output, ports.pool, remarks)
        case _:
            return {"reason": "abandoned by a person"}


def _refuse_taken(snapshot: Snapshot, attempt: Attempt, task_id: str) -> None:
    """One task is one purchase: it cannot stand for two jobs. Raises ``WanbatchError``
    (2)."""
    others = [
        a
        for a in snapshot.attempts
        if a.task_id == task_id
        and same_origin(a.origin, attempt.origin)
        and a.attempt_id != attempt.attempt_id
    ]
    if others:
        sent = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(attempt.intent_at))
        raise WanbatchError(
            ExitCode.INVALID,
            f"task {task_id} is the one of {others[0].job!r} already; nothing was recorded",
            f"look for one whose prompt and time are those of {attempt.job!r}: {sent}",
        )


async def _take(attempt: Attempt, output: Path, pool: Pool, remarks: dict[int, str]) -> Facts:
    """Copies kept bytes to where staged ones lie; what can be measured of them is
    recorded.

    Raises ``WanbatchError`` (2) where nothing was kept.
    """
    kept = next((p for p in _kept(attempt, output) if p.is_file()), None)
    if kept is None:
        raise WanbatchError(
            ExitCode.INVALID,
            f"no refused bytes of {attempt.job} are kept; nothing was recorded",
            "decide with: " + ", ".join(FLAGS[one] for one in DECISIONS[attempt.state]),
        )
    part = outputs.part_path(output, attempt)
    await pool.submit(near(_copy), kept, part)
    facts: Facts = {
        "path": stranger_path(attempt),
        "sha256": await pool.submit(HASH, where(part)),
        "bytes": part.stat().st_size,
        "reason": "refused bytes were taken by a person",
    }
    probed = await pool.submit(PROBE, where(part))
    if isinstance(probed, UnreadableFile):
        remarks[attempt.attempt_id] = probed.text
        return facts
    return {
        **facts,
        "seconds": probed.seconds,
        "width": probed.width,
        "height": probed.height,
        "fps": probed.fps,
        "has_audio": probed.has_audio,
    }


def _copy(kept: Path, part: Path) -> None:
    with open_regular(kept) as reader, create_anew(part) as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())


def has_kept_bytes(attempt: Attempt, output: Path) -> bool:
    """Whether bytes that came and were refused still lie there."""
    return any(path.is_file() for path in _kept(attempt, output))


def _kept(attempt: Attempt, output: Path) -> tuple[Path, Path]:
    return outputs.rejected_path(output, attempt), outputs.early_path(output, attempt)
