"""Sentences about all videos of a manifest: what falls short, what was delivered, what
takes of a seed tell, and where prompts were rewritten."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from report import samples

from wanbatch.model.plan import JobState as J
from wanbatch.model.report import Check, Cost, Remark, ReportJob
from wanbatch.report.collect import collect
from wanbatch.report.remarks import remark_on

SHORT = Check("length", passed=False, message="5 s asked for, 3.00 s made", value=3.0)


def job(number: int = 0, **changes: Any) -> ReportJob:
    found = collect(*samples.make_case(*[J.DONE] * (number + 1))).jobs[number]
    plain = replace(found, checks=(), cost=Cost(Decimal("0.50"), Decimal(0), "USD"))
    return replace(plain, request={**plain.request, "prompt_extend": False}, **changes)


def said(*jobs: ReportJob, **given: Any) -> dict[str, str]:
    return {remark.kind: remark.text for remark in remark_on(jobs, **given)}


def test_videos_as_they_should_be_need_no_remark() -> None:
    assert remark_on([job(), job(1)]) == ()
    assert collect(*samples.make_case(J.FAILED, J.PLANNED)).remarks == ()


def test_what_was_delivered_otherwise_is_named_with_what_was_paid() -> None:
    one, two = job(0, checks=(SHORT,)), job(1, checks=(SHORT,))
    (remark,) = remark_on([one, two, job(2)])
    assert remark == Remark(
        "delivered",
        f"2 videos are not what was asked for ($1.00 paid): {one.name} (length: 5 s asked for,"
        f" 3.00 s made), {two.name} (length: 5 s asked for, 3.00 s made).",
        (one.name, two.name),
    )


@pytest.mark.parametrize("name", ["length", "size", "sound"])
def test_each_of_the_three_counts_and_no_other_check_does(name: str) -> None:
    bad = replace(SHORT, name=name)
    assert set(said(job(checks=(bad,)))) == {"delivered"}
    assert said(job(checks=(replace(SHORT, name="frozen"),))) == {}


def test_a_price_that_is_zero_or_unknown_is_said_to_be_so() -> None:
    free = said(job(checks=(SHORT,), cost=Cost(Decimal(0), Decimal(0), "USD")))
    assert "(nothing paid)" in free["delivered"]
    unknown = said(job(checks=(SHORT,), cost=Cost(None, None, "")))
    assert "(at a price that is not known)" in unknown["delivered"]


def test_what_is_expected_is_told_first_and_not_twice() -> None:
    unmet = job(checks=(SHORT,), unmet=("length",))
    (remark,) = remark_on([unmet])
    assert remark.text.startswith("1 video falls short of what the manifest expects: ")


def test_only_a_few_are_named() -> None:
    many = [job(number, checks=(SHORT,)) for number in range(5)]
    (remark,) = remark_on(many)
    assert remark.text.endswith(", and 2 more.")
    assert len(remark.jobs) == 5


def test_what_was_not_looked_at_is_said() -> None:
    assert "of 2 videos was not looked at" in said(job(), unjudged=2)["unjudged"]


def takes(*digests: str, seed: int = 1, **changes: Any) -> list[ReportJob]:
    found = []
    for number, digest in enumerate(digests, 1):
        one = job(axes=(("seed", seed), ("take", number)), name=f"s{seed}.{number}", **changes)
        assert one.output is not None
        found.append(replace(one, output=replace(one.output, sha256=digest)))
    return found


def test_equal_takes_of_every_seed() -> None:
    jobs = [*takes("a", "a"), *takes("b", "b", seed=2)]
    assert said(*jobs)["reproduces"] == "2 of 2 seeds gave the same bytes in every take."


def test_takes_that_differ_say_how_far() -> None:
    apart = [Check("reproduces", passed=True, message="", value=v) for v in (0.93, 0.71)]
    jobs = [replace(one, checks=(c,)) for one, c in zip(takes("a", "b"), apart, strict=True)]
    assert said(*jobs)["reproduces"] == "Takes of one seed differ: SSIM 0.71 to 0.93."
    mixed = said(*jobs, *takes("c", "c", seed=2))["reproduces"]
    assert mixed.startswith("1 of 2 seeds gave the same bytes; takes of one seed differ")
    assert said(*takes("a", "b"))["reproduces"] == "Takes of one seed differ."


def test_one_take_tells_nothing() -> None:
    assert said(*takes("a"), *takes("b", seed=2)) == {}


def test_a_sweep_whose_prompts_were_rewritten_is_named() -> None:
    jobs = [job(number, axes=(("seed", number),)) for number in range(2)]
    assert said(*jobs) == {}
    rewritten = [replace(j, request={**j.request, "prompt_extend": True}) for j in jobs]
    assert "rewrote the prompts of opening (prompt_extend: true)" in said(*rewritten)["rewritten"]
    assert said(rewritten[0]) == {}, "one cell is no sweep"
