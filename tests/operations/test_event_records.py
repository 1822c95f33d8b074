"""What programs are told of a run: every event has its line, each is valid by the
schema, and none holds a query or a key."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import get_args

import pytest
from builders import attempt, job

from wanbatch.model.lifecycle import State
from wanbatch.operations import events as told
from wanbatch.operations.event_records import SCHEMA, line_of, record_of
from wanbatch.words.schemas import gate

AT = 1_700_000_000.25
ROW = replace(
    attempt(job("one[霧]")),
    task_id="task-1",
    state=State.STORED,
    path="m/videos/one.mp4",
    sha256="ab" * 32,
    bytes=5,
    seconds=5.0,
    stored_at=1031.0,
    error_code="Odd",
    error_message="see https://cdn.test/v.mp4?Signature=secret&Expires=1 now",
)
RUNNING = replace(ROW, state=State.ACCEPTED, status_word="flambeed")
EVENTS: tuple[told.Event, ...] = (
    told.RunBegins("run-1", "gateway", "paid", ("m", "n")),
    told.WorkBegins(frozenset({"f1", "f2"}), frozenset({"f1"}), "USD"),
    told.Submitting("one", "f1", "m"),
    told.Submitted(RUNNING),
    told.RequestRejected(ROW, "refused"),
    told.LeftUncertain(ROW, "the connection broke"),
    told.PutBack(ROW, "HTTP 429"),
    told.Unrecorded(ROW, "task-9"),
    told.Polled(RUNNING),
    told.Downloading(ROW),
    told.DownloadRetried(ROW, "cut off"),
    told.Stored(ROW),
    told.Expired(ROW, "gone"),
    told.Altered(ROW, "other bytes"),
    told.NotPrepared("one", "no room", manifest="m"),
    told.PaceChanged(None, 5),
    told.PaceChanged(0.5, 5, 12.0, "HTTP 429"),
    told.MoneyMoved(Decimal("6.00"), Decimal(0), Decimal(25)),
    told.MoneyMoved(Decimal("1E+1"), Decimal("0.5"), None),
    told.Estimated(told.Forecast(1.0, 2.0, is_guess=True), {}),
    told.Estimated(None, {}),
    told.Looking(3),
    told.Reconciled(told.Adopt(ROW, None)),  # type: ignore[arg-type]
    told.Reconciled(told.Absent(ROW)),
    told.Reconciled(told.Undecided(ROW, "two fit")),
    told.BuyingStopped("the disk is full"),
    told.Stopping(),
    told.WorkEnds(),
    told.RunEnds(1, {"done": 3, "failed": 1}),
)
PEOPLE_ALONE = {
    told.FindingsMade,
    told.SelectionDoubted,
    told.Planned,
    told.HeldElsewhere,
    told.ClockDiffers,
    told.LookingAtRest,
    told.JournalBroken,
    told.MayFallAsleep,
    told.NotifyFailed,
    told.PoolChanged,
    told.SharedLedgerRead,
}


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: type(e).__name__)
def test_each_line_is_one_object_valid_by_the_schema(event):
    line = line_of(event, AT)
    assert "\n" not in line
    record = json.loads(line)
    assert gate("events").is_valid(record), list(gate("events").iter_errors(record))
    assert record["at"] == "2023-11-14T22:13:20.250Z"
    assert "secret" not in line
    assert (record.get("schema") == SCHEMA) is isinstance(event, told.RunBegins)


def test_every_event_has_a_line_or_is_for_people_alone():
    kinds = set(get_args(told.Event))
    assert {type(event) for event in EVENTS} == kinds - PEOPLE_ALONE
    assert line_of(told.LookingAtRest(3), AT) == ""


def test_each_key_and_event_is_documented():
    from wanbatch.words.schemas import load_schema

    schema = load_schema("events")
    properties = schema["properties"]
    assert isinstance(properties, dict)
    records = [record_of(event, AT) or {} for event in EVENTS]
    assert {key for record in records for key in record} == set(properties)
    listed = properties["event"]["description"]
    assert not [r["event"] for r in records if r["event"] not in listed]


def test_what_is_not_known_is_tolerated():
    assert gate("events").is_valid(
        {"at": "2023-11-14T22:13:20.250Z", "event": "brand_new", "job": None, "more": [1]}
    )
    assert not gate("events").is_valid({"at": "yesterday", "event": "stored", "job": None})


def test_the_video_is_told_with_its_time_and_price():
    record = record_of(told.Stored(ROW), AT)
    assert record is not None
    assert (record["took_s"], record["price"], record["path"]) == (31.0, "0.50", "m/videos/one.mp4")


def test_a_key_goes_from_what_others_said_and_from_nothing_else():
    key = "events-1"  # eight letters that stand in the schema's name, too
    row = replace(ROW, error_message=f"your key {key} is bad")
    for event in (told.Stored(row, f"key {key}"), told.RunBegins("r", "b", "paid", (key,))):
        record = json.loads(line_of(event, AT, lambda text: text.replace(key, "…")))
        assert record.get("error", {}).get("message", "your key … is bad") == "your key … is bad"
        assert record.get("text", "key …") == "key …"
        assert record.get("schema", SCHEMA) == SCHEMA
