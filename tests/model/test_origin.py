"""Whether two spellings of an address are one API."""

from __future__ import annotations

import pytest

from wanbatch.model.origin import same_origin, tell_home


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://localhost:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://[::1]:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.2:8080"),
        ("http://[0:0:0:0:0:0:0:1]:8080", "http://LOCALHOST:8080/"),
        ("http://[::ffff:127.0.0.1]:8080", "http://localhost:8080"),
        ("http://localhost", "http://127.0.0.1:80"),
        ("https://API.example.com", "https://api.example.com"),
        ("HTTPS://api.example.com", "https://api.example.com"),
        ("https://api.example.com:443", "https://api.example.com"),
        ("https://api.example.com.", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("https://api.example.com/v1", "https://api.example.com"),
        ("https://api.example.com/v1/", "https://api.example.com:443"),
        ("https://api.example.com/base/v1", "https://api.example.com/base/"),
        ("https://api.example.com:443#team", "https://api.example.com#team"),
        ("https://[2001:DB8::1]", "https://[2001:db8:0::1]:443"),
        ("emulator", "emulator"),
        ("", ""),
    ],
)
def test_one_place_in_two_spellings(one, other):
    assert same_origin(one, other)
    assert same_origin(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://localhost:8080", "http://localhost:8081"),
        ("http://localhost:8080", "https://localhost:8080"),
        ("http://localhost:443", "https://localhost"),
        ("https://api.example.com", "https://api.example.org"),
        ("https://api.example.com", "https://example.com"),
        ("https://api.example.com/a", "https://api.example.com/b"),
        ("https://api.example.com/A", "https://api.example.com/a"),
        ("https://api.example.com#one", "https://api.example.com#two"),
        ("https://api.example.com#one", "https://api.example.com"),
        ("https://localhost.example.com", "https://localhost"),
        ("https://api.example.com", ""),
        ("emulator", "http://localhost:8080"),
        ("emulator", ""),
        ("https://[broken", "https://broken"),
    ],
)
def test_two_places(one, other):
    assert not same_origin(one, other)
    assert not same_origin(other, one)


@pytest.mark.parametrize(
    ("place", "here", "words"),
    [
        (("other", "https://a"), ("mine", "https://b"), "run with --backend other"),
        (("mine", "https://a"), ("mine", "https://b"), "is running at https://a, and backend mine"),
        (("mine", "https://a#x"), ("mine", "https://a#y"), "under account x of https://a"),
        (("mine", "https://a"), ("mine", "https://a#y"), "under account (none) of https://a"),
    ],
)
def test_a_run_says_what_leads_to_a_task_elsewhere(
    place: tuple[str, str], here: tuple[str, str], words: str
) -> None:
    told = tell_home(*place, *here, what="A task")
    assert str(told).startswith("A task is running ")
    assert words in str(told)
