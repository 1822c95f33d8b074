"""The shared readers, by value, where no suite over sockets reaches."""

import pytest

from wanbatch.providers import scrubbing
from wanbatch.providers.dialects.reading import (
    ApiError,
    as_number,
    as_text,
    clean,
    is_retryable_failure,
    read_error,
    retry_after,
    url_expiry,
    valid_task_id,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand \x1b[31mred\x00", "two lines and [31mred"),
        ("at https://h.example/a.mp4?x=1#f, sorry", "at https://h.example/a.mp4?… sorry"),
        ("at https://h.example/a.mp4#secret", "at https://h.example/a.mp4?…"),
        ("https://user:pw@h.example/a", "https://…@h.example/a"),
        ("oss://bucket/a?Signature=x", "oss://bucket/a?…"),
        ("sent data:image/png;base64,AAAABBBB==", "sent data:…"),
        ("bare Signature=abc/+= and token=xyz", "bare Signature=… and token=…"),
        ("right\u202eleft", "right left"),
        ("\ud800 surrogate", "surrogate"),
        ("x" * 600, "x" * 499 + "…"),
    ],
)
def test_texts_of_servers_are_made_fit_to_be_shown(text, shown):
    assert clean(text) == shown


@pytest.mark.parametrize(
    ("url", "expiry"),
    [
        ("https://x/y?Expires=1790086400&Signature=s", 1790086400.0),
        ("https://x/y?X-Amz-Date=20260501T020000Z&X-Amz-Expires=86400", 1777687200.0),
        ("https://x/y?x-oss-date=20260501T020000Z&x-oss-expires=3600", 1777604400.0),
        ("https://x/y", None),
        ("https://x/y?Expires=soon", None),
        ("https://x/y?Expires=99999999999999999", None),
        ("https://x/y?X-Amz-Date=yesterday&X-Amz-Expires=5", None),
        ("https://x/y?X-Amz-Date=20260501T020000Z&X-Amz-Expires=1e99", None),
        ("https://x/y?" + "&".join(["a=b"] * 200), None),
        ("https://[bad", None),
    ],
)
def test_when_a_signed_address_ends(url, expiry):
    assert url_expiry(url) == expiry


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"code": "a", "message": "b"}, ApiError("a", "b", "", enveloped=True)),
        (
            {"error": {"code": 7, "message": "b", "type": "c"}},
            ApiError("7", "b", "c", enveloped=True),
        ),
        ({"error": {}}, ApiError(enveloped=True)),
        ({"error": "b", "code": "a"}, ApiError("a", "b", "", enveloped=True)),
        ({"detail": "b"}, ApiError("", "b", "", enveloped=True)),
        ({"detail": [{"msg": "b"}]}, ApiError("", "b", "", enveloped=True)),
        ({"detail": {"message": "b"}}, ApiError("", "b", "", enveloped=True)),
        ({"detail": None}, ApiError(enveloped=True)),
        ({}, ApiError()),
        ([], ApiError()),
        (None, ApiError()),
        ({"status": "failed"}, ApiError()),
    ],
)
def test_every_envelope(value, error):
    assert read_error(value) == error


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, ""),
        (None, ""),
        (7, "7"),
        (10**30, ""),
        (1.5, "1.5"),
        ("a\nb", "a b"),
        ([], ""),
        ({}, ""),
    ],
)
def test_texts(value, text):
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("5.0", 5.0),
        (" 30% ", 30.0),
        ("", None),
        ("0x10", None),
        ("1" * 50, None),
        (False, None),
        ([], None),
        ("inf", None),
    ],
)
def test_numbers(value, number):
    assert as_number(value) == number


def test_a_wait_that_is_a_date_needs_the_servers_own_clock():
    assert retry_after({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT"}) is None
    assert (
        retry_after(
            {
                "retry-after": "Sun, 22 Nov 2026 10:00:30 GMT",
                "date": "Sun, 22 Nov 2026 10:00:00 GMT",
            }
        )
        == 30.0
    )
    assert (
        retry_after(
            {
                "retry-after": "Sun, 22 Nov 2026 09:00:00 GMT",
                "date": "Sun, 22 Nov 2026 10:00:00 GMT",
            }
        )
        == 0.0
    )


@pytest.mark.parametrize(
    ("code", "message", "retryable"),
    [
        ("InternalError.Timeout", "", True),
        ("Throttling.RateQuota", "", True),
        ("Throttling.AllocationQuota", "", False),
        ("InvalidURL.Timeout", "", True),
        ("BadRequest.InputDownloadFailed", "", True),
        ("InvalidFile.Size", "timed out", False),
        ("IPInfringementSuspect", "", False),
        ("503", "", True),
        ("404", "", False),
        ("", "余额不足", False),
        ("", "服务繁忙，请稍后再试", True),
        ("", "", False),
    ],
)
def test_which_failures_may_be_tried_again(code, message, retryable):
    assert is_retryable_failure(code, message) is retryable


@pytest.mark.parametrize(
    "good",
    [
        "a",
        "task_1",
        "0385dc79-5ff8-4d82",
        "a.b:c_d",
        "x" * 512,
        "a/b",
        "../a",
        "a%2F",
        "...",
        "\"a'",
    ],
)
def test_good_ids(good):
    assert valid_task_id(good) == good


def test_a_whole_number_is_an_id():
    assert valid_task_id(7) == "7"
    assert valid_task_id(10**17) == str(10**17)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        ".",
        "..",
        "0",
        "null",
        "None",
        "undefined",
        "a b",
        "a\n",
        "a\x7f",
        "x" * 513,
        "é",
        None,
        True,
        0,
        -7,
        7.5,
        10**18,
        ["a"],
    ],
)
def test_bad_ids(bad):
    assert valid_task_id(bad) is None


@pytest.mark.parametrize("address", ["http://[", "https://[::1", "https://a:99999999/"])
def test_an_address_that_cannot_be_taken_apart_is_none(address):
    from wanbatch.providers.dialects.reading import as_url

    assert as_url(address) is None


@pytest.mark.parametrize("spelling", ["plain", "hex"])
def test_evidence_of_a_long_answer_holds_no_piece_of_a_key_that_the_cut_went_through(spelling):
    """Where most of an answer is one long query, the end of what was read comes into
    view."""
    key = "sk-canary-0123456789"
    told = {"plain": key, "hex": key.encode().hex()}[spelling]
    for shown in range(1, len(told)):
        start = "word " * 60 + "see https://store.example/a.mp4?"
        body = start + "q" * (scrubbing.SCANNED - len(start) - shown - 1) + " " + told + " later"
        found = scrubbing.evidence_of(body.encode(), key)
        assert found.startswith("word word")
        assert not any(told[i : i + 8] in found for i in range(len(told) - 8)), found
