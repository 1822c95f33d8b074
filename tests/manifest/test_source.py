"""From YAML text to data with places; hostile text included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from spending import spending

from wanbatch.manifest.yaml import builder
from wanbatch.manifest.yaml.document import Document
from wanbatch.manifest.yaml.source import parse_source, read_source
from wanbatch.words.diagnostics import Severity


def parse(text: str) -> Document:
    source = parse_source("a.yaml", text)
    assert source.document is not None
    assert not source.findings
    return source.document


def codes(text: str) -> list[str]:
    return [f.code for f in parse_source("a.yaml", text).findings]


TEXT = """\
wanbatch: 1
jobs:
  - id: opening
    media: {first_frame: "a b.png", last_frame: 'it''s.png'}
    tags: [x, y]
    prompt: >-
      one
      two
  - id: é港   # comment
    seconds: 5
"""


@pytest.mark.parametrize(
    ("route", "line", "columns"),
    [
        (("wanbatch",), 1, (11, 12)),
        (("jobs", 0, "id"), 3, (9, 16)),
        (("jobs", 0, "media", "first_frame"), 4, (26, 35)),
        (("jobs", 0, "media", "last_frame"), 4, (49, 60)),
        (("jobs", 0, "tags", 1), 5, (15, 16)),
        (("jobs", 1, "id"), 9, (9, 11)),
        (("jobs", 1, "seconds"), 10, (14, 15)),
        (("jobs", 1, "nothing", "here"), 9, (5, 7)),
    ],
)
def test_places_of_values(
    route: tuple[str | int, ...], line: int, columns: tuple[int, int]
) -> None:
    place = parse(TEXT).place(route)
    assert (place.line, (place.column, place.end_column)) == (line, columns)


def test_places_of_keys_and_of_blocks() -> None:
    document = parse(TEXT)
    key = document.place(("jobs", 0, "media"), key=True)
    assert (key.line, key.column, key.end_column) == (4, 5, 10)
    block = document.place(("jobs",))  # a block stands below its key, so the key is shown
    assert (block.line, block.column, block.end_column) == (2, 1, 5)


def test_quick_places_are_the_slow_ones() -> None:
    document = parse(TEXT)
    assert isinstance(document.data, dict)
    jobs = document.data["jobs"]
    assert isinstance(jobs, list)
    for number, job in enumerate(jobs):
        assert isinstance(job, dict)
        for key, value in job.items():
            if isinstance(value, str):
                assert document.quick_place(job, key) == document.place(("jobs", number, key))


def test_windows_line_ends_and_a_byte_order_mark_change_no_place(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    document = read_source(path).document
    assert document is not None
    place = document.place(("jobs", 1, "seconds"))
    assert (place.line, place.column, document.source(10)) == (10, 14, "    seconds: 5")


def test_merge_keys_keep_order_precedence_and_places() -> None:
    document = parse("x-a: &a {p: 1, q: 2}\nx-b: &b {q: 3, r: 4}\nm: {z: 0, <<: [*a, *b], p: 9}\n")
    assert isinstance(document.data, dict)
    merged = document.data["m"]
    assert isinstance(merged, dict)
    assert list(merged.items()) == [("z", 0), ("q", 2), ("r", 4), ("p", 9)]
    assert document.place(("m", "q")).line == 1
    assert document.place(("m", "r")).line == 2
    assert document.place(("m", "p")).line == 3


def test_a_quoted_merge_key_is_a_key() -> None:
    assert parse('"<<": x\n').data == {"<<": "x"}


def test_duplicate_keys_are_all_found() -> None:
    findings = parse_source("a.yaml", "a: 1\na: 2\nb: {c: 1, c: 2}\n").findings
    assert [(f.code, f.place.line, f.place.column) for f in findings] == [
        ("WB111", 2, 1),
        ("WB111", 3, 11),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 100_000, "WB116"),
        ("{a: " * 100_000, "WB116"),
        ("- " * 100_000, "WB116"),
        ("? " * 50_000, "WB116"),
        ("a: " + "9" * 5_000, "WB119"),
        ("a: \x00", "WB106"),
        ("a: \x1b[31m", "WB106"),
        ("a: \u202e", "WB107"),
        ("a: !!python/object/apply:os.system [id]", "WB112"),
        ("a: !x", "WB112"),
        ("--- a\n--- b\n", "WB113"),
        ("a: *b", "WB114"),
        ("a: &a {b: *a}", "WB114"),
        ("<<: [1, 2]", "WB117"),
        ("? {a: b}\n: c", "WB118"),
        ("%YAML 9.9\n---\na: 1", "WB110"),
        ("a: 'x", "WB110"),
        ('a: "\\ud800"', "WB110"),
        ("a: !<tag:yaml.org,2002:timestamp> 2026-99-99", "WB112"),
    ],
)
def test_hostile_text_ends_in_a_finding_quickly(text: str, code: str) -> None:
    with spending() as spent:
        assert code in codes(text)
    assert spent.cpu_s < 2


def test_nested_merges_and_aliases_are_bounded() -> None:
    bomb = "a0: &a0 {k: 1}\n" + "".join(
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 30)}], k{n}: *a{n - 1}}}\n"
        for n in range(1, 30)
    )
    with spending() as spent:
        assert "WB115" in codes(bomb)
    assert spent.cpu_s < 2
    laughs = "a0: &a0 [lol]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)
    )
    assert "WB115" in codes(laughs)


def test_ordinary_anchors_are_within_the_bound() -> None:
    text = "base: &base {a: 1, b: 2, c: [1, 2, 3]}\nall:\n" + "  - *base\n" * 5_000
    assert codes(text) == []


def test_the_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "MOST_NODES", 1_000)
    assert codes("[" + "1," * 2_000 + "]") == ["WB124"]


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, code in (
        (tmp_path / "missing.yaml", "WB101"), (tmp_path, "WB102"), (tmp_path / "pipe", "WB102"), (Path("/dev/zero"), "WB102"),
        (tmp_path / ("x" * 300), "WB103"), (tmp_path / "a\0b", "WB103"),
    ):  # fmt: skip
        source = read_source(path)
        assert [f.code for f in source.findings] == [code], path
        assert source.document is None


def test_the_place_of_a_byte_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("a: 1\nb: é".encode() + b"\xff")
    finding = read_source(path).findings[0]
    assert (finding.code, finding.place.line, finding.place.column) == ("WB105", 2, 5)


def test_direction_marks_are_warnings() -> None:
    findings = parse_source("a.yaml", "a: \u200fשלום").findings
    assert [(f.code, f.severity) for f in findings] == [("WB107", Severity.WARNING)]


def test_everything_on_one_long_line_stays_quick() -> None:
    """Places must not copy the line they stand in, once for each of them."""
    text = "[" + ", ".join(f'{{id: "a{n}", "id": x}}' for n in range(100_000)) + "]"
    with spending() as spent:
        findings = parse_source("a.yaml", text).findings
    assert len(findings) == 100
    assert sum(len(f.source) for f in findings) < 3_000_000
    assert spent.cpu_s < 5
    with spending() as spent:
        assert parse_source("a.yaml", "a: " + " " * 1_000_000 + "x: y").findings
    assert spent.cpu_s < 1
