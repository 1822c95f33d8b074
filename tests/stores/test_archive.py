"""Videos in an object store, a real one and one behind a proxy that fails: written
once, confirmed, sent whole again, and never taken for what they are not."""

import hashlib
import os

import anyio
import pytest
from stores.s3_server import storage_at

from wanbatch.model.archive import NotArchived, archived_name, archived_sha256, is_archived
from wanbatch.model.objects import StoreSilent
from wanbatch.model.storage import Storage
from wanbatch.stores import archive as archive_module
from wanbatch.stores.archive import ObjectArchive
from wanbatch.stores.bucket import BucketObjects
from wanbatch.stores.folder import FolderObjects

pytestmark = pytest.mark.anyio


@pytest.fixture(name="video")
def _video(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(os.urandom(400_000))
    return path


@pytest.fixture(name="quick", autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(archive_module, "PAUSES_S", (0.02, 0.05))


@pytest.fixture(name="direct")
def _direct(s3, bucket):
    return BucketObjects(storage_at(s3.url, bucket))


@pytest.fixture(name="faulty")
def _faulty(proxy, bucket):
    return ObjectArchive(BucketObjects(storage_at(proxy.url, bucket), 3.0), patience_s=5.0)


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_names():
    digest = "ab" + "c" * 62
    assert archived_name(digest) == f"sha256/ab/{'c' * 62}.mp4"
    assert archived_sha256(archived_name(digest)) == digest
    for other in ("m/videos/one.mp4", "sha256/ab/c.mp4", f"sha256/ab/{'c' * 62}.webp", ""):
        assert not is_archived(other)
        assert archived_sha256(other) == ""


async def test_equal_bytes_are_kept_though_the_first_copy_is_gone(faulty, proxy, video):
    """Takes of a seed may be one video; who looked at the first removes the copy."""
    digest = sha256_of(video)
    with pytest.raises(FileNotFoundError):
        await faulty.keep(digest, video.with_name("never.mp4"))
    proxy.add(do="delay", method="PUT", seconds=0.5, late=True)
    async with anyio.create_task_group() as group:
        group.start_soon(faulty.keep, digest, video)
        await anyio.sleep(0.2)
        group.start_soon(faulty.keep, digest, video)
        await anyio.sleep(0.1)
        video.unlink()
    await faulty.keep(digest, video)
    assert faulty.sizes == {archived_name(digest): 400_000}


async def test_a_video_is_put_once_and_confirmed_by_its_md5(faulty, proxy, direct, video):
    digest = sha256_of(video)
    await faulty.keep(digest, video)
    assert proxy.count("PUT") == 1
    assert proxy.count("GET") == 0, "its ETag is the MD5: nothing is read back"
    assert (await direct.read(archived_name(digest))).data == video.read_bytes()
    await faulty.keep(digest, video)
    assert proxy.count("PUT") == 2, "refused by its condition"
    assert proxy.count("HEAD") == 1
    assert faulty.sizes == {archived_name(digest): 400_000}


async def test_a_broken_upload_is_sent_whole_again(faulty, proxy, direct, video):
    proxy.add(do="reset", method="PUT", after=100_000, times=2)
    await faulty.keep(sha256_of(video), video)
    assert (await direct.read(archived_name(sha256_of(video)))).data == video.read_bytes()
    assert [what for method, _, what in proxy.seen if method == "PUT"] == ["reset", "reset", ""]
    assert not any("uploadId" in path for _, path, _ in proxy.seen), "never in parts"
    assert faulty.trouble == ""


@pytest.mark.parametrize("fault", ["lose", "repeat"])
async def test_a_deed_whose_answer_was_lost_is_found_done(faulty, proxy, direct, video, fault):
    proxy.add(do=fault, method="PUT")
    await faulty.keep(sha256_of(video), video)
    assert (await direct.read(archived_name(sha256_of(video)))).data == video.read_bytes()
    assert proxy.count("HEAD") >= 1, "it was looked at"


async def test_other_bytes_under_its_name_are_noticed_and_left(faulty, direct, video):
    digest = sha256_of(video)
    for wrong in (b"shorter", bytes(400_000)):
        await direct.create(archived_name(digest), wrong)
        with pytest.raises(NotArchived, match="holds other bytes under sha256/"):
            await faulty.keep(digest, video)
        assert "holds other bytes" in faulty.trouble
        assert (await direct.read(archived_name(digest))).data == wrong
        await direct.delete(archived_name(digest))
    assert faulty.sizes == {}


async def test_where_the_tag_is_no_md5_it_is_read_back_once(faulty, proxy, video, monkeypatch):
    monkeypatch.setattr(archive_module, "_measure", lambda path: (path.stat().st_size, "0" * 32))
    await faulty.keep(sha256_of(video), video)
    assert proxy.count("GET") == 1
    await faulty.keep(sha256_of(video), video)
    assert proxy.count("GET") == 2
    proxy.add(do="refuse", method="GET", status=404, code="NoSuchKey", times=1)
    await faulty.keep(sha256_of(video), video)


async def test_a_store_that_took_it_and_has_it_not_is_no_store(faulty, proxy, video):
    proxy.add(do="refuse", method="PUT", status=412, times=0)
    faulty._patience_s = 0.1
    with pytest.raises(NotArchived, match="and does not have it"):
        await faulty.keep(sha256_of(video), video)


async def test_a_silent_store_is_waited_for_and_then_told(faulty, proxy, video):
    proxy.add(do="refuse", times=3)
    await faulty.keep(sha256_of(video), video)
    assert faulty.trouble == ""
    proxy.add(do="refuse", status=503, times=0)
    faulty._patience_s = 0.2
    with pytest.raises(NotArchived, match="HTTP 503"):
        await faulty.learn()
    assert "HTTP 503" in faulty.trouble
    asked = len(proxy.seen)
    with pytest.raises(NotArchived):
        await faulty.keep(sha256_of(video), video)
    assert len(proxy.seen) == asked + 1, "after it was waited for once, each is tried once"
    with pytest.raises(NotArchived):
        faulty.fetch_now(sha256_of(video), video.with_name("new.mp4"))
    assert len(proxy.seen) == asked + 1
    proxy.clear()
    await faulty.learn()
    assert faulty.trouble == ""
    assert faulty.sizes == {archived_name(sha256_of(video)): 400_000}


async def test_a_store_that_refuses_is_not_waited_for(faulty, proxy, video):
    proxy.add(do="refuse", status=403, code="AccessDenied", times=0)
    began = anyio.current_time()
    with pytest.raises(NotArchived, match="AccessDenied: check the access key"):
        await faulty.keep(sha256_of(video), video)
    assert len(proxy.seen) == 1
    assert anyio.current_time() - began < 3.0


async def test_it_comes_home_whole_or_not_at_all(faulty, proxy, direct, video, tmp_path):
    digest, target = sha256_of(video), tmp_path / "home" / "video.mp4"
    await faulty.keep(digest, video)
    proxy.add(do="lose", method="GET")
    await faulty.fetch(digest, target)
    assert target.read_bytes() == video.read_bytes()
    target.unlink()
    faulty.fetch_now(digest, target)
    assert target.read_bytes() == video.read_bytes()
    target.unlink()
    await direct.delete(archived_name(digest))
    with pytest.raises(NotArchived, match="does not have"):
        await faulty.fetch(digest, target)
    with pytest.raises(NotArchived, match="does not have"):
        faulty.fetch_now(digest, target)
    await direct.create(archived_name(digest), bytes(400_000))
    with pytest.raises(NotArchived, match=r"other bytes under .*; nothing was taken"):
        await faulty.fetch(digest, target)
    assert list(target.parent.iterdir()) == []
    proxy.add(do="lose", method="GET", times=0)
    with pytest.raises(NotArchived):
        faulty.fetch_now(digest, target)
    assert faulty.trouble


async def test_one_put_takes_no_more(faulty, video, monkeypatch):
    monkeypatch.setattr(archive_module, "MOST_BYTES", 1000)
    with pytest.raises(NotArchived, match="one PUT takes 1000"):
        await faulty.keep(sha256_of(video), video)


async def test_many_at_once_hold_few_in_memory(faulty, proxy, tmp_path):
    paths = []
    for number in range(12):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(os.urandom(20_000))
        paths.append(path)
    async with anyio.create_task_group() as tasks:
        for path in paths:
            tasks.start_soon(faulty.keep, sha256_of(path), path)
    assert len(faulty.sizes) == 12
    assert proxy.count("PUT") == 12


async def test_a_folder_is_a_store_of_videos_too(tmp_path, video):
    root = tmp_path / "mounted"
    root.mkdir()
    kept = ObjectArchive(FolderObjects(Storage("file", "", str(root))), patience_s=0.0)
    digest = sha256_of(video)
    await kept.keep(digest, video)
    await kept.keep(digest, video)
    name = archived_name(digest)
    assert (root / name).read_bytes() == video.read_bytes()
    await kept.fetch(digest, tmp_path / "home.mp4")
    assert (tmp_path / "home.mp4").read_bytes() == video.read_bytes()
    kept.fetch_now(digest, tmp_path / "again.mp4")
    (root / name).write_bytes(bytes(400_000))
    with pytest.raises(NotArchived, match="other bytes"):
        await kept.keep(digest, video)
    (root / name).unlink()
    (root / name).parent.rmdir()
    root.joinpath("sha256").rmdir()
    root.rmdir()
    with pytest.raises(NotArchived, match="is its disk mounted"):
        await kept.learn()


class Vanishing(FolderObjects):
    """Loses what it has between two questions."""

    async def stream(self, name, take):
        return False


async def test_what_vanishes_between_two_questions_is_silence(tmp_path, video):
    kept = ObjectArchive(Vanishing(Storage("file", "", str(tmp_path))), patience_s=0.0)
    with pytest.raises(NotArchived, match="no more"):
        await kept.keep(sha256_of(video), video)
    assert issubclass(StoreSilent, Exception)
