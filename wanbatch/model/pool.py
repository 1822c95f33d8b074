"""The port of the work pool: whatever reads, hashes or decodes the bytes of videos and
of inputs is an errand, and a pool runs it.

What it may not do: run anything, or import what an errand does.

How it works: an errand is a plain function of plain values (``Where``, texts, numbers,
lists) that gives plain values, and a reader that makes of those what the caller wants,
or refuses them. So it may run in a thread or on another machine, and what comes back
is never more than msgpack can say. It knows no ledger, no key and no event loop.
``claims`` are what a machine that is not ours must prove of its answer by the bytes on
disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
Plain = Any
"""``None``, a truth value, number, text or bytes, or a list or mapping of these."""


class Lane(StrEnum):
    """Where an errand may run, and how soon.

    ``NEAR``: on this machine, soon; what must be believed, or changes our disk.
    ``SOON``: anywhere, soon; a paid video waits for it. ``SPARE``: anywhere, with what
    nobody else wants of the processor.
    """

    NEAR = "near"
    SOON = "soon"
    SPARE = "spare"


@dataclass(frozen=True, slots=True)
class Where:
    """Bytes that an errand reads: a path of a folder that all workers share.

    ``sha256`` is what the bytes are known to be; a worker that sees others does
    nothing with them. Shows no more than the file's name.
    """

    path: str
    sha256: str = ""

    def __repr__(self) -> str:
        return f"Where(…/{Path(self.path).name})"


def where(path: Path, sha256: str = "") -> Where:
    """``path`` as every process of every folder finds it."""
    return Where(str(path.absolute()), sha256)


class Misfit(ValueError):
    """An answer that is not of the form that its errand promises."""


Claims = Callable[[Sequence[Any], Any], Mapping[str, str] | None]
"""From an errand's values and its plain answer to the bytes that prove it (SHA-256 by
path); ``None`` where only this machine is to be believed."""


def nothing_to_prove(_values: Sequence[Any], _answer: Any) -> Mapping[str, str]:  # noqa: ANN401
    """No bytes stand behind the answer."""
    return {}


@dataclass(frozen=True, slots=True)
class Errand(Generic[T]):
    """``function`` is named at the top of a module, so that a worker finds it there.
    ``read`` raises ``Misfit`` for an answer of another form. Of an errand in the lane
    ``NEAR`` values and answer may be anything: they do not travel."""

    function: Callable[..., Plain]
    read: Callable[[Plain], T]
    lane: Lane = Lane.SOON
    claims: Claims = nothing_to_prove

    @property
    def name(self) -> str:
        """``module:function``."""
        return f"{self.function.__module__}:{self.function.__qualname__}"


def near(function: Callable[..., T]) -> Errand[T]:
    """An errand for this machine alone, whose answer is taken as it is."""
    return Errand(function, _as_it_is, Lane.NEAR)


def _as_it_is(answer: T) -> T:
    return answer


class Pool(Protocol):
    """Runs errands. Opened once for a command."""

    @property
    def width(self) -> int:
        """How many errands of a lane run at the same time, about."""

    async def submit(self, errand: Errand[T], *values: Any) -> T:  # noqa: ANN401 - plain
        """The errand's answer, read. Raises what the function raises on this machine.

        Cancelled, it waits for what changes our disk, and leaves the rest.
        """

    def listen(self, tell: Callable[[PoolNews], None]) -> None:
        """From now on ``tell`` hears what becomes of the workers, from whichever
        thread."""

    def close(self) -> None:
        """Nothing more is begun."""


@dataclass(frozen=True, slots=True)
class WorkersLost:
    """The scheduler is gone, or its workers are: the run goes on with threads."""

    reason: str


@dataclass(frozen=True, slots=True)
class WorkerDoubted:
    """A worker gave what the bytes on disk disprove: its answer is thrown away, the
    errand done again, and the worker asked nothing more."""

    worker: str
    reason: str


PoolNews = WorkersLost | WorkerDoubted
