"""A run in lines, for logs: one for each event, and a sum every half a minute.

What it may not do: move a cursor, or colour anything.
"""

from __future__ import annotations

from wanbatch.cli.console import say
from wanbatch.cli.progress.board import Board, Stage
from wanbatch.cli.progress.display import Display
from wanbatch.cli.progress.words import describe, sum_line
from wanbatch.operations.events import Event, Unrecorded

SUM_EVERY_S = 30.0
"""A log that is silent for longer looks like one that hangs (contract)."""


class PlainDisplay(Display):
    """One line for each thing that happened."""

    def __init__(self, board: Board, every_s: float = SUM_EVERY_S) -> None:
        super().__init__(board, every_s)

    def begin(self) -> None:
        pass

    def end(self) -> None:
        pass

    def say(self, text: str) -> None:
        say(text)

    def happened(self, event: Event, at: float) -> None:
        line = describe(event)
        if line:
            say(f"[{self.board.count(Stage.DONE)}/{self.board.total}] {line}")

    def pass_time(self, now: float) -> None:
        say(sum_line(self.board, now))


class SilentDisplay(PlainDisplay):
    """Nothing but what must not be missed."""

    def happened(self, event: Event, at: float) -> None:
        if isinstance(event, Unrecorded):
            say(describe(event))

    def pass_time(self, now: float) -> None:
        pass
