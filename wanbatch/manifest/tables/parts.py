"""What is inside a workbook's archive, looked at before a library reads it: the sheets,
and of the chosen one what the library does not tell.

What it may not do: read values (``workbooks`` does), unpack more than it says.

How it works: a workbook is an archive of XML parts. Those that are needed are unpacked
within a bound and packed anew, so that nothing else can be reached. The chosen sheet is
parsed once as a stream for what is easily missed: cells with errors, formulas whose
result was never stored, merged cells, hidden rows, and a cell so far away that the
table between would fill the memory.
"""

from __future__ import annotations

import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from xml.parsers import expat

LARGEST = 128 * 1024 * 1024
"""Bytes unpacked: a hundred thousand rows of ten texts have 85 million (measured)."""
MOST_CELLS = 4_000_000
"""As many values as a manifest may hold, counted with the empty cells between."""
_MOST_KEPT = 1_000
"""Findings of a kind, and characters of one: who has more corrects the column."""
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, NotImplementedError,
    RuntimeError, OSError, EOFError, ValueError, OverflowError,
)  # fmt: skip
"""What ``zipfile`` raises for an archive that is damaged or locked (fuzzed)."""
_RELATIONS = "xl/_rels/workbook.xml.rels"
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})\Z")
_TAGS = frozenset({"c", "v", "t", "is", "f", "row"})
"""The usual names of what a sheet has most of, which need no look for a prefix."""
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


class UnusableWorkbook(Exception):
    """A file that is no workbook, or one that is too large; the text says why."""

    def __init__(self, message: str, *hints: str) -> None:
        super().__init__(message)
        self.hints = hints


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of cells: its name, the part that holds it, whether people see it."""

    name: str
    relation: str
    part: str
    is_visible: bool


@dataclass(slots=True)
class SheetFacts:
    """What one pass over a sheet found; rows and columns count from 1."""

    rows: int = 0
    columns: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    uncomputed: list[tuple[int, int]] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    """First row and column, last row and column."""


class Archive:
    """The parts of a workbook. Every method raises ``UnusableWorkbook``."""

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
        except _DAMAGE:
            raise UnusableWorkbook(*_no_archive(data)) from None
        self._names = {name.lower(): name for name in self._zip.namelist()}
        self._left = LARGEST
        self._read: dict[str, bytes] = {}
        self.workbook = self._find_workbook()
        self._related = dict(_relations(self._part(_relations_of(self.workbook))))
        self.sheets = tuple(self._find_sheets())

    def _part(self, name: str) -> bytes:
        if name not in self._read:
            self._read[name] = self._unpack(name)
        return self._read[name]

    def _unpack(self, name: str) -> bytes:
        try:
            with self._zip.open(self._names[name.lower()]) as file:
                data = file.read(self._left + 1)
        except KeyError:
            raise UnusableWorkbook(f"it has no part {name}", *_SAVE) from None
        except _DAMAGE:
            raise UnusableWorkbook("its archive is damaged", *_SAVE) from None
        self._left -= len(data)
        if self._left < 0:
            raise UnusableWorkbook(
                f"unpacked it has more than {LARGEST:,} bytes, and no more are read",
                "save the sheet alone as .xlsx, or as CSV",
            )
        return data

    def _find_workbook(self) -> str:
        for kind, target in dict(_relations(self._part("_rels/.rels"))).values():
            if kind.endswith("/officeDocument"):
                return target.lstrip("/")
        raise UnusableWorkbook("it holds no workbook", *_SAVE)

    def _find_sheets(self) -> Iterator[Sheet]:
        folder = posixpath.dirname(self.workbook)
        for tag, given in _elements(self._part(self.workbook)):
            relation = next((v for k, v in given.items() if k.rpartition(":")[2] == "id"), "")
            kind, target = self._related.get(relation, ("", ""))
            if tag == "sheet" and kind.endswith("/worksheet"):
                part = posixpath.normpath(posixpath.join(folder, target)).lstrip("/")
                visible = given.get("state", "visible") == "visible"
                yield Sheet(given.get("name", ""), relation, part, visible)

    def look(self, sheet: Sheet) -> SheetFacts:
        """One pass over a sheet."""
        return _SheetPass().parse(self._part(sheet.part))

    def pack(self, sheet: Sheet) -> BytesIO:
        """A workbook of this sheet and what its values need, under the usual names."""
        packed = BytesIO()
        relations = [(sheet.relation, "worksheet", "worksheets/sheet1.xml")]
        with zipfile.ZipFile(packed, "w") as made:
            made.writestr("xl/workbook.xml", self._part(self.workbook))
            made.writestr("xl/worksheets/sheet1.xml", self._part(sheet.part))
            for identity, (kind, target) in self._related.items():
                word = kind.rpartition("/")[2]
                folder = posixpath.dirname(self.workbook)
                part = posixpath.normpath(posixpath.join(folder, target)).lstrip("/")
                if word in ("styles", "sharedStrings"):
                    made.writestr(f"xl/{word}.xml", self._part(part))
                    relations.append((identity, word, f"{word}.xml"))
                elif word == "worksheet" and identity != sheet.relation:
                    relations.append((identity, word, f"worksheets/{len(relations) + 1}.xml"))
            made.writestr(_RELATIONS, _write_relations(relations))
            made.writestr(
                "_rels/.rels", _write_relations([("rId1", "officeDocument", "xl/workbook.xml")])
            )
            made.writestr("[Content_Types].xml", _TYPES)
        packed.seek(0)
        return packed


_SAVE = ("open it in a spreadsheet program and save it as .xlsx, or as CSV",)
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)


def _no_archive(data: bytes) -> tuple[str, ...]:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return ("it is protected by a password, or an .xls of old", "save it as .xlsx, without one")
    return ("it is no .xlsx workbook", *_SAVE)


def _relations_of(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _relations(data: bytes) -> Iterator[tuple[str, tuple[str, str]]]:
    for tag, given in _elements(data):
        if tag == "Relationship":
            yield given.get("Id", ""), (given.get("Type", ""), given.get("Target", ""))


def _write_relations(relations: list[tuple[str, str, str]]) -> str:
    from xml.sax.saxutils import quoteattr

    lines = "".join(
        f'<Relationship Id={quoteattr(name)} Type="{_OFFICE}/{word}" Target="{target}"/>'
        for name, word, target in relations
    )
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<Relationships xmlns="{space}">{lines}</Relationships>'


def _elements(data: bytes) -> list[tuple[str, dict[str, str]]]:
    """Every element of a small part, in order, by its local name."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = _parser()
    parser.StartElementHandler = lambda tag, given: found.append((tag.rpartition(":")[2], given))
    _parse(parser, data)
    return found


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise UnusableWorkbook("it declares a document type, as no spreadsheet does", *_SAVE)

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _parse(parser: expat.XMLParserType, data: bytes) -> None:
    try:
        parser.Parse(data, True)  # noqa: FBT003 - the last piece
    except (expat.ExpatError, ValueError):
        raise UnusableWorkbook("a part of it is no XML", *_SAVE) from None


