"""Workbooks: values as a spreadsheet has them, and archives that no spreadsheet writes.

The texts that people see stand in ``tests/cases`` (WB441 to WB443, ``valid/workbook``).
"""

from __future__ import annotations

import random
import sys
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from manifest.workbooks import MAIN, OFFICE, PACKAGE, sheet, workbook

from wanbatch.manifest.tables import parts
from wanbatch.manifest.tables.data_files import read_table
from wanbatch.manifest.tables.tables import Row, RowsProblem, Table, TableForm

HEAD = ["id", "text"]


def read(tmp_path: Path, data: bytes, named: str | None = None, most: int = 1_000) -> Table:
    path = tmp_path / "a.xlsx"
    path.write_bytes(data)
    return read_table("a.xlsx", path, most, TableForm(sheet=named))


def rows(tmp_path: Path, *lines: list[str | int | float | bool | None]) -> list[Row]:
    return read(tmp_path, workbook({"A": sheet([HEAD, *lines])})).rows


def refused(tmp_path: Path, data: bytes) -> RowsProblem:
    with pytest.raises(RowsProblem) as problem:
        read(tmp_path, data)
    assert problem.value.hints or problem.value.found
    return problem.value


def test_a_cell_is_what_csv_would_have(tmp_path: Path) -> None:
    assert rows(
        tmp_path,
        [1, 2.5],
        ["b", '<c s="1"><v>45000</v></c>'],
        ["c", '<c s="2"><v>45000.25</v></c>'],
        ["d", '<c s="3"><v>0.75</v></c>'],
        ["e", '<c s="4"><v>1.5</v></c>'],
        ["f", False],
        ["g", 0.1 + 0.2],
        ["h", None],
        ["i", '<c t="str"><f>""</f><v></v></c>'],
    ) == [
        {"id": 1, "text": 2.5},
        {"id": "b", "text": "2023-03-15"},
        {"id": "c", "text": "2023-03-15T06:00:00"},
        {"id": "d", "text": "18:00:00"},
        {"id": "e", "text": "36:00:00"},
        {"id": "f", "text": False},
        {"id": "g", "text": 0.3},
        {"id": "h", "text": ""},
        {"id": "i", "text": ""},
    ]


def test_texts_of_the_shared_table_and_the_dates_of_1904(tmp_path: Path) -> None:
    main = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr date1904="1"/><sheets>'
        '<sheet name="A &amp; B" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    related = (
        f'<Relationships xmlns="{PACKAGE}">'
        f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="/xl/worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/>'
        f'<Relationship Id="rId3" Type="{OFFICE}/sharedStrings" Target="other/texts.xml"/>'
        "</Relationships>"
    )
    texts = f'<sst xmlns="{MAIN}"><si><t>Möwe</t></si><si><r><t xml:space="preserve">in </t></r><r><t>parts</t></r></si></sst>'
    data = workbook(
        {"x": sheet([HEAD, ['<c t="s"><v>0</v></c>', '<c t="s"><v>1</v></c>'], [1, '<c s="1"><v>1</v></c>']])},
        xl__workbook=main,
        xl__other__texts=texts,
    )  # fmt: skip
    packed = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            new.writestr(name, related if name == "xl/_rels/workbook.xml.rels" else old.read(name))
    found = read(tmp_path, packed.getvalue(), "A & B").rows
    assert found == [{"id": "Möwe", "text": "in parts"}, {"id": 1, "text": "1904-01-02"}]


def test_a_place_is_the_cell_with_its_sheet(tmp_path: Path) -> None:
    table = read(tmp_path, workbook({"Teil 1": sheet([[], HEAD, [], ["x", "y"]])}))
    assert str(table.place(0, "text")) == "a.xlsx:Teil 1!B4"
    assert str(table.place(0, "text", key=True)) == "a.xlsx:Teil 1!B2"
    assert table.document.source(4) == "x | y"


def test_a_hidden_sheet_is_read_only_when_it_is_named(tmp_path: Path) -> None:
    data = workbook(
        {"Alt": sheet([HEAD, ["1", "old"]]), "Neu": sheet([HEAD, ["1", "new"]])}, ["Alt"]
    )
    table = read(tmp_path, data)
    assert (table.rows, table.notes) == ([{"id": "1", "text": "new"}], [])
    assert read(tmp_path, data, "Alt").rows == [{"id": "1", "text": "old"}]


