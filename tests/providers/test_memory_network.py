"""The network in memory: a client over it behaves as over the real one, and what is not
known is not assumed."""

from __future__ import annotations

import httpx
import pytest
from expecting import expect

from wanbatch.model.media import VideoFacts
from wanbatch.model.outcomes import Accepted, Downloaded, NotAccepted, Succeeded, Uncertain
from wanbatch.providers.client import Client
from wanbatch.testing.network import MemoryNetwork
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio
ADDRESS = "https://api.example.com"


def taken(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"id": "task_1", "status": "queued"})


def cut_off(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("the connection broke", request=request)


class Telling(httpx.AsyncBaseTransport):
    """Breaks before or after it says that the head is being written."""

    def __init__(self, *, after: bool) -> None:
        self.after = after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.after:
            await request.extensions["trace"](
                "http11.send_request_headers.started", {"request": request}
            )
        raise httpx.WriteError("the connection broke", request=request)


async def submit(network, profile_for, request_with):
    profile = profile_for(ADDRESS)
    async with Client(profile, pool=AtOnce(), network=network) as client:
        return await client.submit(request_with(), {"first_frame": "https://h.test/a.png"})


async def test_a_function_is_a_network(profile_for, request_with):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, str(request.url), request.headers["authorization"]))
        return taken(request)

    assert await submit(MemoryNetwork(answer), profile_for, request_with) == Accepted("task_1")
    [(method, url, key)] = asked
    assert (method, url) == ("POST", f"{ADDRESS}/v1/videos")
    assert key.startswith("Bearer ")


async def test_where_nothing_tells_how_far_a_post_came_it_is_uncertain(profile_for, request_with):
    outcome = await submit(MemoryNetwork(cut_off), profile_for, request_with)
    assert isinstance(outcome, Uncertain)


@pytest.mark.parametrize(("after", "kind"), [(False, NotAccepted), (True, Uncertain)])
async def test_a_network_that_tells_is_believed(profile_for, request_with, after, kind):
    network = MemoryNetwork(Telling(after=after), tells_progress=True)
    assert isinstance(await submit(network, profile_for, request_with), kind)


async def test_a_result_is_downloaded_without_looking_a_name_up(profile_for, video, tmp_path):
    part = tmp_path / "v.mp4.part"

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "store.invalid"
        assert "authorization" not in request.headers
        return httpx.Response(200, content=video, headers={"content-type": "video/mp4"})

    async with Client(profile_for(ADDRESS), pool=AtOnce(), network=MemoryNetwork(answer)) as client:
        found = expect(
            Downloaded,
            await client.download("task_1", Succeeded(("https://store.invalid/a.mp4",)), part),
        )
    assert isinstance(found.facts, VideoFacts)
    assert part.read_bytes() == video
