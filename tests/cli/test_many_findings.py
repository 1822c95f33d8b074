"""Hundreds of findings, through the real command: what cells share is said once, what
does not fit is counted, and media findings lead to the job and to the row of data.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

PICTURE = Path(__file__).parent.parent / "field" / "inputs" / "base.png"
SWEEP = """\
wanbatch: 1
jobs:
  - id: opening
    prompt: "{{ hour }} {{ lens }} {{ n }}"
    media: {first_frame: "media/{{ hour }}.png"}
    matrix: {hour: [dawn, noon, dusk, night], lens: [a, b, c], n: [1, 2]}
"""
ROWS = """\
wanbatch: 1
jobs:
  - id: one
    media: {first_frame: base.png}
  - id: two
    media: {first_frame: base.png}
  - id: three
    media: {first_frame: base.png}
  - id: shots
    prompt: x
    rows: {from: DATA, key: shot}
    media:
      first_frame: "{{ frame }}.png"
      last_frame: nowhere.png
"""
DATA = {
    "shots.csv": ("shot,frame\na,base\nb,base\nc,gone\nd,lost\n", [4, 5]),
    "quoted.csv": ('shot,note,frame\na,"x\ny",base\n\nb,,gone\nc,"p\n\nq",lost\n', [5, 6]),
    "shots.jsonl": (
        """{"shot": "a", "frame": "base"}

{"shot": "c", "frame": "gone"}
{"shot": "d", "frame": "lost"}
""",
        [3, 4],
    ),
    "shots.json": (
        """[{"shot": "a", "frame": "base"},

 {
  "shot": "c", "frame": "gone"},
 {"shot": "d", "frame": "lost"}]
