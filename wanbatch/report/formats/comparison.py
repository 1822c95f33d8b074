"""A comparison of two reports in words: for a terminal, a program, a pull request.

What it may not do: I/O, or let a text of a report act where it is shown.

How it works: a line for each job that is not identical, and one for each of its
differences, in the words that ``compare`` gives them. Identical jobs are counted, and
named only where that is asked for.
"""

from __future__ import annotations

import json

from wanbatch.report.compare import Compared, Comparison, Standing
from wanbatch.report.formats.tables import inert_text
from wanbatch.words.quoting import escape_unsafe

MOST_CHARACTERS = 65_000
"""Of Markdown: what a comment of a pull request takes."""


def render_text(sides: tuple[str, str], found: Comparison, *, all_jobs: bool = False) -> str:
    """Lines for a terminal."""
    lines = [f"A  {escape_unsafe(sides[0])}", f"B  {escape_unsafe(sides[1])}"]
    for job in found.jobs:
        if job.standing is Standing.IDENTICAL and not all_jobs:
            continue
        note = f"  (the same request as {job.same_as})" if job.same_as else ""
        lines.append(f"  {job.standing.value:9}  {escape_unsafe(job.name + note)}")
        lines += [
            f"               {escape_unsafe(f'{c.field}: {c.words}')}" for c in job.differences
        ]
    return "\n".join([*lines, count_up(found)]) + "\n"


def count_up(found: Comparison) -> str:
    """``1 new, 2 changed, 9 identical``."""
    counts = [(found.count(standing), standing.value) for standing in Standing]
    return ", ".join(f"{n} {word}" for n, word in counts if n) or "no jobs"


def render_json(sides: tuple[str, str], found: Comparison) -> str:
    """For programs: every job, every change whole."""
    document = {
        "a": sides[0],
        "b": sides[1],
        "totals": {standing.value: found.count(standing) for standing in Standing},
        "jobs": [
            {
                "name": job.name,
                "standing": job.standing.value,
                "same_as": job.same_as or None,
                "changes": [
                    {"field": c.field, "words": c.words, "before": c.before, "after": c.after}
                    for c in job.differences
                ],
            }
            for job in found.jobs
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def render_markdown(sides: tuple[str, str], found: Comparison) -> str:
    """A table of what is not identical, at most ``MOST_CHARACTERS``; it says what it
    leaves out."""
    head = [
        f"**{inert_text(sides[0])}** → **{inert_text(sides[1])}**: {count_up(found)}.",
        "",
        "| job | | what |",
        "| --- | --- | --- |",
    ]
    rows = [_row(job) for job in found.jobs if job.standing is not Standing.IDENTICAL]
    if not rows:
        return "\n".join(head[:1]) + "\n"
    room = MOST_CHARACTERS - sum(len(line) + 1 for line in head) - 60
    kept: list[str] = []
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            break
        kept.append(row)
    left = len(rows) - len(kept)
    return "\n".join([*head, *kept, *(["", f"and {left} more"] if left else [])]) + "\n"


def _row(job: Compared) -> str:
    what = [inert_text(f"{change.field}: {change.words}") for change in job.differences]
    if job.same_as:
        what.append(inert_text(f"the same request as {job.same_as}"))
    return f"| {inert_text(job.name)} | {job.standing.value} | {'<br>'.join(what)} |"
