"""The life of an attempt: its states, the events that move it, and the fold from events
to a row.

What it may not do: I/O, read a clock, draw a random number, decide *when* something
happens. It decides what may follow what.

Theory of operation
-------------------
A **job** is what the manifest asks for; its identity is a fingerprint. An **attempt**
is one intent to buy that job's video, and sees at most one POST. Everything that
happens to an attempt is an **event**; the attempt's row in the ledger is the fold of
its events, and every event is durable before the next step starts. ``TRANSITIONS`` is
the whole law: an event that is not in it for the present state raises
``IllegalTransition``.

A state of ``PLANNED`` means that the attempt is closed and bought nothing: the job may
be submitted again, as a new attempt, not before ``not_before``. Three states are
*unsettled*: money may be or was spent and no result is on disk. ``UNCERTAIN`` and
``EXPIRED`` are left only by proof or by a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import TypedDict, cast

from wanbatch.model.reason import Reason, ReasonCode, because
from wanbatch.words.building import builder_of


class State(StrEnum):
    """Where an attempt stands."""

    PLANNED = "planned"
    INTENT = "intent"
    ACCEPTED = "accepted"
    UNCERTAIN = "uncertain"
    REJECTED = "rejected"
    REMOTE_OK = "remote_ok"
    REMOTE_FAILED = "remote_failed"
    EXPIRED = "expired"
    STAGED = "staged"
    STORED = "stored"
    ABANDONED = "abandoned"


class EventKind(StrEnum):
    """What can happen to an attempt, each written once to the ledger."""

    INTENT = "intent"  # budget reserved, about to POST
    ACCEPTED = "accepted"  # 2xx with a task id
    NOT_ACCEPTED = "not_accepted"  # proven: the API did not take it; the job may go again
    REJECTED = "rejected"  # a definite refusal of this job
    UNCERTAIN = "uncertain"  # nobody knows whether the API took it
    ABSENT = "absent"  # reconciling proved that the API never took it
    ADOPTED = "adopted"  # the task id was found, by reconciling or by a person
    RESUBMIT = "resubmit"  # a person allows a second purchase
    ABANDONED = "abandoned"  # a person gives up; the price stays counted
    REMOTE_OK = "remote_ok"  # the provider has a result
    REMOTE_FAILED = "remote_failed"  # the provider says it failed; costs nothing
    EXPIRED = "expired"  # the result can no longer be had, or no final word came
    STAGED = "staged"  # all bytes checked and on disk under the .part name
    STORED = "stored"  # under the final name
    RESTORED = "restored"  # a lost file was downloaded again, byte for byte
    REOPENED = "reopened"  # proven not accepted before: the same attempt is about to POST again
    OBSERVED = "observed"  # something worth keeping was seen; the state stays


class Authority(StrEnum):
    """Why an attempt was allowed to spend; everything but ``FIRST`` is a recorded
    decision to possibly pay again."""

    FIRST = "first"
    NOT_ACCEPTED = "not_accepted"  # the one before was proven not accepted
    RETRY_POLICY = "retry_policy"  # the one before failed remotely, which is free
    ABSENT = "absent"  # the one before was proven absent
    REGENERATE = "regenerate"  # a person bought anew what was there: --regenerate
    PERSON = "person"  # --retry-failed, --regenerate, resolve --resubmit


TRANSITIONS: Mapping[tuple[State, EventKind], State] = {
    (State.INTENT, EventKind.ACCEPTED): State.ACCEPTED,
    (State.INTENT, EventKind.NOT_ACCEPTED): State.PLANNED,
    (State.INTENT, EventKind.REJECTED): State.REJECTED,
    (State.INTENT, EventKind.UNCERTAIN): State.UNCERTAIN,
    (State.UNCERTAIN, EventKind.ADOPTED): State.ACCEPTED,
    (State.UNCERTAIN, EventKind.ABSENT): State.PLANNED,
    (State.UNCERTAIN, EventKind.RESUBMIT): State.PLANNED,
    (State.UNCERTAIN, EventKind.ABANDONED): State.ABANDONED,
    # Only what was proven not accepted goes out again under the same attempt.
    (State.PLANNED, EventKind.REOPENED): State.INTENT,
    (State.ACCEPTED, EventKind.OBSERVED): State.ACCEPTED,
    (State.REMOTE_OK, EventKind.OBSERVED): State.REMOTE_OK,
    # A person names another task while no poll has confirmed the first.
    (State.ACCEPTED, EventKind.ADOPTED): State.ACCEPTED,
    (State.ACCEPTED, EventKind.REMOTE_OK): State.REMOTE_OK,
    (State.ACCEPTED, EventKind.REMOTE_FAILED): State.REMOTE_FAILED,
    (State.ACCEPTED, EventKind.EXPIRED): State.EXPIRED,
    (State.REMOTE_OK, EventKind.STAGED): State.STAGED,
    (State.REMOTE_OK, EventKind.EXPIRED): State.EXPIRED,
    (State.REMOTE_OK, EventKind.ABANDONED): State.ABANDONED,
    # The provider's own later "finished" takes back its "failed", and our "gone".
    (State.REMOTE_FAILED, EventKind.REMOTE_OK): State.REMOTE_OK,
    (State.EXPIRED, EventKind.REMOTE_OK): State.REMOTE_OK,
    # A person takes bytes that came whole and were refused.
    (State.EXPIRED, EventKind.STAGED): State.STAGED,
    # Found at start-up without its .part file: fetch the bytes again.
    (State.STAGED, EventKind.REMOTE_OK): State.REMOTE_OK,
    (State.STAGED, EventKind.STORED): State.STORED,
    (State.STORED, EventKind.RESTORED): State.STORED,
    (State.EXPIRED, EventKind.ADOPTED): State.ACCEPTED,
    (State.EXPIRED, EventKind.RESUBMIT): State.PLANNED,
    (State.EXPIRED, EventKind.ABANDONED): State.ABANDONED,
}

TERMINAL = frozenset(
    {
        State.PLANNED,
        State.REJECTED,
        State.REMOTE_FAILED,
        State.EXPIRED,
        State.STORED,
        State.ABANDONED,
    }
)
"""States that a run never leaves by itself."""

IN_FLIGHT = frozenset({State.ACCEPTED, State.REMOTE_OK, State.STAGED})
"""Accepted by the provider and not yet on disk: polled, downloaded and stored before
anything new is bought."""

UNSETTLED = frozenset({State.INTENT, State.UNCERTAIN, State.EXPIRED}) | IN_FLIGHT
"""Money may have been spent and no result is there yet: a new attempt of the same job
needs a decision."""

SPENT = frozenset(
    {State.UNCERTAIN, State.EXPIRED, State.ABANDONED, State.REMOTE_OK, State.STAGED, State.STORED}
)
"""States whose price counts as spent; ``RESERVED`` ones hold it back."""

RESERVED = frozenset({State.INTENT, State.ACCEPTED})


class IllegalTransition(Exception):
    """An event came that the present state does not allow: a bug, or a ledger that was
    edited by hand."""

    def __init__(self, attempt_id: int, state: State, kind: EventKind) -> None:
        super().__init__(
            f"attempt {attempt_id}: event {kind.value!r} is not allowed in state {state.value!r}"
        )


class Facts(TypedDict, total=False):
    """What an event adds to its row; every name is a field of ``Attempt``. Instants are
    Unix seconds."""

    task_id: str
    reason: str
    error_code: str
    error_message: str
    retryable: bool
    not_before: float
    intent_at: float
    accepted_at: float
    finished_at: float
    give_up_at: float
    available_until: float
    stored_at: float
    path: str
    sha256: str
    bytes: int
    seconds: float
    width: int
    height: int
    fps: float
    has_audio: bool
    polls: int
    polled_at: float
    failed_at: float
    confirmed_at: float
    status_word: str
    download_error: str
    evidence: str
    refusals: int
    intent_offset_s: float | None
    outcome_offset_s: float
    refused_sha256: str
    refused_times: int


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a provider keeps things, in seconds; each dialect declares its own.

    ``result_s`` is a finished video's, ``query_s`` a task's, ``list_s`` an account's
    list. Every margin of ours is derived here.
    """

    result_s: float
    query_s: float
    list_s: float

    @property
    def give_up_after_s(self) -> float:
        """A task without a final word this long after its submit is given up."""
        return self.query_s + 3600.0

    @property
    def forgotten_after_s(self) -> float:
        """A failure first seen later than this after the submit proves nothing."""
        return self.query_s - 3600.0

    @property
    def listed_for_s(self) -> float:
        """Near the edge of what a list shows it proves nothing."""
        return self.list_s - 3600.0


