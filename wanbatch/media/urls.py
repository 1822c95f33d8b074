"""URLs of media beside each other: whether two that differ in their query mean the same
file.

What it may not do: fetch one, or show a query.

How it works: URLs of one address are gathered over all jobs. Where two jobs' queries
differ in what only looks like a signature, or beside a signature in a parameter that
chooses a file, nobody can tell whether that is one file or two: taken for one, a job
gets the other's video; taken for two, it is bought twice. So it is an error until the
manifest says which parameters count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from wanbatch.media import codes
from wanbatch.media.judge import Objection
from wanbatch.model.job import Job, Manifest, MediaInput, UrlMedia
from wanbatch.words.addresses import Address, QueryKind, read_address
from wanbatch.words.diagnostics import Position

_MEANING: Mapping[QueryKind, str] = {
    QueryKind.NONE: "has no query",
    QueryKind.WHOLE: "its query counts whole",
    QueryKind.SIGNED: "signed: its query counts for nothing",
    QueryKind.DOUBTFUL: "its query looks signed: it counts, and a new signature is asked about",
    QueryKind.NAMED: "what its manifest names counts",
}


@dataclass(frozen=True, slots=True)
class UrlUse:
    """A URL in a job."""

    job: Job
    input: MediaInput
    address: Address


def url_uses(manifests: Iterable[Manifest]) -> Iterator[UrlUse]:
    """Every URL of every job, in order."""
    for manifest in manifests:
        for job in manifest.jobs:
            for item in job.media:
                if isinstance(item.source, UrlMedia):
                    address = read_address(item.source.url, item.source.identity)
                    yield UrlUse(job, item, address)


def doubtful_uses(uses: Iterable[UrlUse]) -> Iterator[tuple[UrlUse, Objection]]:
    """The uses that differ from another job's of the same address as nobody can judge,
    each place of the manifests once."""
    by_base: dict[str, list[UrlUse]] = {}
    for use in uses:
        if use.address.marks and use.address.kind is not QueryKind.NAMED:
            by_base.setdefault(use.address.base, []).append(use)
    for group in by_base.values():
        different = {_sense(use.address): use for use in group}
        if len(different) > 1:
            yield from _doubtful_in(group, list(different.values()))


def _doubtful_in(
    group: list[UrlUse], different: list[UrlUse]
) -> Iterator[tuple[UrlUse, Objection]]:
    """``different`` are uses of the group of which no two mean the same."""
    doubtful = [u for u in different if u.address.kind is QueryKind.DOUBTFUL]
    signed = [u for u in different if u.address.kind is QueryKind.SIGNED]
    seen: set[Position] = set()
    for use in group:
        if use.input.place in seen:
            continue
        kind = use.address.kind
        rivals = signed if kind is QueryKind.SIGNED else []
        rivals = different if kind is QueryKind.DOUBTFUL else doubtful or rivals
        other = next((u for u in rivals[:_ENOUGH] if _is_rival(use, u)), None)
        if other is not None:
            seen.add(use.input.place)
            yield use, _objection(use, other)


_ENOUGH = 8
"""Uses that are compared: a job has at most four media, so that one of another job is
among them."""


def _sense(address: Address) -> tuple[QueryKind, frozenset[str]]:
    """Equal for URLs of one address between which no question is open."""
    signed = address.kind is QueryKind.SIGNED
    return address.kind, address.choosing if signed else address.marks


def _is_rival(use: UrlUse, other: UrlUse) -> bool:
    return other.job is not use.job and _sense(other.address) != _sense(use.address)


def describe_urls(uses: Iterable[UrlUse]) -> list[str]:
    """What each URL was taken for, one line each."""
    lines = {f"{use.address.shown}: {_MEANING[use.address.kind]}": None for use in uses}
    return list(lines)


def _objection(use: UrlUse, other: UrlUse) -> Objection:
    name = "URL" if use.input.type == other.input.type else f"URL of {other.input.type}"
    kind = use.input.type
    return Objection(
        codes.URL_DOUBTFUL,
        f"{use.job.name} and {other.job.name} have one {name} but for its query, which may be"
        " a signature",
        "one file or two? the query does not say",
        (
            (
                f"two files: write {kind}: {{url: …, identity: [id]}} with the names of the"
                " parameters that choose one"
            ),
            f"one file: write {kind}: {{url: …, identity: []}}",
        ),
    )
