"""Copies of a report whose videos anybody can see for a while: the one place where a
signature is written.

What it may not do: change the report's own files, or sign for longer than a week, which
is what S3 allows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from wanbatch.model.storage import Storage
from wanbatch.model.wire import Profile
from wanbatch.report.addresses import Shelf
from wanbatch.stores.opening import open_objects
from wanbatch.words.errors import ExitCode, WanbatchError

_LIFETIME = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
MOST = timedelta(days=7)
"""What a signature of S3 allows."""


@dataclass(frozen=True, slots=True)
class Presigning:
    """``sign`` makes an address of a name in the store; all work until ``until``, Unix
    seconds. ``has_poster`` knows by a video's SHA-256 whether its poster is there."""

    sign: Callable[[str], str]
    until: float
    has_poster: Callable[[str], bool]


def read_lifetime(text: str) -> timedelta:
    """``7d``, ``12h`` or ``30m``. Raises ``WanbatchError`` (2)."""
    found = _LIFETIME.fullmatch(text)
    lifetime = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if lifetime is None or lifetime > MOST:
        raise WanbatchError(
            ExitCode.INVALID,
            f"--presign {text}: it takes a time of at most seven days",
            "such as 7d, 12h or 30m",
        )
    return lifetime


def refuse_other_copies(targets: list[Path]) -> None:
    """Signed links go into pages alone. Raises ``WanbatchError`` (2)."""
    if not targets or any(target.suffix.lower() not in (".html", ".htm") for target in targets):
        raise WanbatchError(
            ExitCode.INVALID,
            "--presign writes a copy of the page, whose links work for a while",
            "say where: -o copy.html",
        )


def open_presigning(
    profile: Profile, lifetime: timedelta, now: float, shelf: Shelf | None
) -> Presigning:
    """Raises ``WanbatchError``: no store (2), or one that cannot sign (2, 4)."""
    store = profile.store
    if store is None or shelf is None:
        raise WanbatchError(
            ExitCode.INVALID,
            f"backend {profile.name!r} has no store: its videos lie beside the report",
            "leave --presign out; copy the report's folder to hand it on",
        )
    _refuse_without_keys(store, profile.name)
    objects = open_objects(store)
    until = now + lifetime.total_seconds()
    return Presigning(lambda name: objects.sign(name, lifetime), until, shelf.has_poster)


def _refuse_without_keys(store: Storage, name: str) -> None:
    if store.scheme == "s3" and not (store.access_key and store.secret_key):
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the store of backend {name!r} has no keys here, and nothing is signed without",
            "export the variables that its profile names, else AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY",
        )
