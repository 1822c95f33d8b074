"""A bucket as an object store, on a real S3 server: conditions, races, silence, and
that nothing secret leaves in a text."""

import subprocess
import sys
import urllib.request
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from stores.faulty_proxy import FaultyProxy
from stores.s3_server import ACCESS_KEY, SECRET_KEY, storage_at

from wanbatch.model.objects import ObjectChanged, ObjectExists, StoredObject, StoreSilent
from wanbatch.model.secret import Secret
from wanbatch.model.storage import Storage
from wanbatch.stores.bucket import BucketObjects, open_bucket
from wanbatch.words.errors import ExitCode, WanbatchError

pytestmark = pytest.mark.anyio


@pytest.fixture(name="objects")
def _objects(s3, bucket):
    return BucketObjects(storage_at(s3.url, bucket))


@pytest.fixture(name="faulty")
def _faulty(proxy, bucket):
    return BucketObjects(storage_at(proxy.url, bucket), timeout_s=2.0)


async def test_what_is_created_is_read_replaced_and_deleted(objects):
    assert await objects.read("a/one") is None
    tag = await objects.create("a/one", b"first")
    assert await objects.read("a/one") == StoredObject(b"first", tag)
    with pytest.raises(ObjectExists):
        await objects.create("a/one", b"other")
    new = await objects.replace("a/one", b"second", tag)
    assert new != tag
    with pytest.raises(ObjectChanged):
        await objects.replace("a/one", b"third", tag)
    assert await objects.read("a/one") == StoredObject(b"second", new)
    await objects.delete("a/one")
    await objects.delete("a/one")
    assert await objects.read("a/one") is None
    with pytest.raises(ObjectChanged):
        await objects.replace("a/one", b"fourth", new)
    assert await objects.look("a/one") is None


async def test_names_are_sorted_whole_and_of_any_number(objects):
    names = [f"segments/{n:06}" for n in range(1003)] + ["segmentsother", "other/1"]
    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(objects.create, name, b"x")
    assert await objects.names("segments/") == sorted(names)[1:1004]
    assert await objects.names("segments/", "segments/001000") == [
        "segments/001001",
        "segments/001002",
    ]
    assert await objects.names("segments") == sorted(names)[1:]
    assert len(await objects.names("segments/0005")) == 100
    assert len(await objects.names("", "segments/001001")) == 2
    assert await objects.names("nothing/") == []


async def test_of_eight_contenders_one_wins_forty_times(objects):
    for race in range(40):
        outcomes: list[tuple[str, str | None]] = []

        async def contend(who, race=race, outcomes=outcomes):
            try:
                outcomes.append((who, await objects.create(f"race/{race:02}", who.encode())))
            except ObjectExists:
                outcomes.append((who, None))

        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(contend, f"contender {number}")
        winners = [(who, tag) for who, tag in outcomes if tag is not None]
        assert len(outcomes) == 8
        assert len(winners) == 1
        found = await objects.read(f"race/{race:02}")
        assert (found.data.decode(), found.tag) == winners[0]


async def test_of_eight_replacements_one_wins(objects):
    tag, won = await objects.create("lease", b"0"), []

    async def contend(who):
        with suppress(ObjectChanged, StoreSilent):
            won.append(await objects.replace("lease", who.encode(), tag))

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(contend, f"contender {number}")
    assert len(won) == 1


async def test_an_answer_that_was_lost_is_silence_and_nothing_is_tried_again(faulty, proxy):
    proxy.add(do="lose", method="PUT")
    with pytest.raises(StoreSilent):
        await faulty.create("one", b"mine")
    assert proxy.count("PUT") == 1, "asked once more, it would have said: exists"
    assert (await faulty.read("one")).data == b"mine"
    with pytest.raises(ObjectExists):
        await faulty.create("one", b"again")
    proxy.add(do="lose", method="PUT")
    tag = (await faulty.read("one")).tag
    with pytest.raises(StoreSilent):
        await faulty.replace("one", b"changed", tag)
    assert (await faulty.read("one")).data == b"changed"


