"""A folder as an object store for videos: created once, whole, and never over
another."""

from datetime import timedelta

import pytest

from wanbatch.model.archive import Listed
from wanbatch.model.objects import ObjectExists, StoreSilent
from wanbatch.model.storage import Storage
from wanbatch.stores import folder as folder_module
from wanbatch.stores.folder import FolderObjects
from wanbatch.words.errors import ExitCode, WanbatchError

pytestmark = pytest.mark.anyio


@pytest.fixture(name="root")
def _root(tmp_path):
    root = tmp_path / "mounted"
    root.mkdir()
    return root


@pytest.fixture(name="objects")
def _objects(root):
    return FolderObjects(Storage("file", "", str(root)))


@pytest.fixture(name="video")
def _video(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"v" * 2_500_000)
    return path


async def test_what_is_created_is_listed_and_streamed(objects, root, video):
    assert await objects.look("sha256/ab/one.mp4") is None
    assert await objects.create_from("sha256/ab/one.mp4", video, "video/mp4") == ""
    await objects.create_from("sha256/cd/two.mp4", video, "video/mp4")
    one, two = (Listed(f"sha256/{n}.mp4", 2_500_000, "") for n in ("ab/one", "cd/two"))
    assert await objects.look(one.name) == one
    assert await objects.listed("sha256/") == [one, two]
    assert await objects.listed("sha256/", one.name) == [two]
    assert await objects.listed("sha256/c") == [two]
    assert await objects.listed("none/") == []
    pieces: list[bytes] = []
    assert await objects.stream(one.name, pieces.append)
    assert b"".join(pieces) == video.read_bytes()
    assert not await objects.stream("sha256/none.mp4", pieces.append)
    assert not await objects.stream(f"{one.name}/below", pieces.append)
    assert await objects.look(f"{one.name}/below") is None
    assert (root / one.name).stat().st_mode & 0o444 == 0o444


async def test_nothing_is_replaced(objects, root, video):
    (root / "one.mp4").write_bytes(b"another's")
    with pytest.raises(ObjectExists):
        await objects.create_from("one.mp4", video, "video/mp4")
    assert (root / "one.mp4").read_bytes() == b"another's"
    assert [path.name for path in root.iterdir()] == ["one.mp4"], "nothing half made is left"


async def test_what_is_half_made_is_not_listed(objects, root, monkeypatch, video):
    def broken(source, target):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(folder_module, "give_name", broken)
    with pytest.raises(StoreSilent, match="cannot be used: Input/output error"):
        await objects.create_from("one.mp4", video, "video/mp4")
    (root / ".two.mp4.1-2.part").write_bytes(b"half")
    assert await objects.listed("") == []


async def test_a_folder_that_is_not_there_may_be_a_disk_that_is_not_mounted(objects, root, video):
    root.rmdir()
    for wish in (
        lambda: objects.create_from("one.mp4", video, "video/mp4"),
        lambda: objects.listed(""),
        lambda: objects.look("one.mp4"),
    ):
        with pytest.raises(StoreSilent, match="is not there: is its disk mounted"):
            await wish()
    assert not root.exists()


async def test_a_link_under_the_name_is_no_object(objects, root, video):
    (root / "one.mp4").symlink_to(video)
    assert await objects.look("one.mp4") is None


async def test_a_folder_signs_nothing(objects):
    with pytest.raises(WanbatchError, match="which signs no addresses") as caught:
        objects.sign("one.mp4", timedelta(days=1))
    assert caught.value.exit_code is ExitCode.INVALID
