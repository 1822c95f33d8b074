"""A bucket as an object store: S3 and what speaks it (OSS, MinIO), GCS, Azure.

What it may not do: try anything again (an answer that was lost, and the deed asked for
once more, would be told "exists" of itself), or let a word of obstore or of a server
out (``trouble`` finds words of our own).

How it works: obstore (extra ``s3``, imported only here) in threads, so that any event
loop will do. Conditions are headers: ``If-None-Match: *`` to create, ``If-Match`` to
replace. A tag is the object's ETag; at GCS its generation, for there an ETag is no
condition. A wait that is cancelled leaves its thread behind: the deed may still be
done, as with any answer that was lost. Exceptions are raised outside of ``except``, so
that none of obstore's hangs on ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from wanbatch.model.archive import Listed
from wanbatch.model.objects import ObjectChanged, ObjectExists, StoredObject
from wanbatch.model.storage import Storage
from wanbatch.stores.trouble import is_conflict, is_missing_bucket, silence_of
from wanbatch.words.errors import ExitCode, WanbatchError

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, S3Store

T = TypeVar("T")

TIMEOUT_S = 30.0
"""For one request about a small object."""
CONNECT_S = 10.0
"""A store that takes longer to be reached than to do its work is away (chosen)."""
THREADS = 16
"""So many requests of one store at once; a store that is silent takes no thread that
others wait for."""
PAGE = 1000
"""Names a page, as many as S3 gives."""


class BucketObjects:
    """An ``ObjectStore``. Of one event loop. Raises ``WanbatchError`` where obstore is
    not installed or the storage cannot be used."""

    def __init__(self, storage: Storage, timeout_s: float = TIMEOUT_S) -> None:
        self.url = storage.url
        self._by_version = storage.scheme == "gs"
        self._store = open_bucket(storage, timeout_s)
        self._threads: anyio.CapacityLimiter | None = None

    async def read(self, name: str) -> StoredObject | None:
        return await self._do(partial(self._read, name))

    async def create(self, name: str, data: bytes, mime: str = "") -> str:
        """``mime`` is what a browser is told that reads the object."""
        return await self._do(partial(self._create, name, data, mime))

    async def replace(self, name: str, data: bytes, tag: str) -> str:
        return await self._do(partial(self._replace, name, data, tag))

    async def names(self, prefix: str, after: str = "") -> Sequence[str]:
        return [one.name for one in await self.listed(prefix, after)]

    async def listed(self, prefix: str, after: str = "") -> list[Listed]:
        """As ``names``, with sizes and tags."""
        return await self._do(partial(self._list, prefix, after))

    async def delete(self, name: str) -> None:
        await self._do(partial(self._delete, name))

    async def look(self, name: str) -> Listed | None:
        """Size and tag of an object, without its bytes."""
        return await self._do(partial(self._head, name))

    async def create_from(self, name: str, path: Path, mime: str) -> str:
        """Creates an object of a file's bytes, in one request. Raises as ``create``,
        and ``OSError`` where the file cannot be read."""
        data = await anyio.to_thread.run_sync(path.read_bytes)
        return await self._do(partial(self._create, name, data, mime))

    async def stream(self, name: str, take: Callable[[bytes], object]) -> bool:
        """Hands an object's bytes piece by piece to ``take``, in a thread; false where
        there is no object."""
        return await self._do(partial(self._stream, name, take))

    def stream_now(self, name: str, take: Callable[[bytes], object]) -> bool:
        """As ``stream``, in the caller's thread."""
        return _without_context(partial(self._stream, name, take), self.url)

    def listed_now(self, prefix: str) -> list[Listed]:
        """As ``listed``, in the caller's thread."""
        return _without_context(partial(self._list, prefix, ""), self.url)

    def create_now(self, name: str, data: bytes, mime: str) -> str:
        """As ``create``, in the caller's thread."""
        return _without_context(partial(self._create, name, data, mime), self.url)

    def sign(self, name: str, lifetime: timedelta) -> str:
        """An address by which anybody can read the object for so long."""
        import obstore

        return _without_context(lambda: obstore.sign(self._store, "GET", name, lifetime), self.url)

    async def _do(self, work: Callable[[], T]) -> T:
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(
            partial(_without_context, work, self.url),
            abandon_on_cancel=True,
            limiter=self._threads,
        )

    # -- in a thread -------------------------------------------------------------------

    def _read(self, name: str) -> StoredObject | None:
        import obstore

        try:
            found = obstore.get(self._store, name)
            return StoredObject(bytes(found.bytes()), self._tag(found.meta))
        except FileNotFoundError as error:
            if is_missing_bucket(error):
                raise
            return None

    def _create(self, name: str, data: bytes, mime: str) -> str:
        import obstore

        about: Any = {"Content-Type": mime} if mime else None
        made = obstore.put(
            self._store, name, data, attributes=about, mode="create", use_multipart=False
        )
        return self._tag(made)

    def _replace(self, name: str, data: bytes, tag: str) -> str:
        import obstore
        from obstore.exceptions import PreconditionError

        kept: Any = {"version": tag} if self._by_version else {"e_tag": tag}
        try:
            made = obstore.put(self._store, name, data, mode=kept, use_multipart=False)
        except FileNotFoundError as error:
            if is_missing_bucket(error):
                raise
            raise PreconditionError(str(error)) from None
        return self._tag(made)

    def _list(self, prefix: str, after: str) -> list[Listed]:
        """Only whole folders can be asked for; the rest of ``prefix`` is looked at
        here."""
        import obstore

        folder = prefix.rpartition("/")[0] or None
        pages = obstore.list(self._store, prefix=folder, offset=after or None, chunk_size=PAGE)
        found = [
            Listed(meta["path"], meta["size"], self._tag(meta))
            for page in pages
            for meta in page
            if meta["path"].startswith(prefix) and meta["path"] > after
        ]
        return sorted(found, key=lambda one: one.name)

    def _delete(self, name: str) -> None:
        import obstore

        try:
            obstore.delete(self._store, name)
        except FileNotFoundError as error:
            if is_missing_bucket(error):
                raise

    def _head(self, name: str) -> Listed | None:
        import obstore

        try:
            meta = obstore.head(self._store, name)
        except FileNotFoundError:
            return None
        return Listed(name, meta["size"], self._tag(meta))

    def _stream(self, name: str, take: Callable[[bytes], object]) -> bool:
        import obstore

        try:
            found = obstore.get(self._store, name)
        except FileNotFoundError as error:
            if is_missing_bucket(error):
                raise
            return False
        for piece in found.stream(min_chunk_size=1 << 20):
            take(bytes(piece))
        return True

    def _tag(self, about: Mapping[str, object]) -> str:
        """Empty where the store gave none; nothing can then be replaced."""
        return str((about["version"] if self._by_version else about["e_tag"]) or "")


