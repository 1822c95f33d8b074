"""Finds a report that was written before, and opens it.

What it may not do: look at a ledger, or write anything.

How it works: a folder stands for its ``report.json``, an output folder for that of its
one manifest, and a record under ``runs/`` for itself.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wanbatch.model.report import Report
from wanbatch.report.write import read_report
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.quoting import listed


def open_report(path: Path) -> Report:
    """The report that ``path`` leads to, with the folder that its paths are relative
    to. Raises ``WanbatchError`` (2) where there is none of a format that is known."""
    file = find_report(path)
    return replace(read_report(file), folder=folder_of(file))


def folder_of(file: Path) -> Path:
    """The folder that the paths of the report in ``file`` are relative to."""
    return file.parent.parent if file.parent.name == "runs" else file.parent


def find_report(path: Path) -> Path:
    """The report of a folder: its own, or that of the one manifest in it."""
    if not path.is_dir():
        return path
    own = path / "report.json"
    if own.exists():
        return own
    inside = sorted(path.glob("*/report.json"))
    if len(inside) == 1:
        return inside[0]
    if inside:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{path} holds the reports of {len(inside)} manifests",
            f"name one of: {listed([str(file.parent) for file in inside])}",
        )
    raise WanbatchError(
        ExitCode.INVALID,
        f"{path} has no report.json",
        "name a report folder, a report.json, a file under runs/, or a .lock.json",
    )
