"""The lock of a manifest from its plan and ledger, its text, and how a manifest differs
from it.

What it may not do: I/O; ``operations.locks`` reads and writes the files.

How it works: every job with a paid attempt gets an entry, also one that still runs or
is in doubt. Entries of an earlier lock that this ledger does not know are kept: another
machine bought them. Keys are sorted and every field has a line of its own, so that a
job's change is one hunk of a diff; times, machine paths and the manifest's hash stay
out, so that nothing changes by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wanbatch.model.changes import Change, find_changes
from wanbatch.model.lifecycle import Attempt, Snapshot, State
from wanbatch.model.lock import LOCK_SCHEMA, Lock, LockedOutput, LockEntry
from wanbatch.model.plan import JobState, PlannedJob, Request
from wanbatch.plan.history import BOUGHT
from wanbatch.words.canonical import quote

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(", ", ": ")
).encode


class Kind(StrEnum):
    """How a job and the lock disagree."""

    UNLOCKED = "not in the lock"
    CHANGED = "changed"
    GONE = "not in the manifest"
    MISSING = "its video is not here"
    ALTERED = "its video was altered"


@dataclass(frozen=True, slots=True)
class Difference:
    """``where`` is a file, where the difference is one of a file."""

    job: str
    kind: Kind
    changes: tuple[Change, ...] = ()
    where: str = ""

    def __str__(self) -> str:
        detail = "; ".join(map(str, self.changes)) or self.where
        return f"{self.job}: {self.kind.value}" + (f": {detail}" if detail else "")


# -- from plan and ledger --------------------------------------------------------------


def make_lock(
    entries: Iterable[PlannedJob], snapshot: Snapshot, earlier: Lock | None, *, prune: bool
) -> Lock:
    """The lock of one manifest's planned jobs. ``earlier`` is the lock that it takes
    the place of; with ``prune`` nothing of it is kept."""
    jobs = {
        entry.name: _entry(entry, attempt)
        for entry in entries
        if (attempt := _bought(entry)) is not None
    }
    known = {a.fingerprint for a in snapshot.attempts if a.state in BOUGHT}
    locked = {one.fingerprint for one in jobs.values()}
    for name, one in earlier.jobs.items() if earlier and not prune else ():
        if one.fingerprint not in known | locked:
            jobs[name if name not in jobs else _other_name(name, one)] = one
    return Lock(snapshot.ledger_id, jobs)


def _other_name(name: str, one: LockEntry) -> str:
    """For an earlier version of a job that has its name: names only explain."""
    return f"{name}~{one.fingerprint.rpartition(':')[2][:8]}"


def _bought(entry: PlannedJob) -> Attempt | None:
    if entry.attempt is not None and entry.attempt.state in BOUGHT:
        return entry.attempt
    return next((a for a in reversed(entry.attempts) if a.state in BOUGHT), None)


def _entry(entry: PlannedJob, attempt: Attempt) -> LockEntry:
    is_stored = attempt.state is State.STORED
    return LockEntry(
        fingerprint=entry.fingerprint,
        state=JobState.DONE.value if is_stored else entry.state.value,
        request=entry.request.shown(),
        inputs=_inputs(entry.request),
        seed=entry.request.seed,
        origin=attempt.origin,
        task_id=attempt.task_id,
        output=LockedOutput(
            attempt.sha256, attempt.bytes, attempt.seconds, attempt.width, attempt.height
        )
        if is_stored
        else None,
        amount="" if attempt.price is None else format(attempt.price, "f"),
        currency="" if attempt.price is None else attempt.currency,
    )


def _inputs(request: Request) -> dict[str, str]:
    return {ref.source: ref.sha256 for ref in request.media if ref.sha256 and not ref.upstream}


# -- text ------------------------------------------------------------------------------


def lock_text(lock: Lock) -> str:
    """The file's text, with a newline at its end."""
    groups = ",\n".join(
        f"    {quote(name)}: {{\n{_fields(lock.jobs[name])}\n    }}" for name in sorted(lock.jobs)
    )
    jobs = f"{{\n{groups}\n  }}" if groups else "{}"
    return (
        f'{{\n  "jobs": {jobs},\n  "ledger": {quote(lock.ledger)},\n'
        f'  "schema": "{LOCK_SCHEMA}"\n}}\n'
    )


