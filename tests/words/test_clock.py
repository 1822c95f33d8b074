"""The clock of deadlines: one server's word moves nothing, nor does a jump of ours."""

from __future__ import annotations

import pytest

from wanbatch.operations.ticks import choose_ticks
from wanbatch.words.clock import SILENT_S, TOLERANCE_S, ServerClock, Sleepless

DAY = 86_400.0


class Machine:
    """A machine whose two clocks are moved by hand."""

    def __init__(self):
        self.wall, self.ticks = 1_000_000.0, 50.0

    def pass_s(self, seconds):
        self.wall += seconds
        self.ticks += seconds


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def clock(machine):
    return ServerClock(lambda: machine.wall, lambda: machine.ticks)


def hear(machine, clock, *offsets, apart_s=5.0):
    for offset in offsets:
        clock.hear(machine.wall + offset)
        machine.pass_s(apart_s)


def test_a_jump_of_the_wall_clock_moves_nothing_and_is_noticed_once(machine, clock):
    machine.wall += 400_000
    assert clock.now() == 1_000_000.0
    assert clock.age_s(1_000_000.0) == 0.0
    assert clock.was_set()
    assert not clock.was_set()
    machine.pass_s(10)
    assert clock.now() == 1_000_010.0
    machine.wall += 59
    assert not clock.was_set()


@pytest.mark.parametrize("wrong", [26 * 3600.0, -56 * 365 * DAY, -600.0])
def test_one_wrong_date_is_not_believed(machine, clock, wrong):
    hear(machine, clock, 0, wrong, 0)
    assert clock.believed_offset_s is None
    hear(machine, clock, 0)
    assert clock.believed_offset_s == pytest.approx(0.5)
    hear(machine, clock, wrong)
    assert clock.believed_offset_s == pytest.approx(0.5)
    assert clock.offset_s == pytest.approx(wrong + 0.5)


def test_two_answers_of_one_moment_are_one_word(machine, clock):
    hear(machine, clock, 7200, 7200, apart_s=0.1)
    assert clock.believed_offset_s is None
    machine.pass_s(5)
    hear(machine, clock, 7200 + TOLERANCE_S)
    assert clock.believed_offset_s == pytest.approx(7200.5)
    assert clock.ahead_s == pytest.approx(-7200.5)
    assert clock.from_server(1_007_200.5) == pytest.approx(1_000_000.0)


def test_a_date_that_stands_still_is_not_believed(machine, clock):
    """A node that always told 1970 said the same twice within three seconds: results
    were kept until 2084 by that."""
    clock.hear(9.0)
    machine.pass_s(2.5)
    clock.hear(9.0)
    assert clock.believed_offset_s is None


@pytest.mark.parametrize(
    ("then", "heard", "ours", "least"),
    [
        (0.0, [0.0], DAY + 7200, DAY + 7200),  # both clocks are right
        (0.0, [0.0], -10.0, -10.0),
        (0.0, [-DAY], DAY + 7200, 7200),  # ours ran ahead since, or a node is wrong
        (-DAY, [-DAY], DAY + 7200, DAY + 7200),  # ours is always wrong by a day
        (-56 * 365 * DAY, [0.0], 60.0, 60.0),  # the POST's answer came from 1970
        (0.0, [26 * 3600.0], 60.0, 60.0),  # a node that is a day ahead
        (0.0, [0.0, 26 * 3600.0], 60.0, 60.0),
        (None, [-DAY], 7200, 7200),  # no word of the server then: ours alone
        (0.0, [], 7200, 7200),
    ],
)
def test_a_task_is_as_old_as_the_younger_of_the_clocks_says(
    machine, clock, then, heard, ours, least
):
    hear(machine, clock, *heard, apart_s=0.0)
    assert clock.age_s(machine.wall - ours, then) == pytest.approx(least, abs=1.0)


def test_two_answers_that_say_less_than_our_clock_count(machine, clock):
    hear(machine, clock, -DAY, -DAY)
    assert clock.age_s(999_000.0, 0.0) == pytest.approx(1010.0 - DAY, abs=1.0)
    machine.pass_s(60.0)
    assert clock.age_s(1_000_010.0, 0.0) == pytest.approx(60.0), "accepted by this process"


