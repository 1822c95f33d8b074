"""Whether a stored request and a job's are one, by what the ledger wrote down of both.

What it may not do: look anything up (``history`` does), or guess: what cannot be told
is a doubt.

How it works: all fields but queries are compared by a key, queries by the digests of
their parameters. A parameter that is a signature by name says nothing; a named one or a
plain one says everything; where one side has what only looks like a signature, and the
sides differ, nobody can tell.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from wanbatch.model.job import trim_prompt
from wanbatch.model.lifecycle import Attempt
from wanbatch.model.plan import Request
from wanbatch.plan.identity import Identified
from wanbatch.plan.rule_1 import HIDDEN, Asked
from wanbatch.words.addresses import Address, QueryKind, mark_of, read_address

_TAKE = re.compile(r"[\[,]take=([0-9]{1,9})\]\Z")


class Likeness(StrEnum):
    SAME = "same"
    OTHER = "other"
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """One of ``sha256``, ``job`` and ``url`` (as it was kept) is set."""

    type: str
    sha256: str = ""
    job: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """An attempt with its request: the fields that 0.1.0 hashed, the media, and URLs as
    addresses by media type."""

    attempt: Attempt
    asked: Asked
    media: tuple[StoredMedia, ...]
    addresses: dict[str, Address]
    family: str


def read_row(attempt: Attempt) -> Row | None:
    """The attempt's request; ``None`` where it is none that this program wrote."""
    try:
        request = json.loads(attempt.request)
        take = _TAKE.search(attempt.job)
        asked = Asked(
            request["model"],
            request.get("prompt"),
            request.get("negative_prompt"),
            request["seconds"],
            request["size"],
            request["seed"],
            request["prompt_extend"],
            request["watermark"],
            int(take[1]) if take else 1,
        )
        media = tuple(
            _stored(item["type"], item["source"], item["sha256"]) for item in request["media"]
        )
        trace = request.get("trace") or {"family": "", "urls": {}}
        addresses = {m.type: _address(m.url, trace["urls"].get(m.type)) for m in media if m.url}
        return Row(attempt, asked, media, addresses, trace["family"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _stored(kind: str, source: str, sha256: str | None) -> StoredMedia:
    if sha256:
        return StoredMedia(kind, sha256=sha256)
    return (
        StoredMedia(kind, job=source)
        if source.startswith("job:")
        else StoredMedia(kind, url=source)
    )


def _address(source: str, traced: dict[str, object] | None) -> Address:
    if traced is not None:
        marks = frozenset(cast(list[str], traced["marks"]))
        kind = QueryKind(cast(str, traced["kind"]))
        return Address(source.partition("?")[0], kind, source, (), marks)
    base, _, query = source.partition("?")
    kept = [p for p in query.split("&") if p != HIDDEN]
    address = read_address(f"{base}?{'&'.join(kept)}" if query else base)
    if len(kept) == query.count("&") + 1:
        return address
    # 0.1.0 hid what signed, or nothing of the query was kept at all.
    return Address(address.base, QueryKind.SIGNED, address.shown, (), address.marks)


def likeness_key_of_row(row: Row) -> object:
    """Equal for requests that differ at most in queries and in white space at the ends
    of prompts."""
    asked = row.asked._replace(
        prompt=trim_prompt(row.asked.prompt), negative_prompt=trim_prompt(row.asked.negative_prompt)
    )
    media = {m.type: m.sha256 or m.job or row.addresses[m.type].base for m in row.media}
    return (asked, tuple(sorted(media.items())))


def likeness_key_of_job(entry: Identified) -> object:
    request = entry.request
    asked = Asked(
        request.model,
        request.prompt,
        request.negative_prompt,
        request.seconds,
        request.size,
        request.seed,
        request.prompt_extend,
        request.watermark,
        entry.job.take,
    )
    media = {m.type: m.sha256 or (m.address.base if m.address else m.source) for m in request.media}
    return (asked, tuple(sorted(media.items())))


def compare(request: Request, row: Row) -> Likeness:
    """How the URLs of two requests agree that are known to agree in everything else."""
    found = {
        _compare_urls(ref.address, row.addresses[ref.type])
        for ref in request.media
        if ref.address is not None and ref.type in row.addresses
    }
    if Likeness.OTHER in found:
        return Likeness.OTHER
    return Likeness.DOUBT if Likeness.DOUBT in found else Likeness.SAME


def _compare_urls(present: Address, stored: Address) -> Likeness:
    if present.kind is QueryKind.NAMED:
        named = {_mark(text, present.base) for text in present.query}
        return Likeness.SAME if named <= stored.marks else Likeness.OTHER
    if present.kind is not QueryKind.SIGNED and present.marks and present.marks == stored.marks:
        return Likeness.SAME
    if present.kind is QueryKind.DOUBTFUL:
        return Likeness.DOUBT if stored.kind is not QueryKind.NONE else Likeness.OTHER
    if stored.kind in (QueryKind.DOUBTFUL, QueryKind.NAMED):
        return Likeness.DOUBT if present.kind is not QueryKind.NONE else Likeness.OTHER
    if present.kind is QueryKind.WHOLE or stored.kind is QueryKind.WHOLE:
        return Likeness.OTHER
    return _compare_choosing(present, stored)


def _compare_choosing(present: Address, stored: Address) -> Likeness:
    """Two signed URLs of one path: the same file, but where a parameter that chooses
    one has another value."""
    names = {mark.partition(":")[0] for mark in stored.marks}
    changed = [m for m in present.choosing - stored.marks if m.partition(":")[0] in names]
    return Likeness.DOUBT if changed else Likeness.SAME


def _mark(name_and_value: str, base: str) -> str:
    name, _, value = name_and_value.partition("=")
    return mark_of(name, value, base)
