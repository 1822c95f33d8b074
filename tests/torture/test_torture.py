"""A slice of ``make torture`` for every test run: eight kills, submits one at a time
and three at a time."""

from __future__ import annotations

import random

import pytest
from rough_road import rough
from scene import Scene
from torture.torture import Tally, torture


@pytest.mark.parametrize("submit_concurrency", [1, 3])
def test_killed_at_random_points_every_job_is_bought_once_and_comes_home(
    tmp_path, submit_concurrency
):
    tally = Tally()
    with Scene(
        tmp_path,
        jobs=40,
        emulator="--latency 0.3 --latency-sigma 0.4 --render cached",
        choose=rough(submit_concurrency),
        submit_concurrency=submit_concurrency,
    ) as scene:
        torture(scene, random.Random(submit_concurrency), 4, tally, most_requests=25)
    assert tally.clean, "\n".join(tally.lines())
    assert tally.kills == 4, "the runs ended before they could be killed: raise the number of jobs"
    assert tally.charges == 40
    assert tally.most_uncertain <= submit_concurrency
