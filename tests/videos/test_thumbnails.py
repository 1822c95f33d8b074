"""Small copies of given pictures: as they are shown, small, or not at all."""

from __future__ import annotations

import pytest
from PIL import Image

from wanbatch.videos.thumbnails import NoPicture, make_thumbnail


@pytest.mark.parametrize(
    ("form", "mode", "size", "small"),
    [
        ("PNG", "RGBA", (1280, 720), (320, 180)),
        ("JPEG", "RGB", (720, 1280), (180, 320)),
        ("WEBP", "RGB", (100, 50), (100, 50)),
        ("PNG", "L", (640, 640), (320, 320)),
    ],
)
def test_a_picture_fits_into_the_box_and_none_is_made_larger(tmp_path, form, mode, size, small):
    picture = tmp_path / "given"
    Image.new(mode, size, 200 if mode == "L" else "orange").save(picture, form)
    make_thumbnail(picture, tmp_path / "small.webp")
    with Image.open(tmp_path / "small.webp") as made:
        assert (made.format, made.size) == ("WEBP", small)
        red, _, blue = made.convert("RGB").getpixel((9, 9))  # type: ignore[misc]
        assert red > 190
        assert (blue > 190) == (mode == "L")


def test_a_picture_is_turned_as_it_is_shown(tmp_path):
    picture = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (640, 320)).save(picture, exif=exif)
    make_thumbnail(picture, tmp_path / "small.webp")
    with Image.open(tmp_path / "small.webp") as made:
        assert made.size == (160, 320)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(64)])
def test_what_is_no_picture_leaves_nothing_behind(tmp_path, content):
    picture = tmp_path / "given.png"
    picture.write_bytes(content)
    with pytest.raises(NoPicture):
        make_thumbnail(picture, tmp_path / "out" / "small.webp")
    with pytest.raises(OSError, match="missing"):
        make_thumbnail(tmp_path / "missing.png", tmp_path / "small.webp")
    assert [path.name for path in tmp_path.iterdir()] == ["given.png"]