def test_cells_merged_downwards_count_for_each_row(tmp_path: Path) -> None:
    merged = '<mergeCells count="1"><mergeCell ref="B2:B3"/></mergeCells>'
    data = workbook({"A": sheet([HEAD, ["1", "both"], ["2"], ["3", "own"]], after=merged)})
    table = read(tmp_path, data)
    assert [row["text"] for row in table.rows] == ["both", "both", "own"]
    assert [note.severity for note in table.notes] == ["note"]


def test_without_the_extra_the_command_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    problem = refused(tmp_path, workbook({"A": sheet([HEAD])}))
    assert "pip install '.[xlsx]'" in problem.hints[0]


def test_nothing_is_imported_before_a_workbook_is_read() -> None:
    import subprocess

    code = (
        "import sys, wanbatch.manifest.load;"
        "print([m for m in sys.modules if 'calamine' in m or m.endswith('tables.workbooks')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_empty_sheet_has_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path, workbook({"A": sheet([])})).rows == []
    assert read(tmp_path, workbook({"A": sheet([HEAD])})).rows == []


def test_a_far_cell_does_not_fill_the_memory(tmp_path: Path) -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    data = workbook({"A": sheet([HEAD, ["1", "x"]]).replace("</sheetData>", far)})
    assert "XFD1048576" in refused(tmp_path, data).message
    styled = far.replace("<v>1</v>", "")
    data = workbook({"A": sheet([HEAD, ["1", "x"]]).replace("</sheetData>", styled)})
    assert read(tmp_path, data).rows == [{"id": "1", "text": "x"}]


def test_a_bomb_is_unpacked_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = workbook({"A": sheet([HEAD, ["1", "x" * 200_000]])})
    assert len(data) < 10_000
    monkeypatch.setattr(parts, "LARGEST", 100_000)
    assert "unpacked it has more than 100,000 bytes" in refused(tmp_path, data).message


def test_more_rows_than_jobs_are_allowed_are_refused(tmp_path: Path) -> None:
    lines: list[list[str | int | float | bool | None]] = [[n, "x"] for n in range(11)]
    data = workbook({"A": sheet([HEAD, *lines])})
    with pytest.raises(RowsProblem, match="more than 10 rows"):
        read(tmp_path, data, most=10)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no .xlsx workbook"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "protected by a password"),
        (workbook({}), "no sheet of cells"),
        (workbook({"A": "<worksheet>"}), "no XML"),
        (workbook({"A": '<!DOCTYPE a [<!ENTITY b "c">]><worksheet/>'}), "document type"),
        (workbook({"A": sheet([[1]]).replace('"A1"', '"ZZZZ1"')}), "place"),
        (workbook({"A": sheet([["x"]]).replace('row r="1"', 'row r="0"')}), "number"),
        (workbook({"A": sheet([HEAD])}, xl__workbook="<workbook/>"), "no sheet of cells"),
    ],
)  # fmt: skip
def test_what_is_no_workbook_is_told_so(tmp_path: Path, data: bytes, words: str) -> None:
    problem = refused(tmp_path, data)
    assert problem.code == "WB410"
    assert words in problem.message


def test_damage_is_an_answer_and_never_a_crash(tmp_path: Path) -> None:
    whole = workbook({"A": sheet([HEAD, ["1", "a boat"], [2, '<c s="1"><v>45000</v></c>']])})
    chance = random.Random(7)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cut = chance.choice([len(data), chance.randrange(len(data))])
        with suppress(RowsProblem):
            read(tmp_path, bytes(data[:cut]))


def test_a_sheet_that_is_another_part_is_read_as_it_is_checked(tmp_path: Path) -> None:
    """A relation may lead anywhere; what is looked at is what is read."""
    far = f'<worksheet xmlns="{MAIN}"><sheetData><row r="9"><c r="XFD99999"><v>1</v></c></row></sheetData></worksheet>'
    related = f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="../evil.xml"/></Relationships>'
    packed = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(workbook({"A": sheet([HEAD])}))) as old,
        zipfile.ZipFile(packed, "w") as new,
    ):
        for name in old.namelist():
            new.writestr(name, related if name == "xl/_rels/workbook.xml.rels" else old.read(name))
        new.writestr("evil.xml", far)
    assert "XFD99999" in refused(tmp_path, packed.getvalue()).message


@pytest.mark.parametrize("number", ["1e300", "-1e15", "99999999", "NaN"])
def test_a_date_beyond_all_calendars_is_no_crash(tmp_path: Path, number: str) -> None:
    """python-calamine 0.9.1 panics at the second."""
    for style in (1, 4):
        data = workbook({"A": sheet([HEAD, ["1", f'<c s="{style}"><v>{number}</v></c>']])})
        with suppress(RowsProblem):
            assert read(tmp_path, data).rows
