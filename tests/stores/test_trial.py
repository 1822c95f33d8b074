"""A store is tried before it is trusted: a real one keeps its word, and each way of not
keeping it is told."""

from dataclasses import replace
from itertools import count

import pytest
from stores.s3_server import SECRET_KEY, storage_at

from wanbatch.model.objects import StoreSilent
from wanbatch.model.storage import Storage
from wanbatch.model.wire import Profile
from wanbatch.operations.doctor import Health, examine_stores
from wanbatch.stores.bucket import BucketObjects
from wanbatch.stores.folder import FolderObjects
from wanbatch.stores.opening import open_objects
from wanbatch.stores.trial import Untrue, try_ledger, try_videos
from wanbatch.testing.objects import MemoryObjects

pytestmark = pytest.mark.anyio


@pytest.fixture(name="profile")
def _profile(s3, bucket):
    def made(url=s3.url, bucket=bucket):
        storage = storage_at(url, bucket)
        mine = Profile("mine", "gateway", "https://api.example.com", "")
        return replace(mine, store=storage, ledger=replace(storage, prefix="truth"))

    return made


async def examined(profile):
    numbers = count()
    return await examine_stores(profile, lambda: f"nonce-{next(numbers)}")


async def test_a_real_store_keeps_its_word_and_nothing_is_left(profile, s3, bucket):
    store, ledger = await examined(profile())
    assert store.health is ledger.health is Health.GOOD
    assert "of 8 contenders one won" in store.seen
    assert "an old tag were refused" in ledger.seen
    assert await BucketObjects(storage_at(s3.url, bucket, "")).names("") == []


async def test_a_store_without_conditional_writes_is_refused_by_name(profile, proxy, bucket):
    proxy.add(do="careless", times=0)
    for finding in await examined(profile(proxy.url)):
        assert finding.health is Health.BAD
        assert f"the store s3://{bucket}/" in finding.seen
        assert "it has no conditional writes" in finding.seen
        assert "If-None-Match" in finding.help[0]


async def test_one_that_honours_only_the_creation_cannot_hold_a_ledger(profile, proxy):
    proxy.add(do="pass", method="PUT", times=8)
    proxy.add(do="pass", method="PUT", times=1)
    proxy.add(do="pass", method="PUT", times=8)
    proxy.add(do="pass", method="PUT", times=1)
    proxy.add(do="careless", method="PUT", times=0)
    store, ledger = await examined(profile(proxy.url))
    assert store.health is Health.GOOD
    assert ledger.health is Health.BAD
    assert "replaced an object by an old tag" in ledger.seen


async def test_a_store_that_is_silent(profile, proxy):
    proxy.add(do="refuse", status=403, code="AccessDenied", times=0)
    for finding in await examined(profile(proxy.url)):
        assert finding.health is Health.BAD
        assert "HTTP 403, AccessDenied" in finding.seen
        assert SECRET_KEY not in repr(finding)
    assert await examine_stores(Profile("mine", "gateway", "", ""), str) == []


async def test_one_that_cannot_be_opened():
    storage = Storage("az", "clips")
    (found,) = await examined(Profile("mine", "gateway", "", "", store=storage))
    assert "cannot be used" in found.seen
    assert found.health is Health.BAD


async def test_a_folder_holds_videos(tmp_path):
    storage = Storage("file", "", str(tmp_path))
    assert isinstance(open_objects(storage), FolderObjects)
    assert "one won" in await try_videos(open_objects(storage), "nonce")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    tmp_path.joinpath("doctor").rmdir()
    tmp_path.rmdir()
    with pytest.raises(StoreSilent, match="is its disk mounted"):
        await try_videos(open_objects(storage), "nonce")


# -- each way of not keeping it --------------------------------------------------------


class Forgetful(MemoryObjects):
    async def read(self, name):
        return None


class Hiding(MemoryObjects):
    async def names(self, prefix, after=""):
        return []


class Repeating(MemoryObjects):
    async def create(self, name, data):
        there = self.objects.get(name)
        return there.tag if there and there.data == data else await super().create(name, data)


class Tagless(MemoryObjects):
    async def create(self, name, data):
        await super().create(name, data)
        return ""


class Stuck(MemoryObjects):
    async def replace(self, name, data, tag):
        return await super().replace(name, data, "another")


class Alike(MemoryObjects):
    def _write(self, name, data):
        super()._write(name, data)
        self.objects[name] = replace(self.objects[name], tag="same")
        return "same"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Forgetful, "does not give back what was just written"),
        (Hiding, "does not list"),
        (Repeating, "created an object that was there already"),
        (Tagless, "gives no tags"),
        (Stuck, "does not replace an object by the tag"),
        (Alike, "the same tag for other bytes"),
    ],
)
async def test_a_store_that_breaks_its_word(kind, said):
    store = kind()
    with pytest.raises(Untrue, match=said):
        await try_ledger(store, "nonce")
    assert store.objects == {}
    assert "refused" in await try_ledger(MemoryObjects(), "nonce")
