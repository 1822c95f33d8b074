"""A YAML document as plain data, with the place of every key and value.

What it may not do: parse (``builder`` does), know what a manifest is.

How it works: the builder notes, for every mapping and sequence, the offsets (in code
points) at which its parts begin: ``[own, key, value, key, value, …]`` for a mapping and
``[own, item, item, …]`` for a sequence, one after the other in one compact array. A
container is found again by its identity, so data stay plain ``dict`` and ``list`` and
an aliased one leads to where it was written. Lines, columns and the width of what is
underlined are worked out only when a finding asks for them.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate, count
from operator import add

from wanbatch.words.building import builder_of
from wanbatch.words.diagnostics import Diagnostic, Position, Route, Severity

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]
"""What a document holds: JSON's types."""

_build_position = builder_of(Position)
_WIDEST = 2_000
"""Code points of a line that are looked at to find where a token ends."""
_LONGEST_LINE = 20_000
"""Code points of a line that a finding carries."""
_PLAIN_END = re.compile(r"\s+#|\s*$|:(?=\s|$)", re.MULTILINE)
_FLOW_END = re.compile(r"\s+#|\s*$|:(?=\s|$)|[,\[\]{}]", re.MULTILINE)
_DOUBLE = re.compile(r'"(?:[^"\\\n]|\\.)*"?')
_SINGLE = re.compile(r"'(?:[^'\n]|'')*'?")
_WHOLE_TEMPLATE = re.compile(r"\{\{.*\}\}")


