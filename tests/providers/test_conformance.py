"""One suite for every dialect, over real sockets: what is sent, every envelope, every
status word, the bytes by every way.

How it works: a ``Shape`` per dialect says how its API words things; the tests say what
must follow, and know no dialect.
"""

import json
import socket
from dataclasses import dataclass
from typing import Any

import pytest

from wanbatch.model.outcomes import (
    Accepted,
    Downloaded,
    DownloadFailed,
    Failed,
    Halted,
    NotAccepted,
    ProbeFailed,
    ProbePassed,
    Rejected,
    Running,
    Succeeded,
    Uncertain,
    Unreadable,
)
from wanbatch.providers.client import Client
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio

TASK = "task_0a1b2c3d"


@dataclass(frozen=True)
class Shape:
    """How one API words things. ``envelopes`` are its error bodies, as functions of
    code and message."""

    kind: str
    submit_path: str
    status_path: str
    accepted: dict[str, Any]
    running: tuple[str, ...]
    done: tuple[str, ...]
    failed: tuple[str, ...]
    envelopes: tuple[Any, ...]
    has_content: bool

    def status(self, word, **more):
        if self.kind == "dashscope":
            return {
                "output": {
                    "task_id": TASK,
                    "task_status": word,
                    "submit_time": "2026-05-01 10:00:00.000",
                }
                | more,
                "request_id": "r",
            }
        return {
            "id": TASK,
            "object": "video",
            "status": word,
            "progress": 30,
            "created_at": 1790000000,
            "completed_at": 1790000100,
        } | more

    def finished(self, url):
        more = {"video_url": url} if self.kind == "dashscope" else {"metadata": {"url": url}}
        return self.status(self.done[0], **more)

    def broken(self, code, message):
        more = (
            {"code": code, "message": message}
            if self.kind == "dashscope"
            else {"error": {"code": code, "message": message}}
        )
        return self.status(self.failed[0], **more)


def task_error(code, message):
    return {"code": code, "message": message, "data": None}


def auth_error(code, message):
    return {
        "error": {"message": f"{message} (request id: 2026)", "type": "new_api_error", "code": code}
    }


def content_error(code, message):
    return {"error": {"message": message, "type": "invalid_request_error"}}


def plain_error(code, message):
    return {"error": message}


def fastapi_error(code, message):
    return {"detail": message}


def pydantic_error(code, message):
    return {"detail": [{"loc": ["body", "media"], "msg": message, "type": "missing"}]}


def dashscope_error(code, message):
    return {"code": code, "message": message, "request_id": "r"}


GATEWAY_WORDS = (
    (
        "queued",
        "pending",
        "submitted",
        "not_start",
        "in_progress",
        "processing",
        "running",
        "unknown",
        "never heard of",
    ),
    ("completed", "succeeded", "success"),
    ("failed", "failure", "cancelled", "canceled", "expired", "deleted"),
    (task_error, auth_error, content_error, plain_error, fastapi_error, pydantic_error),
)
DASHSCOPE_WORDS = (
    ("PENDING", "RUNNING", "SUSPENDED", "NEVER_HEARD_OF"),
    ("SUCCEEDED",),
    ("FAILED", "CANCELED"),
    (dashscope_error,),
)
VIDEO = {
    "id": TASK,
    "task_id": TASK,
    "object": "video",
    "model": "wan2.7-i2v",
    "status": "queued",
    "progress": 0,
    "created_at": 1790000000,
}
PENDING = {"output": {"task_status": "PENDING", "task_id": TASK}, "request_id": "r"}
SYNTHESIS = "/api/v1/services/aigc/video-generation/video-synthesis"
SHAPES = [
    Shape("gateway", "/v1/videos", "/v1/videos/", VIDEO, *GATEWAY_WORDS, has_content=True),
    Shape("gateway-metadata", "/v1/videos", "/v1/videos/", VIDEO, *GATEWAY_WORDS, has_content=True),
    Shape("dashscope", SYNTHESIS, "/api/v1/tasks/", PENDING, *DASHSCOPE_WORDS, has_content=False),
]


@pytest.fixture(name="shape", params=SHAPES, ids=lambda s: s.kind)
def _shape(request):
    return request.param


@pytest.fixture(name="part")
def _part(tmp_path):
    return tmp_path / "v.mp4.part"


@pytest.fixture(name="backend_for")
def _backend_for(profile_for, shape):
    return lambda server, **changes: Client(
        profile_for(server.url, shape.kind, **changes), pool=AtOnce()
    )


def urls_of(request):
    return {ref.type: ref.url for ref in request.media}


# --- submitting


