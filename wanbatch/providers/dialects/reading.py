"""Tolerant readers that the dialects share: JSON, ids, words, times, errors, URLs, and
the verdict of one POST.

What it may not do: I/O, read a clock, raise on anything a server may send.

How it works: every value from the network is ``object`` until one of these functions
has looked at it. What they accept is section E of the facts about the API (many servers
have this shape); what they refuse becomes "nothing was told". ``judge_submit`` is the
table "What one POST can tell": only a proof counts as *not accepted* and only the API's
own words as *rejected*; all else is uncertain.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urlsplit

from wanbatch.model.outcomes import (
    Accepted,
    Halted,
    NotAccepted,
    Rejected,
    SubmitOutcome,
    ThrottledBy,
    Uncertain,
    Unreadable,
)
from wanbatch.model.wire import NoReply, Reply, Seen
from wanbatch.providers.scrubbing import EVIDENCE_LIMIT, SIGNING, evidence_of, without_queries

RETRY_AFTER_LIMIT_S = 300.0
"""Contract. A limit of this API is per second or per minute; who asks for an hour
means something else, and one more question costs nothing."""
_TASK_ID = re.compile(r"[\x21-\x7e]{1,512}\Z")
_NO_IDS = frozenset({".", "..", "0", "null", "none", "undefined"})
_QUERY = re.compile(r"(://[^\s\"'<>?#]{1,2000})[?#][^\s\"'<>]*")
_USER = re.compile(r"://[^\s/@\"'<>]{1,500}@")
_DATA_URL = re.compile(r"(?i)\bdata:[a-z0-9.+/-]{0,60}(;[a-z0-9=-]{0,40})*,[A-Za-z0-9+/=%_-]*")


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error in one of the API's own shapes. ``enveloped`` is false for a body that
    has no such shape."""

    code: str = ""
    message: str = ""
    kind: str = ""
    enveloped: bool = False


# --- text and JSON
# ------------------------------------------------------------------------------------


