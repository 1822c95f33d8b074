"""The events that carry an attempt to its end, for the ledger's tests."""

from __future__ import annotations

from typing import Any

from builders import opening

from wanbatch.ledger.store import Ledger
from wanbatch.model.lifecycle import Attempt, Event, EventKind, Facts

TO_THE_END: tuple[tuple[EventKind, Facts], ...] = (
    (
        EventKind.ACCEPTED,
        {"task_id": "task-1", "accepted_at": 1_700_000_001.0, "available_until": 1_700_090_000.0},
    ),
    (
        EventKind.REMOTE_OK,
        {"finished_at": 1_700_000_090.5, "polls": 4, "polled_at": 1_700_000_080.0},
    ),
    (
        EventKind.STAGED,
        {
            "sha256": "cd" * 32,
            "bytes": 123_456,
            "seconds": 5.04,
            "width": 1280,
            "height": 720,
            "fps": 24.0,
            "has_audio": True,
        },
    ),
    (EventKind.STORED, {"path": "harbor/videos/one.mp4", "stored_at": 1_700_000_092.0}),
)


async def bring_to_end(ledger: Ledger, **changes: Any) -> Attempt:
    """One attempt from its intent to its stored video."""
    attempt = await ledger.open_attempt(opening(**changes))
    for number, (kind, facts) in enumerate(TO_THE_END):
        attempt = await ledger.append(
            Event(attempt.attempt_id, kind, 1_700_000_001.0 + number, facts)
        )
    return attempt
