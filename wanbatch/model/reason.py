"""Why a job has the action that a plan gives it: a code, and what it is about.

What it may not do: decide, or hold a sentence (``words.reasons`` has them).

How it works: whoever decides says so with ``because``; whoever shows it takes ``str``
of the reason, or the code and the parameters themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wanbatch.words.reasons import say_reason


class ReasonCode(StrEnum):
    """Every reason, with its parameters beside it."""

    NEW = "new"
    CHANGED = "changed"  # fields
    CHANGED_INPUTS = "changed_inputs"
    REGENERATE = "regenerate"
    QUERY_DIFFERS = "query_differs"  # job
    SEEN_IN_LEDGER = "seen_in_ledger"  # place, state, task, asked
    SEEN_VIDEO = "seen_video"  # place, task, asked
    SEEN_IN_REPORT = "seen_in_report"  # place, state, task, asked
    SEEN_IN_LOCK = "seen_in_lock"  # place, state, task, asked
    MAYBE_SEEN = "maybe_seen"  # place, trouble, task, asked
    ACCEPTED = "accepted"  # task, word
    MADE = "made"  # task, met, kept
    OTHER_BACKEND = "other_backend"  # what, backend
    OTHER_ACCOUNT = "other_account"  # what, backend, address, account, present
    OTHER_ADDRESS = "other_address"  # what, backend, address, present
    UNCERTAIN = "uncertain"
    EXPIRED = "expired"
    ABANDONED = "abandoned"
    ABANDONED_AGAIN = "abandoned_again"
    UP_TO_DATE = "up_to_date"
    COPIED = "copied"  # job
    DOWNLOADABLE = "downloadable"
    FILE_LOST = "file_lost"
    FAILED = "failed"  # error, message
    FAILED_ASKED = "failed_asked"  # error, message
    FAILED_BY_POLICY = "failed_by_policy"  # error, message
    FAILED_ELSEWHERE = "failed_elsewhere"  # error, message, origin
    OLD_REQUEST_RUNS = "old_request_runs"  # task
    OLD_REQUEST_OPEN = "old_request_open"  # state
    UPSTREAM_NOT_SELECTED = "upstream_not_selected"  # job
    UPSTREAM_NOT_DONE = "upstream_not_done"  # job, state
    TWIN = "twin"  # job
    NOT_APPROVED = "not_approved"  # why


@dataclass(frozen=True, slots=True)
class Reason:
    """``params`` are pairs of name and value, so that a reason can be compared and
    hashed; ``str`` gives the sentence."""

    code: ReasonCode
    params: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return say_reason(self.code, dict(self.params))

    def __getitem__(self, name: str) -> str:
        """One parameter. Raises ``KeyError``."""
        return dict(self.params)[name]


def because(code: ReasonCode, **params: str) -> Reason:
    return Reason(code, tuple(params.items()))
