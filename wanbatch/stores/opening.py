"""Opens the object store that a storage names.

What it may not do: reach it; that is the first request's work.
"""

from __future__ import annotations

from wanbatch.model.storage import Storage
from wanbatch.stores.bucket import TIMEOUT_S, BucketObjects
from wanbatch.stores.folder import FolderObjects

Objects = BucketObjects | FolderObjects


def open_objects(storage: Storage, timeout_s: float = TIMEOUT_S) -> Objects:
    """``timeout_s`` bounds each request to a bucket. Raises ``WanbatchError`` where the
    storage cannot be used."""
    return FolderObjects(storage) if storage.scheme == "file" else BucketObjects(storage, timeout_s)
