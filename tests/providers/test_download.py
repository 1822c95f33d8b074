"""Downloads over real sockets: whole files only, the key on its own origin only, public
addresses only."""

import gzip
import hashlib
import socket
import time
import zlib

import anyio
import httpx
import pytest
from expecting import expect

from wanbatch.model.outcomes import Downloaded, DownloadFailed, Succeeded
from wanbatch.providers.client import Client
from wanbatch.providers.http import connections
from wanbatch.providers.http import download as http_download
from wanbatch.providers.http.exchange import timeouts
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio


@pytest.fixture(name="part")
def _part(tmp_path):
    return tmp_path / "result.mp4.part"


async def download(profile, part, *urls, task_id="task_abc"):
    async with Client(profile, pool=AtOnce()) as backend:
        return await backend.download(task_id, Succeeded(urls), part)


def whole(video, answer, **headers):
    return answer(200, video, content_type="video/mp4", **headers)


def broken_after(count, head):
    """Sends ``head`` and ``count`` bytes of its body, then breaks off."""

    def send(connection, _):
        body_at = head.index(b"\r\n\r\n") + 4
        connection.sendall(head[: body_at + count])
        connection.shutdown(socket.SHUT_RDWR)

    return send


def is_video(outcome, part, video):
    assert isinstance(outcome, Downloaded), outcome
    assert part.read_bytes() == video
    assert outcome.facts.sha256 == hashlib.sha256(video).hexdigest()
    assert (outcome.facts.bytes, outcome.facts.width, outcome.facts.height) == (len(video), 128, 96)
    return True


# --- where the bytes come from


async def test_the_content_route_needs_the_key(serve, answer, video, profile_for, part, key):
    server = serve([whole(video, answer)])
    assert is_video(await download(profile_for(server.url), part), part, video)
    assert server.received[0].path == "/v1/videos/task_abc/content"
    assert server.received[0].headers["authorization"] == f"Bearer {key}"


async def test_the_named_url_comes_first_and_content_after_it(
    serve, answer, video, profile_for, part
):
    server = serve(
        {"/signed": [answer(403, b"<Error>expired</Error>")], "/v1": [whole(video, answer)]}
    )
    assert is_video(
        await download(profile_for(server.url), part, server.url + "/signed?Signature=abc"),
        part,
        video,
    )
    assert [r.path for r in server.received] == [
        "/signed?Signature=abc",
        "/v1/videos/task_abc/content",
    ]


async def test_twice_gives_the_same_file(serve, answer, video, profile_for, part):
    server = serve([whole(video, answer)])
    for _ in range(2):
        assert is_video(await download(profile_for(server.url), part), part, video)


async def test_a_longer_file_from_before_leaves_no_tail(serve, answer, video, profile_for, part):
    part.write_bytes(b"x" * (len(video) + 5000))
    server = serve([whole(video, answer)])
    assert is_video(await download(profile_for(server.url), part), part, video)


async def test_a_body_without_length_is_judged_by_its_boxes(
    serve, answer, video, profile_for, part
):
    server = serve([answer(200, video, content_length="", connection="close")])
    assert is_video(await download(profile_for(server.url), part), part, video)
    short = serve([answer(200, video[:-700], content_length="", connection="close")])
    outcome = await download(profile_for(short.url), part)
    assert isinstance(outcome, DownloadFailed)
    # It came whole, begins as a video and is none: kept as evidence, and named by its
    # hash.
    assert outcome.refused == hashlib.sha256(part.read_bytes()).hexdigest()


# --- what is never kept


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html>sign in</html>", "text/html"),
        (b'{"error": {"message": "no"}}', "application/json"),
        (b"", "video/mp4"),
    ],
)
async def test_a_foreign_body_is_not_kept(serve, answer, profile_for, part, body, content_type):
    server = serve([answer(200, body, content_type=content_type)])
    outcome = await download(profile_for(server.url), part)
    assert isinstance(outcome, DownloadFailed)
    assert "no whole video" in outcome.reason
    assert not outcome.gone
    assert not part.exists()


