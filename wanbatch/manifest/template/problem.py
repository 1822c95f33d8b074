"""What can be wrong with a template, and where in its text.

What it may not do: know Jinja; both the sandbox and the plain path use it.

How it works: a problem carries an offset into the template's text, which the caller
turns into a place in the file. Jinja tells lines and no columns, so the word in
question is looked for inside ``{{ }}`` and ``{% %}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wanbatch.manifest.template import codes
from wanbatch.words.lookalike import alike, difference
from wanbatch.words.quoting import closest, listed, shown
from wanbatch.words.scalars import Scalar

Variables = Mapping[str, "Scalar | Mapping[str, str]"]
"""What a template sees: vars, axes, columns, ``seed``, ``take``, and ``job`` with its
``id``."""
_INSIDE = re.compile(r"\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)", re.DOTALL)
_MARK = re.compile(r"\{[{%#]")


@dataclass(eq=False)
class TemplateProblem(Exception):
    """What is wrong: at ``offset`` in the template's text (``None``: somewhere),
    ``width`` code points wide."""

    code: str
    message: str
    offset: int | None = None
    width: int = 1
    label: str = ""
    hints: tuple[str, ...] = ()


def too_much(message: str, label: str) -> TemplateProblem:
    """A bound on work or size is broken."""
    return TemplateProblem(
        codes.TOO_MUCH,
        message,
        label=label,
        hints=("write it simpler; long data belong into rows",),
    )


def undefined_problem(text: str, name: str, known: Iterable[str]) -> TemplateProblem:
    """A name that no variable has."""
    visible = set(known) - {"job"}
    names = [
        *sorted(visible),
        *(name for name in ("seed", "take", "job.id") if name not in visible),
    ]
    near = closest(name, names)
    near = near or alike(name, names)
    hints: tuple[str, ...] = (f"the variables here are {listed(names, 'and')}",)
    if near:
        differs = difference(name, near)
        hints = (f"did you mean {near}?", *((differs,) if differs else ()))
        if not all(part.isidentifier() for part in near.split(".")):
            hints = (f"no template can name {shown(near)}: rename it, with letters, digits and _",)
    return TemplateProblem(
        codes.UNDEFINED,
        f"{shown(name)} is not defined",
        find_token(text, name),
        max(len(name), 1),
        "",
        hints,
    )


def find_token(text: str, word: str) -> int | None:
    """Where ``word`` first stands inside ``{{ }}`` or ``{% %}``."""
    if not word:
        return None
    pattern = re.compile(rf"(?<![\w]){re.escape(word)}(?![\w])")
    for block in _INSIDE.finditer(text):
        if found := pattern.search(text, block.start(), block.end()):
            return found.start()
    return None


def offset_of_line(text: str, line: int) -> int:
    """The first mark of Jinja in a line, else the line's beginning."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    end = text.find("\n", start)
    found = _MARK.search(text, start, end if end >= 0 else len(text))
    return found.start() if found else start


def block_width(text: str, offset: int) -> int:
    """How wide the ``{{ }}`` or ``{% %}`` at ``offset`` is in its line."""
    found = _INSIDE.match(text, offset)
    return len(found.group().split("\n")[0]) if found else 1
