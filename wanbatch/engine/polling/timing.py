"""When to look whether a task is done: the inspection problem for a lognormal duration.
Pure mathematics.

What it may not do: know a task, a clock, an API.

Theory of operation
-------------------
Every look has a price c, in seconds of lag that are worth one look. The rule looks
again when the *expected lag gathered since the last look*,

A(t) = ∫ (F(s) - F(last)) / S(last) ds,   s from last to t,

reaches c. Against the exact optimum (Barlow, Hunter, Proschan 1963: dynamic programming
over a grid) it loses 0.1 to 1.3 % for lognormal durations, and it works for any
distribution. ``price`` in ``schedule`` turns it round: the price at which a number of
looks per task is what the rule uses.

Durations scale with their median, so all is computed for median 1; results are kept by
rounded shape and price.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

_ROOT_HALF = math.sqrt(0.5)
SURELY_OVER = 1e-4
"""A task that outlives all but this share is beyond what the distribution can tell: 200
durations say nothing of one in ten thousand."""
PRICE_STEP = math.log(1.04)
"""Results are kept by price in steps of 4 %: polls go with its root, so 1 % off."""
SHAPE_STEP = 0.02
"""And by shape in steps of 0.02, as finely as 200 durations tell a shape of 0.4."""
LOOKS_KEPT = 4096
"""Kept results: all 70 shapes at 58 prices; about a megabyte."""


_CLOSE = 1e-9
"""Newton's last step, as a share of the age: far below what a clock can tell."""


@dataclass(frozen=True, slots=True)
class Lognormal:
    """A duration in seconds: the logarithm is normal with mean ``log_median`` and
    deviation ``shape``."""

    log_median: float
    shape: float

    @property
    def median_s(self) -> float:
        return math.exp(self.log_median)

    @property
    def mean_s(self) -> float:
        return math.exp(self.log_median + self.shape**2 / 2)


def survival(age: float, shape: float) -> float:
    """The share of tasks of median 1 that outlive ``age``."""
    return 1.0 if age <= 0.0 else 0.5 * math.erfc(math.log(age) / shape * _ROOT_HALF)


def _survival_beyond(age: float, shape: float) -> float:
    """∫ survival from ``age`` on: mean · Φ(shape - z) - age · S(age)."""
    if age <= 0.0:
        return math.exp(shape**2 / 2)
    z = math.log(age) / shape
    return math.exp(shape**2 / 2) * 0.5 * math.erfc(
        (z - shape) * _ROOT_HALF
    ) - age * 0.5 * math.erfc(z * _ROOT_HALF)


def expected_lag(last: float, age: float, shape: float) -> float:
    """A(age): the lag that a task seen running at ``last`` has gathered by ``age`` on
    average. Median 1; needs ``survival(last)`` > 0."""
    gathered = (_survival_beyond(last, shape) - _survival_beyond(age, shape)) / survival(
        last, shape
    )
    return max(0.0, age - last - gathered)


def next_look(last: float, price: float, shape: float) -> float | None:
    """The age at which a task of median 1, seen running at ``last``, is to be looked at
    again; ``None`` where the distribution no longer tells."""
    if survival(last, shape) < SURELY_OVER:
        return None
    age = last + max(1.0, 2 * price)
    while expected_lag(last, age, shape) < price:
        age = last + 2 * (age - last)
    # The lag is convex in the age, so that Newton's steps from above fall to the root
    # and never below it: five or six of them, where a bisection takes forty.
    while True:
        slope = 1.0 - survival(age, shape) / survival(last, shape)
        step = (expected_lag(last, age, shape) - price) / slope
        age -= max(0.0, step)
        if step <= _CLOSE * age:
            return age


@lru_cache(maxsize=LOOKS_KEPT)
def _looks(price_steps: int, shape_steps: int) -> tuple[float, float]:
    price, shape = math.exp(price_steps * PRICE_STEP), shape_steps * SHAPE_STEP
    looks, lag, last = 0.0, 0.0, 0.0
    while (age := next_look(last, price, shape)) is not None:
        looks += survival(last, shape)
        lag += price * survival(last, shape)
        last = age
    return looks, lag


def looks_per_task(price: float, shape: float) -> float:
    """How many looks a task of median 1 gets at this price, the one that sees it done
    included."""
    return _looks(round(math.log(price) / PRICE_STEP), max(1, round(shape / SHAPE_STEP)))[0]


def lag_per_task(price: float, shape: float) -> float:
    """The mean lag between a task's end and the look that sees it, for median 1 at this
    price."""
    return _looks(round(math.log(price) / PRICE_STEP), max(1, round(shape / SHAPE_STEP)))[1]
