"""``frozen``: seconds in which the picture stands still.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

MOST_S = 1.0
"""A pose that is held for half a second at each end looks meant; longer looks like a
fault. The emulator's slowest beginnings stand for less."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """Seconds that are frozen, black ones left out."""
    if measures.frozen_s is None:
        return None
    words = (
        f"{measures.frozen_s:.2f} s stand still" if measures.frozen_s else "nothing stands still"
    )
    return Check("frozen", measures.frozen_s <= MOST_S, words, measures.frozen_s)
