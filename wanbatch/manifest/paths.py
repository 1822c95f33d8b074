"""Paths as a manifest writes them: relative to it, with ``/``, and nothing that a shell
or another system would read.

What it may not do: open a file, or decide whether a path stays inside the tree
(``tree`` does).

How it works: the text alone is judged, before anything on disk is asked: an absolute
path, ``~``, a backslash, an address, a variable of the environment. Each is refused
with what to write instead; for a path that leads into the tree that is the path itself,
relative to the manifest.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from wanbatch.manifest.template import codes
from wanbatch.manifest.tree import Tree
from wanbatch.words.quoting import escape_unsafe, shown

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_DRIVE = re.compile(r"[A-Za-z]:[\\/](?!/)")
_HOME = re.compile(r"~(?:[A-Za-z_][\w.-]*)?(?:/|$)")
_VARIABLE = re.compile(
    r"\$\{(?P<braces>[A-Za-z_]\w*)\}"
    r"|(?:^|(?<=[\\/]))(?:\$(?P<bare>[A-Za-z_]\w*)|%(?P<percent>[A-Za-z_]\w*)%)"
)
_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"}
_ESCAPES |= {"\a": "\\a", "\x1b": "\\e", "\0": "\\0", "\x85": "\\N"}
"""Control characters by the escapes that put them into a path, as in
``"media\new.png"``.
"""
_OUTSIDE = "copy the file into the manifest's folder tree, or use --media-root"


@dataclass(frozen=True, slots=True)
class PathProblem:
    """Why a text cannot be used as a path: a code, what is wrong, why, and what to
    write.
    """

    code: str
    message: str
    label: str
    hints: tuple[str, ...]


def check_path(
    text: str, folder: Path, tree: Tree, variables: Container[str] = ()
) -> PathProblem | None:
    """What is wrong with ``text`` as a path of a manifest in ``folder``; ``variables``
    are the names that its templates know.
    """
    if text.startswith("/") and not tree.holds(Path(text)):
        return _outside(text, tree)
    if form := _form(text, folder, tree):
        return PathProblem(codes.PATH_FORM, *form)
    if (
        ("$" in text or "%" in text)
        and (named := _environment(text, variables))
        and not os.path.lexists(folder / text)
    ):
        return PathProblem(
            codes.PATH_FORM,
            f"{shown(text)} names a variable of the environment",
            "the environment is not read, so that a manifest means the same everywhere",
            (f"write the path, or {{{{ {named} }}}} and give it with vars or --var {named}=…",),
        )
    if not tree.holds(folder / text):
        return _outside(text, tree)
    return None


def _outside(text: str, tree: Tree) -> PathProblem:
    if tree.chosen is not None:
        return PathProblem(
            codes.OUTSIDE,
            f"{shown(text)} lies outside of --media-root {escape_unsafe(str(tree.chosen))}",
            "paths are relative to the manifest, also with --media-root",
            ("copy it into that folder, or name one that holds it",),
        )
    return PathProblem(
        codes.OUTSIDE,
        f"{shown(text)} lies outside of the manifest's folder tree",
        "",
        ("copy it into the tree, or use --media-root",),
    )


def _form(text: str, folder: Path, tree: Tree) -> tuple[str, str, tuple[str, ...]] | None:
    if _DRIVE.match(text):
        return (
            f"{shown(text)} is an absolute path of Windows",
            "paths are relative to the manifest, with /",
            (_OUTSIDE, *_guess(text)),
        )
    if (scheme := _SCHEME.match(text)) is not None:
        return _address(text, scheme.group(1).lower(), folder, tree)
    if text.startswith("/"):
        return (
            f"{shown(text)} is an absolute path",
            "paths are relative to the manifest, so that it works elsewhere too",
            (_relative(text, folder, tree),),
        )
    if _HOME.match(text):
        return (
            f"{shown(text)} begins in a home folder",
            "~ is read by shells only; paths are relative to the manifest",
            (_relative(_at_home(text), folder, tree),),
        )
    if "\\" in text:
        return (
            f"{shown(text)} has a backslash",
            "folders are separated by /, on every system",
            (_OUTSIDE if text.startswith("\\") else f"write {_shown(text.replace(chr(92), '/'))}",),
        )
    if escape := _control(text):
        return (f"{shown(text)} has a control character", escape, ("write paths with /",))
    return None


def _control(text: str) -> str:
    broken = next((c for c in text if c in _ESCAPES), "")
    return f"in double quotes, {_ESCAPES[broken]} is an escape" if broken else ""


def _address(
    text: str, scheme: str, folder: Path, tree: Tree
) -> tuple[str, str, tuple[str, ...]] | None:
    if scheme == "file":
        path = unquote(re.sub(r"^file:(?://(?:localhost)?(?=/))?", "", text, flags=re.IGNORECASE))
        return (
            f"{shown(text)} is an address, not a path",
            "a local file is named by its path, relative to the manifest",
            (_relative(path, folder, tree) if path.startswith("/") else f"write {_shown(path)}",),
        )
    if not text[len(scheme) + 1 :].startswith("//"):
        return (
            f"{shown(text)} looks like an address",
            f"{scheme}: would be its kind",
            (f"if it is a file, write ./{_shown(text)}",),
        )
    return (
        f"{shown(text)} is an address, not a path",
        "only media can be named by https:// URLs",
        ("download the file beside the manifest and name its path",),
    )


def address_hints(text: str) -> tuple[str, ...] | None:
    """What to write for a medium that the schema takes for an address that cannot be
    sent; ``None`` where it is one.
    """
    scheme = _SCHEME.match(text)
    if escape := _control(text):
        return (f"{escape}: write paths with /",)
    if _DRIVE.match(text):
        return (
            "paths are relative to the manifest, with /; copy the file into its folder tree",
            *_guess(text),
        )
    if scheme is None:
        return None
    name, rest = scheme.group(1).lower(), text[scheme.end() :]
    if name in ("http", "https"):
        address = rest.lstrip("/\\")
        return (f"write https://{escape_unsafe(address)[:60]}",) if name == "https" else None
    if name == "file":
        path = unquote(re.sub(r"^//(?:localhost)?(?=/)", "", rest))
        if path.startswith("/"):
            return (
                "write the path relative to the manifest; copy the file into its tree first",
                *_guess(path),
            )
        return (f"write {_shown(path)}",)
    if not rest.startswith("//") and name not in ("data", "oss", "s3", "gs", "blob"):
        return (f"if it is a file, write ./{_shown(text)}", "if it is an address, use https://")
    return None


def _relative(path: str, folder: Path, tree: Tree) -> str:
    """The path as it must be written, if it leads into the tree; else what to do with
    the file.
    """
    if path.startswith("~") or not tree.holds(Path(path)):
        return _OUTSIDE
    base, real = os.path.realpath(folder), Path(os.path.realpath(Path(path).parent))
    return f"write {_shown(Path(os.path.relpath(real / Path(path).name, base)).as_posix())}"


def _at_home(text: str) -> str:
    """The path that a shell would read; where there is no such home, the text as it
    is."""
    try:
        return str(Path(text).expanduser())
    except RuntimeError:
        return text


def _guess(path: str) -> tuple[str, ...]:
    name = PurePosixPath(path.replace("\\", "/")).name
    return (f"beside the manifest it is written {_shown(name)}",) if name else ()


def _environment(text: str, variables: Container[str]) -> str:
    for found in _VARIABLE.finditer(text):
        name = next(group for group in found.groups() if group)
        if name not in variables:
            return name
    return ""


def _shown(path: str) -> str:
    return escape_unsafe(path)[:120]
