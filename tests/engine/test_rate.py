"""Gates, probes, retry budgets, back-off: by value, and a property against a server
that counts as it likes."""

from __future__ import annotations

import math

import pytest
from expecting import expect
from hypothesis import given
from hypothesis import strategies as st

from wanbatch.engine.pacing.rate import (
    LONGEST_QUIET_S,
    QUIET_S,
    SLOWEST_RATE,
    SPARE_S,
    RampUp,
    RateLimiter,
    RetryBudget,
    back_off,
    clamp_retry_after,
)


def test_without_a_rate_everything_goes_at_once() -> None:
    gate = RateLimiter(None)
    for _ in range(1_000):
        assert gate.free_at(5.0) == 5.0
        gate.sent(5.0)
    assert gate.recent(5.0) == 1_000


def test_requests_are_spaced_and_count_until_a_second_after_their_reply() -> None:
    gate = RateLimiter(2.0)
    gate.sent(0.0)
    assert gate.free_at(0.0) == 0.5
    gate.sent(0.5)
    assert (
        gate.free_at(0.5) is None
    )  # both unanswered: two may be counted in any second from now on
    gate.replied(0.7)
    assert gate.free_at(0.7) == 1.7
    gate.replied(3.0)
    assert gate.free_at(3.0) == 3.0
    gate.sent(3.0)
    assert gate.free_at(3.5) is not None
    assert gate.free_at(3.5) == 4.0


@pytest.mark.parametrize(("rate", "gap"), [(0.5, 2.0), (0.1, 10.0), (1.0, 1.0)])
def test_slow_rates_count_from_the_reply_too(rate: float, gap: float) -> None:
    gate = RateLimiter(rate)
    gate.sent(0.0)
    gate.replied(0.3)
    assert gate.free_at(0.3) == pytest.approx(0.3 + gap)


@given(
    rate=st.sampled_from([0.5, 1.0, 2.0, 3.0, 2.5, 20.0]),
    trips=st.lists(
        st.tuples(st.floats(0, 3), st.floats(0, 1), st.floats(0, 2)), min_size=1, max_size=60
    ),
)
def test_a_server_never_counts_more_than_the_rate(
    rate: float, trips: list[tuple[float, float, float]]
) -> None:
    """Each request is seen by the server at any instant between its sending and its
    reply, in any order."""
    gate, now = RateLimiter(rate), 0.0
    seen: list[float] = []
    replies: list[float] = []
    for trip, where, idle in trips:
        now += idle
        while (at := gate.free_at(now)) is None or at > now:
            due = min(replies, default=math.inf)
            now = max(now, min(due, at if at is not None else math.inf))
            for reply in [r for r in replies if r <= now]:
                replies.remove(reply)
                gate.replied(reply)
        gate.sent(now)
        seen.append(now + trip * where)
        replies.append(now + trip + 1e-9)
        for reply in sorted(r for r in replies if r <= now):
            replies.remove(reply)
            gate.replied(reply)
    capacity = max(1, math.ceil(rate))
    window = capacity / rate
    for start in seen:
        assert sum(1 for at in seen if start <= at < start + window - 1e-6) <= capacity


@given(
    rate=st.sampled_from([0.5, 1.0, 2.0, 3.0, 20.0]),
    base=st.floats(0, 1),
    trips=st.lists(
        st.tuples(st.sampled_from([0.0, 0.01, 0.5, 2.0]), st.floats(0, 1), st.floats(0, 1)),
        min_size=2,
        max_size=40,
    ),
)
def test_with_known_trips_a_server_never_counts_more_either(
    rate: float, base: float, trips: list[tuple[float, float, float]]
) -> None:
    """The way there takes at least half of ``base``; what a trip takes beyond it may be
    lost anywhere. One request at a time, as soon as allowed."""
    gate, now, seen = RateLimiter(rate), 0.0, []
    for extra, where, idle in [(0.0, 0.0, 0.0), *trips]:
        at = gate.free_at(now + idle)
        assert at is not None
        gate.sent(at)
        seen.append(at + base / 2 + extra * where)
        now = at + base + extra
        gate.replied(now, at)
    capacity = max(1, math.ceil(rate))
    for start in seen:
        assert (
            sum(1 for counted in seen if start <= counted < start + capacity / rate - 1e-6)
            <= capacity
        )


def test_a_steady_trip_costs_no_rate_where_it_is_known() -> None:
    gate, now = RateLimiter(2.0), 0.0
    for number in range(20):
        at = gate.free_at(now)
        assert at == pytest.approx(0.5 * number)
        assert at is not None
        gate.sent(at)
        now = at + 0.3
        gate.replied(now, at)