@pytest.mark.parametrize(
    "types",
    [
        ("first_frame",),
        ("first_frame", "driving_audio"),
        ("first_frame", "last_frame"),
        ("first_frame", "last_frame", "driving_audio"),
        ("first_clip",),
        ("first_clip", "last_frame"),
    ],
    ids="+".join,
)
async def test_each_combination_is_one_post(
    serve, answer, shape, backend_for, request_with, types, key
):
    server = serve([answer(200, shape.accepted)])
    request = request_with(*types)
    async with backend_for(server) as backend:
        assert await backend.submit(request, urls_of(request)) == Accepted(TASK)
    [received] = server.received
    assert (received.method, received.path) == ("POST", shape.submit_path)
    assert received.headers["authorization"] == f"Bearer {key}"
    body = json.loads(received.body)
    assert all(url in json.dumps(body) for url in urls_of(request).values())


async def test_every_error_envelope_of_a_refusal(serve, answer, shape, backend_for, request_with):
    for status in (400, 404, 405, 413, 415, 422):
        for envelope in shape.envelopes:
            server = serve([answer(status, envelope("InvalidParameter", "the duration is wrong"))])
            async with backend_for(server) as backend:
                outcome = await backend.submit(request_with(), urls_of(request_with()))
            assert isinstance(outcome, Rejected), (status, envelope)
            assert "the duration is wrong" in outcome.message
            assert len(server.received) == 1


async def test_every_error_envelope_of_a_stop(serve, answer, shape, backend_for, request_with):
    for status in (401, 402, 403):
        for envelope in shape.envelopes:
            async with backend_for(serve([answer(status, envelope("", "go away"))])) as backend:
                outcome = await backend.submit(request_with(), urls_of(request_with()))
            assert isinstance(outcome, Halted), (status, envelope)
            assert "go away" in outcome.message


async def test_every_error_envelope_of_later(serve, answer, shape, backend_for, request_with):
    for status in (425, 429):
        for body in (b"", *(envelope("Throttling", "later") for envelope in shape.envelopes)):
            async with backend_for(serve([answer(status, body, retry_after="3")])) as backend:
                outcome = await backend.submit(request_with(), urls_of(request_with()))
            assert isinstance(outcome, NotAccepted), (status, body)
            assert outcome.retry_after_s == 3.0


async def test_every_error_envelope_of_doubt(serve, answer, shape, backend_for, request_with):
    for status in (200, 408, 409, 500, 502, 503, 504):
        for body in (b"", b"<html>", *(envelope("x", "y") for envelope in shape.envelopes)):
            async with backend_for(serve([answer(status, body)])) as backend:
                outcome = await backend.submit(request_with(), urls_of(request_with()))
            assert isinstance(outcome, Uncertain), (status, body)


@pytest.mark.parametrize("step", ["close", "reset"])
async def test_a_lost_answer_is_doubt(serve, shape, backend_for, request_with, step):
    server = serve([step])
    async with backend_for(server) as backend:
        assert isinstance(await backend.submit(request_with(), urls_of(request_with())), Uncertain)
    assert len(server.received) == 1


# --- polling


async def test_every_status_word(serve, answer, shape, backend_for):
    for words, verdict in (
        (shape.running, Running),
        (shape.done, Succeeded),
        (shape.failed, Failed),
    ):
        for word in words:
            server = serve([answer(200, shape.status(word))])
            async with backend_for(server) as backend:
                assert isinstance(await backend.poll(TASK, 0.0), verdict), word
            assert server.received[0].path == shape.status_path + TASK


async def test_a_word_beside_an_error_still_counts(serve, answer, shape, backend_for):
    error = {"error": {"code": "x", "message": "y"}, "code": "x", "message": "y"}
    async with backend_for(
        serve([answer(200, shape.status(shape.running[0], **error))])
    ) as backend:
        assert isinstance(await backend.poll(TASK, 0.0), Running)


async def test_why_a_task_failed_and_whether_it_may_run_again(serve, answer, shape, backend_for):
    for code, retryable in (
        ("InternalError.Algo", True),
        ("DataInspectionFailed", False),
        ("InvalidParameter", False),
        ("Arrearage", False),
    ):
        async with backend_for(serve([answer(200, shape.broken(code, "because"))])) as backend:
            assert await backend.poll(TASK, 0.0) == Failed(code, "because", retryable)


async def test_too_early_a_query_tells_nothing(serve, answer, shape, backend_for):
    for status in (400, 403, 404):
        for envelope in shape.envelopes:
            async with backend_for(
                serve([answer(status, envelope("task_not_exist", "no such task"))])
            ) as backend:
                assert isinstance(await backend.poll(TASK, 0.0), Unreadable)


