"""``own_bytes``: whether jobs of different identities got the same bytes.

What it may not do: I/O.

How it works: a cache in front of the API may have answered about another task: then one
of the videos was never fetched.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.report import Check, Output


def check_own_bytes(outputs: Mapping[str, tuple[str, Output]]) -> dict[str, Check]:
    """Warnings by job name. ``outputs`` are fingerprint and output by job name."""
    owners: dict[str, dict[str, str]] = {}
    for name, (fingerprint, output) in outputs.items():
        owners.setdefault(output.sha256, {}).setdefault(fingerprint, name)
    found: dict[str, Check] = {}
    for name, (fingerprint, output) in outputs.items():
        others = [other for one, other in owners[output.sha256].items() if one != fingerprint]
        if others:
            text = f"the same bytes as {others[0]}, which is another request"
            found[name] = Check("own_bytes", passed=False, message=text)
    return found
