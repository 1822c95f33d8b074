"""What the server renders in each of its modes, over real sockets."""

from __future__ import annotations

import io
from pathlib import Path

import av
import httpx
import pytest
from av.container import InputContainer
from emulator import samples
from emulator.samples import Body
from expecting import expect


def fetch(client: httpx.Client, body: Body) -> bytes:
    task_id = client.post("/v1/videos", json=body).json()["id"]
    assert samples.wait_for_end(client, task_id, 60)["status"] == "completed"
    return client.get(f"/v1/videos/{task_id}/content").content


def facts(video: bytes) -> tuple[float, int, int]:
    with av.open(io.BytesIO(video)) as container:
        stream = container.streams.video[0]
        return (
            (expect(InputContainer, container).duration or 0) / 1_000_000,
            stream.width,
            stream.height,
        )


def test_full_videos_differ_by_request_and_equal_ones_are_rendered_once(
    start, tmp_path: Path, body: Body
) -> None:
    with samples.client_of(start()) as client:
        first, again, other = (fetch(client, body | {"seed": seed}) for seed in (1, 1, 2))
        assert first == again != other
        assert facts(first) == facts(other) == (2.0, 1280, 720)
        assert len(list((tmp_path / "store" / "videos").iterdir())) == 2


def test_a_request_without_a_seed_gets_one(start, body: Body) -> None:
    with samples.client_of(start()) as client:
        unseeded = {name: value for name, value in body.items() if name != "seed"}
        assert fetch(client, unseeded) != fetch(client, unseeded)


@pytest.mark.parametrize(("mode", "size"), [("cached", (1280, 720)), ("tiny", (64, 48))])
def test_stand_ins_are_one_for_each_length_and_size(
    start, body: Body, mode: str, size: tuple[int, int]
) -> None:
    with samples.client_of(start("--render", mode)) as client:
        first, other, longer = (
            fetch(client, body | change) for change in ({"seed": 1}, {"seed": 2}, {"seconds": "3"})
        )
        assert first == other
        assert (facts(first), facts(longer)) == ((2.0, *size), (3.0, *size))


def test_latencies_are_drawn_and_can_be_repeated(start, tmp_path: Path, body: Body) -> None:
    import json

    drawn = []
    for store in ("a", "b"):
        emulator = start(
            "--render", "tiny", "--latency", "50", "--latency-sigma", "0.4", store=tmp_path / store
        )
        with samples.client_of(emulator) as client:
            for seed in range(30):
                client.post("/v1/videos", json=body | {"seed": seed})
        emulator.stop()
        drawn.append(
            [
                json.loads(line)["latency_s"]
                for line in (tmp_path / store / "tasks.jsonl").read_text().splitlines()
            ]
        )
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 30
    assert 35 < sorted(drawn[0])[15] < 70


@pytest.mark.anyio
async def test_a_process_can_be_held_by_an_async_block(tmp_path: Path) -> None:
    from wanbatch.emulator.process import start_emulator

    async with start_emulator(tmp_path / "store") as emulator:
        assert emulator.base_url.startswith("http://127.0.0.1:")
    assert emulator.process.poll() is not None