class _SheetPass:
    """Gathers ``SheetFacts`` from the elements of a sheet."""

    def __init__(self) -> None:
        self.facts = SheetFacts()
        self._row = self._column = self._cells = 0
        self._type = self._text = ""
        self._parser = _parser()
        self._has_formula = self._has_value = False

    def parse(self, data: bytes) -> SheetFacts:
        parser = self._parser
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.buffer_text = True
        _parse(parser, data)
        return self.facts

    def _start(self, tag: str, given: dict[str, str]) -> None:
        name = tag if tag in _TAGS else tag.rpartition(":")[2]
        if name == "c":
            self._begin_cell(given)
        elif name == "v":  # nobody else's text is asked for: that halves the time
            self._parser.CharacterDataHandler = self._take_text
        elif name == "is":
            self._has_value = True
        elif name == "f":
            self._has_formula = True
        elif name == "row":
            self._row, self._column = _count(given.get("r"), self._row + 1), 0
            if given.get("hidden") in ("1", "true"):
                self.facts.hidden.add(self._row)
        elif name == "mergeCell" and len(self.facts.merged) < MOST_CELLS:
            first, _, last = given.get("ref", "").partition(":")
            self.facts.merged.append((*_place(first), *_place(last or first)))

    def _begin_cell(self, given: dict[str, str]) -> None:
        reference = given.get("r")
        if reference is None:
            self._column += 1
        else:
            self._row, self._column = _place(reference)
        self._type, self._text = given.get("t", ""), ""
        self._has_formula = self._has_value = False

    def _take_text(self, text: str) -> None:
        if len(self._text) < _MOST_KEPT:
            self._text += text

    def _end(self, tag: str) -> None:
        name = tag if tag in _TAGS else tag.rpartition(":")[2]
        if name == "c":
            self._end_cell()
        elif name == "v":
            self._parser.CharacterDataHandler = None
            self._has_value |= bool(self._text) or self._type == "str"

    def _end_cell(self) -> None:
        facts, place = self.facts, (self._row, self._column)
        if self._has_value or self._has_formula:
            facts.rows, facts.columns = max(facts.rows, place[0]), max(facts.columns, place[1])
            self._cells += 1
            if max(facts.rows * facts.columns, self._cells) > MOST_CELLS:
                raise UnusableWorkbook(
                    f"its table reaches to {cell_name(facts.rows, facts.columns)}: more than"
                    f" {MOST_CELLS:,} cells are not read",
                    "delete what stands far from the table, or save the sheet as CSV",
                )
        if self._type == "e" and len(facts.errors) < _MOST_KEPT:
            facts.errors[place] = self._text
        elif self._has_formula and not self._has_value and len(facts.uncomputed) < _MOST_KEPT:
            facts.uncomputed.append(place)


def _count(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:8]) <= 1_048_576):
        raise UnusableWorkbook(f"a row of it has the number {text[:20]!r}", *_SAVE)
    return int(text)


def _place(reference: str) -> tuple[int, int]:
    found = _REFERENCE.match(reference)
    if found is None:
        raise UnusableWorkbook(f"a cell of it has the place {reference[:20]!r}", *_SAVE)
    column = 0
    for letter in found.group(1):
        column = column * 26 + ord(letter) - 64
    return _count(found.group(2), 1), column


def cell_name(row: int, column: int) -> str:
    """The name of a cell: its column in letters, then its row."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"
