"""The ledger's tables, and the steps that bring an older file to the present form.

What it may not do: open a file, or decide anything about an attempt.

How it works: ``MIGRATIONS[n]`` is a function that takes a ledger from version n to n +
1; it runs inside the transaction that also sets ``PRAGMA user_version``, so a file has
one version or the next, never something between. A step that was released is never
edited: add one, and keep a golden file of the version before in
``tests/ledger/golden``.

``events`` is the truth and is only ever added to; ``attempts`` holds one row per
attempt, the fold of its events, for speed and for people with a ``sqlite3`` shell.
``last_seq`` counts an attempt's events. ``looks`` can be made again from the videos,
and is the one table that is. ``referrers`` and ``mentions`` say who needs a video; what
they lack is kept (``mentions``). Instants are Unix seconds, prices decimal text,
facts JSON. ``meta.ledger_id`` tells two ledgers apart, whatever their folders are
called.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

SqlValue = str | int | float | bytes | None
SqlRow = tuple[SqlValue, ...]

APPLICATION_ID = 0x77616E62
"""``wanb``: tells a ledger from any other SQLite file."""


class Connection(Protocol):
    """What the ledger needs of an SQLite connection in autocommit mode."""

    def execute(self, sql: str, parameters: Sequence[SqlValue] = (), /) -> Iterable[SqlRow]: ...
    def close(self) -> None: ...


def _version_1(connection: Connection) -> None:
    connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
    connection.execute(
        "INSERT INTO meta (name, value) VALUES ('ledger_id', lower(hex(randomblob(16))))"
    )
    connection.execute(
        """
        CREATE TABLE attempts (
            attempt_id    INTEGER PRIMARY KEY,
            fingerprint   TEXT    NOT NULL,
            realm         TEXT    NOT NULL,
            backend       TEXT    NOT NULL,
            origin        TEXT    NOT NULL,
            manifest      TEXT    NOT NULL,
            job           TEXT    NOT NULL,
            run_id        TEXT    NOT NULL,
            authority     TEXT    NOT NULL,
            request       TEXT    NOT NULL,
            length_s      INTEGER NOT NULL,
            size          TEXT    NOT NULL,
            price         TEXT,
            currency      TEXT    NOT NULL,
            intent_at     REAL    NOT NULL,
            state         TEXT    NOT NULL,
            updated_at    REAL    NOT NULL,
            task_id       TEXT    NOT NULL,
            reason        TEXT    NOT NULL,
            error_code    TEXT    NOT NULL,
            error_message TEXT    NOT NULL,
            retryable     INTEGER NOT NULL,
            not_before    REAL    NOT NULL,
            accepted_at   REAL    NOT NULL,
            finished_at   REAL    NOT NULL,
            expires_at    REAL    NOT NULL,
            stored_at     REAL    NOT NULL,
            path          TEXT    NOT NULL,
            sha256        TEXT    NOT NULL,
            bytes         INTEGER NOT NULL,
            seconds       REAL    NOT NULL,
            width         INTEGER NOT NULL,
            height        INTEGER NOT NULL,
            fps           REAL    NOT NULL,
            has_audio     INTEGER NOT NULL,
            polls         INTEGER NOT NULL,
            polled_at     REAL    NOT NULL,
            last_event    TEXT    NOT NULL,
            last_seq      INTEGER NOT NULL
        )
        """
    )
    connection.execute(
        """
        CREATE TABLE events (
            event_id   INTEGER PRIMARY KEY,
            attempt_id INTEGER NOT NULL REFERENCES attempts (attempt_id),
            seq        INTEGER NOT NULL,
            kind       TEXT    NOT NULL,
            at         REAL    NOT NULL,
            facts      TEXT    NOT NULL,
            UNIQUE (attempt_id, seq)
        )
        """
    )
    connection.execute(
        """
        CREATE TABLE placements (
            manifest   TEXT    NOT NULL,
            job        TEXT    NOT NULL,
            attempt_id INTEGER NOT NULL REFERENCES attempts (attempt_id),
            path       TEXT    NOT NULL,
            mtime_ns   INTEGER NOT NULL,
            PRIMARY KEY (manifest, job, attempt_id)
        )
        """
    )
    connection.execute(
        """
        CREATE TABLE runs (
            run_id           TEXT    NOT NULL,
            manifest         TEXT    NOT NULL,
            backend          TEXT    NOT NULL,
            realm            TEXT    NOT NULL,
            started_at       REAL    NOT NULL,
            finished_at      REAL    NOT NULL,
            exit_code        INTEGER NOT NULL,
            http_requests    INTEGER NOT NULL,
            wanbatch_version TEXT    NOT NULL,
            PRIMARY KEY (run_id, manifest)
        )
        """
    )


def _version_2(connection: Connection) -> None:
    """``expires_at`` had two meanings; each gets a field. What gateways say is kept."""
    connection.execute("ALTER TABLE attempts RENAME COLUMN expires_at TO available_until")
    for column in (
        "give_up_at REAL NOT NULL DEFAULT 0.0",
        "intent_offset_s REAL",
        "outcome_offset_s REAL",
        "authorisation_id INTEGER NOT NULL DEFAULT 0",
        "failed_at REAL NOT NULL DEFAULT 0.0",
        "confirmed_at REAL NOT NULL DEFAULT 0.0",
        "status_word TEXT NOT NULL DEFAULT ''",
        "download_error TEXT NOT NULL DEFAULT ''",
        "evidence TEXT NOT NULL DEFAULT ''",
        "refusals INTEGER NOT NULL DEFAULT 0",
        "refused_sha256 TEXT NOT NULL DEFAULT ''",
        "refused_times INTEGER NOT NULL DEFAULT 0",
    ):
        connection.execute(f"ALTER TABLE attempts ADD COLUMN {column}")
    _split_expires_at(connection)
    connection.execute(
        """
        CREATE TABLE authorisations (
            authorisation_id INTEGER PRIMARY KEY,
            fingerprint      TEXT NOT NULL,
            realm            TEXT NOT NULL,
            manifest         TEXT NOT NULL,
            job              TEXT NOT NULL,
            kind             TEXT NOT NULL,
            run_id           TEXT NOT NULL,
            at               REAL NOT NULL
        )
        """
    )


_RESULT_KEPT_S, _GIVEN_UP_AFTER_S = 86_400.0, 90_000.0
"""What version 1 took for granted; a migration states it for good."""


def _split_expires_at(connection: Connection) -> None:
    """Facts first, in order of their events, then each row from what its events say."""
    until: dict[SqlValue, tuple[float, float]] = {}
    events = connection.execute(
        "SELECT event_id, attempt_id, kind, facts FROM events"
        " WHERE kind IN ('accepted', 'adopted', 'remote_ok') ORDER BY event_id"
    )
    for event_id, attempt_id, kind, text in list(events):
        facts = json.loads(str(text))
        told = facts.pop("expires_at", None)
        give_up_at, available_until = until.get(attempt_id, (0.0, 0.0))
        if kind == "remote_ok":
            available_until = facts["available_until"] = told or available_until
        else:
            accepted_at = facts.get("accepted_at", 0.0)
            give_up_at = facts["give_up_at"] = told or accepted_at + _GIVEN_UP_AFTER_S
            available_until = facts["available_until"] = accepted_at + _RESULT_KEPT_S
        until[attempt_id] = give_up_at, available_until
        changed = json.dumps(facts, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        connection.execute("UPDATE events SET facts = ? WHERE event_id = ?", (changed, event_id))
    for key, (give_up_at, available_until) in until.items():
        connection.execute(
            "UPDATE attempts SET give_up_at = ?, available_until = ? WHERE attempt_id = ?",
            (give_up_at, available_until, key),
        )


def _version_3(connection: Connection) -> None:
    """What was measured of each video, beside what it was compared with."""
    connection.execute(
        """
        CREATE TABLE looks (
            sha256   TEXT    NOT NULL,
            compared TEXT    NOT NULL,
            version  INTEGER NOT NULL,
            level    TEXT    NOT NULL,
            facts    TEXT    NOT NULL,
            PRIMARY KEY (sha256, compared, version)
        ) WITHOUT ROWID
        """
    )


def _version_4(connection: Connection) -> None:
    """Which saved plan a run carries out, by its digest."""
    connection.execute("ALTER TABLE runs ADD COLUMN plan TEXT NOT NULL DEFAULT ''")


def _version_5(connection: Connection) -> None:
    """Which manifests, locks and reviews refer to which attempt, or did until when."""
    connection.execute(
        """
        CREATE TABLE referrers (
            referrer_id INTEGER PRIMARY KEY,
            kind      TEXT NOT NULL,
            path      TEXT NOT NULL,
            told      TEXT NOT NULL,
            since     REAL NOT NULL,
            seen_at   REAL NOT NULL,
            UNIQUE (kind, path, told)
        )
        """
    )
    connection.execute(
        """
        CREATE TABLE mentions (
            referrer_id INTEGER NOT NULL REFERENCES referrers (referrer_id),
            attempt_id INTEGER NOT NULL REFERENCES attempts (attempt_id),
            dropped_at REAL    NOT NULL,
            PRIMARY KEY (referrer_id, attempt_id)
        ) WITHOUT ROWID
        """
    )


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _version_1,
    _version_2,
    _version_3,
    _version_4,
    _version_5,
)

VERSION = len(MIGRATIONS)


def read_integer(connection: Connection, pragma: str) -> int:
    """The value of an integer pragma, such as ``user_version``."""
    return next(
        (value for (value,) in connection.execute(f"PRAGMA {pragma}") if isinstance(value, int)), 0
    )


def read_meta(connection: Connection, name: str) -> str:
    """A value of the table ``meta``; empty where it has none of that name."""
    for (value,) in connection.execute("SELECT value FROM meta WHERE name = ?", (name,)):
        return str(value)
    return ""


def migrate(connection: Connection) -> None:
    """Brings a ledger of any older version to ``VERSION`` in one transaction. Raises
    whatever the connection raises, with nothing changed."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[read_integer(connection, "user_version") :]:
            step(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(
            Exception
        ):  # SQLite has rolled back by itself after some errors; the first is the cause
            connection.execute("ROLLBACK")
        raise
