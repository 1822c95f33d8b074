"""The ledger: all attempts in memory, every change durable before anybody hears of it.

What it may not do: decide what happens to an attempt (``lifecycle`` and the engine do),
wait for a reader, delete anything.

Theory of operation
-------------------
``open`` reads the file into memory; from then on memory answers all questions and a
``Writer`` makes changes durable. A change is validated by ``lifecycle.apply`` against
the attempt's *head* (its row after all events that are on their way), then queued, and
shows in ``snapshot`` and ``attempt`` once it is on disk. An await that is cancelled
leaves its write under way: it is recorded all the same, and ``__aexit__`` waits for it.

After a failed commit ``open_attempt`` raises ``LedgerFailed`` for good. Appends are
still tried: an answer to a POST that is out may yet be recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from wanbatch.ledger.rows import Happened, Note, Opened, Write, clean_event, clean_opening
from wanbatch.ledger.schema import read_meta
from wanbatch.ledger.sqlite import Contents, is_missing, open_store, read_contents, read_with
from wanbatch.ledger.writer import Store, ThreadWriter, Ticket, Writer
from wanbatch.model import lifecycle
from wanbatch.model.lifecycle import (
    Attempt,
    Authorisation,
    Event,
    Opening,
    Placement,
    RunRecord,
    Snapshot,
    State,
    by_instant,
)
from wanbatch.model.looked import Looked
from wanbatch.model.permit import Permit, PermitLost, Unlimited
from wanbatch.words.errors import ExitCode, WanbatchError

__all__ = ["Ledger", "LedgerFailed", "read_ledger_id", "read_snapshot"]

MERGED = "merged"
"""The note of a ledger that took in another's attempts."""


class LedgerFailed(WanbatchError):
    """A write did not become durable; this process buys nothing more."""