async def test_a_short_body_is_fetched_again_and_never_kept(
    serve, answer, video, profile_for, part
):
    server = serve([broken_after(5000, whole(video, answer))])
    outcome = await download(profile_for(server.url), part)
    assert isinstance(outcome, DownloadFailed)
    assert not part.exists()
    assert len(server.received) > 1


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
async def test_a_coded_body_is_undone_though_identity_was_asked_for(
    serve, answer, video, profile_for, part, coding
):
    packed = zlib.compress(video) if coding == "deflate" else gzip.compress(video)
    server = serve([answer(200, packed, content_encoding=coding)])
    outcome = await download(profile_for(server.url), part)
    assert is_video(outcome, part, video)
    assert server.received[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip"])
async def test_bytes_that_are_a_video_are_one_whatever_the_header_says(
    serve, answer, video, profile_for, part, coding
):
    server = serve([answer(200, video, content_encoding=coding)])
    assert is_video(await download(profile_for(server.url), part), part, video)


async def test_a_coding_that_cannot_be_undone_or_grows_over_the_cap_is_refused(
    serve, answer, video, profile_for, part, monkeypatch
):
    bomb = gzip.compress(b"\0\0\0\x18free" + b"\0" * 3_000_000)
    monkeypatch.setattr(http_download, "FILE_LIMIT_BYTES", 1_000_000)
    for body, coding in (
        (b"not brotli at all", "br"),
        (b"\x1f\x8bdamaged, and long", "gzip"),
        (bomb, "gzip"),
    ):
        server = serve([answer(200, body, content_encoding=coding)])
        outcome = await download(profile_for(server.url), part)
        assert isinstance(outcome, DownloadFailed)
        assert not part.exists()


async def test_a_file_over_the_cap_is_refused(serve, answer, video, profile_for, part, monkeypatch):
    monkeypatch.setattr(http_download, "FILE_LIMIT_BYTES", 10_000)
    for step in (whole(video, answer), answer(200, video, content_length="", connection="close")):
        server = serve([step])
        outcome = await download(profile_for(server.url), part)
        assert isinstance(outcome, DownloadFailed)
        assert len(server.received) == 1
        assert not part.exists()


async def test_a_stalled_transfer_ends(serve, answer, video, profile_for, part, monkeypatch):
    monkeypatch.setattr(http_download, "STALL_S", 0.3)
    # A busy machine needs longer to connect, and to send the next byte.
    monkeypatch.setattr(http_download, "timeouts", lambda _: timeouts(2.0) | {"connect": 30.0})

    def trickle(connection, _):
        connection.sendall(whole(video, answer)[:400])
        for _ in range(200):
            connection.sendall(b"\0")
            time.sleep(0.02)

    server = serve([trickle])
    begun = anyio.current_time()
    outcome = await download(profile_for(server.url), part)
    assert isinstance(outcome, DownloadFailed)
    assert "less than" in outcome.reason
    assert anyio.current_time() - begun < 5


async def test_a_silent_transfer_ends(serve, answer, video, profile_for, part, monkeypatch):
    monkeypatch.setattr(http_download, "STALL_S", 0.2)

    def stop_half_way(connection, _):
        connection.sendall(whole(video, answer)[:400])
        time.sleep(1)

    outcome = await download(profile_for(serve([stop_half_way]).url), part)
    assert isinstance(outcome, DownloadFailed)
    assert not part.exists()


async def test_a_disk_that_takes_no_more_is_told(serve, answer, video, profile_for, part):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        outcome = await download(profile_for(serve([whole(video, answer)]).url), part)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert outcome == DownloadFailed("result.mp4.part cannot be written: File too large", disk=True)
    assert not part.exists()


async def test_a_missing_folder_is_told(serve, answer, video, profile_for, tmp_path):
    outcome = await download(
        profile_for(serve([whole(video, answer)]).url), tmp_path / "nowhere" / "a.part"
    )
    assert isinstance(outcome, DownloadFailed)
    assert outcome.disk


# --- resuming


async def test_a_broken_transfer_is_resumed_under_a_strong_tag(
    serve, answer, video, profile_for, part
):
    head = whole(video, answer, etag='"v1"', accept_ranges="bytes")
    rest = answer(
        206, video[5000:], content_range=f"bytes 5000-{len(video) - 1}/{len(video)}", etag='"v1"'
    )
    server = serve([broken_after(5000, head), rest])
    assert is_video(await download(profile_for(server.url), part), part, video)
    assert server.received[1].headers["range"] == "bytes=5000-"
    assert server.received[1].headers["if-range"] == '"v1"'


async def test_a_range_that_is_ignored_starts_over(serve, answer, video, profile_for, part):
    head = whole(video, answer, etag='"v1"', accept_ranges="bytes")
    server = serve([broken_after(5000, head), whole(video, answer)])
    assert is_video(await download(profile_for(server.url), part), part, video)


@pytest.mark.parametrize(
    "headers", [{"etag": 'W/"v1"', "accept_ranges": "bytes"}, {"etag": '"v1"'}, {}]
)
async def test_without_a_strong_tag_nothing_is_resumed(
    serve, answer, video, profile_for, part, headers
):
    server = serve([broken_after(5000, whole(video, answer, **headers)), whole(video, answer)])
    assert is_video(await download(profile_for(server.url), part), part, video)
    assert "range" not in server.received[1].headers


@pytest.mark.parametrize(
    "told",
    [
        "bytes 4999-{last}/{all}",
        "bytes 5000-{last}/{more}",
        "bytes 0-{last}/{all}",
        "bytes */{all}",
        "",
        "bytes " + "9" * 5000 + "-1/2",
    ],
)
async def test_a_range_from_elsewhere_is_never_appended(
    serve, answer, video, profile_for, part, told
):
    told = told.format(last=len(video) - 1, all=len(video), more=len(video) + 9)
    head = whole(video, answer, etag='"v1"', accept_ranges="bytes")
    server = serve(
        [
            broken_after(5000, head),
            answer(206, video[5000:], content_range=told),
            whole(video, answer),
        ]
    )
    assert is_video(await download(profile_for(server.url), part), part, video)
    assert "range" not in server.received[2].headers


async def test_a_file_may_come_in_several_ranges(serve, answer, video, profile_for, part):
    size = len(video)
    head = whole(video, answer, etag='"v1"', accept_ranges="bytes")
    first = answer(206, video[5000:9000], content_range=f"bytes 5000-8999/{size}")
    last = answer(206, video[9000:], content_range=f"bytes 9000-{size - 1}/{size}")
    server = serve([broken_after(5000, head), first, last])
    assert is_video(await download(profile_for(server.url), part), part, video)
    assert [r.headers.get("range") for r in server.received] == [None, "bytes=5000-", "bytes=9000-"]


async def test_an_unasked_206_is_not_taken_for_the_whole(serve, answer, video, profile_for, part):
    server = serve([answer(206, video, content_range=f"bytes 0-{len(video) - 1}/{len(video)}")])
    assert isinstance(await download(profile_for(server.url), part), DownloadFailed)


# --- gone or not


PAST, FUTURE = "Expires=1700000000&Signature=x", "Expires=4000000000&Signature=x"


@pytest.mark.parametrize(
    ("query", "signed", "content", "gone"),
    [
        (FUTURE, 404, 404, True),
        (FUTURE, 410, 410, True),
        (PAST, 403, 404, True),
        (FUTURE, 403, 404, False),
        ("", 403, 404, False),
        (PAST, 403, 403, False),
        (PAST, 403, 502, False),
        (PAST, 500, 404, False),
        (PAST, 403, 400, False),
        (PAST, 429, 410, False),
    ],
)
async def test_gone_means_that_every_source_says_so(
    serve, answer, profile_for, part, query, signed, content, gone
):
    error = {"error": {"message": "no", "type": "invalid_request_error"}}
    api, store = serve([answer(content, error)]), serve([answer(signed, b"<Error/>")])
    outcome = await download(
        profile_for(api.url, download_hosts=("127.0.0.1",)), part, f"{store.url}/signed?{query}"
    )
    assert isinstance(outcome, DownloadFailed)
    assert outcome.gone is gone


# --- the key stays at home


async def test_the_key_does_not_follow_a_redirect(serve, answer, video, profile_for, part, key):
    store = serve([whole(video, answer)])
    api = serve([answer(302, location=store.url + "/file?sig=1")])
    profile = profile_for(api.url, download_hosts=("127.0.0.1",))
    assert is_video(await download(profile, part), part, video)
    assert api.received[0].headers["authorization"] == f"Bearer {key}"
    assert "authorization" not in store.received[0].headers
    assert not any(key in value for value in store.received[0].headers.values())


async def test_the_key_does_not_go_with_a_signed_url(serve, answer, video, profile_for, part):
    store, api = serve([whole(video, answer)]), serve([answer(404)])
    assert is_video(
        await download(
            profile_for(api.url, download_hosts=("127.0.0.1",)), part, store.url + "/file?sig=1"
        ),
        part,
        video,
    )
    assert "authorization" not in store.received[0].headers


async def test_the_key_does_not_come_back_after_a_foreign_hop(
    serve, answer, video, profile_for, part
):
    api = serve({"/v1/videos/task_abc/content": [answer(404)], "/": [whole(video, answer)]})
    store = serve([answer(302, location=api.url + "/v1/other")])
    outcome = await download(
        profile_for(api.url, download_hosts=("127.0.0.1",)), part, store.url + "/file"
    )
    assert is_video(outcome, part, video)
    assert "authorization" not in api.received[-1].headers


async def test_the_key_stays_along_redirects_at_home(serve, answer, video, profile_for, part, key):
    api = serve({"/v1": [answer(307, location="/files/1")], "/files": [whole(video, answer)]})
    assert is_video(await download(profile_for(api.url), part), part, video)
    assert api.received[1].headers["authorization"] == f"Bearer {key}"


async def test_a_url_on_the_apis_origin_gets_the_key(serve, answer, video, profile_for, part, key):
    api = serve([whole(video, answer)])
    assert is_video(
        await download(profile_for(api.url), part, f"{api.url}/v1/videos/task_abc/content"),
        part,
        video,
    )
    assert len(api.received) == 1
    assert api.received[0].headers["authorization"] == f"Bearer {key}"


async def test_redirects_end(serve, answer, profile_for, part):
    api = serve([answer(302, location="/v1/again")])
    outcome = await download(profile_for(api.url), part)
    assert isinstance(outcome, DownloadFailed)
    assert "redirects" in outcome.reason
    assert len(api.received) == http_download.HOPS + 1


# --- addresses


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.7",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
    ],
)
@pytest.mark.parametrize("by_redirect", [False, True])
async def test_local_addresses_are_not_fetched(
    serve, answer, video, profile_for, part, host, by_redirect
):
    secret = serve([whole(video, answer)], host="0.0.0.0")
    target = f"https://{host}:{secret.port}/latest/meta-data"
    home = serve({"/v1": [answer(404)], "/": [answer(302, location=target)]})
    # a backend on another address of the loopback net: its own origin alone is excepted
    outcome = await download(
        profile_for(home.url), part, f"{home.url}/out" if by_redirect else target
    )
    assert isinstance(outcome, DownloadFailed)
    assert "private, local or reserved" in outcome.reason
    assert secret.connections == 0


