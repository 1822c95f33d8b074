"""Exchanges whose bodies come in odd pieces, or not as they say: nothing of them is
taken for an answer, and a POST is never taken for unsent."""

from __future__ import annotations

import ssl
import struct

import anyio
import httpx
import pytest

from wanbatch.model.outcomes import (
    Accepted,
    Downloaded,
    DownloadFailed,
    NotAccepted,
    Running,
    Succeeded,
    Uncertain,
)
from wanbatch.providers.client import Client
from wanbatch.providers.http import download as http_download
from wanbatch.providers.http import exchange as http_exchange
from wanbatch.testing.network import MemoryNetwork
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio
ADDRESS = "https://api.example.com"
TAKEN = b'{"id":"task_1","status":"queued"}'


class Pieces(httpx.AsyncByteStream):
    """A body that comes piece by piece; ``gap_s`` lies between two."""

    def __init__(self, *pieces, gap_s=None):
        self.pieces, self.gap_s, self.given = pieces, gap_s, 0

    async def __aiter__(self):
        for piece in self.pieces:
            if self.gap_s is not None:
                await anyio.sleep(self.gap_s)
            self.given += 1
            yield piece


async def submit(profile_for, request_with, answer):
    async with Client(profile_for(ADDRESS), pool=AtOnce(), network=MemoryNetwork(answer)) as client:
        return await client.submit(request_with(), {"first_frame": "https://h.test/a.png"})


@pytest.mark.parametrize("gap_s", [None, 0.0])
async def test_an_answer_over_the_cap_is_left_where_it_is(profile_for, request_with, gap_s):
    body = Pieces(*[bytes(1024 * 1024)] * 9, gap_s=gap_s)
    outcome = await submit(profile_for, request_with, lambda _: httpx.Response(200, stream=body))
    assert isinstance(outcome, Uncertain)
    assert "larger than 4 MiB" in outcome.reason
    assert body.given <= 9


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_an_answer_in_pieces_is_one_answer(profile_for, request_with, size):
    pieces = [TAKEN[i : i + size] for i in range(0, len(TAKEN), size)]
    answer = httpx.Response(200, stream=Pieces(*pieces))
    assert await submit(profile_for, request_with, lambda _: answer) == Accepted("task_1")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
async def test_a_coding_that_cannot_be_undone_leaves_the_submit_uncertain(
    profile_for, request_with, coding
):
    answer = httpx.Response(200, stream=Pieces(TAKEN), headers={"content-encoding": coding})
    assert isinstance(await submit(profile_for, request_with, lambda _: answer), Uncertain)


async def test_a_connection_that_tls_refuses_is_told_by_its_reason(profile_for, request_with):
    def refuse(request):
        error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
        error.reason = "WRONG_VERSION_NUMBER"
        raise httpx.ConnectError("failed", request=request) from error

    outcome = await submit(profile_for, request_with, refuse)
    assert outcome == NotAccepted("no secure connection could be made: wrong version number")


# -- downloads -------------------------------------------------------------------------


async def download(profile_for, part, response):
    network = MemoryNetwork(lambda _: response)
    async with Client(profile_for(ADDRESS), pool=AtOnce(), network=network) as client:
        return await client.download("task_abc", Succeeded(), part)


def whole(video, **given):
    return httpx.Response(200, headers={"content-type": "video/mp4"}, **given)


@pytest.fixture
def part(tmp_path):
    return tmp_path / "1.part"


async def test_a_coded_video_in_tiny_pieces_is_put_together(profile_for, part, video):
    """What it is shows in its first twelve bytes: here they come one by one."""
    pieces = [*(video[n : n + 1] for n in range(40)), video[40:]]
    headers = {"content-type": "video/mp4", "content-encoding": "gzip"}
    response = httpx.Response(200, stream=Pieces(*pieces), headers=headers)
    assert isinstance(await download(profile_for, part, response), Downloaded)
    assert part.read_bytes() == video


async def test_a_large_video_is_written_as_it_comes(profile_for, part, video):
    large = video + struct.pack(">I4s", 3_000_008, b"free") + bytes(3_000_000)
    pieces = [large[i : i + 100_000] for i in range(0, len(large), 100_000)]
    sizes = []

    class Watched(Pieces):
        async def __aiter__(self):
            async for piece in super().__aiter__():
                sizes.append(part.stat().st_size)
                yield piece

    response = whole(video, stream=Watched(*pieces))
    assert isinstance(await download(profile_for, part, response), Downloaded)
    assert part.read_bytes() == large
    assert 0 < sizes[20] < sizes[-1]


async def test_a_slow_transfer_that_goes_on_is_not_cut_off(profile_for, part, video, monkeypatch):
    monkeypatch.setattr(http_download, "STALL_S", 0.01)
    monkeypatch.setattr(http_download, "STALL_BYTES", 1024)
    step = len(video) // 5 + 1
    pieces = [video[i : i + step] for i in range(0, len(video), step)]
    response = whole(video, stream=Pieces(*pieces, gap_s=0.02))
    assert isinstance(await download(profile_for, part, response), Downloaded)
    assert part.read_bytes() == video


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (Pieces(b'{"error":{"message":"no such task"}}'), "HTTP 404 (no such task)"),
        (Pieces(*[b"x" * 9000] * 3), "HTTP 404"),
    ],
    ids=["an error", "a page without end"],
)
async def test_an_errors_words_are_told_as_far_as_they_are_short(profile_for, part, body, told):
    outcome = await download(profile_for, part, httpx.Response(404, stream=body))
    assert isinstance(outcome, DownloadFailed)
    assert outcome.reason.endswith(told)
    assert outcome.gone
    assert not part.exists()


class Nameless(MemoryNetwork):
    """No name is known here."""

    async def resolve(self, host, port):
        raise OSError("no such name")


@pytest.mark.parametrize(("proxy", "came"), [("http://proxy.test:8080", True), ("", False)])
async def test_a_name_that_only_the_proxy_knows_is_left_to_it(
    profile_for, part, video, proxy, came
):
    network = Nameless(lambda _: whole(video, content=video))
    async with Client(profile_for(ADDRESS, proxy=proxy), pool=AtOnce(), network=network) as client:
        result = Succeeded(("https://store.elsewhere.example/a.mp4",))
        outcome = await client.download("bad id", result, part)
    assert isinstance(outcome, Downloaded if came else DownloadFailed)


async def test_more_tasks_than_addresses_are_kept_are_each_asked_about(profile_for, monkeypatch):
    monkeypatch.setattr(http_exchange, "TARGETS", 2)
    asked = []

    def answer(request):
        asked.append(request.url.path.rpartition("/")[2])
        return httpx.Response(200, json={"id": asked[-1], "status": "running"})

    names = [f"task_{number}" for number in (1, 2, 1, 3, 4, 1, 2)]
    async with Client(profile_for(ADDRESS), pool=AtOnce(), network=MemoryNetwork(answer)) as client:
        for name in names:
            assert isinstance(await client.poll(name, 0.0), Running)
    assert asked == names
