"""The direction of imports, and where clocks, randomness, HTTP and SQL may be.

What it may not do: import the rooms it looks at; all is read from the source.
``MATRIX`` is what ARCHITECTURE shows, and equals the real graph: a permission that
nobody uses fails as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "wanbatch"
MATRIX: dict[str, set[str]] = {
    "words": set(),
    "model": {"words"},
    "manifest": {"words", "model"},
    "config": {"words", "model"},
    "media": {"words", "model"},
    "videos": {"words", "model", "media"},
    "ledger": {"words", "model"},
    "plan": {"words", "model"},
    "providers": {"words", "model", "media"},
    "stores": {"words", "model"},
    "engine": {"words", "model", "videos"},
    "compute": {"words", "model"},
    "report": {"words", "model", "videos"},
    "emulator": {"words", "model", "media"},
    "operations": {
        "words",
        "model",
        "manifest",
        "config",
        "media",
        "videos",
        "ledger",
        "plan",
        "providers",
        "engine",
        "compute",
        "report",
        "stores",
        "emulator",
    },
    "testing": {"model", "ledger", "engine"},
    "api": {"words", "model", "operations"},
    "cli": {"words", "model", "emulator", "operations", "api"},
}
"""Which rooms each room imports. ``api`` is a file: the library."""

BREADTH = 14
BROAD = {"checks", "cli", "media", "operations", "words"}
"""A folder shows at most so many files; these are flat lists without an order that
doors would show: checks, commands, their operations, formats, words."""

ONLY_IN = {
    "httpx": {"providers/http/", "testing/"},
    "sqlite3": {"ledger/"},
    "starlette": {"emulator/"},
    "uvicorn": {"emulator/"},
    "obstore": {"providers/delivery/", "stores/"},
    "arro3": {"report/formats/"},
    "distributed": {"compute/"},
    "msgpack": {"compute/"},
    "rich": {"cli/"},
    "click": {"cli/"},
    "random": {"emulator/", "operations/wiring.py"},
    "secrets": {"emulator/", "operations/wiring.py"},
    "time": {"cli/", "emulator/", "operations/", "providers/client.py", "ledger/lock.py"},
}
"""Where a library may be imported; each place is used (a test)."""

CLOCK_CALLS = {
    ("datetime", "now"),
    ("datetime", "today"),
    ("datetime", "utcnow"),
    ("date", "today"),
}


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of everything a file imports, wherever in the file; what is
    only for type checkers counts too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def stage_of(dotted: str) -> str | None:
    parts = dotted.split(".")
    return parts[1] if parts[0] == "wanbatch" and len(parts) > 1 else None


def rooms() -> dict[str, set[str]]:
    """The real graph: which rooms the files of each room import."""
    names = [folder.name for folder in folders() if folder.parent == ROOT]
    graph: dict[str, set[str]] = {name: set() for name in (*names, "api")}
    for path in modules():
        here = room_of(path)
        for name, _ in imports(path):
            there = stage_of(name)
            if here in graph and there in graph and there != here:
                graph[here].add(there)
    return graph


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def folders() -> list[Path]:
    return sorted({path.parent for path in modules()} - {ROOT})


def test_the_matrix_is_the_real_graph() -> None:
    assert rooms() == MATRIX


QUIET = ("api", "operations")
"""Rooms that a program calls: its terminal and its command line are its own."""
LOUD = {"click", "rich", "logging", "warnings", "getpass", "readline", "argparse"}


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if room_of(path) in QUIET],
    ids=lambda p: p.relative_to(ROOT).as_posix(),
)
def test_what_a_program_calls_prints_nothing_and_reads_no_command_line(path: Path) -> None:
    """Not by a stream, not by a question, not by ``sys.argv``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wrong = [
        f"line {n.lineno}: {ast.unparse(n)}"
        for n in ast.walk(tree)
        if (isinstance(n, ast.Name) and n.id in {"print", "input"})
        or (
            isinstance(n, ast.Attribute)
            and n.attr in {"argv", "orig_argv", "stdin", "stdout", "stderr", "__stdout__"}
            and ast.unparse(n.value) == "sys"
        )
    ]
    loud = sorted({name.split(".")[0] for name, _ in imports(path)} & LOUD)
    assert not wrong + loud


def test_no_room_is_above_itself() -> None:
    assert set(TopologicalSorter(MATRIX).static_order()) == set(MATRIX)  # raises on a circle


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_clocks_randomness_http_and_sql_stay_where_they_belong(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    wrong = [
        f"line {line}: {dotted}"
        for dotted, line in imports(path)
        if (homes := ONLY_IN.get(dotted.split(".")[0]))
        and not any(name.startswith(home) for home in homes)
    ]
    assert not wrong, f"{name} imports what belongs elsewhere: {wrong}"


BYTES = {
    "hash_file",
    "hash_open_file",
    "probe_video",
    "cut_still",
    "make_poster",
    "read_media",
    "ThreadPoolExecutor",
}
"""What reads, hashes or decodes the bytes of videos and inputs, or would do so beside
the work pool."""
AT_WORK = {"words/", "media/", "videos/", "compute/", "emulator/", "providers/delivery/"}
"""What an errand is made of, and the emulator, which is another machine."""
NEAR_BY = {
    "operations/clean.py",
    "operations/locks.py",
    "operations/merge.py",
    "providers/client.py",
}
"""Commands that hash files one by one with the lock held, where the next step hangs on
it; and the client, which hands its two to the pool."""


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_bytes_of_videos_are_read_through_the_pool(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    found = {dotted.rpartition(".")[2] for dotted, _ in imports(path)} & BYTES
    is_home = any(name.startswith(home) for home in AT_WORK) or name in NEAR_BY
    assert is_home or not found, f"{name} reads bytes itself: {found}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nobody_reads_the_wall_clock_through_datetime(path: Path) -> None:
    calls = [
        n
        for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
    ]
    wrong = [
        f"line {c.lineno}"
        for c in calls
        if isinstance(c.func, ast.Attribute)
        and (ast.unparse(c.func.value).split(".")[-1], c.func.attr) in CLOCK_CALLS
    ]
    assert not wrong, f"{path.name} reads the real clock: {wrong}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_file_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), (
        f"{path.name} has no docstring"
    )
