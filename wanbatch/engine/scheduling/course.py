"""Whether a run still buys, and why no more. Pure.

What it may not do: act on it. The scheduler looks at it before each action.

How it works: a run only ever does less. It buys; it buys nothing more and brings home
what is paid for; it drains. ``Course`` is this mode with its reason as one value.
``stopped`` and ``drained`` are the only ways to the next one, and neither leads back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from wanbatch.model.outcomes import Halted


class Mode(IntEnum):
    """What a run still does. A mode is followed by itself or by a greater one."""

    BUYING = 0
    BRINGING_HOME = 1
    """Nothing more is bought; what is paid for is polled and downloaded."""
    DRAINING = 2
    """No new request of any kind; only what is under way is waited for."""


class Cause(IntEnum):
    """What ended the buying. The greater one is what a person has to hear of."""

    CHOICE = 0
    """A person, a manifest, or a bound of this run: it ends as its jobs stand."""
    DISK = 1
    """This machine's disk: the run ends with exit code 4."""
    LEDGER = 2
    """Another machine has the lease of the ledger: the run ends with exit code 4."""
    API = 3
    """The API would refuse every job alike: the run ends with exit code 4."""


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why a run buys nothing more; ``hint`` is what helps."""

    text: str
    cause: Cause = Cause.CHOICE
    hint: str = ""

    @property
    def is_trouble(self) -> bool:
        """Whether something outside of the run has to be mended first."""
        return self.cause is not Cause.CHOICE


NO_PERMIT_HINT = (
    "run the same command again: it waits for the lease, and goes on from what the other machine"
    " has recorded"
)


@dataclass(frozen=True, slots=True)
class Course:
    """The mode of a run and its reason: ``None`` exactly while it buys."""

    mode: Mode = Mode.BUYING
    reason: StopReason | None = None

    def stopped(self, reason: StopReason) -> Course:
        """Nothing more is bought from now on."""
        return Course(max(self.mode, Mode.BRINGING_HOME), self._weightier(reason))

    def drained(self, reason: StopReason) -> Course:
        """No new request from now on."""
        return Course(Mode.DRAINING, self._weightier(reason))

    def _weightier(self, reason: StopReason) -> StopReason:
        """The first reason stays, unless a greater cause comes; of two refusals the
        later one counts, for it is the API's present word."""
        old = self.reason
        if old is None or reason.cause > old.cause or reason.cause is Cause.API:
            return reason
        return old


def halted_by(why: Halted) -> StopReason:
    """The reason that a refusal of every job gives; never an empty one."""
    return StopReason(why.message or f"the API refuses every job ({why.code})", Cause.API, why.hint)