async def test_a_name_is_judged_by_all_its_addresses_and_connected_by_the_judged_one(
    profile_for, part, monkeypatch
):
    asked, connected = [], []

    async def resolve(host, port, **_):
        asked.append(host)
        mixed = [("8.8.8.8", port), ("10.0.0.1", port)]
        public = [("8.8.8.8", port)]
        return [(2, 1, 6, "", one) for one in (mixed if host == "mixed.example" else public)]

    class Recorder:
        async def handle_async_request(self, request):
            connected.append(
                (request.url.host, request.headers["host"], request.extensions["sni_hostname"])
            )
            raise httpx.ConnectError("stop here")

        async def aclose(self):
            pass

    monkeypatch.setattr("anyio.getaddrinfo", resolve)
    async with Client(profile_for("https://api.example.com"), pool=AtOnce()) as backend:
        monkeypatch.setattr(type(backend._http.connections), "_make", lambda *_: Recorder())
        refused = expect(
            DownloadFailed,
            await backend.download("..", Succeeded(("https://mixed.example/a",)), part),
        )
        await backend.download("..", Succeeded(("https://store.example:8443/a",)), part)
    assert "private" in refused.reason
    assert connected == [("8.8.8.8", "store.example:8443", "store.example")]
    assert asked == ["mixed.example", "store.example"]


