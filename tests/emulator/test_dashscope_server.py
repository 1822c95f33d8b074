"""DashScope's protocol over real sockets."""

from __future__ import annotations

import hashlib
import re
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
from emulator import samples
from emulator.samples import Body
from PIL import Image

SUBMIT = "/api/v1/services/aigc/video-generation/video-synthesis"
ASYNC = {"x-dashscope-async": "enable"}
RESOLVE = ASYNC | {"x-dashscope-ossresourceresolve": "enable"}


@pytest.fixture(scope="session")
def scope_body(picture: bytes) -> Body:
    media = [{"type": "first_frame", "url": samples.data_url(picture)}]
    return {
        "model": "wan2.7-i2v",
        "input": {"prompt": "waves", "media": media},
        "parameters": {"resolution": "720P", "duration": 2, "seed": 1},
    }


def submit(client: httpx.Client, body: Body, headers: dict[str, str] = ASYNC) -> str:
    answer = client.post(SUBMIT, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["output"]["task_status"] == "PENDING"
    return str(answer.json()["output"]["task_id"])


def ended(client: httpx.Client, task_id: str) -> Body:
    for _ in range(300):
        body: Body = client.get(f"/api/v1/tasks/{task_id}").json()
        if body["output"]["task_status"] not in ("PENDING", "RUNNING"):
            return body
        time.sleep(0.02)
    raise AssertionError(body)


def test_a_finished_task_tells_times_usage_and_a_signed_address(
    tiny: httpx.Client, scope_body: Body
) -> None:
    body = ended(tiny, submit(tiny, scope_body))
    output = body["output"]
    assert output["task_status"] == "SUCCEEDED"
    assert output["orig_prompt"] == "waves"
    assert body["usage"] == {
        "duration": 2,
        "input_video_duration": 0.0,
        "output_video_duration": 2,
        "video_count": 1,
        "SR": 720,
    }
    now = datetime.now(timezone(timedelta(hours=8))).replace(tzinfo=None)
    for name in ("submit_time", "scheduled_time", "end_time"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", output[name])
        assert abs(now - datetime.fromisoformat(output[name])) < timedelta(minutes=1)
    assert httpx.get(output["video_url"], trust_env=False).content[4:8] == b"ftyp"


def test_a_continuation_tells_the_length_of_its_clip(
    tiny: httpx.Client, scope_body: Body, tmp_path: Path
) -> None:
    from wanbatch.emulator.video.animatic import Scene, render

    image = tmp_path / "a.png"
    Image.new("RGB", (320, 320), (90, 30, 30)).save(image)
    render(Scene(2, "720P", 1, first_frame=image.read_bytes()), tmp_path / "clip.mp4")
    clip = (tmp_path / "clip.mp4").read_bytes()
    url = tiny.put(f"/media/{hashlib.sha256(clip).hexdigest()}", content=clip).json()["url"]
    change = {
        "input": {"media": [{"type": "first_clip", "url": url}]},
        "parameters": {"duration": 5},
    }
    assert ended(tiny, submit(tiny, scope_body | change))["usage"]["input_video_duration"] == 2.0


def test_the_watermark_shows_in_the_name(tiny: httpx.Client, scope_body: Body) -> None:
    body = ended(
        tiny, submit(tiny, scope_body | {"parameters": {"watermark": True, "duration": 2}})
    )
    assert "_watermark.mp4?" in body["output"]["video_url"]
    assert httpx.get(body["output"]["video_url"], trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("headers", "change", "status", "code"),
    [
        ({}, {}, 403, "AccessDenied"),
        (ASYNC, {"model": "wan9"}, 404, "ModelNotFound"),
        (ASYNC | {"authorization": "nothing"}, {}, 401, "InvalidApiKey"),
    ],
)
def test_what_is_refused_at_once(
    tiny: httpx.Client,
    scope_body: Body,
    headers: dict[str, str],
    change: Body,
    status: int,
    code: str,
) -> None:
    answer = tiny.post(SUBMIT, json=scope_body | change, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"code", "message", "request_id"}


def test_a_body_that_is_no_object_is_refused(tiny: httpx.Client) -> None:
    answer = tiny.post(SUBMIT, content=b"[1", headers=ASYNC)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"input": {}}, "InvalidParameter", "input.media"),
        (
            {"input": {"media": [{"type": "x", "url": "https://a.example"}]}},
            "InvalidParameter",
            "first_frame",
        ),
        (
            {"input": {"media": [{"type": "last_frame", "url": "https://a.example"}]}},
            "InvalidParameter",
            "combination",
        ),
        ({"input": {"media": [{"type": "first_frame", "url": "nowhere"}]}}, "InvalidURL", "url"),
        (
            {"input": {"media": [{"type": "first_frame", "url": "https://a.example/x.png"}]}},
            "InvalidURL",
            "failed to download",
        ),
        ({"parameters": {"duration": 1}}, "InvalidParameter", "between 2 and 15"),
        ({"parameters": {"duration": "5"}}, "InvalidParameter", "between 2 and 15"),
        ({"parameters": {"resolution": "480P"}}, "InvalidParameter", "'1080P' or '720P'"),
        ({"parameters": {"seed": -1}}, "InvalidParameter", "seed"),
    ],
)
def test_the_rest_fails_a_moment_later(
    tiny: httpx.Client, scope_body: Body, change: Body, code: str, words: str
) -> None:
    output = ended(tiny, submit(tiny, scope_body | change))["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", code)
    assert words in output["message"]
    assert "video_url" not in output


