"""Conformance: the ``openai`` package, which we did not write, against the gateway's
personality.

Its ``videos`` methods carry a deprecation of their own; that one warning is let through
here and no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

openai = pytest.importorskip("openai")

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, value)
        yield


@pytest.fixture(scope="module", params=["gateway", "gateway-metadata"])
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[object]:
    from wanbatch.emulator.process import start_emulator

    options = (
        "--dialect",
        request.param,
        "--render",
        "tiny",
        "--latency",
        "0.6",
        "--row-delay",
        "0",
        "--api-key-env",
        "EMULATOR_TEST_TOKEN",
    )
    with (
        _environment("EMULATOR_TEST_TOKEN", "test-token"),
        start_emulator(tmp_path_factory.mktemp("openai"), *options) as emulator,
        openai.OpenAI(
            base_url=f"{emulator.base_url}/v1", api_key="test-token", max_retries=0
        ) as made,
    ):
        made.dialect = request.param
        yield made


@pytest.fixture
def video(client, body, picture: bytes):
    """A task created with a JSON body through the package's raw client: its own
    ``create`` sends a form, which loses the media list."""
    if client.dialect == "gateway-metadata":
        body = {
            "model": body["model"],
            "prompt": "waves",
            "metadata": {"input": {"media": body["media"]}, "parameters": {"duration": 2}},
        }
    return client.post("/videos", cast_to=openai.types.Video, body=body)


def finished(client, video):
    """``poll`` returns at once on ``unknown``, a word that this API uses in passing, so
    it is asked again."""
    for _ in range(10):
        try:
            video = client.videos.poll(video.id, poll_interval_ms=100)
        except openai.PermissionDeniedError:  # the passing 403 of a token that is bound to models
            continue
        if video.status in ("completed", "failed"):
            return video
    raise AssertionError(video)


def test_create_poll_retrieve_download(client, video) -> None:
    assert video.status == "queued"
    ended = finished(client, video)
    assert (ended.status, ended.progress, ended.object, ended.model) == (
        "completed",
        100,
        "video",
        "wan2.7-i2v",
    )
    assert client.videos.retrieve(video.id).completed_at >= video.created_at
    content = client.videos.download_content(video.id).read()
    assert content[4:8] == b"ftyp"


def test_errors_arrive_as_the_packages_own(client) -> None:
    with pytest.raises(openai.BadRequestError) as unknown:
        client.videos.retrieve("task_unknown")
    assert "task_not_exist" in str(unknown.value)
    with pytest.raises(openai.NotFoundError):
        client.videos.download_content("task_unknown")
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").videos.retrieve("task_unknown")


def test_its_form_is_answered_in_the_apis_words(client) -> None:
    """``create`` sends a form: the seed document's server takes none, stock new-api
    takes its fields and misses the media."""
    refused = (
        (openai.InternalServerError, "requires image")
        if client.dialect == "gateway-metadata"
        else (openai.BadRequestError, "application/json")
    )
    with pytest.raises(refused[0], match=refused[1]):
        client.videos.create(prompt="waves", model="wan2.7-i2v")
