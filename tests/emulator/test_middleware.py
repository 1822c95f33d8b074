"""The gate's pure parts: which call is which, and the windows of the limits."""

from __future__ import annotations

import pytest

from wanbatch.emulator.faults.middleware import Window, route_of


@pytest.mark.parametrize(
    ("method", "path", "word"),
    [
        ("POST", "/v1/videos", "submit"),
        ("POST", "/api/v1/services/aigc/video-generation/video-synthesis", "submit"),
        ("GET", "/v1/videos/a", "status"),
        ("GET", "/api/v1/tasks/a", "status"),
        ("GET", "/v1/videos/a/content", "content"),
        ("GET", "/results/a.mp4", "content"),
        ("GET", "/api/v1/tasks/", "list"),
        ("GET", "/api/v1/tasks", "list"),
        ("POST", "/api/v1/tasks/a/cancel", "cancel"),
        ("PUT", "/media/a", "media"),
        ("GET", "/media/a", "other"),
        ("GET", "/api/v1/uploads", "upload"),
        ("POST", "/oss", "upload"),
        ("GET", "/__books", "other"),
    ],
)
def test_calls_have_words(method: str, path: str, word: str) -> None:
    assert route_of(method, path) == word


def test_a_window_admits_so_many_a_second_and_refusals_do_not_count() -> None:
    window = Window(2.0)
    assert [window.admit(t) for t in (0.0, 0.1, 0.2, 0.9, 1.0, 1.05, 1.1, 1.2)] == [
        True,
        True,
        False,
        False,
        True,
        False,
        True,
        False,
    ]


def test_a_slow_limit_is_a_longer_window() -> None:
    window = Window(0.5)
    assert [window.admit(t) for t in (0.0, 1.0, 2.0, 3.9, 4.0)] == [True, False, True, False, True]


def test_without_a_limit_all_are_admitted() -> None:
    assert all(Window(None).admit(0.0) for _ in range(1000))
