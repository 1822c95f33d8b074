"""History as it stands on the shelf: read by hand, so that the invariants take nobody's
word for it.

What it may not do: use the product's reader, chain, or fold.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from wanbatch.model.lifecycle import TRANSITIONS, EventKind, State
from wanbatch.model.objects import StoredObject


@dataclass
class Told:
    """One attempt. ``intents`` are (epoch, owner) of each intent."""

    number: int
    fingerprint: str
    run_id: str
    state: State = State.INTENT
    intents: list[tuple[int, str]] = field(default_factory=list)
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    task_ids: list[str] = field(default_factory=list)


@dataclass
class History:
    """``hashes`` are those of the segments, in order; ``wrong`` what does not fit."""

    hashes: list[str] = field(default_factory=list)
    attempts: dict[int, Told] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    sealed: dict[int, tuple[str, list[int]]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def of(self, fingerprint: str) -> list[Told]:
        return [a for a in self.attempts.values() if a.fingerprint == fingerprint]


def read_history(objects: Mapping[str, StoredObject]) -> History:
    found = History()
    epoch, number = 1, 1
    while (there := objects.get(f"segments/{epoch:010d}-{number:010d}")) is not None:
        head, lines, digest = _parsed(there.data)
        before = found.hashes[-1] if found.hashes else ""
        if head["before"] != before:
            found.wrong.append(f"segment {epoch}-{number} follows another one")
        found.hashes.append(digest)
        for line in lines:
            _take(found, line, epoch, head["owner"])
        if head["closes"]:
            open_ = [a.number for a in found.attempts.values() if a.state is State.INTENT]
            found.sealed[epoch] = head["owner"], open_
            epoch, number = epoch + 1, 1
        else:
            number += 1
    return found


@lru_cache(maxsize=1000)
def _parsed(data: bytes) -> tuple[dict[str, Any], list[list[Any]], str]:
    first, _, body = data.partition(b"\n")
    lines = [json.loads(line) for line in body.splitlines()]
    return json.loads(first), lines, hashlib.sha256(data).hexdigest()


def _take(found: History, line: list[Any], epoch: int, owner: str) -> None:
    match line:
        case ["opened", number, fingerprint, *rest]:
            if number in found.attempts:
                found.wrong.append(f"attempt {number} was opened twice")
            told = found.attempts[number] = Told(number, fingerprint, rest[5])
            told.intents.append((epoch, owner))
        case ["event", number, seq, kind, _, facts]:
            told = found.attempts[number]
            if seq != len(told.events) + 2:
                found.wrong.append(f"6: event {seq} of attempt {number} is out of order")
            told.events.append((kind, facts))
            state = TRANSITIONS.get((told.state, EventKind(kind)))
            if state is None:
                found.wrong.append(f"6: {kind} of attempt {number} in {told.state}")
                return
            told.state = state
            if kind == "reopened":
                told.intents.append((epoch, owner))
            if facts.get("task_id"):
                told.task_ids.append(facts["task_id"])
        case ["note", name, value]:
            found.notes[name] = value
        case _:
            pass
