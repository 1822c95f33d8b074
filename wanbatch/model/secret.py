"""A key that shows itself to nobody.

What it may not do: I/O. Only ``reveal``, at the edge where it is sent, gives the key.
"""

from __future__ import annotations


class Secret:
    """A key that cannot be printed, logged, compared into a message, pickled or hashed
    into an id by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
