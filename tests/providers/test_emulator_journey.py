"""The whole journey through a real emulator, in each of its personalities: probe,
deliver, submit, poll, download; and what it refuses.

How it works: one emulator process per personality for the module; the backend under
test is the one that the engine uses.
"""

import hashlib
import io
import math
import struct
import time
import wave
from typing import NamedTuple

import anyio
import pytest
from expecting import expect
from PIL import Image

from wanbatch.emulator.process import start_emulator
from wanbatch.model.outcomes import (
    Accepted,
    Downloaded,
    DownloadFailed,
    Failed,
    Halted,
    ProbeFailed,
    ProbePassed,
    Rejected,
    Succeeded,
    Unreadable,
)
from wanbatch.model.plan import MediaRef
from wanbatch.model.wire import MediaDelivery, Secret
from wanbatch.providers.client import Client
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio

PERSONALITIES = {
    "gateway": "emulator",
    "gateway-metadata": "gateway-metadata",
    "dashscope": "dashscope",
}


class Spoken(NamedTuple):
    """An emulator, and the personality that it was started with."""

    base_url: str
    dialect: str


@pytest.fixture(scope="module", name="emulator", params=PERSONALITIES)
def _emulator(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JOURNEY_KEY", "sk-journey-0001")
        options = ("--dialect", request.param, "--render", "tiny", "--api-key-env", "JOURNEY_KEY")
        emulator = start_emulator(tmp_path_factory.mktemp(request.param), *options)
    with emulator:
        yield Spoken(emulator.base_url, request.param)


@pytest.fixture(name="backend_for")
def _backend_for(emulator, profile_for):
    def make(key="sk-journey-0001"):
        way = MediaDelivery("upload" if emulator.dialect == "dashscope" else "emulator")
        kind = PERSONALITIES[emulator.dialect]
        return Client(
            profile_for(emulator.base_url, kind, api_key=Secret(key), delivery=way), pool=AtOnce()
        )

    return make


@pytest.fixture(scope="module", name="files")
def _files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    Image.linear_gradient("L").resize((320, 256)).convert("RGB").save(folder / "first_frame.png")
    Image.radial_gradient("L").resize((320, 256)).convert("RGB").save(folder / "last_frame.png")
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(
            b"".join(struct.pack("<h", int(9000 * math.sin(i / 5))) for i in range(8000 * 3))
        )
    (folder / "driving_audio.wav").write_bytes(sound.getvalue())
    return folder


@pytest.fixture(name="media")
def _media(files, clip_of_two_seconds):
    def choose(*types):
        paths = {path.stem: path for path in files.iterdir()} | {"first_clip": clip_of_two_seconds}
        return [
            (
                MediaRef(
                    one, paths[one].name, sha256=hashlib.sha256(paths[one].read_bytes()).hexdigest()
                ),
                paths[one],
            )
            for one in types
        ]

    return choose


@pytest.fixture(scope="module", name="clip_of_two_seconds")
def _clip_of_two_seconds(tmp_path_factory):
    import av

    path = tmp_path_factory.mktemp("clip") / "first_clip.mp4"
    with av.open(str(path), "w") as container:
        track = container.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        track.width, track.height, track.pix_fmt = 320, 256, "yuv420p"
        for number in range(25):
            container.mux(
                track.encode(
                    av.VideoFrame.from_image(Image.new("RGB", (320, 256), (number * 10, 90, 60)))
                )
            )
        container.mux(track.encode())
    return path


async def until_final(backend, task_id):
    deadline = anyio.current_time() + 60
    while True:
        outcome = await backend.poll(task_id, time.time())
        if isinstance(outcome, Succeeded | Failed):
            return outcome
        assert anyio.current_time() < deadline, outcome
        await anyio.sleep(0.1)


async def test_the_probe(backend_for):
    async with backend_for() as backend:
        outcome = await backend.probe()
        assert isinstance(outcome, ProbePassed)
        assert abs(expect(float, outcome.clock_skew_s)) < 5
    async with backend_for("sk-wrong-0001") as backend:
        assert isinstance(await backend.probe(), ProbeFailed)


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
async def test_every_combination_becomes_a_video(backend_for, request_with, media, tmp_path, types):
    chosen = media(*types)
    request = request_with(media=tuple(ref for ref, _ in chosen), seconds=3, seed=7)
    async with backend_for() as backend:
        urls = (await backend.deliver(chosen)).urls
        assert not isinstance(urls, str), urls
        outcome = await backend.submit(request, urls)
        assert isinstance(outcome, Accepted), outcome
        result = await until_final(backend, outcome.task_id)
        assert isinstance(result, Succeeded), result
        assert result.created_at is None or abs(result.created_at - time.time()) < 60
        for number in range(2):
            part = tmp_path / f"{number}.part"
            downloaded = await backend.download(outcome.task_id, result, part)
            assert isinstance(downloaded, Downloaded), downloaded
            assert downloaded.facts.bytes == part.stat().st_size
            assert downloaded.facts.width > 0


async def test_wrong_parameters_are_told_at_once_or_by_the_task(
    backend_for, emulator, request_with, media
):
    request = request_with(media=tuple(ref for ref, _ in media("last_frame")), seconds=3)
    async with backend_for() as backend:
        outcome = await backend.submit(request, (await backend.deliver(media("last_frame"))).urls)
        if isinstance(outcome, Accepted):
            outcome = await until_final(backend, outcome.task_id)
    assert isinstance(outcome, Rejected | Failed), outcome
    assert outcome.message


async def test_a_wrong_key_stops_the_run(backend_for, request_with):
    async with backend_for("sk-wrong-0001") as backend:
        assert isinstance(
            await backend.submit(request_with(), {"first_frame": "https://x.example/a.png"}), Halted
        )


async def test_an_unknown_task_is_neither_done_nor_failed(backend_for, emulator, tmp_path):
    async with backend_for() as backend:
        outcome = await backend.poll("task_nobody_knows_this_one", time.time())
        assert isinstance(outcome, Unreadable)
        assert outcome.denied, "the API itself says that it does not know the task"
        assert isinstance(
            await backend.download("task_nobody_knows_this_one", Succeeded(), tmp_path / "x.part"),
            DownloadFailed,
        )


async def test_a_task_can_be_found_again(backend_for, emulator, request_with, media):
    request = request_with(
        "first_frame",
        media=tuple(ref for ref, _ in media("first_frame")),
        prompt="only this one",
        seconds=3,
    )
    async with backend_for() as backend:
        begun = time.time()
        outcome = await backend.submit(request, (await backend.deliver(media("first_frame"))).urls)
        await until_final(backend, outcome.task_id)
        listing = await backend.list_tasks(begun - 5, time.time() + 5)
        if emulator.dialect != "dashscope":
            assert listing is None
            return
        assert listing.complete
        [found] = [task for task in listing.tasks if task.task_id == outcome.task_id]
        assert found.model.startswith("wan2.7-i2v")
        assert abs(found.created_at - begun) < 5
        assert (await backend.look_at(outcome.task_id)).prompt == "only this one"
