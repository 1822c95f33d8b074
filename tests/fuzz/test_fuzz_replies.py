"""Mutated replies through the parsers, as many as fit into the suite; ``make fuzz``
runs a million."""

from __future__ import annotations

import pytest
from fuzz import fuzz_replies


@pytest.mark.slow
def test_no_exception_escapes_the_parsers():
    verdicts = fuzz_replies.fuzz(20_000, seed=7)
    assert set(verdicts) == {"Accepted", "NotAccepted", "Rejected", "Halted", "Uncertain"}, (
        "the mutations must reach every verdict"
    )
    assert min(verdicts.values()) > 20


def test_the_fuzzer_notices_an_exception(monkeypatch):
    monkeypatch.setattr("wanbatch.providers.dialects.gateway.Gateway.read_status", lambda *_: 1 / 0)
    with pytest.raises(AssertionError, match="reply 0 of seed 7: ZeroDivisionError"):
        fuzz_replies.fuzz(10, seed=7)


def test_the_fuzzer_notices_an_unsound_verdict(monkeypatch):
    monkeypatch.setattr(
        "wanbatch.providers.dialects.reading.valid_task_id",
        lambda value: value if isinstance(value, str) else None,
    )
    with pytest.raises(AssertionError):
        fuzz_replies.fuzz(20_000, seed=7)
