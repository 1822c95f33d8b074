"""What a run does before it buys anything: settles what an earlier process left half
done.

What it may not do: POST, or conclude from silence that nothing was bought.

How it works, in this order: an intent without an answer becomes uncertain; a staged
video gets its final name, or is fetched again where its bytes are gone; videos that
this plan reuses are placed under their present names. What is still in flight at this
backend's origin is handed to the scheduler, of the whole ledger and not only of this
manifest; tasks of other origins are polled there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from wanbatch.engine.interpret import REFUSED_FOR_GOOD
from wanbatch.engine.runner import (
    LedgerWriter,
    RunContext,
    StoredVideo,
    place_copies,
    publish_staged,
)
from wanbatch.model.archive import Archive, NotArchived, archived_name, is_archived
from wanbatch.model.lifecycle import Attempt, Event, EventKind, Placement, Snapshot, State
from wanbatch.model.origin import same_origin
from wanbatch.model.plan import Action, Plan
from wanbatch.model.pool import near, where
from wanbatch.videos import outputs
from wanbatch.videos.errands import HASH
from wanbatch.words.errors import ExitCode, WanbatchError

DIED_BEFORE_ANSWER = "the process ended after the intent was recorded and before the answer was"
OWNER_IS_GONE = (
    "the machine that recorded the intent lost the ledger's lease, and did not say what became of"
    " it"
)


async def recover_interrupted(context: RunContext, ledger: LedgerWriter) -> None:
    """Intents become uncertain, staged videos get their names. Comes before planning:
    the plan is made from what this leaves."""
    for attempt in _in_state(ledger, State.INTENT):
        reason = OWNER_IS_GONE if ledger.snapshot.is_foreign(attempt) else DIED_BEFORE_ANSWER
        await ledger.append(
            Event(attempt.attempt_id, EventKind.UNCERTAIN, context.wall(), {"reason": reason})
        )
    for attempt in _in_state(ledger, State.STAGED):
        await _finish_staged(context, ledger, attempt)


@dataclass(frozen=True, slots=True)
class InFlight:
    """Attempts to watch in this run, and those that only another backend can be asked
    for."""

    here: tuple[Attempt, ...]
    elsewhere: tuple[Attempt, ...]


def find_in_flight(context: RunContext, snapshot: Snapshot, plan: Plan) -> InFlight:
    """What was paid for and is not on disk, of the whole ledger; and stored videos of
    this plan whose file was lost."""
    watched = [
        a
        for a in snapshot.attempts
        if a.state in (State.ACCEPTED, State.REMOTE_OK)
        # The same bytes came twice and are no video: a person takes them, or gives them
        # up.
        and a.refused_times < REFUSED_FOR_GOOD
    ]
    lost = {
        e.attempt.attempt_id: e.attempt
        for e in plan.selected()
        if e.action is Action.RESUME and e.attempt and e.attempt.state is State.STORED
    }
    here = [a for a in watched if _is_here(context, a)]
    elsewhere = [a for a in watched if not _is_here(context, a)]
    return InFlight((*here, *lost.values()), tuple(elsewhere))


def _is_here(context: RunContext, attempt: Attempt) -> bool:
    return attempt.realm == context.realm and same_origin(attempt.origin, context.origin)


async def record_authorisations(context: RunContext, ledger: LedgerWriter, plan: Plan) -> Plan:
    """Records what a person asked to buy once more; returns the plan with the records'
    ids.

    So an interrupted run goes on where it stood, by the same command without its flags.
    """
    recorded: dict[str, int] = {}
    for entry in plan.selected():
        if entry.action is not Action.GENERATE or not entry.authorised_by or entry.authorisation_id:
            continue
        if entry.fingerprint not in recorded:
            authorisation = await ledger.authorise(
                fingerprint=entry.fingerprint,
                realm=context.realm,
                manifest=entry.job.manifest,
                job=entry.name,
                kind=entry.authorised_by,
                run_id=context.run_id,
                at=context.wall(),
            )
            recorded[entry.fingerprint] = authorisation.authorisation_id
    jobs = tuple(
        replace(entry, authorisation_id=recorded.get(entry.fingerprint, entry.authorisation_id))
        for entry in plan.jobs
    )
    return replace(plan, jobs=jobs)


def find_failed(context: RunContext, snapshot: Snapshot) -> tuple[Attempt, ...]:
    """Failed tasks of this backend that the provider may yet call finished: under a day
    old."""
    return tuple(
        attempt
        for attempt in snapshot.attempts
        if attempt.state is State.REMOTE_FAILED
        and attempt.task_id
        and _is_here(context, attempt)
        and context.age_s(attempt) < context.retention.query_s
    )


def _in_state(ledger: LedgerWriter, state: State) -> list[Attempt]:
    return [a for a in ledger.snapshot.attempts if a.state is state]


async def _finish_staged(context: RunContext, ledger: LedgerWriter, attempt: Attempt) -> None:
    part, final = outputs.part_path(context.output, attempt), context.output / attempt.path
    for path in (part, final, context.output / archived_name(attempt.sha256)):
        with _disk_of(context):
            if path.is_file() and await _hash(context, path) == attempt.sha256:
                with suppress(NotArchived):  # it stays staged; the archive tells of its trouble
                    await publish_staged(context, ledger, attempt, path)
                return
    await ledger.append(
        Event(
            attempt.attempt_id,
            EventKind.REMOTE_OK,
            context.wall(),
            {"reason": "its bytes were gone at start-up"},
        )
    )


async def _hash(context: RunContext, path: Path) -> str:
    return await context.pool.submit(HASH, where(path))


async def place_reused(
    context: RunContext, ledger: LedgerWriter, plan: Plan, intact: frozenset[str]
) -> dict[str, StoredVideo]:
    """Puts reused videos under their present names; returns where each stands, by
    fingerprint."""
    placed = {(p.manifest, p.job): p for p in ledger.snapshot.placements}
    sources = {p.attempt_id: p.path for p in ledger.snapshot.placements if p.path in intact}
    homes: dict[str, StoredVideo] = {}
    for entry in plan.jobs:
        if entry.action is not Action.REUSE or entry.attempt is None:
            continue
        path = (
            entry.attempt.path
            if entry.attempt.path in intact
            else sources[entry.attempt.attempt_id]
        )
        homes[entry.fingerprint] = StoredVideo(path, entry.attempt.sha256)
        present = placed.get((entry.job.manifest, entry.name))
        if entry.selected and (
            present is None
            or present.attempt_id != entry.attempt.attempt_id
            or present.path not in intact
        ):
            with _disk_of(context):
                await place_copies(context, ledger, entry.attempt, path, [entry])
    return homes


async def keep_copies(
    context: RunContext, archive: Archive, snapshot: Snapshot, there: Mapping[str, int]
) -> None:
    """Gives the store again what it has no more, where a whole copy is here. ``there``
    is what it has, by name, with its bytes."""
    for attempt in snapshot.attempts:
        if (
            attempt.state is not State.STORED
            or not is_archived(attempt.path)
            or there.get(attempt.path) == attempt.bytes
        ):
            continue
        copy = Placement(attempt.manifest, attempt.job, attempt.attempt_id, attempt.path, 0)
        if await context.pool.submit(near(outputs.is_intact), context.output, copy, attempt):
            with suppress(NotArchived):  # the archive tells of its trouble
                await archive.keep(attempt.sha256, context.output / attempt.path)


@contextmanager
def _disk_of(context: RunContext) -> Iterator[None]:
    """Says what is wrong where the disk does not take a video's name. Raises
    ``WanbatchError`` (ENVIRONMENT)."""
    try:
        yield
    except OSError as error:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"{context.output} cannot be written: {error.strerror or 'input/output error'};"
            " nothing was sent, and nothing that was paid for is lost",
            "mend the disk or free some space, then run the same command again",
        ) from error
