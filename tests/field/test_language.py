"""What people's files really hold, through the real command: every reply is exit code 2
with a place, or works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

INPUTS = Path(__file__).parent / "inputs"
WATCHED = """\
import sys
def watch(event, arguments):
    if event in ("open", "os.listdir", "os.scandir"):
        print("OPENED", repr(arguments[0]), file=sys.__stderr__)
sys.addaudithook(watch)
from wanbatch.cli.main import main
main()
"""


def run(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wanbatch", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=120,
        env={**os.environ, **environ},
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a picture, whose tree ends there."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".git").mkdir()
    shutil.copy(INPUTS / "base.png", folder / "base.png")
    return folder


def write(folder: Path, *jobs: str, name: str = "m.wanbatch.yaml") -> None:
    (folder / name).write_text("wanbatch: 1\njobs:\n" + "".join(f"  - {job}\n" for job in jobs))


def test_a_table_with_semicolons_is_read_and_named(tmp_path: Path) -> None:
    for file in INPUTS.iterdir():
        shutil.copy(file, tmp_path / file.name)
    done = run(tmp_path, "validate", "semicolon.wanbatch.yaml")
    assert done.returncode == 0, done.stderr
    assert "semicolon.csv:1:" in done.stderr
    assert "note[WB428]" in done.stderr
    assert "semicolons" in done.stderr


@pytest.mark.parametrize(
    ("name", "place", "words"),
    [
        ("surrogate", "surrogate.json:1:34", ["error[WB125]", "half of a character"]),
        ("headings_hyphen", "headings.csv:1:11", ["error[WB427]", "rename", "{{ shot_id }}"]),
        (
            "escape_regex",
            "escape_regex.wanbatch.yaml:4:17",
            ["unknown escape \\d", "'a 5\\d lens'", '"a 5\\\\d lens"', "|-"],
        ),
    ],
)
@pytest.mark.parametrize("command", ["validate", "run"])
def test_the_fields_inputs_are_refused_with_a_place(
    tmp_path: Path, command: str, name: str, place: str, words: list[str]
) -> None:
    shutil.copytree(INPUTS, tmp_path, dirs_exist_ok=True)
    more = ["--backend", "emulator"] if command == "run" else []
    done = run(tmp_path, command, *more, f"{name}.wanbatch.yaml")
    assert done.returncode == 2, done.stderr
    for word in (place, *words):
        assert word in done.stderr
    assert "did you mean shot-id" not in done.stderr
    assert not (tmp_path / "reports").exists()


def test_a_row_of_blanks_is_not_planned(tmp_path: Path) -> None:
    shutil.copytree(INPUTS, tmp_path, dirs_exist_ok=True)
    done = run(tmp_path, "plan", "--backend", "emulator", "--json", "blank_row.wanbatch.yaml")
    assert done.returncode == 0, done.stderr
    assert [job["name"] for job in json.loads(done.stdout)["jobs"]] == ["s[row=s1]"]


@pytest.mark.parametrize(
    "job",
    [
        '{id: a, prompt: "x\\ud83d", media: {first_frame: base.png}}',
        '{id: a, negative_prompt: "\\uDE00x", media: {first_frame: base.png}}',
        '{id: "a\\ud83d", media: {first_frame: base.png}}',
        '{id: a, tags: ["t\\ud83d"], media: {first_frame: base.png}}',
        '{id: a, vars: {"v\\ud83d": 1}, media: {first_frame: base.png}}',
        '{id: a, matrix: {v: ["\\ud83d"]}, prompt: "{{ v }}", media: {first_frame: base.png}}',
        '{id: a, seed_key: "\\ud83d", seeds: {count: 2}, media: {first_frame: base.png}}',
        '{id: a, media: {first_frame: "https://x.example/\\ud83d.png"}}',
        '{id: a, media: {first_frame: "b\\ud83d.png"}}',
        '{id: a, rows: [{k: "\\ud83d"}], prompt: "{{ k }}", media: {first_frame: base.png}}',
        '{id: a, rows: "\\ud83d.csv", media: {first_frame: base.png}}',
        '{id: a, prompt: {file: "\\ud83d.txt"}, media: {first_frame: base.png}}',
        "{id: a, prompt: \"{{ '\\\\ud83d' }}\", media: {first_frame: base.png}}",
        "{id: a, tags: [\"{{ 'x' ~ '\\\\ude00' }}\"], media: {first_frame: base.png}}",
        "{id: a, media: {first_frame: \"{{ '\\\\ud83d' }}.png\"}}",
        (
            "{id: a, seed_key: \"{{ '\\\\ud83d' }}\", seeds: {count: 2}, media: {first_frame:"
            " base.png}}"
        ),
        "{id: a, vars: {x: b}, media: {first_frame: \"{{ x | replace('b', '\\\\ud83d') }}\"}}",
    ],
)
def test_half_a_character_ends_in_a_place_wherever_it_stands(project: Path, job: str) -> None:
    write(project, job)
    done = run(project, "plan", "--backend", "emulator", "m.wanbatch.yaml")
    assert done.returncode == 2, done.stderr
    assert "m.wanbatch.yaml:3:" in done.stderr
    assert "half" in done.stderr or "halves" in done.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.json", '[{"id": "\\ud83d", "t": "x"}]'),
        ("r.json", '[{"id": "a", "\\udc00": "x"}]'),
        ("r.jsonl", '{"id": "a", "t": "\\udc00\\ud83d"}\n'),
        ("r.ndjson", '{"id": "a", "t": "\\ud83d\\\\udc00"}\n'),
        ("r.yaml", '- {id: a, t: "\\ud83d"}\n'),
    ],
)
def test_half_a_character_in_a_data_file(project: Path, name: str, text: str) -> None:
    (project / name).write_text(text)
    write(
        project, f'{{id: a, rows: {name}, prompt: "{{{{ t }}}}", media: {{first_frame: base.png}}}}'
    )
    done = run(project, "validate", "m.wanbatch.yaml")
    assert done.returncode == 2, done.stderr
    assert f"{name}:1:" in done.stderr


def test_a_text_of_the_command_line_that_is_no_utf_8(project: Path) -> None:
    write(project, '{id: a, prompt: "{{ x }}", media: {first_frame: base.png}}')
    done = run(project, "validate", "m.wanbatch.yaml", "--var", "x=\udcff")
    assert done.returncode == 2
    assert "UTF-8" in done.stderr


def test_a_working_folder_whose_name_is_no_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / "takes \udcff" / "\udce9t\udce9"  # bytes FF and E9, as Python holds them
    folder.mkdir(parents=True)
    shutil.copy(INPUTS / "base.png", folder / "base.png")
    (folder / "m.wanbatch.yaml").write_text(
        "wanbatch: 1\nname: m\nrun: {backend: emulator}\njobs:\n"
        "  - {id: a, prompt: x, prompt_extend: false, seconds: 2, media: {first_frame: base.png}}\n"
        "  - {id: b, prompt: y, prompt_extend: false, seconds: 3, media: {first_clip: {job: a}}}\n"
    )
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "TMPDIR"), str(folder))
    for words in (
        ["validate", "m.wanbatch.yaml", "--format", "sarif"],
        ["plan", "m.wanbatch.yaml", "--json"],
        ["run", "m.wanbatch.yaml"],
        ["status", "m.wanbatch.yaml", "--json"],
        ["fetch", "m.wanbatch.yaml"],
        ["report", "m.wanbatch.yaml"],
        ["doctor", "--backend", "emulator"],
        ["run", "m.wanbatch.yaml", "--output", "../out", "--media-root", ".."],
    ):
        done = run(folder, *words, **homes)
        assert done.returncode == 0, (words, done.stderr)
    report = json.loads((folder / "reports" / "m" / "report.json").read_bytes())
    assert {job["state"] for job in report["jobs"]} == {"done"}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../outside.png",
        "link.png",
        "folder/outside.png",
        "base.png/../../outside.png",
    ],
)
@pytest.mark.parametrize("field", ["media", "rows", "prompt", "template"])
def test_what_lies_outside_is_never_opened(project: Path, field: str, path: str) -> None:
    shutil.copy(INPUTS / "base.png", project.parent / "outside.png")
    (project / "link.png").symlink_to("../outside.png")
    (project / "folder").symlink_to("..")
    given = {
        "media": f"{{id: a, media: {{first_frame: {path}}}}}",
        "rows": f"{{id: a, rows: {path}, media: {{first_frame: base.png}}}}",
        "prompt": f"{{id: a, prompt: {{file: {path}}}, media: {{first_frame: base.png}}}}",
        "template": f'{{id: a, vars: {{v: {path}}}, media: {{first_frame: "{{{{ v }}}}"}}}}',
    }[field]
    write(project, given)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, "validate", "m.wanbatch.yaml"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("error[") == 1, done.stderr
    assert "WB309" in done.stderr
    opened = [line for line in done.stderr.splitlines() if line.startswith("OPENED")]
    assert any("m.wanbatch.yaml" in line for line in opened), "the watch works"
    for name in ("passwd", "outside.png", "link.png", repr(str(project.parent))):
        assert not any(name in line for line in opened)


@pytest.mark.parametrize("field", ["media", "rows", "prompt"])
def test_a_pipe_inside_is_never_opened(project: Path, field: str) -> None:
    os.mkfifo(project / "pipe.csv")
    write(
        project,
        {
            "media": "{id: a, media: {first_frame: pipe.csv}}",
            "rows": "{id: a, rows: pipe.csv, media: {first_frame: base.png}}",
            "prompt": "{id: a, prompt: {file: pipe.csv}, media: {first_frame: base.png}}",
        }[field],
    )
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, "validate", "m.wanbatch.yaml"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pipe" in done.stderr
    assert not any("pipe.csv" in x for x in done.stderr.splitlines() if x.startswith("OPENED"))


@pytest.mark.parametrize("field", ["media", "rows", "prompt"])
@pytest.mark.parametrize("how", ["absolute", "home", "address", "media root"])
def test_a_path_into_the_tree_is_told_as_it_must_be_written(
    project: Path, field: str, how: str
) -> None:
    (project / "sets").mkdir()
    shutil.copy(INPUTS / "base.png", project / "sets" / "one.png")
    specs = project / "specs"
    specs.mkdir()
    if how == "media root":
        (project / ".git").rmdir()
    target = project / "sets" / "one.png"
    text = {
        "absolute": str(target),
        "home": "~/sets/one.png",
        "address": f"file://{target}",
        "media root": str(target),
    }[how]
    write(
        specs,
        {
            "media": f'{{id: a, vars: {{p: "{text}"}}, media: {{first_frame: "{text}"}}}}',
            "rows": f'{{id: a, rows: "{text}", media: {{first_frame: ../base.png}}}}',
            "prompt": f'{{id: a, prompt: {{file: "{text}"}}, media: {{first_frame: ../base.png}}}}',
        }[field],
    )
    more = ["--media-root", str(project)] if how == "media root" else []
    done = run(specs, "validate", "m.wanbatch.yaml", *more, HOME=str(project))
    assert done.returncode == 2, done.stderr
    wanted = (
        "relative to the manifest"
        if (field, how) == ("media", "address")
        else "write ../sets/one.png"
    )
    assert wanted in done.stderr


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def test_a_name_that_is_composed_otherwise_on_disk_is_found(project: Path) -> None:
    folder = project / decomposed("Übung")
    folder.mkdir()
    shutil.copy(INPUTS / "base.png", folder / decomposed("café.png"))
    (project / decomposed("dåta.csv")).write_text("id,t\na,x\n")
    (project / decomposed("prömpt.txt")).write_text("{{ t }}")
    write(
        project,
        "{id: a, rows: dåta.csv, prompt: {file: prömpt.txt}, prompt_extend: false, seconds: 2,"
        ' media: {first_frame: "Übung/café.png"}}',
    )
    done = run(project, "validate", "m.wanbatch.yaml")
    assert (done.returncode, "warning" in done.stderr) == (0, False), done.stderr
    done = run(project, "run", "--backend", "emulator", "m.wanbatch.yaml")
    assert done.returncode == 0, done.stderr


def test_of_two_names_that_are_equal_but_for_their_form_the_written_one_counts(
    project: Path,
) -> None:
    (project / "sub").mkdir()
    shutil.copy(INPUTS / "base.png", project / "é.png")
    (project / decomposed("é.png")).write_text("no picture")
    shutil.copy(INPUTS / "base.png", project / "sub" / "\u212b.png")
    shutil.copy(INPUTS / "base.png", project / "sub" / "A\u030a.png")
    write(
        project,
        "{id: a, media: {first_frame: é.png}}",
        "{id: b, media: {first_frame: sub/\u00c5.png}}",
    )
    done = run(project, "validate", "m.wanbatch.yaml")
    assert done.returncode == 2
    assert done.stderr.count("error[") == 1
    assert "m.wanbatch.yaml:4:" in done.stderr
    assert "U+00C5" in done.stderr


@pytest.mark.parametrize(
    ("written", "on_disk", "point"),
    [
        ("pl\u0430in.png", "plain.png", "U+0430"),
        ("a b.png", "a\u00a0b.png", "U+00A0"),
        ("one1.png", "one\uff11.png", "U+FF11"),
        ("a-b.png", "a\u2013b.png", "U+2013"),
        ("a\u200bb.png", "ab.png", "U+200B"),
        ("a.png ", "a.png", "U+0020"),
        ("it's.png", "it\u2019s.png", "U+2019"),
    ],
)
@pytest.mark.parametrize("field", ["media", "prompt", "argument"])
def test_names_that_only_look_alike_are_told_apart(
    project: Path, field: str, written: str, on_disk: str, point: str
) -> None:
    shutil.copy(INPUTS / "base.png", project / on_disk)
    write(
        project,
        f'{{id: a, media: {{first_frame: "{written}"}}}}'
        if field == "media"
        else f'{{id: a, prompt: {{file: "{written}"}}, media: {{first_frame: base.png}}}}',
    )
    done = run(project, "validate", written if field == "argument" else "m.wanbatch.yaml")
    assert done.returncode == 2
    assert "did you mean" in done.stderr
    assert point in done.stderr
