"""Pictures that break a rule of their format outside the picture itself: what decoders
read is taken."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from expecting import expect
from PIL import Image

from wanbatch.emulator.examine import examine
from wanbatch.emulator.video.animatic import Scene, render
from wanbatch.media import decoders
from wanbatch.media.images import read_image
from wanbatch.model.media import ImageFacts, UnreadableFile


def picture(kind, mode="RGB", **options):
    out = io.BytesIO()
    Image.radial_gradient("L").resize((300, 260)).convert("RGB").convert(mode).save(
        out, kind, **options
    )
    return out.getvalue()


def png_chunk(kind, content, *, wrong=0):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body) ^ wrong)


JPEG, PNG, WEBP, BMP = (picture(kind) for kind in ("JPEG", "PNG", "WEBP", "BMP"))
SCAN = JPEG.index(b"\xff\xda")
DATA = PNG.index(b"IDAT") + 4
DATA_END = DATA + struct.unpack(">I", PNG[DATA - 8 : DATA - 4])[0]


def in_jpeg(content, at=20):
    return JPEG[:at] + content + JPEG[at:]


def in_png(*chunks):
    return PNG[:33] + b"".join(chunks) + PNG[33:]


def sized(length):
    return WEBP[:4] + struct.pack("<I", length) + WEBP[8:]


TAKEN = {
    "zeros between markers": in_jpeg(bytes(4)),
    "text between markers": in_jpeg(b"junk"),
    "line ends between markers": in_jpeg(b"\r\n"),
    "fill bytes": in_jpeg(b"\xff" * 9),
    "text before the scan": in_jpeg(b"ab", SCAN),
    "text behind a JPEG": JPEG + b"abc" * 100,
    "a page behind a JPEG": JPEG + b"<html></html>",
    "no end marker but zeros": JPEG[:-2] + bytes(500),
    "broken EXIF": in_jpeg(b"\xff\xe1\0\x20Exif\0\0MM\0*\xff\xff\xff\xff" + b"x" * 16, 2),
    "EXIF that is cut": in_jpeg(b"\xff\xe1\0\x0aExif\0\0MM", 2),
    "a marker of no length": in_jpeg(b"\xff\xe1\0\0", 2),
    "a profile that is cut": in_jpeg(b"\xff\xe2\0\x30ICC_PROFILE\0\1\3" + b"x" * 32, 2),
    "CMYK": picture("JPEG", "CMYK"),
    "progressive": picture("JPEG", progressive=True),
    "grey": picture("JPEG", "L"),
    "no IEND": PNG[:-12],
    "text behind a PNG": PNG + b"\r\nabc",
    "a wrong checksum of IEND": PNG[:-4] + b"abcd",
    "a wrong checksum of the pixels": PNG[:DATA_END] + b"abcd" + PNG[DATA_END + 4 :],
    "an unknown chunk": in_png(png_chunk(b"ABCD", b"xx")),
    "a wrong checksum behind the pixels": PNG[:-12]
    + png_chunk(b"tEXt", b"a\0b", wrong=1)
    + PNG[-12:],
    "text behind a WebP": WEBP + b"\r\n",
    "text behind a BMP": BMP + b"xx",
    "a BMP with a name in it": BMP[:6] + b"abcd" + BMP[10:],
    "a BMP that says to be longer": BMP[:2] + b"\xff\xff\xff\x7f" + BMP[6:],
}
REMARKED = {
    "no end marker": (JPEG[:-2], "its end marker is missing; FFmpeg reads it, Pillow does not"),
    "no end marker, progressive": (
        picture("JPEG", progressive=True)[:-2],
        "its end marker is missing; FFmpeg",
    ),
    "a line end before": (b"\r\n" + JPEG, "2 bytes (a line end) stand before the picture; FFmpeg"),
    "a byte order mark before": (
        b"\xef\xbb\xbf" + JPEG,
        "3 bytes (a byte order mark) stand before",
    ),
    "begins twice": (b"\xff\xd8" + JPEG, "it begins twice; FFmpeg"),
    "a marker too long": (in_jpeg(b"\xff\xe1\0\x20" + b"a" * 10, 2), "there is no marker at byte"),
    "a wrong checksum of text": (
        in_png(png_chunk(b"tEXt", b"a\0b", wrong=1)),
        "the checksum of its tEXt chunk at byte 33 is wrong; FFmpeg",
    ),
    "a wrong checksum of the header": (
        PNG[:29] + b"abcd" + PNG[33:],
        "the checksum of its IHDR chunk",
    ),
    "a short chunk": (
        in_png(png_chunk(b"pHYs", b"a")),
        "its pHYs chunk at byte 33 is not as it should be; FFmpeg",
    ),
    "a broken profile": (
        in_png(png_chunk(b"iCCP", b"a\0\0xxxx")),
        "its iCCP chunk at byte 33 is not as it should be; Pillow",
    ),
    "broken EXIF in a PNG": (in_png(png_chunk(b"eXIf", b"MM\0*\xff\xff")), "its eXIf chunk"),
    "a WebP of length 0": (sized(0), "the length in its header is too small; FFmpeg"),
    "a BMP of length 0": (
        BMP[:2] + bytes(4) + BMP[6:],
        "the lengths in its header are wrong; Pillow",
    ),
}
DAMAGED = {
    "half a JPEG": JPEG[: len(JPEG) // 2],
    "a JPEG that lacks a byte": JPEG[:-3],
    "half a JPEG and zeros": JPEG[: len(JPEG) // 2] + bytes(9000),
    "half a progressive JPEG": picture("JPEG", progressive=True)[:3000],
    "half a PNG": PNG[: DATA + 100],
    "a flipped bit": PNG[: DATA + 40] + bytes([PNG[DATA + 40] ^ 1]) + PNG[DATA + 41 :],
    "half a chunk": PNG[:-5],
    "half a WebP": WEBP[: len(WEBP) // 2],
    "half a BMP": BMP[: len(BMP) // 2],
    "a line end before a PNG": b"\r\n" + PNG,
    "zeros between chunks": in_png(bytes(8)),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_decoders_read_is_taken(name):
    facts = read_image(io.BytesIO(TAKEN[name]))
    assert isinstance(facts, ImageFacts), facts
    assert (facts.width, facts.height, facts.remark) == (300, 260, "")
    assert examine("first_frame", TAKEN[name], facts.mime) is None


@pytest.mark.parametrize("name", REMARKED)
def test_where_decoders_differ_there_is_a_remark(name, tmp_path):
    content, remark = REMARKED[name]
    facts = read_image(io.BytesIO(content))
    assert isinstance(facts, ImageFacts), facts
    assert (facts.width, facts.height) == (300, 260)
    assert facts.remark.startswith(remark)
    assert examine("last_frame", content) is None
    render(Scene(2, "720P", 1, first_frame=content), tmp_path / "made.mp4")


@pytest.mark.parametrize("name", DAMAGED)
def test_a_picture_that_is_cut_is_damaged(name):
    found = read_image(io.BytesIO(DAMAGED[name]))
    assert isinstance(found, UnreadableFile)
    assert found.kind == "damaged"
    assert examine("first_frame", DAMAGED[name]) is not None


def test_a_phone_photo_with_a_second_picture_in_it_is_a_jpeg():
    out = io.BytesIO()
    first, second = (Image.new("RGB", (300, 260), colour) for colour in ("teal", "red"))
    first.save(out, "MPO", save_all=True, append_images=[second])
    assert read_image(io.BytesIO(out.getvalue())) == ImageFacts("image/jpeg", 300, 260)
    assert examine("first_frame", out.getvalue(), "image/jpeg") is None


def test_what_is_in_order_is_not_decoded(monkeypatch):
    monkeypatch.setattr(decoders, "pillow_reads", lambda *_: pytest.fail("Pillow was asked"))
    monkeypatch.setattr(decoders, "ffmpeg_reads", lambda *_: pytest.fail("FFmpeg was asked"))
    for content in (JPEG, PNG, WEBP, BMP, JPEG + b"trailing"):
        assert expect(ImageFacts, read_image(io.BytesIO(content))).remark == ""


def test_an_odd_picture_of_too_many_pixels_is_not_decoded(monkeypatch):
    monkeypatch.setattr(decoders, "pillow_reads", lambda *_: pytest.fail("Pillow was asked"))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = (
        PNG[:8]
        + header
        + png_chunk(b"tEXt", b"a\0b", wrong=1)
        + png_chunk(b"IDAT", zlib.compress(b"\0"))
    )
    assert read_image(io.BytesIO(bomb)) == ImageFacts("image/png", 60_000, 60_000)


def test_ever_new_markers_come_to_an_end():
    assert (
        expect(UnreadableFile, read_image(io.BytesIO(b"\xff\xd8" + b"\xff\xd0" * 2_000_000))).kind
        == "damaged"
    )
    assert (
        expect(UnreadableFile, read_image(io.BytesIO(b"\xff\xd8" + b"\xff" * 4_000_000))).kind
        == "damaged"
    )
