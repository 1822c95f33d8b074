"""Status queries of the gateway: every status word, every odd shape, every failure; and
the pool that carries them."""

import anyio
import pytest

from wanbatch.model.outcomes import (
    Failed,
    ProbeFailed,
    ProbePassed,
    Running,
    Succeeded,
    Unreadable,
)
from wanbatch.providers.client import Client
from wanbatch.providers.http.connections import READ_CONNECTIONS
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio

URL = "https://store.example/a.mp4?Expires=1790086400&Signature=abc"


async def poll(profile, task_id="task_abc"):
    async with Client(profile, pool=AtOnce()) as backend:
        return await backend.poll(task_id, 0.0)


async def read(serve, answer, profile_for, body, status=200, **headers):
    return await poll(profile_for(serve([answer(status, body, **headers)]).url))


@pytest.mark.parametrize(
    "word",
    [
        "queued",
        "pending",
        "submitted",
        "not_start",
        "in_progress",
        "processing",
        "running",
        "unknown",
        "",
        "NEW WORD",
        "IN_PROGRESS",
        "完成中",
        "x" * 5000,
    ],
)
async def test_words_that_mean_still_running(serve, answer, profile_for, word):
    outcome = await read(
        serve,
        answer,
        profile_for,
        {
            "id": "task_abc",
            "status": word,
            "progress": "30%",
            "error": {"code": "x", "message": "y"},
        },
    )
    assert isinstance(outcome, Running)
    assert outcome.progress == 30.0


@pytest.mark.parametrize("word", ["completed", "succeeded", "success", "COMPLETED", " Succeeded "])
async def test_words_that_mean_done(serve, answer, profile_for, word):
    assert isinstance(await read(serve, answer, profile_for, {"status": word}), Succeeded)


@pytest.mark.parametrize(
    "word", ["failed", "failure", "cancelled", "canceled", "expired", "deleted", "FAILED"]
)
async def test_words_that_mean_failed(serve, answer, profile_for, word):
    assert isinstance(await read(serve, answer, profile_for, {"status": word}), Failed)


@pytest.mark.parametrize(
    ("error", "code", "message", "retryable"),
    [
        (
            {"code": "InternalError.Algo", "message": "model crashed"},
            "InternalError.Algo",
            "model crashed",
            True,
        ),
        (
            {"code": "DataInspectionFailed", "message": "may contain inappropriate content"},
            "DataInspectionFailed",
            "may contain inappropriate content",
            False,
        ),
        (
            {"code": "InvalidParameter", "message": "duration"},
            "InvalidParameter",
            "duration",
            False,
        ),
        ({"code": 500, "message": "oops"}, "500", "oops", True),
        ({"message": "task timed out"}, "", "task timed out", True),
        ({"message": "content policy"}, "", "content policy", False),
        ("upstream is busy, please try again", "", "upstream is busy, please try again", True),
        ("", "", "the provider says failed", False),
        (None, "", "the provider says failed", False),
        ([1], "", "the provider says failed", False),
    ],
)
async def test_why_it_failed(serve, answer, profile_for, error, code, message, retryable):
    assert await read(serve, answer, profile_for, {"status": "failed", "error": error}) == Failed(
        code, message, retryable
    )


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": {"url": URL}},
        {"url": URL},
        {"urls": [URL]},
        {"video_url": URL},
        {"content": {"video_url": URL}},
        {"output": {"video_url": URL}},
        {"metadata": {"url": ""}, "url": None, "urls": [], "video_url": URL},
        {"metadata": [], "url": 7, "urls": {"0": "x"}, "output": {"video_url": URL}},
    ],
)
async def test_where_the_result_may_stand(serve, answer, profile_for, body):
    outcome = await read(serve, answer, profile_for, {"status": "completed"} | body)
    assert outcome == Succeeded((URL,), expires_at=1790086400.0)


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        7,
        [],
        "not a url",
        "ftp://x/y",
        "file:///etc/passwd",
        "https://",
        "https://a b/c",
        "https://x/\n",
        "https://u:p@x/",
        "x" * 9000,
    ],
)
async def test_unusable_addresses_leave_the_content_route(serve, answer, profile_for, url):
    assert (
        await read(serve, answer, profile_for, {"status": "completed", "metadata": {"url": url}})
        == Succeeded()
    )


