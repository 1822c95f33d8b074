"""Plans that are kept: what a plan was made from, the digest of all that it says, and a
plan back from its document.

What it may not do: I/O, or decide whether a plan still holds (``staleness`` does).

How it works: ``complete`` adds to the document of a plan the ledger, the prices and the
choices it was made from, and the digest: the SHA-256 of the document's canonical JSON
without the digest itself, what is left of a budget, and times
(``words.canonical.TIMES``). So two plans of one state have one digest whenever they are
made, and whoever reads a plan and whoever carries it out mean the same one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

from wanbatch.model.job import Size
from wanbatch.model.plan import Action
from wanbatch.model.price import PriceList
from wanbatch.model.retrying import Retrying
from wanbatch.plan.identity import JobKey
from wanbatch.words.canonical import Json, canonical_text, quote, without_times
from wanbatch.words.hiding import hide_queries

Document = Mapping[str, Json]

UNDIGESTED = frozenset({"digest", "budget"})
"""What a digest cannot hold: itself, and what is left of a budget, which changes while
the plan stays the same."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chose that decides what is bought, and where it lies.

    Of ``variables`` the queries of URLs are not written, as nowhere: those that are
    ``hidden`` are given again where the plan is carried out. ``output`` and
    ``media_root`` say where the plan was made; another place may be named.
    """

    select: tuple[str, ...] = ()
    with_upstream: bool = False
    shard: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    retry_failed: Retrying = False
    regenerate: bool = False
    output: str = "reports"
    media_root: str | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """What a plan is made from beside its jobs. ``ledger`` is the ledger's id, empty
    where there is none yet."""

    ledger: str
    prices: PriceList | None
    choices: Choices


@dataclass(frozen=True, slots=True)
class SavedJob:
    """A job as the plan has it. ``attempts`` are the states of those of its
    identity, by id; ``is_authorised`` whether a person asked to buy it once more."""

    fingerprint: str
    action: Action
    selected: bool
    request: Mapping[str, Json]
    attempts: Mapping[int, str]
    is_authorised: bool


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan that was kept. ``source`` is the file that it was read from, empty for one
    that a program has in hand; ``manifests`` are paths by name; ``per_second`` are
    prices by size."""

    source: str
    digest: str
    ledger: str
    backend: str
    realm: str
    origin: str
    currency: str
    per_second: Mapping[Size, Decimal]
    manifests: Mapping[str, str]
    choices: Choices
    total: Decimal | None
    jobs: Mapping[JobKey, SavedJob]

    @property
    def title(self) -> str:
        """How sentences speak of it."""
        return f"the plan {self.source}" if self.source else "the plan"

    def selected(self) -> frozenset[JobKey]:
        """The jobs that the plan was made for."""
        return frozenset(key for key, job in self.jobs.items() if job.selected)


# -- made ------------------------------------------------------------------------------


def complete(
    document: Document, basis: Basis, jobs: Iterable[str] | None = None
) -> dict[str, Json]:
    """The plan's document with what it was made from and its digest, behind the
    schema's name. ``jobs`` are the canonical texts of its jobs without times, where the
    document does not have them itself."""
    whole = {
        "schema": document["schema"],
        "digest": "",
        "ledger": basis.ledger or None,
        **document,
        "prices": _describe_prices(basis.prices),
        "choices": _describe_choices(basis.choices),
    }
    return {**whole, "digest": digest_of(whole, jobs)}


def _describe_prices(prices: PriceList | None) -> Json:
    if prices is None:
        return None
    return {
        "per_second": {size: format(rate, "f") for size, rate in prices.per_second.items()},
        "currency": prices.currency,
        "as_of": prices.as_of,
    }


def _describe_choices(choices: Choices) -> Json:
    shown = {name: hide_queries(value) for name, value in choices.variables.items()}
    return {
        "select": list(map(hide_queries, choices.select)),
        "with_upstream": choices.with_upstream,
        "shard": choices.shard,
        "variables": shown,
        "hidden": [name for name, value in choices.variables.items() if shown[name] != value],
        "retry_failed": _describe_retrying(choices.retry_failed),
        "regenerate": choices.regenerate,
        "output": choices.output,
        "media_root": choices.media_root,
    }