def test_halving_once_a_second() -> None:
    gate = RateLimiter(8.0)
    gate.halve(0.0)
    gate.halve(0.5)
    assert gate.rate == 4.0
    assert gate.free_at(0.0) == 0.25
    gate.halve(1.0)
    assert gate.rate == 2.0
    for second in range(2, 20):
        gate.halve(float(second))
    assert gate.rate == SLOWEST_RATE


def test_halving_what_had_no_limit_starts_from_what_was_sent() -> None:
    gate = RateLimiter(None)
    for _ in range(10):
        gate.sent(0.0)
        gate.replied(0.2)
    gate.halve(0.3)
    assert gate.rate == 5.0
    idle = RateLimiter(None)
    idle.halve(0.0)
    assert idle.rate == 0.5


def test_a_few_requests_make_up_for_a_pause_until_one_is_refused() -> None:
    gate = RateLimiter(20.0)
    together = 0
    while expect(float, gate.free_at(10.0)) < 10.001:
        gate.sent(10.0)
        together += 1
    assert together == 1 + int(SPARE_S * 20.0)
    for _ in range(together):
        gate.replied(10.0)
    gate.halve(20.0)
    assert gate.rate == 10.0
    gate.sent(30.0)
    assert gate.free_at(30.0) == 30.1


@pytest.mark.parametrize(
    ("usual_s", "quiet_s"), [(None, 60.0), (3.0, 5.0), (90.0, 30.0), (600.0, 60.0)]
)
def test_the_quiet_while_follows_what_a_task_takes(usual_s: float | None, quiet_s: float) -> None:
    probe = RampUp(lambda: usual_s)
    probe.refused(0.0)
    assert probe.due_at == quiet_s
    assert probe.raise_by(quiet_s) == 1
    probe.refused(quiet_s + 1.0)
    assert probe.due_at == quiet_s + 1.0 + 2 * quiet_s


def test_a_probe_raises_after_a_quiet_minute_and_doubles() -> None:
    probe = RampUp()
    assert probe.raise_by(1e9) == 0
    probe.refused(0.0)
    assert probe.raise_by(59.9) == 0
    assert [probe.raise_by(60.0 * minute) for minute in (1, 2, 3)] == [1, 2, 4]
    assert probe.raise_by(360.0) == 8 + 16 + 32
    probe.restored()
    assert probe.due_at is None
    assert probe.raise_by(1e6) == 0


def test_a_raise_that_is_refused_at_once_is_tried_less_and_less_often() -> None:
    probe, now, waits = RampUp(), 0.0, []
    probe.refused(now)
    for _ in range(7):
        assert probe.due_at is not None
        waits.append(probe.due_at - now)
        now = probe.due_at
        assert probe.raise_by(now) == 1
        now += 1.0
        probe.refused(now)
    assert waits == [60, 120, 240, 480, 960, LONGEST_QUIET_S, LONGEST_QUIET_S]


def test_a_raise_that_held_for_a_minute_makes_the_next_quiet_time_short_again() -> None:
    probe = RampUp()
    probe.refused(0.0)
    probe.raise_by(60.0)
    probe.refused(61.0)
    assert probe.due_at == 61.0 + 2 * QUIET_S
    probe.refused(70.0)
    assert probe.due_at == 70.0 + 2 * QUIET_S
    probe.raise_by(190.0)
    probe.raise_by(250.0)
    probe.refused(251.0)
    assert probe.due_at == 251.0 + QUIET_S


def test_a_very_long_idle_time_does_not_raise_without_bound() -> None:
    probe = RampUp()
    probe.refused(0.0)
    assert probe.raise_by(1e12) < 3_000_000


def test_one_retry_per_ten_requests_plus_a_floor() -> None:
    budget = RetryBudget()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(10):
        budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]
    for _ in range(10_000):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == 50


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        (None, None),
        (math.nan, None),
        (-5.0, 0.0),
        (0.0, 0.0),
        (12.5, 12.5),
        (300.0, 300.0),
        (86_400.0, 300.0),
    ],
)
def test_retry_after_is_clamped(asked: float | None, waited: float | None) -> None:
    assert clamp_retry_after(asked) == waited


def test_back_off_doubles_up_to_a_minute_and_spreads_by_chance() -> None:
    assert [back_off(n, 0.0) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert back_off(10_000, 0.0) == 60.0
    assert back_off(3, 0.999) == pytest.approx(2.0, abs=0.01)
