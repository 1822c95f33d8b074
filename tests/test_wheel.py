"""The wheel works by itself: schemas and the report's assets are in it, and the command
runs from a clean environment."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent

MANIFEST = """\
wanbatch: 1
name: clean
jobs:
  - id: one
    prompt: A harbour at dawn
    media: {first_frame: picture.png}
run: {backend: emulator}
"""


def run(*words: str | Path, **given: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, words)), capture_output=True, text=True, check=False, **given
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and its dependencies, and without this checkout.

    The dependencies are lent by a plain path line, which does not follow the path lines
    of the folder it names: the editable install stays out.
    """
    folder = tmp_path_factory.mktemp("clean")
    assert run(sys.executable, "-m", "venv", "--without-pip", folder).returncode == 0
    python = folder / "bin" / "python"
    installed = run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        wheel,
    )
    assert installed.returncode == 0, installed.stderr
    site = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
    )
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_the_wheel_holds_schemas_page_and_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for schema in ("manifest", "job", "plan", "report", "review", "lock", "events"):
        assert f"wanbatch/schemas/{schema}.schema.json" in names
    parts = (ROOT / "wanbatch/report/web").rglob("*")
    web = {path.relative_to(ROOT).as_posix() for path in parts if path.is_file()}
    assert len(web) > 10
    assert web <= names, "the page is made from all of them"
    assert "wanbatch/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "examples/"))]


def test_the_command_runs_from_the_wheel_alone(clean: Path, tmp_path: Path) -> None:
    where = run(clean / "python", "-c", "import wanbatch; print(wanbatch.__file__)", cwd=tmp_path)
    assert where.stdout.startswith(str(clean.parent)), where.stderr
    for name in ("manifest", "job", "plan", "report", "lock"):
        schema = run(clean / "wanbatch", "schema", name, cwd=tmp_path)
        assert schema.returncode == 0, schema.stderr
        assert json.loads(schema.stdout)["$schema"].startswith("http://json-schema.org/draft-07/")


def test_a_validation_runs_from_the_wheel_alone(clean: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (640, 360), "teal").save(tmp_path / "picture.png")
    (tmp_path / "clean.wanbatch.yaml").write_text(MANIFEST)
    valid = run(clean / "wanbatch", "validate", "clean.wanbatch.yaml", cwd=tmp_path)
    assert valid.returncode == 0, valid.stderr
    (tmp_path / "clean.wanbatch.yaml").write_text(MANIFEST.replace("first_frame", "first_fram"))
    wrong = run(clean / "wanbatch", "validate", "clean.wanbatch.yaml", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "clean.wanbatch.yaml:6:" in wrong.stderr
    assert "first_frame" in wrong.stderr
