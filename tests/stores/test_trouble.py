"""What a store's failure is called, and that no text of a server is handed on."""

import pytest

from wanbatch.stores.trouble import (
    StoreRefused,
    describe,
    is_conflict,
    is_missing_bucket,
    silence_of,
)

LONG = (
    "Error performing PUT https://b.example.com/x?X-Amz-Signature=canary in 5ms - Server returned"
    " non-2xx status code: {}: <Error><Code>{}</Code><AWSAccessKeyId>canary</AWSAccessKeyId>"
    "<StringToSign>canary</StringToSign></Error>"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            LONG.format("403 Forbidden", "SignatureDoesNotMatch"),
            "answered HTTP 403, SignatureDoesNotMatch: check the secret key",
        ),
        (LONG.format("301 Moved", "PermanentRedirect"), "HTTP 301, PermanentRedirect: check the"),
        (LONG.format("503 Slow", "SlowDown"), "answered HTTP 503, SlowDown"),
        (LONG.format("500 Oh", "<b>canary</b>"), "answered HTTP 500"),
        ("HTTP error: error sending request: operation timed out", "did not answer in time"),
        ("reqwest::Error { kind: Connect, canary", "could not be reached"),
        ("canary", "did not answer as it should (ValueError)"),
    ],
)
def test_what_is_said(text, said):
    words = describe("s3://clips/a", ValueError(text))
    assert said in words
    assert words.startswith("the store s3://clips/a ")
    assert "canary" not in words


def test_who_refuses_is_not_waited_for():
    for status in ("301 Moved", "400 Bad", "401 No", "403 Forbidden", "404 Not Found"):
        assert isinstance(silence_of("s3://c", ValueError(LONG.format(status, "x"))), StoreRefused)
    for status in ("429 Slow", "500 Oh", "503 Slow", "409 Conflict"):
        found = silence_of("s3://c", ValueError(LONG.format(status, "x")))
        assert not isinstance(found, StoreRefused)
    assert not isinstance(silence_of("s3://c", ValueError("broken")), StoreRefused)


def test_two_kinds_that_must_not_be_mistaken():
    assert is_missing_bucket(ValueError(LONG.format("404 Not Found", "NoSuchBucket")))
    assert is_missing_bucket(ValueError("ContainerNotFound"))
    assert not is_missing_bucket(ValueError(LONG.format("404 Not Found", "NoSuchKey")))
    assert is_conflict(ValueError(LONG.format("409 Conflict", "ConditionalRequestConflict")))
    assert not is_conflict(ValueError(LONG.format("412 Precondition Failed", "x")))
    assert not is_conflict(ValueError("broken"))
