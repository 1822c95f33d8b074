"""The client over a network in memory: what it takes for an answer, what it keeps to
itself, and where it looks for bytes."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from types import ModuleType

import httpx
import pytest
from expecting import expect

from wanbatch.model.outcomes import (
    Accepted,
    Downloaded,
    DownloadFailed,
    ProbePassed,
    Running,
    Succeeded,
    Uncertain,
    Undeliverable,
    Unreadable,
)
from wanbatch.model.plan import MediaRef
from wanbatch.model.wire import MediaDelivery, Secret
from wanbatch.providers.client import Client
from wanbatch.providers.dialects.gateway import Gateway
from wanbatch.testing.network import MemoryNetwork
from wanbatch.testing.pool import AtOnce
from wanbatch.words import plugins

pytestmark = pytest.mark.anyio
ADDRESS = "https://api.example.com"
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


class Answers:
    """Answers by the path's beginning, and every request that came."""

    def __init__(self, **by_path):
        self.by_path = by_path
        self.asked = []

    def __call__(self, request):
        self.asked.append(request)
        name = request.url.path.rsplit("/", 1)[-1]
        found = self.by_path.get(name, self.by_path.get("other"))
        return found(request) if callable(found) else found

    def client(self, profile, **given):
        return Client(profile, pool=AtOnce(), network=MemoryNetwork(self), **given)


def task(**fields):
    body = {"id": "task_abc", **fields}
    return httpx.Response(200, json=body, headers={"date": DATE})


# -- what is asked ---------------------------------------------------------------------


async def test_a_gateway_that_answers_probes_oddly_is_not_asked(profile_for):
    answers = Answers(other=httpx.Response(500))
    async with answers.client(profile_for(ADDRESS, probe="skip")) as client:
        assert await client.probe() == ProbePassed()
    assert not answers.asked


@pytest.mark.parametrize(("kind", "lists"), [("gateway", False), ("dashscope", True)])
async def test_which_apis_list_the_accounts_tasks(profile_for, kind, lists):
    async with Answers().client(profile_for(ADDRESS, kind)) as client:
        assert client.lists_tasks is lists


class Plain:
    """A dialect that does not know whose answer it reads."""

    kind = "plain"


for _name in ("probe", "read_probe", "submit", "read_submit", "status", "read_status", "content"):
    setattr(Plain, _name, lambda _, *given, _name=_name: getattr(Gateway(), _name)(*given))


@pytest.fixture
def register(monkeypatch):
    """Makes a class the dialect of a kind, as one of ours."""

    def make(kind, dialect):
        module = ModuleType(f"{kind}_dialect")
        monkeypatch.setattr(module, "Dialect", dialect, raising=False)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(plugins.BUILT_IN, kind, f"{module.__name__}:Dialect")

    return make


async def test_a_dialect_that_does_not_tell_tasks_apart_is_read_all_the_same(profile_for, register):
    register("plain", Plain)
    answers = Answers(task_abc=task(status="in_progress"))
    async with answers.client(profile_for(ADDRESS, "plain")) as client:
        assert isinstance(await client.poll("task_abc", 0.0), Running)


# -- whose word counts -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "heard"),
    [
        (task(status="queued"), [1767225600.0]),
        (httpx.Response(502, html="<h1>Bad gateway</h1>", headers={"date": DATE}), []),
        (httpx.Response(200, html="<h1>Sign in</h1>", headers={"date": DATE}), []),
        (httpx.Response(200, json={"id": "task_abc"}, headers={"date": DATE, "age": "9"}), []),
        (httpx.Response(200, json={"id": "task_abc"}), []),
    ],
    ids=["the API's own", "a proxy's error", "a portal's page", "from a cache", "no date"],
)
async def test_only_the_apis_own_answer_tells_the_time(profile_for, reply, heard):
    """By that time results expire: a proxy's clock must not move it."""
    told: list[float] = []
    async with Answers(other=reply).client(profile_for(ADDRESS), hear=told.append) as client:
        await client.poll("task_abc", 0.0)
    assert told == heard