async def test_times_are_the_servers(serve, answer, shape, backend_for):
    body = shape.finished("https://store.example/a.mp4?Expires=1790086400&Signature=x")
    if shape.kind == "dashscope":
        body["output"]["end_time"] = "2026-05-01 10:01:00.500"
    async with backend_for(serve([answer(200, body)])) as backend:
        outcome = await backend.poll(TASK, 0.0)
    assert isinstance(outcome, Succeeded)
    assert outcome.expires_at == 1790086400.0
    assert outcome.created_at == (
        1777600800.0 if shape.kind == "dashscope" else 1790000000.0
    )  # 10:00 in Beijing is 02:00 UTC
    assert outcome.completed_at == (1777600860.5 if shape.kind == "dashscope" else 1790000100.0)


# --- the probe


async def test_an_impossible_id_is_asked_for_and_understood(serve, answer, shape, backend_for):
    for envelope in shape.envelopes:
        server = serve([answer(404, envelope("task_not_exist", "no such task"))])
        async with backend_for(server) as backend:
            assert isinstance(await backend.probe(), ProbePassed), envelope
        assert server.received[0].path.startswith(shape.status_path)
    async with backend_for(serve([answer(200, shape.status("UNKNOWN"))])) as backend:
        assert isinstance(await backend.probe(), ProbePassed)


async def test_a_wrong_address_or_key_is_noticed(serve, answer, shape, backend_for):
    for status, body in (
        (404, b"<html>"),
        (200, b"<html>"),
        (200, {"hello": 1}),
        (401, shape.envelopes[0]("InvalidApiKey", "no")),
        (503, b""),
        (301, b""),
    ):
        async with backend_for(serve([answer(status, body)])) as backend:
            outcome = await backend.probe()
        assert isinstance(outcome, ProbeFailed), (status, body)
        assert outcome.hint


# --- the bytes


@pytest.fixture(name="fetch")
def _fetch(shape, backend_for, part):
    async def fetch(api, url=None):
        async with backend_for(api, download_hosts=("127.0.0.1",)) as backend:
            return await backend.download(TASK, Succeeded((url,) if url else ()), part)

    return fetch


async def test_by_url(serve, answer, video, shape, fetch, part):
    store, api = serve([answer(200, video)]), serve([answer(404)])
    assert isinstance(await fetch(api, store.url + "/a.mp4?Signature=x"), Downloaded)
    assert part.read_bytes() == video
    assert "authorization" not in store.received[0].headers
    assert api.received == []


async def test_by_content(serve, answer, video, shape, fetch, part):
    api = serve([answer(200, video)])
    outcome = await fetch(api)
    assert isinstance(outcome, Downloaded) is shape.has_content
    assert [r.path for r in api.received] == (
        [f"{shape.status_path}{TASK}/content"] if shape.has_content else []
    )


async def test_expired_url_then_content(serve, answer, video, shape, fetch):
    store, api = (
        serve([answer(403, b"<Error><Code>AccessDenied</Code></Error>")]),
        serve([answer(200, video)]),
    )
    outcome = await fetch(api, store.url + "/a.mp4?Expires=1700000000&Signature=x")
    if shape.has_content:
        assert isinstance(outcome, Downloaded)
    else:
        assert isinstance(outcome, DownloadFailed)
        assert outcome.gone


async def test_early_content_is_not_gone(serve, answer, shape, fetch):
    if shape.has_content:
        outcome = await fetch(
            serve(
                [
                    answer(
                        400,
                        content_error("", "Task is not completed yet, current status: IN_PROGRESS"),
                    )
                ]
            )
        )
        assert isinstance(outcome, DownloadFailed)
        assert not outcome.gone


async def test_truncated_without_end_or_foreign_is_not_kept(
    serve, answer, video, shape, fetch, part
):
    def truncated(connection, _):
        connection.sendall(answer(200, video)[:-500])
        connection.shutdown(socket.SHUT_RDWR)

    for step in (
        truncated,
        answer(200, video[:-500], content_length="", connection="close"),
        answer(200, b"<html>"),
        answer(200, b""),
    ):
        store = serve([step])
        outcome = await fetch(serve([answer(404)]), store.url + "/a.mp4")
        assert isinstance(outcome, DownloadFailed)
        assert not outcome.gone
        assert part.exists() is bool(outcome.refused)
        part.unlink(missing_ok=True)


async def test_redirected_without_length_and_twice(serve, answer, video, shape, fetch, part):
    store = serve(
        {
            "/to": [answer(302, location="/at")],
            "/at": [answer(200, video, content_length="", connection="close")],
        }
    )
    for _ in range(2):
        assert isinstance(await fetch(serve([answer(404)]), store.url + "/to"), Downloaded)
        assert part.read_bytes() == video


async def test_late_content_is_gone_for_good(serve, answer, shape, fetch):
    store = serve([answer(410)])
    outcome = await fetch(serve([answer(410, content_error("", "expired"))]), store.url + "/a.mp4")
    assert isinstance(outcome, DownloadFailed)
    assert outcome.gone
