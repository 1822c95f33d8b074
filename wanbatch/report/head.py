"""The first lines of a ``report.json``: whose it is and when, without its ten thousand
jobs.

What it may not do: judge, write, or wait for what is no file.

How it works: the lists of jobs stand last in the text, one job a line, so a few
kilobytes hold all that stands before them. A file of another form is read whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wanbatch.words.collector import collector_resting
from wanbatch.words.files import open_regular

HEAD_BYTES = 16_384
"""A head that ``report.json`` writes is under 2 KB; a long manifest path may add
some."""
_LISTS = b',\n  "jobs": ['


@dataclass(frozen=True, slots=True)
class Head:
    """``ledger_id`` is empty in reports of version 0.1.0; ``events`` counts the
    ledger's events of the realm. ``elsewhere`` is how many of the jobs were bought by
    another ledger."""

    realm: str
    run_id: str
    finished: bool
    ledger_id: str
    events: int
    elsewhere: int


def read_head(path: Path) -> Head | None:
    """``None`` where there is no readable report."""
    try:
        with open_regular(path) as file:
            content = file.read(HEAD_BYTES)
    except OSError:
        return None
    cut = content.find(_LISTS)
    document = parse_document(content[:cut] + b"}") if cut > 0 else read_document(path)
    return None if document is None else _head_of(document)


def read_document(path: Path) -> Mapping[str, object] | None:
    """The whole document, unchecked; ``None`` where it cannot be read or is no JSON
    object."""
    try:
        with open_regular(path) as file:
            return parse_document(file.read())
    except OSError:
        return None


def parse_document(content: bytes) -> Mapping[str, object] | None:
    """The JSON object that ``content`` is, ``None`` where it is none."""
    try:
        with collector_resting():
            document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _head_of(document: Mapping[str, object]) -> Head:
    run, ledger, totals = (_object(document.get(name)) for name in ("run", "ledger", "totals"))
    return Head(
        realm=str(document.get("realm", "paid")),
        run_id=str(run.get("id") or ""),
        finished=bool(run.get("finished_at")),
        ledger_id=str(ledger.get("id") or ""),
        events=_count(ledger.get("events")),
        elsewhere=_count(totals.get("elsewhere")),
    )


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
