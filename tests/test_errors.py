"""Every refusal says what is wrong and what to do, and is seen by a test.

How it works: the source is read, not run. A ``WanbatchError`` (or a class of it) needs
a hint beside its message. Of the commands' and operations' messages each fixed piece
must stand in some test's text: a new way to fail without a test is found here.

What it may not do: judge the words. ``tests/cli/test_error_texts.py`` holds them as
users see them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
SOURCES = sorted((ROOT / "wanbatch").rglob("*.py"))
HELD_ROOMS = ("cli", "operations")
SHORTEST = 8
"""Pieces of a message that are shorter tell nothing."""

WITHOUT_HINT = {
    ("operations/elsewhere.py", "*older_ledger(options, around)"): "the hints are in the tuple",
    ("operations/approved.py", "*self._refusal(found)"): "the hint is in the tuple",
}
"""What has no hint of its own, and why."""

UNSEEN = {
    ("operations/check.py", "first.describe()"): "a doubt's text: tests/plan/test_selection",
    ("operations/resolve.py", "what"): "given by its two callers, which are held by name",
    ("operations/elsewhere.py", "*older_ledger(options, around)"): "one text for all commands",
}
"""Messages that are no literals, and what holds them."""


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def error_classes() -> frozenset[str]:
    """``WanbatchError`` and all that are made of it."""
    made: dict[str, set[str]] = {}
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                bases = {getattr(b, "id", getattr(b, "attr", "")) for b in node.bases}
                made.setdefault(node.name, set()).update(bases)
    found, before = {"WanbatchError"}, 0
    while before != len(found):
        before = len(found)
        found |= {name for name, bases in made.items() if bases & found}
    return frozenset(found)


def raised(path: Path) -> Iterator[ast.Call]:
    """Every call that makes an error with an exit code; other classes share a name."""
    for node in ast.walk(tree_of(path)):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) in error_classes()
            and node.args
            and "ExitCode" in ast.unparse(node.args[0])
        ) or (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == "super().__init__"
            and node.args
            and ast.unparse(node.args[0]).startswith("ExitCode.")
        ):
            yield node


def place_of(path: Path, call: ast.Call) -> tuple[str, str]:
    """Where an error is made, and the source of its message."""
    message = ast.unparse(call.args[1]) if len(call.args) > 1 else ""
    return path.relative_to(ROOT / "wanbatch").as_posix(), message


@cache
def calls() -> list[tuple[Path, ast.Call]]:
    return [(path, call) for path in SOURCES for call in raised(path)]


def test_the_errors_are_found() -> None:
    assert len(calls()) > 100
    assert {"WanbatchError", "LedgerFailed", "InvalidInput"} <= error_classes()


@pytest.mark.parametrize("room", sorted({path.parent for path, _ in calls()}))
def test_every_error_says_what_to_do(room: Path) -> None:
    mute = [
        f"{path}:{call.lineno}: {place_of(path, call)[1]}"
        for path, call in calls()
        if path.parent == room and len(call.args) < 3 and place_of(path, call) not in WITHOUT_HINT
    ]
    assert mute == [], "say in a hint what to do about it"


def test_the_exceptions_are_needed() -> None:
    mute = {place_of(path, call) for path, call in calls() if len(call.args) < 3}
    assert not set(WITHOUT_HINT) - mute
    assert not set(UNSEEN) - {place_of(path, call) for path, call in calls()}


# -- every message has a test ----------------------------------------------------------


def pieces_of(node: ast.expr) -> list[str]:
    """The fixed pieces of a message, between its placeholders."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return [str(v.value) for v in node.values if isinstance(v, ast.Constant)]
    return [
        piece
        for child in ast.walk(node)
        if isinstance(child, (ast.Constant, ast.JoinedStr)) and child is not node
        for piece in (pieces_of(child) if isinstance(getattr(child, "value", ""), str) else ())
    ]


@cache
def expected_texts() -> str:
    """All text that tests expect: their strings, and the files of cases."""
    texts = []
    for path in sorted(TESTS.rglob("*.py")):
        if path != Path(__file__):
            texts += [
                node.value
                for node in ast.walk(tree_of(path))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
    texts += [p.read_text("utf-8", "replace") for p in sorted((TESTS / "cases").rglob("*.txt"))]
    return "\n".join(texts)


def unseen(room: str) -> list[str]:
    found = []
    for path, call in calls():
        place = place_of(path, call)
        if place[0].startswith(f"{room}/") and place not in UNSEEN and len(call.args) > 1:
            pieces = [p.strip() for p in pieces_of(call.args[1])]
            lost = [p for p in pieces if len(p) >= SHORTEST and p not in expected_texts()]
            found += [f"{path}:{call.lineno}: {piece!r}" for piece in lost]
    return found


@pytest.mark.parametrize("room", HELD_ROOMS)
def test_every_message_stands_in_some_test(room: str) -> None:
    assert unseen(room) == [], "provoke it in tests/cli/test_error_texts.py"
