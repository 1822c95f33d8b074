"""A status reply, read as tolerantly as public gateways differ, and no more.

What it may not do: I/O, raise on anything that a server may send.

How it works: the reply is walked, and the object that speaks of *our* task is looked
for: the innermost one that has the task's id and a status, else the only status there
is. An outer word beside an inner one is the query's word. An object with another id
speaks of another task, and tells nothing. Where a result's address stands differs most:
the known places come first, and as a last resort any https address of a video in the
answer, never a thumbnail's and never one that was sent. Names are compared without case
and separators, because the same field is ``task_status``, ``taskStatus`` and
``TaskStatus``; a result that is JSON in a string is opened. A status in numbers means
something else at each gateway, so it is a word that nobody knows, and only in an object
that names the task.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from wanbatch.model.outcomes import Failed, PollOutcome, Running, Succeeded, Unreadable
from wanbatch.providers.dialects.reading import (
    ApiError,
    as_instant,
    as_object,
    as_progress,
    as_text,
    as_url,
    clean,
    is_retryable_failure,
    read_error,
    url_expiry,
)
from wanbatch.providers.dialects.vocabulary import Meaning, meaning_of, plain_word

# All names of fields below are as ``_squash`` leaves them.
STATUS_KEYS = (
    "status",
    "taskstatus",
    "state",
    "taskstate",
    "jobstatus",
    "videostatus",
    "generationstatus",
)
ID_KEYS = (
    "taskid",
    "id",
    "videoid",
    "generationid",
    "jobid",
    "requestid",
    "uuid",
    "taskuuid",
    "name",
)
_TASK_KEYS = frozenset(
    {"progress", "createdat", "completedat", "model", "seconds", "videourl", "output", "result"}
)
_FLAGS = {0: "running", 1: "completed", 2: "generate_failed", 3: "generate_failed"}
"""``successFlag`` of kie.ai, the one status in numbers whose name tells whose it is."""
_REASON_KEYS = (
    "failreason",
    "failurereason",
    "failmsg",
    "failure",
    "errormessage",
    "errormsg",
    "errmsg",
    "taskstatusmsg",
    "statusmessage",
    "statusmsg",
    "reason",
    "message",
    "msg",
    "detail",
)
_CODE_KEYS = ("failcode", "failurecode", "errorcode", "errcode", "code")
_PROGRESS_KEYS = ("progress", "percent", "percentage", "progresspercent", "taskprogress")
_URL_KEYS = (
    "motionmp4url",
    "url",
    "urls",
    "videourl",
    "videourls",
    "resultvideourl",
    "resulturl",
    "resulturls",
    "downloadurl",
    "fileurl",
    "outputurl",
    "uri",
    "video",
    "videos",
    "works",
    "generated",
    "raw",
    "sample",
    "output",
    "result",
    "resource",
    "href",
    "src",
)
_PLACES = (
    ("metadata", "url"),
    ("url",),
    ("urls",),
    ("videourl",),
    ("resultvideourl",),
    ("resulturl",),
    ("resulturls",),
    ("video", "url"),
    ("content", "videourl"),
    ("output", "videourl"),
    ("output", "url"),
    ("output",),
    ("outputs",),
    ("outputvideos",),
    ("result", "videourl"),
    ("result", "url"),
    ("result",),
    ("results",),
    ("resultjson",),
    ("data", "videourl"),
    ("data", "url"),
    ("data",),
    ("taskresult", "videos"),
    ("works",),
    ("creations",),
    ("videos",),
    ("generations",),
    ("generated",),
    ("generatedimages",),
    ("assets", "video"),
    ("artifacts",),
    ("files",),
    ("file", "downloadurl"),
    ("unsignedurls",),
    ("response", "generatevideoresponse", "generatedsamples"),
    ("response", "generatedsamples"),
    ("response",),
    ("downloadurl",),
)
_NO_VIDEO = re.compile(
    r"(?i)cover|poster|thumb|preview|image|frame|audio|avatar|logo|icon|webhook|callback|polling"
    r"|cancel|input|prompt|source|origin|status_?url|self|docs?\b|media|reference|watermark_?logo"
    r"|param|request|argument|setting|config|clip"
)
_JSON_KEY = re.compile(r"(?:json|result|results|output|response|data|content)\Z")
_JSON_LIMIT = 200_000
"""Characters of JSON inside a string; a status has some thousand."""
_UNKNOWN_TASK = frozenset({"not_found", "not_exist", "task_not_found", "task_not_exist"})
_SEPARATORS = re.compile(r"[_\-\s]+")
_VIDEO_PATH = re.compile(r"(?i)\.(mp4|mov|m4v|webm)$|/content$")
_DEPTH, _NODES, _URLS = 8, 2000, 5
"""Bounds on what a server's answer may cost to read, and how many addresses are
tried."""


@dataclass(frozen=True, slots=True)
class _Found:
    """The object that speaks of the task: ``word`` is its status, ``named`` that it has
    its id.

    ``in_list`` is one of several things, which need not be the task.
    """

    fields: Mapping[str, object]
    word: str
    above: tuple[Mapping[str, object], ...]
    named: bool = False
    in_list: bool = False


def read_task_reply(value: object, task_id: str, base_url: str = "") -> PollOutcome | None:
    """What a reply says of the task, ``None`` where it holds no status at all.

    ``task_id`` may be empty where the caller does not know it; then no id is compared.
    ``base_url`` is what relative addresses are below of; without it they stay paths.
    """
    value = _squash(value)
    found = _find(value, task_id)
    if found is None or isinstance(found, Unreadable):
        return found
    if plain_word(found.word) in _UNKNOWN_TASK:
        return Unreadable(f"the API says {clean(found.word, 60)}", denied=True)
    error = _error_of(found)
    match meaning_of(found.word):
        case Meaning.SUCCEEDED:
            return _result(found, value, base_url)
        case Meaning.FAILED:
            return _failure(found, error, certain=True)
        case Meaning.DOUBTFUL:
            return _failure(found, error, certain=False)
        case meaning:
            known = meaning is Meaning.RUNNING
            return Running(clean(found.word, 60), _progress_of(found.fields), known)


def _failure(found: _Found, error: ApiError, *, certain: bool) -> PollOutcome:
    if not found.named and (found.in_list or _holds_a_task(found.fields)):
        return Unreadable(f"the query said {clean(found.word, 60)!r}, and not of the task")
    plain = clean(found.word, 60)
    code = error.code or ("" if certain else plain)
    message = error.message or f"the provider says {plain}"
    return Failed(code, message, is_retryable_failure(code, error.message), certain)


def _holds_a_task(fields: Mapping[str, object]) -> bool:
    """Whether an object without an id wraps something of a task that it does not
    tell."""
    for value in fields.values():
        inner = as_object(value[0] if isinstance(value, list) and value else value)
        if _TASK_KEYS & inner.keys():
            return True
    return False


# -- one spelling of names -------------------------------------------------------------


def _squash(value: object, depth: int = 0) -> object:
    """``value`` with names in lower case without separators, and results that are JSON
    in a string opened. Of two names that become one, the first with a value counts."""
    if depth > _DEPTH + 4:
        return None
    if isinstance(value, list):
        return [_squash(one, depth + 1) for one in value]
    if not isinstance(value, dict):
        return value
    fields: dict[str, object] = {}
    for name, inner in value.items():
        plain = _SEPARATORS.sub("", str(name)).lower()
        if fields.get(plain) in (None, ""):
            fields[plain] = _squash(_opened(plain, inner), depth + 1)
    return fields


def _opened(name: str, value: object) -> object:
    if not isinstance(value, str) or len(value) > _JSON_LIMIT or value[:1] not in ("{", "["):
        return value
    if not _JSON_KEY.search(name) or _NO_VIDEO.search(name):
        return value
    try:
        inner: object = json.loads(value)
    except (ValueError, RecursionError, MemoryError):
        return value
    return inner


# -- the object that speaks of the task ------------------------------------------------


def _find(value: object, task_id: str) -> _Found | Unreadable | None:
    walked = list(_walk(value))
    found = [one for one in walked if one.word]
    if not found:
        return _without_word(walked, task_id)
    named = [one for one in found if one.named or _is_named(one.fields, task_id)]
    if named and task_id:
        deepest = max(named, key=lambda one: len(one.above))
        return replace(deepest, named=True)
    deepest = max(found, key=lambda one: len(one.above))
    if task_id and _is_above_named(deepest, task_id):
        return replace(deepest, named=True)
    others = [one for one in found if len(one.above) == len(deepest.above)]
    if task_id and any(_is_of_another(one, task_id) for one in others):
        return Unreadable("the answer is about another task")
    if len(others) > 1 and len({meaning_of(one.word) for one in others}) > 1:
        return Unreadable("the answer holds several statuses, and none names the task")
    return deepest


def _without_word(walked: list[_Found], task_id: str) -> _Found | None:
    """The object of the task whose status is a number, or stands there empty."""
    for one in reversed(walked):
        for key in STATUS_KEYS:
            told = one.fields.get(key)
            if not _is_named(one.fields, task_id) or isinstance(told, bool):
                continue
            if isinstance(told, int) or told == "":
                return replace(one, word=as_text(told, 60), named=True)
    return None


def _walk(value: object, above: tuple[Mapping[str, object], ...] = ()) -> Iterator[_Found]:
    """Every object of the reply, the outer before the inner, within bounds."""
    pending: deque[tuple[object, tuple[Mapping[str, object], ...], bool]] = deque()
    pending.append((value, above, False))
    seen = 0
    while pending and seen < _NODES:
        one, over, in_list = pending.popleft()
        seen += 1
        if isinstance(one, dict):
            yield _Found(one, _word_of(one), over, in_list=in_list)
            if len(over) < _DEPTH:
                nests = (inner for inner in one.values() if _is_nest(inner))
                pending.extend((inner, (*over, one), in_list) for inner in nests)
        elif isinstance(one, list) and len(over) < _DEPTH:
            pending.extend((inner, over, True) for inner in one[:50] if _is_nest(inner))


def _is_nest(value: object) -> bool:
    return isinstance(value, (dict, list))


def _word_of(fields: Mapping[str, object]) -> str:
    for key in STATUS_KEYS:
        word = fields.get(key)
        if isinstance(word, str) and word.strip():
            return word
    done = fields.get("done")
    if isinstance(done, bool):
        if not done:
            return "running"
        return "failed" if fields.get("error") else "completed"
    flag = fields.get("successflag")
    return _FLAGS.get(flag, "") if isinstance(flag, int) and not isinstance(flag, bool) else ""


def _ids(fields: Mapping[str, object]) -> list[str]:
    return [
        str(fields[key])
        for key in ID_KEYS
        if isinstance(fields.get(key), (str, int)) and not isinstance(fields[key], bool)
    ]


def _is_named(fields: Mapping[str, object], task_id: str) -> bool:
    return bool(task_id) and task_id in _ids(fields)


def _is_above_named(found: _Found, task_id: str) -> bool:
    """Whether the status stands inside an object that has the task's id."""
    return any(_is_named(fields, task_id) for fields in found.above)


