"""What a manifest expects of a finished video, by the names of the checks.

What it may not do: measure or judge (``report/expecting`` does).

How it works: a check is of one of three kinds. Of *amounts* (seconds, strengths,
counts) a bare number is the most that may be, of *likenesses* (1 is equal) the least
that must be; a mapping ``{min, max}`` bounds either on both sides. Of *facts* true
says that the check must hold; false says of ``sound`` that there must be none, and of
every other that nothing is expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wanbatch.words.scalars import Scalar

AMOUNTS = (
    "frozen",
    "black",
    "flicker",
    "cut",
    "motion",
    "blur",
    "exposure",
    "colour_drift",
    "silence",
    "clipping",
)
LIKENESSES = ("first_frame", "last_frame", "joint")
FACTS = ("sound", "decodes", "length", "size", "frames", "shape", "sound_length")
EXPECTABLE = (*AMOUNTS, *LIKENESSES, *FACTS)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One check: a number between ``least`` and ``most`` (``None`` is no bound), or a
    fact that must hold (``fact``)."""

    check: str
    least: float | None = None
    most: float | None = None
    fact: bool | None = None

    def __str__(self) -> str:
        if self.fact is not None:
            return "yes" if self.fact else "no"
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (("at least", self.least), ("at most", self.most))
            if bound is not None
        ]
        return " and ".join(bounds)


def read_expectations(
    given: Mapping[str, Scalar | Mapping[str, Scalar]],
) -> tuple[Expectation, ...]:
    """A checked ``expect`` of a manifest, in its order; what expects nothing left
    out."""
    found = (_read(name, value) for name, value in given.items())
    return tuple(one for one in found if one is not None)


def _read(name: str, value: Scalar | Mapping[str, Scalar]) -> Expectation | None:
    if isinstance(value, Mapping):
        least, most = (_number(value.get(bound)) for bound in ("min", "max"))
        return None if least is None and most is None else Expectation(name, least, most)
    if isinstance(value, bool):
        return Expectation(name, fact=value) if value or name == "sound" else None
    number = _number(value)
    if number is None:
        return None
    if name in LIKENESSES:
        return Expectation(name, least=number)
    return Expectation(name, most=number)


def _number(value: Scalar) -> float | None:
    return float(value) if isinstance(value, int | float) else None
