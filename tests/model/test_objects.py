"""The object store in memory keeps to what ``ObjectStore`` promises."""

from __future__ import annotations

import pytest

from wanbatch.model.objects import ObjectChanged, ObjectExists, ObjectStore
from wanbatch.testing.objects import MemoryObjects

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> ObjectStore:
    return MemoryObjects()


async def test_an_object_is_created_once(store: ObjectStore) -> None:
    tag = await store.create("a/1", b"first")
    with pytest.raises(ObjectExists):
        await store.create("a/1", b"second")
    found = await store.read("a/1")
    assert found is not None
    assert (found.data, found.tag) == (b"first", tag)


async def test_an_object_is_replaced_only_by_its_last_tag(store: ObjectStore) -> None:
    old = await store.create("lease", b"same")
    new = await store.replace("lease", b"same", old)
    assert new != old
    for name, tag in (("lease", old), ("missing", new)):
        with pytest.raises(ObjectChanged):
            await store.replace(name, b"other", tag)


async def test_names_are_sorted_and_begin_after_one(store: ObjectStore) -> None:
    for name in ("b/1", "a/2", "a/10", "a/1"):
        await store.create(name, b"")
    assert await store.names("a/") == ["a/1", "a/10", "a/2"]
    assert await store.names("a/", after="a/1") == ["a/10", "a/2"]
    await store.delete("a/10")
    await store.delete("a/10")
    assert await store.read("a/10") is None
    assert await store.names("a/") == ["a/1", "a/2"]