def test_unknown_ids_are_a_200(tiny: httpx.Client) -> None:
    answer = tiny.get("/api/v1/tasks/11111111-0000-0000-0000-000000000000")
    assert (answer.status_code, answer.json()["output"]["task_status"]) == (200, "UNKNOWN")


def test_tasks_of_one_api_are_unknown_to_the_other(tiny: httpx.Client, body: Body) -> None:
    task_id = tiny.post("/v1/videos", json=body).json()["id"]
    assert tiny.get(f"/api/v1/tasks/{task_id}").json()["output"]["task_status"] == "UNKNOWN"


def test_the_list_has_pages_and_filters(start, scope_body: Body) -> None:
    with samples.client_of(start("--render", "tiny")) as client:
        ids = [submit(client, scope_body | {"parameters": {"seed": i}}) for i in range(5)]
        for task_id in ids:
            ended(client, task_id)
        page = client.get("/api/v1/tasks/", params={"page_size": 2, "page_no": 2}).json()
        assert (page["total"], page["total_page"], page["page_no"], page["page_size"]) == (
            5,
            3,
            2,
            2,
        )
        assert [row["task_id"] for row in page["data"]] == [ids[2], ids[1]]
        assert client.get("/api/v1/tasks", params={"status": "FAILED"}).json()["total"] == 0
        assert (
            client.get("/api/v1/tasks", params={"task_id": ids[0]}).json()["data"][0]["status"]
            == "SUCCEEDED"
        )
        assert client.get("/api/v1/tasks", params={"model_name": "other"}).json()["data"] == []
        now = datetime.now(timezone(timedelta(hours=8)))
        stamps = {
            "start_time": (now - timedelta(hours=1)).strftime("%Y%m%d%H%M%S"),
            "end_time": now.strftime("%Y%m%d%H%M%S"),
        }
        assert client.get("/api/v1/tasks/", params=stamps).json()["total"] == 5
        stamps["end_time"] = (now - timedelta(minutes=30)).strftime("%Y%m%d%H%M%S")
        assert client.get("/api/v1/tasks/", params=stamps).json()["total"] == 0


