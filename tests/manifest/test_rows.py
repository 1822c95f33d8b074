"""Data files: every format, and every way in which one can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from wanbatch.manifest.sweep.rows import name_rows
from wanbatch.manifest.tables.data_files import read_table
from wanbatch.manifest.tables.tables import RowsProblem


def read(
    tmp_path: Path, name: str, text: str | bytes, most: int = 1_000
) -> list[dict[str, object]]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [dict(row) for row in read_table(name, path, most).rows]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", '\ufeffid, n\n\none,"2, 3"\r\n,\ntwo,"say ""hi"""\n'),
        ("a.jsonl", '{"id": "one", "n": "2, 3"}\n\n{"id": "two", "n": "say \\"hi\\""}\n'),
        ("a.ndjson", '{"id": "one", "n": "2, 3"}\r\n{"id": "two", "n": "say \\"hi\\""}'),
        ("a.json", '[{"id": "one", "n": "2, 3"}, {"id": "two", "n": "say \\"hi\\""}]'),
        ("a.YAML", "- {id: one, n: '2, 3'}\n- id: two\n  n: say \"hi\"\n"),
    ],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str, text: str) -> None:
    assert read(tmp_path, name, text) == [
        {"id": "one", "n": "2, 3"},
        {"id": "two", "n": 'say "hi"'},
    ]


@pytest.mark.parametrize(
    ("name", "text", "code", "line", "words"),
    [
        ("a.csv", "id,,n\n1,2,3\n", "WB411", 1, "no name"),
        ("a.csv", "id,id\n1,2\n", "WB411", 1, "twice"),
        ("a.csv", 'id\n"open\n', "WB411", 2, "not closed at the end"),
        ("a.csv", "id,n\n1\n", "WB411", 2, "1 value"),
        ("a.json", '{"id": 1}', "WB411", 1, "list of mappings"),
        ("a.json", "[1]", "WB411", 1, "mapping of columns"),
        ("a.json", '[{"id": NaN}]', "WB411", 1, "NaN"),
        ("a.json", '[{"id": 1, "id": 2}]', "WB411", 1, "twice"),
        ("a.json", '[{"id": 1e999}]', "WB411", 1, "too large"),
        ("a.json", '[{"id": ' + "9" * 30 + "}]", "WB411", 1, "too large"),
        ("a.json", '[{"id": ' + "9" * 5000 + "}]", "WB411", 1, "cannot be read"),
        ("a.json", '[\n{"id": 1},\n]', "WB411", 3, "cannot be read"),
        ("a.jsonl", '{"id": 1}\n\n{"id": [1]}', "WB411", 3, "a list"),
        ("a.jsonl", '{"id": 1}\n{}', "WB411", 2, "mapping of columns"),
        ("a.yaml", "id: 1\n", "WB411", 1, "list of mappings"),
        ("a.yaml", "- id: 1\n- [\n", "WB110", 2, "bracket"),
        ("a.yaml", "- id: {a: 1}\n", "WB411", 1, "a mapping"),
    ],
)
def test_mistakes_are_shown_in_the_data_file(
    tmp_path: Path, name: str, text: str, code: str, line: int, words: str
) -> None:
    with pytest.raises(RowsProblem) as problem:
        read(tmp_path, name, text)
    (finding,) = problem.value.found
    assert (finding.code, finding.place.path, finding.place.line) == (code, name, line)
    assert words in finding.message + finding.label
    assert finding.help


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.jsonl", b"id\n\xff\n", "UTF-8"),
        ("a.txt", b"id\n", "no data file"),
        ("a", b"", "no data file"),
    ],
)
def test_files_that_are_no_data_are_a_mistake_in_the_manifest(
    tmp_path: Path, name: str, text: bytes, words: str
) -> None:
    with pytest.raises(RowsProblem) as problem:
        read(tmp_path, name, text)
    assert (problem.value.code, problem.value.found) == ("WB410", ())
    assert words in problem.value.message


def test_more_rows_than_jobs_are_allowed_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(RowsProblem, match="more than 10 rows"):
        read(tmp_path, "a.csv", "n\n" + "1\n" * 11, most=10)


def test_rows_are_named_by_key_then_id_then_name_then_content() -> None:
    assert name_rows([{"id": 1, "n": "x"}, {"id": 2, "n": "y"}], "n").keys == ("x", "y")
    assert name_rows([{"id": 1, "name": "x"}, {"id": 2, "name": "y"}], None).keys == (1, 2)
    assert name_rows([{"id": 1, "name": "x"}, {"id": 1, "name": "y"}], None).keys == ("x", "y")
    assert name_rows([{"id": 1, "name": "x"}, {"name": "y"}], None).keys == ("x", "y")
    hashed = name_rows([{"a": 1}, {"a": 2}], None).keys
    assert all(len(str(key)) == 8 for key in hashed)
    assert (
        name_rows([{"a": 0}, {"a": 1}, {"a": 2}], None).keys[1:] == hashed
    )  # an inserted row renames no other
    assert name_rows([{"a": "1"}, {"a": "2"}], None).keys == hashed  # whatever the file's format


@pytest.mark.parametrize(
    ("rows", "key", "code"),
    [
        ([], None, "WB414"), ([{"a": 1}, {"a": 1}], None, "WB413"), ([{"a": 1}, {"a": "1"}], "a", "WB413"), ([{"a": 1}, {"b": 1}], "a", "WB412"),
        ([{"a": 1}], "b", "WB412"), ([{"a": None}], "a", "WB412"),
    ],
)  # fmt: skip
def test_rows_without_a_name_of_their_own(
    rows: list[dict[str, object]], key: str | None, code: str
) -> None:
    with pytest.raises(RowsProblem) as problem:
        name_rows(rows, key)  # type: ignore[arg-type]
    assert problem.value.code == code
    assert problem.value.hints
