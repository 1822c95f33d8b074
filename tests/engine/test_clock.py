"""The server's clock: heard, kept by monotonic seconds, never moved by a jump of ours."""

from __future__ import annotations

import pytest

from wanbatch.engine.clock import TOLERANCE_S, ServerClock


class Machine:
    """A machine whose two clocks are moved by hand."""

    def __init__(self):
        self.wall, self.ticks = 1_000_000.0, 50.0

    def pass_s(self, seconds):
        self.wall += seconds
        self.ticks += seconds

    def sleep_s(self, seconds):
        """A laptop that sleeps: the wall clock goes on, the monotonic one stands still."""
        self.wall += seconds


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def clock(machine):
    return ServerClock(lambda: machine.wall, lambda: machine.ticks)


def test_before_a_server_was_heard_our_own_clock_counts(machine, clock):
    assert clock.now() == machine.wall
    machine.sleep_s(100)
    assert clock.now() == machine.wall
    assert clock.ahead_s == 0.0


def test_a_date_that_agrees_within_its_rounding_changes_nothing(machine, clock):
    before = machine.wall
    clock.hear(before - TOLERANCE_S)
    assert clock.now() == before


def test_a_wrong_clock_here_is_corrected(machine, clock):
    machine.wall += 90_000
    clock.hear(1_000_000.0)
    assert clock.now() == pytest.approx(1_000_000.5)
    assert clock.ahead_s == pytest.approx(90_000, abs=1)


def test_once_a_server_was_heard_a_jump_here_moves_nothing(machine, clock):
    clock.hear(1_000_000.0)
    machine.wall += 400_000
    assert clock.now() == pytest.approx(1_000_000.0)
    machine.pass_s(10)
    assert clock.now() == pytest.approx(1_000_010.0)


def test_after_sleep_it_is_late_until_the_server_speaks_and_right_then(machine, clock):
    clock.hear(1_000_000.0)
    machine.sleep_s(7200)
    assert clock.now() == pytest.approx(1_000_000.0)
    clock.hear(1_007_200.0)
    assert clock.now() == pytest.approx(1_007_200.5)
