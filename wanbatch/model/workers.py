"""Where the work on the bytes of videos is done, as a person says it.

What it may not do: connect, or read a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wanbatch.words.addresses import is_loopback_host

FORM = "a number of threads, dask, dask://HOST:PORT or tls://HOST:PORT"
MOST_THREADS = 1024
"""More than any machine has cores; a longer number is a slip."""
LOCAL = "dask"
"""A cluster of this machine, for as long as the command lasts."""
_ADDRESS = re.compile(r"(dask|tls)://(\[[0-9a-fA-F:]{2,45}\]|[A-Za-z0-9._-]{1,253}):([0-9]{1,5})/?")
_COUNT = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Workers:
    """``threads`` of this process (``None``: as many as cores), unless ``address`` is
    ``dask`` or a scheduler's.

    The files are PEM: who may have signed a scheduler's certificate, and our own
    certificate with its key.
    """

    threads: int | None = None
    address: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    @property
    def is_encrypted(self) -> bool:
        return self.address.startswith("tls://")

    @property
    def is_on_this_machine(self) -> bool:
        """Whether nothing leaves it on the way to the scheduler."""
        found = _ADDRESS.fullmatch(self.address)
        return found is None or is_loopback_host(found[2].strip("[]"))


def read_workers(text: str) -> Workers | None:
    """What ``--workers`` says; ``None`` for what is not of that form."""
    if _COUNT.fullmatch(text):
        return Workers(int(text)) if 1 <= int(text) <= MOST_THREADS else None
    if text == LOCAL:
        return Workers(address=LOCAL)
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 65536:
        return None
    return Workers(address=text.rstrip("/"))