async def test_the_judged_address_is_held_to_the_hosts_certificate(
    serve, answer, video, certificates, profile_for, part, monkeypatch
):
    """The pinned connection still checks the certificate against the name, so a pin to
    a stranger's address gets nothing."""
    monkeypatch.setattr(
        connections,
        "objection_to",
        lambda host: None if host[0].isdigit() else "it is not an IP address",
    )
    store = serve([whole(video, answer)], certificates.server)

    async def resolve(host, port, **_):
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("anyio.getaddrinfo", resolve)
    profile = profile_for("https://api.example.com", ca_file=str(certificates.ca_file))
    assert is_video(
        await download(profile, part, f"https://localhost:{store.port}/a", task_id=".."),
        part,
        video,
    )
    assert store.received[0].headers["host"] == f"localhost:{store.port}"
    stranger = await download(profile, part, f"https://other.example:{store.port}/a", task_id="..")
    assert isinstance(stranger, DownloadFailed)
    assert "certificate" in stranger.reason


async def test_plain_http_is_asked_over_https(profile_for, part, monkeypatch):
    asked = []

    async def resolve(host, port, **_):
        asked.append((host, port))
        raise OSError("no network in tests")

    monkeypatch.setattr("anyio.getaddrinfo", resolve)
    await download(
        profile_for("https://api.example.com"), part, "http://store.example/a?sig=1", task_id=".."
    )
    refused = await download(
        profile_for("https://api.example.com"), part, "http://store.example:8080/a", task_id=".."
    )
    assert asked == [("store.example", 443)]
    assert "not https" in refused.reason


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://x.example/a",
        "https://user:pw@8.8.8.8/a",
        "https://",
        "gopher://8.8.8.8",
        "https://[bad",
    ],
)
async def test_odd_locations_are_refused(serve, answer, profile_for, part, location):
    outcome = await download(profile_for(serve([answer(302, location=location)]).url), part)
    assert isinstance(outcome, DownloadFailed)
    assert not part.exists()


