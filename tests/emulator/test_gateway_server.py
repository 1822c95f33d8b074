"""The gateway's protocol over real sockets: what is accepted, what is refused and in
which words."""

from __future__ import annotations

import hashlib
import re
import socket

import httpx
import pytest
from emulator import samples
from emulator.samples import Body


def test_a_submit_is_answered_as_the_seed_document_says(tiny: httpx.Client, body: Body) -> None:
    answer = tiny.post("/v1/videos", json=body)
    video = answer.json()
    assert answer.status_code == 200
    assert re.fullmatch(r"task_[A-Za-z0-9]{32}", video["id"])
    assert video == {
        "id": video["id"],
        "task_id": video["id"],
        "object": "video",
        "model": "wan2.7-i2v",
        "status": "queued",
        "progress": 0,
        "created_at": video["created_at"],
    }
    assert isinstance(video["created_at"], int)


def test_a_finished_task_has_an_address_and_bytes(tiny: httpx.Client, body: Body) -> None:
    task_id = tiny.post("/v1/videos", json=body).json()["id"]
    video = samples.wait_for_end(tiny, task_id)
    assert video["status"] == "completed"
    assert video["progress"] == 100
    assert video["completed_at"] >= video["created_at"]
    assert video["metadata"]["url"] == f"{tiny.base_url}/v1/videos/{task_id}/content"
    content = tiny.get(video["metadata"]["url"])
    assert content.headers["content-type"] == "video/mp4"
    assert int(content.headers["content-length"]) == len(content.content)
    assert content.content[4:8] == b"ftyp"
    part = tiny.get(video["metadata"]["url"], headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, content.content[100:200])


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"seconds": 2}, 400, "invalid_json"),
        ({"seed": "7"}, 400, "invalid_json"),
        ({"seed": 7.0}, 400, "invalid_json"),
        ({"seed": True}, 400, "invalid_json"),
        ({"watermark": "true"}, 400, "invalid_json"),
        ({"prompt": None}, 400, "invalid_json"),
        ({"media": {"type": "first_frame"}}, 400, "invalid_json"),
        ({"media": ["x"]}, 400, "invalid_json"),
        ({"media": []}, 400, "invalid_request"),
        ({"media": [{"type": "first_frame"}]}, 400, "invalid_request"),
        (
            {"media": [{"type": "first_frame", "url": "https://example.com/a.png", "x": "y"}]},
            400,
            "invalid_request",
        ),
        (
            {"media": [{"type": "middle_frame", "url": "https://example.com/a.png"}]},
            400,
            "invalid_request",
        ),
        (
            {"media": [{"type": "first_frame", "url": "ftp://example.com/a.png"}]},
            400,
            "invalid_request",
        ),
        ({"media": [{"type": "first_frame", "url": "a.png"}]}, 400, "invalid_request"),
        (
            {"media": [{"type": "first_frame", "url": "data:image/png;base64,%%%"}]},
            400,
            "invalid_request",
        ),
        (
            {"media": [{"type": "first_frame", "url": "data:text/plain;base64,aGk="}]},
            400,
            "invalid_request",
        ),
        (
            {"media": [{"type": "first_clip", "url": "data:video/mp4;base64,aGk="}]},
            400,
            "invalid_request",
        ),
        (
            {"media": [{"type": "last_frame", "url": "https://example.com/a.png"}]},
            400,
            "invalid_request",
        ),
        (
            {"media": [{"type": "first_frame", "url": "https://a.example/a"}] * 2},
            400,
            "invalid_request",
        ),
        ({"seconds": "1"}, 400, "invalid_seconds"),
        ({"seconds": "16"}, 400, "invalid_seconds"),
        ({"seconds": "5.0"}, 400, "invalid_seconds"),
        ({"size": "480P"}, 400, "invalid_request"),
        ({"seed": -1}, 400, "invalid_request"),
        ({"seed": 2_147_483_648}, 400, "invalid_request"),
        ({"model": ""}, 400, "missing_model"),
        ({"fps": 24}, 400, "invalid_request"),
    ],
)
def test_a_wrong_field_is_refused(
    tiny: httpx.Client, body: Body, change: Body, status: int, code: str
) -> None:
    answer = tiny.post("/v1/videos", json=body | change)
    told = answer.json()
    assert (answer.status_code, told["code"], told["data"]) == (status, code, None)
    assert set(told) == {"code", "message", "data"}
    assert told["message"]


@pytest.mark.parametrize("missing", ["model", "media"])
def test_a_missing_field_is_refused(tiny: httpx.Client, body: Body, missing: str) -> None:
    answer = tiny.post("/v1/videos", json={k: v for k, v in body.items() if k != missing})
    assert answer.status_code == 400
    assert missing in answer.json()["message"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'{"seed": NaN}',
        b"\xff",
        b"[" * 100_000,
        b'{"seed": ' + b"9" * 10_000 + b"}",
    ],
)
def test_what_is_no_json_object_is_refused(tiny: httpx.Client, text: bytes) -> None:
    answer = tiny.post("/v1/videos", content=text, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


def test_an_unknown_model_has_no_channel(tiny: httpx.Client, body: Body) -> None:
    answer = tiny.post("/v1/videos", json=body | {"model": "wan9"})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    "types",
    [
        ["first_frame", "last_frame"],
        ["last_frame", "first_frame"],
        ["first_clip"],
        ["first_clip", "last_frame"],
    ],
)
def test_legal_combinations_are_accepted_in_any_order(
    tiny: httpx.Client, body: Body, types: list[str]
) -> None:
    media = [{"type": t, "url": "https://example.com/x"} for t in types]
    assert tiny.post("/v1/videos", json=body | {"media": media}).status_code == 200


