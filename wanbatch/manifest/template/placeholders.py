"""Placeholders as other tools write them, for variables that the job has: ``${hour}``,
``{hour}``, ``%hour%``, ``<hour>``.

What it may not do: replace anything; a text that is no template is sent as it stands.

How it works: the text outside of Jinja's blocks is searched for the forms of shells,
Python, Windows, make, Mustache and others. Only a name that is a variable of the job
counts, so that a text which merely has brackets is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

_BLOCK = re.compile(
    r"\{%-?\s*raw\s*-?%\}.*?(?:\{%-?\s*endraw\s*-?%\}|\Z)"
    r"|\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)|\{#.*?(?:#\}|\Z)",
    re.DOTALL,
)
_NAME = r"(?:[A-Za-z_]\w*\.)?(?P<{}>[^\W\d]\w*(?:-\w+)*)"
_FORMS = (
    r"\$\{\{\s*" + _NAME.format("a") + r"\s*\}\}",  # GitHub Actions
    r"[$#%@!]?\{\s*\$?"
    + _NAME.format("b")
    + r"\s*(?:![rsa])?(?::[^{}\n]{0,20})?\}",  # Python, shell, Ruby
    r"\$\(\s*" + _NAME.format("c") + r"\s*\)",  # make
    r"\$(?:env:)?(?P<d>[^\W\d]\w*)",
    r"%\((?P<e>[^\W\d][\w-]*)\)[-#0 +]?\d*(?:\.\d+)?[a-zA-Z]",  # Python's %
    r"%(?P<f>[^\W\d][\w-]*)%",
    r"<%[=-]?\s*" + _NAME.format("g") + r"\s*-?%>",
    r"<{1,3}\s?(?P<h>[^\W\d][\w-]+)\s?>{1,3}",
    r"\[{1,2}\s?(?P<i>[^\W\d][\w-]+)\s?\]{1,2}",
    r"__(?P<j>[^\W\d](?:(?!__)[\w-])*)__",
    r"@(?P<k>[^\W\d][\w-]*)@",
    r"#(?P<l>[^\W\d][\w-]*)#",
    r"\u00ab(?P<m>[^\W\d][\w-]*)\u00bb",
)
_FOREIGN = re.compile("|".join(_FORMS))
_SIGNS = re.compile(r"[{$%<\[@#\u00ab]|__")
_NUMBER = re.compile(r"[-+]?[0-9.,]+\Z")
_MOST = 10
"""Warnings of one text: who mixed up two tools sees it by then."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder as written, where it begins, and the variable that it means."""

    text: str
    offset: int
    name: str


def by_any_case(names: Iterable[str]) -> dict[str, str]:
    """The variables by their names, and by those in lower case: other tools write many
    in capitals.
    """
    known = {name.casefold(): name for name in names}
    return known | {name: name for name in names}


def has_signs(text: str) -> bool:
    """Whether ``text`` has a sign that a placeholder begins with; most texts have
    none."""
    return _SIGNS.search(text) is not None


def find_placeholders(
    text: str, known: Mapping[str, str], value_of: Callable[[str], object] = lambda name: ""
) -> Iterator[Placeholder]:
    """Each placeholder of another tool in ``text`` that means one of ``known`` (of
    ``by_any_case``), once.

    ``value_of`` tells a value of a variable: before ``{{ price }}`` that is a number, a
    dollar sign is meant as such.
    """
    if not has_signs(text):
        return
    blank = _BLOCK.sub(_hide, text)
    seen: set[str] = set()
    for match in _FOREIGN.finditer(blank):
        written = match.group()
        group = match.lastgroup or ""
        called = match.group(group)
        name = known.get(called) or known.get(called.casefold())
        if name is None or written in seen:
            continue
        if group == "a" and _NUMBER.match(str(value_of(name))):
            continue
        seen.add(written)
        yield Placeholder(written, match.start(), name)
        if len(seen) >= _MOST:
            return


def whole_placeholder(text: str) -> str:
    """The name in a text that is nothing but a placeholder of another tool; nothing
    where it is something else.
    """
    found = _FOREIGN.fullmatch(text.strip())
    return found.group(found.lastgroup or "") if found else ""


def _hide(block: re.Match[str]) -> str:
    """Blanks in the place of a block; one after a dollar sign may be another tool's,
    and stays.
    """
    before = block.string[block.start() - 1 : block.start()] if block.start() else ""
    return (
        block.group()
        if before == "$" and block.group().startswith("{{")
        else " " * len(block.group())
    )
