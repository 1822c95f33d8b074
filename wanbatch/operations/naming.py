"""The names that a shell completes: backends, and the jobs of manifests.

What it may not do: say what is wrong with a file; whatever cannot be read has no names.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from wanbatch.config.profiles import load_profiles
from wanbatch.manifest.load import load_manifests
from wanbatch.model.job import Job
from wanbatch.words.errors import WanbatchError


def backend_names() -> tuple[str, ...]:
    """Built-in backends and the user's profiles."""
    try:
        return load_profiles(os.environ).names()
    except (WanbatchError, OSError):
        return ()


def jobs_of(files: Sequence[Path]) -> tuple[Job, ...]:
    """The jobs of those manifests that can be read."""
    try:
        loaded = load_manifests([path for path in files if path.is_file()])
    except (WanbatchError, OSError):
        return ()
    return tuple(job for manifest in loaded.manifests for job in manifest.jobs)