def clean(text: str, limit: int = 500) -> str:
    """Text of a server made fit for a terminal, a ledger and a page: one line, no
    control characters, no signed query, no inline media."""
    text = text[: limit * 4]
    text = _DATA_URL.sub("data:…", text)
    text = _USER.sub("://…@", text)
    text = _QUERY.sub(r"\1?…", text)
    text = SIGNING.sub(r"\1…", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def read_json(body: bytes) -> object:
    """The JSON value of ``body``, or ``None``: malformed, too deep, a number with more
    digits than Python reads."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError, MemoryError):
        return None
    return value


def as_object(value: object) -> Mapping[str, object]:
    """``value`` where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_text(value: object, limit: int = 500) -> str:
    """Strings and numbers as clean text, all else empty."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, str):
        return clean(value, limit)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else ""
    return clean(repr(value), limit) if isinstance(value, float) else ""


def as_number(value: object) -> float | None:
    """A finite number from a number, ``"30%"`` or ``"5.0"``; ``None`` for all else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = value.strip().removesuffix("%")
        if len(value) > 40:
            return None
    if not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_progress(value: object) -> float | None:
    """A percentage within 0..100, or ``None``."""
    number = as_number(value)
    return None if number is None else min(100.0, max(0.0, number))


def as_instant(value: object) -> float | None:
    """Unix seconds from seconds or milliseconds; ``None`` for what is no instant
    between 2001 and 2286."""
    number = as_number(value)
    if number is None:
        return None
    number = number / 1000 if number > 1e11 else number
    return number if 1e9 <= number < 1e10 else None


def valid_task_id(value: object) -> str | None:
    """``value`` where it may serve as a task id: text or a whole number.

    1 to 512 printable ASCII characters without white space; not what empty fields look
    like.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**18:
        value = str(value)
    if isinstance(value, str) and _TASK_ID.match(value) and value.lower() not in _NO_IDS:
        return value
    return None


def as_url(value: object) -> str | None:
    """``value`` where it is a web address of sane length without spaces or control
    characters."""
    if (
        not isinstance(value, str)
        or len(value) > 8192
        or not value.isprintable()
        or " " in value
        or "\\" in value
    ):
        return None
    try:
        parts = urlsplit(value)
        usable = (
            parts.scheme in ("http", "https")
            and parts.hostname
            and parts.username is None
            and parts.port != 0
        )
    except ValueError:
        return None
    return value if usable else None


def collect_urls(*candidates: object) -> tuple[str, ...]:
    """The usable addresses among ``candidates``, in order, each once, at most five."""
    found = [url for url in map(as_url, candidates) if url is not None]
    return tuple(dict.fromkeys(found))[:5]


# --- what headers and signatures tell
# ------------------------------------------------------------------------------------


def date_of(headers: Mapping[str, str]) -> float | None:
    """The server's clock as Unix seconds, from ``Date``."""
    return _http_date(headers.get("date", ""))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """What ``Retry-After`` asks for, in seconds within 0..300; a date counts from the
    reply's own ``Date``."""
    raw = headers.get("retry-after", "").strip()
    if not raw:
        return None
    seconds = as_number(raw) if raw[0] in "-+.0123456789" else None
    if seconds is None:
        until, base = _http_date(raw), date_of(headers)
        seconds = until - base if until is not None and base is not None else None
    return None if seconds is None else min(RETRY_AFTER_LIMIT_S, max(0.0, seconds))


def _http_date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text[:64])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def url_expiry(url: str) -> float | None:
    """When a signed address stops to serve, as Unix seconds: OSS and S3 signatures of
    both generations."""
    try:
        query = dict(parse_qsl(urlsplit(url).query, max_num_fields=50))
    except ValueError:
        return None
    if "Expires" in query:
        return as_instant(query["Expires"])
    lowered = {name.lower(): value for name, value in query.items()}
    for prefix in ("x-oss-", "x-amz-"):
        start, length = lowered.get(prefix + "date", ""), as_number(lowered.get(prefix + "expires"))
        if length is not None and 0 <= length <= 1e7:
            try:
                return as_instant(
                    datetime.strptime(start[:32], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
                    + length
                )
            except ValueError:
                return None
    return None


# --- errors
# ------------------------------------------------------------------------------------


def read_error(value: object) -> ApiError:
    """The error in any shape that these servers use: ``{code, message, …}``, ``{error:
    {…} | text}``, ``{detail}``."""
    body = as_object(value)
    error = body.get("error")
    if isinstance(error, dict):
        return ApiError(
            as_text(error.get("code"), 120),
            as_text(error.get("message")),
            as_text(error.get("type"), 120),
            enveloped=True,
        )
    if isinstance(error, str) and error:
        return ApiError(as_text(body.get("code"), 120), clean(error), enveloped=True)
    code, message = as_text(body.get("code"), 120), as_text(body.get("message"))
    if code and not message:
        message = as_text(body.get("msg"))
    if code or message:
        return ApiError(code, message, enveloped=True)
    if "detail" in body:
        detail = body["detail"]
        first = as_object(detail[0]) if isinstance(detail, list) and detail else as_object(detail)
        return ApiError(
            "",
            as_text(detail) or as_text(first.get("msg")) or as_text(first.get("message")),
            enveloped=True,
        )
    return ApiError()


_BILLING_CODE = re.compile(
    r"(?i)allocationquota|billoverdue|arrearage|commoditynotpurchased|insufficient_(user_)?quota|token_quota|insufficient_balance"
)
_BILLING_TEXT = re.compile(
    r"(?i)insufficient (account |user |token )?(balance|quota|credit|funds)|exceeded your"
    r" current quota|overdue|in arrears"
    r"|余额不足|额度不足|额度已用|欠费"
)
_KEY_CODE = re.compile(
    r"(?i)^(invalid_?api_?key|token_invalid|invalid_token|accessdenied(\..*)?|(model|workspace)\.accessdenied|modelnotfound|workspacenotfound"
    r"|model_not_found|unauthorized|authentication_error)$"
)
_CONCURRENCY = re.compile(
    r"(?i)concurren|in[- ]flight|(running|processing|pending|active) (tasks|jobs|videos)|too"
    r" many (tasks|jobs|videos)|并发|队列"
)
_RATE = re.compile(
    r"(?i)rate|burst|per (second|minute)|too quickly|frequen|too many requests|qps|rpm|频繁"
)


def is_billing(error: ApiError) -> bool:
    """Whether the error says that no money is left: nothing but a person mends that."""
    return bool(_BILLING_CODE.search(error.code) or _BILLING_TEXT.search(error.message))


def concerns_every_job(error: ApiError) -> bool:
    """Whether the error is about key, access, model or money, and not about this
    request."""
    return is_billing(error) or bool(_KEY_CODE.match(error.code))


def limit_of(error: ApiError) -> ThrottledBy:
    """Which limit a 429 speaks of."""
    told = f"{error.code} {error.message}"
    if _CONCURRENCY.search(told):
        return ThrottledBy.CONCURRENCY
    return ThrottledBy.RATE if _RATE.search(told) else ThrottledBy.UNKNOWN


_RETRYABLE_CODE = re.compile(
    r"(?i)^(internal.?(server.?)?error.*|rewritefailed|systemerror|server_error|modelservicefailed|requesttimeout|model(unavailable|servingerror)|throttling.*"
    r"|invalidurl\.(timeout|connectionrefused)|badrequest\.inputdownloadfailed|timeout|5\d\d|429|rate_limit.*|upstream_error|service_unavailable)$"
)
_RETRYABLE_TEXT = re.compile(
    r"(?i)internal (server )?error|timed? ?out|temporar|unavailable|overload|try"
    r" again|saturated|服务繁忙|请稍后|超时"
)


def is_retryable_failure(code: str, message: str) -> bool:
    """Whether a task that failed so may be tried again: trouble of the machinery, never
    a verdict on the content or the request."""
    if is_billing(ApiError(code, message)):
        return False
    return bool(_RETRYABLE_CODE.match(code)) if code else bool(_RETRYABLE_TEXT.search(message))


# --- verdicts
# ------------------------------------------------------------------------------------

_HALT_HINTS = {
    401: (
        "the key was refused: check that the environment variable holds the key of this very"
        " backend and region"
    ),
    402: "the account has no credit left: top it up, then run the same command again",
    403: "the key may not do this: check its permissions, its models and the account's balance",
}
_EVERY_JOB = "this concerns every job: check key, model, region and the account's bill"
_NO_CHANNEL = "the gateway may have tried elsewhere first: check its models, then wanbatch resolve"


Route = tuple[str | int, ...]
"""Where a value stands in nested objects and lists."""
ID_ROUTES: tuple[Route, ...] = (
    ("task_id",),
    ("data", "task_id"),
    ("data", 0, "task_id"),
    ("id",),
    ("data", "id"),
    ("data", 0, "id"),
)
"""Where gateways put the id of a new task; of several, ``task_id`` counts."""
AT_ONCE_S = 10.0
"""A limiter answers at once; a 429 of the API itself later than this proves nothing."""
_REFUSAL_CODE = re.compile(
    r"(?i)model_not_found|get_channel_failed|build_request_failed|no_available_channel"
    r"|channel[:_]|model_price_error|bad_request_body|convert_request_failed|prompt_blocked"
    r"|sensitive_words?_detected|insufficient_(user_)?quota|quota_failed|invalid_request"
    r"|missing_model|access_denied|do_not_support|not_supported|unsupported"
)
_REFUSAL_TEXT = re.compile(r"(?i)no available channel|无可用渠道|model .{0,80} not found")


def judge_submit(seen: Seen, routes: tuple[Route, ...] = ID_ROUTES) -> SubmitOutcome:
    """What one POST told. ``routes`` are where a task id may stand, best first."""
    if isinstance(seen, NoReply):
        reason = clean(seen.reason)
        return Uncertain(reason) if seen.may_have_been_sent else NotAccepted(reason)
    value = read_json(seen.body)
    error = read_error(value)
    if 200 <= seen.status < 300 or seen.status == 429:
        accepted = _find_id(value, routes)
        if accepted is not None:
            return accepted
    if 200 <= seen.status < 300:
        reason = f"HTTP {seen.status} without a valid task id{_told(error)}"
        return Uncertain(reason, evidence_of(seen.body))
    return _judge_refusal(seen, error)


def _find_id(value: object, routes: tuple[Route, ...]) -> Accepted | None:
    found = [one for one in (valid_task_id(dig(value, route)) for route in routes) if one]
    if not found:
        return None
    others = [one for one in dict.fromkeys(found) if one != found[0]]
    evidence = f"the answer also names {', '.join(others)}" if others else ""
    return Accepted(found[0], without_queries(evidence)[:EVIDENCE_LIMIT])


def _judge_refusal(reply: Reply, error: ApiError) -> SubmitOutcome:
    status = reply.status
    if 300 <= status < 400:
        return _judge_redirect(reply)
    if status in (401, 402, 403):
        code, message = error.code or f"http_{status}", error.message or f"HTTP {status}"
        return Halted(code, message, _HALT_HINTS[status])
    if status == 429:
        return _judge_limit(reply, error)
    if status == 425:
        return NotAccepted(f"HTTP {status}{_told(error)}", None, retry_after(reply.headers))
    if status in (400, 404, 405, 413, 415, 422) and error.enveloped:
        if concerns_every_job(error):
            return Halted(error.code, error.message, _EVERY_JOB)
        return Rejected(error.code or f"http_{status}", error.message or f"HTTP {status}")
    return _judge_doubt(reply, error)


def _judge_redirect(reply: Reply) -> SubmitOutcome:
    """307 and 308 repeat the POST elsewhere; the others may come after the fact."""
    status = reply.status
    told = "the API answered with a redirect, which a POST that buys never follows"
    halt = Halted(f"http_{status}", told, "check the base URL: it is the API's own root")
    if status in (307, 308):
        return halt
    return Uncertain(f"HTTP {status}: {told}", evidence_of(reply.body), halt)


def _judge_limit(reply: Reply, error: ApiError) -> SubmitOutcome:
    halt = None
    if is_billing(error):
        hint = "raise the quota or settle the bill, then run the same command again"
        halt = Halted(error.code or "http_429", error.message or "the quota is used up", hint)
    if error.enveloped and reply.elapsed_s > AT_ONCE_S:
        reason = f"HTTP 429 after {reply.elapsed_s:.0f} s{_told(error)}"
        return Uncertain(reason, evidence_of(reply.body), halt)
    if halt is not None:
        return halt
    limit = limit_of(error) if error.enveloped or not reply.body.strip() else ThrottledBy.UNKNOWN
    return NotAccepted(f"HTTP 429{_told(error)}", limit, retry_after(reply.headers))


def _judge_doubt(reply: Reply, error: ApiError) -> SubmitOutcome:
    """Whatever proves nothing. A refusal inside a 5xx will meet the next job too."""
    status, evidence = reply.status, evidence_of(reply.body)
    if not error.enveloped:
        return Uncertain(f"HTTP {status} in none of the API's own shapes", evidence)
    refused = _REFUSAL_CODE.search(error.code) or _REFUSAL_TEXT.search(error.message)
    halt = None
    if status >= 500 and (refused or concerns_every_job(error)):
        halt = Halted(
            error.code or f"http_{status}", error.message or f"HTTP {status}", _NO_CHANNEL
        )
    return Uncertain(f"HTTP {status}{_told(error)}", evidence, halt)


def dig(value: object, route: Route) -> object:
    """What stands at ``route`` in nested objects and lists, or ``None``."""
    for step in route:
        if isinstance(step, str):
            value = as_object(value).get(step)
            continue
        value = value[step] if isinstance(value, list) and len(value) > step else None
    return value


_MISSING = re.compile(
    r"(?i)not[_ ]?(exist|found)|no such|unknown (task|id)|record not found|不存在"
)


def is_missing(error: ApiError) -> bool:
    """Whether an error says that there is no such task."""
    return error.enveloped and bool(_MISSING.search(f"{error.code} {error.message}"))


def unreadable(seen: Seen) -> Unreadable:
    """A status query that told nothing, and why.

    ``denied`` where the API itself says that it does not know the task.
    """
    if isinstance(seen, NoReply):
        return Unreadable(clean(seen.reason))
    error = read_error(read_json(seen.body))
    denied = error.enveloped and (
        seen.status in (400, 404, 410, 422) or (is_missing(error) and seen.status != 429)
    )
    return Unreadable(
        f"HTTP {seen.status}{_told(error)}",
        retry_after(seen.headers),
        throttled=seen.status == 429,
        denied=denied,
    )


def _told(error: ApiError) -> str:
    words = ": ".join(part for part in (error.code, error.message) if part)
    return f" ({words})" if words else ""
