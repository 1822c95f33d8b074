"""Writes the golden project of version 0.1.0: manifests, media, ledger and videos as
that version left them.

``PYTHON tests/upgrade/make_golden.py FOLDER``, where PYTHON is the interpreter of an
installed wanbatch 0.1.0 (a checkout of the commit before rule ``wb2``). It ran once,
and what it wrote is committed as ``golden``: never make it anew with a later version.

How it works: the real command buys every job from a gateway on loopback, by a profile
that costs money, so that fingerprints, rows and file names are what users of 0.1.0
have. Everything that an upgrade could trip over is in the manifest: white space at the
ends of prompts, signed URLs, blanks in a table, and chains of all kinds. What the test
does not need (posters, stills, pages) is removed, and ``reports`` is called ``output``,
which git does not ignore.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from upgrade.loopback import Loopback

KEPT = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
AUTH = "auth_key=1700000000-0-0-0123456789abcdef0123456789abcdef"
OLD = """\
wanbatch: 1
name: old
defaults:
  prompt_extend: false
  seconds: 2
  media: {first_frame: picture.png}

jobs:
  - id: literal
    prompt: |
      A harbour at dawn.
      Boats leave.
    negative_prompt: |
      blurry
  - id: folded
    prompt: >
      A harbour
      at dusk.
  - id: from-file
    prompt: {file: prompt.txt}
  - id: plain
    prompt: Nothing at its ends
  - id: row
    rows: {from: shots.csv, key: shot}
    prompt: "{{ text }}"
    repeat: 2
  - id: aws
    prompt: Signed by a known name
    media: {first_frame: "https://pictures.test/a.png?X-Amz-Expires=600&X-Amz-Signature=OLDSIGNATURE"}
  - id: oss-version
    prompt: Signed, and with a parameter that counted
    media: {first_frame: "https://pictures.test/b.png?versionId=7&OSSAccessKeyId=OLDKEY&Signature=OLDSIGNATURE"}
  - id: auth-key
    prompt: Signed by a name that 0.1.0 did not know
    media: {first_frame: "https://pictures.test/c.png?AUTH"}
  - id: looks
    prompt: Looks signed
    media: {first_frame: "https://pictures.test/d.png?id=7&k=KEPT"}
  - id: public
    prompt: A plain query
    media: {first_frame: "https://pictures.test/e.png?v=3&w=1280"}
  - id: still
    prompt: |
      It goes on from the last picture.
    media: {first_frame: {job: auth-key, frame: last}, last_frame: "https://pictures.test/f.png?v=1&AUTH"}
  - id: still-of-still
    prompt: "And on "
    media: {first_frame: {job: still, frame: last}}
  - id: still-of-plain
    prompt: It goes on
    media: {first_frame: {job: plain, frame: first}}
""".replace("KEPT", KEPT).replace("AUTH", AUTH)
SHOTS = 'shot,text\none," a boat "\ntwo,"a gull\t"\nthree,a pier\n'
CONFIG = """\
[backends.far]
kind = "gateway"
base_url = "{base_url}"
api_key_env = "FAR_KEY"
poll_interval = 0.1
rate = 50
price = {{720P = 0.10, 1080P = 0.15, currency = "USD"}}
"""


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    write_project(folder)
    with tempfile.TemporaryDirectory() as elsewhere, Loopback() as gateway:
        config = Path(elsewhere) / "config.toml"
        config.write_text(CONFIG.format(base_url=gateway.base_url))
        environ = {**os.environ, "WANBATCH_CONFIG": str(config), "FAR_KEY": "sk-far-0123456789"}
        words = ["run", "old.wanbatch.yaml", "--backend", "far", "--yes", "--wait", "30"]
        command = [sys.executable, "-m", "wanbatch", *words]
        subprocess.run(command, cwd=folder, env=environ, check=True)
    for left in ("*/posters", "*/runs", "*/stills", "*/videos/.part"):
        for path in (folder / "reports").glob(left):
            shutil.rmtree(path)
    for path in [*folder.glob("reports/*/report.html"), folder / "reports/ledger.lock"]:
        path.unlink()
    (folder / "reports").rename(folder / "output")


def write_project(folder: Path) -> None:
    """The manifests and what they name."""
    Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
    (folder / "old.wanbatch.yaml").write_text(OLD)
    (folder / "shots.csv").write_text(SHOTS)
    (folder / "prompt.txt").write_text("\n A harbour from a file. \n\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
