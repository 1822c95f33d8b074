"""GitHub's rules for matrices."""

from __future__ import annotations

import pytest
from spending import spending

from wanbatch.manifest.sweep.matrix import Combination, MatrixTooLarge, expand_matrix


def test_githubs_documented_example() -> None:
    """docs.github.com, Running variations of jobs in a workflow, Expanding or adding
    matrix configurations."""
    include: list[Combination] = [
        {"color": "green"},
        {"color": "pink", "animal": "cat"},
        {"fruit": "apple", "shape": "circle"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]
    assert expand_matrix(
        {"fruit": ["apple", "pear"], "animal": ["cat", "dog"]}, (), include
    ).combinations == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


def test_the_first_axis_is_outermost() -> None:
    found = expand_matrix({"a": [1, 2], "b": ["x", "y"]}).combinations
    assert [(c["a"], c["b"]) for c in found] == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]


def test_an_exclude_removes_every_combination_with_all_its_pairs() -> None:
    found = expand_matrix({"a": [1, 2], "b": [1, 2]}, [{"a": 1}, {"a": 2, "b": 2}])
    assert found.combinations == [{"a": 2, "b": 1}]
    assert found.idle == ()


def test_an_exclude_that_removes_nothing_is_told() -> None:
    assert expand_matrix({"a": [1, 2]}, [{"a": 2}, {"a": 3}, {"b": 1}]).idle == (1, 2)


def test_includes_come_after_excludes() -> None:
    """What exclude removed, include may bring back, as a combination of its own."""
    assert expand_matrix({"a": [1, 2]}, [{"a": 2}], [{"a": 2, "x": 1}]).combinations == [
        {"a": 1},
        {"a": 2, "x": 1},
    ]


def test_later_includes_overwrite_added_values_but_never_original_ones() -> None:
    found = expand_matrix({"a": [1]}, (), [{"x": 1}, {"x": 2}, {"a": 2, "x": 3}]).combinations
    assert found == [{"a": 1, "x": 2}, {"a": 2, "x": 3}]


def test_includes_do_not_extend_combinations_that_includes_made() -> None:
    assert expand_matrix({"a": [1]}, (), [{"a": 2}, {"a": 2, "x": 1}]).combinations == [
        {"a": 1},
        {"a": 2},
        {"a": 2, "x": 1},
    ]


def test_without_axes_each_include_is_a_combination() -> None:
    assert expand_matrix({}, (), [{"x": 1}, {"x": 2, "y": 3}]).combinations == [
        {"x": 1},
        {"x": 2, "y": 3},
    ]


def test_values_are_compared_as_they_are_written() -> None:
    assert expand_matrix({"a": [35, 50]}, [{"a": "35"}]).combinations == [{"a": 50}]
    assert expand_matrix(
        {"a": [True, None]}, [{"a": "true"}], [{"a": None, "x": 1}]
    ).combinations == [{"a": None, "x": 1}]


def test_the_original_combinations_are_left_alone() -> None:
    axes = {"a": [1, 2]}
    expand_matrix(axes, (), [{"x": 1}])
    assert axes == {"a": [1, 2]}


def test_size_is_checked_before_anything_is_built() -> None:
    with pytest.raises(MatrixTooLarge) as problem:
        expand_matrix({f"a{n}": list(range(1000)) for n in range(10)}, most=10**6)
    assert problem.value.combinations == 10**30


def test_many_includes_and_excludes_stay_quick() -> None:
    axes = {"a": list(range(100)), "b": list(range(100))}
    items: list[Combination] = [{"a": n % 100, "b": n // 100, "x": n} for n in range(5_000)]
    less: list[Combination] = [{"a": n % 100, "b": n // 100} for n in range(5_000, 10_000)]
    with spending() as spent:
        found = expand_matrix(axes, less, items)
    assert len(found.combinations) == 5_000
    assert spent.cpu_s < 2
    with pytest.raises(MatrixTooLarge):
        expand_matrix(axes, (), [{"x": n} for n in range(10_000)])
