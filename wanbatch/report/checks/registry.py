"""All checks of a video, in the order in which they are told: ours, then those of
others.

What it may not do: open a video; it reads what was measured.

How it works: a check is a function from the job's request, its output and the measures
of the video to a ``Check``, or to nothing where it does not apply. Ours are named in
``CHECKS``, one file each; those of others are found by an entry point of the group
``wanbatch.checks``, and are imported when the first video is checked:

    [project.entry-points."wanbatch.checks"]
    loud = "mypackage.mychecks:check_loud"

A failed check is a remark: the video was paid for and is kept.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache

from wanbatch.model.measures import Level, Measures, Sound
from wanbatch.model.ports import VideoCheck
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json
from wanbatch.words.plugins import CHECK_POINTS

CHECKS = (
    "wanbatch.report.checks.length",
    "wanbatch.report.checks.size",
    "wanbatch.report.checks.frames",
    "wanbatch.report.checks.decodes",
    "wanbatch.report.checks.shape",
    "wanbatch.report.checks.frozen",
    "wanbatch.report.checks.black",
    "wanbatch.report.checks.flicker",
    "wanbatch.report.checks.cut",
    "wanbatch.report.checks.motion",
    "wanbatch.report.checks.blur",
    "wanbatch.report.checks.exposure",
    "wanbatch.report.checks.colour_drift",
    "wanbatch.report.checks.first_frame",
    "wanbatch.report.checks.last_frame",
    "wanbatch.report.checks.joint",
    "wanbatch.report.checks.sound",
    "wanbatch.report.checks.silence",
    "wanbatch.report.checks.clipping",
    "wanbatch.report.checks.sound_length",
)
"""The modules whose ``check`` is made of every video, in the order of the report."""


def check_video(
    request: Mapping[str, Json], output: Output | None, measures: Measures | None = None
) -> tuple[Check, ...]:
    """The checks that apply, in a fixed order; none without an output. What was not
    measured is not checked."""
    if output is None:
        return ()
    known = measures or _as_stored(output)
    made = [module_check(request, output, known) for module_check in _own_checks()]
    for name, foreign in _foreign_checks().items():
        made.append(_careful(name, foreign, request, output, known))
    return tuple(check for check in made if check is not None)


def _as_stored(output: Output) -> Measures:
    """What is known of a video that nobody has looked at."""
    sound = Sound(output.seconds) if output.has_audio else None
    sides = output.width, output.height
    return Measures(Level.NONE, output.seconds, *sides, output.fps, packets=0, sound=sound)


@cache
def _own_checks() -> tuple[VideoCheck, ...]:
    return tuple(importlib.import_module(name).check for name in CHECKS)


@cache
def _foreign_checks() -> Mapping[str, VideoCheck]:
    """What other packages registered, by name. One that cannot be imported is a check
    that says so."""
    from importlib.metadata import entry_points  # slow to import, and seldom needed

    found: dict[str, VideoCheck] = {}
    for point in sorted(entry_points(group=CHECK_POINTS), key=lambda point: point.name):
        try:
            loaded = point.load()
            found[point.name] = loaded() if isinstance(loaded, type) else loaded
        except Exception as error:  # noqa: BLE001 - whatever a stranger's module raises
            found[point.name] = _Broken(f"{point.value} cannot be loaded: {_named(error)}")
    return found


class _Broken:
    """A check that another package registered and that cannot be made."""

    def __init__(self, why: str) -> None:
        self.why = why

    def __call__(self, request: Mapping[str, Json], output: Output, measures: Measures) -> Check:
        raise RuntimeError(self.why)


def _careful(
    name: str,
    check: VideoCheck,
    request: Mapping[str, Json],
    output: Output,
    measures: Measures,
) -> Check | None:
    """What a stranger's check says, under the name of its entry point; where it fails,
    that it failed."""
    try:
        found: object = check(request, output, measures)
    except Exception as error:  # noqa: BLE001 - a stranger's code
        return Check(name, passed=False, message=f"this check failed by itself: {_named(error)}")
    if found is None:
        return None
    if not isinstance(found, Check):
        return Check(name, passed=False, message="this check gave something else than a Check")
    return Check(name, bool(found.passed), str(found.message), found.value)


def _named(error: Exception) -> str:
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
