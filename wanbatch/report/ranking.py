"""The ranking by duels, as the page makes it (``web/ranking.js``, which a test
compares): who is how strong by the model of Bradley and Terry.

What it may not do: chance, I/O, or a say in which pair is shown next (the page's).

How it works: of each person and pair, two showings with the sides swapped make one
result: a win where both have the same winner, else a tie, half a win for each. The
model has a normal prior and is fitted by Newton's method.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wanbatch.model.review import Duel, DuelOutcome, JobRef

PRIOR_SD = 1.5
"""Before any duel strengths lie within ± 3: nine in ten win up to 95 % of their
duels."""
_MOST_STEPS = 30
"""Newton's method needs about six; it is held to moves of 1 at a time."""

Matrix = list[list[float]]


class Result(NamedTuple):
    """What a pair came to, for ``a``: 1 a win, 0 a loss, 0.5 a tie."""

    a: JobRef
    b: JobRef
    score: float


def settle_duels(duels: Iterable[Duel]) -> list[Result]:
    """What the showings come to, in the order in which they were shown."""
    waiting: dict[tuple[str, JobRef, JobRef], Duel] = {}
    results = []
    for duel in duels:
        a, b = sorted((duel.left, duel.right))
        first, winner = waiting.get((duel.by, a, b)), _winner(duel)
        if first is not None and first.swapped != duel.swapped:
            del waiting[duel.by, a, b]
            agree = winner is not None and winner == _winner(first)
            results.append(Result(a, b, float(winner == a) if agree else 0.5))
        elif winner is not None:
            waiting[duel.by, a, b] = duel
        else:
            results.append(Result(a, b, 0.5))
    return results


def _winner(duel: Duel) -> JobRef | None:
    sides = {DuelOutcome.LEFT: duel.left, DuelOutcome.RIGHT: duel.right}
    return sides.get(duel.outcome)


def fit_strengths(jobs: Sequence[JobRef], results: Sequence[Result]) -> dict[JobRef, float]:
    """How strong each of ``jobs`` is; 0 for all without results."""
    places = {job: number for number, job in enumerate(jobs)}
    wins = [[0.0] * len(jobs) for _ in jobs]
    for a, b, score in results:
        if a in places and b in places:
            wins[places[a]][places[b]] += score
            wins[places[b]][places[a]] += 1 - score
    strength = [0.0] * len(jobs)
    for _ in range(_MOST_STEPS):
        gradient, hessian = _slope(strength, wins)
        moves = [max(-1.0, min(1.0, move)) for move in _solve(hessian, gradient)]
        strength = [value + move for value, move in zip(strength, moves, strict=True)]
        if max(map(abs, moves), default=0.0) < 1e-7:
            break
    return dict(zip(jobs, strength, strict=True))


def _slope(strength: Sequence[float], wins: Matrix) -> tuple[list[float], Matrix]:
    count = len(strength)
    gradient = [-value / PRIOR_SD**2 for value in strength]
    hessian = [[1 / PRIOR_SD**2 if i == j else 0.0 for j in range(count)] for i in range(count)]
    for i in range(count):
        for j in range(count):
            met = wins[i][j] + wins[j][i]
            if i == j or not met:
                continue
            chance = 1 / (1 + math.exp(strength[j] - strength[i]))
            gradient[i] += wins[i][j] - met * chance
            hessian[i][i] += met * chance * (1 - chance)
            hessian[i][j] -= met * chance * (1 - chance)
    return gradient, hessian


def _solve(matrix: Matrix, right: Sequence[float]) -> list[float]:
    """``x`` of ``matrix · x = right`` by Gauss; the prior makes the matrix positive
    definite."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for c, pivot in enumerate(rows):
        for row in rows[c + 1 :]:
            factor = row[c] / pivot[c]
            if factor:
                row[c:] = [
                    own - factor * other for own, other in zip(row[c:], pivot[c:], strict=True)
                ]
    found = [0.0] * len(rows)
    for c in reversed(range(len(rows))):
        rest = sum(rows[c][k] * found[k] for k in range(c + 1, len(rows)))
        found[c] = (rows[c][-1] - rest) / rows[c][c]
    return found