def _without_context(work: Callable[[], T], url: str) -> T:
    """Does ``work`` and tells its failure in types and words of ours."""
    from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

    try:
        return work()
    except (AlreadyExistsError, PreconditionError) as error:
        failure: Exception = ObjectChanged(url)
        if is_conflict(error) or is_missing_bucket(error):
            failure = silence_of(url, error)
        elif isinstance(error, AlreadyExistsError):
            failure = ObjectExists(url)
    except (BaseError, FileNotFoundError, ValueError, PermissionError) as error:
        failure = silence_of(url, error)
    raise failure


def open_bucket(storage: Storage, timeout_s: float) -> S3Store | GCSStore | AzureStore:
    """obstore's view of the bucket; makes no connection. Raises ``WanbatchError``."""
    try:
        import obstore.store as stores
        from obstore.exceptions import BaseError
    except ImportError:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            "an object store needs the package obstore",
            "pip install 'obstore>=0.8'",
        ) from None
    common: Any = {
        "prefix": storage.prefix or None,
        "client_options": {
            "timeout": timedelta(seconds=timeout_s),
            "connect_timeout": timedelta(seconds=CONNECT_S),
            "allow_http": storage.endpoint.startswith("http://"),
        },
        "retry_config": {"max_retries": 0},
    }
    kinds: Any = {"s3": stores.S3Store, "gs": stores.GCSStore, "az": stores.AzureStore}
    try:
        opened: S3Store | GCSStore | AzureStore = kinds[storage.scheme](
            storage.bucket, config=_config(storage), **common
        )
        return opened
    except (BaseError, ValueError, OSError) as error:
        kind = type(error).__name__
    raise WanbatchError(
        ExitCode.ENVIRONMENT,
        f"the store {storage.url} cannot be used ({kind})",
        "check its credentials and its settings in your configuration",
    )


def _config(storage: Storage) -> dict[str, Any]:
    if storage.scheme == "s3":
        return _s3_config(storage)
    config: dict[str, Any] = {}
    if storage.endpoint:
        config["base_url" if storage.scheme == "gs" else "endpoint"] = storage.endpoint
    if storage.account:
        config["account_name"] = storage.account
    return config


def _s3_config(storage: Storage) -> dict[str, Any]:
    config: dict[str, Any] = {
        "access_key_id": storage.access_key.reveal(),
        "secret_access_key": storage.secret_key.reveal(),
        "region": storage.region,
        "virtual_hosted_style_request": not storage.path_style,
        "conditional_put": "etag",
        "disable_bulk_delete": True,
    }
    if storage.session_token:
        config["session_token"] = storage.session_token.reveal()
    if storage.endpoint:
        config["endpoint"] = storage.endpoint if storage.path_style else _with_bucket(storage)
    return config


def _with_bucket(storage: Storage) -> str:
    """``https://oss-cn-beijing.aliyuncs.com`` →
    ``https://BUCKET.oss-cn-beijing.aliyuncs.com``."""
    parts = urlsplit(storage.endpoint)
    if parts.netloc.startswith(f"{storage.bucket}."):
        return storage.endpoint
    return f"{parts.scheme}://{storage.bucket}.{parts.netloc}{parts.path}"