@dataclass(slots=True)
class Marks:
    """Where the parts of each container begin: ``offsets[first[id(container)]:]``."""

    offsets: array[int] = field(default_factory=lambda: array("I"))
    first: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Document:
    """A file's text, its data and where they stand. ``path`` is as the user named
    it."""

    path: str
    text: str
    data: Value
    marks: Marks
    _line_starts: list[int] = field(default_factory=list)

    def offset(self, route: Route, *, key: bool = False) -> int:
        """Where the value at ``route`` (or with ``key`` its key) begins; of a route
        that leads nowhere, where the last step that exists does."""
        node, found = self.data, 0
        for depth, step in enumerate(route):
            at = self._child_offset(node, step, key=key and depth == len(route) - 1)
            if at is None:
                return found
            found = at
            node = node[step] if isinstance(node, (dict, list)) else None  # type: ignore[index]
        return found

    def _child_offset(self, node: Value, step: str | int, *, key: bool) -> int | None:
        if not isinstance(node, (dict, list)):
            return None
        first = self.marks.first.get(id(node))
        if first is None:
            return None
        if isinstance(node, list):
            return (
                self.marks.offsets[first + 1 + step]
                if isinstance(step, int) and 0 <= step < len(node)
                else None
            )
        if step not in node:
            return None
        index = list(node).index(str(step))
        return self.marks.offsets[first + 1 + 2 * index + (0 if key else 1)]

    def place(self, route: Route, *, key: bool = False) -> Position:
        """The span of the scalar at ``route``, of its key with ``key``; of a mapping or
        sequence that stands below its key, the key's."""
        offset = self.offset(route, key=key)
        if (
            not key
            and route
            and isinstance(route[-1], str)
            and not self._starts_on_key_line(route, offset)
        ):
            offset = self.offset(route, key=True)
        return self.place_at(offset)

    def _starts_on_key_line(self, route: Route, offset: int) -> bool:
        return self.line_of(offset) == self.line_of(self.offset(route, key=True))

    def place_at(self, offset: int, width: int | None = None) -> Position:
        """The span that begins at ``offset``, ``width`` code points long or as long as
        the token that begins there, within its line."""
        line = self.line_of(offset)
        column = offset - self._line_starts[line - 1]
        rest = self.text[offset : min(offset + _WIDEST, self._end(line))].rstrip("\r\n")
        if width is None:
            before = self.text[max(offset - min(column, _WIDEST), 0) : offset]
            width = _token_width(rest, in_flow="[" in before or "{" in before)
        width = max(1, min(width, len(rest)))
        return Position(self.path, line, column + 1, column + 1 + width)

    def _end(self, line: int) -> int:
        starts = self._starts()
        return starts[line] if line < len(starts) else len(self.text)

    def quick_place(self, container: dict[str, Value], key: str) -> Position:
        """The span of ``container[key]``, for the common case in which it is a text
        that stands as it is; else as ``place_at`` sees it."""
        first = self.marks.first.get(id(container))
        if first is None:
            return Position(self.path)
        index = list(container).index(key)
        offset = self.marks.offsets[first + 2 + 2 * index]
        value = container[key]
        if not isinstance(value, str) or "\n" in value or not self.text.startswith(value, offset):
            if isinstance(value, dict) and self.text[offset] != "{":
                offset = self.marks.offsets[first + 1 + 2 * index]
            return self.place_at(offset)
        line = self.line_of(offset)
        column = offset - self._line_starts[line - 1] + 1
        return _build_position(self.path, line, column, column + len(value))

    def text_place(self, route: Route, text: str, offset: int | None, width: int) -> Position:
        """The place of ``text[offset:offset + width]`` inside the scalar at ``route``
        whose value is ``text``.

        Quotes, escapes and folded lines make offsets differ; so the same occurrence of
        the same characters is looked for in the file.
        """
        if offset is None:
            return self.place(route)
        wanted = text[offset : offset + width]
        position = self.offset(route)
        for _ in range(text.count(wanted, 0, offset + width)):
            position = self.text.find(wanted, position)
            if position < 0:
                return self.place(route)
            position += len(wanted)
        return self.place_at(position - len(wanted), width)

    def line_of(self, offset: int) -> int:
        """The line, from 1, that an offset stands in."""
        return bisect_right(self._starts(), offset)

    def _shown_source(self, place: Position) -> str:
        """The line of a place; of a line too long to show only what stands before the
        place and shortly after it, or nothing."""
        starts = self._starts()
        if not 1 <= place.line <= len(starts) or place.column > _LONGEST_LINE:
            return ""
        start = starts[place.line - 1]
        return self.text[start : min(self._end(place.line), start + _LONGEST_LINE)].rstrip("\r\n")

    def line_start(self, line: int) -> int:
        """The offset at which a line begins."""
        starts = self._starts()
        return starts[min(max(line, 1), len(starts)) - 1]

    def source(self, line: int) -> str:
        """The text of a line, from 1, without its end."""
        starts = self._starts()
        if not 1 <= line <= len(starts):
            return ""
        return self.text[starts[line - 1] : self._end(line)].rstrip("\r\n")

    def _starts(self) -> list[int]:
        if not self._line_starts:
            self._line_starts = [0, *_line_ends(self.text)]
        return self._line_starts

    def finding(
        self,
        code: str,
        message: str,
        route: Route = (),
        *,
        key: bool = False,
        label: str = "",
        hints: tuple[str, ...] = (),
        cell: str = "",
        severity: Severity = Severity.ERROR,
        place: Position | None = None,
    ) -> Diagnostic:
        """A diagnostic about the value (or key) at ``route``."""
        where = place or self.place(route, key=key)
        source = self._shown_source(where) if where.path == self.path else ""
        return Diagnostic(code, message, where, route, label, hints, source, cell, severity)


def _line_ends(text: str) -> Iterable[int]:
    """Where each line ends, its end included."""
    if "\r" in text:
        return (found.end() for found in re.finditer(r"\r\n|\n|\r", text))
    # A file of 100,000 written jobs has 900,000 lines: no step of Python's for each.
    lines = text.split("\n")
    return map(add, accumulate(map(len, lines[:-1])), count(1))


def _token_width(rest: str, *, in_flow: bool) -> int:
    """How much of the rest of a line belongs to what begins there: a quoted text, a
    plain scalar, an opening bracket."""
    for quoted in (_DOUBLE, _SINGLE):
        if found := quoted.match(rest):
            return found.end()
    if found := _WHOLE_TEMPLATE.match(rest):
        return found.end()
    if rest[:1] in "[]{}":
        return 1
    end = (_FLOW_END if in_flow else _PLAIN_END).search(rest)
    return end.start() if end else len(rest)