DAY_LONG = Retention(result_s=24 * 3600.0, query_s=24 * 3600.0, list_s=24 * 3600.0)
"""Wan's, behind every API that we know (reference: C.5, C.8, D9): 24 hours for all
three."""

SHOWN_MARGIN_S = 600.0
"""Users are shown a deadline ten minutes before the provider's own (contract)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one attempt, at Unix second ``at``."""

    attempt_id: int
    kind: EventKind
    at: float
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, slots=True)
class Opening:
    """What an attempt is born with, written in the same commit as its ``INTENT`` event.

    ``request`` is the JSON text of the API's fields, with media by SHA-256 and without
    signatures. ``realm`` is ``paid`` or ``emulator``. ``origin`` names the place that
    task ids of this attempt belong to; ``price`` is ``None`` where the profile has
    none. ``length_s`` and ``size`` are the request's, kept apart because latencies are
    learnt by them. ``intent_offset_s`` is the server's clock minus ours at the intent,
    ``None`` while no server was heard; ``authorisation_id`` the recorded decision that
    this purchase uses up, or 0.
    """

    fingerprint: str
    realm: str
    backend: str
    origin: str
    manifest: str
    job: str
    run_id: str
    authority: Authority
    request: str
    length_s: int
    size: str
    price: Decimal | None
    currency: str
    at: float
    intent_offset_s: float | None = None
    authorisation_id: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """A ledger row: an ``Opening`` and the fold of every event since.

    ``path`` is relative to the output folder. ``intent_at`` is the last intent's: what
    was refused goes out again with a new one. ``available_until`` is the provider's:
    when the result vanishes. ``give_up_at`` is ours, an hour later: when a task without
    a final word is expired. ``failed_at`` is when the provider last called it failed,
    ``confirmed_at`` when a poll first knew the task. ``status_word`` is a word of the
    provider that we do not know, ``download_error`` what the last download met,
    ``evidence`` a redacted piece of an answer. ``refusals`` counts how often it was
    proven not accepted. ``refused_sha256`` names bytes that came whole and are no video
    as they should be, ``refused_times`` how often those very bytes came.
    """

    attempt_id: int
    fingerprint: str
    realm: str
    backend: str
    origin: str
    manifest: str
    job: str
    run_id: str
    authority: Authority
    request: str
    length_s: int
    size: str
    price: Decimal | None
    currency: str
    intent_at: float
    state: State = State.INTENT
    updated_at: float = 0.0
    task_id: str = ""
    reason: str = ""
    error_code: str = ""
    error_message: str = ""
    retryable: bool = False
    not_before: float = 0.0
    accepted_at: float = 0.0
    finished_at: float = 0.0
    give_up_at: float = 0.0
    available_until: float = 0.0
    stored_at: float = 0.0
    path: str = ""
    sha256: str = ""
    bytes: int = 0
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    has_audio: bool = False
    polls: int = 0
    polled_at: float = 0.0
    last_event: EventKind = EventKind.INTENT
    intent_offset_s: float | None = None
    outcome_offset_s: float | None = None
    authorisation_id: int = 0
    failed_at: float = 0.0
    confirmed_at: float = 0.0
    status_word: str = ""
    download_error: str = ""
    evidence: str = ""
    refusals: int = 0
    refused_sha256: str = ""
    refused_times: int = 0

    @property
    def shown_deadline(self) -> float | None:
        """By when people should have fetched the result, in Unix seconds."""
        return self.available_until - SHOWN_MARGIN_S if self.available_until else None


