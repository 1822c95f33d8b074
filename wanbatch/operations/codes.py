"""All diagnostic codes that this version can tell.

What it may not do: explain them (each room does, where it declares them).

How it works: rooms declare their codes when they are imported, so all of them are
imported here.
"""

from __future__ import annotations

import wanbatch.manifest.load
import wanbatch.media.check
import wanbatch.operations.fit  # noqa: F401 - imported for the codes that they declare
from wanbatch.words.codes import Code, all_codes
from wanbatch.words.codes import find_code as find_code


def list_codes() -> tuple[Code, ...]:
    """Every code, in order."""
    return tuple(all_codes())
