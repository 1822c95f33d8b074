"""The bytes of a CSV file as text: UTF-8, UTF-16 with a mark, or what a manifest says.

What it may not do: guess an encoding. Most bytes can be read in several, and a wrong
one would be bought as it is misread; so the candidates are shown, and a person chooses.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from wanbatch.manifest.sweep import codes
from wanbatch.manifest.tables.tables import RowsProblem, TableForm
from wanbatch.words.quoting import escape_unsafe, listed, shown

CANDIDATES = ("cp1250", "cp1251", "cp1252")
"""What spreadsheets write on Windows, from Warsaw to Lisbon."""
UNMARKED = ("utf-16-le", "utf-16-be")
ENCODINGS = (
    "utf-8", "utf-16", *UNMARKED, *CANDIDATES, "cp1253", "cp1254", "cp1255", "cp1256", "cp1257",
    "cp1258", "cp437", "cp850", "cp852", "cp866", "cp874", "cp932", "cp949", "cp950", "big5",
    "euc-jp", "euc-kr", "gb18030", "iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-7",
    "iso-8859-9", "iso-8859-15", "koi8-r", "koi8-u", "mac-roman", "shift-jis",
)  # fmt: skip
"""What ``encoding`` may say: as Python's codecs know it."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 1024 * 1024
"""Bytes that are searched for cells to show."""
_CELL = re.compile(r"[^,;\t\r\n\"]+")
_SHOWN = 3
"""Cells for each candidate: enough to tell one alphabet from another."""
_LONGEST = 40
"""Characters of a cell that is shown: three fit into a line."""


def decode_table(data: bytes, path: str, form: TableForm) -> str:
    """The text without its mark. Raises ``RowsProblem``."""
    encoding = form.encoding
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    # UTF-16 without a mark would pass for UTF-8 with a NUL beside each letter.
    named = encoding or marked or ("utf-8" if b"\0" not in data[:_SAMPLE] else None)
    try:
        if named is not None:
            return data.decode("utf-8-sig" if named == "utf-8" else named).removeprefix("\ufeff")
    except UnicodeError as error:
        if said := encoding or marked:
            raise _misnamed(data, path, said, form, error) from None
    raise _unknown(data, path, form)


def _misnamed(
    data: bytes, path: str, named: str, form: TableForm, error: UnicodeError
) -> RowsProblem:
    start = error.start if isinstance(error, UnicodeDecodeError) else len(data)
    line = data[:start].count(b"\n") + 1
    said = "the manifest says" if form.encoding else "its first bytes say"
    return RowsProblem(
        codes.ENCODING,
        f"{escape_unsafe(path)} is not {named}, as {said}: line {line:,} cannot be read",
        *_proposals(data, path, form, tuple(c for c in CANDIDATES if c != form.encoding)),
    )


def _unknown(data: bytes, path: str, form: TableForm) -> RowsProblem:
    has_nul = b"\0" in data[:_SAMPLE]
    problem = "it has no mark of UTF-16, and bytes of zero" if has_nul else _first_bad(data)
    return RowsProblem(
        codes.ENCODING,
        f"{escape_unsafe(path)} is not UTF-8: {problem}",
        *_proposals(data, path, form, UNMARKED if has_nul else CANDIDATES),
    )


def _first_bad(data: bytes) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return f"byte {data[error.start]:#04x} in line {line:,} belongs to no character"
    return "it cannot be read"


def _proposals(
    data: bytes, path: str, form: TableForm, candidates: tuple[str, ...]
) -> Iterator[str]:
    """What the file would say under each candidate, and the line to write."""
    readings: dict[tuple[str, ...], list[str]] = {}
    for name in candidates:
        if cells := _decoded_cells(data, name):
            readings.setdefault(cells, []).append(name)
    for cells, names in readings.items():
        yield f"read as {listed(names, 'or')}: {', '.join(map(shown, cells))}"
    best = next(iter(readings.values()), [candidates[0]])[-1]
    if len(readings) < 2 and "cp1252" in next(iter(readings.values()), []):
        best = "cp1252"
    lead = "if that is right," if len(readings) == 1 else "choose the one that reads right, and"
    yield f"{lead} write {form.proposal(path, 'encoding', best)}"
    yield "or save the file as UTF-8; wanbatch explain WB429 lists the encodings"


def _decoded_cells(data: bytes, encoding: str) -> tuple[str, ...]:
    """The first cells that are not plain ASCII under ``encoding``; none where it cannot
    read the file, or makes control characters of it."""
    try:
        text = data[:_SAMPLE].decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < min(len(data), _SAMPLE) - 4:
            return ()
        text = data[: error.start].decode(encoding, "replace")
    cells = [m.group().strip() for m in _CELL.finditer(text)]
    told = [c for c in cells if not c.isascii()] or [c for c in cells if c]
    if any(not c.isprintable() for c in told[:100]):
        return ()
    return tuple(c[:_LONGEST] for c in dict.fromkeys(told))[:_SHOWN]
