"""Local media on their way: inline, the emulator's store, a real S3 server, DashScope's
upload space."""

import base64
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from expecting import expect

from wanbatch.model.job import MediaType
from wanbatch.model.outcomes import Delivered, Undeliverable
from wanbatch.model.plan import MediaRef
from wanbatch.model.wire import MediaDelivery, Secret
from wanbatch.providers.client import Client
from wanbatch.providers.delivery import delivery
from wanbatch.providers.delivery.bucket import open_store
from wanbatch.providers.delivery.delivery import check_delivery, real_mime
from wanbatch.testing.pool import AtOnce
from wanbatch.words.errors import ExitCode, WanbatchError

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 10
MP4 = b"\x00\x00\x00\x20ftypisom" + b"frames" * 1000


Media = Sequence[tuple[MediaRef, Path | None]]


async def urls_of(backend: Client, media: Media) -> Mapping[MediaType, str]:
    return expect(Delivered, await backend.deliver(media)).urls


async def refusal_of(backend: Client, media: Media) -> str:
    return expect(Undeliverable, await backend.deliver(media)).text


@pytest.fixture(name="picture")
def _picture(tmp_path):
    path = tmp_path / "misnamed.jpg"
    path.write_bytes(PNG)
    return path


@pytest.fixture(name="clip_file")
def _clip_file(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(MP4)
    return path


def local(path, type_="first_frame"):
    return MediaRef(type_, path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


# --- what a plan must know


@pytest.mark.parametrize(
    ("way", "kind", "ref", "deliverable"),
    [
        ("inline", "gateway", MediaRef("first_frame", "a.png", sha256="0"), True),
        ("inline", "gateway", MediaRef("last_frame", "a.png", sha256="0"), True),
        ("inline", "gateway", MediaRef("driving_audio", "a.wav", sha256="0"), False),
        ("inline", "gateway", MediaRef("first_clip", "a.mp4", sha256="0"), False),
        ("inline", "gateway", MediaRef("first_clip", "one", upstream="f"), False),
        ("inline", "gateway", MediaRef("first_frame", "one", upstream="f", frame="last"), True),
        ("inline", "gateway", MediaRef("first_clip", "u", url="https://x/a.mp4"), True),
        ("inline", "dashscope", MediaRef("driving_audio", "a.wav", sha256="0"), False),
        ("upload", "dashscope", MediaRef("first_clip", "one", upstream="f"), True),
        ("upload", "gateway", MediaRef("first_frame", "a.png", sha256="0"), False),
        ("s3", "gateway", MediaRef("first_clip", "one", upstream="f"), True),
        ("emulator", "emulator", MediaRef("first_clip", "one", upstream="f"), True),
    ],
)
def test_what_can_be_delivered(profile_for, way, kind, ref, deliverable):
    told = check_delivery(profile_for("https://a.example", kind, delivery=MediaDelivery(way)), ref)
    assert (told is None) is deliverable
    if told is not None:
        assert ref.source in told.message or way == "upload"
        [way_out] = told.help
        assert "bucket" in way_out
        assert "https address" in way_out


def test_the_upload_space_is_in_beijing(profile_for):
    ref = MediaRef("first_frame", "a.png", sha256="0")
    upload = MediaDelivery("upload")
    told = check_delivery(
        profile_for("https://dashscope-intl.aliyuncs.com", "dashscope", delivery=upload), ref
    )
    assert "Beijing" in expect(Undeliverable, told).message
    assert (
        check_delivery(
            profile_for("https://dashscope.aliyuncs.com", "dashscope", delivery=upload), ref
        )
        is None
    )


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"BM1234", "image/bmp"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"RIFF1234WAVEfmt ", "audio/wav"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (MP4, "video/mp4"),
        (b"\x00\x00\x00\x14ftypqt  ", "video/quicktime"),
        (b"", "application/octet-stream"),
        (b"\xff", "application/octet-stream"),
        (b"RIFF1234AVI ", "application/octet-stream"),
    ],
)
def test_the_real_format_counts(head, mime):
    assert real_mime(head[:16]) == mime


# --- inline


async def test_pictures_travel_inline_by_their_real_format(profile_for, picture):
    async with Client(profile_for("https://a.example"), pool=AtOnce()) as backend:
        urls = await urls_of(backend, [(local(picture), picture)])
        assert backend.requests == 0
    assert urls == {"first_frame": "data:image/png;base64," + base64.b64encode(PNG).decode()}