""",
        [3, 5],
    ),
    "shots.yaml": (
        "- {shot: a, frame: base}\n- shot: c\n  frame: gone\n- {shot: d, frame: lost}\n",
        [2, 4],
    ),
}


def validate(folder: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / ".git").mkdir(exist_ok=True)
    shutil.copy(PICTURE, folder / "base.png")
    (folder / "m.yaml").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "wanbatch", "validate", "m.yaml", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def findings(folder: Path, text: str) -> list[dict[str, Any]]:
    return list(json.loads(validate(folder, text, "--format", "json").stdout)["findings"])


def test_what_24_cells_have_at_one_place_is_one_finding(tmp_path: Path) -> None:
    done = validate(tmp_path, SWEEP)
    assert done.returncode == 2
    assert done.stderr.count("error[") == 1
    assert (
        "= in 24 cells: opening[hour=dawn,lens=a,n=1], opening[hour=dawn,lens=a,n=2], "
        "opening[hour=dawn,lens=b,n=1] and 21 more\n"
    ) in done.stderr
    assert done.stderr.endswith("\n1 error in 1 file\n")
    # The words differ from cell to cell: the first, two others, and how many more there
    # are.
    assert "error[WB501]: there is no file media/dawn.png" in done.stderr
    assert "= also: there is no file media/noon.png\n" in done.stderr
    assert "= also: 1 more, in other cells\n" in done.stderr
    (found,) = findings(tmp_path, SWEEP)
    assert len(found["cells"]) == 24
    assert len({cell["message"] for cell in found["cells"]}) == 4


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ('prompt: "{{ hour }} {{ nope }}"', "WB302"),
        ('seconds: "{{ n + 20 }}"', "WB208"),
        ('size: "{{ hour }}"', "WB207"),
        ('tags: ["{{ hour }} x {{ nope }}"]', "WB302"),
        ('negative_prompt: "{{ hour * 3 }}"', "WB306"),
        ("prompt: {file: '{{ hour }}.j2'}", "WB308"),
        ("media: {first_frame: 'http://e/{{ hour }}.png'}", "WB213"),
        ("media: {first_frame: '../{{ hour }}.png'}", "WB309"),
        ("media: {first_frame: {job: none, frame: last}}", "WB420"),
        ("media: {first_clip: {job: opening}}", "WB423"),
    ],
)
def test_every_kind_of_finding_counts_its_cells(tmp_path: Path, field: str, code: str) -> None:
    name = field.partition(":")[0]
    lines = [line for line in SWEEP.splitlines() if not line.startswith(f"    {name}:")]
    if name != "media":
        lines = [line.replace("media/{{ hour }}", "base") for line in lines]
    text = "\n".join([*lines, f"    {field}", ""])
    alike = [f for f in findings(tmp_path, text) if f["code"] == code]
    assert [len(f["cells"]) for f in alike] == [24]


def test_some_cells_of_a_sweep_are_named(tmp_path: Path) -> None:
    text = SWEEP.replace("media/{{ hour }}", "{{ 'base' if hour != 'noon' or n == 1 else hour }}")
    done = validate(tmp_path, text)
    assert (
        "= in 3 cells: opening[hour=noon,lens=a,n=2], opening[hour=noon,lens=b,n=2] and "
        "opening[hour=noon,lens=c,n=2]\n"
    ) in done.stderr
    one = validate(tmp_path, text.replace("n == 1", "n == 1 or lens != 'b'"))
    assert (
        "m.yaml:5:26   jobs[0].media.first_frame   in opening[hour=noon,lens=b,n=2]" in one.stderr
    )
    assert "cells" not in one.stderr


def test_ten_thousand_cells_are_counted_right(tmp_path: Path) -> None:
    axis = ", ".join(map(str, range(10_000)))
    text = (
        "wanbatch: 1\njobs:\n  - {id: a, media: {first_frame: base.png}, prompt: '{{ nope }}',"
        f" tags: ['{{{{ n }}}}'], matrix: {{n: [{axis}]}}}}\n"
    )
    done = validate(tmp_path, text)
    assert "= in 10,000 cells: a[n=0], a[n=1], a[n=2] and 9,997 more\n" in done.stderr


@pytest.fixture
def many() -> str:
    jobs = "".join(
        f"  - {{id: j{n}, promt: x, media: {{first_frame: base.png}}}}\n" for n in range(337)
    )
    return f"wanbatch: 1\njobs:\n{jobs}"


def test_text_has_fifty_findings_and_counts_the_rest(tmp_path: Path, many: str) -> None:
    done = validate(tmp_path, many)
    assert done.returncode == 2
    assert done.stderr.count("error[WB201]") == 50
    assert "\nand 287 more (287 errors): " in done.stderr
    assert done.stderr.endswith("\n337 errors in 1 file\n")


def test_github_has_ten_annotations_and_counts_the_rest(tmp_path: Path, many: str) -> None:
    done = validate(tmp_path, many, "--format", "github")
    lines = done.stdout.splitlines()
    assert done.returncode == 2
    assert [line.startswith("::error ") for line in lines] == [True] * 10 + [False]
    assert lines[-1].startswith("and 327 more (327 errors)")


def test_the_other_formats_have_all(tmp_path: Path, many: str) -> None:
    whole = json.loads(validate(tmp_path, many, "--format", "json").stdout)
    assert (len(whole["findings"]), whole["errors"], whole["warnings"]) == (337, 337, 0)
    sarif = json.loads(validate(tmp_path, many, "--format", "sarif").stdout)
    assert len(sarif["runs"][0]["results"]) == 337
    junit = ET.fromstring(validate(tmp_path, many, "--format", "junit").stdout)
    assert len(junit.findall("testsuite/testcase/failure")) == 337


@pytest.mark.parametrize(("form", "most"), [("text", 50), ("github", 10)])
def test_warnings_push_no_error_out(tmp_path: Path, form: str, most: int) -> None:
    warned = "".join(
        f"  - {{id: w{n}, prompt: x, media: {{first_frame: base.png}}, seeds: [1, 2]}}\n"
        for n in range(60)
    )
    bad = "".join(
        f"  - {{id: e{n}, prompt: '{{{{ no }}}}', media: {{first_frame: base.png}}}}\n"
        for n in range(5)
    )
    done = validate(tmp_path, f"wanbatch: 1\njobs:\n{warned}{bad}", "--format", form)
    text = done.stdout + done.stderr
    error, warning = ("error[", "warning[") if form == "text" else ("::error ", "::warning ")
    assert (text.count(error), text.count(warning)) == (5, most - 5)
    assert f"and {65 - most} more ({65 - most} warnings)" in text
    assert text.index(warning) < text.index(error), "sorted by place still"
    if form == "text":
        assert text.endswith("5 errors, 60 warnings in 1 file\n")


@pytest.mark.parametrize("name", DATA)
def test_a_media_finding_names_job_cell_and_row(tmp_path: Path, name: str) -> None:
    data, (first, second) = DATA[name]
    (tmp_path / name).write_text(data)
    done = validate(tmp_path, ROWS.replace("DATA", name))
    assert "m.yaml:13:20   jobs[3].media.first_frame" in done.stderr
    places = rf"= rows: {name}:{first}:\d+ and {name}:{second}:\d+\n"
    assert re.search(places, done.stderr), done.stderr
    found = findings(tmp_path, ROWS.replace("DATA", name))
    own, other = [f for f in found if f["severity"] == "error"]
    assert (own["line"], own["route"]) == (13, "jobs[3].media.first_frame")
    assert [cell["row"]["line"] for cell in own["cells"]] == [first, second]
    assert [cell["row"]["path"] for cell in own["cells"]] == [name, name]
    # What no column has a part in says nothing of rows.
    assert (other["line"], other["route"]) == (14, "jobs[3].media.last_frame")
    assert all(cell["row"] is None for cell in other["cells"])


def test_the_row_of_one_cell_and_of_an_inline_list(tmp_path: Path) -> None:
    (tmp_path / "shots.csv").write_text("shot,frame\na,base\nb,gone\n")
    done = validate(tmp_path, ROWS.replace("DATA", "shots.csv").replace("nowhere", "base"))
    assert "jobs[3].media.first_frame   in shots[row=b]" in done.stderr
    assert "= row: shots.csv:3:3\n" in done.stderr
    inline = ROWS.replace("nowhere", "base").replace(
        "{from: DATA, key: shot}", "[{frame: base},\n      {frame: gone}]"
    )
    assert "= row: m.yaml:12:15\n" in validate(tmp_path, inline).stderr


def test_machine_formats_lead_to_the_row(tmp_path: Path) -> None:
    (tmp_path / "shots.csv").write_text("shot,frame\na,base\nb,gone\n")
    text = ROWS.replace("DATA", "shots.csv").replace("nowhere", "base")
    sarif = json.loads(validate(tmp_path, text, "--format", "sarif").stdout)
    (result,) = sarif["runs"][0]["results"]
    (related,) = result["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "shots.csv"
    assert related["physicalLocation"]["region"]["startLine"] == 3
    assert related["physicalLocation"]["region"]["startColumn"] == 3
    names = [place["fullyQualifiedName"] for place in result["locations"][0]["logicalLocations"]]
    assert names == ["jobs[3].media.first_frame"]
    github = validate(tmp_path, text, "--format", "github").stdout
    assert "(in shots[row=b])%0Arow: shots.csv:3:3%0A" in github
    assert "row: shots.csv:3:3" in validate(tmp_path, text, "--format", "junit").stdout


def test_what_a_row_makes_of_other_fields_names_it_too(tmp_path: Path) -> None:
    (tmp_path / "shots.csv").write_text("shot,frame,len\na,base.png,5\nb,base.png,99\nc,,3\n")
    text = ROWS.replace("DATA", "shots.csv").replace("nowhere", "base")
    text = text.replace("{{ frame }}.png", "{{ frame }}")
    text += '    seconds: "{{ len }}"\n'
    found = {f["code"]: f for f in findings(tmp_path, text)}
    assert {code: [c["row"]["line"] for c in f["cells"]] for code, f in found.items()} == {
        "WB208": [3],
        "WB206": [4],
    }


def test_a_file_in_several_jobs_is_said_once_with_all_places(tmp_path: Path) -> None:
    text = ROWS.partition("  - id: shots")[0].replace("base.png", "gone.png")
    done = validate(tmp_path, text)
    assert done.stderr.count("error[") == 1
    assert "m.yaml:4:26   jobs[0].media.first_frame\n" in done.stderr
    assert "= in 3 jobs: one, two and three\n" in done.stderr
    assert "= also at: m.yaml:6:26 and m.yaml:8:26\n" in done.stderr


def test_a_default_that_is_wrong_for_some_jobs_names_them(tmp_path: Path) -> None:
    jobs = "".join(f"  - {{id: j{n}, media: {{first_frame: base.png}}}}\n" for n in range(5))
    done = validate(
        tmp_path,
        "wanbatch: 1\ndefaults: {prompt: '{{ a }}'}\njobs:\n"
        + jobs
        + "  - {id: ok, vars: {a: x}, media: {first_frame: base.png}}\n",
    )
    assert "m.yaml:2:24   defaults.prompt\n" in done.stderr
    assert "= in 5 jobs: j0, j1, j2 and 2 more\n" in done.stderr


def test_no_signature_is_shown_for_any_cell(tmp_path: Path) -> None:
    text = (
        "wanbatch: 1\njobs:\n  - id: a\n    prompt: x\n    matrix: {n: [1, 2, 3]}\n"
        '    media: {first_frame: "https://e.example/{{ n }}.png?Expires=1&Signature=s{{ n'
        ' }}cret"}\n'
        '  - id: b\n    matrix: {n: [1, 2, 3]}\n    prompt: "{{ n }}"\n'
        '    media: {first_frame: "http://e.example/{{ n }}.png?Expires=1&Signature=s{{ n'
        ' }}cret"}\n'
    )
    for form in ("text", "json", "github", "sarif", "junit"):
        done = validate(tmp_path, text, "--format", form)
        for cell in (1, 2, 3):
            assert f"s{cell}cret" not in done.stdout + done.stderr, form
