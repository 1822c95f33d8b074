"""Makes the folder that a command writes to, or says why it cannot be made.

What it may not do: write a file.
"""

from __future__ import annotations

from pathlib import Path

from wanbatch.words.errors import ExitCode, WanbatchError


def make_output(folder: Path, mode: int = 0o777) -> None:
    """``folder`` and those above it, where they are not there. Raises ``WanbatchError``
    (4)."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the output folder {folder} cannot be made: {error.strerror}",
            "choose another with --output",
        ) from error
