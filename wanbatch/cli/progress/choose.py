"""Which display a run gets.

What it may not do: import rich before a terminal is there to be painted on.
"""

from __future__ import annotations

import os
import sys

from wanbatch.cli.console import wants_animation
from wanbatch.cli.progress.board import Board
from wanbatch.cli.progress.display import Display
from wanbatch.cli.progress.plain import PlainDisplay, SilentDisplay


def choose_display(choice: str, board: Board, *, quiet: bool, color: bool) -> Display:
    """Nothing is animated where stderr is no terminal that can be painted on, whatever
    was chosen. For ``json`` the journal speaks, on stdout."""
    if choice == "auto":
        choice = "none" if quiet else "rich" if wants_animation() else "plain"
    if choice == "rich" and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from wanbatch.cli.progress.live import LiveDisplay

        return LiveDisplay(board, color=color)
    return PlainDisplay(board) if choice in ("plain", "rich") else SilentDisplay(board)
