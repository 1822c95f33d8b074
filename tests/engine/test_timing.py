"""The inspection rule against closed forms, simulation and the exact optimum."""

from __future__ import annotations

import math
import random

import pytest

from wanbatch.engine.polling.timing import (
    Lognormal,
    expected_lag,
    lag_per_task,
    looks_per_task,
    next_look,
    survival,
)


def test_a_lognormal_knows_its_median_and_mean() -> None:
    duration = Lognormal(math.log(90.0), 0.4)
    assert duration.median_s == pytest.approx(90.0)
    assert duration.mean_s == pytest.approx(90.0 * math.exp(0.08))


def test_survival_is_half_at_the_median() -> None:
    assert survival(0.0, 0.4) == 1.0
    assert survival(1.0, 0.4) == pytest.approx(0.5)
    assert survival(math.exp(0.4), 0.4) == pytest.approx(0.1587, abs=1e-4)


@pytest.mark.parametrize(("last", "age"), [(0.0, 0.7), (0.0, 1.5), (0.8, 1.3), (1.5, 2.0)])
def test_the_expected_lag_is_the_integral_that_it_claims_to_be(last: float, age: float) -> None:
    steps = 20_000
    width = (age - last) / steps
    integral = (
        sum(
            (survival(last, 0.4) - survival(last + (n + 0.5) * width, 0.4)) / survival(last, 0.4)
            for n in range(steps)
        )
        * width
    )
    assert expected_lag(last, age, 0.4) == pytest.approx(integral, rel=1e-5)


@pytest.mark.parametrize("price", [0.001, 0.02, 0.5, 5.0])
def test_the_next_look_is_where_the_lag_reaches_its_price(price: float) -> None:
    age = next_look(0.9, price, 0.4)
    assert age is not None
    assert expected_lag(0.9, age, 0.4) == pytest.approx(price, rel=1e-6)


def test_a_straggler_is_beyond_the_distribution() -> None:
    assert next_look(5.0, 0.01, 0.4) is None


@pytest.mark.parametrize(
    ("shape", "price", "looks", "lag"),
    [
        (0.1, 0.02, 2.4, 0.042),
        (0.3, 0.05, 2.6, 0.109),
        (0.4, 0.05, 2.9, 0.126),
        (0.4, 0.02, 4.4, 0.080),
        (0.4, 0.005, 8.4, 0.040),
        (0.8, 0.01, 8.3, 0.079),
    ],
)
def test_looks_and_lag_lie_within_the_optimum_of_dynamic_programming(
    shape: float, price: float, looks: float, lag: float
) -> None:
    """``looks`` and ``lag`` are the exact optimum's (computed by dynamic programming);
    what counts is the cost, price times looks plus lag."""
    cost = price * looks_per_task(price, shape) + lag_per_task(price, shape)
    assert cost == pytest.approx(price * looks + lag, rel=0.035)


def test_looks_and_lag_are_what_a_simulation_of_the_rule_finds() -> None:
    rnd, price, shape = random.Random(3), 0.02, 0.4
    looks = lag = 0.0
    for _ in range(1_500):
        duration, seen = rnd.lognormvariate(0.0, shape), 0.0
        while seen < duration:
            seen = next_look(seen, price, shape) or seen + 0.1
            looks += 1
        lag += seen - duration
    assert looks / 1_500 == pytest.approx(looks_per_task(price, shape), rel=0.07)
    assert lag / 1_500 == pytest.approx(lag_per_task(price, shape), rel=0.07)
