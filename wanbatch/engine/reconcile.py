"""What became of uncertain submits, where an API can list the account's tasks.

What it may not do: conclude anything from a listing that is not complete, or that began
before the API had time to show what it took; adopt a task that might belong to another
intent; buy.

How it works: ``judge`` is pure. A task of the listing whose owner no ledger knows, and
that was made near the time of a submit, is a *candidate*. It is adopted where prompt,
model, time, length and size are those of exactly one intent, and no other candidate is
like it; nor where a person had let go of another intent that fits it, for then its
video may be that one's. Services trim and respell prompts and model names, so equality
is judged after normalising: by white space at the ends and line ends for adopting, by
any white space, Unicode form and case for ruling a task out.

Absence is concluded only where no candidate is left but tasks of another model with
another prompt, and where times can be trusted. The server's offset to ours was the same
at the intent, at the outcome and at the listing; the list shows our own tasks, at the
times we know; and no task of this prompt stands whole half hours away, as it would
where one side misreads the other's time zone. For the same reason eight hours more are
asked for than are needed. Everything else waits for a person.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

from wanbatch.engine.interpret import acceptance_facts
from wanbatch.model.lifecycle import DAY_LONG, Attempt, Event, EventKind, Snapshot, State
from wanbatch.model.origin import same_origin
from wanbatch.model.outcomes import ListedTask, TaskListing

CLOCK_SLACK_S = 120.0
"""By how much the server's idea of when a task began may lie outside of ours of when it
was sent: clocks of machines that are kept on time differ by seconds, and a POST takes
its time (chosen; more only leaves more to a person)."""
OFFSETS_AGREE_S = 5.0
"""Offsets of one server differ by the rounding of ``Date``, a second, and the way of
its answers, seldom more than four (chosen)."""
SECONDS_TOLD_S = 2.0
"""How far apart two clocks may show the same event where each tells whole seconds and
ours was corrected by the server's."""

ZONES_S = 8 * 3600.0
"""How far a list that reads our instants in UTC instead of China's time would look
ahead."""
ZONE_STEP_S = 1800.0
"""Time zones differ by whole half hours (three by a quarter, none of them a
provider's)."""
LONGEST_ZONE_S = 14 * 3600.0
"""The widest difference of a zone to UTC."""
MAY_STILL_BE_SENT = (
    "another machine recorded the intent and may send it when it wakes: only a person can tell that"
    " it was not bought"
)


@dataclass(frozen=True, slots=True)
class Adopt:
    attempt: Attempt
    task: ListedTask


@dataclass(frozen=True, slots=True)
class Absent:
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Undecided:
    attempt: Attempt
    reason: str


Verdict = Adopt | Absent | Undecided


class LedgerWriter(Protocol):
    @property
    def snapshot(self) -> Snapshot: ...
    async def append(self, event: Event) -> Attempt: ...


class ListingClient(Protocol):
    """What reconciling needs of a backend; ``list_tasks`` is ``None`` where the API has
    no list."""

    async def list_tasks(self, since: float, until: float) -> TaskListing | None: ...
    async def look_at(self, task_id: str) -> ListedTask | None: ...


