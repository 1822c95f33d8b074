"""Whom a review chooses: opinions and duels against the jobs that a manifest has today.

What it may not do: I/O, or know more of a job than its name and fingerprint.

How it works: an opinion counts where name and fingerprint are still those of a job; all
others are named. Kept is what more people keep than reject. ``top`` takes the best of
these by stars, then by the duels, then in the manifest's order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wanbatch.model.review import JobRef, Review, Verdict
from wanbatch.report.ranking import Result, fit_strengths, settle_duels
from wanbatch.report.review import Opinion, weigh_opinions

MOST_RANKED = 100
"""Jobs that met each other, up to which the model is fitted: half a second (measured).
More are ranked by their share of wins."""


@dataclass(frozen=True, slots=True)
class Winners:
    """``chosen`` are names in the manifest's order. The others are named and left
    out: ``gone`` no longer in the manifest, ``changed`` since the review, ``even`` kept
    by as many as reject them."""

    chosen: tuple[str, ...]
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    even: tuple[str, ...] = ()


def choose_winners(review: Review, known: Mapping[str, str], top: int | None = None) -> Winners:
    """``known`` are the manifest's jobs, name to fingerprint, in order."""
    opinions = weigh_opinions(review.picks)
    results = settle_duels(review.duels)
    strange = {
        ref for ref in _mentioned(opinions, results) if known.get(ref.name) != ref.fingerprint
    }
    current = {ref: said for ref, said in opinions.items() if ref not in strange}
    kept = [ref for ref, said in current.items() if said.verdict is Verdict.KEEP]
    if top is not None:
        met = [r for r in results if r.a not in strange and r.b not in strange]
        strengths = rank_all(met)
        # Who only gave stars or judged duels has kept nothing, and means the best.
        candidates = kept or [
            ref
            for ref in dict.fromkeys([*current, *strengths])
            if ref not in current or _is_liked(current[ref], strengths)
        ]
        kept = _best(candidates, current, strengths, list(known))[:top]
    chosen = {ref.name for ref in kept}
    return Winners(
        tuple(name for name in known if name in chosen),
        tuple(sorted({ref.name for ref in strange if ref.name not in known})),
        tuple(sorted({ref.name for ref in strange if ref.name in known})),
        tuple(sorted(ref.name for ref, said in current.items() if said.is_even)),
    )


def _mentioned(opinions: Mapping[JobRef, Opinion], results: Sequence[Result]) -> set[JobRef]:
    """All videos of which somebody thinks anything but ill."""
    met = {ref for result in results for ref in (result.a, result.b)}
    return met | {ref for ref, said in opinions.items() if said.verdict is not Verdict.REJECT}


def _is_liked(opinion: Opinion, strengths: Mapping[JobRef, float]) -> bool:
    return opinion.verdict is not Verdict.REJECT and bool(opinion.stars or opinion.job in strengths)


def _best(
    candidates: Sequence[JobRef],
    opinions: Mapping[JobRef, Opinion],
    strengths: Mapping[JobRef, float],
    order: Sequence[str],
) -> list[JobRef]:
    places = {name: number for number, name in enumerate(order)}
    return sorted(
        candidates,
        key=lambda ref: (
            -(opinions[ref].stars if ref in opinions else 0),
            -strengths.get(ref, 0.0),
            places[ref.name],
        ),
    )


def rank_all(results: Sequence[Result]) -> dict[JobRef, float]:
    """How strong each is that met another, among those that it is linked with."""
    strengths: dict[JobRef, float] = {}
    for linked in _circles(results):
        members = set(linked)
        own = [result for result in results if result.a in members]
        strengths |= (
            fit_strengths(linked, own) if len(linked) <= MOST_RANKED else _shares(linked, own)
        )
    return strengths


def _circles(results: Sequence[Result]) -> list[list[JobRef]]:
    """Who is linked by duels, each circle in the order of its first meeting."""
    circle_of: dict[JobRef, list[JobRef]] = {}
    for a, b, _ in results:
        one, other = circle_of.setdefault(a, [a]), circle_of.setdefault(b, [b])
        if one is not other:
            small, large = sorted((one, other), key=len)
            large += small
            circle_of.update(dict.fromkeys(small, large))
    return list({id(circle): circle for circle in circle_of.values()}.values())


def _shares(linked: Sequence[JobRef], results: Sequence[Result]) -> dict[JobRef, float]:
    wins, met = dict.fromkeys(linked, 1.0), dict.fromkeys(linked, 2.0)
    for a, b, score in results:
        for ref, own in ((a, score), (b, 1 - score)):
            wins[ref] += own
            met[ref] += 1
    return {ref: math.log(wins[ref] / (met[ref] - wins[ref])) for ref in linked}
