"""The syntax of ``--select``: a term, read into its alternatives with their places.

What it may not do: know which jobs, axes or tags there are (``selection`` does).

How it works: commas outside brackets part the alternatives of a term. An alternative is
``tag:NAME``, ``state:WORD``, ``axis=VALUE``, ``axis!=VALUE`` or a pattern over job
names, by the first operator that stands outside brackets. Brackets must pair and do not
nest; what is not understood is refused with a caret under the place, and never guessed
at: a term that is read more widely than it was meant buys what nobody asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from wanbatch.model.plan import JobState
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.quoting import closest, columns, escape_unsafe

_OPERATOR = re.compile(r"!=|=|:")
_NUMBER = r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?"
_RANGE = re.compile(rf"(?P<low>{_NUMBER})?\.\.(?P<high>{_NUMBER})?")
_QUOTES = "'\"`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
_WIDEST = 72
"""Columns of a term that are shown; a longer one is cut around the place."""
_KINDS = "write a job's name, tag:NAME, state:WORD, axis=value or axis!=value"


@dataclass(frozen=True, slots=True)
class Part:
    """Where an alternative stands: ``text`` as it is written, at ``at`` of ``term``."""

    term: str
    text: str
    at: int

    def refuse(self, problem: str, *hints: str, at: int | None = None) -> NoReturn:
        """Raises the ``WanbatchError`` (2) that points at this part, or at ``at`` in
        its term."""
        refuse_term(self.term, self.at if at is None else at, problem, *hints)


@dataclass(frozen=True, slots=True)
class NameIs:
    """A pattern over job names; without a bracket, over their ids too."""

    part: Part


@dataclass(frozen=True, slots=True)
class TagIs:
    part: Part
    tag: str


@dataclass(frozen=True, slots=True)
class StateIs:
    part: Part
    state: JobState


@dataclass(frozen=True, slots=True)
class AxisIs:
    """``axis=value``, or with ``negated`` ``axis!=value``. ``bounds`` where the value
    is a range."""

    part: Part
    axis: str
    value: str
    negated: bool
    bounds: tuple[Decimal, Decimal] | None


Alternative = NameIs | TagIs | StateIs | AxisIs


def refuse_term(term: str, at: int, problem: str, *hints: str) -> NoReturn:
    """Raises the ``WanbatchError`` (2) that shows the term with a caret under
    ``at``."""
    raise WanbatchError(ExitCode.INVALID, f"--select: {problem}\n{point_at(term, at)}", *hints)


def point_at(term: str, at: int) -> str:
    """The term as one line, and under it a line with a caret."""
    before, after = escape_unsafe(term[:at]), escape_unsafe(term[at:])
    if columns(before) > _WIDEST:
        before = "…" + before[-_WIDEST // 2 :]
    if columns(after) > _WIDEST:
        after = after[:_WIDEST] + "…"
    return f"    {before}{after}\n    {' ' * columns(before)}^"


def parse_term(term: str) -> tuple[Alternative, ...]:
    """The alternatives of a term. Raises ``WanbatchError`` (2) where it is not
    understood."""
    parts = _split(term)
    return tuple(_parse(part, alone=len(parts) == 1) for part in parts)


def _split(term: str) -> list[Part]:
    """The texts between commas that stand outside brackets, without blanks at their
    ends."""
    parts: list[Part] = []
    begin, opened = 0, -1
    for at, character in enumerate(term):
        if character == "[":
            if opened >= 0:
                refuse_term(term, at, "a bracket is opened inside another", _ENCODE)
            opened = at
        elif character == "]":
            if opened < 0:
                refuse_term(term, at, "a bracket is closed that was never opened", _ENCODE)
            opened = -1
        elif character == "," and opened < 0:
            parts.append(_part(term, begin, at))
            begin = at + 1
    if opened >= 0:
        _refuse_open(term, begin, opened)
    return [*parts, _part(term, begin, len(term))]


_ENCODE = "in an axis's value write %5B for [, %5D for ] and %2C for a comma"


def _refuse_open(term: str, begin: int, opened: int) -> NoReturn:
    head = term[begin:opened]
    hint = _ENCODE if _OPERATOR.search(head) else f"did you mean {term.rstrip()}]?"
    refuse_term(term, opened, "a bracket is opened and never closed", escape_unsafe(hint))


def _part(term: str, begin: int, end: int) -> Part:
    text = term[begin:end]
    if not text.strip():
        problem = "an alternative is empty" if term.strip() else "a term is empty"
        refuse_term(term, begin, problem, "for example: --select 'opening*,tag:hero'")
    return Part(term, text.strip(), begin + len(text) - len(text.lstrip()))


def _parse(part: Part, *, alone: bool) -> Alternative:
    text = part.text
    if text[0] in _QUOTES:
        bare = text.strip(_QUOTES + " ")
        part.refuse("a quote is the shell's and no part of a term", f"did you mean {bare}?")
    found = _OPERATOR.search(text.partition("[")[0])
    if found is None:
        return NameIs(part)
    left, right = text[: found.start()].strip(), text[found.end() :].strip()
    if found.group() == ":":
        return _parse_prefix(part, left, right)
    if "*" in left or "?" in left:
        return _parse_open_name(part, alone=alone)
    if not left:
        part.refuse("an axis is missing", "for example: --select hour=dawn")
    if right.startswith("="):
        at = part.at + found.end()
        part.refuse("one = is enough", f"did you mean {left}{found.group()}{right[1:]}?", at=at)
    negated = found.group() == "!="
    return AxisIs(part, left, right, negated, _parse_range(part, left, right))


def _parse_open_name(part: Part, *, alone: bool) -> NameIs:
    """``*lens=35mm*`` is a pattern over names. Beside a comma it would be one half of
    what was meant: ``*hour=noon,lens=35mm*`` is not "or"."""
    if not alone:
        part.refuse(
            "a name whose bracket is hidden in a wildcard cannot stand beside a comma,"
            " for a comma outside brackets means or",
            "write the bracket: opening[hour=noon,lens=35mm*]",
        )
    return NameIs(part)


def _parse_prefix(part: Part, prefix: str, rest: str) -> Alternative:
    if prefix not in ("tag", "state"):
        near = closest(prefix, ("tag", "state"))
        hint = f"did you mean {near}:{rest}?" if near else _KINDS
        part.refuse(f"there is no prefix {prefix}:", escape_unsafe(hint))
    if not rest:
        part.refuse(f"nothing stands after {prefix}:", f"for example: {_EXAMPLES[prefix]}")
    if prefix == "tag":
        return TagIs(part, rest)
    if rest not in set(JobState):
        near = closest(rest, list(JobState))
        first = (f"did you mean state:{near}?",) if near else ()
        states = "states: " + ", ".join(JobState)
        at = part.at + part.text.rindex(rest)
        part.refuse(f"there is no state {escape_unsafe(rest)}", *first, states, at=at)
    return StateIs(part, JobState(rest))


_EXAMPLES = {"tag": "tag:hero", "state": "state:failed"}


def _parse_range(part: Part, axis: str, value: str) -> tuple[Decimal, Decimal] | None:
    found = _RANGE.fullmatch(value)
    if found is None or value == "..":
        return None
    low, high = found.group("low"), found.group("high")
    at = part.at + part.text.rindex(value)
    if low is None or high is None:
        part.refuse("a range needs both ends", f"for example: {axis}=100..103", at=at)
    if Decimal(low) > Decimal(high):
        part.refuse("the range goes down", f"did you mean {axis}={high}..{low}?", at=at)
    return Decimal(low), Decimal(high)
