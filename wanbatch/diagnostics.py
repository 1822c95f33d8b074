"""Diagnostics: findings about a user's files, each with a code, a place, what is wrong and what to do.

What it may not do: print, read files, or know any particular rule. Rules live where they are checked; printing lives in ``cli``.

How it works: a check returns ``Diagnostic`` values; a ``Place`` is mandatory, so that no finding can exist without one. ``order`` sorts the
findings of all files by place. Lines and columns count from 1, columns in code points, as editors do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

Route = tuple[str | int, ...]
"""The way from a document's root to a value: ``("jobs", 1, "media", "driving_audio")``."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Place:
    """A span in one line of a file: ``path`` as the user named it, ``line`` and ``column`` from 1, ``end_column`` exclusive."""

    path: str
    line: int = 1
    column: int = 1
    end_column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    ``message`` says what is wrong, ``label`` stands beside the caret and says why, ``help`` says what to do. ``source`` is the text of the
    line at ``place`` (empty where the file has none). ``cell`` names the job of a sweep where only some of its cells are wrong.
    """

    code: str
    message: str
    place: Place
    route: Route = ()
    label: str = ""
    help: tuple[str, ...] = ()
    source: str = ""
    cell: str = ""
    severity: Severity = Severity.ERROR


def format_route(route: Route) -> str:
    """The route as people write it: ``jobs[1].media.driving_audio``."""
    text = ""
    for step in route:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def order(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """All findings sorted by file, line, column and code, equal ones once."""
    return sorted(
        dict.fromkeys(findings),
        key=lambda d: (d.place.path, d.place.line, d.place.column, d.code, d.cell, d.message),
    )


def has_errors(findings: Iterable[Diagnostic]) -> bool:
    return any(d.severity is Severity.ERROR for d in findings)