class Ledger:
    """The one writer of an output folder's ledger. Hold the folder's ``RunLock`` while
    it is open."""

    def __init__(
        self,
        store: Store,
        contents: Contents,
        writer: Callable[[Store], Writer] = ThreadWriter,
        permit: Permit | None = None,
    ) -> None:
        """``writer`` says when and where entries are committed: by default in a thread
        of their own, in groups. ``permit`` is asked before a purchase; by default the
        ledger is this machine's alone."""
        self.permit: Permit = permit or Unlimited()
        self.ledger_id = contents.ledger_id
        self._writer = writer(store)
        self._contents = contents
        self._attempts = contents.attempts
        self._last = contents.last
        self._heads: dict[int, Attempt] = {}
        self._numbers: dict[int, int] = {}
        self._next_id = max(self._attempts, default=0) + 1
        self._snapshot: Snapshot | None = None
        self._entered = False

    @classmethod
    def open(cls, path: Path) -> Ledger:
        """The ledger at ``path``, created where it is missing, brought to the present
        version where it is older.

        Raises ``WanbatchError`` (ENVIRONMENT) where the file, the folder or the disk
        does not allow it. The file is never deleted or renamed.
        """
        return cls(*open_store(path))

    async def __aenter__(self) -> Ledger:
        self._writer.start(self._release)
        self._entered = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entered = False
        await self._writer.finish()

    def close(self) -> None:
        """Closes a ledger that was opened and never entered."""
        self._writer.store.close()

    # -- reading -----------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        """All rows as they are on disk."""
        if self._snapshot is None:
            self._snapshot = snapshot_of(self._contents)
        return self._snapshot

    def attempt(self, attempt_id: int) -> Attempt:
        """The row of an attempt as it is on disk. Raises ``KeyError`` for an unknown
        one."""
        return self._attempts[attempt_id]

    @property
    def failed(self) -> bool:
        """True once a commit has failed, for as long as this process lives."""
        return self._writer.failure is not None

    # -- writing -----------------------------------------------------------------------

    async def open_attempt(self, opening: Opening) -> Attempt:
        """Records the intent to buy; when it returns the row and its first event are
        durable, and the one POST may go out.

        Raises ``LedgerFailed`` where they are not, or where any commit failed before;
        ``ValueError`` for what cannot be stored.
        """
        self._refuse_after_failure()
        row = lifecycle.open_attempt(self._next_id, clean_opening(opening))
        self._next_id += 1
        self._advance(row, 1)
        await self._write(Opened(row))
        self._refuse_after_failure()
        return row

    def _refuse_after_failure(self) -> None:
        """No POST may follow a commit that failed, whosever it was. Raises
        ``LedgerFailed``."""
        if self._writer.failure is not None:
            raise _failed(self._writer.failure)

    async def append(self, event: Event) -> Attempt:
        """Records what happened; returns the row after it once it is durable.

        Raises ``IllegalTransition`` before anything is written, ``LedgerFailed`` where
        the write did not become durable, or is an intent and any commit failed before,
        ``KeyError`` for an unknown attempt, ``ValueError`` for facts that cannot be
        stored.
        """
        event = clean_event(event)
        attempt_id = event.attempt_id
        head = self._heads.get(attempt_id) or self._attempts[attempt_id]
        row = lifecycle.apply(head, event)
        is_intent = row.state is State.INTENT
        if is_intent:
            self._refuse_after_failure()
        seq = self._numbers.get(attempt_id, self._last.get(attempt_id, 0)) + 1
        self._advance(row, seq)
        await self._write(Happened(event, row, seq))
        if is_intent:
            self._refuse_after_failure()
        return row

    async def place(self, placement: Placement) -> None:
        """Records where a copy of an attempt's video lies; the same manifest, job and
        attempt have one place. Raises ``LedgerFailed``."""
        await self._write(placement)

    async def authorise(
        self,
        *,
        fingerprint: str,
        realm: str,
        manifest: str,
        job: str,
        kind: str,
        run_id: str,
        at: float,
    ) -> Authorisation:
        """Records a person's word that one job may be bought once more. Raises
        ``LedgerFailed``."""
        number = max(self._contents.authorisations, default=0) + 1
        entry = Authorisation(number, fingerprint, realm, manifest, job, kind, run_id, at)
        await self._write(entry)
        return entry

    async def keep_look(self, look: Looked) -> None:
        """Records what looking at a video gave, in the place of an earlier look beside
        the same. Raises ``LedgerFailed``.

        A power cut may take it again: the video is there to be looked at once more, so
        the disk is not asked to sync for it.
        """
        await self._write(look)

    async def begin_run(self, run: RunRecord) -> None:
        """Records that a run began. Raises ``LedgerFailed``."""
        await self._write(run)

    async def finish_run(self, run: RunRecord) -> None:
        """Records how a run ended, in the place of its beginning. Raises
        ``LedgerFailed``."""
        await self._write(run)

    async def take_up(self, writes: Sequence[Write]) -> None:
        """Records what was learnt of another ledger; ``writes`` were made from this
        one's last snapshot, and nothing else was written since. Returns once all are
        durable. Raises ``LedgerFailed``."""
        for entry in writes:
            if isinstance(entry, Opened | Happened):
                self._advance(entry.row, entry.seq)
                self._next_id = max(self._next_id, entry.row.attempt_id + 1)
        tickets = [self._put(entry) for entry in writes]
        for ticket in tickets:
            await self._wait(ticket)

    async def keep_note(self, name: str, value: str) -> None:
        """Records what the ledger remembers of itself, in the place of an earlier note
        of that name. Raises ``LedgerFailed``."""
        await self._write(Note(name, value))

    def _advance(self, row: Attempt, seq: int) -> None:
        self._heads[row.attempt_id] = row
        self._numbers[row.attempt_id] = seq

    async def _write(self, entry: Write) -> None:
        await self._wait(self._put(entry))

    def _put(self, entry: Write) -> Ticket:
        if not self._entered:
            raise RuntimeError("the ledger is written to only inside 'async with ledger'")
        ticket = Ticket(entry)
        self._writer.put(ticket)
        return ticket

    async def _wait(self, ticket: Ticket) -> None:
        await ticket.done.wait()
        match ticket.failure:
            case None:
                return
            case PermitLost() as lost:
                raise lost
            case failure:
                raise _failed(failure) from failure

    def _release(self, group: Sequence[Ticket]) -> None:
        """Called in the loop with tickets that are durable or have failed: memory
        follows the disk, then the waiting go on."""
        self._snapshot = None
        for ticket in group:
            if ticket.failure is None:
                self._remember(ticket.entry)
            else:
                self._forget(ticket.entry)
            ticket.done.set()

    def _remember(self, entry: Write) -> None:
        self._contents.take(entry)
        match entry:
            case Opened(row, seq) | Happened(_, row, seq):
                if self._numbers.get(row.attempt_id) == seq:
                    del self._heads[row.attempt_id], self._numbers[row.attempt_id]
            case _:
                pass

    def _forget(self, entry: Write) -> None:
        if (
            isinstance(entry, Opened | Happened)
            and self._numbers.get(entry.row.attempt_id, 0) >= entry.seq
        ):
            del self._heads[entry.row.attempt_id], self._numbers[entry.row.attempt_id]


def _failed(cause: Exception) -> LedgerFailed:
    hints = cause.hints if isinstance(cause, WanbatchError) else ()
    return LedgerFailed(ExitCode.ENVIRONMENT, f"{cause}; nothing more is submitted", *hints)


def snapshot_of(contents: Contents) -> Snapshot:
    """What ``contents`` hold, as they are now."""
    attempts = tuple(contents.attempts.values())
    if MERGED in contents.notes:  # rows of several ledgers: by number they are in no order
        attempts = tuple(sorted(attempts, key=by_instant))
    return Snapshot(
        attempts,
        tuple(contents.placements.values()),
        tuple(contents.runs.values()),
        tuple(contents.authorisations.values()),
        contents.ledger_id,
        dict(contents.last),
        dict(contents.notes),
    )


def read_snapshot(path: Path) -> Snapshot:
    """What the ledger at ``path`` holds at one instant, for plans and reports: a
    running writer neither waits nor is waited for; empty where there is no file.

    Raises ``WanbatchError`` (ENVIRONMENT) for a file that is damaged, of a newer
    version, no ledger, or not readable.
    """
    return snapshot_of(read_contents(path))


def read_ledger_id(path: Path) -> str:
    """What tells this ledger from every other; empty where there is no file. Raises as
    ``read_snapshot`` does."""
    return (
        ""
        if is_missing(path)
        else read_with(path, lambda connection: read_meta(connection, "ledger_id"))
    )