async def reconcile(
    ledger: LedgerWriter,
    client: ListingClient,
    origin: str,
    quiet_s: float,
    wall: Callable[[], float],
    *,
    shared: bool = False,
) -> list[Verdict]:
    """Settles what can be settled of this origin's uncertain attempts; records each
    decision.

    ``shared`` is an account in which others submit too: then a person decides. Returns
    all verdicts.
    """
    rows = ledger.snapshot.attempts
    uncertain = [a for a in rows if a.state is State.UNCERTAIN and same_origin(a.origin, origin)]
    if not uncertain:
        return []
    if shared:
        return [Undecided(a, "others submit in this account too") for a in uncertain]
    since = min(a.intent_at for a in uncertain) - CLOCK_SLACK_S - ZONES_S
    listing = await client.list_tasks(since, wall())
    if listing is None:
        return []
    foreign = {a.attempt_id for a in uncertain if ledger.snapshot.is_foreign(a)}
    uncertain = [_as_here(a, listing, a.attempt_id in foreign) for a in uncertain]
    # Two accounts, and two addresses, may give the same id to different tasks.
    known = {a.task_id: a for a in rows if a.task_id and same_origin(a.origin, origin)}
    others = [a for a in rows if a.state is not State.UNCERTAIN and a.task_id not in known]
    near = [
        t
        for t in listing.tasks
        if any(
            _was_made_for(a, t)
            if t.task_id in known
            else _may_be_near(a, t, listing) or _may_be_misread(a, t, listing)
            for a in uncertain
        )
    ]
    seen = {t.task_id: await client.look_at(t.task_id) for t in near}
    shown = {task_id: task for task_id, task in seen.items() if task is not None}
    verdicts = judge(uncertain, listing, known, shown, quiet_s, others)
    verdicts = [_not_for_foreign(verdict, foreign, listing) for verdict in verdicts]
    for verdict in verdicts:
        event = _event(verdict, wall())
        if event is not None:
            await ledger.append(event)
    return verdicts


def _as_here(attempt: Attempt, listing: TaskListing, is_foreign: bool) -> Attempt:
    """``attempt`` with its instants as our clock would have shown them, where a clock
    far from ours did. A foreign one may be sent until now."""
    if attempt.intent_offset_s is None or listing.offset_s is None:
        return attempt
    ahead_s = attempt.intent_offset_s - listing.offset_s
    intent_at, updated_at = attempt.intent_at + ahead_s, attempt.updated_at + ahead_s
    if is_foreign:
        return replace(attempt, intent_at=intent_at, updated_at=listing.started_at)
    if abs(ahead_s) > CLOCK_SLACK_S:
        return replace(attempt, intent_at=intent_at, updated_at=updated_at)
    return attempt


def _not_for_foreign(verdict: Verdict, foreign: Collection[int], listing: TaskListing) -> Verdict:
    """What another machine may still send, no list proves absent; and by whose clock it
    was to be sent must be known before a task is taken for it."""
    attempt = verdict.attempt
    if attempt.attempt_id not in foreign or isinstance(verdict, Undecided):
        return verdict
    if isinstance(verdict, Absent):
        return Undecided(attempt, MAY_STILL_BE_SENT)
    if attempt.intent_offset_s is None or listing.offset_s is None:
        return Undecided(attempt, "the clock of the machine that recorded it is not known")
    return verdict


def judge(
    uncertain: Sequence[Attempt],
    listing: TaskListing,
    known: Mapping[str, Attempt],
    shown: Mapping[str, ListedTask],
    quiet_s: float,
    others: Sequence[Attempt] = (),
) -> list[Verdict]:
    """One verdict for each uncertain attempt.

    ``known`` are the attempts that have a task id in this account, by that id;
    ``shown`` is what the API's query tells of the tasks that matter. ``others`` are
    settled attempts that may make a task doubtful: see ``_may_be_of``. An API that
    gives an id twice leaves its owner in doubt: see ``_is_anothers``.
    """
    free = [t for t in listing.tasks if t.task_id not in known]
    taken = [t for t in listing.tasks if t.task_id in known]
    candidates = {a.attempt_id: [t for t in free if _may_be_near(a, t, listing)] for a in uncertain}
    alike = {
        a.attempt_id: [
            t
            for t in candidates[a.attempt_id]
            if _is_near(a, t) and _is_alike(a, t, shown.get(t.task_id))
        ]
        for a in uncertain
    }
    verdicts = [
        _judge_one(a, listing, candidates, alike, shown, quiet_s, others) for a in uncertain
    ]
    return [
        Undecided(v.attempt, doubt)
        if isinstance(v, Absent)
        and (
            doubt := _doubt_by_others(v.attempt, taken, known, shown)
            or _doubt_of_times(v.attempt, listing, known)
            or _doubt_of_zones(v.attempt, listing, free, shown)
        )
        else v
        for v in verdicts
    ]


def _doubt_by_others(
    attempt: Attempt,
    taken: Sequence[ListedTask],
    known: Mapping[str, Attempt],
    shown: Mapping[str, ListedTask],
) -> str:
    if any(_is_anothers(t, known[t.task_id], attempt, shown.get(t.task_id)) for t in taken):
        return "another job has the id of a task that was made at that time"
    return ""


