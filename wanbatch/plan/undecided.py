"""Which attempts wait for a person, and which of them a name or a selection means.

What it may not do: I/O, or decide for the person.

How it works: a job is found as the plan finds it, by its identity, so that a manifest
or a job that was renamed since makes no difference; a name that no manifest has any
more is looked for among the names that attempts were opened under. Only attempts that a
decision can move count (``is_undecided``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wanbatch.model.lifecycle import Attempt, is_undecided
from wanbatch.model.plan import PlannedJob


def find_by_name(
    job: str, manifest: str, planned: Sequence[PlannedJob], attempts: Sequence[Attempt]
) -> list[Attempt]:
    """The undecided attempts that ``job`` means, youngest last; of several realms,
    maybe.

    ``planned`` are the jobs of the manifest as it stands, ``attempts`` all that may be
    meant.
    """
    allowed = {a.attempt_id for a in attempts}
    for entry in planned:
        if entry.name == job:
            found = [a for a in entry.attempts if a.attempt_id in allowed and is_undecided(a)]
            if found:
                return found
    waiting = [a for a in attempts if is_undecided(a) and a.job == job]
    return [a for a in waiting if a.manifest == manifest] or waiting


def find_selected(planned: Iterable[PlannedJob], attempts: Sequence[Attempt]) -> list[Attempt]:
    """The undecided attempts of selected jobs, each once, oldest first."""
    allowed = {a.attempt_id for a in attempts}
    found = {
        a.attempt_id: a
        for entry in planned
        if entry.selected
        for a in entry.attempts
        if a.attempt_id in allowed and is_undecided(a)
    }
    return [found[number] for number in sorted(found)]
