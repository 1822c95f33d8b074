"""From a path to a ``Document``: reading bytes, UTF-8, characters that may not stand in
a text, then the builder.

What it may not do: raise for a bad file, follow what is no regular file, say anything
about what the document means.

How it works: the file is opened without blocking and only read if it is a regular one,
so that a pipe or a device cannot hang a check. What ``read_bytes`` and ``decode`` find
wrong is a finding with a place. Data files of ``rows`` and prompt files come through
the same door.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from wanbatch.manifest.yaml import codes
from wanbatch.manifest.yaml.builder import build_document
from wanbatch.manifest.yaml.document import Document, Marks
from wanbatch.words.diagnostics import Diagnostic, Position, Severity
from wanbatch.words.lookalike import similar_names

LARGEST = 64 * 1024 * 1024
"""Bytes; a manifest of 100,000 written jobs has 24 million (measured)."""
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Source:
    """What came of a file: a document if it could be parsed, its bytes' SHA-256, and
    every finding."""

    document: Document | None
    sha256: str
    findings: tuple[Diagnostic, ...]


class Unusable(Exception):
    """A file that cannot be used as a text; ``code`` says which rule it breaks,
    ``line`` and ``column`` where."""

    def __init__(
        self, code: str, message: str, *hints: str, line: int = 1, column: int = 1
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.hints, self.line, self.column = (
            code,
            message,
            hints,
            line,
            column,
        )


def read_source(path: Path) -> Source:
    """Read and parse a YAML file. Never raises for what the file is or says."""
    name = str(path)
    try:
        data = read_bytes(path)
        text = decode(data)
    except Unusable as problem:
        place = Position(name, problem.line, problem.column, problem.column + 1)
        return Source(
            None, "", (Diagnostic(problem.code, problem.message, place, help=problem.hints),)
        )
    return parse_source(name, text, hashlib.sha256(data).hexdigest())


def parse_source(name: str, text: str, sha256: str = "") -> Source:
    """Parse a YAML text that is called ``name``."""
    suspects = _check_characters(Document(name, text, None, Marks()))
    if any(s.severity is Severity.ERROR for s in suspects):
        return Source(None, sha256, tuple(suspects))
    document, findings = build_document(name, text)
    return Source(document, sha256, (*suspects, *findings))


def read_bytes(
    path: Path, largest: int = LARGEST, base: str = "the folder in which the command runs"
) -> bytes:
    """A regular file's bytes. ``base`` says what its path is relative to. Raises
    ``Unusable``."""
    try:
        # The look before the open spares pipes and devices that act when opened; the
        # one after it counts.
        _check_kind(path.stat(), largest)
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Unusable(codes.NOT_FOUND, "there is no such file", *_similar(path, base)) from None
    except (OSError, ValueError) as error:
        raise Unusable(
            codes.UNREADABLE,
            f"the file cannot be opened: {_reason(error)}",
            "check the path and its permissions",
        ) from None
    try:
        _check_kind(os.fstat(handle), largest)
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(largest + 1)
    except OSError as error:
        raise Unusable(
            codes.UNREADABLE,
            f"the file cannot be read: {_reason(error)}",
            "check the disk and its permissions",
        ) from None
    finally:
        os.close(handle)


def _check_kind(facts: os.stat_result, largest: int) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise Unusable(
            codes.NOT_A_FILE,
            "this is a folder, not a file",
            "name the files in it, as in specs/*.wanbatch.yaml",
        )
    if not stat.S_ISREG(facts.st_mode):
        raise Unusable(
            codes.NOT_A_FILE,
            "this is a pipe or a device, not a file",
            "write the data into a file first",
        )
    if facts.st_size > largest:
        raise Unusable(
            codes.FILE_TOO_LARGE,
            f"the file has {facts.st_size:,} bytes, at most {largest:,} are read",
            "split it, or put lists into data files",
        )


def decode(data: bytes) -> str:
    """UTF-8 to text, without a byte order mark. Raises ``Unusable`` with the place of
    the first bad byte."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        encoding = "UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        found = (
            f"it looks like {encoding}"
            if encoding
            else f"byte {data[error.start]:#04x} belongs to no character"
        )
        raise Unusable(
            codes.NOT_UTF8,
            f"the file is not UTF-8: {found}",
            "save it as UTF-8",
            line=line,
            column=column,
        ) from None


def _check_characters(document: Document) -> list[Diagnostic]:
    found = []
    if not document.text.isascii() or _FORBIDDEN.search(document.text):
        for match in _FORBIDDEN.finditer(document.text):
            label = f"U+{ord(match.group()):04X}"
            place = document.place_at(match.start(), 1)
            found.append(
                document.finding(
                    codes.CONTROL_CHARACTER,
                    "control characters may not stand in a manifest",
                    place=place,
                    label=label,
                    hints=("delete it",),
                )
            )
            if len(found) >= 20:
                return found
        for match in _BIDI.finditer(document.text):
            label = f"U+{ord(match.group()):04X}"
            place = document.place_at(match.start(), 1)
            found.append(
                document.finding(
                    codes.BIDI_CHARACTER,
                    "an invisible character changes the direction of the text",
                    place=place,
                    label=label,
                    hints=(
                        (
                            "delete it, or write it as an escape in double quotes:"
                            f' "\\u{ord(match.group()):04x}"'
                        ),
                    ),
                    severity=Severity.WARNING,
                )
            )
            if len(found) >= 20:
                return found
    return found


def _similar(path: Path, base: str) -> tuple[str, ...]:
    try:
        names = [entry.name for entry in path.parent.iterdir()][:1000]
    except (OSError, ValueError):
        return (
            (f"the folder {path.parent} does not exist either",) if not path.parent.is_dir() else ()
        )
    return similar_names(path.name, names) or (f"paths are relative to {base}",)


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
