"""A comparison of two reports in words: for a terminal, a program, a pull request.

What it may not do: I/O, or let a text of a report act where it is shown.

How it works: of two prompts only the words that differ are shown, each way with a few
words around them: ``Harbour at [-dawn-] {+dusk+}, 35mm``, as git words it. Identical
jobs are counted, and named only where that is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from wanbatch.report.compare import Change, Compared, Comparison, Standing
from wanbatch.report.formats.tables import inert_text
from wanbatch.words.quoting import escape_unsafe

_PROSE = ("prompt", "negative_prompt")
_AROUND = 3  # words that stay beside a difference: enough to find the place
_MOST_WORDS = 1500
"""Of a prompt; difflib takes 20 ms for two of these (measured), and the API takes 5,000
characters."""
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
        lines += [f"               {escape_unsafe(word_change(c))}" for c in job.changes]
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
                    {"field": c.field, "before": c.before, "after": c.after} for c in job.changes
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
    what = [inert_text(word_change(change)) for change in job.changes]
    if job.same_as:
        what.append(inert_text(f"the same request as {job.same_as}"))
    return f"| {inert_text(job.name)} | {job.standing.value} | {'<br>'.join(what)} |"


def word_change(change: Change) -> str:
    """One difference in words."""
    before, after = change.before, change.after
    if change.field == "identity":
        return (
            "identity: something that the request does not show, as a job that it takes media from"
        )
    if before is None or after is None:
        there = "now" if before is None else "no longer"
        return f"{change.field}: {there} {after if before is None else before}"
    if change.field in _PROSE:
        return f"{change.field}: {word_difference(before, after)}"
    return f"{change.field}: {before} → {after}"


def word_difference(before: str, after: str) -> str:
    """What was taken out and put in, by words."""
    old, new = (re.findall(r"\S+", text)[:_MOST_WORDS] for text in (before, after))
    if old == new:
        return "other white space, or a change far behind"
    parts: list[str] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    steps = matcher.get_opcodes()
    for number, (step, a, b, c, d) in enumerate(steps):
        if step == "equal":
            parts += _shortened(old[a:b], is_first=number == 0, is_last=number == len(steps) - 1)
            continue
        if b > a:
            parts.append(f"[-{' '.join(old[a:b])}-]")
        if d > c:
            parts.append(f"{{+{' '.join(new[c:d])}+}}")
    return " ".join(parts)


def _shortened(words: Sequence[str], *, is_first: bool, is_last: bool) -> list[str]:
    """The words next to a difference."""
    head = 0 if is_first else _AROUND
    tail = 0 if is_last else _AROUND
    if len(words) <= head + tail + 1:
        return list(words)
    return [*words[:head], "…", *words[len(words) - tail :]]
