"""The real command as tests start it: in a process of its own, with no settings but
those that a test gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

OURS = ("WANBATCH", "DASHSCOPE", "GITHUB_STEP_SUMMARY")


def line(*words: str) -> list[str]:
    return [sys.executable, "-m", "wanbatch", *words]


def environ(**more: str) -> dict[str, str]:
    """This process's variables without any that the command reads, and ``more``."""
    return {k: v for k, v in os.environ.items() if not k.startswith(OURS)} | more


def run(
    folder: Path,
    *words: str,
    env: dict[str, str] | None = None,
    timeout: float = 120,
    **given: Any,
) -> subprocess.CompletedProcess[str]:
    """The command to its end, with nobody to answer it."""
    return subprocess.run(
        line(*words),
        cwd=folder,
        env=environ() if env is None else env,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        **given,
    )
