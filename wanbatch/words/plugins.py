"""What other packages may register: the kinds of dialect, beside ours, and checks of
videos.

What it may not do: import a dialect; it only names them.

How it works: ours stand in a table as ``module:class``; those of others are found by an
entry point of the group ``wanbatch.dialects``, whose name is the ``kind`` of a profile
and whose value is a class that takes no arguments."""

from __future__ import annotations

ENTRY_POINTS = "wanbatch.dialects"
CHECK_POINTS = "wanbatch.checks"

BUILT_IN = {
    "emulator": "wanbatch.providers.dialects.gateway:Gateway",
    "gateway": "wanbatch.providers.dialects.gateway:Gateway",
    "gateway-metadata": "wanbatch.providers.dialects.gateway_metadata:GatewayMetadata",
    "dashscope": "wanbatch.providers.dialects.dashscope:DashScope",
}


def is_dialect_kind(kind: str) -> bool:
    """Whether a profile may name ``kind``; looks at installed packages only where it is
    none of ours."""
    return kind in BUILT_IN or kind in dialect_kinds()


def dialect_kinds() -> tuple[str, ...]:
    """Every ``kind`` that a profile may name, ours first."""
    from importlib.metadata import entry_points  # slow to import, and seldom needed

    return (
        *BUILT_IN,
        *sorted({point.name for point in entry_points(group=ENTRY_POINTS)} - BUILT_IN.keys()),
    )