ODD = [
    "https://a..b/x",
    "https://" + "x" * 70 + ".example/",
    "https://.example/",
    "https://-x-.example/",
    "https://xn--a/",
    "https://пример.example/",
    "https://[::ffff:8.8.8.8%25eth0]/",
    "https://8.8.8.8:99999/",
    "https://8.8.8.8:0/",
    "https://\x7f/",
    "https://a\tb/",
    "//",
    "https:",
    "?",
    "#",
    "https://u:p@8.8.8.8/",
    "HTTPS://0177.0.0.1/",
    "https://127.0.0.1.:1/",
    "https://①②⑦.0.0.1/",
    "x" * 70_000,
]


@pytest.mark.parametrize(
    "address", ODD, ids=lambda a: a[:24].encode("ascii", "backslashreplace").decode()
)
async def test_no_address_however_odd_raises_or_reaches_anything(
    serve, answer, profile_for, part, address, monkeypatch
):
    async def no_network(host, port, **_):
        host.encode("idna")
        raise OSError("no network in tests")

    monkeypatch.setattr("anyio.getaddrinfo", no_network)
    home = serve(
        [answer(302, location=address)]
        if address.isascii() and address.isprintable()
        else [answer(404)]
    )
    async with Client(profile_for(home.url), pool=AtOnce()) as backend:
        for urls in ((address,), (home.url + "/redirecting",)):
            outcome = await backend.download("..", Succeeded(urls), part)
            assert isinstance(outcome, DownloadFailed), outcome
            assert not outcome.gone or "404" in outcome.reason
    assert not part.exists()


@pytest.mark.parametrize(
    "address",
    [
        "ftp://x.example/a",
        "file://x.example/a",
        "https://u:p@x.example/a",
        "https://u@x.example/a",
        "http://x.example:8080/a",
    ],
)
def test_what_is_no_plain_web_address_is_refused(profile_for, address):
    with pytest.raises(connections.Refused):
        connections.ConnectionPool(profile_for("https://api.example.com")).secured(
            httpx.URL(address)
        )


@pytest.mark.parametrize(
    ("base", "hosts", "address", "secured"),
    [
        ("https://api.example.com", (), "http://x.example/a", "https://x.example/a"),
        ("https://api.example.com", (), "http://api.example.com/a", "https://api.example.com/a"),
        (
            "https://api.example.com",
            ("x.example",),
            "http://x.example:8080/a",
            "http://x.example:8080/a",
        ),
        ("http://127.0.0.1:9", (), "http://127.0.0.1:9/a", "http://127.0.0.1:9/a"),
        ("http://127.0.0.1:9", (), "http://127.0.0.1/a", "https://127.0.0.1/a"),
    ],
)
def test_when_http_stays_http(profile_for, base, hosts, address, secured):
    assert (
        str(
            connections.ConnectionPool(profile_for(base, download_hosts=hosts)).secured(
                httpx.URL(address)
            )
        )
        == secured
    )
