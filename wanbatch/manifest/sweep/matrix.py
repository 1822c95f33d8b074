"""The matrix: GitHub Actions' rules for ``exclude`` and ``include``, to the letter.

What it may not do: know jobs, places or templates; it sees axes and values.

How it works: the product of the axes, the first axis outermost; then ``exclude``; then
``include``, item by item, against the *original* combinations. Items that name the same
axes are looked up in one index, so that the cost is that of the result and not of items
times combinations. Values are compared as the text they are written as, which is what
names are made of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from wanbatch.words.scalars import Scalar, scalar_text

Combination = dict[str, Scalar]
MOST_WORK = 5_000_000
"""Additions by includes that are still carried out."""


class MatrixTooLarge(Exception):
    """``combinations`` would come of the axes alone, before ``exclude``."""

    def __init__(self, combinations: int) -> None:
        super().__init__(f"{combinations:,} combinations")
        self.combinations = combinations


@dataclass(frozen=True, slots=True)
class Expanded:
    """Combinations in order; ``idle`` are the indexes of exclude items that removed
    nothing."""

    combinations: list[Combination]
    idle: tuple[int, ...] = ()


def expand_matrix(
    axes: Mapping[str, Sequence[Scalar]],
    exclude: Sequence[Combination] = (),
    include: Sequence[Combination] = (),
    most: int = 1_000_000,
) -> Expanded:
    """The cells of a matrix. Raises ``MatrixTooLarge`` before anything is built where
    the axes alone give more than ``most``."""
    size = prod(len(values) for values in axes.values()) if axes else 0
    if size > most:
        raise MatrixTooLarge(size)
    names = list(axes)
    originals = (
        [dict(zip(names, values, strict=True)) for values in product(*axes.values())]
        if axes
        else []
    )
    originals, idle = _exclude(originals, exclude)
    return Expanded(_include(originals, include, names), idle)


def _key(combination: Mapping[str, Scalar], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(scalar_text(combination[name]) for name in names)


def _exclude(
    combinations: list[Combination], items: Sequence[Combination]
) -> tuple[list[Combination], tuple[int, ...]]:
    by_names: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for number, item in enumerate(items):
        names = tuple(sorted(item))
        by_names[names][_key(item, names)].append(number)
    used: set[int] = set()
    gone: set[int] = set()
    for names, wanted in by_names.items():
        for number, combination in enumerate(combinations):
            if all(name in combination for name in names) and (
                hits := wanted.get(_key(combination, names))
            ):
                used.update(hits)
                gone.add(number)
    kept = [c for number, c in enumerate(combinations) if number not in gone]
    return kept, tuple(number for number in range(len(items)) if number not in used)


def _include(
    originals: list[Combination], items: Sequence[Combination], names: list[str]
) -> list[Combination]:
    axes = set(names)
    grown = [dict(c) for c in originals]
    added: list[Combination] = []
    indexes: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = {}
    work = 0
    for item in items:
        shared = tuple(name for name in names if name in item)
        index = indexes.get(shared)
        if index is None:
            index = indexes[shared] = defaultdict(list)
            for number, combination in enumerate(originals):
                index[_key(combination, shared)].append(number)
        hits = index.get(_key(item, shared), ())
        extra = {name: value for name, value in item.items() if name not in axes}
        work += len(hits) * (len(extra) + 1)
        if work > MOST_WORK:
            raise MatrixTooLarge(work)
        for number in hits:
            grown[number].update(extra)
        if not hits:
            added.append({**{name: item[name] for name in shared}, **extra})
    return grown + added
