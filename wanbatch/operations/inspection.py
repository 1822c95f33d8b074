"""What ``wanbatch check`` does: looks at the videos of reports, or at any videos, and
says what is wrong with them.

What it may not do: write anything, use a ledger or the network, follow a report out of
its folder for a video, or stop at the first broken file: each is told with its place.

How it works: a report folder gives its videos with what was asked for, so that all
checks apply; of a picture that was given, the file is taken where its content is still
the one that was sent. A video alone has only its own measures. The work pool decodes:
as many at once as there are cores, for FFmpeg works outside of the interpreter's lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wanbatch.model.archive import WAY_HOME
from wanbatch.model.looked import Undecodable
from wanbatch.model.measures import Level, Measures, References, Targets
from wanbatch.model.pool import Pool, where
from wanbatch.model.report import Check, Output, Report, ReportJob, is_inside
from wanbatch.operations.pools import do_all, threads
from wanbatch.report.addresses import is_address
from wanbatch.report.checks.groups import check_group
from wanbatch.report.checks.registry import check_video
from wanbatch.report.formats.checked import render_checks
from wanbatch.report.write import read_report
from wanbatch.videos.errands import HASH_IF_THERE, LOOK, Closed, look_values
from wanbatch.words.canonical import Json
from wanbatch.words.errors import ExitCode, WanbatchError

VIDEO_ENDINGS = (".mp4", ".mov", ".m4v")
"""What is looked for in a folder without a report."""
_REPORT = "report.json"
_REFERENCES = ("first_frame", "last_frame", "first_clip", "driving_audio")
_STILL = re.compile(r"(.*) \((first|last) frame\)")
"""How a request names a frame of another job's video."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """One video, or a path that holds none, and what is said of it."""

    path: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A video to be looked at; ``job`` is what a report knows of it, ``group`` the
    report."""

    path: Path
    job: ReportJob | None = None
    group: Path | None = None
    references: References = field(default_factory=References)


def inspect(paths: Sequence[Path]) -> list[Inspected]:
    """What is to be said of every video in ``paths``, in their order. Raises
    ``WanbatchError`` (2) for a folder that holds neither a report nor a video."""
    with threads() as pool:
        found: list[_Subject | Inspected] = [one for path in paths for one in _subjects(path, pool)]
        subjects = [one for one in found if isinstance(one, _Subject)]
        looks = dict(zip(map(id, subjects), _look_at_all(subjects, pool), strict=True))
    between = _between(subjects, looks)
    return [
        one if isinstance(one, Inspected) else _judge(one, looks[id(one)], between) for one in found
    ]


def render(found: Iterable[Inspected], form: str) -> bytes:
    """What was found as ``json`` or ``junit``."""
    return render_checks([(one.path, one.checks) for one in found], form)


# -- what there is to look at ----------------------------------------------------------


def _subjects(path: Path, pool: Pool) -> Iterator[_Subject | Inspected]:
    if path.is_dir():
        reports = (
            [path / _REPORT] if (path / _REPORT).exists() else sorted(path.glob("*/report.json"))
        )
        if reports:
            for report in reports:
                yield from _of_report(report, pool)
            return
        videos = sorted(p for p in path.iterdir() if p.suffix.lower() in VIDEO_ENDINGS)
        if not videos:
            raise WanbatchError(
                ExitCode.INVALID,
                f"{path} holds neither a report.json nor a video",
                f"name a folder that wanbatch wrote, or videos ({', '.join(VIDEO_ENDINGS)})",
            )
        yield from map(_Subject, videos)
    elif path.suffix.lower() == ".json":
        yield from _of_report(path, pool)
    else:
        yield _Subject(path)


def _of_report(path: Path, pool: Pool) -> Iterator[_Subject | Inspected]:
    """The videos of one ``report.json``, or of a record under ``runs/``."""
    try:
        report = read_report(path)
    except WanbatchError as error:
        yield Inspected(str(path), (Check("file", passed=False, message=error.message),))
        return
    folder = path.parent.parent if path.parent.name == "runs" else path.parent
    given = _Given(report, folder, pool)
    for job in report.jobs:
        if job.output is None:
            continue
        if is_address(job.output.path):
            text = f"it lives in a store; {WAY_HOME}"
            found = (Check("file", passed=False, message=text),)
            yield Inspected(job.output.path, found)
            continue
        video = folder / job.output.path
        if not is_inside(job.output.path) or not _lies_in(video, folder):
            text = "the report names a video outside of its folder"
            yield Inspected(str(video), (Check("file", passed=False, message=text),))
            continue
        yield _Subject(video, job, path, given.references(job.request))


def _lies_in(video: Path, folder: Path) -> bool:
    """Whether a path stays in the folder when its links are followed; a video itself
    may be a link that a person made."""
    try:
        return video.parent.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


class _Given:
    """Where the files lie that the jobs of a report were made from."""

    def __init__(self, report: Report, folder: Path, pool: Pool) -> None:
        self._folder, self._pool = folder, pool
        self._near = (Path(report.manifest.path).parent, folder.parent.parent)
        self._own = {job.name: job.output for job in report.jobs if job.output}

    def references(self, request: Mapping[str, Json]) -> References:
        """Files that still have the content that was sent, and what other jobs of the
        report gave."""
        media = request.get("media")
        found: dict[str, Path] = {}
        for item in media if isinstance(media, Sequence) else ():
            kind = item.get("type") if isinstance(item, Mapping) else None
            path = self._place(item) if isinstance(item, Mapping) else None
            if kind in _REFERENCES and path is not None:
                found[str(kind)] = path
        return replace(References(), **found)

    def _place(self, item: Mapping[str, Json]) -> Path | None:
        source, sha256 = item.get("source"), item.get("sha256")
        if not isinstance(source, str):
            return None
        if source.startswith("job:"):
            return self._of_job(source.removeprefix("job:"))
        if not isinstance(sha256, str):
            return None
        return next((p for p in (f / source for f in self._near) if self._has(p, sha256)), None)

    def _has(self, path: Path, sha256: str) -> bool:
        return do_all(self._pool, HASH_IF_THERE, [(where(path),)]) == [sha256]

    def _of_job(self, name: str) -> Path | None:
        """A job's video, or the still that was cut from it."""
        still = _STILL.fullmatch(name)
        output = self._own.get(still[1] if still else name)
        if output is None or not is_inside(output.path):
            return None
        if still is None:
            return self._folder / output.path
        return self._folder / "stills" / f"{output.sha256[:16]}.{still[2]}.png"


