"""JSON from a stranger's file: read strictly, and every complaint with its place.

What it may not do: read files, or know what a document means.

How it works: one loop with a stack of its own reads what RFC 8259 allows and nothing
else, so that nothing recurses and nothing passes that another reader would see
otherwise: no ``NaN``, no key twice, no half character, no number that loses digits. A
place is looked up by reading once more to the value that a route leads to. Lines and
columns count from 1, in code points.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from json import decoder

from wanbatch.words.diagnostics import Route

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]

DEEPEST = 32
"""Levels of nesting; a review needs four."""
MOST_DIGITS = 18
"""What fits into 64 bits in any case."""
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<rest>(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")
_WORD = re.compile(r"[-+.\w]+")
_HALF = re.compile("[\ud800-\udfff]")
_scan_string: Callable[[str, int], tuple[str, int]] = decoder.scanstring  # type: ignore[attr-defined]
"""The rest of a string in double quotes, as Python's reader knows it: no control
character."""
_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Place:
    """``line`` and ``column`` from 1; ``pointer`` by RFC 6901, empty for the whole."""

    line: int
    column: int
    pointer: str


class BadJson(ValueError):
    """What a text has against being JSON, and where."""

    def __init__(self, problem: str, place: Place) -> None:
        super().__init__(problem)
        self.problem, self.place = problem, place


def read_json(text: str) -> Value:
    """The value of a JSON text. Raises ``BadJson``."""
    return _Reader(text).read()


def find_place(text: str, route: Route) -> Place:
    """Where the value at ``route`` begins in a text that ``read_json`` has read."""
    reader = _Reader(text, route)
    reader.read()
    return _place(text, reader.found, route)


def format_pointer(route: Route) -> str:
    """The route as a JSON pointer: ``/picks/3/stars``."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in route)


def _place(text: str, offset: int, route: Route) -> Place:
    begin = text.rfind("\n", 0, offset) + 1
    return Place(text.count("\n", 0, begin) + 1, offset - begin + 1, format_pointer(route))


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet, and the key of what is to come."""

    container: list[Value] | dict[str, Value]
    key: str | None = None

    @property
    def steps(self) -> Route:
        """One step, or none while the next key is read."""
        if isinstance(self.container, list):
            return (len(self.container),)
        return () if self.key is None else (self.key,)

    def put(self, value: Value) -> None:
        if isinstance(self.container, list):
            self.container.append(value)
        elif self.key is not None:
            self.container[self.key], self.key = value, None


@dataclass(slots=True)
class _Reader:
    text: str
    wanted: Route | None = None
    at: int = 0
    found: int = 0
    stack: list[_Open] = field(default_factory=list)

    def read(self) -> Value:
        while True:
            self._skip()
            if self.wanted is not None and self._route() == self.wanted:
                self.found = self.at
            value, is_whole = self._begin()
            while is_whole:
                if not self.stack:
                    self._refuse_rest()
                    return value
                self.stack[-1].put(value)
                value, is_whole = self._go_on()

    def _begin(self) -> tuple[Value, bool]:
        """The value that begins here; not whole where a container has content."""
        first = self.text[self.at : self.at + 1]
        if first not in ("{", "["):
            return self._scalar(first), True
        if len(self.stack) >= DEEPEST:
            raise self._bad(f"it is nested more than {DEEPEST} levels deep")
        opened = _Open({} if first == "{" else [])
        self.at += 1
        self._skip()
        if self.text[self.at : self.at + 1] == ("}" if first == "{" else "]"):
            self.at += 1
            return opened.container, True
        self.stack.append(opened)
        if first == "{":
            self._read_key(opened)
        return None, False

    def _go_on(self) -> tuple[Value, bool]:
        """What follows a value in a container: another one, or the end."""
        opened = self.stack[-1]
        is_mapping = isinstance(opened.container, dict)
        end = "}" if is_mapping else "]"
        self._skip()
        found = self.text[self.at : self.at + 1]
        if found not in (",", end):
            raise self._bad(f"here should be a comma or {end}")
        self.at += 1
        if found == end:
            self.stack.pop()
            return opened.container, True
        if is_mapping:
            self._skip()
            self._read_key(opened)
        return None, False

    def _read_key(self, opened: _Open) -> None:
        if self.text[self.at : self.at + 1] != '"':
            raise self._bad("here should be a key in double quotes")
        begin, key = self.at, self._string()
        if key in opened.container:
            raise self._bad("this key stands here twice", begin)
        self._skip()
        if self.text[self.at : self.at + 1] != ":":
            raise self._bad("here should be a colon")
        self.at += 1
        opened.key = key

    def _scalar(self, first: str) -> Value:
        if first == '"':
            return self._string()
        if number := _NUMBER.match(self.text, self.at):
            return self._number(number)
        word = _WORD.match(self.text, self.at)
        if word is not None and word.group() in _CONSTANTS:
            self.at = word.end()
            return _CONSTANTS[word.group()]
        if first == "":
            raise self._bad("the text ends before the JSON does")
        raise self._bad("this is no value that JSON knows")

    def _number(self, number: re.Match[str]) -> int | float:
        text = number.group()
        after = _WORD.match(self.text, number.end())
        if after is not None:
            raise self._bad("this is no number that JSON knows")
        if not number["rest"] and len(text.lstrip("-")) > MOST_DIGITS:
            raise self._bad(f"this number has more than {MOST_DIGITS} digits")
        value = float(text) if number["rest"] else int(text)
        if not math.isfinite(value):
            raise self._bad("this number is too large")
        self.at = number.end()
        return value

    def _string(self) -> str:
        try:
            value, end = _scan_string(self.text, self.at + 1)
        except json.JSONDecodeError as error:
            raise self._bad(f"this text cannot be read: {error.msg}", error.pos) from None
        if not value.isascii() and _HALF.search(value):
            raise self._bad("half of a character is no text")
        self.at = end
        return value

    def _skip(self) -> None:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at

    def _refuse_rest(self) -> None:
        self._skip()
        if self.at < len(self.text):
            raise self._bad("something follows the end of the JSON")

    def _route(self) -> Route:
        return tuple(step for opened in self.stack for step in opened.steps)

    def _bad(self, problem: str, offset: int | None = None) -> BadJson:
        where = self.at if offset is None else offset
        return BadJson(problem, _place(self.text, min(where, len(self.text)), self._route()))
