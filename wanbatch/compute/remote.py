"""What runs on a worker, and the form in which errands and answers travel.

What it may not do: run anything but errands of this house, answer with more than
msgpack can say, or let an exception out: its text might hold what it was given.

How it works: an errand travels by its name with its values as msgpack in a ``Parcel``,
which shows nobody what is in it: schedulers and workers write what they are given into
logs and pages. Before anything is done the worker looks whether it sees the same bytes
as we do. The answer is msgpack: a mapping with the one key ``done``, ``unseen`` or
``failed``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import msgpack

from wanbatch import __version__
from wanbatch.compute.threads import give_way
from wanbatch.model.pool import Errand, Misfit, Plain, Where
from wanbatch.words.files import hash_file

ANSWER_LIMIT_BYTES = 1 << 20
"""The measures of a video are some kilobytes."""
_WHERE = 1
"""The code of a ``Where`` among msgpack's extension types."""


class Parcel:
    """The values of an errand, packed. It shows nothing of them."""

    __slots__ = ("packed",)

    def __init__(self, packed: bytes) -> None:
        self.packed = packed

    def __repr__(self) -> str:
        return "Parcel(…)"

    def __reduce__(self) -> tuple[type[Parcel], tuple[bytes]]:
        return Parcel, (self.packed,)


def pack_values(values: Sequence[Any]) -> Parcel:
    """Raises ``TypeError`` for what is not plain."""
    return Parcel(msgpack.packb(list(values), default=_pack_where, use_bin_type=True))


def _pack_where(value: object) -> msgpack.ExtType:
    if isinstance(value, Where):
        return msgpack.ExtType(_WHERE, msgpack.packb([value.path, value.sha256]))
    raise TypeError(f"a {type(value).__name__} does not travel")


def _unpack_where(code: int, data: bytes) -> object:
    if code != _WHERE:
        raise ValueError("an unknown extension type")
    return Where(*msgpack.unpackb(data))


def perform(name: str, parcel: Parcel) -> bytes:
    """One errand, on a worker. Raises nothing."""
    try:
        values = msgpack.unpackb(parcel.packed, ext_hook=_unpack_where)
        if unseen := _unseen(values):
            return _pack({"unseen": unseen})
        give_way()
        return _pack({"done": errand_called(name).function(*values)})
    except Exception as error:  # noqa: BLE001 - whatever it is, only its kind is told
        return _pack({"failed": type(error).__name__})


def _pack(answer: Mapping[str, Plain]) -> bytes:
    packed: bytes = msgpack.packb(answer, use_bin_type=True)
    return packed


def _unseen(values: Sequence[object]) -> str:
    """Why this worker does not see what we see; empty where it does."""
    for where in _wheres(values):
        if not Path(where.path).is_file():
            return "does not see a file that is there"
        if where.sha256 and hash_file(where.path) != where.sha256:
            return "sees other bytes in a file"
    return ""


def _wheres(values: Sequence[object]) -> Iterator[Where]:
    return (value for value in values if isinstance(value, Where))


def errand_called(name: str) -> Errand[Any]:
    """The errand of this house whose function has this name. Raises ``LookupError``."""
    module, _, function = name.partition(":")
    if module.startswith("wanbatch.") and module.endswith((".errands", ".remote")):
        for errand in vars(import_module(module)).values():
            if isinstance(errand, Errand) and errand.function.__qualname__ == function:
                return errand
    raise LookupError("no such errand")


def see(_where: Where) -> Plain:
    """Nothing more is done than every errand begins with; tells who does it."""
    return __version__


def _read_version(found: Plain) -> str:
    if not isinstance(found, str):
        raise Misfit("it is no version")
    return found


SEE: Errand[str] = Errand(see, _read_version)
"""The version of wanbatch on a worker that sees a file with these bytes."""


def unpack_answer(packed: bytes) -> tuple[str, Plain]:
    """The key of an answer, and what it holds. Raises ``Misfit`` for what is none."""
    if len(packed) > ANSWER_LIMIT_BYTES:
        raise Misfit("it is too long")
    try:
        found = msgpack.unpackb(packed, strict_map_key=True)
    except Exception as error:
        raise Misfit("it is no msgpack") from error
    if not isinstance(found, Mapping) or len(found) != 1:
        raise Misfit("it is no answer")
    match found:
        case {"done": answer}:
            return "done", answer
        case {"unseen": str(why)}:
            return "unseen", why
        case {"failed": str(why)}:
            return "failed", why
        case _:
            raise Misfit("it is no answer")