ATTEMPT_FIELDS = tuple(f.name for f in fields(Attempt))

# For so many fields ``replace`` takes many times as long; every event of a run, and
# every row of a ledger, passes through here.
_values_of = attrgetter(*ATTEMPT_FIELDS)
_build_attempt = cast("Callable[..., Attempt]", builder_of(Attempt))
_POSITIONS = {name: position for position, name in enumerate(ATTEMPT_FIELDS)}
_STATE, _UPDATED_AT, _LAST_EVENT = (
    _POSITIONS["state"],
    _POSITIONS["updated_at"],
    _POSITIONS["last_event"],
)


def attempt_of(values: Sequence[object]) -> Attempt:
    """The row with these values, one for each of ``ATTEMPT_FIELDS`` in their order;
    their types are the caller's promise."""
    return _build_attempt(*values)


def open_attempt(attempt_id: int, opening: Opening) -> Attempt:
    """The row that an intent begins."""
    return Attempt(
        attempt_id=attempt_id,
        fingerprint=opening.fingerprint,
        realm=opening.realm,
        backend=opening.backend,
        origin=opening.origin,
        manifest=opening.manifest,
        job=opening.job,
        run_id=opening.run_id,
        authority=opening.authority,
        request=opening.request,
        length_s=opening.length_s,
        size=opening.size,
        price=opening.price,
        currency=opening.currency,
        intent_at=opening.at,
        updated_at=opening.at,
        intent_offset_s=opening.intent_offset_s,
        authorisation_id=opening.authorisation_id,
    )


