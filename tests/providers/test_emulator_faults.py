"""Each fault that the emulator can play, in each of its personalities, and what the
backend makes of it."""

import base64
import io
from typing import Any

import anyio
import pytest
import yaml
from PIL import Image

from wanbatch.emulator.process import EmulatorProcess, start_emulator
from wanbatch.model.outcomes import (
    Accepted,
    Downloaded,
    DownloadFailed,
    Failed,
    Halted,
    NotAccepted,
    Rejected,
    Succeeded,
    Uncertain,
    Unreadable,
)
from wanbatch.model.plan import MediaRef
from wanbatch.model.wire import MediaDelivery, Secret
from wanbatch.providers.client import Client
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio

DIALECTS = ("gateway", "dashscope")


@pytest.fixture(name="anyio_backend")
def _anyio_backend():
    return "asyncio"  # the process is what takes the time; test_conformance covers both


@pytest.fixture(name="dialect", params=DIALECTS)
def _dialect(request):
    return request.param


@pytest.fixture(name="rehearse")
def _rehearse(dialect, profile_for, tmp_path):
    """Starts an emulator with one fault, and gives the backend that meets it."""
    running: list[EmulatorProcess] = []

    def start(*faults):
        script = tmp_path / "faults.yaml"
        script.write_text(yaml.safe_dump({"seed": 1, "faults": list(faults)}))
        emulator = start_emulator(
            tmp_path / f"store{len(running)}",
            "--dialect",
            dialect,
            "--render",
            "tiny",
            "--script",
            str(script),
        )
        running.append(emulator)
        way = MediaDelivery("upload" if dialect == "dashscope" else "emulator")
        key = Secret("sk-rehearsal-01")
        return Client(
            profile_for(
                emulator.base_url,
                dialect,
                api_key=key,
                delivery=way,
                download_hosts=("localhost",),
                submit_timeout_s=1.0,
            ),
            pool=AtOnce(),
        )

    yield start
    for emulator in running:
        emulator.stop()


@pytest.fixture(name="submit")
def _submit(request_with, tmp_path):
    async def submit(backend):
        picture = io.BytesIO()
        Image.linear_gradient("L").resize((320, 256)).convert("RGB").save(picture, "PNG")
        path = anyio.Path(tmp_path / "a.png")
        await path.write_bytes(picture.getvalue())
        ref = MediaRef("first_frame", "a.png")
        url = {
            "first_frame": f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"
        }
        return await backend.submit(
            request_with(media=(ref,), seconds=2, seed=3, prompt_extend=True), url
        )

    return submit


async def finished(backend, submit):
    outcome = await submit(backend)
    assert isinstance(outcome, Accepted), outcome
    return outcome.task_id, await final_word(backend, outcome.task_id)


async def final_word(backend, task_id):
    with anyio.fail_after(30):
        while True:
            result = await backend.poll(task_id, 0.0)
            if isinstance(result, Succeeded | Failed):
                return result
            await anyio.sleep(0.05)


SUBMITS: list[tuple[dict[str, Any], type]] = [
    ({"do": "answer", "status": 429, "envelope": "empty"}, NotAccepted),
    ({"do": "answer", "status": 400, "envelope": "task", "code": "InvalidParameter"}, Rejected),
    ({"do": "answer", "status": 401, "envelope": "auth"}, Halted),
    ({"do": "answer", "status": 502, "envelope": "html"}, Uncertain),
    ({"do": "close"}, Uncertain),
    ({"do": "reset"}, Uncertain),
    ({"do": "stall", "seconds": 30}, Uncertain),
    ({"moment": "after", "do": "close"}, Uncertain),
    ({"moment": "after", "do": "answer", "status": 502, "envelope": "html"}, Uncertain),
    ({"moment": "after", "do": "wrong_types"}, Uncertain),
    ({"moment": "after", "do": "invalid_id", "id": "a b"}, Uncertain),
    ({"moment": "after", "do": "invalid_id", "id": "../../v1/keys"}, Accepted),
    ({"moment": "after", "do": "huge_body", "megabytes": 8}, Uncertain),
    ({"moment": "after", "do": "short_body"}, Uncertain),
]


async def test_spoiled_submits(rehearse, submit):
    faults = [
        {"route": "submit", "call": number, **fault} for number, (fault, _) in enumerate(SUBMITS, 1)
    ]
    async with rehearse(*faults) as backend:
        for number, (fault, verdict) in enumerate(SUBMITS, 1):
            outcome = await submit(backend)
            assert isinstance(outcome, verdict), (fault, outcome)
            assert backend.requests == number, "one POST each"
        assert isinstance(await submit(backend), Accepted)


QUERIES: list[dict[str, Any]] = [
    {"do": "close"},
    {"do": "reset"},
    {"do": "wrong_types"},
    {"do": "huge_body", "megabytes": 8},
    {"do": "short_body"},
]


async def test_spoiled_queries_tell_nothing_and_are_asked_again(rehearse, submit):
    async with rehearse(
        *({"route": "status", "call": number, **fault} for number, fault in enumerate(QUERIES, 1))
    ) as backend:
        outcome = await submit(backend)
        for fault in QUERIES:
            told = await backend.poll(outcome.task_id, 0.0)
            assert isinstance(told, Unreadable), (fault, told)
        assert isinstance(await final_word(backend, outcome.task_id), Succeeded)


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        ({"do": "short_body", "times": 1}, True),
        ({"do": "short_body"}, False),
        ({"do": "no_length"}, True),
        ({"do": "no_length", "share": 0.5}, False),
        ({"do": "redirect", "to": "self"}, None),
        ({"do": "redirect", "to": "other", "times": 1}, None),
        ({"do": "answer", "status": 200, "envelope": "html"}, False),
        ({"do": "answer", "status": 502, "envelope": "html"}, False),
        ({"do": "close"}, False),
        ({"do": "reset", "times": 1}, None),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
async def test_a_spoiled_download_is_whole_or_not_there(rehearse, submit, tmp_path, fault, kept):
    part = tmp_path / "v.part"
    async with rehearse({"route": "content", **fault}) as backend:
        task_id, result = await finished(backend, submit)
        outcome = await backend.download(task_id, result, part)
    if kept is not None:
        assert isinstance(outcome, Downloaded if kept else DownloadFailed), outcome
    kept_as_evidence = isinstance(outcome, DownloadFailed) and bool(outcome.refused)
    assert await anyio.Path(part).exists() is (isinstance(outcome, Downloaded) or kept_as_evidence)
    if isinstance(outcome, DownloadFailed):
        assert not outcome.gone


async def test_a_result_that_is_gone(rehearse, submit, tmp_path):
    async with rehearse({"route": "submit", "do": "expired"}) as backend:
        task_id, result = await finished(backend, submit)
        assert isinstance(result, Succeeded)
        outcome = await backend.download(task_id, result, tmp_path / "v.part")
    assert isinstance(outcome, DownloadFailed)


async def test_a_task_that_fails(rehearse, submit):
    async with rehearse(
        {"route": "submit", "do": "fail", "code": "DataInspectionFailed"}
    ) as backend:
        _, result = await finished(backend, submit)
    assert isinstance(result, Failed)
    assert (result.code, result.retryable) == ("DataInspectionFailed", False)
