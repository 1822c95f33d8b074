"""The first minutes of a new user: a project that runs, and a shell that completes."""

from __future__ import annotations

import json
import shutil
import subprocess

import command
import pytest

from wanbatch.manifest.load import load_manifests
from wanbatch.operations.starting import MANIFEST, PICTURE, SCHEMA, start_project
from wanbatch.words.schemas import load_schema


def call(folder, *words, **environ):
    return command.run(folder, *words, env=command.environ(**environ))


# -- init ------------------------------------------------------------------------------


def test_init_writes_a_project_that_runs(tmp_path):
    done = call(tmp_path, "init", "film")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"  wrote film/{MANIFEST}",
        f"  wrote film/{PICTURE}",
        f"  wrote film/{SCHEMA}",
        "Go there: cd film",
        f"Then make six videos, for free: wanbatch run {MANIFEST}",
    ]
    options = {"WANBATCH_EMULATOR_OPTIONS": "--latency 0.1 --render tiny"}
    run = call(tmp_path / "film", "run", MANIFEST, **options)
    assert run.returncode == 0, run.stderr
    assert "6 jobs: 6 done" in run.stderr


def test_the_first_line_leads_to_the_schema(tmp_path):
    start_project(tmp_path)
    first = (tmp_path / MANIFEST).read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={SCHEMA}"
    assert json.loads((tmp_path / SCHEMA).read_text()) == load_schema("manifest")
    loaded = load_manifests([tmp_path / MANIFEST])
    assert not loaded.diagnostics
    assert len(loaded.manifests[0].jobs) == 6


@pytest.mark.parametrize("name", [MANIFEST, PICTURE, SCHEMA])
def test_init_overwrites_nothing(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    done = call(tmp_path, "init")
    assert done.returncode == 2
    assert done.stderr == (
        f"error: {name} is there already; nothing was written\n"
        "  help: name an empty folder: wanbatch init DIR\n"
    )
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / name]


def test_init_in_a_place_that_is_a_file(tmp_path):
    (tmp_path / "media").write_text("")
    done = call(tmp_path, "init")
    assert done.returncode == 4
    assert "media" in done.stderr
    assert "name another folder: wanbatch init DIR" in done.stderr


# -- completion ------------------------------------------------------------------------


def complete(folder, *words):
    """What bash is given for the last word."""
    line = " ".join(("wanbatch", *words))
    done = call(
        folder, _WANBATCH_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words))
    )
    return [found.partition(",")[2] for found in done.stdout.splitlines() if found]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    start_project(folder)
    return folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("verif",), ["verify"]),
        (("plan", "--backend", "gate"), ["gateway", "gateway-metadata"]),
        (
            ("why", MANIFEST, "harbour[move=f"),
            [f"harbour[move=forward,seed={seed}]" for seed in (100, 101, 102)],
        ),
        (("plan", MANIFEST, "--select", "move="), ["move=forward", "move=upward"]),
        (("plan", MANIFEST, "--select", "state:d"), ["state:done"]),
        (("plan", "nothing.yaml", "--select", "harb"), []),
        (("explain", "WB20"), ["WB201", "WB202", "WB203", "WB204", "WB205", "WB206"]),
    ],
)
def test_values_are_completed(project, words, expected):
    found = complete(project, *words)
    assert set(expected) <= set(found)
    assert all(name.startswith(words[-1]) for name in found)
    assert bool(found) is bool(expected)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_whole(tmp_path, shell):
    done = call(tmp_path, "completion", shell)
    assert done.returncode == 0
    assert "_WANBATCH_COMPLETE=" in done.stdout
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=done.stdout, text=True, check=False)
        assert checked.returncode == 0


def test_a_code_is_explained_by_its_number(tmp_path):
    by_number, by_code = call(tmp_path, "explain", "204"), call(tmp_path, "explain", "wb204")
    assert by_number.returncode == 0
    assert by_number.stdout == by_code.stdout


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("InternalError", "bought again with: --retry-failed InternalError"),
        ("datainspectionfailed", "refuses the content"),
        ("3", "exit code 3: refused"),
        ("130", "exit code 130: interrupted"),
    ],
)
def test_a_providers_code_and_an_exit_code_are_explained_too(tmp_path, word, says):
    done = call(tmp_path, "explain", word)
    assert done.returncode == 0
    assert says in done.stdout


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("InternalEror", "did you mean InternalError?"),
        ("WB24", "or WB204"),
        ("zzzz", "list them with: wanbatch explain"),
        ("", "list them with: wanbatch explain"),
    ],
)
def test_an_unknown_code_is_2_with_what_was_meant(tmp_path, word, hint):
    done = call(tmp_path, "explain", word)
    assert done.returncode == 2
    assert hint in done.stderr