async def test_public_addresses_go_as_they_are(profile_for):
    url = "https://x.example/a.mp4?sig=1"
    async with Client(profile_for("https://a.example"), pool=AtOnce()) as backend:
        assert await urls_of(backend, [(MediaRef("first_clip", "x", url=url), None)]) == {
            "first_clip": url
        }


async def test_what_cannot_be_delivered_is_told(
    profile_for, picture, clip_file, tmp_path, monkeypatch
):
    async with Client(profile_for("https://a.example"), pool=AtOnce()) as backend:
        assert "only images travel inline" in await refusal_of(
            backend, [(local(clip_file, "first_clip"), clip_file)]
        )
        assert "cannot be read" in await refusal_of(
            backend, [(local(picture), tmp_path / "gone.png")]
        )
        assert "has no file" in await refusal_of(backend, [(local(picture), None)])
        assert "has changed" in await refusal_of(
            backend, [(MediaRef("first_frame", "a.png", sha256="0" * 64), picture)]
        )
    monkeypatch.setattr("wanbatch.providers.client.INLINE_LIMIT_BYTES", 50)
    async with Client(profile_for("https://a.example"), pool=AtOnce()) as backend:
        assert "fit into one request" in await refusal_of(backend, [(local(picture), picture)])
    assert delivery.INLINE_LIMIT_BYTES > 2 * 20 * 1024 * 1024 * 4 / 3


# --- the emulator's store


async def test_the_emulator_takes_each_content_once(serve, answer, profile_for, picture, key):
    sha256 = hashlib.sha256(PNG).hexdigest()
    server = serve([answer(201, {"url": f"http://127.0.0.1:9/media/{sha256}"})])
    async with Client(
        profile_for(server.url, "emulator", delivery=MediaDelivery("emulator")), pool=AtOnce()
    ) as backend:
        for _ in range(2):
            assert await urls_of(backend, [(local(picture), picture)]) == {
                "first_frame": f"http://127.0.0.1:9/media/{sha256}"
            }
    [received] = server.received
    assert (received.method, received.path, received.body) == ("PUT", f"/media/{sha256}", PNG)
    assert received.headers["authorization"] == f"Bearer {key}"
    assert received.headers["content-type"] == "image/png"


@pytest.mark.parametrize("body", [{"url": "file:///etc/passwd"}, {}, b"<html>"])
async def test_the_emulator_must_name_an_address(serve, answer, profile_for, picture, body):
    async with Client(
        profile_for(serve([answer(200, body)]).url, "emulator", delivery=MediaDelivery("emulator")),
        pool=AtOnce(),
    ) as backend:
        assert "could not be delivered" in await refusal_of(backend, [(local(picture), picture)])


# --- a bucket, on a real S3 server


@pytest.fixture(scope="module", name="s3")
def _s3():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _make_bucket(server, url)
        yield url
    finally:
        server.terminate()
        server.wait()


def _make_bucket(server, url):
    """As soon as the server answers. On a busy machine it needed more than ten seconds
    to start (measured)."""
    made = urllib.request.Request(f"{url}/media-bucket", method="PUT")
    give_up_at = time.monotonic() + 120.0
    while time.monotonic() < give_up_at:
        assert server.poll() is None, "the S3 server has ended"
        try:
            urllib.request.urlopen(made, timeout=5).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail("the S3 server does not answer")


@pytest.fixture(name="bucket_profile")
def _bucket_profile(s3, profile_for):
    bucket = MediaDelivery(
        "s3",
        "media-bucket",
        s3,
        "us-east-1",
        path_style=True,
        access_key=Secret("AKID"),
        secret_key=Secret("canary-secret"),
    )
    return profile_for("https://a.example", delivery=bucket)


def ask(url, method="GET", data=None):
    with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method)) as reply:
        return reply.read(), reply.headers["content-type"]


