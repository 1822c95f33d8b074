"""Which jobs a command is about: what ``--select`` selects, and what of it selects
nothing.

What it may not do: change what a job costs or how it stands; a selection only leaves
jobs out.

How it works: a term is any of its alternatives; all terms must hold. ``*`` and ``?``
alone are wildcards. An axis's value is met as it stands in the manifest or as it stands
in names (``16:9`` and ``16%3A9``). ``axis!=value`` takes the jobs that have the axis
and another value: one without the axis was not spoken of. ``examine`` looks at a
selection beside the jobs that there are and says what nobody can have meant: an unknown
axis, a ``!=`` that leaves nothing out, an alternative without a job.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from unicodedata import normalize
from urllib.parse import unquote

from wanbatch.model.job import Job
from wanbatch.model.plan import Doubt, JobState
from wanbatch.plan.selection_syntax import (
    Alternative,
    AxisIs,
    NameIs,
    Part,
    StateIs,
    TagIs,
    parse_term,
    point_at,
)
from wanbatch.words.names import encode_value
from wanbatch.words.quoting import closest, escape_unsafe, listed
from wanbatch.words.scalars import Scalar, scalar_text

Predicate = Callable[[Job, JobState], bool]
Standings = Sequence[tuple[Job, JobState]]


@dataclass(frozen=True, slots=True)
class Selection:
    """The terms of a command line; called with a job and its state it says whether they
    hold."""

    terms: tuple[tuple[tuple[Alternative, Predicate], ...], ...]

    def __call__(self, job: Job, state: JobState) -> bool:
        return all(any(holds(job, state) for _, holds in term) for term in self.terms)

    def without_states(self) -> Selection:
        """The terms that can be judged by manifests alone."""
        return Selection(
            tuple(
                term
                for term in self.terms
                if not any(isinstance(alternative, StateIs) for alternative, _ in term)
            )
        )

    def examine(self, jobs: Standings) -> tuple[Doubt, ...]:
        """What is wrong with it where these are all the jobs; the fatal ones first."""
        doubts = [doubt for term in self.terms for pair in term for doubt in _doubt(*pair, jobs)]
        if not any(d.fatal for d in doubts) and not any(self(*pair) for pair in jobs):
            apart = len(self.terms) > 1 and not doubts
            why = "no job is in all of its terms" if apart else "the selection selects no job"
            doubts.append(Doubt(why, None, (_SEE_NAMES,), fatal=True))
        return tuple(sorted(doubts, key=lambda d: not d.fatal))


_SEE_NAMES = "see the names with: wanbatch plan FILE"


def parse_selection(terms: Iterable[str]) -> Selection:
    """All terms of a command line. Raises ``WanbatchError`` (2) where one is not
    understood."""
    return Selection(
        tuple(tuple((found, _predicate(found)) for found in parse_term(term)) for term in terms)
    )


# -- what an alternative selects -------------------------------------------------------


def _predicate(alternative: Alternative) -> Predicate:
    match alternative:
        case NameIs(part):
            name, or_id = wildcards(part.text), "[" not in part.text
            return lambda job, _: name(job.name) or (or_id and name(job.id))
        case TagIs(_, text):
            tag = wildcards(text)
            return lambda job, _: any(tag(one) for one in job.tags)
        case StateIs(_, wanted):
            return lambda _, state: state is wanted
        case AxisIs():
            has, negated = _value_test(alternative), alternative.negated
            return lambda job, _: any(
                axis == alternative.axis and has(value) is not negated for axis, value in job.axes
            )


def _value_test(test: AxisIs) -> Callable[[Scalar], bool]:
    """Whether a value is the one that ``test`` names, negation aside."""
    bounds, matches = test.bounds, wildcards(test.value)
    decoded = wildcards(test.value, decoded=True) if "%" in test.value else matches

    def has(value: Scalar) -> bool:
        if bounds is not None and _is_within(value, bounds):
            return True
        text = scalar_text(value)
        spelled = (text, encode_value(text), *(["null"] if value is None else []))
        return any(map(matches, spelled)) or decoded(text)

    return has


def _is_within(value: Scalar, bounds: tuple[Decimal, Decimal]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return bounds[0] <= Decimal(str(value)) <= bounds[1]
    except InvalidOperation:
        return False


def wildcards(pattern: str, *, decoded: bool = False) -> Callable[[str], bool]:
    """A matcher in which ``*`` and ``?`` alone are special: brackets stand in every
    name of a sweep. ``decoded`` reads percent-encoded characters as what they stand
    for.

    Each ``*`` takes the first place that fits and is not tried again: a pattern of many
    stars would else take time that nobody has.
    """
    pieces = [_literal(piece, decoded=decoded) for piece in pattern.split("*")]
    if len(pieces) == 1:
        regex = pieces[0]
    else:
        inner = "".join(f"(?>.*?{piece})" for piece in pieces[1:-1])
        regex = f"{pieces[0]}{inner}.*{pieces[-1]}"
    compiled = re.compile(regex, re.DOTALL)
    return lambda text: compiled.fullmatch(normalize("NFC", text)) is not None


def _literal(piece: str, *, decoded: bool) -> str:
    texts = (unquote(text) if decoded else text for text in piece.split("?"))
    return ".".join(re.escape(normalize("NFC", text)) for text in texts)


# -- what an alternative cannot have meant ---------------------------------------------


def _doubt(alternative: Alternative, holds: Predicate, jobs: Standings) -> Iterator[Doubt]:
    if isinstance(alternative, AxisIs):
        values = list(_values_of(alternative.axis, jobs))
        if not values:
            yield _unknown_axis(alternative, jobs)
            return
        has = _value_test(alternative)
        if alternative.negated and not any(map(has, values)):
            yield _unknown_value(alternative, values, fatal=True)
            return
        if not alternative.negated and not any(map(has, values)):
            yield _unknown_value(alternative, values, fatal=False)
            return
    if not any(holds(*pair) for pair in jobs):
        yield Doubt(
            f"no job is {escape_unsafe(alternative.part.text)}",
            _pointer(alternative.part),
            tuple(_near_misses(alternative, jobs)),
        )


def _values_of(axis: str, jobs: Standings) -> Iterator[Scalar]:
    return (value for job, _ in jobs for name, value in job.axes if name == axis)


def _unknown_axis(test: AxisIs, jobs: Standings) -> Doubt:
    axes = list(dict.fromkeys(name for job, _ in jobs for name, _ in job.axes))
    near = closest(test.axis, axes)
    sign = "!=" if test.negated else "="
    if test.axis in ("tag", "state"):
        hint = f"did you mean {test.axis}:{test.value}?"
    elif near is not None:
        hint = f"did you mean {near}{sign}{test.value}?"
    else:
        hint = f"axes: {listed(axes, 'and')}" if axes else "no job here has an axis"
    problem = f"no job has an axis {escape_unsafe(test.axis)}"
    return Doubt(problem, _pointer(test.part), (escape_unsafe(hint),), fatal=True)


def _unknown_value(test: AxisIs, values: Sequence[Scalar], *, fatal: bool) -> Doubt:
    texts = list(dict.fromkeys(map(scalar_text, values)))
    bare = test.value.strip("'\"")
    near = bare if bare in texts else closest(test.value, texts)
    hints = [f"did you mean {test.axis}{'!=' if test.negated else '='}{near}?"] if near else []
    if re.fullmatch(r"[0-9]+(-|\.\.\.+|:|~)[0-9]+", test.value):
        hints.insert(0, f"a range is written {test.axis}=100..103")
    hints.append(f"values of {test.axis}: {listed(texts, 'and')}")
    problem = f"no job has {test.axis} {escape_unsafe(test.value) or '(empty)'}"
    if test.negated:
        problem += ", so that this would leave nothing out"
    return Doubt(problem, _pointer(test.part), tuple(map(escape_unsafe, hints)), fatal)


def _pointer(part: Part) -> str:
    return point_at(part.term, part.at)


def _near_misses(alternative: Alternative, jobs: Standings) -> Iterator[str]:
    """What may have been meant by an alternative that no job meets."""
    match alternative:
        case TagIs(_, tag):
            tags = dict.fromkeys(one for job, _ in jobs for one in job.tags)
            near = closest(tag, tags)
            if near:
                yield f"did you mean tag:{near}?"
            yield f"tags: {listed(tags, 'and')}" if tags else "no job here has a tag"
        case StateIs():
            states = dict.fromkeys(state.value for _, state in jobs)
            yield f"states that there are now: {listed(states, 'and')}"
        case AxisIs(_, axis):
            yield f"every job with the axis {axis} has that value"
        case NameIs(part):
            yield from _near_names(part, jobs)


def _near_names(part: Part, jobs: Standings) -> Iterator[str]:
    text = part.text
    for job, _ in jobs:  # a word that would mean something under another sign
        if text in job.tags:
            yield f"did you mean tag:{text}?"
            return
        for axis, value in job.axes:
            if scalar_text(value) == text:
                yield f"did you mean {axis}={text}?"
                return
    if text in set(JobState):
        yield f"did you mean state:{text}?"
        return
    ids = list(dict.fromkeys(job.id for job, _ in jobs))
    head = text.partition("[")[0]
    if "[" in text and head in ids:
        near = closest(text.replace("*", ""), (job.name for job, _ in jobs if job.id == head))
    else:
        near = closest(head.strip("*?"), ids)
        near = f"{near}{text[len(head) :]}" if near else None
    if near:
        yield escape_unsafe(f"did you mean {near}?")
    yield f"jobs: {listed(ids, 'and')}"
