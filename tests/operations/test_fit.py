"""Whether the requests of a plan fit a backend: each finding says what and what to do,
however a file is called."""

from __future__ import annotations

from typing import Literal

import pytest
from builders import DIGESTS, PICTURE, job, manifest, media

from wanbatch.model.job import FileMedia
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.plan import Plan
from wanbatch.model.price import PriceList
from wanbatch.model.wire import MediaDelivery, Profile, Secret
from wanbatch.operations.fit import check_fit
from wanbatch.plan.planner import PlanOptions, Target, make_plan

Way = Literal["inline", "s3", "upload", "emulator"]
TARGET = Target("gateway", "paid", "https://api.test", PriceList({}, "USD"))


def plan_with(source: str) -> Plan:
    sound = media("driving_audio", FileMedia(source, PICTURE))
    jobs = manifest(job(media=(media(), sound)))
    nothing = Snapshot()
    return make_plan([jobs], DIGESTS, nothing, frozenset(), TARGET, PlanOptions(), 0.0)


def profile(kind: str = "gateway", way: Way = "inline") -> Profile:
    return Profile(
        name="here",
        kind=kind,
        base_url="https://api.test",
        origin="https://api.test",
        api_key=Secret("sk-test"),
        delivery=MediaDelivery(way),
    )


@pytest.mark.parametrize("source", ["a.mp3", "a; b.mp3", "; .mp3"])
def test_a_file_that_cannot_travel_is_named_whole_and_the_ways_out_are_help(source: str) -> None:
    [finding] = check_fit(plan_with(source), profile())
    assert finding.code == "WB601"
    assert finding.message == (
        f"{source} cannot reach backend 'here': only images travel inline, a driving_audio does not"
    )
    [way_out] = finding.help
    assert way_out.startswith("give this backend's profile a bucket")
    assert way_out.endswith("or put the file at a public https address")


def test_a_profile_without_an_upload_space_says_so_once_for_both_files() -> None:
    findings = check_fit(plan_with("a; b.mp3"), profile(way="upload"))
    assert {f.message for f in findings} == {"backend 'here' has no upload space"}
    assert {f.help[0][:45] for f in findings} == {"only DashScope does: give this backend's prof"}