# -- looking and judging ---------------------------------------------------------------


def _look_at_all(subjects: Sequence[_Subject], pool: Pool) -> list[Measures | Check]:
    """The measures of each, or why there are none."""
    values = [
        look_values(where(one.path), one.references, Targets(), Level.ALL) for one in subjects
    ]
    return [_measured(found) for found in do_all(pool, LOOK, values)]


def _measured(found: Measures | Undecodable | Closed) -> Measures | Check:
    match found:
        case Undecodable(reason):
            return Check("decodes", passed=False, message=f"it cannot be decoded: {reason}")
        case Closed(reason):
            return Check("file", passed=False, message=f"it cannot be read: {reason}")
        case _:
            return found


def _judge(
    subject: _Subject, look: Measures | Check, between: Mapping[int, tuple[Check, ...]]
) -> Inspected:
    job, shown = subject.job, str(subject.path)
    if isinstance(look, Check):
        known = check_video(job.request, job.output) if job else ()
        return Inspected(shown, (*known, look, *between.get(id(subject), ())))
    request = job.request if job else {}
    found = _with_unmet(job, check_video(request, _output_of(subject.path, look), look))
    return Inspected(shown, (*found, *between.get(id(subject), ())))


def _with_unmet(job: ReportJob | None, found: Iterable[Check]) -> Iterator[Check]:
    """What the manifest expected is written in the report alone: a check that fell
    short of it does so still."""
    unmet = {c.name: c for c in job.checks if c.name in job.unmet} if job else {}
    for check in found:
        yield unmet.pop(check.name, check)
    yield from unmet.values()


def _output_of(path: Path, look: Measures) -> Output:
    """As the file is now, whatever a report says that it was."""
    sides = look.width, look.height
    return Output(path.name, "", 0, look.seconds, *sides, look.fps, look.sound is not None)


def _between(
    subjects: Sequence[_Subject], looks: Mapping[int, Measures | Check]
) -> dict[int, tuple[Check, ...]]:
    """What the videos of each report say of one another, by subject."""
    found: dict[int, tuple[Check, ...]] = {}
    for group in dict.fromkeys(one.group for one in subjects if one.group):
        of_group = [one for one in subjects if one.group == group and one.job]
        measures = {
            one.job.output.sha256: look
            for one in of_group
            if one.job and one.job.output and isinstance(look := looks[id(one)], Measures)
        }
        said = check_group([one.job for one in of_group if one.job], measures)
        found |= {
            id(one): said[one.job.name] for one in of_group if one.job and one.job.name in said
        }
    return found
