"""Signed addresses of results, as an object store gives them: whoever has one may
fetch, until it expires.

What it may not do: read files, know a task's words.

How it works: an HMAC over name and expiry with a secret that lives in the store, so
that a link survives a restart on the same port.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

ACCESS_KEY_ID = "LTAI5tEmulator"


class Links:
    """Makes and checks links under ``base_url``."""

    def __init__(self, secret: bytes, base_url: str) -> None:
        self._secret = secret
        self.base_url = base_url

    def sign(self, path: str, expires_at: float) -> str:
        """The full address of ``path`` (``/results/…``), good until Unix second
        ``expires_at``."""
        expires = str(int(expires_at))
        query = {
            "Expires": expires,
            "OSSAccessKeyId": ACCESS_KEY_ID,
            "Signature": self._signature(path, expires),
        }
        return f"{self.base_url}{path}?{urlencode(query)}"

    def check(self, path: str, query: Mapping[str, str], now: float) -> str:
        """Why the address is refused, or an empty string."""
        expires = query.get("Expires", "")
        if not hmac.compare_digest(
            query.get("Signature", "").encode(), self._signature(path, expires).encode()
        ):
            return "The request signature we calculated does not match the signature you provided."
        return "Request has expired." if int(expires) < now else ""

    def sign_policy(self, policy: str) -> str:
        """The signature of an upload policy."""
        return self._signature("policy", policy)

    def _signature(self, path: str, extra: str) -> str:
        return base64.b64encode(
            hmac.new(self._secret, f"{path}\n{extra}".encode(), hashlib.sha256).digest()[:20]
        ).decode()
