"""Every folder of tests/cases/media is a test: a manifest with its media, and the exact
text that a user sees.

How it works: as in tests/manifest/test_cases.py, with ``special`` for what git cannot
keep: ``fifo PATH``, ``loop PATH``, ``sparse_bmp PATH WIDTH HEIGHT``. ``WRITE_CASES=1``
writes the expected texts anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

import pytest

from wanbatch.cli.findings import render_text
from wanbatch.manifest.load import load_manifests
from wanbatch.media.check import check_media
from wanbatch.words.codes import all_codes
from wanbatch.words.diagnostics import order

CASES = sorted(p for p in (Path(__file__).parents[1] / "cases" / "media").iterdir() if p.is_dir())
NOW = 1_800_000_000.0


@pytest.mark.parametrize("folder", CASES, ids=lambda p: p.name)
def test_a_user_sees_exactly_this(folder, tmp_path, monkeypatch):
    work = tmp_path / "case"
    shutil.copytree(folder, work)
    (work / ".git").mkdir()  # the tree ends here, wherever the tests stand
    if (work / "special").exists():
        make_special(work, (work / "special").read_text().split())
    monkeypatch.chdir(work)
    loaded = load_manifests([Path("case.wanbatch.yaml")])
    findings = order((*loaded.diagnostics, *check_media(loaded.manifests, NOW).diagnostics))
    found = render_text(findings, color=False) + "\n"
    expected = folder / "expected.txt"
    if os.environ.get("WRITE_CASES"):
        expected.write_text(found)
    assert found == expected.read_text()
    assert {f.code for f in findings} == {folder.name[:5]}


def make_special(work, words):
    path = work / words[1]
    path.parent.mkdir(exist_ok=True)
    if words[0] == "fifo":
        os.mkfifo(path)
    elif words[0] == "loop":
        path.symlink_to(path.name)
    else:
        width, height = int(words[2]), int(words[3])
        path.write_bytes(
            b"BM"
            + struct.pack("<IHHI", 0, 0, 0, 54)
            + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
        )
        os.truncate(path, 54 + (width * 24 + 31) // 32 * 4 * height)


def test_every_code_has_a_case_and_an_explanation():
    declared = {c.code: c for c in all_codes() if c.code.startswith("WB5")}
    assert set(declared) == {folder.name[:5] for folder in CASES}
    assert all(len(code.explanation) > 40 for code in declared.values())