def _fields(entry: LockEntry) -> str:
    """Keys sorted. What is a plain text goes without the encoder: a lock may hold a
    hundred thousand jobs."""
    price = f'{{"amount": {_text(entry.amount)}, "currency": {quote(entry.currency)}}}'
    return (
        f'      "fingerprint": {quote(entry.fingerprint)},\n'
        f'      "inputs": {_mapping(entry.inputs)},\n'
        f'      "origin": {quote(entry.origin)},\n'
        f'      "output": {_encode(_output(entry.output))},\n'
        f'      "price": {price},\n'
        f'      "request": {_encode(dict(entry.request))},\n'
        f'      "seed": {entry.seed},\n'
        f'      "state": {quote(entry.state)},\n'
        f'      "task_id": {_text(entry.task_id)}'
    )


def _text(value: str) -> str:
    return quote(value) if value else "null"


def _mapping(texts: Mapping[str, str]) -> str:
    inside = ", ".join(f"{quote(key)}: {quote(texts[key])}" for key in sorted(texts))
    return f"{{{inside}}}"


def _output(output: LockedOutput | None) -> dict[str, object] | None:
    if output is None:
        return None
    return {
        "bytes": output.bytes,
        "height": output.height,
        "seconds": round(output.seconds, 3),
        "sha256": output.sha256,
        "width": output.width,
    }


def parse_lock(document: Mapping[str, object]) -> Lock:
    """The lock of a document that its schema allows."""
    jobs = document["jobs"]
    assert isinstance(jobs, Mapping)  # noqa: S101 - the schema says so
    return Lock(str(document["ledger"]), {name: _parse_entry(one) for name, one in jobs.items()})


def _parse_entry(one: Mapping[str, object]) -> LockEntry:
    output, price = one.get("output"), one.get("price")
    price = price if isinstance(price, Mapping) else {}
    inputs, request = one.get("inputs"), one.get("request")
    return LockEntry(
        fingerprint=str(one["fingerprint"]),
        state=str(one["state"]),
        request=request if isinstance(request, Mapping) else {},
        inputs=inputs if isinstance(inputs, Mapping) else {},
        seed=int(str(one.get("seed") or 0)),
        origin=str(one.get("origin") or ""),
        task_id=str(one.get("task_id") or ""),
        output=LockedOutput(**output) if isinstance(output, Mapping) else None,
        amount=str(price.get("amount") or ""),
        currency=str(price.get("currency") or ""),
    )


# -- differences -----------------------------------------------------------------------


def find_differences(
    lock: Lock,
    jobs: Mapping[str, Request],
    known: Mapping[str, tuple[str, ...]],
    selected: frozenset[str],
) -> Iterator[Difference]:
    """Where a manifest and its lock disagree, in manifest order, then what the manifest
    no longer has.

    ``jobs`` are the manifest's requests by name, ``known`` the fingerprints of each
    under every rule. Only ``selected`` ones are asked about.
    """
    locked = {one.fingerprint for one in lock.jobs.values()}
    used = {text for texts in known.values() for text in texts}
    for name, request in jobs.items():
        if name not in selected or any(text in locked for text in known[name]):
            continue
        entry = lock.jobs.get(name)
        if entry is None:
            yield Difference(name, Kind.UNLOCKED)
        else:
            changes = find_changes(entry.request, json.loads(request.describe()))
            yield Difference(name, Kind.CHANGED, changes or (_UPSTREAM,))
    if len(selected) == len(jobs):
        for name, entry in lock.jobs.items():
            if entry.fingerprint not in used and name not in jobs:
                yield Difference(name, Kind.GONE)


_UPSTREAM = Change("identity", "its upstream, its take or the query of a URL")
