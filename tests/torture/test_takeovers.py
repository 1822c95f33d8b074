"""A slice of ``make torture`` for every test run: owners of a shared ledger are killed
or stopped, and others take over."""

from __future__ import annotations

from stores.s3_server import started_s3
from torture.takeovers import Tally, torture


def test_what_an_owner_bought_the_next_does_not_buy_again(tmp_path):
    tally = Tally()
    with started_s3() as server:
        torture(tmp_path, server, 5, 3, tally)
    assert tally.clean, "\n".join(tally.lines())
    assert tally.takeovers == 5, "the runs ended before they could be interrupted"
    assert tally.bought >= 5
