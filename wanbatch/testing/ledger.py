"""A writer of the ledger that commits at once.

What it may not do: start a thread.
"""

from __future__ import annotations

from wanbatch.ledger.writer import Release, Ticket, Writer


class InlineWriter(Writer):
    """Commits every write at once, in the caller's own thread: where no thread may
    decide an order. For ``Ledger(…, writer=InlineWriter)``."""

    def start(self, release: Release) -> None:
        self._release = release

    def put(self, ticket: Ticket) -> None:
        self.write([ticket])
        self._release([ticket])

    async def finish(self) -> None:
        self.store.close()
