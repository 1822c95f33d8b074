"""Small copies of the pictures that were given to jobs, for the report's page.

What it may not do: judge a picture (``media`` did before it was sent), or choose where
a file goes.

How it works: the file is read as it was checked, by its own header and the first
decoder that takes it, turned as it is shown, made small, and written as WebP.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from wanbatch.media.images import decode_picture, read_image
from wanbatch.model.media import UnreadableFile
from wanbatch.words.files import open_regular, written_atomically

WIDTH, HEIGHT = 320, 320
"""As wide as a preview, and twice what the page shows: for screens with two pixels in
the place of one."""


class NoPicture(Exception):
    """No decoder makes a picture of the file."""


def make_thumbnail(picture: Path, target: Path) -> None:
    """Writes a small copy of ``picture``, whole or not at all.

    Raises ``NoPicture`` where it cannot be decoded, ``OSError`` where a file cannot be
    read or written.
    """
    with open_regular(picture) as file:
        facts = read_image(file)
        if isinstance(facts, UnreadableFile):
            raise NoPicture(facts.text)
        try:
            image = decode_picture(file, facts)
        except ValueError as error:
            raise NoPicture(str(error)) from None
    image = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    image.thumbnail((WIDTH, HEIGHT), Image.Resampling.LANCZOS, reducing_gap=2.0)
    with written_atomically(target) as made:
        image.save(made, "WEBP", quality=76, method=4)
