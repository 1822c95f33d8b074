"""CSV files as programs write them: with marks, in old encodings, cut in the middle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wanbatch.manifest.tables.data_files import read_table
from wanbatch.manifest.tables.encodings import ENCODINGS, decode_table
from wanbatch.manifest.tables.tables import RowsProblem, TableForm

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "data",
    [
        "id,t\n1,Möwe 😀\n".encode(),
        "\ufeffid,t\n1,Möwe 😀\n".encode(),
        "\ufeffid,t\n1,Möwe 😀\n".encode("utf-16-le"),
        "\ufeffid,t\n1,Möwe 😀\n".encode("utf-16-be"),
    ],
)
def test_utf_8_and_marked_utf_16_need_no_word(data: bytes) -> None:
    assert decode_table(data, "a.csv", TableForm()) == "id,t\n1,Möwe 😀\n"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_of_the_list_is_one_that_python_has(encoding: str) -> None:
    assert decode_table("id\n1\n".encode(encoding), "a.csv", TableForm(encoding)) == "id\n1\n"


def test_the_schema_and_the_explanation_name_the_same_encodings() -> None:
    schema = json.loads((ROOT / "schemas/manifest.schema.json").read_text())
    assert schema["definitions"]["rows"]["properties"]["encoding"]["enum"] == list(ENCODINGS)


def proposals(data: bytes, form: TableForm = TableForm()) -> tuple[str, ...]:  # noqa: B008
    with pytest.raises(RowsProblem) as problem:
        decode_table(data, "a.csv", form)
    assert problem.value.code == "WB429"
    return problem.value.hints


def test_three_decoded_cells_of_each_candidate_are_shown() -> None:
    text = "id;text\n1;Straße\n2;Möwe\n3;Küste\n4;Bär\n"
    hints = proposals(text.encode("cp1252"), TableForm(written={"from": "a.csv", "key": "id"}))
    assert hints[0] == 'read as cp1250 or cp1252: "Straße", "Möwe", "Küste"'
    assert hints[1].startswith("read as cp1251: ")
    assert hints[2].endswith("write rows: {from: a.csv, key: id, encoding: cp1252}")


def test_what_reads_right_nowhere_still_gets_a_way_out() -> None:
    assert "save the file as UTF-8" in proposals(b"id\n\x81\x98\x8f\n")[-1]


def test_cyrillic_is_shown_as_such() -> None:
    hints = proposals("id\tтекст\n1\tчайка\n".encode("cp1251"))
    assert 'read as cp1251: "текст", "чайка"' in hints


def test_utf_16_without_its_mark_is_no_utf_8() -> None:
    hints = proposals("id,t\n1,boat\n".encode("utf-16-le"))
    assert hints[0] == 'read as utf-16-le: "id", "t", "1"'


def test_a_mark_that_lies_is_told() -> None:
    with pytest.raises(RowsProblem, match="as its first bytes say"):
        decode_table(b"\xff\xfeabc", "a.csv", TableForm())


def test_the_lines_of_a_table_are_those_of_an_editor(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('\r\nid;t\r\n1;"a\r\n\r\nb"\r\n\r\n2;"x;y"\r\n'.encode("utf-16"))
    table = read_table("a.csv", path, 10)
    assert table.rows == [{"id": "1", "t": "a\r\n\r\nb"}, {"id": "2", "t": "x;y"}]
    places = [str(table.place(row, "t")) for row in (0, 1)]
    assert places == ["a.csv:3:3", "a.csv:7:3"]
    assert str(table.place(1, "t", key=True)) == "a.csv:2:4"
