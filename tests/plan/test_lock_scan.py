"""The quick look into a lock: it says what the JSON says, or nothing.

What it may not do: name a lock's lines by hand where ``lock_text`` can write them.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from wanbatch.model.lock import Lock, LockedOutput, LockEntry
from wanbatch.plan.lock import lock_text
from wanbatch.plan.lock_scan import scan_lock

LEDGER = "ab" * 16
DONE = LockEntry(
    fingerprint="wb2:" + "0f" * 32,
    state="done",
    request={"prompt": 'hafen "früh" \\ \n', "media": [{"sha256": None, "source": "a{}.png"}]},
    inputs={"a.png": "cd" * 32},
    seed=7,
    origin="https://gateway",
    task_id="task-1",
    output=LockedOutput("cd" * 32, 9, 5.04, 1280, 720),
    amount="0.50",
    currency="USD",
)
RUNNING = replace(
    DONE, fingerprint="wb1:" + "1e" * 32, state="running", task_id="", output=None, amount=""
)
LOCK = Lock(LEDGER, {"shot[hour=früh]": DONE, "shot[hour=noon]": RUNNING, "zoom": DONE})
TEXT = lock_text(LOCK)


def from_json(text: str) -> tuple[str, list[tuple[str, str, str]]]:
    document = json.loads(text)
    return document["ledger"], [
        (one["fingerprint"], one["state"], one["task_id"] or "")
        for one in document["jobs"].values()
    ]


def test_what_a_lock_says_is_read_without_the_rest_of_it():
    scanned = scan_lock(TEXT.encode())
    assert scanned is not None
    assert (scanned.ledger, list(scanned.jobs)) == from_json(TEXT)
    assert scanned.jobs[1] == (RUNNING.fingerprint, "running", "")


@pytest.mark.parametrize("end", range(0, len(TEXT.encode()), 7))
def test_a_lock_that_was_cut_short_is_none(end):
    assert scan_lock(TEXT.encode()[:end]) is None


@pytest.mark.parametrize("line", range(TEXT.count("\n")))
def test_a_line_more_or_less_is_no_lock(line):
    lines = TEXT.splitlines(keepends=True)
    less = [*lines[:line], *lines[line + 1 :]]
    twice = [*lines[: line + 1], *lines[line:]]
    torn = [*lines[:line], "<<<<<<< ours\n", *lines[line:]]
    for text in map("".join, (less, twice, torn)):
        assert scan_lock(text.encode()) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("wanbatch/lock@1", "wanbatch/lock@2"),
        ('"zoom"', '"shot[hour=noon]"'),  # stands twice: JSON keeps the last
        ("wb1:1e", "wb1:1E"),
        ('"task-1"', '"task\\u002d1"'),
        ('"running"', "null"),
        ("      ", "  "),
        ("\n", "\r\n"),
    ],
)
def test_what_was_written_otherwise_is_left_to_json(before, after):
    assert before in TEXT
    assert scan_lock(TEXT.replace(before, after).encode()) is None


def test_a_lock_without_jobs_is_left_to_json():
    assert scan_lock(lock_text(Lock(LEDGER)).encode()) is None


def test_a_task_id_that_is_no_ascii_is_left_to_json():
    for task_id in ("Aufgabe-ä", "\ud800"):
        text = lock_text(Lock(LEDGER, {"zoom": replace(DONE, task_id=task_id)}))
        assert scan_lock(text.encode("utf-8", "surrogatepass")) is None
