"""A run on a terminal: a board that stays in place, and above it what happened.

What it may not do: decide what stands where (``layout`` does), or word anything.

How it works: rich's ``Live`` keeps the last lines of the terminal; it is refreshed by
the display's own thread, twice a second. Lines of finished jobs scroll above it until
``SCROLLED`` of them were shown; then a sum every half a minute takes their place. What
went wrong is shown longer. A terminal that was made narrower has broken the lines that
stand there into more: so many are taken back.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from wanbatch.cli.progress.board import Board
from wanbatch.cli.progress.display import HUNG_UP, Display
from wanbatch.cli.progress.layout import Line, layout
from wanbatch.cli.progress.plain import SUM_EVERY_S
from wanbatch.cli.progress.words import describe, sum_line
from wanbatch.operations.events import Event, Stored, Submitted, Unrecorded

REFRESH_S = 0.5
"""Ages and times left are told in seconds; more often would only flicker (chosen)."""
SCROLLED, TROUBLES = 40, 100
"""So many finished jobs, and so many troubles, get a line: two screens, and five. The
report has them all."""
STYLES = {
    "strong": "bold",
    "quiet": "bright_black",
    "busy": "cyan",
    "good": "green",
    "bad": "red",
    "odd": "magenta",
    "": "none",
}
WORDS = {
    "done": "good",
    "failed": "bad",
    "rejected": "bad",
    "not": "bad",
    "uncertain": "odd",
    "expired": "odd",
    "slowed": "odd",
    "WRITE": "bad",
}
"""What the first word of a line means."""


class LiveDisplay(Display):
    """``color`` is whether colours are welcome."""

    def __init__(self, board: Board, *, color: bool, console: Console | None = None) -> None:
        super().__init__(board, REFRESH_S)
        self._console = console or Console(
            stderr=True, highlight=False, color_system="auto" if color else None
        )
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            get_renderable=self._render,
            vertical_overflow="crop",
        )
        self._painted: Sequence[int] = ()
        self._width = self._console.size.width
        self._scrolled = self._troubles = 0
        self._summed_at = 0.0

    def begin(self) -> None:
        self._live.start(refresh=True)

    def end(self) -> None:
        with contextlib.suppress(*HUNG_UP):
            self._live.stop()

    def say(self, text: str) -> None:
        self._print(text, "none")

    def happened(self, event: Event, at: float) -> None:
        line = describe(event)
        if line and not isinstance(event, Submitted) and self._is_shown(event, at):
            self._print(line, STYLES[WORDS.get(line.split(" ", 1)[0], "")])

    def _is_shown(self, event: Event, at: float) -> bool:
        """Whether there is still room for a line; the last one says what follows."""
        if isinstance(event, Unrecorded):
            return True
        if not isinstance(event, Stored):
            self._troubles += 1
            return self._troubles <= TROUBLES
        self._scrolled += 1
        if self._scrolled == SCROLLED + 1:
            self._summed_at = at
            self._print("… and so on: every 30 s a sum", STYLES["quiet"])
        return self._scrolled <= SCROLLED

    def pass_time(self, now: float) -> None:
        self._take_back_broken_lines()
        if self._scrolled > SCROLLED and now - self._summed_at >= SUM_EVERY_S:
            self._summed_at = now
            clock = time.strftime("%H:%M:%S", time.localtime(now))
            self._print(f"{clock}  {sum_line(self.board, now)}", STYLES["quiet"])
        self._live.refresh()

    def _print(self, line: str, style: str) -> None:
        self._take_back_broken_lines()
        self._console.print(line, markup=False, style=style, soft_wrap=True)

    def _take_back_broken_lines(self) -> None:
        width = self._console.size.width
        if width < self._width:
            rows = sum(max(1, -(-cells // width)) for cells in self._painted)
            shape = (width, rows)
            self._live._live_render._shape = shape
        self._width = width

    def _render(self) -> RenderableType:
        width, height = self._console.size
        lines = layout(self.board, width, height, time.time())
        self._painted = [sum(cell_len(span.text) for span in line) for line in lines]
        return Group(*map(_as_text, lines))


def _as_text(line: Line) -> Text:
    spans = ((span.text, STYLES[span.style]) for span in line)
    return Text.assemble(*spans, no_wrap=True, overflow="crop")
