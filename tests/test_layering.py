"""The direction of imports, and where clocks, randomness, HTTP and SQL may be: read from the source, so that a short cut fails at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "wanbatch"
WORDS = {"errors", "diagnostics", "canonical", "lifecycle"}
STAGES = ["manifest", "media", "plan", "engine", "ledger", "providers", "emulator", "report", "cli"]
FORBIDDEN_FOR = {
    "emulator": {"plan", "engine", "ledger", "providers"},
    "report": {"providers", "emulator"},
}
ONLY_IN = {
    "httpx": {"providers/http.py", "providers/http_download.py", "providers/lanes.py"},
    "sqlite3": {"ledger/"},
    "starlette": {"emulator/"},
    "uvicorn": {"emulator/"},
    "obstore": {"providers/"},
    "rich": {"cli/"},
    "click": {"cli/"},
    "random": {"cli/", "emulator/", "providers/", "engine/runner.py"},
    "secrets": {"cli/", "emulator/"},
    "time": {
        "cli/",
        "emulator/",
        "providers/backend.py",
        "providers/bucket.py",
        "providers/upload_space.py",
        "ledger/lock.py",
    },
}
CLOCK_CALLS = {
    ("datetime", "now"),
    ("datetime", "today"),
    ("datetime", "utcnow"),
    ("date", "today"),
}


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of everything a file imports, wherever in the file; what is only for type checkers counts too."""
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


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_stage_imports_only_from_stages_above_it(path: Path) -> None:
    here = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if here in {"__main__", "__init__"}:
        return
    allowed = set(WORDS)
    if here in STAGES:
        allowed |= set(STAGES[: STAGES.index(here) + 1]) - FORBIDDEN_FOR.get(here, set())
    wrong = [
        f"line {line}: {name}"
        for name, line in imports(path)
        if (stage := stage_of(name)) in {*STAGES, *WORDS} and stage not in allowed
    ]
    assert not wrong, f"{here} may not import from below: {wrong}"


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
