"""Whom a review chooses among the jobs of today."""

from __future__ import annotations

import random

from report.test_review import PRINT, duel, pick, read

from wanbatch.model.review import JobRef
from wanbatch.report.ranking import Result
from wanbatch.report.winners import MOST_RANKED, choose_winners, rank_all

KNOWN = dict.fromkeys("abcde", PRINT)


def both(left, right, **changes):
    """A win of ``left`` that survives the swap."""
    return [
        duel(left, right, **changes),
        duel(right, left, outcome="right", swapped=True, **changes),
    ]


def test_kept_ones_are_chosen_in_the_manifests_order():
    review = read([pick("c"), pick("a"), pick("b", verdict="reject"), pick("d", verdict="")])
    assert choose_winners(review, KNOWN).chosen == ("a", "c")


def test_what_changed_or_is_gone_is_named_and_left_out():
    other = "wb2:" + "1" * 64
    picks = [pick("a"), pick("b", fingerprint=other), pick("z"), pick("y", verdict="reject")]
    winners = choose_winners(read(picks), KNOWN)
    assert winners.chosen == ("a",)
    assert winners.changed == ("b",)
    assert winners.gone == ("z",), "nobody wants to hear of a rejected one"


def test_an_even_vote_chooses_nothing_and_is_named():
    picks = [pick("a"), pick("a", by="Bob", verdict="reject"), pick("b")]
    winners = choose_winners(read(picks), KNOWN)
    assert (winners.chosen, winners.even) == (("b",), ("a",))


def test_the_best_are_those_with_most_stars_then_who_won_then_who_came_first():
    picks = [pick("a", stars=3), pick("b", stars=5), pick("c", stars=3), pick("d"), pick("e")]
    review = read(picks, both("c", "a"))
    assert choose_winners(review, KNOWN, 1).chosen == ("b",)
    assert choose_winners(review, KNOWN, 2).chosen == ("b", "c")
    assert choose_winners(review, KNOWN, 4).chosen == ("a", "b", "c", "d")
    assert choose_winners(review, KNOWN, 99).chosen == tuple("abcde")


def test_only_kept_ones_are_among_the_best_unless_nothing_is_kept():
    stars = [pick("a", stars=5, verdict=""), pick("b", verdict="reject", stars=5)]
    assert choose_winners(read([*stars, pick("c")]), KNOWN, 2).chosen == ("c",)
    assert choose_winners(read(stars, both("d", "e")), KNOWN, 2).chosen == ("a", "d")
    assert choose_winners(read(stars), KNOWN).chosen == ()


def test_those_who_never_met_are_ranked_apart():
    review = read([], [*both("a", "b"), *both("c", "d")])
    assert choose_winners(review, KNOWN, 2).chosen == ("a", "c")


def test_a_review_of_thousands_that_all_met_is_ranked_at_once():
    refs = [JobRef(f"j{n}", PRINT) for n in range(20 * MOST_RANKED)]
    dice = random.Random(5)
    results = []
    for _ in range(60_000):
        a, b = dice.sample(range(len(refs)), 2)
        results.append(Result(refs[a], refs[b], float(a < b)))
    strengths = rank_all(results)
    assert len(strengths) == len(refs)
    assert strengths[refs[5]] > strengths[refs[1000]] > strengths[refs[-5]]