@pytest.mark.parametrize(
    "types",
    [
        ["first_clip", "first_frame"],
        ["driving_audio"],
        ["first_clip", "driving_audio"],
        ["first_frame", "first_clip"],
    ],
)
def test_other_combinations_are_refused(tiny: httpx.Client, body: Body, types: list[str]) -> None:
    media = [{"type": t, "url": "https://example.com/x"} for t in types]
    answer = tiny.post("/v1/videos", json=body | {"media": media})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer"}, {"authorization": "Basic abc"}]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/videos"),
        ("GET", "/v1/videos/x"),
        ("GET", "/v1/videos/x/content"),
        ("PUT", "/media/x"),
    ],
)
def test_without_a_token_nothing_is_answered(
    tiny: httpx.Client, headers: dict[str, str], method: str, path: str
) -> None:
    answer = httpx.request(method, f"{tiny.base_url}{path}", headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "new_api_error"
    assert "request id" in answer.json()["error"]["message"]


def test_unknown_tasks(tiny: httpx.Client) -> None:
    status, content = tiny.get("/v1/videos/task_none"), tiny.get("/v1/videos/task_none/content")
    assert (status.status_code, status.json()["code"]) == (400, "task_not_exist")
    assert (content.status_code, content.json()["error"]["type"]) == (404, "invalid_request_error")


def test_wrong_methods_and_addresses(tiny: httpx.Client) -> None:
    wrong = tiny.delete("/v1/videos/x")
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (405, "new_api_error")
    lost = tiny.get("/v2/videos")
    assert (lost.status_code, lost.json()["error"]["message"]) == (
        404,
        "Invalid URL (GET /v2/videos)",
    )


def test_other_content_types_are_refused(tiny: httpx.Client) -> None:
    answer = tiny.post("/v1/videos", data={"model": "wan2.7-i2v"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_too_large_a_body_is_refused(tiny: httpx.Client) -> None:
    host, port = tiny.base_url.host, tiny.base_url.port
    with socket.create_connection((host, port), timeout=10) as connection:
        head = (
            "POST /v1/videos HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\ncontent-type:"
            " application/json\r\ncontent-length: 135266304\r\n\r\n"
        )
        connection.sendall(head.encode())
        answer = connection.makefile("rb").readline()
    assert b" 413 " in answer


def test_early_content_is_refused(start, body: Body) -> None:
    with samples.client_of(start("--render", "tiny", "--latency", "30")) as client:
        task_id = client.post("/v1/videos", json=body).json()["id"]
        answer = client.get(f"/v1/videos/{task_id}/content")
        assert answer.status_code == 400
        assert answer.json() == {
            "error": {
                "message": "Task is not completed yet, current status: PENDING",
                "type": "invalid_request_error",
            }
        }


def test_only_the_given_token_is_accepted(
    start, body: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_TOKEN", "right")
    emulator = start("--render", "tiny", "--api-key-env", "THE_TOKEN")
    with samples.client_of(emulator) as client:
        assert client.post("/v1/videos", json=body).status_code == 401
        assert (
            client.post(
                "/v1/videos", json=body, headers={"authorization": "Bearer right"}
            ).status_code
            == 200
        )


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: {"type": "first_frame", "url": "https://example.com/a.png"}, "InvalidURL"),
        (
            lambda: {"type": "first_frame", "url": "http://127.0.0.1:1/media/" + "0" * 64},
            "InvalidURL",
        ),
        (
            lambda: {
                "type": "first_frame",
                "url": samples.data_url(samples.make_picture(), "image/jpeg"),
            },
            "InvalidParameter",
        ),
        (
            lambda: {"type": "first_frame", "url": samples.data_url(b"no picture")},
            "InvalidImage.FileFormat",
        ),
        (
            lambda: {
                "type": "first_frame",
                "url": samples.data_url(samples.make_picture(100, 300)),
            },
            "InvalidFile.Resolution",
        ),
        (
            lambda: {
                "type": "first_frame",
                "url": samples.data_url(samples.make_picture(2000, 240)),
            },
            "InvalidFile.AspectRatio",
        ),
    ],
)
def test_bad_media_fail_the_task(tiny: httpx.Client, body: Body, make, code: str) -> None:
    task_id = tiny.post("/v1/videos", json=body | {"media": [make()]}).json()["id"]
    video = samples.wait_for_end(tiny, task_id)
    assert (video["status"], video["error"]["code"]) == ("failed", code)
    assert "metadata" not in video


def test_media_are_put_once_and_used(
    tiny: httpx.Client, body: Body, picture: bytes, tone: bytes
) -> None:
    urls = []
    for data in (picture, tone):
        name = hashlib.sha256(data).hexdigest()
        for _ in range(2):
            answer = tiny.put(f"/media/{name}", content=data)
            assert (answer.status_code, answer.json()) == (
                200,
                {"url": f"{tiny.base_url}/media/{name}"},
            )
        assert httpx.get(answer.json()["url"], trust_env=False).content == data
        assert httpx.head(answer.json()["url"], trust_env=False).headers["content-length"] == str(
            len(data)
        )
        urls.append(answer.json()["url"])
    media = [{"type": "first_frame", "url": urls[0]}, {"type": "driving_audio", "url": urls[1]}]
    task_id = tiny.post("/v1/videos", json=body | {"media": media}).json()["id"]
    assert samples.wait_for_end(tiny, task_id)["status"] == "completed"


def test_media_with_another_hash_are_refused(tiny: httpx.Client) -> None:
    assert tiny.put("/media/" + "0" * 64, content=b"x").status_code == 400
    assert tiny.put("/media/nonsense", content=b"x").status_code == 400
    assert tiny.get("/media/" + "0" * 64).status_code == 404
    assert tiny.get("/media/..%2ftasks.jsonl").status_code == 404
