"""Whether a run buys: the mode only goes on, and the weightier reason counts."""

from __future__ import annotations

from itertools import permutations

import pytest

from wanbatch.engine.scheduling.course import Cause, Course, Mode, StopReason, halted_by
from wanbatch.model.outcomes import Halted

CHOICE = StopReason("the manifest says so")
DISK = StopReason("the disk is full", Cause.DISK)
API = StopReason("the key is wrong", Cause.API, "make a new one")


def test_a_run_begins_by_buying_and_has_no_reason():
    assert Course() == Course(Mode.BUYING, None)


def test_a_run_that_drains_never_buys_or_polls_again():
    drained = Course().drained(CHOICE)
    assert drained.mode is Mode.DRAINING
    assert drained.stopped(API).mode is Mode.DRAINING
    assert Course().stopped(CHOICE).mode is Mode.BRINGING_HOME
    assert Course().stopped(CHOICE).drained(CHOICE).mode is Mode.DRAINING


@pytest.mark.parametrize("order", [*permutations([CHOICE, DISK, API])])
def test_the_weightiest_reason_counts_whichever_came_first(order):
    course = Course()
    for reason in order:
        course = course.stopped(reason)
    assert course.reason == API


def test_of_two_equal_reasons_the_first_counts_and_of_two_refusals_the_last():
    for first, second, kept in (
        (CHOICE, StopReason("another"), CHOICE),
        (DISK, StopReason("another", Cause.DISK), DISK),
        (API, StopReason("another", Cause.API), StopReason("another", Cause.API)),
    ):
        assert Course().stopped(first).drained(second).reason == kept


def test_only_what_has_to_be_mended_is_trouble():
    assert [reason.is_trouble for reason in (CHOICE, DISK, API)] == [False, True, True]


def test_a_refusal_without_a_message_is_a_reason_too():
    assert halted_by(Halted("model_not_found", "")) == StopReason(
        "the API refuses every job (model_not_found)", Cause.API
    )
    assert halted_by(Halted("x", "no credit", "pay")) == StopReason("no credit", Cause.API, "pay")
