"""``.pre-commit-hooks.yaml``: what pre-commit reads of it, and each entry run as it
does: from the repo's root, all matching files behind the words of the entry.

pre-commit itself would install wanbatch anew from an index, which these tests do not
have.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import command
import pytest
import yaml

from wanbatch.cli.main import COMMANDS
from wanbatch.operations.starting import MANIFEST, start_project

ROOT = Path(__file__).parents[2]
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
KNOWN = {"id", "name", "description", "entry", "language", "files", "require_serial", "stages"}


def run_hook(folder: Path, name: str, *args: str):
    """All files of the folder that match, as pre-commit finds and passes them."""
    hook = HOOKS[name]
    paths = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    files = [path for path in paths if re.search(hook["files"], path)]
    program, *words = shlex.split(hook["entry"])
    assert program == "wanbatch"
    return command.run(folder, *words, *args, *files), files


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    start_project(tmp_path)
    text = (tmp_path / MANIFEST).read_text()
    (tmp_path / "specs").mkdir()
    (tmp_path / ".git").mkdir()
    other = text.replace("name: first", "name: second").replace("media/", "../media/")
    (tmp_path / "specs/a b.wanbatch.yml").write_text(other)
    (tmp_path / "other.yaml").write_text("not: ours\n")
    return tmp_path


@pytest.mark.parametrize("hook", HOOKS.values(), ids=lambda hook: hook["id"])
def test_a_hook_is_one_that_pre_commit_can_install_and_run(hook) -> None:
    assert set(hook) <= KNOWN
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert hook["language"] == "python"
    assert shlex.split(hook["entry"])[0] in project["scripts"]
    assert shlex.split(hook["entry"])[1] in COMMANDS
    assert hook["require_serial"] is True
    assert not re.search(hook["files"], "other.yaml")
    assert not re.search(hook["files"], "first.wanbatch.yaml.bak")


def test_valid_manifests_pass_all_at_once(repo: Path) -> None:
    done, files = run_hook(repo, "wanbatch-validate")
    assert files == ["first.wanbatch.yaml", "specs/a b.wanbatch.yml"]
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_mistake_in_one_of_them_fails_with_its_place(repo: Path) -> None:
    path = repo / "specs/a b.wanbatch.yml"
    path.write_text(path.read_text().replace("720P", "999P"))
    done, _ = run_hook(repo, "wanbatch-validate")
    assert done.returncode == 2
    assert "specs/a b.wanbatch.yml:" in done.stderr
    assert "first.wanbatch.yaml:" not in done.stderr


def test_a_manifest_without_a_lock_does_not_verify(repo: Path) -> None:
    done, _ = run_hook(repo, "wanbatch-verify", "--backend", "gateway")
    assert done.returncode == 3
    assert "there is no lock" in done.stderr
