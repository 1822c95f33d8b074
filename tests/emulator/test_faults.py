"""Scripted faults over real sockets: each act does what the documentation says, and the
books tell what really happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from emulator import samples
from emulator.samples import Body

Begin = Callable[..., httpx.Client]


@pytest.fixture
def scripted(start, tmp_path: Path) -> Begin:
    """A client of an emulator that plays the given script."""

    def begin(script: str, store: Path | None = None) -> httpx.Client:
        path = tmp_path / "faults.yaml"
        path.write_text(script)
        return samples.client_of(start("--render", "tiny", "--script", str(path), store=store))

    return begin


def books(client: httpx.Client) -> Body:
    found: Body = client.get("/__books").json()
    return found


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("act", "error"), [("close", httpx.RemoteProtocolError), ("reset", httpx.ReadError)]
)
def test_a_submit_can_be_cut_off_before_and_after(
    scripted: Begin, body: Body, moment: str, act: str, error: type[Exception]
) -> None:
    with scripted(f"faults: [{{route: submit, call: 1, do: {act}, moment: {moment}}}]") as client:
        with pytest.raises(error):
            client.post("/v1/videos", json=body)
        assert books(client)["accepted"] == (1 if moment == "after" else 0)
        assert client.post("/v1/videos", json=body).status_code == 200
        told = books(client)
        assert told["calls"]["submit"] == 2
        assert len(told["duplicates"]) == (1 if moment == "after" else 0)


@pytest.mark.parametrize(
    ("fields", "status", "look"),
    [
        (
            "status: 500, envelope: task, code: do_request_failed",
            500,
            lambda a: a.json()["code"] == "do_request_failed" and a.json()["data"] is None,
        ),
        (
            "status: 401, envelope: auth",
            401,
            lambda a: a.json()["error"]["type"] == "new_api_error",
        ),
        (
            "status: 502, envelope: content",
            502,
            lambda a: a.json()["error"]["type"] == "server_error",
        ),
        (
            "status: 429, envelope: dashscope, code: Throttling.AllocationQuota",
            429,
            lambda a: a.json()["code"] == "Throttling.AllocationQuota",
        ),
        (
            "status: 502, envelope: html",
            502,
            lambda a: "<html>" in a.text and a.headers["content-type"].startswith("text/html"),
        ),
        ("status: 504, envelope: text, body: gone", 504, lambda a: a.text == "gone"),
        ("status: 200, envelope: json, body: {id: [1]}", 200, lambda a: a.json() == {"id": [1]}),
        (
            "status: 429, envelope: empty, headers: {Retry-After: 3}",
            429,
            lambda a: a.content == b"" and a.headers["retry-after"] == "3",
        ),
    ],
)
def test_any_answer_can_be_given(
    scripted: Begin, body: Body, fields: str, status: int, look: Callable[[httpx.Response], bool]
) -> None:
    with scripted(f"faults: [{{route: submit, do: answer, {fields}}}]") as client:
        answer = client.post("/v1/videos", json=body)
        assert answer.status_code == status
        assert look(answer)
        assert books(client)["accepted"] == 0


def test_an_accepted_submit_can_be_answered_with_an_error(scripted: Begin, body: Body) -> None:
    with scripted(
        "faults: [{route: submit, do: answer, status: 502, envelope: html, moment: after}]"
    ) as client:
        assert client.post("/v1/videos", json=body).status_code == 502
        assert books(client)["accepted"] == 1


def done(client: httpx.Client, body: Body) -> str:
    task_id = client.post("/v1/videos", json=body).json()["id"]
    assert samples.wait_for_end(client, task_id)["status"] == "completed"
    return str(task_id)


def test_content_can_be_too_short(scripted: Begin, body: Body) -> None:
    with scripted("faults: [{route: content, call: 1, do: short_body, share: 0.3}]") as client:
        path = f"/v1/videos/{done(client, body)}/content"
        with client.stream("GET", path) as answer:
            declared = int(answer.headers["content-length"])
            with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
                answer.read()
        assert len(client.get(path).content) == declared


def test_content_can_come_without_length_and_cut(scripted: Begin, body: Body) -> None:
    with scripted(
        "faults: [{route: content, call: 1, do: no_length}, {route: content, call: 2, do:"
        " no_length, share: 0.5}]"
    ) as client:
        path = f"/v1/videos/{done(client, body)}/content"
        answers = [client.get(path) for _ in range(3)]
        assert "content-length" not in answers[0].headers
        assert "transfer-encoding" not in answers[0].headers
        assert answers[0].content == answers[2].content
        assert len(answers[1].content) == len(answers[2].content) // 2


def test_content_can_be_slow(scripted: Begin, body: Body) -> None:
    with scripted(
        "faults: [{route: content, call: 1, do: slow, bytes_per_second: 10000}]"
    ) as client:
        path = f"/v1/videos/{done(client, body)}/content"
        began = time.monotonic()
        slow = client.get(path)
        assert time.monotonic() - began > 0.2 + len(slow.content) / 20_000
        assert slow.content == client.get(path).content


def test_content_can_be_elsewhere(scripted: Begin, body: Body) -> None:
    script = (
        "faults: [{route: content, call: 1, do: redirect}, {route: content, call: 2, do:"
        " redirect, status: 307, to: 'https://example.com/x'}]"
    )
    with scripted(script) as client:
        path = f"/v1/videos/{done(client, body)}/content"
        answers = [client.get(path) for _ in range(2)]
        assert (answers[0].status_code, answers[1].status_code) == (302, 307)
        assert (
            answers[0]
            .headers["location"]
            .startswith(f"http://localhost:{client.base_url.port}/results/")
        )
        assert answers[1].headers["location"] == "https://example.com/x"
        assert httpx.get(answers[0].headers["location"], trust_env=False).content[4:8] == b"ftyp"


def test_a_stalled_status_comes_late(scripted: Begin, body: Body) -> None:
    with scripted("faults: [{route: status, call: 1, do: stall, seconds: 0.4}]") as client:
        task_id = client.post("/v1/videos", json=body).json()["id"]
        began = time.monotonic()
        assert client.get(f"/v1/videos/{task_id}").status_code == 200
        assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize(("moment", "accepted"), [("before", 0), ("after", 1)])
def test_a_stalled_submit_leaves_the_client_in_the_dark(
    scripted: Begin, body: Body, moment: str, accepted: int
) -> None:
    with scripted(f"faults: [{{route: submit, call: 1, do: stall, moment: {moment}}}]") as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post("/v1/videos", json=body, timeout=0.5)
        assert books(client)["accepted"] == accepted


def test_answers_of_the_wrong_shape(scripted: Begin, body: Body) -> None:
    script = """
    faults:
      - {route: submit, call: 1, do: wrong_types}
      - {route: submit, call: 2, do: invalid_id}
      - {route: submit, call: 4, do: duplicate_id}
      - {route: submit, call: 5, do: huge_body, megabytes: 2}
    """
    with scripted(script) as client:
        answers = [client.post("/v1/videos", json=body) for _ in range(5)]
        assert isinstance(answers[0].json()["id"], list)
        assert isinstance(answers[0].json()["created_at"], str)
        assert answers[1].json()["id"] == answers[1].json()["task_id"] == "../../etc/passwd"
        assert books(client)["accepted"] == 5
        ids = [t["id"] for t in books(client)["tasks"]]
        assert answers[3].json()["id"] in ids[:3]
        assert len(answers[4].content) > 2_000_000
        assert answers[4].json()["id"] == ids[4]


def test_what_can_become_of_a_task(scripted: Begin, body: Body) -> None:
    script = """
    faults:
      - {route: submit, call: 1, do: fail, code: DataInspectionFailed, message: not this picture}
      - {route: submit, call: 2, do: forever}
      - {route: submit, call: 3, do: late, seconds: 1}
      - {route: submit, call: 4, do: expired}
    """
    with scripted(script) as client:
        failed, forever, late, expired = (
            client.post("/v1/videos", json=body).json()["id"] for _ in range(4)
        )
        assert samples.wait_for_end(client, failed)["error"] == {
            "code": "DataInspectionFailed",
            "message": "not this picture",
        }
        assert samples.wait_for_end(client, expired)["status"] == "completed"
        assert client.get(f"/v1/videos/{expired}/content").status_code == 502
        assert client.get(f"/v1/videos/{late}").json()["status"] in ("queued", "in_progress")
        samples.wait_for_end(client, late)
        assert client.get(f"/v1/videos/{forever}").json()["status"] == "in_progress"


def test_rules_fire_by_count_and_by_chance(scripted: Begin, body: Body, tmp_path: Path) -> None:
    script = """
    seed: 3
    faults:
      - {route: status, every: 3, times: 2, do: answer, status: 500}
      - {route: list, probability: 0.5, do: answer, status: 503, envelope: dashscope}
    """
    with scripted(script) as client:
        task_id = client.post("/v1/videos", json=body).json()["id"]
        assert [client.get(f"/v1/videos/{task_id}").status_code for _ in range(9)] == [
            200,
            200,
            500,
            200,
            200,
            500,
            200,
            200,
            200,
        ]
        first = [client.get("/api/v1/tasks/").status_code for _ in range(40)]
        assert 10 < first.count(503) < 30
    with scripted(script, tmp_path / "another") as client:
        assert [client.get("/api/v1/tasks/").status_code for _ in range(40)] == first
