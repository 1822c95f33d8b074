"""The sentences that say why a job has the action that a plan gives it.

What it may not do: decide anything, or know what a job or an attempt is.

How it works: a reason is a code with parameters (``model.reason``). ``SENTENCES`` has a
sentence for each code, as people read it in a terminal and programs in a plan's
``reason``. Parameters stand in braces; a sentence with parts that come and go is a
function of them. ``TOGETHER`` has the sentence for many jobs at once, and the
parameters in which they must agree for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Params = Mapping[str, str]


def say_reason(code: str, params: Params) -> str:
    """The sentence. Raises ``LookupError`` for a code or a parameter that is missing:
    that is a bug."""
    sentence = SENTENCES[code]
    return sentence.format_map(params) if isinstance(sentence, str) else sentence(params)


def common_params(code: str) -> tuple[str, ...] | None:
    """The parameters in which jobs agree that are spoken of together; ``None`` where
    they agree in all."""
    return TOGETHER[code][0] if code in TOGETHER else None


def say_together(code: str, params: Params) -> str:
    """The sentence for many jobs whose other parameters differ."""
    sentence = TOGETHER[code][1]
    return sentence.format_map(params) if isinstance(sentence, str) else sentence(params)


def _failed(params: Params) -> str:
    return f"failed before: {params['error'] or 'error'}: {params['message']}".rstrip(": ")


def _accepted(params: Params) -> str:
    word = params["word"]
    unknown = f"; the provider says {word!r}, a word that is not known" if word else ""
    return f"task {params['task']} was accepted{unknown}"


def _made(params: Params) -> str:
    met = f"; the last download met: {params['met']}" if params["met"] else ""
    if params["kept"]:
        met += " (the same bytes twice; they are kept: wanbatch resolve --take, or --abandon)"
    return f"task {params['task']} is finished and paid for{met}"


def _other_account(params: Params) -> str:
    return (
        f"{params['what']} is running under account {params['account'] or '(none)'} of"
        f" {params['address']}, and backend {params['backend']} is account"
        f" {params['present'] or '(none)'} now: set that account again to fetch it"
    )


def _seen(sentence: str) -> Callable[[Params], str]:
    """Of a purchase that this ledger does not know; a person may ask for one more."""

    def say(params: Params) -> str:
        task = f", task {params['task']}" if params["task"] else ""
        asked = "--regenerate; " if params["asked"] else ""
        return asked + sentence.format_map({**params, "task": task})

    return say


SENTENCES: Mapping[str, str | Callable[[Params], str]] = {
    "new": "new",
    "changed": "changed: {fields}",
    "changed_inputs": "changed: its upstream or take",
    "regenerate": "--regenerate",
    "query_differs": (
        "the query of its URL is another than that of {job}, which was bought: if it"
        " is the same file, write identity: [] beside url; "
        "if not, name the parameters that choose it, as in identity: [id], and run with"
        " --regenerate"
    ),
    "seen_in_ledger": _seen("bought before: the ledger {place} has it as {state}{task}"),
    "seen_video": _seen("bought before: its video is {place}, and this ledger does not know it"),
    "seen_in_report": _seen(
        "bought before: {place} has it as {state}{task}, and this ledger does not know it"
    ),
    "seen_in_lock": _seen(
        "bought before: the lock {place} has it as {state}{task}, and this ledger does not know it"
    ),
    "maybe_seen": _seen("{place} may know it as bought and {trouble}"),
    "accepted": _accepted,
    "made": _made,
    "other_backend": (
        "{what} is running on backend {backend}: run with --backend {backend} to fetch it"
    ),
    "other_account": _other_account,
    "other_address": (
        "{what} is running at {address}, and backend {backend} is at {present} now:"
        " set that address again to fetch it"
    ),
    "uncertain": "nobody knows whether it was bought: wanbatch resolve",
    "expired": "it was paid for, but its result can no longer be had: wanbatch resolve",
    "abandoned": "abandoned by a person",
    "abandoned_again": "abandoned before; --regenerate",
    "up_to_date": "up to date",
    "copied": "made as {job}; its video is copied",
    "downloadable": "its video file is missing or altered; it is downloaded again",
    "file_lost": (
        "its video file is missing or altered and can no longer be downloaded: restore the"
        " file, or run with --regenerate to buy it again"
    ),
    "failed": lambda p: f"{_failed(p)} (--retry-failed tries again)",
    "failed_asked": _failed,
    "failed_by_policy": lambda p: f"{_failed(p)}; tried again by policy",
    "failed_elsewhere": lambda p: (
        f"{_failed(p)}; it may yet turn, at {p['origin']} (--retry-failed buys it here)"
    ),
    "old_request_runs": (
        "its old request is still running (task {task}):"
        " this run or wanbatch fetch brings it home, then run again"
    ),
    "old_request_open": "its old request is {state}: settle it first with wanbatch resolve",
    "upstream_not_selected": (
        "it takes media from {job}, which is not done and not selected: add --with-upstream"
    ),
    "upstream_not_done": "it takes media from {job}, which is {state}",
    "twin": "the same request as {job}: bought once",
    "not_approved": "the approved plan does not buy it: {why}",
}


def _many_seen(sentence: str) -> Callable[[Params], str]:
    return lambda p: ("--regenerate; " if p["asked"] else "") + sentence.format_map(p)


def _many_accepted(params: Params) -> str:
    word = params["word"]
    unknown = f"; the provider says {word!r}, a word that is not known" if word else ""
    return f"their tasks were accepted{unknown}"


def _many_made(params: Params) -> str:
    kept = "; bytes that came twice are kept: wanbatch resolve --take, or --abandon"
    return f"their tasks are finished and paid for{kept if params['kept'] else ''}"


def _many_failed(params: Params) -> str:
    return f"failed before: {params['error'] or 'error'}"


_THIS_LEDGER = "and this ledger does not know them"
TOGETHER: Mapping[str, tuple[tuple[str, ...], str | Callable[[Params], str]]] = {
    "query_differs": (
        (),
        (
            "the queries of their URLs are others than those that were bought: if it is the same"
            " file, write identity: [] beside url; if not, name the parameters that choose it, as"
            " in identity: [id], and run with --regenerate"
        ),
    ),
    "seen_in_ledger": (
        ("place", "state", "asked"),
        _many_seen("bought before: the ledger {place} has them as {state}"),
    ),
    "seen_video": (
        ("asked",),
        _many_seen(f"bought before: their videos are in the output folder, {_THIS_LEDGER}"),
    ),
    "seen_in_report": (
        ("place", "state", "asked"),
        _many_seen(f"bought before: {{place}} has them as {{state}}, {_THIS_LEDGER}"),
    ),
    "seen_in_lock": (
        ("place", "state", "asked"),
        _many_seen(f"bought before: the lock {{place}} has them as {{state}}, {_THIS_LEDGER}"),
    ),
    "maybe_seen": (
        ("place", "trouble", "asked"),
        _many_seen("{place} may know them as bought and {trouble}"),
    ),
    "accepted": (("word",), _many_accepted),
    "made": (("kept",), _many_made),
    "copied": ((), "made as other jobs; their videos are copied"),
    "failed": (("error",), lambda p: f"{_many_failed(p)} (--retry-failed tries again)"),
    "failed_asked": (("error",), _many_failed),
    "failed_by_policy": (("error",), lambda p: f"{_many_failed(p)}; tried again by policy"),
    "failed_elsewhere": (
        ("error", "origin"),
        lambda p: (
            f"{_many_failed(p)}; it may yet turn, at {p['origin']} (--retry-failed buys it here)"
        ),
    ),
    "old_request_runs": (
        (),
        (
            "their old requests are still running: this run or wanbatch fetch brings them home,"
            " then run again"
        ),
    ),
    "upstream_not_selected": (
        (),
        "they take media from jobs that are not done and not selected: add --with-upstream",
    ),
    "upstream_not_done": (("state",), "they take media from jobs that are {state}"),
    "twin": ((), "the same requests as other jobs: bought once"),
}