def _doubt_of_times(attempt: Attempt, listing: TaskListing, known: Mapping[str, Attempt]) -> str:
    """Why a list that should show our own tasks is not believed about a task it does
    not show.

    What this account accepted at about the same time must be there, at the time we
    know: a list that lacks it is another account's, or behind, or looks at other hours.
    One that was accepted a moment ago may not be listed yet; then the list is asked
    again later.
    """
    listed = {t.task_id: t for t in listing.tasks}
    asked_from = attempt.intent_at - ZONES_S
    for task_id, holder in known.items():
        task = listed.get(task_id)
        if task is None:
            doubt = "the list does not show task {}, which was accepted at that time"
            is_odd = asked_from <= holder.accepted_at <= listing.started_at
        else:
            doubt = "the list shows task {} at another time than it was submitted at"
            is_odd = task.created_at is not None and _is_displaced(holder, task, listing)
        if is_odd and _is_of_account(holder, attempt):
            return doubt.format(task_id)
    return ""


def _is_of_account(holder: Attempt, attempt: Attempt) -> bool:
    return holder.realm == attempt.realm and same_origin(holder.origin, attempt.origin)


def _is_displaced(holder: Attempt, task: ListedTask, listing: TaskListing) -> bool:
    """Whether a task's time is not its holder's, told by the server's clock where it is
    known."""
    created_at = task.created_at or 0.0
    if holder.intent_offset_s is not None and listing.offset_s is not None:
        created_at += listing.offset_s - holder.intent_offset_s
    until = max(holder.accepted_at or holder.updated_at, holder.intent_at)
    return not holder.intent_at - CLOCK_SLACK_S <= created_at <= until + CLOCK_SLACK_S


def _doubt_of_zones(
    attempt: Attempt,
    listing: TaskListing,
    free: Sequence[ListedTask],
    shown: Mapping[str, ListedTask],
) -> str:
    """Why a task of this prompt that was made hours away may be this one all the
    same."""
    for task in free:
        prompt = _prompt_of(shown.get(task.task_id))
        if _may_be_misread(attempt, task, listing) and (
            prompt is None or _squeezed(prompt) == _squeezed(_prompt(attempt))
        ):
            return (
                f"task {task.task_id} has its prompt, and stands whole half hours away from its"
                " time: the list may tell the time of another zone"
            )
    return ""


def _may_be_misread(attempt: Attempt, task: ListedTask, listing: TaskListing) -> bool:
    """Whether a task would be near if one side misread the other's time zone."""
    if task.created_at is None:
        return False
    most = round(LONGEST_ZONE_S / ZONE_STEP_S)
    return any(
        _may_be_near(
            attempt, replace(task, created_at=task.created_at - steps * ZONE_STEP_S), listing
        )
        for steps in range(-most, most + 1)
        if steps
    )


def _judge_one(
    attempt: Attempt,
    listing: TaskListing,
    candidates: Mapping[int, Sequence[ListedTask]],
    alike: Mapping[int, Sequence[ListedTask]],
    shown: Mapping[str, ListedTask],
    quiet_s: float,
    others: Sequence[Attempt],
) -> Verdict:
    near, mine = candidates[attempt.attempt_id], alike[attempt.attempt_id]
    if any(_prompt_of(shown.get(t.task_id)) is None for t in near):
        return Undecided(attempt, "a task of that time does not show its prompt yet")
    if len(mine) > 1:
        return Undecided(attempt, f"{len(mine)} tasks fit")
    if mine and any(mine[0] in tasks for n, tasks in alike.items() if n != attempt.attempt_id):
        return Undecided(attempt, "another uncertain job fits the same task")
    if mine:
        hindrance = _hindrance(attempt, mine[0], shown.get(mine[0].task_id), others)
        return Undecided(attempt, hindrance) if hindrance else Adopt(attempt, mine[0])
    doubt = _doubt_of_absence(attempt, listing, near, shown, quiet_s)
    return Undecided(attempt, doubt) if doubt else Absent(attempt)


