"""What the scripted runs of this folder share: a stage of their own.

What it may not do: build values (``builders`` and ``scripted_api`` do), or choose an
event loop: files whose runs live in virtual time say so by ``anyio_backend``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from engine.scripted_api import Stage, at_once


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    at_once(monkeypatch)
    return Stage(tmp_path)
