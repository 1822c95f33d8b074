"""What a provider's error code means, and what mends it.

What it may not do: look at a report, or name a command (``advice`` does).

How it works: one table. A code is looked up by its pattern; where an API gave none,
some words of its message tell a refusal of content or a download that failed. A code
that is in no row is unknown, and is said to be. Only where the request may go out again
as it is does a row say so (``Remedy.RETRY``): a refusal of content is not mended by
trying again, nor is a file that the API cannot read.

Sources: *MS* is Model Studio's page of error codes; *NA* the source of new-api, the
gateway that most resellers run; *OBS* what tasks were seen to fail with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase


class Remedy(Enum):
    """What must happen before the job can succeed."""

    OTHER_CONTENT = "another prompt or picture"
    OTHER_REQUEST = "another request"
    ACCOUNT = "something outside of the manifest; then the same request may go out again"
    RETRY = "nothing: the same request may go out again"


@dataclass(frozen=True, slots=True)
class Failure:
    """``codes`` are patterns (``*`` stands for anything), ``source`` says who
    documents them. ``mend`` is what to do, as the beginning of a sentence."""

    codes: tuple[str, ...]
    meaning: str
    mend: str
    remedy: Remedy
    source: str


CONTENT = Failure(
    ("DataInspectionFailed", "IPInfringementSuspect"),
    "The provider refuses the content: its review found the prompt, a picture, the sound or the"
    " video itself improper, or too near to somebody's work. The same request will be refused"
    " again.",
    "Write another prompt or give another picture, then",
    Remedy.OTHER_CONTENT,
    "MS: 400, a verdict on content",
)
UNREACHABLE = Failure(
    (
        "InvalidURL.ConnectionRefused",
        "InvalidURL.Timeout",
        "BadRequest.InputDownloadFailed",
        "InvalidParameter.DataInspection",
    ),
    "The provider could not download a picture, clip or sound in time, so that nothing was"
    " made of it.",
    "See that the URL answers quickly from the public internet, then",
    Remedy.ACCOUNT,
    "MS: 400, a download that failed; worth one more attempt",
)
MEDIA = Failure(
    ("InvalidURL", "InvalidFile*", "InvalidImage*", "BadRequest.TooLarge"),
    "The provider cannot use a picture, clip or sound that it was given: its address, format,"
    " size, length or shape.",
    "Give another file (wanbatch validate says what each may be), then",
    Remedy.OTHER_REQUEST,
    "MS: 400, inputs",
)
REQUEST = Failure(
    (
        "InvalidParameter*",
        "BadRequest*",
        "UnsupportedOperation",
        "invalid_json",
        "invalid_request*",
        "invalid_seconds",
        "missing_model",
        "build_request_failed",
    ),
    "The provider does not take the request as it is: a field of it, or a medium, does not fit.",
    "Mend what its words name, then",
    Remedy.OTHER_REQUEST,
    "MS: 400; OBS: bad media and lengths fail so soon after they were accepted; NA: 400",
)
BILLING = Failure(
    (
        "Arrearage",
        "Throttling.AllocationQuota",
        "AllocationQuota*",
        "*BillOverdue",
        "CommodityNotPurchased",
        "insufficient_user_quota",
        "pre_consume_token_quota_failed",
        "insufficient_quota",
    ),
    "The account has no money, no quota, or an unpaid bill. Nothing of the manifest is wrong.",
    "Settle the account, then",
    Remedy.ACCOUNT,
    "MS: 400, 403 and 429, not to be tried again as they stand; NA: 403",
)
ACCESS = Failure(
    ("InvalidApiKey", "AccessDenied*", "*.AccessDenied", "new_api_error"),
    "The key is wrong, or may not use this model or workspace.",
    "Set the right key or ask for access (wanbatch doctor looks), then",
    Remedy.ACCOUNT,
    "MS: 401 and 403; NA: 401 and 403",
)
MODEL = Failure(
    ("ModelNotFound", "WorkSpaceNotFound", "model_not_found", "get_channel_failed"),
    "The backend does not offer the model, or not in this region or workspace.",
    "Choose a backend that has it, then",
    Remedy.ACCOUNT,
    "MS: 404; NA: 503 where no channel has the model",
)
THROTTLED = Failure(
    ("Throttling*", "rate_limit*", "429"),
    "The provider was asked too much at once. It recovers within about a minute.",
    "Try again, with a lower --rate or --max-in-flight if it comes back",
    Remedy.RETRY,
    "MS: 429, to be tried again with a pause",
)
INTERNAL = Failure(
    (
        "InternalError*",
        "internal_error*",
        "internal_server_error",
        "server_error",
        "RewriteFailed",
        "SystemError",
        "ModelServiceFailed",
        "RequestTimeOut",
        "ModelUnavailable",
        "ModelServingError",
        "timeout",
        "upstream_error",
        "service_unavailable",
        "5[0-9][0-9]",
    ),
    "Something broke at the provider. It says nothing of the prompt or the media, and a failed"
    " task costs nothing.",
    "Try again",
    Remedy.RETRY,
    "MS: 500 and 503, to be tried again once the failure is certain",
)
GATEWAY = Failure(
    ("fail_to_fetch_task", "ali_api_error", "do_request_failed"),
    "The gateway passes on that the service behind it refused; its words, if any, say why.",
    "Mend what its words name, then",
    Remedy.OTHER_REQUEST,
    "NA: the gateway's own code for whatever the service behind it says",
)
TABLE = (
    CONTENT,
    UNREACHABLE,
    MEDIA,
    BILLING,
    ACCESS,
    MODEL,
    THROTTLED,
    INTERNAL,
    GATEWAY,
    REQUEST,
)
"""The first row that has the code counts: the particular stand before the general."""

_TEXTS = (
    (re.compile(r"(?i)inappropriate|data inspection|敏感|违规"), CONTENT),
    (re.compile(r"(?i)(fail|unable)\w* to (down)?load|download\w* fail"), UNREACHABLE),
)
"""What newer gateways say instead of a code (NA, OBS)."""


def look_up(code: str, message: str) -> Failure | None:
    """What is known of a failure; ``None`` where nothing is. ``code`` may be empty."""
    if code:
        lower = code.lower()
        return next(
            (row for row in TABLE if any(fnmatchcase(lower, one.lower()) for one in row.codes)),
            None,
        )
    return next((row for pattern, row in _TEXTS if pattern.search(message)), None)
