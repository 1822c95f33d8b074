"""Plan and status by groups, in words: a line for jobs that stand alike, as few lines
as fit on a screen.

What it may not do: print, or put jobs together (``plan.groups`` does).

How it works: ``  + opening: 24 new, hour × lens × seed, $12.00``. A group of one is its
job's own line. Where there are several manifests each has a heading. What does not fit
is counted, never left out in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from wanbatch.cli.wording import SIGNS, job_line
from wanbatch.model.plan import Action, Plan, PlannedJob
from wanbatch.model.reason import ReasonCode
from wanbatch.operations.planning import Group, group_jobs
from wanbatch.words.humanize import money, plural
from wanbatch.words.quoting import escape_unsafe, shortened

MOST_LINES = 40
"""One screen, with the lines around it (chosen)."""
_WIDEST = 90
"""Columns of a change; the rest is cut from its middle (chosen)."""
_LONGEST_VALUE = 24
"""Columns of a value that all jobs of a group share (chosen)."""
_SHORT = {
    ReasonCode.NEW: "new",
    ReasonCode.CHANGED: "changed",
    ReasonCode.CHANGED_INPUTS: "changed",
}


def plan_lines(plan: Plan, entries: Sequence[PlannedJob]) -> list[str]:
    """What a run would do with ``entries``, by groups, without those that it reuses."""
    groups = [one for one in group_jobs(entries) if one.action is not Action.REUSE]
    return _fitting(groups, lambda one: _plan_group(one, plan), _done_with)


def _done_with(group: Group) -> str:
    words = {Action.GENERATE: "to generate", Action.RESUME: "to resume", Action.ASK: "to decide"}
    return words.get(group.action, group.action.value)


def state_lines(
    groups: Sequence[Group],
    line_of: Callable[[PlannedJob], str],
    more: Callable[[Group], str] = lambda _: "",
) -> list[str]:
    """How jobs stand; ``line_of`` words a job alone, and ``more`` is what else there is
    to say of a group's reason."""

    def lines(group: Group) -> list[str]:
        if len(group.jobs) == 1:
            return [line_of(group.first)]
        what = ", ".join(filter(None, (_count(group), _axes(group))))
        reason = f"({group.reason}{more(group)})"
        return [f"  {group.state.value:9}  {escape_unsafe(group.id)}: {what}  {reason}"]

    return _fitting(groups, lines, lambda group: group.state.value)


def _plan_group(group: Group, plan: Plan) -> list[str]:
    if len(group.jobs) == 1:
        return [job_line(group.first, plan), *_changes(group)]
    code = group.first.reason.code
    word = _SHORT.get(code) if group.action is Action.GENERATE else group.state.value
    costs = group.action is Action.GENERATE and group.price is not None
    price = money(group.price, plan.currency) if costs else ""
    count = f"{_count(group)} {word or 'to generate'}"
    what = ", ".join(filter(None, (count, _axes(group), price)))
    reason = "" if group.reason == word else f"  ({group.reason})"
    return [f"  {SIGNS[group.action]} {escape_unsafe(group.id)}: {what}{reason}", *_changes(group)]


def _count(group: Group) -> str:
    count = len(group.jobs)
    return f"{count:,}" if count == group.of else f"{count:,} of {group.of:,}"


def _axes(group: Group) -> str:
    """``hour=dawn × lens × seed``: what they share, and along what they differ."""
    return " × ".join(
        escape_unsafe(name if value is None else f"{name}={shortened(value, _LONGEST_VALUE)}")
        for name, value in group.axes
    )


def _changes(group: Group) -> list[str]:
    return [f"      {escape_unsafe(shortened(str(one), _WIDEST))}" for one in group.changes]


def _fitting(
    groups: Sequence[Group],
    lines: Callable[[Group], list[str]],
    kind: Callable[[Group], str],
) -> list[str]:
    """The lines of as many groups as a screen takes, and what the others are."""
    several = len({group.manifest for group in groups}) > 1
    said: list[str] = []
    shown, manifest = 0, ""
    while shown < len(groups) and len(said) < MOST_LINES:
        group = groups[shown]
        said += _heading(group.manifest) if several and group.manifest != manifest else []
        said += lines(group)
        shown, manifest = shown + 1, group.manifest
    left: Counter[str] = Counter()
    for group in groups[shown:]:
        left[kind(group)] += len(group.jobs)
    if left:
        kinds = ", ".join(f"{count:,} {word}" for word, count in left.items())
        said.append(f"  … and {plural(left.total(), 'job')} more: {kinds} (every job: -v)")
    return said


def every_line(
    entries: Sequence[PlannedJob], line_of: Callable[[PlannedJob], str]
) -> Iterator[str]:
    """A line for each job; where there are several manifests each has a heading."""
    several = len({entry.job.manifest for entry in entries}) > 1
    for manifest, jobs in groupby(entries, lambda entry: entry.job.manifest):
        yield from _heading(manifest) if several else ()
        yield from map(line_of, jobs)


def _heading(manifest: str) -> list[str]:
    return [f"{escape_unsafe(manifest)}:"]
