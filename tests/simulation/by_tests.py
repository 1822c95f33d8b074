"""Runs the test that stands for a broken variant which no seed notices: in a process of
its own, as the code is and as the variant breaks it.

What it may not do: know which test stands for which variant.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent


def demand_noticed(test: str, name: str) -> None:
    """Raises ``AssertionError`` where the test passes with the variant, or fails
    without it."""
    for broken, code in (("", 0), (name, 1)):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "simulation.breaking", str(TESTS / test)],
            env={**os.environ, "PYTHONPATH": str(TESTS), "WANBATCH_BROKEN": broken},
            cwd=TESTS.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout[-2000:]
