"""What DashScope alone has: the task list for reconciling, a task's own words,
cancelling, times in UTC+8."""

import pytest

from wanbatch.model.outcomes import (
    CancelRefused,
    CancelTaken,
    CancelUnanswered,
    Succeeded,
    Unreadable,
)
from wanbatch.model.wire import ListedTask
from wanbatch.providers.client import LIST_PAGES, Client
from wanbatch.providers.dialects.dashscope import china_instant
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio

NOW = 1790000000.0
DATE = "Mon, 21 Sep 2026 14:13:20 GMT"


@pytest.fixture(name="backend_for")
def _backend_for(profile_for):
    return lambda server, kind="dashscope": Client(
        profile_for(server.url, kind), pool=AtOnce(), clock=lambda: NOW
    )


def row(number, **more):
    return {
        "task_id": f"t{number}",
        "status": "RUNNING",
        "model_name": "wan2.7-i2v",
        "gmt_create": 1789999000000 + number,
    } | more


def page(rows, total=None, pages=1, number=1):
    return {
        "total": len(rows) if total is None else total,
        "total_page": pages,
        "page_no": number,
        "page_size": 50,
        "data": rows,
        "request_id": "r",
    }


async def test_a_complete_listing(serve, answer, backend_for):
    server = serve(
        [
            answer(200, page([row(1), row(2)], 3, 2), date=DATE),
            answer(200, page([row(3, end_time=1789999500000)], 3, 2, 2)),
        ]
    )
    async with backend_for(server) as backend:
        listing = await backend.list_tasks(NOW - 600, NOW)
    assert listing.complete
    assert listing.started_at == NOW
    assert [task.task_id for task in listing.tasks] == ["t1", "t2", "t3"]
    assert listing.tasks[2] == ListedTask(
        "t3", "RUNNING", "wan2.7-i2v", None, 1789999000.003, 1789999500.0
    )
    assert [r.path for r in server.received] == [
        f"/api/v1/tasks/?start_time=20260921213320&end_time=20260921224320&page_no={n}&page_size=50"
        for n in (1, 2)
    ]


async def test_the_window_is_at_most_a_day(serve, answer, backend_for):
    server = serve([answer(200, page([]), date=DATE)])
    async with backend_for(server) as backend:
        assert (await backend.list_tasks(0.0, NOW)).complete
    assert "start_time=20260920224320&end_time=20260921224320" in server.received[0].path


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, page([row(1)], total=2)),  # one is missing: absence proves nothing
        (200, page([{"status": "RUNNING"}])),
        (200, page([row(1), None])),
        (200, {"data": [row(1)]}),
        (200, page([row(1)], pages=10**6)),
        (200, {"total": 1, "total_page": "1", "data": [row(1)]}),
        (200, b"<html>"),
        (429, {"code": "Throttling", "message": "slow down", "request_id": "r"}),
        (500, b""),
    ],
)
async def test_an_incomplete_listing_says_so(serve, answer, backend_for, status, body):
    server = serve([answer(status, body, date=DATE)])
    async with backend_for(server) as backend:
        listing = await backend.list_tasks(NOW - 600, NOW)
    assert not listing.complete
    assert listing.reason
    assert len(server.received) <= LIST_PAGES


@pytest.mark.parametrize(
    ("date", "moved_s"),
    [
        ("Mon, 21 Sep 2026 14:23:20 GMT", 600.0),
        ("Mon, 21 Sep 2026 14:03:20 GMT", -600.0),
        (DATE, 0.0),
        ("Mon, 21 Sep 2026 14:13:21 GMT", 0.0),
    ],
)
async def test_a_wrong_clock_moves_what_is_shown(serve, answer, backend_for, date, moved_s):
    async with backend_for(serve([answer(200, page([row(0)]), date=date)])) as backend:
        listing = await backend.list_tasks(NOW - 600, NOW)
    assert listing.complete
    assert listing.tasks[0].created_at == 1789999000.0 - moved_s


@pytest.mark.parametrize(
    "date", ["", "Mon, 21 Sep 2026 15:13:20 GMT", "Mon, 21 Sep 2026 13:13:20 GMT", "yesterday"]
)
async def test_clocks_that_cannot_be_compared_prove_nothing(serve, answer, backend_for, date):
    async with backend_for(serve([answer(200, page([row(0)]), date=date)])) as backend:
        listing = await backend.list_tasks(NOW - 600, NOW)
    assert not listing.complete
    assert listing.tasks, "what is shown may still be adopted"