def apply(attempt: Attempt, event: Event) -> Attempt:
    """The row after ``event``. Raises ``IllegalTransition`` where the table has no
    arrow, ``KeyError`` for a fact that is no field."""
    state = TRANSITIONS.get((attempt.state, event.kind))
    if state is None:
        raise IllegalTransition(attempt.attempt_id, attempt.state, event.kind)
    values = [*_values_of(attempt)]
    for name, value in event.facts.items():
        values[_POSITIONS[name]] = value
    values[_STATE], values[_UPDATED_AT], values[_LAST_EVENT] = state, event.at, event.kind
    return attempt_of(values)


@dataclass(frozen=True, slots=True)
class Placement:
    """A copy of an attempt's video in a manifest's folder: ``path`` is relative to the
    output folder.

    ``mtime_ns`` is the file's modification time when it was last known good, so that an
    untouched file needs no hashing.
    """

    manifest: str
    job: str
    attempt_id: int
    path: str
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of the command on one of its manifests, as the ledger remembers it;
    ``finished_at`` is 0.0 and ``exit_code`` -1 until it ended. ``plan`` is the digest
    of the saved plan that it carries out, empty for a run that has none."""

    run_id: str
    manifest: str
    backend: str
    realm: str
    started_at: float
    finished_at: float = 0.0
    exit_code: int = -1
    http_requests: int = 0
    wanbatch_version: str = ""
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A person's recorded word that one job may be bought once more.

    ``kind`` is ``regenerate`` or ``retry_failed``. It is open until an attempt that
    names it may have been bought.
    """

    authorisation_id: int
    fingerprint: str
    realm: str
    manifest: str
    job: str
    kind: str
    run_id: str
    at: float


FOREIGN = "foreign:"
"""How the notes of a shared ledger begin that name an attempt whose intent was found
open; the note says which intent, by its instant."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the ledger knows at one instant. ``attempts`` are in order of birth.

    ``ledger_id`` tells the ledger from every other, ``events`` counts each attempt's
    events, ``notes`` are what the ledger remembers of itself.
    """

    attempts: tuple[Attempt, ...] = ()
    placements: tuple[Placement, ...] = ()
    runs: tuple[RunRecord, ...] = ()
    authorisations: tuple[Authorisation, ...] = ()
    ledger_id: str = field(default="", compare=False)
    events: Mapping[int, int] = field(default_factory=dict, compare=False)
    notes: Mapping[str, str] = field(default_factory=dict, compare=False)

    def is_foreign(self, attempt: Attempt) -> bool:
        """Whether another machine recorded the last intent of ``attempt`` and never
        said that it had ended: it may be stopped, and send it when it wakes. Nobody but
        a person, or that machine itself, can tell that it was not sent."""
        return self.notes.get(f"{FOREIGN}{attempt.attempt_id}") == repr(attempt.intent_at)

    def count_events(self, realm: str) -> int:
        """How much has happened in ``realm``; it only ever grows, so a lower count is
        older."""
        return sum(self.events.get(a.attempt_id, 0) for a in self.attempts if a.realm == realm)

    def open_authorisations(self) -> tuple[Authorisation, ...]:
        """Those that no purchase has used up, oldest first."""
        used = {a.authorisation_id for a in self.attempts if a.state is not State.PLANNED}
        return tuple(a for a in self.authorisations if a.authorisation_id not in used)

    def by_identity(self) -> dict[tuple[str, str], list[Attempt]]:
        """Attempts by (fingerprint, realm), oldest first."""
        found: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
        for attempt in self.attempts:
            found[attempt.fingerprint, attempt.realm].append(attempt)
        return dict(found)


