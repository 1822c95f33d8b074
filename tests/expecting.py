"""What a value has to be before a test looks into it.

Half of what wanbatch returns is one of several classes, or none; a test that means one
of them says so, and fails with the value that came instead.
"""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def expect(kind: type[T], found: object) -> T:
    assert isinstance(found, kind), f"no {kind.__name__}: {found!r}"
    return found
