"""The first project of a new user: a manifest that runs, one picture, and the schema
that its first line points to.

What it may not do: overwrite a file, or use the network.

How it works: everything is looked at before the first file is written. The picture is
drawn here, so that an installed wanbatch needs nothing beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import create_anew
from wanbatch.words.schemas import schema_path

MANIFEST = "first.wanbatch.yaml"
PICTURE = "media/harbour.jpg"
SCHEMA = "manifest.schema.json"

STARTER = f"""\
# yaml-language-server: $schema={SCHEMA}
#
# Six short videos of one picture: three seeds of each camera move. On the emulator they
# cost nothing; the report lays them side by side.
#
#   wanbatch validate {MANIFEST}   every check that needs no network
#   wanbatch plan {MANIFEST}       what would be made, and for how much
#   wanbatch run {MANIFEST}        makes it; again after any interruption
#
wanbatch: 1
name: first
vars: {{style: "35mm film, soft morning light"}}
defaults: {{size: 720P, seconds: 2, prompt_extend: false}}

jobs:
  - id: harbour
    prompt: "The sun rises over a calm sea, the camera glides {{{{ move }}}}, {{{{ style }}}}"
    media: {{first_frame: {PICTURE}}}
    matrix: {{move: [forward, upward]}}
    seeds: {{start: 100, count: 3}}

run: {{backend: emulator}}   # a paid one: wanbatch run --backend gateway {MANIFEST}
"""
"""The manifest that ``wanbatch init`` writes."""


@dataclass(frozen=True, slots=True)
class Started:
    """What was written, in the order in which a reader wants it."""

    folder: Path
    files: tuple[Path, ...]


def start_project(folder: Path) -> Started:
    """Writes the three files into ``folder``, which is made where it is missing.

    Raises ``WanbatchError`` (2) where one of them is there already, (4) where the
    folder cannot be written.
    """
    contents = {
        MANIFEST: STARTER.encode(),
        PICTURE: _draw_harbour(),
        SCHEMA: schema_path("manifest").read_bytes(),
    }
    present = [name for name in contents if (folder / name).exists()]
    if present:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{folder / present[0]} is there already; nothing was written",
            "name an empty folder: wanbatch init DIR",
        )
    try:
        for name, content in contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with create_anew(folder / name) as file:
                file.write(content)
    except OSError as error:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"{error.filename or folder} cannot be written: {error.strerror}",
            "name another folder: wanbatch init DIR",
        ) from error
    return Started(folder, tuple(folder / name for name in contents))


def _draw_harbour() -> bytes:
    """A sunrise over the sea, 1280 x 720 pixels, as JPEG."""
    from PIL import Image, ImageDraw

    width, height, horizon = 1280, 720, 430
    sky = Image.linear_gradient("L").resize((width, horizon))
    picture = Image.new("RGB", (width, height), (36, 62, 92))
    dusk, glow = Image.new("RGB", sky.size, (62, 84, 130)), Image.new("RGB", sky.size, "#f2b27a")
    picture.paste(Image.composite(glow, dusk, sky), (0, 0))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((820, 300, 980, 460), fill="#ffe3b0")
    pen.rectangle((0, horizon, width, height), fill=(36, 62, 92))
    for row in range(12):
        y, half = horizon + 8 + row * row * 2, 90 + row * 16
        pen.line((900 - half, y, 900 + half, y), fill="#f2b27a", width=2 + row // 3)
    pen.polygon([(240, 470), (460, 470), (420, 510), (280, 510)], fill="#1c2430")
    pen.polygon([(345, 300), (345, 462), (250, 462)], fill="#d8d2c4")
    file = BytesIO()
    picture.save(file, "JPEG", quality=88)
    return file.getvalue()