async def test_what_was_repeated_on_the_way_says_exists_of_itself(faulty, proxy):
    proxy.add(do="repeat", method="PUT", times=2)
    with pytest.raises(ObjectExists):
        await faulty.create("one", b"mine")
    found = await faulty.read("one")
    assert found.data == b"mine"
    with pytest.raises(ObjectChanged):
        await faulty.replace("one", b"anew", found.tag)
    assert (await faulty.read("one")).data == b"anew"


@pytest.mark.parametrize("status", [400, 403, 409, 429, 500, 503])
async def test_a_store_that_refuses_is_silent(faulty, proxy, status):
    proxy.add(do="refuse", status=status, times=0)
    for wish in (
        lambda: faulty.read("one"),
        lambda: faulty.create("one", b"x"),
        lambda: faulty.replace("one", b"x", '"tag"'),
        lambda: faulty.names("one"),
        lambda: faulty.delete("one"),
        lambda: faulty.look("one"),
    ):
        with pytest.raises(StoreSilent, match=f"answered HTTP {status}") as caught:
            await wish()
        assert caught.value.__context__ is None, "nothing of obstore's hangs on it"
    assert len(proxy.seen) == 6, "each was asked once"


async def test_a_connection_that_breaks_is_silence(faulty, proxy):
    proxy.add(do="reset", after=10, times=0)
    with pytest.raises(StoreSilent):
        await faulty.create("one", b"x" * 1000)
    with pytest.raises(StoreSilent):
        await faulty.read("one")
    proxy.clear()
    assert await faulty.read("one") is None


async def test_slowness_is_silence_after_the_time(faulty, proxy):
    proxy.add(do="delay", seconds=4.0, late=True)
    with pytest.raises(StoreSilent, match="did not answer in time"):
        await faulty.create("one", b"x")
    proxy.add(do="delay", seconds=0.2)
    assert (await faulty.read("one")).data == b"x", "it was done all the same"


async def test_stale_reads_come_from_the_proxy_as_they_were(faulty, proxy):
    tag = await faulty.create("one", b"old")
    assert await faulty.names("") == ["one"]
    await faulty.replace("one", b"new", tag)
    await faulty.create("two", b"x")
    proxy.add(do="stale", method="GET", times=2)
    assert (await faulty.read("one")).data == b"old"
    assert await faulty.names("") == ["one"]
    assert (await faulty.read("one")).data == b"new"
    assert await faulty.names("") == ["one", "two"]
    await faulty.delete("two")
    proxy.add(do="stale")
    assert (await faulty.look("two")).size == 1
    assert await faulty.look("two") is None


async def test_a_missing_bucket_is_no_missing_object(s3, faulty, proxy):
    for status in (404, 412):
        proxy.add(do="refuse", status=status, code="NoSuchBucket")
        with pytest.raises(StoreSilent, match="NoSuchBucket: check the bucket's name"):
            await faulty.replace("one", b"x", '"tag"')
    objects = BucketObjects(storage_at(s3.url, "no-such-bucket"))
    for wish in (
        lambda: objects.read("one"),
        lambda: objects.create("one", b"x"),
        lambda: objects.names(""),
        lambda: objects.delete("one"),
        lambda: objects.stream("one", bytes),
    ):
        with pytest.raises(StoreSilent, match="NoSuchBucket: check the bucket's name"):
            await wish()


async def test_nobody_listens():
    with pytest.raises(StoreSilent, match="could not be reached"):
        await BucketObjects(storage_at("http://127.0.0.1:9", "bucket")).read("one")


