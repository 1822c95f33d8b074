"""What is said of one video: the checks, and which of them fall short of what the
manifest expects.

What it may not do: I/O, or judge several videos together.

How it works: the checks come first (``checks.registry``), then each expectation takes
the value of its check and decides alone whether that passed. What was not measured, and
what does not apply (no first frame was given), is not judged; a video that does not
decode meets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wanbatch.model.expect import Expectation
from wanbatch.model.looked import Found, Undecodable
from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.report.checks.registry import check_video
from wanbatch.words.canonical import Json

DECODES = "decodes"
"""The check that a video which cannot be looked at fails."""


@dataclass(frozen=True, slots=True)
class Judged:
    """``unmet`` names the checks that fall short of an expectation."""

    checks: tuple[Check, ...] = ()
    unmet: tuple[str, ...] = ()


def judge(
    request: Mapping[str, Json],
    output: Output | None,
    found: Found | None = None,
    expected: Sequence[Expectation] = (),
) -> Judged:
    """All that one video tells by itself; nothing without an output. ``found`` is
    ``None`` where nobody has looked at it."""
    if output is None:
        return Judged()
    measures = found if isinstance(found, Measures) else None
    checks = check_video(request, output, measures)
    if isinstance(found, Undecodable):
        kept = tuple(check for check in checks if check.name != DECODES)
        broken = Check(DECODES, passed=False, message=f"it cannot be decoded: {found.reason}")
        return Judged((*kept, broken), (DECODES,) if expected else ())
    judged = {check.name: check for check in checks}
    unmet = []
    for one in expected:
        check = _apply(one, judged.get(one.check), output)
        if check is not None:
            judged[one.check] = check
            unmet += [] if check.passed else [one.check]
    return Judged(tuple(judged.values()), tuple(unmet))


def _apply(one: Expectation, check: Check | None, output: Output) -> Check | None:
    """The check as the expectation decides it; ``None`` where it cannot be judged."""
    if one.check == "sound":
        there = "present" if output.has_audio else "absent"
        wanted = "expected" if one.fact else "none expected"
        said = check.message if check else f"sound track {there}"
        return Check("sound", output.has_audio is one.fact, f"{said}; {wanted}", there)
    if one.fact is not None:
        return check and Check(check.name, check.passed, f"{check.message}; expected", check.value)
    if check is None or not isinstance(check.value, float | int):
        return None
    value = check.value
    met = (one.least is None or value >= one.least) and (one.most is None or value <= one.most)
    said = f"{check.message}; {value:.4g} where {one} is expected"
    return Check(one.check, met, said, value)