def _describe_retrying(wanted: Retrying) -> Json:
    return wanted if isinstance(wanted, bool) else sorted(wanted)


def _parse_retrying(value: Json) -> Retrying:
    return value if isinstance(value, bool) else frozenset(cast("Sequence[str]", value))


# -- the digest ------------------------------------------------------------------------


def digest_of(document: Document, jobs: Iterable[str] | None = None) -> str:
    """64 lower-case hex digits. Job by job, so that a plan of a hundred thousand is
    never one text; ``jobs`` as in ``complete``."""
    summed = hashlib.sha256()
    for piece in _canonical_pieces(document, jobs):
        summed.update(piece.encode("utf-8", "surrogatepass"))
    return summed.hexdigest()


def _canonical_pieces(document: Document, jobs: Iterable[str] | None) -> Iterator[str]:
    """The canonical form, in pieces."""
    opening = "{"
    for key in sorted({*document, "jobs"} - UNDIGESTED):
        yield f"{opening}{quote(key)}:"
        opening = ","
        if key == "jobs":
            yield from _list_of(jobs if jobs is not None else _texts(document.get(key)))
        else:
            yield canonical_text(without_times(document[key]))
    yield "}"


def _texts(jobs: Json) -> Iterator[str]:
    for job in _objects(jobs or []):
        yield canonical_text(without_times(job))


def _list_of(texts: Iterable[str]) -> Iterator[str]:
    opening = "["
    for text in texts:
        yield opening + text
        opening = ","
    yield "]" if opening == "," else "[]"


# -- back ------------------------------------------------------------------------------


def parse_plan(document: Document, source: str) -> SavedPlan:
    """The plan of a document that its schema allows and that ``complete`` made."""
    prices, totals = document["prices"], _object(document["totals"])
    price = totals["price"]
    rates = _object(_object(prices)["per_second"]) if prices else {}
    return SavedPlan(
        source=source,
        digest=str(document["digest"]),
        ledger=str(document["ledger"] or ""),
        backend=str(document["backend"]),
        realm=str(document["realm"]),
        origin=str(document["origin"]),
        currency=str(totals["currency"]),
        per_second={cast("Size", size): Decimal(str(rate)) for size, rate in rates.items()},
        manifests={str(one["name"]): str(one["path"]) for one in _objects(document["manifests"])},
        choices=_parse_choices(_object(document["choices"])),
        total=None if price is None else Decimal(str(price)),
        jobs={
            (str(one["manifest"]), str(one["name"])): _parse_job(one)
            for one in _objects(document["jobs"])
        },
    )


def _parse_choices(one: Mapping[str, Json]) -> Choices:
    shard, media_root = one["shard"], one["media_root"]
    return Choices(
        select=tuple(cast("Sequence[str]", one["select"])),
        with_upstream=bool(one["with_upstream"]),
        shard=None if shard is None else str(shard),
        variables=cast("Mapping[str, str]", one["variables"]),
        hidden=tuple(cast("Sequence[str]", one["hidden"])),
        retry_failed=_parse_retrying(one["retry_failed"]),
        regenerate=bool(one["regenerate"]),
        output=str(one["output"]),
        media_root=None if media_root is None else str(media_root),
    )


def _parse_job(one: Mapping[str, Json]) -> SavedJob:
    return SavedJob(
        fingerprint=str(one["fingerprint"]),
        action=Action(str(one["action"])),
        selected=bool(one["selected"]),
        request=_object(one["request"]),
        attempts={int(str(a["id"])): str(a["state"]) for a in _objects(one["attempts"])},
        is_authorised=bool(one.get("authorised_by")),
    )


def _object(value: Json) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", value)


def _objects(value: Json) -> Sequence[Mapping[str, Json]]:
    return cast("Sequence[Mapping[str, Json]]", value)
