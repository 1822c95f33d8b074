"""Names of jobs: ``id[axis=value,…]``.

What it may not do: decide which axes a job has.

How it works: letters and digits of any script, ``.``, ``_`` and ``-`` stand as they
are. Every other character is percent-encoded in UTF-8, so a name is safe in a shell's
word, a selection and a file name. A long value keeps 24 characters and gets 8
digits of its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from wanbatch.words.scalars import Scalar, scalar_text

_LONGEST = 40
"""Characters of one value in a name: three axes fit into a file name and a column."""
_KEPT = 24
"""Of a longer one, before its eight digits: people still know it."""


@lru_cache(maxsize=65_536)
def encode_value(text: str) -> str:
    """An axis value as it stands in a name."""
    encoded = "".join(
        c if c.isalpha() or c.isdecimal() or c in "._-" else _percent(c) for c in text
    )
    if len(encoded) <= _LONGEST:
        return encoded
    return (
        f"{encoded[:_KEPT]}~{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    )


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def name_job(job_id: str, axes: Iterable[tuple[str, Scalar]]) -> str:
    """``opening[hour=dawn,lens=35mm,seed=100]``, or the bare id without axes."""
    inside = ",".join(f"{axis}={encode_value(scalar_text(value))}" for axis, value in axes)
    return f"{job_id}[{inside}]" if inside else job_id
