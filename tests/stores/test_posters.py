"""Posters in an object store, a real one and one behind a proxy that fails: the first
one stays, nobody waits for one, and nothing but a picture comes from there."""

import hashlib
import os
import time

import pytest
from stores.s3_server import storage_at

from wanbatch.model.archive import NotArchived, archived_name, archived_poster
from wanbatch.model.storage import Storage
from wanbatch.stores import posters as posters_module
from wanbatch.stores.archive import ObjectArchive
from wanbatch.stores.bucket import BucketObjects
from wanbatch.stores.folder import FolderObjects

pytestmark = pytest.mark.anyio

SHA = "ab" + "1" * 62
OTHER = "cd" + "2" * 62
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 a picture"


@pytest.fixture(name="poster")
def _poster(tmp_path):
    path = tmp_path / "poster.webp"
    path.write_bytes(WEBP)
    return path


@pytest.fixture(name="direct")
def _direct(s3, bucket):
    return BucketObjects(storage_at(s3.url, bucket))


@pytest.fixture(name="storage")
def _storage(proxy, bucket):
    return storage_at(proxy.url, bucket)


@pytest.fixture(name="archive")
def _archive(storage):
    return ObjectArchive(
        BucketObjects(storage, 60.0), patience_s=0.0, quick=BucketObjects(storage, 0.7)
    )