class Mirrored(Plain):
    """A dialect of an API that tells ids backwards: what left the key's spelling at the
    edge has it again here."""

    def read_submit(self, seen):
        outcome = expect(Accepted, Gateway().read_submit(seen))
        return replace(outcome, task_id=outcome.task_id[::-1])


@pytest.mark.parametrize(("key", "kept"), [("sk-plain-0123456789", False), ("sk-another", True)])
async def test_an_id_that_is_the_key_is_kept_nowhere(
    profile_for, request_with, register, key, kept
):
    register("mirrored", Mirrored)
    answers = Answers(videos=task(id="sk-plain-0123456789"[::-1], status="queued"))
    async with answers.client(profile_for(ADDRESS, "mirrored", api_key=Secret(key))) as client:
        outcome = await client.submit(request_with(), {"first_frame": "https://h.test/a.png"})
    assert isinstance(outcome, Accepted if kept else Uncertain)
    assert ("sk-plain" in repr(outcome)) is kept


# -- media -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (httpx.Response(507, text="full"), "HTTP 507"),
        (httpx.Response(201, json={"url": "ftp://x"}), "the emulator named no address for it"),
    ],
    ids=["refused", "no address"],
)
async def test_a_file_that_the_emulator_does_not_take_is_told(profile_for, tmp_path, reply, why):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    profile = profile_for(ADDRESS, "emulator", delivery=MediaDelivery("emulator"))
    async with Answers(other=reply).client(profile) as client:
        told = await client.deliver([(MediaRef("first_frame", "a.png"), picture)])
    assert told == Undeliverable(f"a.png could not be delivered: {why}")


# -- where the bytes are ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (httpx.Response(206, content=b"head", headers={"content-type": "video/mp4"}), Succeeded()),
        (httpx.Response(206, content=b"head", headers={"content-type": "text/html"}), None),
        (httpx.Response(404), None),
    ],
    ids=["a video", "a page", "nothing"],
)
async def test_a_key_that_may_not_query_asks_the_content_route(profile_for, content, outcome):
    answers = Answers(task_abc=httpx.Response(403, json={"error": {}}), content=content)
    async with answers.client(profile_for(ADDRESS)) as client:
        found = await client.poll("task_abc", 0.0)
    assert found == outcome if outcome else isinstance(found, Unreadable)
    assert answers.asked[-1].url.path == "/v1/videos/task_abc/content"


def break_off(request):
    raise httpx.ReadError("reset", request=request)


async def test_a_content_route_that_breaks_off_is_no_success(profile_for):
    answers = Answers(task_abc=httpx.Response(403, json={"error": {}}), content=break_off)
    async with answers.client(profile_for(ADDRESS)) as client:
        assert isinstance(await client.poll("task_abc", 0.0), Unreadable)


def named(size):
    told = {"url": f"{ADDRESS}/file.mp4", "filler": "x" * size}
    return httpx.Response(200, content=json.dumps(told).encode())


@pytest.mark.parametrize(("size", "taken"), [(0, True), (300_000, False)])
async def test_a_content_route_may_name_an_address_in_a_short_answer(
    profile_for, tmp_path, video, size, taken
):
    answers = Answers(
        content=named(size),
        **{"file.mp4": httpx.Response(200, content=video, headers={"content-type": "video/mp4"})},
    )
    part = tmp_path / "1.part"
    async with answers.client(profile_for(ADDRESS)) as client:
        outcome = await client.download("task_abc", Succeeded(), part)
    assert isinstance(outcome, Downloaded if taken else DownloadFailed)
    assert part.exists() is taken
    assert len(answers.asked) == 1 + taken


async def test_a_part_that_somebody_removes_meanwhile_is_the_disks_trouble_and_no_end(
    profile_for, tmp_path
):
    part = tmp_path / "1.part"

    def sweep(_):
        part.unlink()
        return httpx.Response(200, json={"url": f"{ADDRESS}/file.mp4"})

    async with Answers(content=sweep).client(profile_for(ADDRESS)) as client:
        outcome = await client.download("task_abc", Succeeded(), part)
    assert isinstance(outcome, DownloadFailed)
    assert (outcome.disk, outcome.gone) == (True, False)
