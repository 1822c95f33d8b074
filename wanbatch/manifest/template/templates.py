"""Templates: texts with ``{{ … }}`` in them.

What it may not do: know where a text stands; import Jinja before a template needs it.

How it works: a text without ``{{``, ``{%`` or ``{#`` is itself. One that only prints
variables, as nearly all do, is cut into pieces here, which takes microseconds; any
other goes to the sandbox. Both kinds are kept by their text. That they agree is tested.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from wanbatch.manifest.template.problem import (
    TemplateProblem,
    Variables,
    too_much,
    undefined_problem,
)
from wanbatch.words.scalars import scalar_text

if TYPE_CHECKING:
    from wanbatch.manifest.template.sandbox import Sandbox

LONGEST_TEMPLATE = 64_000
"""Characters: a dozen times the longest prompt, so that one with branches fits."""
_LONGEST_OUTPUT = 20_000
"""As ``LONGEST_TEXT`` of the sandbox: the plain path must bound the same."""
_MARK = re.compile(r"\{[{%#]")
_PLAIN = re.compile(r"\{\{[ \t]*(job\.id|[A-Za-z_][A-Za-z0-9_]*)[ \t]*\}\}")
_NOT_VARIABLES = frozenset(
    [
        "true",
        "false",
        "none",
        "True",
        "False",
        "None",
        "not",
        "self",
        "loop",
        "job",
        "and",
        "or",
        "in",
        "is",
        "if",
        "else",
    ]
)


class Template(Protocol):
    """A text ready to render. ``names`` are the variables that it reads."""

    @property
    def names(self) -> frozenset[str]: ...

    def render(self, variables: Variables) -> str:
        """The text for these variables. Raises ``TemplateProblem``."""


def is_template(text: str) -> bool:
    """Whether ``text`` has anything to render."""
    return "{" in text and ("{{" in text or "{%" in text or "{#" in text)


@dataclass(frozen=True, slots=True)
class PlainTemplate:
    """A template that only prints variables: ``pieces`` are texts and names by turns, a
    text first and last."""

    text: str
    names: frozenset[str]
    pieces: tuple[str, ...]

    def render(self, variables: Variables) -> str:
        """The text for these variables. Raises ``TemplateProblem``."""
        made = list(self.pieces)
        for number in range(1, len(made), 2):
            made[number] = self._value(made[number], variables)
        if sum(map(len, made)) > _LONGEST_OUTPUT:
            raise too_much("the template does too much", "work and output are bounded")
        return "".join(made)

    def _value(self, name: str, variables: Variables) -> str:
        if name == "job.id":
            job = variables.get("job")
            return job["id"] if isinstance(job, dict) else ""
        if name not in variables:
            raise undefined_problem(self.text, name, variables)
        value = variables[name]
        return "" if isinstance(value, dict) else scalar_text(value)  # type: ignore[arg-type]


class Templates:
    """Compiles each text once and keeps it."""

    def __init__(self) -> None:
        self._sandbox: Sandbox | None = None
        self._kept: dict[str, Template | TemplateProblem] = {}

    def compile(self, text: str) -> Template:
        """The template of ``text``. Raises ``TemplateProblem``."""
        kept = self._kept.get(text)
        if kept is None:
            try:
                kept = self._compile(text)
            except TemplateProblem as problem:
                kept = problem
            self._kept[text] = kept
        if isinstance(kept, TemplateProblem):
            raise replace(kept)  # a fresh one: a kept exception would hold every traceback
        return kept

    def _compile(self, text: str) -> Template:
        if len(text) > LONGEST_TEMPLATE:
            raise too_much(
                f"the template has {len(text):,} characters",
                f"at most {LONGEST_TEMPLATE:,} are read",
            )
        plain = read_plain(text)
        if plain is not None:
            return plain
        if self._sandbox is None:
            from wanbatch.manifest.template.sandbox import Sandbox

            self._sandbox = Sandbox()
        return self._sandbox.compile(text)


def read_plain(text: str) -> PlainTemplate | None:
    """``text`` as a template that only prints variables, or ``None`` where it does
    more."""
    pieces = _PLAIN.split(text.replace("\r\n", "\n").replace("\r", "\n"))
    if any(_MARK.search(piece) or piece.endswith("{") for piece in pieces[::2]):
        return None  # "{{{ a }}" begins a mapping for Jinja
    names = frozenset(pieces[1::2])
    if names & _NOT_VARIABLES or len(pieces) > 1_000:
        return None
    return PlainTemplate(
        text, frozenset("job" if name == "job.id" else name for name in names), tuple(pieces)
    )
