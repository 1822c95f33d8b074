"""What is said of videos, by what was asked for and what was measured."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from wanbatch.model.measures import Level, Measures
from wanbatch.model.plan import JobState
from wanbatch.model.report import Check, Output, ReportJob
from wanbatch.model.signature import PARTS, SIDE, make_signature
from wanbatch.report.checks import registry
from wanbatch.report.checks.groups import check_group
from wanbatch.report.checks.own_bytes import check_own_bytes
from wanbatch.report.checks.registry import check_video

MADE = Output("videos/a.mp4", "5e" * 32, 1000, 5.0, 1280, 720, 24.0, has_audio=True)
SEEN = Measures(Level.BASIC, 5.0, 1280, 720, 24.0, 120)


def all_of(request: Mapping[str, Any], **changes: Any) -> dict[str, Check]:
    found = check_video(request, dataclasses.replace(MADE, **changes), SEEN)
    return {check.name: check for check in found}


def test_nothing_is_said_of_no_video():
    assert check_video({"seconds": 5}, None) == ()


def test_length_and_tier_are_held_against_what_was_asked_for():
    whole = all_of({"seconds": 5})["length"]
    assert (whole.passed, whole.message, whole.value) == (True, "5 s asked for, 5.00 s made", 5)
    assert not all_of({"seconds": 5}, seconds=4.4)["length"].passed
    assert "length" not in all_of({})
    assert all_of({"size": "720P"}, width=816, height=1104)["size"].passed
    assert not all_of({"size": "1080P"})["size"].passed
    assert "size" not in all_of({"size": "4K"})


def test_sound_must_be_there_where_audio_drove_the_video():
    driven = {"media": [{"type": "driving_audio", "source": "a.wav"}]}
    assert all_of(driven)["sound"].passed
    assert not all_of(driven, has_audio=False)["sound"].passed
    assert all_of({}, has_audio=False)["sound"].value == "absent"


def test_without_a_look_only_what_the_request_asks_is_said():
    assert [c.name for c in check_video({"seconds": 5, "size": "720P"}, MADE)] == ["length", "size"]


def test_two_requests_with_one_video_are_named():
    found = check_own_bytes({"a": ("wb2:1", MADE), "b": ("wb2:2", MADE), "c": ("wb2:1", MADE)})
    assert set(found) == {"a", "b", "c"}
    assert found["a"].message == "the same bytes as b, which is another request"


# -- between the videos of a report ----------------------------------------------------


def made(name: str, sha256: str, *, seed: int = 1, take: int = 1, **request: Any) -> ReportJob:
    """A job with its video; takes of one request differ in their fingerprints alone."""
    return ReportJob(
        name=name,
        id="opening",
        axes=(),
        tags=(),
        fingerprint=f"wb2:{seed}.{take}.{sorted(request.items())}",
        state=JobState.DONE,
        backend="emulator",
        task_id=None,
        request={"prompt": "dawn", "seconds": 5, "seed": seed, **request},
        output=dataclasses.replace(MADE, sha256=sha256),
    )


def pictures(seed: int, louder: int = 0) -> Measures:
    """Measures whose signature is of four pictures of noise."""
    chance = random.Random(seed)
    grey = [chance.randbytes(SIDE * SIDE) for _ in PARTS]
    changed = [p if not louder else bytes(min(255, v + louder) for v in p) for p in grey]
    return dataclasses.replace(SEEN, signature=make_signature(changed))


def said(jobs: Sequence[ReportJob], seen: Mapping[str, Measures]) -> dict[str, list[str]]:
    found = check_group(jobs, seen)
    return {name: [check.name for check in checks] for name, checks in found.items()}


def test_seeds_with_the_same_bytes_are_named_once():
    jobs = [made("a", "11", seed=1), made("b", "11", seed=2), made("c", "22", seed=3)]
    assert said(jobs, {}) == {"a": ["same"], "b": ["same"]}
    (check,) = check_group(jobs, {})["b"]
    assert (check.passed, check.value) == (False, 1.0)
    assert check.message == "the same bytes as a, which has another seed"


def test_seeds_with_nearly_the_same_pictures_are_named():
    jobs = [made("a", "11", seed=1), made("b", "22", seed=2), made("c", "33", seed=3)]
    seen = {"11": pictures(1), "22": pictures(1, louder=1), "33": pictures(2)}
    assert said(jobs, seen) == {"a": ["same"], "b": ["same"]}
    assert "SSIM 1.00" in check_group(jobs, seen)["a"][0].message


def test_other_cells_are_not_compared():
    jobs = [made("a", "11", seed=1), made("b", "22", seed=2, size="1080P")]
    assert said(jobs, {"11": pictures(1), "22": pictures(1)}) == {}


def test_other_requests_with_the_same_bytes_are_another_matter():
    jobs = [made("a", "11"), made("b", "11", size="1080P")]
    assert said(jobs, {}) == {"a": ["own_bytes"], "b": ["own_bytes"]}


def test_takes_with_the_same_bytes_reproduce():
    jobs = [made(name, "11", take=i) for i, name in enumerate("abcd")]
    found = check_group(jobs, {})
    assert all(c.passed and c.value == 1 for checks in found.values() for c in checks)
    assert found["a"][0].message == "the same bytes as 3 other takes, of the same seed"
    assert found["c"][0].message == "the same bytes as a, of the same seed"


def test_takes_that_differ_say_by_how_much():
    jobs = [made(name, name * 2, take=i) for i, name in enumerate("abc")]
    seen = {name * 2: pictures(seed) for name, seed in zip("abc", (1, 2, 3), strict=True)}
    found = check_group(jobs, seen)
    assert {name: [c.name for c in checks] for name, checks in found.items()} == {
        name: ["reproduces"] for name in "abc"
    }
    first = found["a"][0]
    assert not first.passed
    assert isinstance(first.value, float)
    assert -0.2 < first.value < 0.5
    assert first.message.startswith("the same seed as 2 other takes, and other bytes: SSIM ")


def test_takes_encoded_twice_reproduce_but_are_not_called_identical():
    jobs = [made("a", "11", take=1), made("b", "22", take=2)]
    (check,) = check_group(jobs, {"11": pictures(1), "22": pictures(1)})["b"]
    assert (check.passed, check.value) == (True, 0.9999)


def test_takes_that_nobody_looked_at_are_only_told_apart():
    jobs = [made("a", "11", take=1), made("b", "22", take=2)]
    (check,) = check_group(jobs, {})["b"]
    assert (check.passed, check.value) == (False, None)


def test_jobs_of_one_identity_share_their_video():
    jobs = [made("a", "11"), made("again", "11")]
    assert said(jobs, {"11": pictures(1)}) == {}


def test_of_hundreds_of_seeds_few_are_compared(monkeypatch):
    compared = []

    def counted(one: str, other: str) -> float:
        compared.append(one)
        return 0.0

    monkeypatch.setattr("wanbatch.report.checks.same.likeness", counted)
    jobs = [made(f"s{i}", f"{i:04}", seed=i) for i in range(300)]
    check_group(jobs, {f"{i:04}": pictures(i) for i in range(300)})
    assert len(compared) < 300  # of 44,850 pairs


# -- of other packages -----------------------------------------------------------------


class Points:
    """What ``importlib.metadata`` finds."""

    def __init__(self, **loaded: Any) -> None:
        self.found = [Point(name, value) for name, value in loaded.items()]

    def __call__(self, group: str) -> list[Point]:
        return self.found if group == "wanbatch.checks" else []


@dataclasses.dataclass
class Point:
    name: str
    loaded: Any
    value: str = "stranger:check"

    def load(self) -> Any:
        if isinstance(self.loaded, Exception):
            raise self.loaded
        return self.loaded


@pytest.fixture
def install(monkeypatch):
    def make(**loaded: Any) -> None:
        registry._foreign_checks.cache_clear()
        monkeypatch.setattr("importlib.metadata.entry_points", Points(**loaded))

    yield make
    monkeypatch.undo()
    registry._foreign_checks.cache_clear()


def failing(request: object, output: object, measures: object) -> Check:
    raise ZeroDivisionError("a stranger's mistake")


def test_a_check_of_another_package_is_told_under_its_name(install):
    install(loud=lambda request, output, measures: Check("x", output.width > 9, "wide", 7))
    found = all_of({})["loud"]
    assert (found.passed, found.message, found.value) == (True, "wide", 7)


def test_a_class_is_made_once_and_what_does_not_apply_says_nothing(install):
    class Nothing:
        def __call__(self, request: object, output: object, measures: object) -> None:
            return None

    install(nothing=Nothing)
    assert "nothing" not in all_of({})


@pytest.mark.parametrize(
    ("loaded", "words"),
    [
        (failing, "this check failed by itself: ZeroDivisionError: a stranger's mistake"),
        (ImportError("no module"), "stranger:check cannot be loaded: ImportError: no module"),
        (lambda *_: "fine", "this check gave something else than a Check"),
        (7, "this check failed by itself: TypeError"),
    ],
)
def test_one_that_fails_is_named(install, loaded, words):
    install(broken=loaded)
    found = all_of({})["broken"]
    assert not found.passed
    assert words in found.message
    assert "\n" not in found.message