def _hindrance(
    attempt: Attempt, task: ListedTask, shown: ListedTask | None, others: Sequence[Attempt]
) -> str:
    """Why a task that is like an intent is not taken for it all the same."""
    for other in others:
        if other.task_id == task.task_id:
            return f"{other.job!r} has task {task.task_id} of {other.origin}: it may be the same"
        if _may_be_of(other, attempt, task, shown):
            return f"a submit that a person let go, of {other.job!r}, fits task {task.task_id} too"
    if _trimmed(_prompt_of(shown) or "") != _trimmed(_prompt(attempt)):
        return f"task {task.task_id} has nearly its prompt"
    if not (task.model or (shown.model if shown else "")):
        return f"task {task.task_id} does not name its model"
    if task.created_at is None:
        return f"task {task.task_id} does not tell when it was made"
    return ""


def _may_be_of(
    other: Attempt, attempt: Attempt, task: ListedTask, shown: ListedTask | None
) -> bool:
    """Whether ``other`` was let go by a person, who knew no task of it, and fits this
    one: a list may show the older of two tasks of a prompt before the younger."""
    is_let_go = other.last_event in (EventKind.RESUBMIT, EventKind.ABANDONED)
    is_rival = is_let_go and not other.task_id and _is_of_account(other, attempt)
    is_alike = _prompt(other).split() == _prompt(attempt).split()
    return is_rival and is_alike and _is_near(other, task) and _may_be(other, task, shown)


def _doubt_of_absence(
    attempt: Attempt,
    listing: TaskListing,
    near: Sequence[ListedTask],
    shown: Mapping[str, ListedTask],
    quiet_s: float,
) -> str:
    """Why a listing without the task does not prove that there is none; empty where it
    does."""
    for task in near:
        if not _is_ruled_out(attempt, task, shown.get(task.task_id)):
            return f"task {task.task_id} of that time belongs to nobody known"
    if not listing.complete:
        return listing.reason or "the listing is not complete"
    if listing.started_at < _doubted_at(attempt) + quiet_s:
        return "the listing began too soon after the submit to prove that it was not taken"
    if listing.started_at > attempt.intent_at + DAY_LONG.listed_for_s - ZONES_S:
        return "the submit is older than what the listing shows"
    return _doubt_of_clocks(attempt, listing)


def _doubt_of_clocks(attempt: Attempt, listing: TaskListing) -> str:
    """A process that died left no offset at its outcome: then two must agree."""
    if attempt.intent_offset_s is None or listing.offset_s is None:
        return "the server's clock at that time is not known"
    offsets = [attempt.intent_offset_s, listing.offset_s]
    if attempt.outcome_offset_s is not None:
        offsets.append(attempt.outcome_offset_s)
    if max(offsets) - min(offsets) > OFFSETS_AGREE_S:
        return "the clocks have changed since: the server's offset to ours is another one now"
    return ""


def _is_anothers(
    task: ListedTask, holder: Attempt, attempt: Attempt, shown: ListedTask | None
) -> bool:
    """Whether a task whose id ``holder`` was given may have been made for ``attempt``.

    It may where it is older than its holder's intent, or where it was made while
    ``attempt`` was being submitted and does not show the holder's prompt.
    """
    if task.created_at is None or not _is_near(attempt, task):
        return False
    if task.created_at < holder.intent_at - CLOCK_SLACK_S:
        return True
    prompt = _prompt_of(shown)
    is_holders = prompt is not None and _trimmed(prompt) == _trimmed(_prompt(holder))
    return _was_made_for(attempt, task) and not is_holders


def _was_made_for(attempt: Attempt, task: ListedTask) -> bool:
    """Whether a task was made while ``attempt`` was being submitted, as far as seconds
    tell."""
    return (
        task.created_at is not None
        and attempt.intent_at - SECONDS_TOLD_S
        <= task.created_at
        <= _doubted_at(attempt) + SECONDS_TOLD_S
    )


