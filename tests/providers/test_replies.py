"""Every reply of ``replies.py`` over a real socket, read by the real backend."""

import pytest
from providers.replies import ROWS, TASK, VIDEO, Row

from wanbatch.model.outcomes import (
    Accepted,
    Downloaded,
    Failed,
    Halted,
    NotAccepted,
    Rejected,
    Running,
    Succeeded,
    Uncertain,
    Unreadable,
)
from wanbatch.providers.client import Client
from wanbatch.providers.dialects.vocabulary import Meaning, meaning_of
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio


@pytest.fixture(name="anyio_backend")
def _anyio_backend():
    return "asyncio"  # the reading knows no event loop, and there are many rows


def in_words(outcome: object, home: str) -> str:
    """``outcome`` in the plain words of the table; addresses below ``home`` lose it."""
    match outcome:
        case Accepted(task_id):
            return f"accepted: {task_id}"
        case Uncertain(halt=halt):
            return "uncertain" if halt is None else "uncertain, halted"
        case NotAccepted():
            return "not accepted"
        case Halted():
            return "halted"
        case Rejected():
            return "rejected"
        case Running(word, known=known):
            return f"running: {word}" if known else f"running, unknown word: {word}"
        case Succeeded(urls):
            return f"finished: {urls[0].removeprefix(home) if urls else 'content'}"
        case Failed(code, certain=certain):
            return f"failed: {code}" if certain else f"failed, doubtful: {code}"
        case Unreadable(denied=denied):
            return "no such task" if denied else "tells nothing"
        case Downloaded():
            return "video"
        case _:
            return "no video"


def _names() -> list[str]:
    return [f"{n}-{row.gateway}-{row.moment}" for n, row in enumerate(ROWS)]


@pytest.mark.parametrize("row", ROWS, ids=_names())
async def test_a_reply_is_read_as_the_table_says(
    serve, answer, profile_for, request_with, video, tmp_path, row: Row
):
    body = video if row.body is VIDEO else row.body
    outcome: object
    kind = "video/mp4" if row.body is VIDEO else "application/json"
    server = serve([answer(row.status, body, content_type=kind)])
    request = request_with()
    async with Client(profile_for(server.url), pool=AtOnce()) as backend:
        match row.moment:
            case "submit":
                outcome = await backend.submit(
                    request, {one.type: one.url for one in request.media}
                )
            case "poll":
                outcome = await backend.poll(TASK, 0.0)
            case _:
                outcome = await backend.download(TASK, Succeeded(), tmp_path / "v.part")
    assert in_words(outcome, server.url) == row.outcome, row.source
    if isinstance(outcome, Running):
        assert meaning_of(outcome.word) in (Meaning.RUNNING, Meaning.UNKNOWN)
        assert outcome.word, "a task that runs for ever in a word that nobody sees"
        assert outcome.known is (meaning_of(outcome.word) is Meaning.RUNNING)
    if isinstance(outcome, Uncertain) and body:
        assert outcome.evidence, "of what proves nothing a piece is kept"


def test_the_table_is_wide_enough():
    assert len(ROWS) >= 200
    assert len({row.gateway for row in ROWS}) >= 25
    assert len([row for row in ROWS if row.outcome.startswith("running")]) >= 40
    assert len([row for row in ROWS if row.outcome.startswith("finished")]) >= 40
    assert len([row for row in ROWS if row.outcome.startswith("failed")]) >= 30
    assert all(row.source for row in ROWS)
