"""A terminal that only listens: what a display wrote becomes rows of cells.

What it may not do: know a display. It understands what rich writes (line breaks, the
cursor up, clearing of lines) and notes what it does not understand.
"""

from __future__ import annotations

import re

from rich.cells import cell_len

CONTROL = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|\x1b\]8;[^\x1b\x07]*(?:\x1b\\|\x07)|\x1b.")


class Terminal:
    """``width`` columns and ``height`` rows; what leaves them at the top is
    ``scrolled``."""

    def __init__(self, width: int, height: int = 24) -> None:
        self.width, self.height = width, height
        self._cells: list[list[str]] = [[]]
        self._row = self._column = self._top = 0
        self.unknown: list[str] = []
        self.colored = False
        self.frames: list[list[str]] = []
        """What stood there at the end of each write."""

    @property
    def rows(self) -> list[str]:
        """All rows ever, the visible ones last."""
        return ["".join(row).rstrip() for row in self._cells]

    @property
    def shown(self) -> list[str]:
        return self.rows[self._top :]

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            found = CONTROL.match(text, at)
            if found:
                self._obey(*found.groups())
                at = found.end()
                continue
            self._put(text[at])
            at += 1
        self.frames.append(self.shown)

    def reflow(self, width: int) -> None:
        """Makes it narrower: lines that are longer are broken, as most terminals do."""
        cells: list[list[str]] = []
        for row in self._cells:
            filled = "".join(row).rstrip()
            kept = row[: cell_len(filled)]
            cells += [kept[at : at + width] for at in range(0, max(1, len(kept)), width)]
        self._row = len(cells) - (len(self._cells) - self._row)
        self._cells, self.width = cells, width
        self._top = max(0, len(cells) - self.height)

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self._column = 0
        elif letter == "\n":
            self._down()
        elif cells := cell_len(letter):
            if self._column + cells > self.width:
                self._column = 0
                self._down()
            row = self._cells[self._row]
            row.extend(" " * (self._column + cells - len(row)))
            row[self._column : self._column + cells] = [letter, *[""] * (cells - 1)]
            self._column += cells
        elif letter not in "\u200d\ufe0f" and not letter.isprintable():
            self.unknown.append(repr(letter))

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._cells):
            self._cells.append([])
        self._top = max(self._top, self._row - self.height + 1)

    def _obey(self, private: str | None, numbers: str | None, letter: str | None) -> None:
        count = int(numbers) if numbers and numbers.isdigit() else 1
        match letter:
            case "m":
                self.colored |= numbers not in ("", "0")
            case "A":
                self._row = max(self._top, self._row - count)
            case "K":
                self._cells[self._row] = (
                    [] if numbers == "2" else self._cells[self._row][: self._column]
                )
            case "h" | "l" if private:
                pass
            case _:
                self.unknown.append(f"{private}{numbers}{letter}")