@pytest.fixture(name="video")
def _video(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(os.urandom(1000))
    return path


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_it_is_put_beside_its_video_and_the_first_one_stays(archive, proxy, direct, poster):
    assert not archive.posters.has(SHA)
    archive.posters.keep(SHA, poster)
    name = f"sha256/ab/{'1' * 62}.webp"
    assert archived_poster(SHA) == name
    assert (await direct.read(name)).data == WEBP
    assert archive.posters.has(SHA)
    assert [method for method, _, _ in proxy.seen] == ["PUT"], "one request"
    poster.write_bytes(WEBP + b" of another FFmpeg")
    archive.posters.keep(SHA, poster)
    assert (await direct.read(name)).data == WEBP
    assert archive.trouble == ""


async def test_where_another_machine_was_first_it_is_known_to_be_there(archive, direct, poster):
    await direct.create(archived_poster(SHA), WEBP + b"!")
    archive.posters.keep(SHA, poster)
    assert archive.posters.has(SHA)


async def test_a_browser_is_told_that_it_is_a_picture(archive, s3, bucket, poster):
    import obstore

    archive.posters.keep(SHA, poster)
    store = BucketObjects(storage_at(s3.url, bucket))._store
    found = obstore.get(store, archived_poster(SHA))
    assert found.attributes["Content-Type"] == "image/webp"


@pytest.mark.parametrize("content", [b"", b"RIFF1234AVI x", b"<svg>", WEBP + bytes(3_000_000)])
async def test_what_is_no_poster_neither_goes_nor_comes(
    archive, direct, proxy, poster, tmp_path, content
):
    poster.write_bytes(content)
    with pytest.raises(NotArchived, match="is no poster"):
        archive.posters.keep(SHA, poster)
    assert proxy.seen == []
    await direct.create(archived_poster(SHA), content)
    target = tmp_path / "posters" / "new.webp"
    with pytest.raises(NotArchived, match="is no poster"):
        archive.posters.fetch(SHA, target)
    assert not target.parent.exists()
    assert not archive.posters.has(SHA)


async def test_it_comes_whole_or_not_at_all(archive, direct, tmp_path):
    target = tmp_path / "posters" / "new.webp"
    with pytest.raises(NotArchived, match="does not have sha256/ab/1"):
        archive.posters.fetch(SHA, target)
    await direct.create(archived_poster(SHA), WEBP)
    archive.posters.fetch(SHA, target)
    assert [path.read_bytes() for path in target.parent.iterdir()] == [WEBP]
    assert archive.posters.has(SHA)
    with pytest.raises(OSError, match="No such file"):
        archive.posters.keep(SHA, tmp_path / "never.webp")


async def test_what_is_there_is_asked_by_folder(archive, direct, proxy, poster):
    for sha256 in (SHA, OTHER):
        await direct.create(archived_poster(sha256), WEBP)
    archive.posters.learn("ab")
    assert (archive.posters.has(SHA), archive.posters.has(OTHER)) == (True, False)
    assert len(proxy.seen) == 1
    await archive.learn()
    assert archive.posters.has(OTHER)


async def test_a_silent_store_is_asked_once_and_is_no_trouble(archive, proxy, poster, video):
    proxy.add(do="refuse", status=503, times=0)
    with pytest.raises(NotArchived, match="HTTP 503"):
        archive.posters.keep(SHA, poster)
    with pytest.raises(NotArchived, match="HTTP 503"):
        archive.posters.fetch(OTHER, poster.with_name("new.webp"))
    assert len(proxy.seen) == 1
    assert archive.trouble == "", "of a run; a poster is none"
    proxy.clear()
    with pytest.raises(NotArchived):
        archive.posters.keep(SHA, poster)
    await archive.keep(sha256_of(video), video)
    archive.posters.keep(SHA, poster)
    assert archive.posters.has(SHA), "it has answered since"


async def test_one_that_refuses_posters_is_not_asked_again(archive, proxy, poster, video):
    proxy.add(do="refuse", status=403, code="AccessDenied", path="webp", times=0)
    for _ in range(2):
        with pytest.raises(NotArchived, match="AccessDenied"):
            archive.posters.keep(SHA, poster)
        await archive.keep(sha256_of(video), video)
    assert proxy.count("PUT", "webp") == 1
    assert archive.trouble == ""


async def test_where_the_videos_wait_in_vain_no_poster_is_tried(archive, proxy, poster, video):
    proxy.add(do="refuse", status=503, times=0)
    with pytest.raises(NotArchived):
        await archive.keep(sha256_of(video), video)
    asked = len(proxy.seen)
    with pytest.raises(NotArchived, match="HTTP 503"):
        archive.posters.keep(SHA, poster)
    assert len(proxy.seen) == asked


async def test_who_asks_in_vain_does_not_ask_for_a_video(archive, proxy, tmp_path):
    proxy.add(do="refuse", status=503, times=0)
    with pytest.raises(NotArchived):
        archive.posters.learn("ab")
    with pytest.raises(NotArchived, match="HTTP 503"):
        archive.fetch_now(SHA, tmp_path / "video.mp4")
    assert len(proxy.seen) == 1


async def test_a_poster_is_waited_for_a_short_while_alone(archive, proxy, poster):
    proxy.add(do="delay", path="webp", seconds=5.0, times=0)
    began = time.monotonic()
    with pytest.raises(NotArchived, match="did not answer in time"):
        archive.posters.keep(SHA, poster)
    assert time.monotonic() - began < 4.0
    assert posters_module.REQUEST_S <= 10.0


async def test_a_folder_has_them_too(tmp_path, poster):
    root = tmp_path / "mounted"
    root.mkdir()
    archive = ObjectArchive(FolderObjects(Storage("file", "", str(root))), patience_s=0.0)
    archive.posters.keep(SHA, poster)
    assert (root / archived_poster(SHA)).read_bytes() == WEBP
    poster.write_bytes(WEBP + b"!")
    archive.posters.keep(SHA, poster)
    assert (root / archived_poster(SHA)).read_bytes() == WEBP
    fresh = ObjectArchive(FolderObjects(Storage("file", "", str(root))), patience_s=0.0)
    fresh.posters.learn("ab")
    assert fresh.posters.has(SHA)
    assert fresh.sizes == {archived_poster(SHA): len(WEBP)}
    fresh.posters.fetch(SHA, tmp_path / "new.webp")
    assert (tmp_path / "new.webp").read_bytes() == WEBP
    gone = ObjectArchive(FolderObjects(Storage("file", "", str(tmp_path / "no"))), patience_s=0.0)
    with pytest.raises(NotArchived, match="is its disk mounted"):
        gone.posters.keep(SHA, poster)


def test_names():
    assert archived_poster(SHA) == archived_name(SHA).removesuffix("mp4") + "webp"