@pytest.mark.parametrize(
    ("told", "understood"),
    [
        (1790000000, 1790000000.0),
        (1790000000123, 1790000000.123),
        ("1790000000", 1790000000.0),
        (None, None),
        (True, None),
        (-5, None),
        (10**400, None),
        ("x", None),
    ],
)
async def test_instants(serve, answer, profile_for, told, understood):
    outcome = await read(
        serve,
        answer,
        profile_for,
        {"status": "completed", "created_at": told, "completed_at": told, "expires_at": told},
    )
    assert outcome == Succeeded((), understood, understood, understood)


@pytest.mark.parametrize(
    ("told", "understood"),
    [
        (30, 30.0),
        (30.5, 30.5),
        ("30%", 30.0),
        (None, None),
        (True, None),
        (-3, 0.0),
        (10**400, None),
        ("NaN", None),
        ([], None),
        (250, 100.0),
    ],
)
async def test_progress(serve, answer, profile_for, told, understood):
    assert await read(
        serve, answer, profile_for, {"status": "running", "progress": told}
    ) == Running("running", understood)


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 408, 410, 429, 500, 502, 503, 504, 301, 204]
)
@pytest.mark.parametrize(
    "body",
    [
        {"code": "task_not_exist", "message": "no", "data": None},
        b"",
        b"<html/>",
        {"status": "failed"},
    ],
)
async def test_errors_tell_nothing_about_the_task(serve, answer, profile_for, status, body):
    outcome = await read(serve, answer, profile_for, body, status, retry_after="9")
    assert isinstance(outcome, Unreadable)
    assert outcome.retry_after_s == 9.0
    assert outcome.throttled is (status == 429)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"failed"',
        b"{}",
        {"status": 7},
        {"status": None},
        {"status": ["failed"]},
        b'{"status": "fail',
    ],
)
async def test_success_without_a_status_tells_nothing(serve, answer, profile_for, body):
    assert isinstance(await read(serve, answer, profile_for, body), Unreadable)