@pytest.mark.parametrize(
    "query",
    [
        {"page_size": "x"},
        {"page_size": "1000"},
        {"start_time": "20260101000000", "end_time": "20260105000000"},
        {"end_time": "now"},
    ],
)
def test_a_wrong_list_query_is_refused(tiny: httpx.Client, query: dict[str, str]) -> None:
    answer = tiny.get("/api/v1/tasks/", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


def test_only_a_pending_task_can_be_cancelled(start, scope_body: Body) -> None:
    with samples.client_of(
        start("--render", "tiny", "--latency", "30", "--max-running", "1")
    ) as client:
        running, waiting = submit(client, scope_body), submit(client, scope_body)
        time.sleep(0.1)
        assert client.post(f"/api/v1/tasks/{waiting}/cancel").status_code == 200
        assert client.get(f"/api/v1/tasks/{waiting}").json()["output"]["task_status"] == "CANCELED"
        again = client.post(f"/api/v1/tasks/{waiting}/cancel")
        assert (again.status_code, again.json()["code"]) == (400, "UnsupportedOperation")
        assert client.get(f"/api/v1/tasks/{running}").json()["output"]["task_status"] == "PENDING"


def upload(client: httpx.Client, data: bytes, **change: str) -> tuple[httpx.Response, str]:
    given = client.get(
        "/api/v1/uploads", params={"action": "getPolicy", "model": "wan2.7-i2v"}
    ).json()["data"]
    fields = {
        "OSSAccessKeyId": given["oss_access_key_id"],
        "Signature": given["signature"],
        "policy": given["policy"],
        "key": f"{given['upload_dir']}/a.png",
        "x-oss-object-acl": given["x_oss_object_acl"],
        "x-oss-forbid-overwrite": given["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    } | change
    return httpx.post(
        given["upload_host"], data=fields, files={"file": ("a.png", data)}, trust_env=False
    ), "oss://" + fields["key"]


def test_an_upload_can_be_used_with_the_header_alone(
    tiny: httpx.Client, scope_body: Body, picture: bytes
) -> None:
    answer, url = upload(tiny, picture)
    assert (answer.status_code, answer.content) == (200, b"")
    body = scope_body | {"input": {"media": [{"type": "first_frame", "url": url}]}}
    assert ended(tiny, submit(tiny, body, RESOLVE))["output"]["task_status"] == "SUCCEEDED"
    assert ended(tiny, submit(tiny, body))["output"]["code"] == "InvalidURL"
    missing = scope_body | {"input": {"media": [{"type": "first_frame", "url": url + "x"}]}}
    assert ended(tiny, submit(tiny, missing, RESOLVE))["output"]["code"] == "InvalidURL"


@pytest.mark.parametrize(
    "change",
    [
        {"Signature": "x"},
        {"key": "elsewhere/a.png"},
        {"policy": "e30="},
        {"x-oss-object-acl": "public-read"},
    ],
)
def test_an_upload_that_breaks_its_policy_is_refused(
    tiny: httpx.Client, change: dict[str, str]
) -> None:
    answer, _ = upload(tiny, b"x", **change)
    assert answer.status_code == 403
    assert b"<Error>" in answer.content


def test_an_upload_is_never_overwritten(tiny: httpx.Client) -> None:
    answer, url = upload(tiny, b"x")
    assert answer.status_code == 200
    given, _ = upload(tiny, b"y", key=url.removeprefix("oss://"))
    assert given.status_code in (403, 409)


def test_results_and_tasks_expire(start, scope_body: Body, body: Body) -> None:
    with samples.client_of(start("--render", "tiny", "--expire-after", "1.2")) as client:
        task_id, video_id = (
            submit(client, scope_body),
            client.post("/v1/videos", json=body).json()["id"],
        )
        link = ended(client, task_id)["output"]["video_url"]
        samples.wait_for_end(client, video_id)
        time.sleep(2.3)
        assert client.get(f"/api/v1/tasks/{task_id}").json()["output"]["task_status"] == "UNKNOWN"
        assert b"Request has expired" in httpx.get(link, trust_env=False).content
        gone = client.get(f"/v1/videos/{video_id}/content")
        assert (gone.status_code, gone.json()["error"]["type"]) == (502, "server_error")


def test_limits_answer_429_in_the_apis_words(start, scope_body: Body, body: Body) -> None:
    options = (
        "--render",
        "tiny",
        "--latency",
        "30",
        "--submits-per-second",
        "2",
        "--queries-per-second",
        "3",
        "--retry-after",
        "2",
    )
    with samples.client_of(start(*options)) as client:
        answers = [client.post(SUBMIT, json=scope_body, headers=ASYNC) for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 429, 429]
        assert answers[2].json()["code"] == "Throttling.RateQuota"
        assert answers[2].headers["retry-after"] == "2"
        queries = [
            client.get(f"/api/v1/tasks/{answers[0].json()['output']['task_id']}") for _ in range(5)
        ]
        assert [a.status_code for a in queries] == [200, 200, 200, 429, 429]
        time.sleep(1.05)
        assert client.post("/v1/videos", json=body).status_code == 200
        assert client.get("/__books").json()["accepted"] == 3


def test_too_many_running_tasks_are_refused_where_asked(
    start, scope_body: Body, body: Body
) -> None:
    with samples.client_of(
        start("--render", "tiny", "--latency", "30", "--max-running", "2", "--over-limit", "refuse")
    ) as client:
        assert [client.post("/v1/videos", json=body).status_code for _ in range(3)] == [
            200,
            200,
            429,
        ]
        answer = client.post(SUBMIT, json=scope_body, headers=ASYNC)
        assert (answer.status_code, answer.json()["code"]) == (429, "Throttling")


def test_waiting_tasks_run_in_turn(start, body: Body) -> None:
    with samples.client_of(
        start("--render", "tiny", "--latency", "0.3", "--max-running", "1")
    ) as client:
        began = time.monotonic()
        ids = [client.post("/v1/videos", json=body).json()["id"] for _ in range(3)]
        assert [client.get(f"/v1/videos/{i}").json()["status"] for i in ids[1:]] == [
            "queued",
            "queued",
        ]
        for task_id in ids:
            assert samples.wait_for_end(client, task_id)["status"] == "completed"
        assert time.monotonic() - began >= 0.9