@pytest.mark.parametrize("then", [-56 * 365 * DAY, -26 * 3600.0])
def test_a_wrong_date_of_the_submit_makes_no_task_old(machine, clock, then):
    """The POST's answer came from a node in 1970, and two later ones are right: by
    those the task would be 56 years old, and given up while it runs."""
    hear(machine, clock, 0, 0)
    assert clock.believed_offset_s is not None
    assert clock.age_s(999_000.0, then) == pytest.approx(1010.0, abs=1.0)


def test_what_is_only_believed_of_a_young_task_asks_for_its_greatest_age(machine, clock):
    """A node in 1970 made a task of two days ago young, and its "failed", which only
    meant forgotten, free."""
    hear(machine, clock, -56 * 365 * DAY)
    assert clock.age_s(machine.wall - 2 * DAY, 0.0) < 0
    assert clock.most_age_s(machine.wall - 2 * DAY, 0.0, 0.0) == pytest.approx(2 * DAY)
    hear(machine, clock, DAY, DAY)
    assert clock.most_age_s(machine.wall - 2 * DAY, 0.0, 0.0) == pytest.approx(3 * DAY, abs=1.0)
    assert clock.most_age_s(machine.wall, 0.0, 0.0) == 0.0, "accepted by this process"


@pytest.mark.parametrize("before", [None, -2.0])
def test_what_the_submit_alone_said_of_the_time_makes_no_task_old(machine, clock, before):
    """Its answer came from a node in 1970, the probe's did not: then its offset is not
    known, and a failure of a minute ago is one."""
    hear(machine, clock, 0, 0)
    wrong = -56 * 365 * DAY
    assert clock.most_age_s(999_000.0, before, wrong) == pytest.approx(1010.0, abs=1.0)
    assert clock.most_age_s(999_000.0, wrong, wrong) > 56 * 364 * DAY


def test_what_is_believed_counts_and_what_disagrees_does_not(machine, clock):
    hear(machine, clock, 0, 0, -DAY)
    assert clock.age_s(machine.wall - 7200, 0.5) == pytest.approx(7200)


def test_the_clock_that_runs_during_sleep_goes_on():
    ticks = choose_ticks()
    before = ticks()
    assert ticks() >= before


def test_without_such_a_clock_the_larger_advance_of_two_counts(machine):
    ticks = Sleepless(lambda: machine.wall, lambda: machine.ticks)
    machine.pass_s(10)
    assert ticks() == 10
    machine.wall += 7200  # the machine slept
    assert ticks() == 7210
    machine.wall -= 9000  # somebody set the clock back
    machine.ticks += 5
    assert ticks() == 7215


def test_the_cautious_offset_is_the_least_that_anything_said(machine, clock):
    assert clock.cautious_offset_s is None
    hear(machine, clock, 0.0)
    assert clock.cautious_offset_s == pytest.approx(0.5)
    hear(machine, clock, -DAY)
    assert clock.cautious_offset_s == pytest.approx(-DAY + 0.5), "one word is enough"
    hear(machine, clock, 0.0, 0.0)
    assert clock.believed_offset_s == pytest.approx(0.5)
    assert clock.cautious_offset_s == pytest.approx(0.5), "two agree, and the last one with them"
    hear(machine, clock, -DAY)
    assert clock.cautious_offset_s == pytest.approx(-DAY + 0.5), "the last one does not"


def test_a_server_that_was_not_heard_for_long_may_not_have_come_as_far(machine, clock):
    """What looks like a day of sleep may be a wall clock that was set ahead."""
    hear(machine, clock, 0.0, apart_s=SILENT_S)
    assert clock.cautious_offset_s == pytest.approx(0.5)
    machine.pass_s(DAY)
    assert clock.now() + clock.cautious_offset_s == pytest.approx(machine.wall - DAY + 0.5)
    hear(machine, clock, 0.0)
    assert clock.cautious_offset_s == pytest.approx(0.5)
