"""The words of the house: every term of the glossary has its class, every path that is
named exists."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
GLOSSARY = re.findall(
    r"^\| ([^|]+) \| [^|]+ \| `([\w.]+)` \|$", ARCHITECTURE.partition("## Glossary")[2], re.M
)


def test_the_glossary_is_there():
    assert len(GLOSSARY) > 30
    words = [word.strip() for entry, _ in GLOSSARY for word in entry.split(",")]
    assert len(set(words)) == len(words), "a word has two meanings"


@pytest.mark.parametrize(("word", "name"), GLOSSARY)
def test_every_word_has_its_class(word, name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(f"wanbatch.{module}"), attribute), f"{word} is nothing"


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_path_that_is_named_exists(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"`((?:wanbatch|tests|docs|schemas|examples|benchmarks)/[\w./-]*)`", text)
    named += [f"wanbatch/{path}" for path in re.findall(r"`(\w+/\w+\.py)`", text)]
    missing = [p for p in named if "NAME" not in p and not (ROOT / p).exists()]
    assert not [p for p in missing if not (ROOT / p.removeprefix("wanbatch/")).exists()]


def test_the_matrix_that_is_shown_is_the_one_that_is_held():
    from test_layering import MATRIX

    block = ARCHITECTURE.partition("## Who may import whom")[2].split("```")[1]
    shown = {
        room: set() if allowed.strip() == "-" else set(re.split(r"[ ,]+", allowed.strip()))
        for room, allowed in re.findall(r"(\w+) {2,}((?:[\w,-]+ )*[\w,-]+)", block)
    }
    everything = set(MATRIX) - {"operations", "cli", "testing"}
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


def sources():
    return sorted((ROOT / "wanbatch").rglob("*.py"))


def docstrings(tree):
    """Every string that stands alone."""
    for node in ast.walk(tree):
        body = getattr(node, "body", ())
        for child in body if isinstance(body, list) else ():
            match child:
                case ast.Expr(value=ast.Constant(value=str()) as found):
                    yield found


@lru_cache
def names():
    """Every name of the product: of modules, in code, and as words in its strings."""
    found = set()
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
def test_a_name_in_double_backticks_exists(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unknown = [
        f"line {node.lineno}: {name}"
        for node in docstrings(tree)
        for name in re.findall(r"``([A-Za-z_][\w.]*)(?:\(\))?``", node.value)
        if not all(part in names() for part in name.strip(".").split("."))
    ]
    assert not unknown, f"these exist nowhere: {unknown}"


# -- constants -------------------------------------------------------------------------


def numbers(body):
    """(name, whether a sentence follows) of each constant that is made of numbers."""
    for node, after in zip(body, [*body[1:], None], strict=True):
        match node:
            case ast.Assign(targets=[target], value=value):
                names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]
            case _:
                continue
        figures = [n.value for n in ast.walk(value) if isinstance(n, ast.Constant)]
        if not figures or not all(name.isupper() and name[0] != "_" for name in names):
            continue
        if all(type(figure) in (int, float) for figure in figures):
            yield from ((name, bool([*docstrings(ast.Module([after], []))])) for name in names)


def test_a_number_that_decides_says_where_it_was_measured_or_why_it_was_chosen():
    found = {}
    for path in sorted((ROOT / "wanbatch/engine").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and not n.bases]
        for body in (tree.body, *(one.body for one in classes)):
            found |= {f"{path.stem}.{name}": told for name, told in numbers(body)}
    assert len(found) > 40
    assert not [name for name, told in found.items() if not told]
