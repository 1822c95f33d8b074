"""The sentences of a plan's reasons: to the letter, as scripts have read them since the
first version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wanbatch.model.reason import Reason, ReasonCode, because
from wanbatch.words.reasons import (
    SENTENCES,
    TOGETHER,
    common_params,
    say_reason,
    say_together,
)

WANBATCH = Path(__file__).parent.parent.parent / "wanbatch"
FAILURE = {"error": "Bad", "message": "no; never"}
SEEN = {"place": "r/report.json", "state": "done", "task": "t1", "trouble": "", "asked": ""}
AWAY = {"what": "it", "backend": "acme", "address": "https://a", "account": "x", "present": "y"}
EXPECTED = [
    ("new", {}, "new"),
    ("changed", {"fields": "prompt, seconds"}, "changed: prompt, seconds"),
    ("changed_inputs", {}, "changed: its upstream or take"),
    ("regenerate", {}, "--regenerate"),
    (
        "query_differs",
        {"job": "one"},
        (
            "the query of its URL is another than that of one, which was bought: if it is the same"
            " file, write identity: [] beside url; if not, name the parameters that choose it, as"
            " in identity: [id], and run with --regenerate"
        ),
    ),
    (
        "seen_in_ledger",
        SEEN,
        "bought before: the ledger r/report.json has it as done, task t1",
    ),
    (
        "seen_in_ledger",
        SEEN | {"task": "", "asked": "regenerate"},
        "--regenerate; bought before: the ledger r/report.json has it as done",
    ),
    (
        "seen_video",
        SEEN,
        "bought before: its video is r/report.json, and this ledger does not know it",
    ),
    (
        "seen_in_report",
        SEEN,
        "bought before: r/report.json has it as done, task t1, and this ledger does not know it",
    ),
    (
        "seen_in_lock",
        SEEN | {"place": "m.lock.json"},
        (
            "bought before: the lock m.lock.json has it as done, task t1, and this ledger does"
            " not know it"
        ),
    ),
    (
        "maybe_seen",
        SEEN | {"trouble": "is damaged"},
        "r/report.json may know it as bought and is damaged",
    ),
    ("accepted", {"task": "t1", "word": ""}, "task t1 was accepted"),
    (
        "accepted",
        {"task": "t1", "word": "odd"},
        "task t1 was accepted; the provider says 'odd', a word that is not known",
    ),
    ("made", {"task": "t1", "met": "", "kept": ""}, "task t1 is finished and paid for"),
    (
        "made",
        {"task": "t1", "met": "HTTP 502", "kept": "twice"},
        (
            "task t1 is finished and paid for; the last download met: HTTP 502 (the same bytes"
            " twice; they are kept: wanbatch resolve --take, or --abandon)"
        ),
    ),
    ("other_backend", AWAY, "it is running on backend acme: run with --backend acme to fetch it"),
    (
        "other_account",
        AWAY | {"what": "A task", "account": ""},
        (
            "A task is running under account (none) of https://a, and backend acme is account y"
            " now: set that account again to fetch it"
        ),
    ),
    (
        "other_address",
        AWAY | {"present": "https://b"},
        (
            "it is running at https://a, and backend acme is at https://b now: set that address"
            " again to fetch it"
        ),
    ),
    ("uncertain", {}, "nobody knows whether it was bought: wanbatch resolve"),
    (
        "expired",
        {},
        "it was paid for, but its result can no longer be had: wanbatch resolve",
    ),
    ("abandoned", {}, "abandoned by a person"),
    ("abandoned_again", {}, "abandoned before; --regenerate"),
    ("up_to_date", {}, "up to date"),
    ("copied", {"job": "one"}, "made as one; its video is copied"),
    (
        "downloadable",
        {},
        "its video file is missing or altered; it is downloaded again",
    ),
    (
        "file_lost",
        {},
        (
            "its video file is missing or altered and can no longer be downloaded: restore the"
            " file, or run with --regenerate to buy it again"
        ),
    ),
    ("failed", FAILURE, "failed before: Bad: no; never (--retry-failed tries again)"),
    ("failed_asked", {"error": "", "message": ""}, "failed before: error"),
    ("failed_by_policy", FAILURE, "failed before: Bad: no; never; tried again by policy"),
    (
        "failed_elsewhere",
        FAILURE | {"origin": "https://b"},
        (
            "failed before: Bad: no; never; it may yet turn, at https://b"
            " (--retry-failed buys it here)"
        ),
    ),
    (
        "old_request_runs",
        {"task": "t1"},
        (
            "its old request is still running (task t1): this run or wanbatch fetch brings it home,"
            " then run again"
        ),
    ),
    (
        "old_request_open",
        {"state": "uncertain"},
        "its old request is uncertain: settle it first with wanbatch resolve",
    ),
    (
        "upstream_not_selected",
        {"job": "one"},
        "it takes media from one, which is not done and not selected: add --with-upstream",
    ),
    (
        "upstream_not_done",
        {"job": "one", "state": "failed"},
        "it takes media from one, which is failed",
    ),
    ("twin", {"job": "one"}, "the same request as one: bought once"),
]


@pytest.mark.parametrize(("code", "params", "sentence"), EXPECTED)
def test_a_reason_is_said_to_the_letter(code, params, sentence):
    assert say_reason(code, params) == sentence
    assert str(because(ReasonCode(code), **params)) == sentence


def test_every_code_has_a_sentence_and_an_example():
    assert list(SENTENCES) == [code.value for code in ReasonCode]
    assert {code for code, _, _ in EXPECTED} == set(SENTENCES)


def test_braces_in_a_name_stay_as_they_are():
    assert (
        say_reason("twin", {"job": "a{b}[c={0}]"}) == "the same request as a{b}[c={0}]: bought once"
    )


def test_a_missing_parameter_is_a_bug_and_no_empty_word():
    with pytest.raises(KeyError):
        str(Reason(ReasonCode.TWIN))
    assert because(ReasonCode.TWIN, job="one")["job"] == "one"


def test_every_code_is_given_somewhere_and_the_planner_knows_no_command():
    decided = "".join(
        path.read_text(encoding="utf-8")
        for room in ("plan", "model")
        for path in (WANBATCH / room).glob("*.py")
        if path.name != "reason.py"
    )
    assert [c for c in ReasonCode if f"ReasonCode.{c.name}" not in decided] == []
    planner = (WANBATCH / "plan" / "planner.py").read_text(encoding="utf-8")
    assert not re.findall(r"--[a-z]|wanbatch (?:run|fetch|resolve)", planner)


# -- of many jobs at once --------------------------------------------------------------


OWN = {"task", "job", "message", "met"}
"""Parameters that differ from job to job: whoever has one needs a sentence for many."""


@pytest.mark.parametrize(("code", "params"), [(code, params) for code, params, _ in EXPECTED])
def test_what_differs_from_job_to_job_has_a_sentence_for_many(code, params):
    assert (code in TOGETHER) == (bool(OWN & set(params)) or code == "seen_video")
    if code in TOGETHER:
        kept = {name: params[name] for name in common_params(code) or ()}
        together = say_together(code, kept)
        assert not {"{", "}"} & set(together)
        for name in OWN & set(params):
            assert not params[name] or params[name] not in together.split()
        for name in {"place", "state", "error", "origin"} & set(kept):
            assert kept[name] in together
    else:
        assert common_params(code) is None