def by_instant(attempt: Attempt) -> tuple[float, bool, int]:
    """The order of birth where numbers give none: a ledger took in another's attempts.

    Of one intent that ended in two ways, here and there, what a person gave up comes
    last, and so decides.
    """
    return attempt.intent_at, attempt.state is State.ABANDONED, attempt.attempt_id


def _first_home(rows: Sequence[Attempt]) -> Attempt:
    """The first of the stored attempts at the end of ``rows`` whose failure turned."""
    found = rows[-1]
    for before in reversed(rows[:-1]):
        if found.state is not State.STORED or before.state is not State.STORED:
            break
        if not before.failed_at or found.authority is Authority.REGENERATE:
            break
        found = before
    return found


def deciding_attempt(attempts: Iterable[Attempt]) -> Attempt | None:
    """The one attempt that says how its job stands, of the attempts that share an
    identity, oldest first.

    A new attempt is only opened once the one before is settled or a person allowed it,
    so the youngest that is stored or unsettled decides; without one, the youngest that
    got a verdict. Attempts that bought nothing decide nothing. Where a task that was
    called failed turned out to be paid for, and its retry came home too, the first is
    the job's.
    """
    rows = [a for a in attempts if a.state is not State.PLANNED]
    for number in range(len(rows) - 1, -1, -1):
        if rows[number].state is State.STORED or rows[number].state in UNSETTLED:
            return _first_home(rows[: number + 1])
    return rows[-1] if rows else None


def how_it_runs(attempt: Attempt) -> Reason:
    """What is known of a paid task that is not on disk yet."""
    if attempt.state is State.ACCEPTED:
        return because(ReasonCode.ACCEPTED, task=attempt.task_id, word=attempt.status_word)
    kept = "twice" if attempt.refused_times > 1 else ""
    return because(ReasonCode.MADE, task=attempt.task_id, met=attempt.download_error, kept=kept)


RETRYABLE_BY_POLICY = frozenset({State.REMOTE_FAILED})


def may_retry(attempt: Attempt, attempts: Iterable[Attempt], retries: int) -> bool:
    """Whether policy allows a new attempt after ``attempt``: a free, retryable remote
    failure, and fewer than ``retries`` made by policy since a person last asked."""
    if attempt.state not in RETRYABLE_BY_POLICY or not attempt.retryable:
        return False
    made, allowed = 0, Authority.FIRST
    for other in attempts:
        if other.authority not in (Authority.NOT_ACCEPTED, Authority.ABSENT):
            allowed = other.authority  # what follows an attempt that bought nothing inherits
        if allowed is Authority.PERSON:
            made = 0
        elif allowed is Authority.RETRY_POLICY and other.state is not State.PLANNED:
            made += 1
    return made < retries


DECISIONS = {
    State.UNCERTAIN: (EventKind.ADOPTED, EventKind.RESUBMIT, EventKind.ABANDONED),
    State.EXPIRED: (
        EventKind.ADOPTED,
        EventKind.RESUBMIT,
        EventKind.ABANDONED,
        EventKind.STAGED,
    ),
    State.REMOTE_OK: (EventKind.ABANDONED, EventKind.STAGED),
    State.ACCEPTED: (EventKind.ADOPTED,),
}
"""What a person may decide, by the state of the attempt."""


def is_undecided(attempt: Attempt) -> bool:
    """Whether a person's decision can move this attempt now."""
    if attempt.state is State.ACCEPTED:
        # Adopted, and no poll has confirmed the id: it may have been mistyped.
        return attempt.last_event is EventKind.ADOPTED and not attempt.confirmed_at
    return attempt.state in DECISIONS
