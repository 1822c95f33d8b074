"""The examples of a foreign dialect and a foreign check: the real command runs them
from a package of their own, and they import nothing but ``wanbatch.model``."""

from __future__ import annotations

import ast
import json
import os
import shutil
import tomllib
from pathlib import Path

import command
import pytest
from field.scripted import Answer, Project, ScriptedGateway
from report import defects

EXTENDING = Path(__file__).parents[2] / "examples" / "extending"


class Renders(ScriptedGateway):
    """The API that the example speaks to."""

    def __init__(self, **scripts):
        super().__init__(
            **{
                "post": lambda task, n: Answer(201, {"render": {"id": task}}),
                "poll": lambda task, n: self.ready(task),
                "probe": lambda task, n: Answer(404, {"why": "no such render"}),
                **scripts,
            }
        )

    def ready(self, task):
        link = f"{self.address}/link/{task}.mp4"
        return Answer(200, {"render": {"id": task, "phase": "ready", "link": link}})

    @staticmethod
    def _route(method, path):
        parts = path.strip("/").split("/")
        if method == "POST":
            return "post", ""
        if parts[0] == "link":
            return "link", parts[1].removesuffix(".mp4")
        return ("probe" if parts[1] == "is-anybody-there" else "poll"), parts[1]


@pytest.fixture
def installed(tmp_path):
    """What pip would put on the path: the module, and its entry point."""
    site = tmp_path / "site"
    info = site / "wanbatch_renders-1.0.dist-info"
    info.mkdir(parents=True)
    for module in ("renders.py", "calm.py"):
        shutil.copy(EXTENDING / module, site)
    project = tomllib.loads((EXTENDING / "pyproject.toml").read_text())["project"]
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups))
    return os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))


def run(project, installed, *more):
    words = ("scene.wanbatch.yaml", "--backend", "rough", "--yes", "--wait", "20", *more)
    return project.call("run", *words, PYTHONPATH=installed)


def test_a_foreign_dialect_buys_once_and_brings_its_videos_home(tmp_path, installed):
    with Renders() as api:
        project = Project(tmp_path / "project", api, jobs=2, kind="renders")
        done = run(project, installed)
        assert done.returncode == 0, done.stderr
        assert project.states() == ["done", "done"]
        assert {post["length"] for post in api.posts} == {2}
        assert run(project, installed).returncode == 0
        assert len(api.posts) == 2


def test_what_it_does_not_know_costs_nothing_twice(tmp_path, installed):
    """An answer without an id, and a word that is new."""
    with Renders() as api:
        words = iter([{"id": "r", "phase": "polishing"}])
        api.scripts["poll"] = lambda task, n: (
            Answer(200, {"render": next(words, None)}) if n == 0 else api.ready(task)
        )
        api.scripts["post"] = lambda task, n: (
            Answer(200, {"ok": True}) if n == 0 else Answer(201, {"render": {"id": task}})
        )
        project = Project(tmp_path / "project", api, jobs=2, kind="renders")
        assert run(project, installed).returncode == 1
        assert sorted(project.states()) == ["done", "uncertain"]
        assert run(project, installed).returncode == 1
        assert len(api.posts) == 2


def test_a_foreign_check_is_made_of_every_video(tmp_path, installed):
    """The second half of this video stands still."""
    frames = [*defects.pan()[:24], *[defects.pan()[23]] * 24]
    defects.write_video(tmp_path / "a.mp4", frames)
    words = "check", "--format", "json", "a.mp4"
    told = command.run(tmp_path, *words, env=command.environ(PYTHONPATH=installed))
    (found,) = json.loads(told.stdout)
    checks = {check["name"]: check for check in found["checks"]}
    assert not checks["calm"]["passed"]
    assert checks["calm"]["value"] < 0.1
    assert list(checks)[-1] == "calm"


def test_a_foreign_check_that_is_broken_is_named(tmp_path, installed):
    (tmp_path / "site" / "calm.py").write_text("import nothing_of_that_name")
    defects.write_video(tmp_path / "a.mp4", defects.pan())
    told = command.run(tmp_path, "check", "a.mp4", env=command.environ(PYTHONPATH=installed))
    assert told.returncode == 1
    assert "calm:check_calm cannot be loaded: ModuleNotFoundError" in told.stderr
    assert "Traceback" not in told.stderr


def test_the_check_is_at_most_thirty_lines():
    assert len((EXTENDING / "calm.py").read_text(encoding="utf-8").splitlines()) <= 30


@pytest.mark.parametrize("module", ["renders.py", "calm.py"])
def test_it_imports_the_model_and_nothing_else_of_ours(module):
    tree = ast.parse((EXTENDING / module).read_text(encoding="utf-8"))
    ours = {
        node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wanbatch")
    }
    assert ours
    assert all(name.startswith("wanbatch.model.") for name in ours), ours
