"""The leave to send a purchase, where several machines share one ledger.

What it may not do: anything; these are types, and the leave that never ends.

How it works: a run asks for it before it records an intent, and once more at the last
moment before the POST. A leave that is gone for a while comes back (``wait``); one that
is gone for good does not, and the run brings home what is paid for.
"""

from __future__ import annotations

from typing import Protocol

from wanbatch.words.errors import WanbatchError


class PermitLost(WanbatchError):
    """Another machine decides now: the intent that was to be recorded is none, and no
    POST may follow it."""


class Permit(Protocol):
    """Whether this process may buy."""

    @property
    def lost(self) -> str:
        """Why this process will never buy again; empty while it may."""

    def refusal(self) -> str:
        """Why no POST may go out at this moment; empty where it may. For the last
        moment before a POST: it waits for nothing."""

    async def wait(self) -> None:
        """Returns once ``refusal`` is empty, or ``lost`` is not."""


class Unlimited:
    """The permit of a ledger that is this machine's alone."""

    lost = ""

    def refusal(self) -> str:
        return ""

    async def wait(self) -> None:
        return
