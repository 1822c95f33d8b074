"""What the status words of public gateways mean.

What it may not do: guess. A word that stands in no public documentation or source is
never an end: it is shown to people, and the task is still watched.

How it works: words are compared without case, separators and the prefixes that some
APIs put before them (``TASK_STATUS_SUCCEED``). The words and who uses them are listed
beside the replies in ``tests/providers/replies.py``.
"""

from __future__ import annotations

import re
from enum import Enum

_PREFIX = re.compile(
    r"^(task|job|video|generation|prediction|operation|run)?_?(status|state)_|^(task|job|video|"
    r"generation|generate|prediction|operation)_(?=[a-z])"
)
_SEPARATORS = re.compile(r"[\s_.\-/]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Meaning(Enum):
    """What a word says of a task."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DOUBTFUL = "doubtful"  # an end without a result, in a word that is not always the last
    UNKNOWN = "unknown"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SUCCEEDED = _words(
    """
    completed complete succeeded succeed success successful successed done finished finish
    ready generated available all_success task_completed
    """
)
FAILED = frozenset({"failed", "failure", "fail"})
DOUBTFUL = _words(
    """
    cancelled canceled cancel cancelling canceling expired expire deleted error errored
    errors rejected reject aborted abort timeout timed_out time_out terminated killed
    crashed interrupted stopped blocked moderated request_moderated content_moderated
    content_filtered
    filtered nsfw banned invalid revoked failed_moderation moderation_failed generate_failed
    generation_failed create_failed create_task_failed task_failed render_failed
    callback_exception exception sensitive_word_error partially_failed refunded
    """
)
RUNNING = _words(
    """
    queued queue queueing queuing in_queue inqueue pending submitted submitting not_start
    not_started notstart created create starting started start waiting wait accepted
    received scheduled scheduling assigned initializing initialized init preparing prepare
    prepared in_progress inprogress processing process running run generating generate
    working executing busy finishing staged streaming unknown unspecified throttled throttling
    paused suspended
    retrying retry dreaming rendering encoding decoding uploading downloading transcoding
    postprocessing post_processing preprocessing pre_processing finalizing validating
    moderating reviewing on_hold hold delayed blocked_by_queue text_success first_success
    modeling inference in_process ongoing doing progress open new undefined none null
    """
)


def plain_word(word: str) -> str:
    """``word`` as words are compared: lower case, one separator, no prefix."""
    spaced = _CAMEL.sub("_", word.strip()) if not word.isupper() else word.strip()
    plain = _SEPARATORS.sub("_", spaced).strip("_").lower()
    if plain in SUCCEEDED | FAILED | DOUBTFUL | RUNNING:
        return plain
    shorter = _PREFIX.sub("", plain)
    return shorter or plain


def meaning_of(word: str) -> Meaning:
    """What ``word`` says of a task."""
    plain = plain_word(word)
    for words, meaning in (
        (SUCCEEDED, Meaning.SUCCEEDED),
        (FAILED, Meaning.FAILED),
        (DOUBTFUL, Meaning.DOUBTFUL),
        (RUNNING, Meaning.RUNNING),
    ):
        if plain in words:
            return meaning
    return Meaning.UNKNOWN
