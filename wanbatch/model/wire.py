"""The values that pass between the dialects, the HTTP edge and the engine: profiles,
wire requests, what was seen.

What it may not do: I/O, or know any dialect.

How it works: a dialect turns a ``Request`` into a ``WireRequest`` and a ``Seen`` into
an outcome, purely; ``http`` turns a ``WireRequest`` into a ``Seen`` and does nothing
else. ``Secret`` shows itself to nobody: only ``reveal`` at the HTTP edge gives the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from wanbatch.model.outcomes import ListedTask as ListedTask
from wanbatch.model.outcomes import TaskListing as TaskListing
from wanbatch.model.period import PeriodLimit
from wanbatch.model.price import PriceList
from wanbatch.model.secret import Secret as Secret
from wanbatch.model.storage import Storage
from wanbatch.model.workers import Workers


@dataclass(frozen=True, slots=True)
class MediaDelivery:
    """How local media reach a backend. ``emulator``: its own media route. ``s3`` needs
    ``bucket`` and two keys; ``prefix`` begins each name."""

    way: Literal["inline", "s3", "upload", "emulator"] = "inline"
    bucket: str = ""
    endpoint: str = ""
    region: str = ""
    prefix: str = "wanbatch/"
    path_style: bool = False
    access_key: Secret = field(default_factory=lambda: Secret(""), compare=False)
    secret_key: Secret = field(default_factory=lambda: Secret(""), compare=False)
    session_token: Secret = field(default_factory=lambda: Secret(""), compare=False)


def quiet_period_of(submit_timeout_s: float) -> float:
    """So long after a submit's outcome a listing must begin before absence in it
    counts."""
    return max(120.0, 2 * submit_timeout_s)


@dataclass(frozen=True, slots=True)
class Profile:
    """A backend, resolved: where it is, what it speaks, its key, its limits. Times in
    seconds, ``rate`` in submits per second.

    ``origin`` is what task ids belong to: scheme, host and account for a real API, the
    store's folder for the emulator.
    """

    name: str
    kind: str
    base_url: str
    origin: str
    api_key: Secret = field(default_factory=lambda: Secret(""))
    poll_interval_s: float = 15.0
    queries_per_second: float | None = None
    max_in_flight: int = 5
    rate: float | None = 2.0
    submit_concurrency: int = 1
    submit_timeout_s: float = 60.0
    quiet_period_s: float = 120.0
    prices: PriceList | None = None
    delivery: MediaDelivery = field(default_factory=MediaDelivery)
    proxy: str = field(default="", repr=False)  # may hold a password
    download_hosts: tuple[str, ...] = ()
    workspace: str = ""
    probe: Literal["ask", "skip"] = "ask"
    """``skip`` for a gateway that answers the question before a run oddly."""
    shared_account: bool = False
    """Others submit in this account too, so that a person decides whose a found task
    is."""
    ca_file: str = ""
    """A file of certificate authorities to trust beside the usual ones, for companies
    whose proxy opens TLS."""
    budget: tuple[PeriodLimit, ...] = ()
    """What this profile says that all runs of a ledger may spend in a day or month."""
    store: Storage | None = None
    """Where its videos live; ``None`` for the output folder."""
    ledger: Storage | None = None
    """Where machines share its ledger; never without a store."""

    workers: Workers = field(default_factory=Workers)
    """Where the work on the bytes of videos is done."""

    @property
    def realm(self) -> Literal["paid", "emulator"]:
        return "emulator" if self.kind == "emulator" else "paid"


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP request before it is sent. ``path`` is below the base URL, query
    included; the key is added at the edge, to the API's origin only."""

    method: Literal["GET", "POST", "PUT"]
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; header names in lower case. The body is capped at the edge.

    ``elapsed_s`` is how long after the request was sent its head came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class NoReply:
    """No whole answer came. ``may_have_been_sent`` is false only where no byte of the
    request can have reached the server."""

    reason: str
    may_have_been_sent: bool


Seen = Reply | NoReply


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One page of a list; ``pages`` and ``total`` are how many pages and tasks there
    are in all."""

    tasks: tuple[ListedTask, ...]
    pages: int
    total: int