def _is_near(attempt: Attempt, task: ListedTask) -> bool:
    """Whether a task may have been made by this submit, as far as its time tells."""
    return (
        task.created_at is None
        or attempt.intent_at - CLOCK_SLACK_S
        <= task.created_at
        <= _doubted_at(attempt) + CLOCK_SLACK_S
    )


def _may_be_near(attempt: Attempt, task: ListedTask, listing: TaskListing) -> bool:
    """Whether a task hinders absence by its time: as moved by the server's ``Date``, or
    as told.

    A ``Date`` that is always wrong, such as a proxy's, moves all tasks away from their
    submits.
    """
    if _is_near(attempt, task) or task.created_at is None:
        return True
    told = task.created_at + (listing.offset_s or 0.0)
    return _is_near(attempt, replace(task, created_at=told))


def _doubted_at(attempt: Attempt) -> float:
    """When the outcome became uncertain; a clock that was set back cannot make that
    earlier."""
    return max(attempt.updated_at, attempt.intent_at)


def _is_alike(attempt: Attempt, task: ListedTask, shown: ListedTask | None) -> bool:
    """Whether a task can be this intent's, by all that the API tells of it."""
    prompt = _prompt_of(shown)
    return (
        prompt is not None
        and _squeezed(prompt) == _squeezed(_prompt(attempt))
        and _may_be(attempt, task, shown)
    )


def _may_be(attempt: Attempt, task: ListedTask, shown: ListedTask | None) -> bool:
    """Whether a task can be this intent's by model, length and size."""
    fits = shown is None or _fits_output(attempt, shown)
    return fits and not _is_other_model(attempt, task, shown)


def _fits_output(attempt: Attempt, shown: ListedTask) -> bool:
    """A colleague's task may have our prompt, and another length or size."""
    length = shown.seconds is None or abs(shown.seconds - attempt.length_s) < 1.0
    return length and shown.size in ("", attempt.size)


def _is_ruled_out(attempt: Attempt, task: ListedTask, shown: ListedTask | None) -> bool:
    """Whether a task is surely not this intent's: another prompt *and* another
    model."""
    prompt = _prompt_of(shown)
    return (
        prompt is not None
        and _squeezed(prompt) != _squeezed(_prompt(attempt))
        and _is_other_model(attempt, task, shown)
    )


def _is_other_model(attempt: Attempt, task: ListedTask, shown: ListedTask | None) -> bool:
    """A list may name a dated snapshot where the request named the alias, in other
    letters."""
    told = task.model or (shown.model if shown else "")
    asked, named = _letters(str(_request(attempt).get("model", ""))), _letters(told)
    return bool(named) and not (named.startswith(asked) or asked.startswith(named))


def _letters(model: str) -> str:
    return "".join(c for c in model.casefold() if c.isalnum())


def _trimmed(prompt: str) -> str:
    """A prompt as services keep it: without white space at its ends, with one line
    end."""
    text = unicodedata.normalize("NFC", prompt).replace("\r\n", "\n").replace("\r", "\n")
    return text.strip()


def _squeezed(prompt: str) -> str:
    """What is left of a prompt whatever a service did to its letters and spaces."""
    text = unicodedata.normalize("NFKC", prompt).casefold()
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) != "Cf")


def _prompt_of(shown: ListedTask | None) -> str | None:
    return None if shown is None else shown.prompt


def _prompt(attempt: Attempt) -> str:
    prompt = _request(attempt).get("prompt")
    return prompt if isinstance(prompt, str) else ""


def _request(attempt: Attempt) -> Mapping[str, object]:
    request = json.loads(attempt.request)
    return request if isinstance(request, dict) else {}


def _event(verdict: Verdict, at: float) -> Event | None:
    match verdict:
        case Adopt(attempt, task):
            accepted_at = task.created_at or attempt.intent_at
            facts = acceptance_facts(task.task_id, accepted_at)
            return Event(
                attempt.attempt_id,
                EventKind.ADOPTED,
                at,
                {**facts, "reason": "found in the account's list"},
            )
        case Absent(attempt):
            return Event(
                attempt.attempt_id,
                EventKind.ABSENT,
                at,
                {"reason": "a complete listing does not show it"},
            )
        case Undecided():
            return None
        case _:
            assert_never(verdict)
