"""An S3-compatible bucket for local media: each content uploaded once, read by the
provider through a presigned address.

What it may not do: make anything public, delete anything, or read credentials from
anywhere but the profile.

How it works: obstore (extra ``s3``, imported only here) signs; the requests go through
our own ``Http``, so that the rules for proxies, certificates, time-outs and counting
hold here too. An object's name is its content's SHA-256, so a HEAD that finds it with
the right length spares the upload. Works with Amazon S3, Alibaba OSS (bucket as part of
the host) and MinIO (``path_style``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from wanbatch.model.outcomes import Undeliverable
from wanbatch.model.wire import MediaDelivery, NoReply, Seen
from wanbatch.providers.delivery.delivery import Uploaded
from wanbatch.providers.http.exchange import Http
from wanbatch.words.errors import ExitCode, WanbatchError

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

PRESIGNED_S = 24 * 3600.0
"""An address must outlive our queue and the wait at the API; 24 hours is how long a
task lives there."""
_SHORT = timedelta(minutes=15)
"""For what we ask at once: enough for an upload of 100 MB at 1 Mbit/s."""


class Bucket:
    """One profile's bucket. Raises ``WanbatchError`` where obstore is not installed."""

    def __init__(self, delivery: MediaDelivery, http: Http) -> None:
        self._delivery = delivery
        self._http = http
        self._store = open_store(delivery)

    async def put(self, sha256: str, content: bytes, mime: str) -> Uploaded | Undeliverable:
        """Makes sure that the object is there, under an address good for 24 hours."""
        name = f"{self._delivery.prefix}{sha256}"
        there = await self._http.send_abroad(
            "HEAD", self._sign("HEAD", name, _SHORT), {}, trusted=True
        )
        if (
            isinstance(there, NoReply)
            or there.status != 200
            or there.headers.get("content-length") != str(len(content))
        ):
            sent = await self._http.send_abroad(
                "PUT",
                self._sign("PUT", name, _SHORT),
                {"content-type": mime},
                content,
                trusted=True,
            )
            if isinstance(sent, NoReply) or sent.status not in (200, 201, 204):
                return Undeliverable(self._why(sent))
        return Uploaded(self._sign("GET", name, timedelta(seconds=PRESIGNED_S)), PRESIGNED_S)

    async def check(self) -> Undeliverable | None:
        """Why the bucket cannot be used, or ``None``: a small object is written and
        read back."""
        put = await self.put(
            "wanbatch-doctor", b"wanbatch doctor wrote this; it may be deleted\n", "text/plain"
        )
        if isinstance(put, Undeliverable):
            return put
        seen = await self._http.send_abroad("GET", put.url, {}, trusted=True)
        if isinstance(seen, NoReply):
            return Undeliverable(seen.reason)
        if seen.status == 200:
            return None
        return Undeliverable(f"a presigned address answers HTTP {seen.status}")

    def _sign(self, method: Literal["GET", "HEAD", "PUT"], name: str, lifetime: timedelta) -> str:
        import obstore

        return obstore.sign(self._store, method, name, lifetime)

    def _why(self, seen: Seen) -> str:
        if isinstance(seen, NoReply):
            return f"bucket {self._delivery.bucket} could not be reached: {seen.reason}"
        code = (
            seen.body.partition(b"<Code>")[2]
            .partition(b"</Code>")[0][:60]
            .decode("ascii", "replace")
        )
        told = f", {code}" if code.isalnum() else ""
        hint = {
            403: ": check the access key and its right to write there",
            404: ": check the bucket's name and endpoint",
            301: ": check the region",
        }
        return (
            f"bucket {self._delivery.bucket} answered HTTP"
            f" {seen.status}{told}{hint.get(seen.status, '')}"
        )


def open_store(delivery: MediaDelivery) -> S3Store:
    """obstore's view of the bucket; makes no connection. Raises ``WanbatchError`` where
    the extra is missing."""
    try:
        from obstore.store import S3Store
    except ImportError:
        raise WanbatchError(
            ExitCode.ENVIRONMENT, "a bucket needs the package obstore", "pip install 'obstore>=0.8'"
        ) from None
    config: S3Config = {
        "access_key_id": delivery.access_key.reveal(),
        "secret_access_key": delivery.secret_key.reveal(),
        "region": delivery.region,
        "virtual_hosted_style_request": not delivery.path_style,
    }
    if delivery.session_token:
        config["session_token"] = delivery.session_token.reveal()
    if delivery.endpoint:
        config["endpoint"] = (
            delivery.endpoint
            if delivery.path_style
            else _with_bucket(delivery.endpoint, delivery.bucket)
        )
    return S3Store(delivery.bucket, config=config, client_options={"allow_http": True})


def _with_bucket(endpoint: str, bucket: str) -> str:
    """``https://oss-cn-beijing.aliyuncs.com`` →
    ``https://BUCKET.oss-cn-beijing.aliyuncs.com``."""
    parts = urlsplit(endpoint)
    return (
        endpoint
        if parts.netloc.startswith(f"{bucket}.")
        else f"{parts.scheme}://{bucket}.{parts.netloc}{parts.path}"
    )
