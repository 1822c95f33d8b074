"""The programs of ``examples/library`` and the blocks of ``docs/python.md`` run on the
emulator, and type-check as a user's own code does."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "examples/library"
DOCS = (ROOT / "docs/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
MANIFEST = """\
wanbatch: 1
name: harbor
defaults: {seconds: 2, prompt_extend: false}
jobs:
  - id: opening
    prompt: "Harbour at dawn"
    media: {first_frame: harbour-dawn.jpg}
    seeds: {start: 100, count: 2}
run: {backend: emulator}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    shutil.copy(ROOT / "examples/specs/media/harbour-dawn.jpg", folder)
    (folder / "harbor.wanbatch.yaml").write_text(MANIFEST)
    (folder / "broken.wanbatch.yaml").write_text(MANIFEST.replace("    prompt:", "    promt:"))
    (folder / "none.toml").touch()
    return folder


@pytest.fixture
def environ(project, monkeypatch):
    monkeypatch.setenv("WANBATCH_EMULATOR_OPTIONS", "--latency 0.1 --render cached")
    monkeypatch.setenv("WANBATCH_CONFIG", str(project / "none.toml"))
    monkeypatch.chdir(project)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]]))


def run(program, *words):
    return subprocess.run(
        [sys.executable, LIBRARY / program, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_programs_run_on_the_emulator(project, environ):
    swept = run("run_sweep.py", "harbor.wanbatch.yaml", "--output", "swept")
    assert swept.returncode == 0, swept.stderr
    lines = swept.stdout.splitlines()
    assert lines[:2] == [
        "generate opening[seed=100]: new",
        "generate opening[seed=101]: new",
    ]
    assert sorted(lines[2:4]) == ["running  opening[seed=100]", "running  opening[seed=101]"]
    assert "here     opening[seed=100]: 2 s" in lines
    assert lines[-1] == "0 USD spent"
    shown = run("table.py", "swept/harbor")
    assert shown.returncode == 0, shown.stderr
    assert len(shown.stdout.splitlines()) == 4
    assert "| opening[seed=100] | done | 2 |" in shown.stdout


def test_the_programs_say_what_is_wrong(project, environ):
    broken = run("run_sweep.py", "broken.wanbatch.yaml")
    assert broken.returncode == 2
    assert "error: broken.wanbatch.yaml:6:5: WB201" in broken.stdout
    assert "  help: did you mean prompt?" in broken.stdout
    assert run("table.py", "nowhere").returncode == 2
    assert run("table.py").returncode == 2


def test_the_blocks_of_the_page_run_in_their_order(project, environ):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for number, block in enumerate(BLOCKS):
            exec(compile(block, f"docs/python.md, block {number}", "exec"), {"__name__": "page"})
    assert len(BLOCKS) == 6
    assert "opening[seed=100] done reports/harbor/videos/" in said.getvalue()
    assert "2 broken.wanbatch.yaml:6:5: WB201" in said.getvalue()


def test_the_page_names_all_of_the_library():
    import wanbatch

    for name in wanbatch.__all__:
        assert re.search(rf"`(await )?{name}\b", DOCS), name


@pytest.mark.slow
def test_a_users_code_type_checks(project, tmp_path):
    """Strictly, against the installed package: names, arguments and results have
    types, and a wrong one is found."""
    for name in ("run_sweep.py", "table.py"):
        shutil.copy(LIBRARY / name, tmp_path)
    (tmp_path / "page.py").write_text(
        "".join(f"def block_{n}() -> None:\n{_indent(b)}\n" for n, b in enumerate(BLOCKS))
    )
    (tmp_path / "wrong.py").write_text(
        "import wanbatch\n"
        "wanbatch.run_sync('a.yaml', max_cots='20')\n"
        "wanbatch.run_sync('a.yaml', max_cost=[1])\n"
        "wanbatch.plan('a.yaml').totl\n"
        "reveal_type(wanbatch.run_sync('a.yaml'))\n"
        "reveal_type(wanbatch.plan)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", "."],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MYPYPATH")},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    wrong = [line for line in lines if line.startswith("wrong.py")]
    assert [line for line in lines if "error:" in line and line not in wrong] == [], done.stdout
    assert [int(line.split(":")[1]) for line in wrong if "error:" in line] == [2, 3, 4]
    assert 'Revealed type is "wanbatch.api.Result"' in done.stdout
    assert "-> wanbatch.api.Plan" in done.stdout


def _indent(block: str) -> str:
    return "".join(f"    {line}\n" for line in block.splitlines())
