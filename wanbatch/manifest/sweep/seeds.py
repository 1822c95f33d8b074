"""Seeds: given, counted or drawn.

What it may not do: draw from anything but a hash, so that the same manifest always gets
the same seeds.

How it works: the k-th drawn seed (k from 0) is the SHA-256 of the canonical JSON
``[seed_key, k]``, as an integer, modulo 2^31. Neither axes nor takes enter. Where two k
give the same seed (at 10,000 seeds once in fifty manifests) the later one is left out,
so that names stay unique and a longer draw begins with the shorter.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import count, islice

from wanbatch.words.canonical import content_hash

MOST = 2**31
"""Seeds of the API: 0 to 2147483647 (documented)."""


@lru_cache(maxsize=4096)
def draw_seed(seed_key: str, k: int) -> int:
    """The k-th drawn seed of a key, 0 to 2147483647."""
    return int(content_hash([seed_key, k]), 16) % MOST


def draw_seeds(seed_key: str, wanted: int) -> list[int]:
    """The first ``wanted`` different seeds of a key."""
    return list(islice(_different(seed_key), wanted))


def _different(seed_key: str) -> Iterator[int]:
    seen: set[int] = set()
    for k in count():
        seed = draw_seed(seed_key, k)
        if seed not in seen:
            seen.add(seed)
            yield seed


def count_seeds(start: int, wanted: int, step: int = 1) -> list[int] | None:
    """``wanted`` seeds from ``start`` on, or ``None`` where they leave 0 to
    2147483647."""
    last = start + (wanted - 1) * step
    if not (0 <= start < MOST and 0 <= last < MOST):
        return None
    return list(range(start, last + (1 if step > 0 else -1), step))
