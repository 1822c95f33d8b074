"""Columns whose heading is no name that a template can use: ``shot-id``, ``Shot Name``,
``2nd``.

What it may not do: refuse such a column: as the key of the rows, or unused, it does no
harm.

How it works: a template that means such a column either cannot be read or reads
something else, ``shot`` minus ``id``. So where a template has a problem, its blocks are
searched for the headings; the finding then stands at the heading, with a name that
works.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence

from wanbatch.manifest.sweep import codes
from wanbatch.manifest.tables.tables import Table
from wanbatch.words.diagnostics import Diagnostic, Severity
from wanbatch.words.quoting import escape_unsafe, shown

TAKEN = frozenset({"seed", "take", "row", "job"})
"""Variables that every template has."""
WORDS = frozenset(
    {"true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if"}
    | {"elif", "else", "endif", "for", "endfor", "recursive", "loop", "self"}
)
"""Jinja's own."""
_BLOCK = re.compile(r"\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)", re.DOTALL)
_SEVERAL_NAMES = re.compile(r"[^\W\d]\w*(?:[-.][^\W\d]\w*)+\Z")


def odd_headings(columns: Iterable[str]) -> tuple[str, ...]:
    """The columns that no template can name."""
    return tuple(name for name in columns if not name.isidentifier())


def safe_name(heading: str, taken: Collection[str] = ()) -> str:
    """A name like the heading that templates can use and that no other column has."""
    letters = unicodedata.normalize("NFKD", heading)
    ascii_only = "".join(c for c in letters if c.isascii())
    base = ascii_only if any(c.isalnum() for c in ascii_only) else heading
    name = re.sub(r"_+", "_", "".join(c if c.isalnum() or c == "_" else "_" for c in base)).strip(
        "_"
    )
    if not name or not (f"x{name}").isidentifier():
        name = "column"
    if not name.isidentifier():
        name = f"column_{name}"
    if name in TAKEN or name in WORDS:
        name = f"{name}_of_shot" if name in TAKEN else f"{name}_"
    name, wanted, number = name[:40], name[:40], 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def meant_headings(text: str, odd: Sequence[str]) -> list[str]:
    """Those of the odd headings that stand inside the template's blocks."""
    blocks = [" ".join(block.group().split()) for block in _BLOCK.finditer(text)] if odd else []
    return [
        heading
        for heading in odd
        if any(
            re.search(rf"(?<!\w){re.escape(' '.join(heading.split()))}(?!\w)", block)
            for block in blocks
        )
    ]


def misread_headings(text: str, odd: Sequence[str]) -> list[str]:
    """Those that the template can be read with, as something else: ``{{ a-b }}`` where
    there are columns a, b and a-b.
    """
    return meant_headings(text, [name for name in odd if _SEVERAL_NAMES.match(name)])


def rename_hint(heading: str, columns: Collection[str]) -> str:
    """What to do about a heading."""
    name = safe_name(heading, set(columns) - {heading})
    return f"rename the column {shown(heading)} to {name}, and write {{{{ {name} }}}} in templates"


def heading_findings(
    table: Table, odd: Sequence[str], meant: Collection[str], key: str | None
) -> Iterator[Diagnostic]:
    """A finding at each odd heading: an error where a template means it, else a
    warning; none for the column that only names the rows.
    """
    columns = table.columns()
    for heading in odd:
        if heading == key and heading not in meant:
            continue
        yield table.finding(
            codes.HEADING,
            f"no template can name the column {shown(heading)}",
            table.place(table.first(heading), heading, key=True),
            rename_hint(heading, columns),
            label=_why(heading),
            severity=Severity.ERROR if heading in meant else Severity.WARNING,
        )


def _why(heading: str) -> str:
    if heading[:1].isdigit():
        return "a name does not begin with a digit"
    if _SEVERAL_NAMES.match(heading):
        sign = next(c for c in heading if c in "-.")
        shown_as = escape_unsafe(heading)[:40]
        read = "a subtraction" if sign == "-" else "an attribute"
        return f"{{{{ {shown_as} }}}} is read as {read}"
    return "a name has letters, digits and _ only"
