"""Takes up what others bought: the ledgers, report folders and locks of other machines,
shards and days.

What it may not do: send anything, overwrite a video, or take back a word that says that
something was paid for.

How it works: every source is read whole before anything is written, so that one that
cannot be read leaves all as it was. Then, under the run lock and source by source:
``ledger.merge`` decides about each attempt; its video is checked by its hash and given
a name here (a hard link where possible); and at last all rows go into the ledger in one
transaction. Whoever is interrupted imports again: videos that are here are found, and
what is known is known.

The emulator's videos come too, its unfinished tasks do not: they live in the other
folder, and cost nothing to make again. A person's word to buy once more that nobody has
used yet stays where it was said.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.merge import Book, Decision, History, Verdict, decide, fold, read_book
from wanbatch.ledger.rows import Happened, Note, Opened, Write
from wanbatch.ledger.sqlite import (
    PATIENCE_STEPS,
    Busy,
    Contents,
    Damaged,
    Foreign,
    SqliteStore,
    is_missing,
    open_store,
)
from wanbatch.ledger.store import MERGED, read_snapshot
from wanbatch.model.archive import is_archived
from wanbatch.model.elsewhere import video_name
from wanbatch.model.lifecycle import (
    IN_FLIGHT,
    Attempt,
    Authorisation,
    Event,
    EventKind,
    Facts,
    Placement,
    Snapshot,
    State,
)
from wanbatch.model.lock import LOCK_SUFFIX
from wanbatch.operations.folders import make_output
from wanbatch.operations.locks import read_lock
from wanbatch.operations.rebuild import Backends, Told, read_attempts, read_entries
from wanbatch.operations.sharding import SHARDS, join_shards
from wanbatch.report.head import read_head
from wanbatch.report.write import read_report
from wanbatch.videos import outputs
from wanbatch.videos.folders import refuse_odd_places
from wanbatch.videos.trash import FOLDER, Discarded, read_trash
from wanbatch.words.disk import give_name
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import hash_file
from wanbatch.words.humanize import quoted

_SQLITE = b"SQLite format 3\0"
_VIDEO_PATH = re.compile(r"(?!\.)[^/\0]+/videos/(?!\.)[^/\0]+\.mp4")


@dataclass(frozen=True, slots=True)
class Request:
    """What is imported, and whereto. ``backend`` is the user's word for tasks of a
    backend that is called otherwise here."""

    places: tuple[Path, ...]
    output: Path
    backend: str | None = None
    lock_timeout_s: float = 0.0

    @property
    def ledger(self) -> Path:
        return self.output / "ledger.db"


@dataclass(slots=True)
class Imported:
    """What came of one source: how many attempts are ``new`` here, were ``known``, or
    were known and are ``continued``.

    ``missing`` and ``altered`` are attempts whose video was stored, and is not there
    any more, or other bytes are. ``apart`` are jobs whose attempt went on differently
    here and there, with what became of that. ``running`` and ``undecided`` count what
    is so by this import. ``rehearsed`` are the emulator's unfinished tasks, ``allowed``
    unused authorisations, both left where they are. ``unread`` are files that tell
    nothing any more. ``unended`` is whether a shard's last run goes on, or was killed.
    """

    place: Path
    new: int = 0
    known: int = 0
    continued: int = 0
    copied: int = 0
    here: int = 0
    missing: list[Attempt] = field(default_factory=list)
    altered: list[Attempt] = field(default_factory=list)
    apart: list[tuple[str, str]] = field(default_factory=list)
    running: int = 0
    undecided: int = 0
    rehearsed: int = 0
    allowed: int = 0
    unread: tuple[str, ...] = ()
    unended: bool = False


@dataclass(frozen=True, slots=True)
class Contribution:
    """One ledger, report folder or lock, read whole. ``root`` is the output folder that
    the paths of a ledger's rows begin at; ``files`` are where videos lie that are told
    of otherwise, by attempt."""

    place: Path
    book: Book
    root: Path | None = None
    files: dict[int, tuple[Path, ...]] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def merge(request: Request) -> list[Imported]:
    """Imports all places. Raises ``WanbatchError``: 2 for what cannot be imported, 4
    where another run holds the output folder; then nothing was written."""
    sources = _read_sources(request)
    names = {name for source in sources for name in _folders_of(source)}
    refuse_odd_places(request.output, names)
    make_output(request.output)
    with RunLock(request.output, timeout_s=request.lock_timeout_s):
        store, _ = open_store(request.ledger)
        try:
            return [_take(source, request, store) for source in sources]
        finally:
            store.close()


# -- reading ---------------------------------------------------------------------------


def _read_sources(request: Request) -> list[Contribution]:
    backends = Backends.load(request.backend)
    found: dict[Path, Contribution] = {}
    for place in request.places:
        sources = list(_read_place(place, request, backends))
        if not sources:
            raise _nothing(place)
        found |= {source.place.resolve(): source for source in sources}
    return list(found.values())


def _nothing(place: Path) -> WanbatchError:
    inner = next((p.parent for p in sorted(place.glob("*/ledger.db"))), None)
    there = [f"the ledger below it is imported with: {_command(inner)}"] if inner else []
    return WanbatchError(
        ExitCode.INVALID,
        f"{place} holds nothing to import: no ledger.db, no report.json, and it is no lock;"
        " nothing was imported",
        *there,
        "name an output folder, a report folder (reports/NAME) or a NAME.lock.json",
    )


def _command(place: Path) -> str:
    return quoted(["wanbatch", "import", str(place)])


def _read_place(place: Path, request: Request, backends: Backends) -> Iterator[Contribution]:
    if place.is_dir():
        yield from _read_folder(place, request, backends)
    elif not os.path.lexists(place):
        raise WanbatchError(
            ExitCode.INVALID,
            f"there is nothing at {place}; nothing was imported",
            "name an output folder, a report folder (reports/NAME) or a NAME.lock.json",
        )
    elif place.name.endswith(LOCK_SUFFIX):
        yield _read_lock(place, request.output, backends)
    elif place.suffix == ".json":
        yield _read_reports(_folder_of(place), [place], backends, "")
    elif _is_database(place):
        if _is_same(place, request.ledger):
            raise WanbatchError(
                ExitCode.INVALID,
                f"{place} is the ledger of {request.output} itself; nothing was imported",
                "name another output folder, or say with --output whereto",
            )
        yield _read_ledger(place)


def _read_folder(place: Path, request: Request, backends: Backends) -> Iterator[Contribution]:
    ledger, known = place / "ledger.db", ""
    if os.path.lexists(ledger) and not _is_empty(ledger):
        if _is_same(ledger, request.ledger):
            known = read_snapshot(ledger).ledger_id
        else:
            source = _read_ledger(ledger)
            known = source.book.contents.ledger_id
            yield source
    for folder in (place, *sorted(p for p in place.iterdir() if p.is_dir())):
        documents = _documents_in(folder)
        if documents:
            source = _read_reports(folder, documents, backends, known)
            if source.book.histories or not known:
                yield source


def _is_empty(ledger: Path) -> bool:
    try:
        return is_missing(ledger)
    except WanbatchError as error:
        raise _unusable(error) from error


def _is_same(one: Path, other: Path) -> bool:
    return other.exists() and one.samefile(other)


def _is_database(path: Path) -> bool:
    """Also one that is damaged: its name says what it was."""
    try:
        with path.open("rb") as file:
            return file.read(16) == _SQLITE or path.name.startswith("ledger.db")
    except OSError as error:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{path} cannot be read: {error.strerror}; nothing was imported",
            "mend its permissions",
        ) from error


def _read_ledger(path: Path) -> Contribution:
    try:
        return Contribution(path, read_book(path), path.parent)
    except WanbatchError as error:
        raise _unusable(error) from error


def _unusable(error: WanbatchError) -> WanbatchError:
    """What is wrong with a source is wrong with what the user named."""
    is_bad = isinstance(error, Damaged | Foreign)
    hints = [] if isinstance(error, Foreign) else error.hints
    others = "its reports may be whole: import the folders beside it (reports/NAME)"
    return WanbatchError(
        ExitCode.INVALID if is_bad else error.exit_code,
        f"{error.message}; nothing was imported",
        *([] if isinstance(error, Foreign) else [h for h in hints if "changed nothing" not in h]),
        *([others] if isinstance(error, Damaged) else []),
        *(["name wanbatch's output folder"] if isinstance(error, Foreign) else []),
    )


def _folder_of(document: Path) -> Path:
    folder = document.absolute().parent
    return folder.parent if folder.name == "runs" else folder


def _documents_in(folder: Path) -> list[Path]:
    """``report.json`` first: it is the newest."""
    runs = folder / "runs"
    found = [folder / "report.json"] if (folder / "report.json").is_file() else []
    return found + sorted(runs.glob("*.json") if runs.is_dir() else ())


def _read_reports(
    folder: Path, documents: Sequence[Path], backends: Backends, known: str
) -> Contribution:
    """``known`` is the ledger whose own reports say nothing new. Raises
    ``WanbatchError`` (2) where no document can be read."""
    told, unread, trouble = Told(), [], None
    for path in documents:
        head = read_head(path)
        if head is not None and head.realm != "paid":
            continue
        own = bool(head and known and head.ledger_id == known)
        if own and head and not head.elsewhere:
            continue
        try:
            report = read_report(path)
        except WanbatchError as error:
            unread.append(str(path))
            trouble = trouble or error
            continue
        read_attempts(told, report, folder, backends, time.time(), others_only=own)
    if trouble is not None and not told.histories and not known:
        raise WanbatchError(
            ExitCode.INVALID, f"{trouble.message}; nothing was imported", _REPORT_BROKEN
        )
    place = documents[0] if len(documents) == 1 else folder
    return Contribution(place, told.book(), None, told.files, tuple(unread))


_REPORT_BROKEN = "take the folder from a copy, or import the ledger or the lock of its machine"


def _read_lock(place: Path, output: Path, backends: Backends) -> Contribution:
    told = Told()
    name = place.name.removesuffix(LOCK_SUFFIX)
    try:
        lock = read_lock(place)
    except WanbatchError as error:
        raise WanbatchError(
            error.exit_code, f"{error.message}; nothing was imported", *error.hints
        ) from error
    read_entries(told, lock, name, output, backends, time.time())
    return Contribution(place, told.book(), None, told.files)


def _folders_of(source: Contribution) -> set[str]:
    """The folders of the output that are written to."""
    rows = (one.row for one in source.book.histories.values())
    paths = [p.path for p in source.book.contents.placements.values() if _is_usual(p.path)]
    return {row.manifest for row in rows} | {path.partition("/")[0] for path in paths}


# -- taking ----------------------------------------------------------------------------


def _take(source: Contribution, request: Request, store: SqliteStore) -> Imported:
    taking = _Taking(source, request.output, read_book(request.ledger))
    for theirs in sorted(source.book.histories.values(), key=lambda one: one.row.attempt_id):
        taking.take(theirs)
    taking.end()
    _commit(store, taking.writes)
    return taking.result


def _commit(store: SqliteStore, writes: Sequence[Write]) -> None:
    """All in one transaction. Raises ``WanbatchError``."""
    for _ in range(PATIENCE_STEPS if writes else 0):
        try:
            return store.commit(writes)
        except Busy:
            continue
    if writes:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the ledger {store.path} is locked by another program; nothing was imported of this",
            "close whatever has it open, then import again",
        )
    return None


_APART = {
    Verdict.LEARNT: "went on here and there; that one knows more, and was taken",
    Verdict.KEPT: "went on here and there; this one knows more, and stays",
    Verdict.BESIDE: "went on here and there, to two ends: both are kept, and both count",
}


class _Taking:
    """One source on its way into the ledger: its videos at once, its rows at the
    end."""

    def __init__(self, source: Contribution, output: Path, ours: Book) -> None:
        self.source, self.output, self.ours = source, output, ours
        self.result = Imported(source.place, unread=source.unread)
        self.writes: list[Write] = []
        self._known: dict[tuple[str, str], list[History]] = {}
        self._next = max(ours.contents.attempts, default=0) + 1
        self._intact = outputs.intact_paths(output, _snapshot_of(ours.contents))
        self._places: dict[int, set[str]] = {}
        for placement in ours.contents.placements.values():
            self._places.setdefault(placement.attempt_id, set()).add(placement.path)
        self._numbers: dict[int, int] = {}
        self._homes: dict[int, str] = {}
        self._trash: list[Discarded] | None = None
        self._authorisations = {_word(a): a for a in ours.contents.authorisations.values()}
        manifests = sorted(_folders_of(source))
        outputs.set_aside_strangers(output, manifests, _snapshot_of(ours.contents))

    def take(self, theirs: History) -> None:
        row, result = theirs.row, self.result
        if row.realm != "paid" and row.state is not State.STORED:
            result.rehearsed += 1
            return
        key = row.realm, row.fingerprint
        known = self._known.setdefault(key, list(self.ours.of(*key)))
        decision = decide(theirs, known)
        after = self._write(decision)
        if decision.ours in known:
            known[known.index(decision.ours)] = after
        else:
            known.append(after)
        result.new += decision.ours is None
        result.known += decision.verdict in (Verdict.KNOWN, Verdict.KEPT)
        result.continued += decision.verdict in (Verdict.CONTINUED, Verdict.LEARNT)
        is_ledger = self.source.root is not None
        if decision.verdict in _APART and (is_ledger or decision.verdict is Verdict.BESIDE):
            result.apart.append((row.job, _APART[decision.verdict]))
        if decision.verdict not in (Verdict.KNOWN, Verdict.KEPT):
            result.running += after.row.state in IN_FLIGHT
            result.undecided += after.row.state in (State.INTENT, State.UNCERTAIN, State.EXPIRED)

    def end(self) -> None:
        """Runs, placements, looks and what the ledger remembers."""
        theirs, ours = self.source.book.contents, self.ours.contents
        for key, run in theirs.runs.items():
            before = ours.runs.get(key)
            if before is None or (run.finished_at and not before.finished_at):
                self.writes.append(run)
        taken = {(p.manifest, p.job) for p in ours.placements.values()}
        for placement in theirs.placements.values():
            if (placement.manifest, placement.job) not in taken:
                self._place(placement)
        self._take_looks()
        if self.result.new:
            self.writes.append(Note(MERGED, "1"))
        shards = join_shards(ours.notes.get(SHARDS, ""), theirs.notes.get(SHARDS, ""))
        if shards != ours.notes.get(SHARDS, ""):
            self.writes.append(Note(SHARDS, shards))
        if theirs.notes.get(SHARDS):
            last = max(theirs.runs.values(), key=lambda run: run.started_at, default=None)
            self.result.unended = last is not None and not last.finished_at
        open_ = _snapshot_of(theirs).open_authorisations()
        self.result.allowed = sum(
            a.realm == "paid" and _word(a) not in self._authorisations for a in open_
        )

    # -- rows --------------------------------------------------------------------------

    def _write(self, decision: Decision) -> History:
        """Puts what was decided on the list; returns the history after it."""
        before = self._begin(decision)
        number = before.row.attempt_id
        self._numbers[decision.theirs.row.attempt_id] = number
        told = decision.events[1:] if decision.ours is None else decision.events
        after = fold(before.row, (replace(event, attempt_id=number) for event in told))
        events = self._with_video(decision, before, after, told)
        row, seq = before.row, len(before.events)
        for event in events:
            row = fold(row, [event])
            seq += 1
            self.writes.append(Happened(event, row, seq))
        if row.state is not State.STORED:
            self._keep_bytes(decision.theirs.row, row)
        return History(row, (*before.events, *events))

    def _begin(self, decision: Decision) -> History:
        """The attempt that is gone on with, or a new one."""
        if decision.ours is not None:
            return decision.ours
        number, self._next = self._next, self._next + 1
        opening = decision.theirs.opening
        row = replace(
            opening,
            attempt_id=number,
            authorisation_id=self._authorisation(opening.authorisation_id),
        )
        self.writes.append(Opened(row))
        return History(row, (Event(number, EventKind.INTENT, row.intent_at),))

    def _authorisation(self, number: int) -> int:
        """The person's word that a purchase used up, under its number here."""
        theirs = self.source.book.contents.authorisations.get(number)
        if theirs is None:
            return 0
        ours = self._authorisations.get(_word(theirs))
        if ours is None:
            highest = max((a.authorisation_id for a in self._authorisations.values()), default=0)
            ours = replace(theirs, authorisation_id=highest + 1)
            self._authorisations[_word(ours)] = ours
            self.writes.append(ours)
        return ours.authorisation_id

    # -- videos ------------------------------------------------------------------------

    def _with_video(
        self, decision: Decision, before: History, after: Attempt, told: Iterable[Event]
    ) -> list[Event]:
        """The events with the path that the video has here; where it had none, and has
        one now, with the event that says so."""
        number = after.attempt_id
        events = [replace(event, attempt_id=number) for event in told]
        if after.state not in (State.STORED, State.STAGED):
            return events
        path = self._intact_path(before.row) if decision.ours is not None else ""
        if path:
            self.result.here += 1
            self._homes[number] = path
            return _with_path(events, path)
        path = self._bring(decision.theirs.row, after)
        events = _with_path(events, path or _wanted(after))
        if path and after.state is State.STAGED:
            facts: Facts = {"path": path, "stored_at": time.time()}
            events.append(Event(number, EventKind.STORED, time.time(), facts))
        elif path and not any("path" in event.facts for event in events):
            events.append(Event(number, EventKind.RESTORED, time.time(), {"path": path}))
        return events

    def _intact_path(self, row: Attempt) -> str:
        """Where the ledger's own copy is whole."""
        if row.state is not State.STORED:
            return ""
        paths = [row.path, *sorted(self._places.get(row.attempt_id, ()))]
        return next((path for path in paths if path in self._intact), "")

    def _bring(self, theirs: Attempt, after: Attempt) -> str:
        """Gives the video a name here; empty where it is not to be had."""
        seen = False
        for file in self._candidates(theirs):
            seen = True
            if file.stat().st_size == after.bytes and hash_file(file) == after.sha256:
                path, is_new = outputs.bring(self.output, file, _wanted(after), after.sha256)
                self.result.copied += is_new
                self.result.here += not is_new
                self._homes[after.attempt_id] = path
                return path
        if after.state is State.STORED and is_archived(after.path):
            self._homes[after.attempt_id] = after.path  # a run asks the store whether it is there
            return after.path
        if after.state is State.STORED:
            (self.result.altered if seen else self.result.missing).append(after)
        return ""

    def _candidates(self, theirs: Attempt) -> Iterator[Path]:
        """The plain files that may be an attempt's video: its own, its copies, its
        staged bytes, and what may lie here already."""
        number, root = theirs.attempt_id, self.source.root
        found = [*self.source.files.get(number, ())]
        if root is not None:
            placed = self.source.book.contents.placements.values()
            paths = [theirs.path, *(p.path for p in placed if p.attempt_id == number)]
            found += [root / path for path in dict.fromkeys(paths) if _is_usual(path)]
            found.append(outputs.part_path(root, theirs))
            found += self._thrown_away(root, number)
        found.append(self.output / _wanted(theirs))
        yield from (path for path in dict.fromkeys(found) if _is_plain(path))

    def _thrown_away(self, root: Path, number: int) -> list[Path]:
        """Where an attempt's video lies in the other folder's trash, which stays as it
        is."""
        if self._trash is None:
            self._trash = _readable_trash(root)
        return [root / FOLDER / one.trash for one in self._trash if one.attempt_id == number]

    def _keep_bytes(self, theirs: Attempt, ours: Attempt) -> None:
        """Bytes that came and were refused: a person may yet take them."""
        root = self.source.root
        for place in (outputs.rejected_path, outputs.early_path) if root is not None else ():
            source, target = place(Path(root or ""), theirs), place(self.output, ours)
            if _is_plain(source) and not os.path.lexists(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                give_name(source, target)

    def _place(self, placement: Placement) -> None:
        """A job's name for a video that is here."""
        number = self._numbers.get(placement.attempt_id, 0)
        home = self._homes.get(number, "")
        if not home:
            return
        theirs = self.source.book.histories[placement.attempt_id].row
        path = home
        if placement.path != theirs.path and _is_usual(placement.path) and not is_archived(home):
            path, _ = outputs.bring(self.output, self.output / home, placement.path, theirs.sha256)
        changed_at = outputs.modified_at_ns(self.output, path)
        self.writes.append(Placement(placement.manifest, placement.job, number, path, changed_at))

    def _take_looks(self) -> None:
        """What was measured of the videos that are here now."""
        known = {(look.sha256, look.compared, look.version) for look in self.ours.looks}
        histories = self.source.book.histories
        brought = {
            histories[number].row.sha256
            for number, ours in self._numbers.items()
            if ours in self._homes
        }
        self.writes += [
            look
            for look in self.source.book.looks
            if look.sha256 in brought and (look.sha256, look.compared, look.version) not in known
        ]


def _word(authorisation: Authorisation) -> Authorisation:
    """A person's word, whatever number a ledger gave it."""
    return replace(authorisation, authorisation_id=0)


def _snapshot_of(contents: Contents) -> Snapshot:
    return Snapshot(
        tuple(contents.attempts.values()),
        tuple(contents.placements.values()),
        authorisations=tuple(contents.authorisations.values()),
    )


def _with_path(events: Iterable[Event], path: str) -> list[Event]:
    return [
        replace(event, facts={**event.facts, "path": path}) if "path" in event.facts else event
        for event in events
    ]


def _wanted(row: Attempt) -> str:
    """The name of an attempt's video; another ledger's word for it counts where it is
    one."""
    if _is_usual(row.path):
        return row.path
    return f"{row.manifest}/videos/{video_name(row.job, row.fingerprint, row.realm)}"


def _is_usual(path: str) -> bool:
    """``MANIFEST/videos/NAME.mp4``: a ledger may come from anywhere, and no row of it
    names a place elsewhere."""
    return _VIDEO_PATH.fullmatch(path) is not None


def _readable_trash(root: Path) -> list[Discarded]:
    """What another folder's trash lists; nothing where nobody can read it: whoever
    imports needs no trash."""
    try:
        return [one for one in read_trash(root) if one.sha256]
    except WanbatchError:
        return []


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
