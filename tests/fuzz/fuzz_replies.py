"""Mutated API replies through every parser of every dialect: no exception may escape,
and every verdict must be sound.

How it works: replies that real servers give are bent: values replaced by hostile ones,
keys dropped, doubled or nested, bytes flipped, cut and spliced, statuses and headers
drawn at random. All is drawn from one seed, so a failure names the seed and the number
that bring it back:

    python tests/fuzz/fuzz_replies.py --count 1000000 --seed 1
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable

from wanbatch.model.outcomes import (
    Accepted,
    Failed,
    Halted,
    NotAccepted,
    Rejected,
    Running,
    Succeeded,
    Uncertain,
    Unreadable,
)
from wanbatch.model.ports import Cancelling, Dialect, Listing
from wanbatch.model.wire import NoReply, Reply, Seen
from wanbatch.providers.dialects.reading import (
    as_url,
    date_of,
    read_error,
    read_json,
    retry_after,
    url_expiry,
    valid_task_id,
)
from wanbatch.providers.dialects.registry import dialect_for
from wanbatch.providers.scrubbing import EVIDENCE_LIMIT

SIGNED = "https://store.example/a.mp4?Expires=1790086400&OSSAccessKeyId=x&Signature=canary"

SEEDS: list[object] = [
    {
        "id": "task_abc",
        "task_id": "task_abc",
        "object": "video",
        "model": "wan2.7-i2v",
        "status": "queued",
        "progress": 0,
        "created_at": 1790000000,
    },
    {
        "id": "task_abc",
        "status": "completed",
        "progress": 100,
        "completed_at": 1790000100,
        "metadata": {"url": SIGNED},
    },
    {"id": "task_abc", "status": "failed", "error": {"code": "InvalidParameter", "message": "bad"}},
    {
        "status": "completed",
        "urls": [SIGNED],
        "content": {"video_url": SIGNED},
        "output": {"video_url": SIGNED},
        "expires_at": 1790086400,
    },
    {"code": "task_not_exist", "message": "no such task", "data": None},
    {
        "error": {
            "message": "no (request id: 1)",
            "type": "new_api_error",
            "code": "",
            "param": None,
        }
    },
    {"detail": [{"loc": ["body"], "msg": "field required", "type": "missing"}]},
    {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded", "request_id": "r"},
    {
        "output": {"task_status": "PENDING", "task_id": "0385dc79-5ff8-4d82-bcb6-000000000000"},
        "request_id": "r",
    },
    {
        "output": {
            "task_id": "0385dc79",
            "task_status": "SUCCEEDED",
            "submit_time": "2026-05-01 10:00:00.123",
            "end_time": "2026-05-01 10:01:00.123",
            "video_url": SIGNED,
            "orig_prompt": "a boat",
        },
        "usage": {"duration": 5, "SR": "720"},
        "request_id": "r",
    },
    {
        "output": {
            "task_id": "0385dc79",
            "task_status": "FAILED",
            "code": "InternalError.Algo",
            "message": "x",
        }
    },
    {
        "total": 1,
        "total_page": 1,
        "page_no": 1,
        "page_size": 50,
        "request_id": "r",
        "data": [
            {
                "task_id": "t",
                "status": "RUNNING",
                "model_name": "wan2.7-i2v",
                "gmt_create": 1790000000000,
                "start_time": 1790000000000,
            }
        ],
    },
]

HOSTILE: list[object] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**63,
    10**400,
    -(10**400),
    1e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    "",
    " ",
    "\x00",
    "\r\nX-Evil: 1",
    "\x1b[2J",
    "\u202e",
    "\ud800",
    "../../etc/passwd",
    "..",
    ".",
    "a" * 129,
    "x" * 20_000,
    "完成",
    "completed",
    "failed",
    "unknown",
    "SUCCEEDED",
    "5.0",
    "30%",
    "nan",
    "-inf",
    "1e400",
    "9" * 5000,
    SIGNED,
    "http://[::1",
    "https://user:pw@x/",
    "javascript:alert(1)",
    "data:image/png;base64," + "A" * 3000,
    "http://" * 1500,
    "0000-00-00 00:00:00",
    "9999-99-99 99:99:99.999",
    "2026-05-01T10:00:00+99:99",
    "0001-01-01 00:00:00",
    "9999-12-31 23:59:59",
    [],
    {},
    [[]],
    [None],
    {"": {}},
    {"url": {"url": {"url": SIGNED}}},
    ["a"] * 300,
    {"code": {"code": 1}},
    {"message": ["x"]},
]

HEADERS = [
    "retry-after",
    "date",
    "content-type",
    "location",
    "x-request-id",
    "etag",
    "content-length",
]
HEADER_VALUES = [
    "",
    "5",
    "-5",
    "1e9",
    "99999999999999999999",
    "nan",
    "soon",
    "Sun, 22 Nov 2026 10:00:00 GMT",
    "Sun, 99 Nov 99999 10:00:00 GMT",
    "Sun, 22 Nov 2026 10:00:00 +9999",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Mon, 01 Jan 0001 00:00:00 GMT",
    "\x00",
    "é" * 100,
    ",",
    "0x10",
    "1" * 5000,
]
STATUSES = [
    *[200] * 25,
    201,
    202,
    204,
    206,
    301,
    302,
    400,
    401,
    402,
    403,
    404,
    405,
    408,
    409,
    410,
    413,
    415,
    418,
    422,
    425,
    429,
    429,
    500,
    502,
    503,
    504,
    599,
    0,
]


def bend(value: object, dice: random.Random, depth: int = 0) -> object:
    """``value`` with some part of it replaced."""
    if depth > 5 or dice.random() < (0.3 if depth else 0.03):
        return dice.choice(HOSTILE)
    if isinstance(value, dict) and value:
        bent = dict(value)
        key = dice.choice(list(bent))
        match dice.randrange(5):
            case 0:
                del bent[key]
            case 1:
                bent[
                    str(
                        dice.choice(
                            [
                                "error",
                                "code",
                                "status",
                                "id",
                                "output",
                                "metadata",
                                "detail",
                                "data",
                                "message",
                            ]
                        )
                    )
                ] = dice.choice(HOSTILE)
            case 2:
                bent = {key: bent}
            case _:
                bent[key] = bend(bent[key], dice, depth + 1)
        return bent
    if isinstance(value, list) and value:
        bent_list = list(value)
        place = dice.randrange(len(bent_list))
        bent_list[place] = bend(bent_list[place], dice, depth + 1)
        return bent_list * dice.choice([1, 1, 1, 2, 40])
    return dice.choice(HOSTILE)


def garble(body: bytes, dice: random.Random) -> bytes:
    """``body`` with its bytes damaged."""
    if not body:
        return body
    place = dice.randrange(len(body))
    match dice.randrange(7):
        case 0:
            return body[:place]
        case 1:
            return body[:place] + bytes([dice.randrange(256)]) + body[place + 1 :]
        case 2:
            return body[:place] + dice.randbytes(dice.randrange(8)) + body[place:]
        case 3:
            return body[:place] + body[max(0, place - 20) :]
        case 4:
            return (
                dice.choice(
                    [
                        b"\xef\xbb\xbf",
                        b"\xff\xfe",
                        b"<html>",
                        b"\x1f\x8b",
                        b"",
                        b"[" * 3000,
                        b'{"a":' * 3000,
                    ]
                )
                + body
            )
        case 5:
            return body.decode("latin-1").encode(dice.choice(["utf-16", "utf-32", "utf-8"]))
        case _:
            return dice.choice(
                [
                    b"",
                    b"null",
                    b"<html><body>502</body></html>",
                    b"9" * 5000,
                    b"{" * 5000,
                    b'"' + b"\\u0000" * 500 + b'"',
                ]
            )


def draw(dice: random.Random) -> Seen:
    """One thing that a network may give."""
    if dice.random() < 0.01:
        return NoReply("the connection broke\n\x00" + SIGNED, dice.random() < 0.5)
    value = dice.choice(SEEDS)
    for _ in range(dice.choice([0, 1, 1, 2, 3])):
        value = bend(value, dice)
    body = json.dumps(value).encode()
    for _ in range(dice.choice([0, 0, 0, 1, 2])):
        body = garble(body, dice)
    headers = {dice.choice(HEADERS): dice.choice(HEADER_VALUES) for _ in range(dice.randrange(4))}
    return Reply(dice.choice(STATUSES), headers, body)


def check(dialect: Dialect, seen: Seen) -> str:
    """Reads ``seen`` in every way; returns what its submit would have been. Raises
    ``AssertionError`` for an unsound verdict."""
    submitted = dialect.read_submit(seen)
    _check_submit(submitted, seen)
    _check_poll(dialect.read_status(seen, 1790000000.0, 1790000100.0))
    sound_text(dialect.read_probe(seen))
    if isinstance(dialect, Listing):
        page = dialect.read_list(seen)
        assert page is None or all(valid_task_id(task.task_id) for task in page.tasks)
        task = dialect.read_task(seen)
        assert task is None or valid_task_id(task.task_id)
    if isinstance(dialect, Cancelling):
        sound_text(dialect.read_cancel(seen))
    if isinstance(seen, Reply):
        value = read_json(seen.body)
        sound_text(read_error(value))
        wait = retry_after(seen.headers)
        assert wait is None or 0 <= wait <= 300
        date_of(seen.headers)
    return type(submitted).__name__


def _check_submit(outcome: object, seen: Seen) -> None:
    sound_text(outcome)
    match outcome:
        case Accepted(task_id):
            assert isinstance(seen, Reply)
            assert 200 <= seen.status < 300 or seen.status == 429
            assert valid_task_id(task_id)
        case NotAccepted(retry_after_s=wait):
            assert isinstance(seen, NoReply) or seen.status in (425, 429)
            assert wait is None or 0 <= wait <= 300
        case Rejected():
            assert isinstance(seen, Reply)
            assert seen.status in (400, 404, 405, 413, 415, 422)
        case Halted():
            assert isinstance(seen, Reply)
            assert seen.status in (307, 308) or 400 <= seen.status < 500
        case Uncertain(halt=halt):
            assert isinstance(seen, Reply) or seen.may_have_been_sent
            sound_text(halt)
        case _:
            raise AssertionError(f"no verdict: {outcome!r}")


def _check_poll(outcome: object) -> None:
    match outcome:
        case Succeeded(urls, created, completed, expires):
            assert len(urls) <= 5
            assert all(as_url(url) or as_url(f"https://host.invalid{url}") for url in urls)
            assert all(
                moment is None or 1e9 <= moment < 1e10 + 1e8
                for moment in (created, completed, expires)
            )
            for url in urls:
                url_expiry(url)
        case Running(progress=progress):
            sound_text(outcome)
            assert progress is None or 0 <= progress <= 100
        case Failed() | Unreadable():
            sound_text(outcome)
        case _:
            raise AssertionError(f"no verdict: {outcome!r}")


def sound_text(outcome: object) -> None:
    """Every text of an outcome is short, one line, printable, encodable, and without a
    signature."""
    for name in ("reason", "code", "message", "hint", "word"):
        text = getattr(outcome, name, None)
        if isinstance(text, str):
            assert len(text) <= 1300, text
            assert text.isprintable(), text
            assert "Signature=canary" not in text, text
            text.encode()
    evidence = getattr(outcome, "evidence", "")
    assert len(evidence) <= EVIDENCE_LIMIT, evidence
    assert evidence.isprintable(), evidence
    assert "Signature=canary" not in evidence, evidence
    evidence.encode()


def fuzz(count: int, seed: int, tell: Callable[[str], None] = lambda _: None) -> Counter[str]:
    """Runs ``count`` replies; returns how often each verdict on a submit came. Raises
    with seed and number where something escapes."""
    dialects = [dialect_for(kind) for kind in ("gateway", "gateway-metadata", "dashscope")]
    verdicts: Counter[str] = Counter()
    for number in range(count):
        dice = random.Random(f"{seed}/{number}")  # each alone can be played again
        seen = draw(dice)
        try:
            verdicts[check(dialects[number % len(dialects)], seen)] += 1
        except Exception as error:
            raise AssertionError(
                f"reply {number} of seed {seed}: {type(error).__name__}: {error}\n{seen!r}"[:4000]
            ) from error
        if number % 100_000 == 99_999:
            tell(f"{number + 1} replies, none escaped")
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description="mutated API replies through the parsers")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    begun = time.monotonic()
    verdicts = fuzz(given.count, given.seed, print)
    print(
        f"{given.count} replies in {time.monotonic() - begun:.0f} s, no exception escaped;"
        f" submits read as {dict(verdicts.most_common())}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
