"""Mode *check*: every manifest is read and judged, without a key and without the
network.

What it may not do: see a secret; so it works on a fork's pull request.
"""

from __future__ import annotations

import sys

from steps import files, guarded, wanbatch


def check() -> int:
    """The command's exit code: findings become annotations of the lines they stand
    at."""
    return wanbatch("validate", *files(), "--format", "github", keyless=True)


if __name__ == "__main__":
    sys.exit(guarded(check))
