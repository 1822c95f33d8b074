"""Looks for purchases that this ledger has never heard of: in the output folder's
reports and videos, in the locks beside the manifests, and in the ledgers there and
above.

What it may not do: write, decide what a job becomes, or trust a file to be what its
name says.

How it works: reports name the ledger that they were made from, so those of this one are
passed over by their heads alone, however large they are. A report of this ledger that
knows more than the ledger does is *newer*: the ledger was put back from an old copy.
Any other report is another ledger's, and its entries are evidence, as are videos that
no row of this ledger names. Whatever cannot be read is evidence rather than silence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from wanbatch.ledger.purchases import claims_to_be_ledger, read_purchases
from wanbatch.ledger.sqlite import Damaged, Foreign
from wanbatch.model.elsewhere import Elsewhere, Sighting, Source
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.lock import LOCK_SCHEMA, LOCK_SUFFIX
from wanbatch.plan.lock_scan import scan_lock
from wanbatch.report.collect import OTHER_LEDGER
from wanbatch.report.head import Head, parse_document, read_document, read_head
from wanbatch.words.collector import collector_resting
from wanbatch.words.errors import WanbatchError
from wanbatch.words.files import open_regular

PAID_STATES = frozenset({"done", "running", "finished", "uncertain", "expired", "elsewhere"})
DEFAULT_FOLDER = "reports"
VIDEO_NAME = re.compile(r"\.([0-9a-f]{8})(?:-[0-9]+)?\.mp4\Z")
"""The end of a video's name: the digits of its identity and realm, maybe a number."""
_FINGERPRINT = re.compile(rb"wb[0-9]+:[0-9a-f]{64}")
_EMULATOR = re.compile(rb'"realm"\s*:\s*"emulator"')


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies around a ledger. ``newer`` are reports of this ledger that know more
    than it."""

    elsewhere: Elsewhere
    newer: tuple[Path, ...] = ()


def look_around(
    output: Path, snapshot: Snapshot, manifests: Iterable[Path], *, siblings: bool = False
) -> Surroundings:
    """Evidence of paid purchases in ``output`` and in the ledgers around ``manifests``;
    with ``siblings`` also in the folders beside ``output``, where other shards are.

    Never raises for what it finds: a file that cannot be read says so in a trace.
    """
    files = tuple(manifests)
    reports, newer = _look_at_reports(output, snapshot)
    ledgers, unreadable = _look_at_ledgers(output, files, siblings=siblings)
    videos = _look_at_videos(output, snapshot)
    with collector_resting():
        locks, own_locks = _look_at_locks(files, snapshot.ledger_id)
    return Surroundings(Elsewhere(reports, videos, ledgers, locks, own_locks, unreadable), newer)


# -- reports ---------------------------------------------------------------------------


def _look_at_reports(
    output: Path, snapshot: Snapshot
) -> tuple[dict[str, Sighting], tuple[Path, ...]]:
    found: dict[str, Sighting] = {}
    newer: list[Path] = []
    knows_nothing = not snapshot.attempts and not snapshot.runs
    finished = {r.run_id for r in snapshot.runs if r.finished_at}
    for path in _documents(output):
        head = read_head(path)
        if head is None:
            if knows_nothing:
                _add(found, _damaged(path))
        elif head.realm == "paid":
            is_told = path.parent.name == "runs" and unquote(path.stem) in finished
            whose = "own" if is_told else "other"
            if not is_told and not knows_nothing:
                whose = _whose(head, path, snapshot)
            if whose == "newer":
                newer.append(path)
            elif whose == "other" or head.elsewhere:
                document = read_document(path)
                _add(
                    found,
                    _damaged(path)
                    if document is None
                    else _entries(path, document, carried_only=whose == "own"),
                )
    return found, tuple(newer)


def _documents(output: Path) -> Iterator[Path]:
    """``report.json`` and run records.

    A record of a run that the ledger saw the end of tells nothing of the ledger's own
    purchases. What it says of others' counts: it may be the last that does, once power
    was lost and the report with it.
    """
    for folder in _folders_in(output):
        yield from (p for p in _names_in(folder / "runs") if p.suffix == ".json")
        if os.path.lexists(folder / "report.json"):
            yield folder / "report.json"


def _whose(head: Head, path: Path, snapshot: Snapshot) -> str:
    """``own``, ``newer`` (this ledger's, from a later day than its present state) or
    ``other``."""
    runs = {r.run_id: r for r in snapshot.runs}
    if head.ledger_id:
        if head.ledger_id != snapshot.ledger_id:
            return "other"
    elif head.run_id not in runs:
        return "newer" if _shares_an_attempt(path, snapshot) else "other"
    run = runs.get(head.run_id)
    missing = head.run_id and (run is None or (head.finished and not run.finished_at))
    return "newer" if missing or head.events > snapshot.count_events("paid") else "own"


def _shares_an_attempt(path: Path, snapshot: Snapshot) -> bool:
    """Whether a report without a ledger's name (0.1.0) was made from this one, at a
    later day."""
    known = {(a.attempt_id, a.run_id, a.job) for a in snapshot.attempts}
    return any(
        (row.get("id"), row.get("run_id"), row.get("job")) in known
        for entry in _entries_of(read_document(path) or {})
        for row in _objects(entry.get("attempts"))
    )


def _entries(
    path: Path, document: Mapping[str, object], *, carried_only: bool
) -> Iterator[tuple[str, Sighting]]:
    for entry in _entries_of(document):
        state, task_id = str(entry.get("state")), entry.get("task_id")
        error = entry.get("error")
        code = error.get("code") if isinstance(error, Mapping) else None
        if carried_only and (state != "elsewhere" or code == OTHER_LEDGER):
            continue
        if state in PAID_STATES or task_id:
            yield (
                str(entry.get("fingerprint")),
                Sighting(
                    Source.REPORT,
                    str(path),
                    state,
                    str(task_id or ""),
                    str(entry.get("backend") or ""),
                ),
            )


def _entries_of(document: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    yield from _objects(document.get("jobs"))
    yield from _objects(document.get("former"))


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            yield item


def _damaged(path: Path, source: Source = Source.REPORT) -> Iterator[tuple[str, Sighting]]:
    """Every job that a report or a lock names which is no JSON any more, unless it is
    the emulator's."""
    trace = Sighting(source, str(path), trouble="is damaged")
    try:
        content = path.read_bytes() if path.is_file() else b""
    except OSError:
        return
    if not _EMULATOR.search(content):
        yield from ((text.decode(), trace) for text in _FINGERPRINT.findall(content))


def _add(found: dict[str, Sighting], sightings: Iterable[tuple[str, Sighting]]) -> None:
    """What a report itself says of a job goes before what another repeats."""
    for text, trace in sightings:
        known = found.get(text)
        if known is None or known.state == "elsewhere" or known.trouble:
            found[text] = trace


# -- locks -----------------------------------------------------------------------------


def _look_at_locks(
    manifests: Iterable[Path], ledger_id: str
) -> tuple[dict[str, Sighting], dict[str, Sighting]]:
    """What the locks beside the manifests know as bought, by fingerprint: those of
    other ledgers, and those that this one wrote.

    Of one that is no JSON any more (a merge conflict) every fingerprint that stands in
    it counts.
    """
    others: dict[str, Sighting] = {}
    own: dict[str, Sighting] = {}
    for folder in dict.fromkeys(m.absolute().parent for m in manifests):
        for path in _names_in(folder):
            if path.name.endswith(LOCK_SUFFIX):
                writer, sightings = _read_lock(path)
                found = own if ledger_id and writer == ledger_id else others
                for text, trace in sightings:
                    found.setdefault(text, trace)
    return others, own


def _read_lock(path: Path) -> tuple[object, Iterable[tuple[str, Sighting]]]:
    """The ledger that wrote a lock, and what is said of each job there."""
    try:
        with open_regular(path) as file:
            content = file.read()
    except OSError:
        content = b""
    place = _shown(path)  # asks the disk: once for a hundred thousand jobs
    if (scanned := scan_lock(content)) is not None:
        return scanned.ledger, (
            (text, Sighting(Source.LOCK, place, state, task_id))
            for text, state, task_id in scanned.jobs
        )
    document = parse_document(content)
    if not document:
        return None, _damaged(path, Source.LOCK)
    return document.get("ledger"), _locked(place, document)


def _locked(place: str, document: Mapping[str, object]) -> Iterator[tuple[str, Sighting]]:
    jobs = document.get("jobs") if document.get("schema") == LOCK_SCHEMA else None
    for one in jobs.values() if isinstance(jobs, Mapping) else ():
        if isinstance(one, Mapping) and one.get("fingerprint"):
            state, task_id = str(one.get("state") or "bought"), str(one.get("task_id") or "")
            yield str(one["fingerprint"]), Sighting(Source.LOCK, place, state, task_id)


# -- videos ----------------------------------------------------------------------------


def _look_at_videos(output: Path, snapshot: Snapshot) -> dict[str, Sighting]:
    known = {p.path for p in snapshot.placements} | {a.path for a in snapshot.attempts}
    found: dict[str, Sighting] = {}
    for folder in _folders_in(output):
        for path in _names_in(folder / "videos"):
            match = VIDEO_NAME.search(path.name)
            if match and f"{folder.name}/videos/{path.name}" not in known:
                found.setdefault(match[1], Sighting(Source.VIDEO, str(path)))
    return found


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(folder / e.name for e in entries if e.is_dir())
    except OSError:
        return []


def _names_in(folder: Path) -> list[Path]:
    try:
        return sorted(folder / name for name in os.listdir(folder))  # noqa: PTH208 - names only
    except OSError:
        return []


# -- other ledgers ---------------------------------------------------------------------


def _look_at_ledgers(
    output: Path, manifests: Iterable[Path], *, siblings: bool
) -> tuple[dict[str, Sighting], Sighting | None]:
    found: dict[str, Sighting] = {}
    unreadable: Sighting | None = None
    for path in _ledgers_around(output, manifests, siblings=siblings):
        try:
            for one in read_purchases(path):
                trace = Sighting(Source.LEDGER, _shown(path), one.state, one.task_id, one.backend)
                found.setdefault(one.fingerprint, trace)
        except Foreign:
            continue
        except (WanbatchError, OSError) as trouble:
            if not isinstance(trouble, Damaged) or claims_to_be_ledger(path):
                why = _why(path, trouble)
                unreadable = unreadable or Sighting(Source.LEDGER, _shown(path), trouble=why)
    return found, unreadable


def _why(path: Path, trouble: WanbatchError | OSError) -> str:
    if isinstance(trouble, WanbatchError):
        return trouble.message.removeprefix(f"the ledger {path} ")
    return f"cannot be read: {trouble.strerror}"


def _ledgers_around(output: Path, manifests: Iterable[Path], *, siblings: bool) -> Iterator[Path]:
    """Each ledger once that is beside a manifest, in a folder beside it, or above it;
    the one of the working folder, and those of ``siblings``. Not this folder's own,
    whatever name leads to it."""
    own = output.resolve() / "ledger.db"
    seen = {_identity(own), own}
    beside = _folders_in(output.resolve().parent) if siblings else ()
    others = (folder / "ledger.db" for folder in beside)
    for path in (*_candidates(output, manifests), *others):
        identity = _identity(path)
        if identity is not None and identity not in seen and path.resolve() != own:
            seen.add(identity)
            yield path.resolve()


def _candidates(output: Path, manifests: Iterable[Path]) -> Iterator[Path]:
    usual = dict.fromkeys((".", DEFAULT_FOLDER, output.name or "."))
    starts = dict.fromkeys(
        folder for m in manifests for folder in (m.absolute().parent, m.resolve().parent)
    )
    for start in starts:
        yield start / "ledger.db"
        yield from (folder / "ledger.db" for folder in _folders_in(start))
    for above in dict.fromkeys(parent for start in starts for parent in start.parents):
        yield from (above / name / "ledger.db" for name in usual)
    yield Path.cwd() / DEFAULT_FOLDER / "ledger.db"


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells one file from another; ``None`` for none, and for one that is another
    user's and shut: on a shared machine a stranger must not stop us."""
    try:
        facts = path.stat()
    except OSError:
        return None
    shut = facts.st_uid != os.geteuid() and not os.access(path, os.R_OK)
    return None if shut or not path.is_file() else (facts.st_dev, facts.st_ino)


def _shown(path: Path) -> str:
    """Relative where that is short to read and true from here."""
    try:
        return str(path.relative_to(Path.cwd().resolve()))
    except ValueError:
        return str(path)
