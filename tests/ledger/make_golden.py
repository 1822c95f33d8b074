"""Writes the golden ledger of the present version: ``python
tests/ledger/make_golden.py``. Run it once, before a migration is added, and commit it.

How it works: through the ledger's own front door, so that the file is what users of
that version have; only the random ledger id is set by hand.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import anyio

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent)]

from builders import opening  # noqa: E402
from ledger.samples import bring_to_end  # noqa: E402

from wanbatch.ledger.schema import VERSION  # noqa: E402
from wanbatch.ledger.store import Ledger  # noqa: E402
from wanbatch.model.lifecycle import Authority, Event, EventKind, Facts, Placement, RunRecord  # noqa: E402
from wanbatch.model.looked import Looked  # noqa: E402

LEDGER_ID = "5f0c9d1e2b3a48576a7b8c9d0e1f2a3b"


async def main() -> None:
    path = Path(__file__).parent / "golden" / f"v{VERSION}.db"
    path.parent.mkdir(exist_ok=True)
    async with Ledger.open(path) as ledger:
        await ledger.begin_run(
            RunRecord(
                "run-1", "harbor", "gateway", "paid", 1_700_000_000.0, wanbatch_version="0.1.0"
            )
        )
        stored = await bring_to_end(ledger)
        await ledger.place(
            Placement(
                "harbor", stored.job, stored.attempt_id, stored.path, 1_700_000_092_000_000_000
            )
        )
        uncertain = await ledger.open_attempt(
            opening(job="opening[hour=dusk]", fingerprint="cd" * 32)
        )
        await ledger.append(
            Event(
                uncertain.attempt_id,
                EventKind.UNCERTAIN,
                1_700_000_061.0,
                {"reason": "the reply did not come within 60 s"},
            )
        )
        refused = await ledger.open_attempt(opening(job="pier", fingerprint="ef" * 32))
        facts: Facts = {
            "reason": "429",
            "error_message": "später, 後で",
            "not_before": 1_700_000_075.5,
        }
        await ledger.append(
            Event(refused.attempt_id, EventKind.NOT_ACCEPTED, 1_700_000_065.0, facts)
        )
        again = await ledger.open_attempt(
            opening(job="pier", fingerprint="ef" * 32, authority=Authority.NOT_ACCEPTED, price=None)
        )
        await ledger.append(
            Event(
                again.attempt_id,
                EventKind.ACCEPTED,
                1_700_000_080.0,
                {"task_id": "task-2", "accepted_at": 1_700_000_080.0},
            )
        )
        await ledger.keep_look(Looked(stored.sha256, "", 1, "all", '{"undecodable":"no video"}'))
        await ledger.finish_run(
            RunRecord(
                "run-1",
                "harbor",
                "gateway",
                "paid",
                1_700_000_000.0,
                1_700_000_300.0,
                1,
                42,
                "0.1.0",
                "de" * 32,
            )
        )
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'ledger_id'", (LEDGER_ID,))
    connection.close()


if __name__ == "__main__":
    anyio.run(main)
