"""The words of the house: every term of the glossary has its class, every path that is
named exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
GLOSSARY = re.findall(
    r"^\| ([^|]+) \| [^|]+ \| `([\w.]+)` \|$", ARCHITECTURE.partition("## Glossary")[2], re.M
)


def test_the_glossary_is_there() -> None:
    assert len(GLOSSARY) > 30
    words = [word.strip() for entry, _ in GLOSSARY for word in entry.split(",")]
    assert len(set(words)) == len(words), "a word has two meanings"


@pytest.mark.parametrize(("word", "name"), GLOSSARY)
def test_every_word_has_its_class(word: str, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(f"wanbatch.{module}"), attribute), f"{word} is nothing"


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_path_that_is_named_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"`((?:wanbatch|tests|docs|schemas|examples|benchmarks)/[\w./-]*)`", text)
    named += [f"wanbatch/{path}" for path in re.findall(r"`(\w+/\w+\.py)`", text)]
    missing = [p for p in named if "NAME" not in p and not (ROOT / p).exists()]
    assert not [p for p in missing if not (ROOT / p.removeprefix("wanbatch/")).exists()]


def test_the_matrix_that_is_shown_is_the_one_that_is_held() -> None:
    from test_layering import MATRIX

    block = ARCHITECTURE.partition("## Who may import whom")[2].split("```")[1]
    shown = {
        room: set() if allowed.strip() == "-" else set(re.split(r"[ ,]+", allowed.strip()))
        for room, allowed in re.findall(r"(\w+) {2,}((?:[\w,-]+ )*[\w,-]+)", block)
    }
    everything = set(MATRIX) - {"operations", "api", "cli", "testing"}
    shown["operations"] = everything
    assert shown == MATRIX


# -- names in docstrings ---------------------------------------------------------------

FOREIGN = {
    *("Date", "Host", "Range", "CONNECT", "Exif", "WAVE", "ds64", "soun", "wanb"),
    *("taskStatus", "successFlag", "TASK_STATUS_SUCCEED", "xamzsignature", "SSLKEYLOGFILE"),
    *("is_global", "is_private", "create_default_context", "rfc8785", "UnicodeEncodeError"),
    *("await", "grep", "diff", "_s", "TYPE"),
}
"""What docstrings name of protocols, formats, other libraries and the shell."""


def sources() -> list[Path]:
    return sorted((ROOT / "wanbatch").rglob("*.py"))


def docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Every string that stands alone."""
    for node in ast.walk(tree):
        body = getattr(node, "body", ())
        for child in body if isinstance(body, list) else ():
            match child:
                case ast.Expr(value=ast.Constant(value=str()) as found):
                    yield found


@lru_cache
def names() -> frozenset[str]:
    """Every name of the product: of modules, in code, and as words in its strings."""
    found: set[str] = set()
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found.update(path.relative_to(ROOT).with_suffix("").parts)
        prose = {id(node) for node in docstrings(tree)}
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                    found.add(name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    found.add(name)
                case ast.ClassDef(name=name):
                    found.add(name)
                case ast.keyword(arg=str(name)):
                    found.add(name)
                case ast.alias(name=name):
                    found.update(name.split("."))
                case ast.Constant(value=str(text)) if id(node) not in prose:
                    found.update(re.findall(r"\w+", text))
    return frozenset(found | FOREIGN)


@pytest.mark.parametrize("path", sources(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_name_in_double_backticks_exists(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unknown = [
        f"line {node.lineno}: {name}"
        for node in docstrings(tree)
        for name in re.findall(r"``([A-Za-z_][\w.]*)(?:\(\))?``", str(node.value))
        if not all(part in names() for part in name.strip(".").split("."))
    ]
    assert not unknown, f"these exist nowhere: {unknown}"


# -- constants -------------------------------------------------------------------------


def is_number(node: ast.expr | None) -> bool:
    """A number, written or computed of numbers, or several of them at once."""
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.BinOp(left=left, right=right):
            return is_number(left) or is_number(right)
        case ast.UnaryOp(operand=operand):
            return is_number(operand)
        case ast.Tuple(elts=elements):
            return bool(elements) and all(map(is_number, elements))
        case ast.Call(func=ast.Name(id="timedelta" | "min" | "max")):
            return True
    return False


def constants_without_reason(text: str) -> Iterator[str]:
    """Numbers at the top of a module that no text follows and no comment explains."""
    body, lines = ast.parse(text).body, text.splitlines()
    for node, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not is_number(node.value):
            continue
        said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        beside = lines[(node.end_lineno or node.lineno) - 1].partition("#")[2]
        above = lines[node.lineno - 2] if node.lineno > 1 else ""
        if not said and not beside and not re.match(r"# (?!--)", above):
            yield f"line {node.lineno}: {lines[node.lineno - 1]}"


@pytest.mark.parametrize(
    "path",
    sources(),
    ids=lambda p: p.relative_to(ROOT).as_posix(),
)
def test_a_constant_says_why(path: Path) -> None:
    without = list(constants_without_reason(path.read_text(encoding="utf-8")))
    assert not without, f"why so much, or where was it measured? {without}"


def test_a_constant_without_reason_is_seen() -> None:
    bare = "A = 5\nB, C = 1, 2.5\nD = timedelta(hours=8)\nE = -(2**31)\n"
    assert len(list(constants_without_reason(bare))) == 4
    said = 'A = 5\n"""Why."""\nB = 2  # of two\n# Above.\nC = 3\nD = True\nE = f(1)\n'
    assert not list(constants_without_reason(said))
