"""A slice of ``disk.py`` for every test run: eight points at which a real disk is full
or broken under a real run."""

from __future__ import annotations

import shutil

import pytest
from torture.disk import POINTS, SLICE, files_of_a_run, try_point


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    return files_of_a_run(tmp_path_factory.mktemp("clean") / "scene")


@pytest.mark.parametrize("index", SLICE, ids=lambda index: str(POINTS[index]))
def test_a_disk_that_fails_costs_nothing_and_loses_nothing(tmp_path, files, index):
    line, wrong = try_point(POINTS[index], tmp_path, files)
    assert not wrong, "\n".join([line, *wrong])
    assert "calls failed   0" not in line, f"nothing failed: {line}"


def test_there_are_fifty_points():
    assert len(set(POINTS)) >= 50
