"""A board as lines: never wider or higher than the terminal, in 40, 80 and 120 columns,
with names that are long, wide or meant to disturb."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import attempt, job
from rich.cells import cell_len

from wanbatch.cli.progress.board import Board
from wanbatch.cli.progress.layout import layout, shorten
from wanbatch.model.lifecycle import State
from wanbatch.operations.events import (
    Estimated,
    Event,
    Forecast,
    Looking,
    MoneyMoved,
    PaceChanged,
    Polled,
    Stopping,
    Stored,
    Submitted,
    Submitting,
)

NOW = 10_000.0
NAMES = [
    "opening[hour=dawn,lens=35mm,seed=100]",
    "霧の夜明けの港を進む船[時間=夜明け,seed=1]",
    "emoji 👩‍👩‍👧‍👦🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀[seed=2]",
    "x" * 300 + "[seed=3]",
    "evil\x1b[2J\r\n\x07[seed=4]",
]


def rows(count, state=State.ACCEPTED):
    return [
        attempt(job(NAMES[n % len(NAMES)]), n + 1, fingerprint=f"f{n}", state=state,
                accepted_at=NOW - 400 + n, error_code="DataInspectionFailed",
                error_message="the picture 画像 was\nrefused " * 9)
        for n in range(count)
    ]  # fmt: skip


def full():
    """A board on which everything is said."""
    tasks = rows(30)
    board = Board({f"f{n}" for n in range(50)}, tasks, "USD")
    events: list[Event] = [
        PaceChanged(2.0, 20),
        PaceChanged(1.0, 20, 12.0, "HTTP 429 (Throttling.RateQuota: slow down)"),
        MoneyMoved(Decimal(6), Decimal(10), Decimal(25)),
        Estimated(Forecast(240.0, 360.0, is_guess=False), {(5, "720P"): 120.0}),
        Looking(3),
        Submitting("next", "f40", "m"),
        Polled(replace(tasks[0], state=State.REMOTE_OK)),
        *(Stored(replace(one, state=State.STORED)) for one in tasks[1:13]),
        *(Polled(replace(one, state=State.REMOTE_FAILED)) for one in tasks[13:17]),
    ]
    for event in events:
        board.take(event, NOW)
    return board


def text_of(board, width, height=24, now=NOW):
    return ["".join(span.text for span in line) for line in layout(board, width, height, now)]


def test_eighty_columns():
    lines = text_of(full(), 80)
    assert lines[:6] == [
        "12 of 50 done   ━━━━━━━━━━━━───────────────────────────   about 4 to 6 min left",
        "waiting 19   submitting 1   at the provider 13   downloading 1   checking 3",
        "failed 4",
        "$6.00 spent, $10.00 held back, of $25.00   slowed to 1/s, 20 at once",
        "HTTP 429 (Throttling.RateQuota: slow down)   next in 12 s",
        "4 × DataInspectionFailed",
    ]
    rest = lines[6:]
    assert [line[:10].strip() for line in rest] == ["last", "", "", "oldest", "", "", ""]
    assert all("DataInspectionFailed: the picture 画像" in line for line in rest[:2])
    assert rest[3].endswith("usually 2 min 00 s")


def test_forty_columns_have_no_bar_and_no_usual():
    lines = text_of(full(), 40)
    assert lines[:2] == ["12 of 50 done", "about 4 to 6 min left"]
    assert "waiting 19   submitting 1" in lines
    assert not any("━" in line or "usually" in line for line in lines)
    assert any("6 min" in line for line in lines)


def test_a_hundred_and_twenty_columns_have_room_for_whole_names():
    lines = text_of(full(), 120)
    assert any(NAMES[0] in line for line in lines)
    assert lines[1].endswith("checking 3   failed 4")


@pytest.mark.parametrize("width", [1, 10, 20, 39, 40, 59, 60, 61, 79, 80, 99, 100, 120, 250])
@pytest.mark.parametrize("height", [1, 2, 5, 10, 24, 60])
def test_no_line_is_too_wide_and_none_too_many(width, height):
    for board in (full(), Board(set()), Board({"f1"})):
        lines = text_of(board, width, height)
        assert 0 < len(lines) <= max(1, height - 1)
        assert all(cell_len(line) <= max(10, width - 1) for line in lines)
        assert all(line.isprintable() for line in lines)


def test_what_matters_most_is_what_is_left_in_a_low_terminal():
    assert text_of(full(), 80, 3) == text_of(full(), 80)[:2]


def test_the_bar_grows_with_what_ended():
    def bars(board):
        (line, *_) = layout(board, 80, 24, NOW)
        return [len(span.text) for span in line if span.style in ("good", "bad", "quiet")]

    board = full()
    good, bad, rest = bars(board)
    assert (good, good + bad, good + bad + rest) == (39 * 12 // 50, 39 * 16 // 50, 39)
    for one in rows(50):
        board.take(Submitted(one), NOW)
        board.take(Stored(replace(one, state=State.STORED)), NOW)
    assert bars(board) == [39, 0, 0]


def test_a_task_much_older_than_usual_stands_out():
    styles = {line[-1].style for line in layout(full(), 80, 24, NOW) if "usually" in line[-1].text}
    assert styles == {"odd"}
    young = full()
    young.take(Estimated(None, {(5, "720P"): 300.0}), NOW)
    styles = {line[-1].style for line in layout(young, 80, 24, NOW) if "usually" in line[-1].text}
    assert styles == {"quiet"}


def test_a_pace_that_came_back_is_not_spoken_of():
    board = full()
    board.take(PaceChanged(2.0, 20), NOW)
    assert not any("slowed" in line or "429" in line for line in text_of(board, 80))


def test_a_word_of_the_provider_that_nobody_knows_is_shown_where_there_is_room():
    board = Board({"f1"}, [replace(rows(1)[0], status_word="flambeed")])
    assert any("'flambeed'" in line for line in text_of(board, 120))
    assert not any("'flambeed'" in line for line in text_of(board, 80))


def test_stopping_takes_the_place_of_the_time_left():
    board = full()
    board.take(Stopping(), NOW)
    assert text_of(board, 80)[0].endswith("what is under way is waited for")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cells", [0, 1, 2, 3, 10, 21, 40])
def test_a_name_that_is_too_long_loses_its_middle(name, cells):
    short = shorten(name, cells)
    assert cell_len(short) <= cells
    if cells >= 21 and "\x1b" not in name and cell_len(name) > cells:
        assert short[0] == name[0]
        assert short.endswith(name[-8:])
        assert "…" in short
