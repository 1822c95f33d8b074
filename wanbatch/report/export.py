"""Writes done videos and what is known of them as a VideoFolder.

What it may not do: change or move a video, or write into a folder that holds anything.

How it works: each video gets a second name in the new folder (a hard link, or a copy
where the disk makes none), then ``metadata.jsonl`` is written, whole or not at all. A
folder without that file is one that was not finished.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wanbatch.model.archive import WAY_HOME
from wanbatch.model.report import Report
from wanbatch.report.addresses import is_address
from wanbatch.report.formats.videofolder import exportable, file_name, render_metadata
from wanbatch.words.disk import give_name
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import kind_of, written_atomically

METADATA = "metadata.jsonl"


def refuse_used_folder(target: Path) -> None:
    """Raises ``WanbatchError`` (2) where an export would lie among other files."""
    if not target.exists() and not target.is_symlink():
        return
    if not target.is_dir() or any(target.iterdir()):
        raise WanbatchError(
            ExitCode.INVALID,
            f"--export videofolder {target}: it is there, and not an empty folder",
            "name a folder that is not there yet",
        )


def export_videofolder(reports: Sequence[tuple[Path, Report]], target: Path) -> list[str]:
    """Exports the videos of ``reports``, each with its manifest's folder; of several
    manifests each gets a subfolder. Returns the names of the jobs that were exported.

    Raises ``WanbatchError`` (2) for a folder in use, or where there is no video,
    ``OSError`` as the disk does.
    """
    refuse_used_folder(target)
    lines, exported = "", list[str]()
    for folder, report in reports:
        prefix = f"{report.manifest.name}/" if len(reports) > 1 else ""
        jobs = [
            job for job in exportable(report) if job.output and _is_there(folder / job.output.path)
        ]
        for job in jobs:
            name = target / file_name(job, prefix)
            name.parent.mkdir(parents=True, exist_ok=True)
            give_name(folder / (job.output.path if job.output else ""), name)
            exported.append(job.name)
        lines += render_metadata(report, jobs, prefix)
    if not exported:
        if any(job.output and is_address(job.output.path) for _, r in reports for job in r.jobs):
            raise WanbatchError(
                ExitCode.INVALID, "the videos live in a store, and an export copies them", WAY_HOME
            )
        raise WanbatchError(
            ExitCode.INVALID,
            "no job has a video to export",
            "wanbatch run makes them; wanbatch status says how each stands",
        )
    with written_atomically(target / METADATA) as file:
        file.write(lines.encode())
    return exported


def _is_there(video: Path) -> bool:
    """A file by itself: at the end of a link something else may lie."""
    return not kind_of(video) and video.is_file()
