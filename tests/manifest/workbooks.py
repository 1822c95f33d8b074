"""Workbooks for tests, written part by part: what spreadsheet programs write, and what
none would.

A cell is ``("C5", "text")``; a number, a boolean; or ``("C5", "<c …/>")`` as it stands.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="[h]:mm"/>'
    '</numFmts><cellXfs count="5"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/>'
    '<xf numFmtId="21"/><xf numFmtId="164"/></cellXfs></styleSheet>'
)
DATE, DATE_TIME, TIME, DURATION = 1, 2, 3, 4
"""Styles of cells."""

Value = str | int | float | bool | None
Rows = Sequence[Sequence[Value]]


def sheet(rows: Rows, *, after: str = "", hidden: Sequence[int] = ()) -> str:
    """A sheet's XML: the first row is 1, the first column A. A text that begins with
    ``<c`` stands as it is."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(_cell(f"{chr(65 + n)}{number}", value) for n, value in enumerate(row))
        shown = ' hidden="1"' if number in hidden else ""
        lines.append(f'<row r="{number}"{shown}>{cells}</row>')
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData>{after}</worksheet>'


def _cell(place: str, value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
        case int() | float():
            return f'<c r="{place}"><v>{value!r}</v></c>'
        case _ if value.startswith("<c"):
            return value.replace("<c", f'<c r="{place}"', 1)
        case _:
            text = f'<is><t xml:space="preserve">{escape(value)}</t></is>'
            return f'<c r="{place}" t="inlineStr">{text}</c>'


def workbook(sheets: Mapping[str, str], hidden: Sequence[str] = (), **parts: str | bytes) -> bytes:
    """An archive of sheets; ``parts`` replace whole parts, by their path with ``/`` as
    ``__``."""
    names = list(sheets)
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"'
        + (' state="hidden"' if name in hidden else "")
        + "/>"
        for n, name in enumerate(names, 1)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(names) + 1)
    )
    related += f'<Relationship Id="rId99" Type="{OFFICE}/styles" Target="styles.xml"/>'
    content: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1"'
        f' Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">{related}</Relationships>',
        "xl/styles.xml": STYLES,
        **{f"xl/worksheets/sheet{n}.xml": sheets[name] for n, name in enumerate(names, 1)},
        **{name.replace("__", "/") + ".xml": part for name, part in parts.items()},
    }
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in content.items():
            archive.writestr(name, part)
    return packed.getvalue()