async def test_a_bucket_holds_each_content_once_and_anyone_with_the_link_reads_it(
    s3, bucket_profile, clip_file
):
    content = MP4 + os.urandom(8)
    clip_file.write_bytes(content)
    for round_ in range(2):
        async with Client(bucket_profile, pool=AtOnce()) as backend:
            urls = await urls_of(backend, [(local(clip_file, "first_clip"), clip_file)])
            assert backend.requests == (2 if round_ == 0 else 1), (
                "HEAD and PUT the first time, HEAD alone afterwards"
            )
            again = await urls_of(backend, [(local(clip_file, "first_clip"), clip_file)])
            assert again == urls
            assert backend.requests == (2 if round_ == 0 else 1)
    url = urls["first_clip"]
    assert url.startswith(f"{s3}/media-bucket/wanbatch/{hashlib.sha256(content).hexdigest()}?")
    assert "X-Amz-Expires=86400" in url
    assert "canary-secret" not in url
    assert ask(url) == (content, "video/mp4")


async def test_a_half_upload_is_replaced(s3, bucket_profile, picture):
    content = PNG + os.urandom(8)
    picture.write_bytes(content)
    ask(f"{s3}/media-bucket/wanbatch/{hashlib.sha256(content).hexdigest()}", "PUT", b"half")
    async with Client(bucket_profile, pool=AtOnce()) as backend:
        urls = await urls_of(backend, [(local(picture), picture)])
    assert ask(urls["first_frame"])[0] == content


async def test_a_wrong_bucket_is_told(s3, bucket_profile, picture):
    wrong = replace(bucket_profile, delivery=replace(bucket_profile.delivery, bucket="not-there"))
    async with Client(wrong, pool=AtOnce()) as backend:
        told = await refusal_of(backend, [(local(picture), picture)])
    assert "NoSuchBucket" in told
    assert "check the bucket's name" in told
    assert "Signature" not in told


async def test_a_bucket_out_of_reach_is_told(bucket_profile, picture):
    away = replace(
        bucket_profile, delivery=replace(bucket_profile.delivery, endpoint="http://127.0.0.1:1")
    )
    async with Client(away, pool=AtOnce()) as backend:
        assert "could not be reached" in await refusal_of(backend, [(local(picture), picture)])


@pytest.mark.parametrize(
    ("endpoint", "path_style", "begins"),
    [
        (
            "https://oss-cn-beijing.aliyuncs.com",
            False,
            "https://my-b.oss-cn-beijing.aliyuncs.com/wanbatch/x?",
        ),
        (
            "https://my-b.oss-cn-beijing.aliyuncs.com",
            False,
            "https://my-b.oss-cn-beijing.aliyuncs.com/wanbatch/x?",
        ),
        ("https://minio.example:9000", True, "https://minio.example:9000/my-b/wanbatch/x?"),
        ("", False, "https://my-b.s3.eu-central-1.amazonaws.com/wanbatch/x?"),
    ],
)
def test_where_a_bucket_is(endpoint, path_style, begins):
    import datetime as dt

    import obstore

    store = open_store(
        MediaDelivery(
            "s3",
            "my-b",
            endpoint,
            "eu-central-1",
            path_style=path_style,
            access_key=Secret("AKID"),
            secret_key=Secret("s"),
        )
    )
    assert obstore.sign(store, "GET", "wanbatch/x", dt.timedelta(hours=24)).startswith(begins)


def test_a_session_token_is_signed_along():
    import datetime as dt

    import obstore

    store = open_store(
        MediaDelivery(
            "s3", "b", access_key=Secret("A"), secret_key=Secret("s"), session_token=Secret("tok")
        )
    )
    assert "X-Amz-Security-Token=tok" in obstore.sign(store, "GET", "x", dt.timedelta(hours=24))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(WanbatchError) as caught:
        open_store(MediaDelivery("s3", "b"))
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert "pip install 'obstore" in caught.value.hints[0]


# --- DashScope's upload space


@pytest.fixture(name="upload_profile")
def _upload_profile(profile_for):
    def make(url):
        return profile_for(
            url, "dashscope", delivery=MediaDelivery("upload"), download_hosts=("127.0.0.1",)
        )

    return make


def policy(host, **changes):
    data = {
        "policy": "cG9saWN5",
        "signature": "c2ln",
        "upload_dir": "dashscope-instant/abc/2026-05-01/u-u-i-d",
        "upload_host": host,
        "expire_in_seconds": 300,
        "max_file_size_mb": 100,
        "oss_access_key_id": "LTAI",
        "x_oss_object_acl": "private",
        "x_oss_forbid_overwrite": "true",
    }
    return {"data": data | changes, "request_id": "r"}


