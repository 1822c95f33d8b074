"""Stock new-api's personality over real sockets: its fields, its losses, its habits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from emulator import samples
from emulator.samples import Body
from expecting import expect


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    from wanbatch.emulator.process import start_emulator

    store = tmp_path_factory.mktemp("stock")
    options = ("--dialect", "gateway-metadata", "--render", "tiny", "--row-delay", "0")
    with start_emulator(store, *options) as emulator, samples.client_of(emulator) as client:
        yield client


@pytest.fixture(scope="module")
def stock_body(picture: bytes) -> Body:
    media = [{"type": "first_frame", "url": samples.data_url(picture)}]
    metadata = {
        "input": {"media": media},
        "parameters": {
            "resolution": "720P",
            "duration": 3,
            "seed": 5,
            "prompt_extend": False,
            "watermark": True,
        },
    }
    return {"model": "wan2.7-i2v", "prompt": "waves", "metadata": metadata}


def submit(client: httpx.Client, body: Body) -> str:
    answer = client.post("/v1/videos", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def ended(client: httpx.Client, task_id: str) -> Body:
    """The final status; a passing 403 or unknown is waited out."""
    for _ in range(200):
        answer = client.get(f"/v1/videos/{task_id}")
        if answer.status_code == 200 and answer.json()["status"] in ("completed", "failed"):
            found: Body = answer.json()
            return found
        time.sleep(0.02)
    raise AssertionError(answer.text)


def accepted(client: httpx.Client, task_id: str) -> Body:
    return next(t for t in client.get("/__books").json()["tasks"] if t["id"] == task_id)


def test_a_finished_task_has_a_signed_address_and_echoes_little(
    stock: httpx.Client, stock_body: Body
) -> None:
    video = ended(stock, submit(stock, stock_body))
    assert set(video) == {
        "id",
        "object",
        "model",
        "status",
        "progress",
        "created_at",
        "completed_at",
        "metadata",
    }
    link = video["metadata"]["url"]
    got = httpx.get(link, trust_env=False)
    assert (got.status_code, got.content[4:8]) == (200, b"ftyp")
    forged = urlunsplit(
        urlsplit(link)._replace(query=urlsplit(link).query.replace("Signature=", "Signature=x"))
    )
    assert httpx.get(forged, trust_env=False).status_code == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in httpx.get(forged, trust_env=False).content


def test_content_ignores_ranges(stock: httpx.Client, stock_body: Body) -> None:
    task_id = submit(stock, stock_body)
    ended(stock, task_id)
    answer = stock.get(f"/v1/videos/{task_id}/content", headers={"range": "bytes=5-9"})
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content) > 1000


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"prompt": ""}, 400, "invalid_request"),
        ({"model": ""}, 400, "missing_model"),
        ({"seconds": 5}, 400, "invalid_json"),
        ({"seconds": "five"}, 400, "invalid_seconds"),
        ({"metadata": "{"}, 400, "invalid_json"),
        ({"metadata": {"model": "wan3.0"}}, 400, "invalid_request"),
        ({"metadata": {}}, 500, "build_request_failed"),
    ],
)
def test_what_it_refuses(
    stock: httpx.Client, stock_body: Body, change: Body, status: int, code: str
) -> None:
    answer = stock.post("/v1/videos", json=stock_body | change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_top_level_media_are_ignored_without_a_word(stock: httpx.Client, body: Body) -> None:
    answer = stock.post("/v1/videos", json=body | {"prompt": "waves"})
    assert (answer.status_code, answer.json()["code"]) == (500, "build_request_failed")


def test_images_become_frames(stock: httpx.Client, picture: bytes) -> None:
    url = samples.data_url(picture)
    task_id = submit(
        stock,
        {
            "model": "wan2.7-i2v",
            "prompt": "x",
            "images": [url, url],
            "size": "720p",
            "seconds": "4",
        },
    )
    assert ended(stock, task_id)["status"] == "completed"


def test_the_rest_is_judged_upstream_and_later(stock: httpx.Client, stock_body: Body) -> None:
    metadata = stock_body["metadata"] | {"parameters": {"duration": 99}}
    video = ended(stock, submit(stock, stock_body | {"metadata": metadata}))
    assert (video["status"], video["error"]["code"]) == ("failed", "InvalidParameter")
    assert video["metadata"] == {"url": ""}


def test_false_and_zero_are_lost(
    stock: httpx.Client, stock_body: Body, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from wanbatch.emulator.protocols.parse_dashscope import Reading
    from wanbatch.emulator.protocols.parse_stock import read_stock_submit

    metadata = stock_body["metadata"]
    parameters = {"seed": 0, "prompt_extend": False, "watermark": False, "duration": 3}
    reading = expect(
        Reading, read_stock_submit(stock_body | {"metadata": metadata | {"parameters": parameters}})
    )
    assert (
        reading.draft.seed,
        reading.draft.prompt_extend,
        reading.draft.seconds,
        reading.draft.size,
    ) == (None, True, 3, "720P")


def test_its_habits_show_while_a_task_runs(start, stock_body: Body) -> None:
    options = (
        "--dialect",
        "gateway-metadata",
        "--render",
        "tiny",
        "--latency",
        "60",
        "--row-delay",
        "0.4",
    )
    with samples.client_of(start(*options)) as client:
        ids = [submit(client, stock_body) for _ in range(40)]
        fresh = client.get(f"/v1/videos/{ids[-1]}")
        assert (fresh.status_code, fresh.json()["code"]) == (400, "task_not_exist")
        time.sleep(0.5)
        first = [client.get(f"/v1/videos/{i}") for i in ids]
        second = [client.get(f"/v1/videos/{i}") for i in ids]
        assert {a.status_code for a in first} == {200, 403}
        assert {a.json()["status"] for a in first if a.status_code == 200} == {"queued", "unknown"}
        assert all(
            "error" in a.json()
            for a in first
            if a.status_code == 200 and a.json()["status"] == "unknown"
        )
        assert all(
            a.status_code == 200 and a.json()["status"] == "queued" and a.json()["progress"] == 20
            for a in second
        )
        assert all(a.json()["metadata"] == {"url": ""} and a.json()["completed_at"] for a in second)
