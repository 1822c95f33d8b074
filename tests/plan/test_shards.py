"""``--shard``: parts that are disjoint and complete, and that no edit of a prompt
moves."""

from __future__ import annotations

from dataclasses import replace

from builders import DIGESTS, follow, job, manifest

from wanbatch.plan.identity import identify
from wanbatch.plan.shards import in_shard, parse_shard


def parts(manifests, count=3):
    identified = identify(manifests, DIGESTS)
    found = [in_shard(identified, parse_shard(f"{i + 1}/{count}")) for i in range(count)]
    assert sum(map(len, found)) == len(frozenset().union(*found)) == len(identified)
    return found


def chains(prompt="a harbour"):
    return [
        one
        for n in range(40)
        for one in (
            job(f"up{n:02}", seed=n, prompt=prompt),
            job(f"down{n:02}", media=follow(f"up{n:02}"), seed=n, prompt=prompt),
        )
    ]


def test_parts_stay_where_they_are_when_prompts_or_the_order_change():
    before = parts([manifest(*chains())])
    assert all(before)
    assert parts([manifest(*chains("another harbour"))]) == before
    assert parts([manifest(*reversed(chains()))]) == before
    edited = [replace(one, prompt="edited") if one.name == "up07" else one for one in chains()]
    assert parts([manifest(*edited)]) == before


def test_chains_and_equal_requests_stay_together():
    for part in parts([manifest(*chains())]):
        assert {name.removeprefix("up") for _, name in part if name.startswith("up")} == {
            name.removeprefix("down") for _, name in part if name.startswith("down")
        }
    twins = [job(f"{side}{n}", seed=n) for n in range(20) for side in ("a", "b")]
    for part in parts([manifest(*twins)]):
        assert all(("m", f"a{n}") in part for _, name in part for n in [name[1:]])


def test_two_manifests_with_the_same_names_are_spread():
    others = [
        replace(
            manifest(*(replace(one, manifest=f"m{n}") for one in [job("one", seed=n)])),
            name=f"m{n}",
        )
        for n in range(20)
    ]
    assert all(parts(others))