async def test_the_upload_space_takes_a_form_with_the_file_last(
    serve, answer, upload_profile, clip_file, key
):
    space = serve([answer(200)])
    api = serve([answer(200, policy(space.url))])
    sha256 = hashlib.sha256(MP4).hexdigest()
    async with Client(upload_profile(api.url), pool=AtOnce()) as backend:
        for _ in range(2):
            urls = await urls_of(backend, [(local(clip_file, "first_clip"), clip_file)])
        await backend.deliver(
            [(local(clip_file, "first_clip"), clip_file)], "wan2.7-i2v-2026-04-25"
        )
    assert urls == {"first_clip": f"oss://dashscope-instant/abc/2026-05-01/u-u-i-d/{sha256}.mp4"}
    assert [r.path for r in api.received] == [
        f"/api/v1/uploads?action=getPolicy&model={m}"
        for m in ("wan2.7-i2v", "wan2.7-i2v-2026-04-25")
    ]
    assert len(space.received) == 2, "once a model"
    form = space.received[0]
    assert "authorization" not in form.headers
    assert key not in json.dumps(form.headers)
    names = re.findall(rb'[; ]name="([^"]+)"', form.body)
    assert names[-1] == b"file"
    assert set(names[:-1]) == {
        b"OSSAccessKeyId",
        b"Signature",
        b"policy",
        b"key",
        b"success_action_status",
        b"x-oss-object-acl",
        b"x-oss-forbid-overwrite",
    }
    assert MP4 in form.body


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": ""},
        {"upload_host": "file:///etc"},
        {"upload_dir": 'a"\r\nX: y'},
        {"signature": 7},
        {"max_file_size_mb": 0.0001},
        {"upload_host": "https://169.254.169.254"},
        {"upload_host": "http://127.0.0.2:1"},
    ],
)
async def test_a_strange_policy_is_refused(serve, answer, upload_profile, clip_file, changes):
    space = serve([answer(200)])
    api = serve([answer(200, policy(space.url, **changes))])
    async with Client(upload_profile(api.url), pool=AtOnce()) as backend:
        assert "could not be delivered" in await refusal_of(
            backend, [(local(clip_file, "first_clip"), clip_file)]
        )
    assert space.received == []


async def test_an_upload_never_goes_to_a_local_address(serve, answer, upload_profile, clip_file):
    inside = serve([answer(200)], host="0.0.0.0")
    for host in (f"https://127.0.0.2:{inside.port}", f"https://localhost:{inside.port}"):
        api = serve([answer(200, policy(host))])
        async with Client(upload_profile(api.url), pool=AtOnce()) as backend:
            assert "private, local or reserved" in await refusal_of(
                backend, [(local(clip_file, "first_clip"), clip_file)]
            )
    assert inside.connections == 0


@pytest.mark.parametrize(
    ("status", "body"), [(403, b"<Error><Code>AccessDenied</Code></Error>"), (500, b""), (302, b"")]
)
async def test_a_refused_upload_is_told(serve, answer, upload_profile, clip_file, status, body):
    space = serve([answer(status, body)])
    async with Client(
        upload_profile(serve([answer(200, policy(space.url))]).url), pool=AtOnce()
    ) as backend:
        assert f"HTTP {status}" in await refusal_of(
            backend, [(local(clip_file, "first_clip"), clip_file)]
        )


async def test_a_file_that_is_there_already_is_no_failure(serve, answer, upload_profile, clip_file):
    space = serve([answer(409, b"<Error><Code>FileAlreadyExists</Code></Error>")])
    async with Client(
        upload_profile(serve([answer(200, policy(space.url))]).url), pool=AtOnce()
    ) as backend:
        assert isinstance(
            await backend.deliver([(local(clip_file, "first_clip"), clip_file)]), Delivered
        )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"code": "InvalidApiKey", "message": "no", "request_id": "1"}),
        (200, b"<html>"),
        (200, {"data": []}),
    ],
)
async def test_a_refused_policy_is_told(serve, answer, upload_profile, clip_file, status, body):
    async with Client(upload_profile(serve([answer(status, body)]).url), pool=AtOnce()) as backend:
        assert "could not be delivered" in await refusal_of(
            backend, [(local(clip_file, "first_clip"), clip_file)]
        )