def _has_other_id(fields: Mapping[str, object], task_id: str) -> bool:
    told = [str(fields[k]) for k in ("id", "taskid") if isinstance(fields.get(k), (str, int))]
    return any(told) and task_id not in told


def _is_of_another(found: _Found, task_id: str) -> bool:
    """Whether the status, or an object around it, has the id of another task."""
    return any(_has_other_id(fields, task_id) for fields in (found.fields, *found.above))


# -- what it says ----------------------------------------------------------------------


def _progress_of(fields: Mapping[str, object]) -> float | None:
    return next((as_progress(fields[k]) for k in _PROGRESS_KEYS if k in fields), None)


def _error_of(found: _Found) -> ApiError:
    fields = found.fields
    told = read_error({"error": fields["error"]}) if fields.get("error") else ApiError()
    if isinstance(fields.get("error"), dict) and not told.message:
        told = _reason_in(as_object(fields["error"]), told)
    if told.message and told.code:
        return told
    for one in (fields, as_object(fields.get("baseresp")), as_object(fields.get("output"))):
        told = _reason_in(one, told)
    return told


def _reason_in(fields: Mapping[str, object], told: ApiError) -> ApiError:
    code = told.code or next(
        (as_text(fields[k], 120) for k in _CODE_KEYS if as_text(fields.get(k), 120)), ""
    )
    message = told.message or next(
        (as_text(fields[k]) for k in _REASON_KEYS if as_text(fields.get(k))), ""
    )
    return ApiError(code, message, told.kind, told.enveloped or bool(code or message))


