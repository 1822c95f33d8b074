"""Values from a builder are the values that their class makes."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field

import pytest

from wanbatch.words.building import builder_of


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2
    names: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.x + self.y


build = builder_of(Point)


@pytest.mark.parametrize(
    "made", [build(1, 2, {}), build(x=1, y=2, names={}), build(1), build(1, names={})]
)
def test_a_built_value_is_the_one_that_its_class_makes(made: Point) -> None:
    assert type(made) is Point
    assert made == Point(1)
    assert (repr(made), made.total) == (repr(Point(1)), 3)
    assert pickle.loads(pickle.dumps(made)) == copy.copy(made) == Point(1)


def test_a_built_value_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        build(1).x = 2  # type: ignore[misc]


def test_each_built_value_has_defaults_of_its_own() -> None:
    assert build(1).names is not build(1).names


def test_a_missing_or_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="'x'"):
        build()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'z'"):
        build(1, z=3)  # type: ignore[call-arg]


@dataclass(frozen=True)
class Loose:
    x: int


@dataclass(frozen=True, slots=True)
class Judged:
    x: int

    def __post_init__(self) -> None:
        assert self.x


@dataclass(frozen=True, slots=True)
class Below(Point):
    z: int = 0


@pytest.mark.parametrize("kind", [Loose, Judged, Below, int])
def test_what_cannot_be_built_is_refused(kind: type[object]) -> None:
    with pytest.raises(TypeError, match="no plain dataclass"):
        builder_of(kind)
