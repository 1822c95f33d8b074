"""Where an object store is, and by whose keys it is asked: a profile's ``store`` and
``ledger``.

What it may not do: show a key, or reach a store (``stores`` does).

How it works: an address is ``s3://BUCKET/PREFIX``, ``gs://…``, ``az://CONTAINER/…`` or
``file:///FOLDER``; its parts are separate here. Keys stand in ``Secret``, and two
storages are equal where they name the same place, whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from wanbatch.model.secret import Secret

Scheme = Literal["s3", "gs", "az", "file"]


def _no_key() -> Secret:
    return Secret("")


@dataclass(frozen=True, slots=True)
class Storage:
    """One object store. ``bucket`` is the container at ``az``, and empty at ``file``,
    where ``prefix`` is the absolute path of a folder; else ``prefix`` has no slash at
    its ends.

    ``endpoint`` is empty for the provider's own. ``account`` is Azure's storage
    account. ``public_url`` is the address under which anybody may read the objects,
    without a slash at its end; empty where there is none.
    """

    scheme: Scheme
    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    path_style: bool = False
    account: str = ""
    public_url: str = ""
    access_key: Secret = field(default_factory=_no_key, compare=False)
    secret_key: Secret = field(default_factory=_no_key, compare=False)
    session_token: Secret = field(default_factory=_no_key, compare=False)

    @property
    def url(self) -> str:
        """The address as a person writes it."""
        if self.scheme == "file":
            return f"file://{self.prefix}"
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")