def _result(found: _Found, value: object, base_url: str) -> Succeeded:
    urls = tuple(dict.fromkeys(_addresses(found, value, base_url)))[:_URLS]
    ends = [moment for moment in map(url_expiry, urls) if moment is not None]
    told = [as_instant(found.fields.get(key)) for key in ("expiresat", "expireat")]
    expiries = [moment for moment in (*told, *ends) if moment is not None]
    return Succeeded(
        urls,
        as_instant(found.fields.get("createdat")),
        as_instant(found.fields.get("completedat") or found.fields.get("finishedat")),
        max(expiries, default=None),
    )


def _addresses(found: _Found, value: object, base_url: str) -> Iterator[str]:
    objects = [found.fields, *reversed(found.above)]
    for fields in objects:
        for place in _PLACES:
            yield from _urls_at(fields, place, base_url)
    yield from find_video_urls(value)


def _urls_at(fields: Mapping[str, object], place: tuple[str, ...], base: str) -> Iterator[str]:
    value: object = fields
    for step in place:
        value = as_object(value).get(step)
    yield from _urls_of(value, base, 0)


def _urls_of(value: object, base: str, depth: int) -> Iterator[str]:
    """The addresses of a value: itself, the items of a list, the usual keys of an
    object."""
    if isinstance(value, str):
        url = absolute_url(value, base)
        if url is not None:
            yield url
    elif isinstance(value, list):
        for one in value[:3]:
            yield from _urls_of(one, base, depth)
    elif isinstance(value, dict) and depth < 3:
        for key in _URL_KEYS:
            if key in value:
                yield from _urls_of(value[key], base, depth + 1)


def absolute_url(text: str, base_url: str) -> str | None:
    """``text`` as an address; a path (``/v1/videos/1/content``) is below ``base_url``'s
    origin."""
    if not text.startswith("/") or text.startswith("//") or len(text) < 2:
        return as_url(text)
    if not base_url:
        return text if as_url(f"https://host.invalid{text}") else None
    return as_url(urljoin(base_url, text))


def find_video_urls(value: object) -> Iterator[str]:
    """Any https address of a video in an answer, as a last resort."""
    pending: deque[tuple[str, object]] = deque([("", value)])
    seen = 0
    while pending and seen < _NODES:
        key, one = pending.popleft()
        seen += 1
        if isinstance(one, dict):
            pending.extend((str(k), v) for k, v in one.items() if not _NO_VIDEO.search(str(k)))
        elif isinstance(one, list):
            pending.extend((key, v) for v in one[:50])
        elif isinstance(one, str) and _looks_like_video(one):
            yield one


def _looks_like_video(text: str) -> bool:
    url = as_url(text)
    if url is None or not url.startswith("https://"):
        return False
    return bool(_VIDEO_PATH.search(urlsplit(url).path))
