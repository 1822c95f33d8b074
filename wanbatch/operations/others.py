"""The environment of other programs that a run starts: everything but our secrets.

What it may not do: start anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def without_secrets(
    environ: Mapping[str, str], names: Iterable[str], values: Iterable[str]
) -> dict[str, str]:
    """``environ`` without the variables of these names, and without any that holds one
    of these values under another name."""
    hidden, secrets = set(names), [value for value in values if value]
    return {
        name: text
        for name, text in environ.items()
        if name not in hidden and not any(secret in text for secret in secrets)
    }