async def test_a_listing_that_breaks_off_is_incomplete(serve, answer, backend_for):
    async with backend_for(
        serve([answer(200, page([row(1)], 2, 2), date=DATE), "close"])
    ) as backend:
        listing = await backend.list_tasks(NOW - 600, NOW)
    assert not listing.complete
    assert [task.task_id for task in listing.tasks] == ["t1"]


async def test_a_task_tells_whose_it_is(serve, answer, backend_for):
    output = {
        "task_id": "t1",
        "task_status": "SUCCEEDED",
        "submit_time": "2026-05-01 10:00:00.123",
        "orig_prompt": "a boat",
        "video_url": "https://x/y",
    }
    server = serve([answer(200, {"output": output})])
    async with backend_for(server) as backend:
        assert await backend.look_at("t1") == ListedTask(
            "t1", "SUCCEEDED", "", "a boat", 1777600800.123, None
        )
        assert await backend.look_at("a b") is None, "no id"
        await backend.look_at("../x")
    assert [r.path for r in server.received] == ["/api/v1/tasks/t1", "/api/v1/tasks/..%2Fx"]


async def test_an_answer_about_another_task_tells_nothing_of_the_one_asked_for(
    serve, answer, backend_for
):
    """By its prompt a task was adopted by the job of another one."""
    output = {"task_id": "t2", "task_status": "SUCCEEDED", "orig_prompt": "a boat"}
    async with backend_for(serve([answer(200, {"output": output})])) as backend:
        assert await backend.look_at("t1") is None


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {"request_id": "r"}, CancelTaken()),
        (400, {"code": "UnsupportedOperation", "message": "x"}, CancelRefused("x")),
        (409, {"code": "Conflict", "message": "it runs"}, CancelRefused("it runs")),
        (404, {}, CancelUnanswered("HTTP 404")),
        (200, {"code": "Odd", "message": "no"}, CancelUnanswered("no")),
        (200, {}, CancelUnanswered("HTTP 200")),
        (429, {"code": "Throttling", "message": "slowly"}, CancelUnanswered("slowly")),
        (502, {}, CancelUnanswered("HTTP 502")),
    ],
)
async def test_cancelling(serve, answer, backend_for, status, body, outcome):
    server = serve([answer(status, body)])
    async with backend_for(server) as backend:
        assert await backend.cancel("t1") == outcome
    assert len(server.received) == 1, "a wish is sent once"
    assert (server.received[0].method, server.received[0].path) == (
        "POST",
        "/api/v1/tasks/t1/cancel",
    )


async def test_the_gateway_has_neither_list_nor_cancel(serve, answer, backend_for):
    server = serve([answer(200, {})])
    async with backend_for(server, "gateway") as backend:
        assert await backend.list_tasks(0.0, NOW) is None
        assert await backend.look_at("t1") is None
        assert isinstance(await backend.cancel("t1"), CancelRefused)
    assert server.received == []


async def test_unknown_is_never_the_end(serve, answer, backend_for):
    async with backend_for(
        serve([answer(200, {"output": {"task_id": "t", "task_status": "UNKNOWN"}})])
    ) as backend:
        outcome = await backend.poll("t", NOW - 80_000)
    assert isinstance(outcome, Unreadable)
    assert outcome.denied, "the API's own word that it does not know the task"


async def test_a_result_without_signature_lives_a_day(serve, answer, backend_for):
    output = {
        "task_id": "t",
        "task_status": "SUCCEEDED",
        "end_time": "2026-05-01 10:00:00.000",
        "video_url": "https://x.example/y.mp4",
    }
    async with backend_for(serve([answer(200, {"output": output})])) as backend:
        assert await backend.poll("t", NOW) == Succeeded(
            ("https://x.example/y.mp4",), None, 1777600800.0, 1777600800.0 + 86400
        )


@pytest.mark.parametrize(
    ("told", "instant"),
    [
        ("2026-05-01 10:00:00.500", 1777600800.5),
        ("2026-05-01T10:00:00+08:00", 1777600800.0),
        ("2026-05-01T02:00:00Z", 1777600800.0),
        (1777600800500, 1777600800.5),
        ("1777600800500", 1777600800.5),
        ("yesterday", None),
        ("0001-01-01 00:00:00", None),
        ("9999-12-31 23:59:59", None),
        (None, None),
        ([], None),
    ],
)
def test_times_are_utc_plus_8_unless_they_say_otherwise(told, instant):
    assert china_instant(told) == instant