@pytest.mark.parametrize(
    "step",
    [
        "close",
        "reset",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\nconnection: close\r\n\r\n{",
        b"garbage\r\n\r\n",
    ],
)
async def test_a_broken_query_tells_nothing(serve, profile_for, step):
    assert isinstance(await poll(profile_for(serve([step]).url)), Unreadable)


@pytest.mark.parametrize("task_id", ["..", ".", "", "a b", "a\nb", "null", "é", "x" * 513])
async def test_a_malformed_id_is_never_asked_for(serve, answer, profile_for, task_id):
    server = serve([answer(200, {"status": "completed"})])
    assert isinstance(await poll(profile_for(server.url), task_id), Unreadable)
    assert server.received == []


@pytest.mark.parametrize(
    ("task_id", "path"),
    [
        ("../keys", "..%2Fkeys"),
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("a%2Fb", "a%252Fb"),
        ("x" * 512, "x" * 512),
    ],
)
async def test_an_id_is_quoted_whole(serve, answer, profile_for, task_id, path):
    server = serve([answer(200, {"id": task_id, "status": "completed"})])
    assert isinstance(await poll(profile_for(server.url), task_id), Succeeded)
    assert server.received[0].path == f"/v1/videos/{path}"


async def test_another_tasks_answer_tells_nothing(serve, answer, profile_for):
    for word in ("completed", "failed", "queued"):
        body = {"id": "task_other", "status": word}
        assert isinstance(await read(serve, answer, profile_for, body), Unreadable)


async def test_a_403_is_cleared_up_by_the_content_route(serve, answer, video, profile_for):
    refusal = answer(
        403,
        {
            "error": {
                "message": "token 无模型权限（模型名为空）",
                "type": "new_api_error",
                "code": "",
            }
        },
    )
    ready = serve(
        {
            "/v1/videos/task_abc/content": [answer(200, video, content_type="video/mp4")],
            "/v1": [refusal],
        }
    )
    assert await poll(profile_for(ready.url)) == Succeeded()
    early = serve(
        {
            "/v1/videos/task_abc/content": [answer(400, {"error": {"message": "not completed"}})],
            "/v1": [refusal],
        }
    )
    assert isinstance(await poll(profile_for(early.url)), Unreadable)


# --- the pool


async def test_polls_share_few_connections(serve, answer, profile_for):
    server = serve([answer(200, {"status": "running"})])
    async with Client(profile_for(server.url), pool=AtOnce()) as backend:
        for _ in range(20):
            assert isinstance(await backend.poll("task_abc", 0.0), Running)
        assert server.connections == 1
        async with anyio.create_task_group() as group:
            for _ in range(READ_CONNECTIONS * 3):
                group.start_soon(backend.poll, "task_abc", 0.0)
        assert backend.requests == 20 + READ_CONNECTIONS * 3
    assert server.connections <= READ_CONNECTIONS


async def test_a_storm_of_cancellations_does_not_hurt_the_pool(serve, answer, profile_for):
    import random
    import time

    dice = random.Random(3)

    def slow(connection, _):
        time.sleep(0.05)
        connection.sendall(answer(200, {"status": "running"}, connection="close"))
        connection.close()

    server = serve([slow])
    async with Client(profile_for(server.url), pool=AtOnce()) as backend:

        async def impatient():
            with anyio.move_on_after(dice.uniform(0, 0.08)):
                await backend.poll("task_abc", 0.0)

        for _ in range(3):
            async with anyio.create_task_group() as group:
                for _ in range(150):
                    group.start_soon(impatient)
        good = [await backend.poll("task_abc", 0.0) for _ in range(20)]
    assert all(isinstance(one, Running) for one in good)


async def test_a_failed_query_costs_its_connection_and_no_more(serve, answer, profile_for):
    running = answer(200, {"status": "running"})
    server = serve(
        [running, b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n" + b"x" * 5_000_000, running]
    )
    async with Client(profile_for(server.url), pool=AtOnce()) as backend:
        outcomes = [await backend.poll("task_abc", 0.0) for _ in range(3)]
    assert [type(one) for one in outcomes] == [Running, Unreadable, Running]
    assert server.connections == 2


@pytest.mark.parametrize(
    "step",
    ["close", "reset", b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\nconnection: close\r\n\r\n{"],
)
async def test_a_transport_whose_request_failed_is_never_used_again(
    serve, answer, profile_for, step
):
    server = serve([answer(200, {"status": "running"}), step, answer(200, {"status": "running"})])
    async with Client(profile_for(server.url), pool=AtOnce()) as backend:
        await backend.poll("task_abc", 0.0)
        [first] = backend._http.connections._free
        assert isinstance(await backend.poll("task_abc", 0.0), Unreadable)
        assert backend._http.connections._free == []
        assert isinstance(await backend.poll("task_abc", 0.0), Running)
        assert backend._http.connections._free != [first]


# --- the probe


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"code": "task_not_exist", "message": "task_not_exist", "data": None}),
        (404, {"error": {"message": "Video not found", "type": "invalid_request_error"}}),
        (404, {"detail": "no such video"}),
        (200, {"id": "x", "object": "video", "status": "unknown"}),
        (
            403,
            {
                "error": {
                    "message": "token 无模型权限（模型名为空）",
                    "type": "new_api_error",
                    "code": "",
                }
            },
        ),
    ],
)
async def test_a_backend_that_speaks_the_protocol_passes(serve, answer, profile_for, status, body):
    server = serve([answer(status, body, date="Sun, 22 Nov 2026 10:00:30 GMT")])
    async with Client(
        profile_for(server.url), pool=AtOnce(), clock=lambda: 1795341600.0
    ) as backend:
        assert await backend.probe() == ProbePassed(30.0)
    assert server.received[0].method == "GET"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": {"message": "无效的令牌", "type": "new_api_error", "code": ""}}),
        (403, {"error": {"message": "用户已被封禁", "type": "new_api_error", "code": ""}}),
        (402, b""),
        (404, b"<html>not found</html>"),
        (404, {"detail": "Not Found"}),
        (
            404,
            {
                "error": {
                    "message": "Invalid URL (GET /v1/videos/x)",
                    "type": "invalid_request_error",
                }
            },
        ),
        (200, b"<html>welcome</html>"),
        (200, {"ok": True}),
        (302, b""),
        (429, b""),
        (500, {"code": "x", "message": "y"}),
        (503, b"<html/>"),
    ],
)
async def test_anything_else_does_not(serve, answer, profile_for, status, body):
    async with Client(profile_for(serve([answer(status, body)]).url), pool=AtOnce()) as backend:
        outcome = await backend.probe()
    assert isinstance(outcome, ProbeFailed)
    assert outcome.reason
    assert outcome.hint


@pytest.mark.parametrize("step", ["close", "reset", b"SSH-2.0-x\r\n\r\n"])
async def test_a_silent_or_foreign_server_does_not_pass(serve, profile_for, step):
    async with Client(profile_for(serve([step]).url), pool=AtOnce()) as backend:
        assert isinstance(await backend.probe(), ProbeFailed)