async def test_an_object_of_a_file_is_streamed_and_signed(objects, tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"v" * 3_000_000)
    await objects.create_from("sha256/ab/video.mp4", path, "video/mp4")
    with pytest.raises(ObjectExists):
        await objects.create_from("sha256/ab/video.mp4", path, "video/mp4")
    pieces: list[bytes] = []
    assert await objects.stream("sha256/ab/video.mp4", pieces.append)
    assert b"".join(pieces) == path.read_bytes()
    assert not await objects.stream("sha256/ab/other.mp4", pieces.append)
    assert (await objects.look("sha256/ab/video.mp4")).size == 3_000_000
    mime, data = get(objects.sign("sha256/ab/video.mp4", timedelta(minutes=5)))
    assert (mime, data) == ("video/mp4", path.read_bytes())
    with pytest.raises(OSError, match="No such file"):
        await objects.create_from("sha256/ab/none.mp4", tmp_path / "none", "video/mp4")


async def test_nothing_secret_is_in_any_text(faulty, proxy, bucket, s3):
    texts = [repr(faulty), str(vars(faulty)), repr(storage_at(s3.url, bucket))]
    for fault in ({"do": "refuse", "status": 403}, {"do": "lose"}, {"do": "reset"}):
        proxy.add(**fault)
        with pytest.raises(StoreSilent) as caught:
            await faulty.create("one", b"x")
        texts += [str(caught.value), repr(caught.value)]
    for text in texts:
        assert SECRET_KEY not in text
        assert ACCESS_KEY not in text
        assert "Signature" not in text


async def test_a_cancelled_wait_does_not_hold_anybody_up(faulty, proxy):
    proxy.add(do="delay", seconds=1.5, late=True)
    began = anyio.current_time()
    with anyio.move_on_after(0.2):
        await faulty.create("one", b"x")
    assert anyio.current_time() - began < 1.0


async def test_the_proxy_is_a_process_too(process, bucket):
    rules = b'[{"do": "refuse", "status": 500, "method": "GET"}]'
    get(f"{process}/_faults", rules)
    objects = BucketObjects(storage_at(process, bucket))
    with pytest.raises(StoreSilent, match="HTTP 500"):
        await objects.read("one")
    assert await objects.read("one") is None
    assert get(f"{process}/_seen")[1].count(b"refuse") == 1


@pytest.fixture(name="process")
def _process(s3):
    """Its address."""
    words = [sys.executable, str(Path(__file__).with_name("faulty_proxy.py")), "--to", s3.url]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def get(url, data=None):
    """Content type and body of a real answer."""
    with urllib.request.urlopen(url, data=data, timeout=20) as reply:
        return reply.headers["content-type"], reply.read()


# -- what is opened how ----------------------------------------------------------------


def test_a_bucket_is_part_of_the_host_but_for_path_style():
    plain = Storage("s3", "clips", "a", "https://oss-cn-beijing.aliyuncs.com", "cn-beijing")
    for endpoint in (plain.endpoint, "https://clips.oss-cn-beijing.aliyuncs.com"):
        signed = BucketObjects(replace(plain, endpoint=endpoint, access_key=Secret("A"))).sign(
            "x", timedelta(hours=1)
        )
        assert signed.startswith("https://clips.oss-cn-beijing.aliyuncs.com/a/x?")
    assert "X-Amz-Security-Token=tok" in BucketObjects(
        replace(plain, session_token=Secret("tok"))
    ).sign("x", timedelta(hours=1))


def test_other_clouds_open_without_a_connection(monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "Y2FuYXJ5")
    azure = open_bucket(Storage("az", "clips", "a", account="studio"), 5.0)
    assert "studio" in str(azure.config)
    gcs = open_bucket(Storage("gs", "clips", "a", "https://storage.example.com"), 5.0)
    assert gcs.prefix == "a"


def test_a_store_that_cannot_be_opened_says_so():
    with pytest.raises(WanbatchError) as caught:
        open_bucket(Storage("az", "clips", account=""), 5.0)
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert "cannot be used" in caught.value.message


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(WanbatchError) as caught:
        open_bucket(Storage("s3", "clips"), 5.0)
    assert caught.value.message == "an object store needs the package obstore"
    assert "pip install 'obstore" in caught.value.hints[0]


def test_the_proxy_says_what_it_knows():
    with FaultyProxy("http://127.0.0.1:9") as proxy, pytest.raises(TypeError):
        proxy.add(do="lose", often=3)
