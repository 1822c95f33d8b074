"""What an object store's failure means, in words that anybody may read.

What it may not do: quote what obstore or a server said. Their texts hold addresses with
signatures, and a server that refuses a signature answers with the key's id and what was
signed. Only a status, an error code of the S3 kind and the kind of failure leave here.
"""

from __future__ import annotations

import re

from wanbatch.model.objects import StoreSilent

_STATUS = re.compile(r"status code: ([1-5]\d\d)\b")
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_HINTS = {
    "NoSuchBucket": ": check the bucket's name and its endpoint",
    "SignatureDoesNotMatch": ": check the secret key",
    "InvalidAccessKeyId": ": check the access key",
    "301": ": check the region",
    "400": ": check the region and the endpoint",
    "401": ": check the access key",
    "403": ": check the access key and what it may do there",
    "404": ": check the bucket's name and its endpoint",
}
_KINDS = (
    ("kind: Timeout", "did not answer in time"),
    ("operation timed out", "did not answer in time"),
    ("kind: Connect", "could not be reached"),
    ("dns error", "could not be reached"),
)


_FOR_GOOD = frozenset({"301", "400", "401", "403", "404"})
"""What a store answers that does not want: waiting changes nothing."""


class StoreRefused(StoreSilent):
    """The store answered, and will answer the same until a person has mended
    something."""


def silence_of(url: str, error: BaseException) -> StoreSilent:
    """``error`` as the kind of silence it is."""
    status = _STATUS.search(str(error))
    kind = StoreRefused if status and status[1] in _FOR_GOOD else StoreSilent
    return kind(describe(url, error))


def describe(url: str, error: BaseException) -> str:
    """What to say of ``error``, which the store at ``url`` led to."""
    text = str(error)
    status, code = _STATUS.search(text), _CODE.search(text)
    if status:
        told = f", {code[1]}" if code else ""
        hint = _HINTS.get(code[1] if code else "") or _HINTS.get(status[1], "")
        return f"the store {url} answered HTTP {status[1]}{told}{hint}"
    for sign, words in _KINDS:
        if sign in text:
            return f"the store {url} {words}"
    return f"the store {url} did not answer as it should ({type(error).__name__})"


def is_missing_bucket(error: BaseException) -> bool:
    """Whether "not found" was said of the whole bucket, which is no word on an
    object."""
    return "NoSuchBucket" in str(error) or "ContainerNotFound" in str(error)


def is_conflict(error: BaseException) -> bool:
    """Whether the store saw two writers at once and left both without a verdict."""
    found = _STATUS.search(str(error))
    return found is not None and found[1] == "409"
