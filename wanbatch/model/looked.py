"""What looking at a video gave, as the ledger keeps it.

What it may not do: measure, or open a file.

How it works: a video is known by its bytes, and what was found depends on what it was
compared with: the pictures, clips and sounds that it was made from, by their bytes too,
and on the rules of measuring (``MEASURES_VERSION``). ``facts`` is JSON: the measures,
or why there are none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from wanbatch.model.measures import (
    MEASURES_VERSION,
    Level,
    Measures,
    decode_measures,
    encode_measures,
)

_UNDECODABLE = "undecodable"


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Why nothing could be measured, in a sentence."""

    reason: str


Found = Measures | Undecodable


@dataclass(frozen=True, slots=True)
class Looked:
    """One video, looked at beside ``compared`` (``compared_with`` writes it)."""

    sha256: str
    compared: str
    version: int
    level: str
    facts: str

    def found(self) -> Found | None:
        """What was found; ``None`` for what this version cannot read."""
        facts = self._facts()
        if self.version != MEASURES_VERSION or facts is None:
            return None
        reason = facts.get(_UNDECODABLE)
        return Undecodable(reason) if isinstance(reason, str) else decode_measures(facts)

    def is_readable(self) -> bool:
        """Whether it is one at all, of whatever version."""
        return self._facts() is not None

    def _facts(self) -> dict[str, object] | None:
        try:
            facts = json.loads(self.facts)
        except (ValueError, RecursionError):
            return None
        return facts if isinstance(facts, dict) else None

    def serves(self, level: Level) -> bool:
        """Whether somebody who asks for ``level`` need not look again."""
        return level is Level.NONE or self.level in (Level.ALL, level)


def compared_with(digests: Mapping[str, str]) -> str:
    """SHA-256 by what they are (``first_frame`` …) in one text, whatever their
    order."""
    return " ".join(f"{kind}={digest}" for kind, digest in sorted(digests.items()))


def record_look(sha256: str, compared: str, level: Level, found: Found) -> Looked:
    """``found`` as the ledger keeps it."""
    facts = (
        {_UNDECODABLE: found.reason} if isinstance(found, Undecodable) else encode_measures(found)
    )
    text = json.dumps(facts, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return Looked(sha256, compared, MEASURES_VERSION, level.value, text)
