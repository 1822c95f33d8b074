"""What people read: lines on stderr, money, durations, commands quoted for the shell;
and whether colour and animation are welcome.

What it may not do: write to stdout (machine formats do), or know what a command is
about.
"""

from __future__ import annotations

import contextlib
import os
import sys

import click


def say(text: str = "") -> None:
    """A line for people, on stderr. Where nobody listens any more (a closed pipe, a
    terminal that hung up) it is lost, and nothing else is.

    Colours stay where they are put in: ``wants_color`` has decided that, and stderr
    need not be a terminal for it.
    """
    with contextlib.suppress(OSError, ValueError):
        click.echo(text, err=True, color=True)


def tell(text: str) -> None:
    """A line for programs, on stdout, that must not decide how a run ends: one who has
    stopped listening misses it."""
    with contextlib.suppress(OSError, ValueError):
        click.echo(text)


def wants_color(choice: str) -> bool:
    """Whether stderr gets colours: the option, then NO_COLOR and FORCE_COLOR, then
    whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stderr.isatty()


def wants_animation() -> bool:
    """Nothing is animated where stderr is no terminal, or in CI."""
    return sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
