"""Conformance: the ``dashscope`` package, which we did not write, against DashScope's
routes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulator import samples


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    from wanbatch.emulator.process import start_emulator

    options = ("--render", "tiny", "--latency", "0.5", "--max-running", "2")
    with start_emulator(tmp_path_factory.mktemp("dashscope"), *options) as running:
        yield running


@pytest.fixture
def synthesis(emulator, monkeypatch: pytest.MonkeyPatch):
    dashscope = pytest.importorskip("dashscope")
    monkeypatch.setattr(dashscope, "base_http_api_url", f"{emulator.base_url}/api/v1")
    monkeypatch.setattr(dashscope, "api_key", "sk-test")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return dashscope.VideoSynthesis


def submit(synthesis, url: str, **options: object):
    media = [{"type": "first_frame", "url": url}]
    answer = synthesis.async_call(
        model="wan2.7-i2v", prompt="waves", media=media, resolution="720P", duration=2, **options
    )
    assert answer.status_code == 200, answer
    assert answer.output.task_status == "PENDING"
    return answer


def test_call_wait_fetch(synthesis, picture: bytes) -> None:
    import httpx

    task = submit(synthesis, samples.data_url(picture), seed=7)
    done = synthesis.wait(task)
    assert (done.status_code, done.output.task_status, done.usage.video_count) == (
        200,
        "SUCCEEDED",
        1,
    )
    again = synthesis.fetch(task.output.task_id)
    assert again.output.task_id == task.output.task_id
    assert httpx.get(again.output.video_url, trust_env=False).content[4:8] == b"ftyp"


def test_a_local_file_is_uploaded(synthesis, picture: bytes, tmp_path: Path) -> None:
    path = tmp_path / "first frame.png"
    path.write_bytes(picture)
    done = synthesis.wait(submit(synthesis, f"file://{path}"))
    assert done.output.task_status == "SUCCEEDED", done


def test_a_wrong_parameter_fails_the_task(synthesis, picture: bytes) -> None:
    done = synthesis.wait(submit(synthesis, "https://example.com/a.png"))
    assert (done.output.task_status, done.output.code) == ("FAILED", "InvalidURL")


def test_list_and_cancel(synthesis, picture: bytes) -> None:
    url = samples.data_url(picture)
    tasks = [submit(synthesis, url) for _ in range(4)]
    cancelled = synthesis.cancel(tasks[-1])
    assert cancelled.status_code == 200
    assert synthesis.fetch(tasks[-1]).output.task_status == "CANCELED"
    listed = synthesis.list(model_name="wan2.7-i2v", page_size=50)
    rows = {row["task_id"]: row["status"] for row in listed.output["data"]}
    assert rows[tasks[-1].output.task_id] == "CANCELED"
    assert {t.output.task_id for t in tasks} <= set(rows)
    time.sleep(0.7)
    assert synthesis.cancel(tasks[0]).code == "UnsupportedOperation"


def test_a_wrong_key_is_told(synthesis, emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = synthesis.fetch("some-task", api_key=" ")
    assert answer.status_code in (400, 401)
