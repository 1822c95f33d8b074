"""What kind of file begins with these bytes: the real format, whatever its name says.

What it may not do: read files, or judge whether the format is welcome.

How it works: signatures at fixed places, then the brands of an ISO file or the type of
a RIFF file, then text. Only the formats of the API's table need to be exact; the others
are there so that an error can say what a file is instead. Of an ISO file's brands the
first says who wrote it, the others what can read it: a phone's or a camera's brand
beside a common one is a plain MP4.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD = 512
"""As many bytes of a file's beginning are enough."""


@dataclass(frozen=True, slots=True)
class Format:
    """``name`` with its article (``a GIF image``); ``mime`` is empty for what the API
    takes nowhere. ``binary``: no text."""

    name: str
    mime: str = ""
    help: tuple[str, ...] = ()
    binary: bool = True


JPEG = Format("a JPEG image", "image/jpeg")
PNG = Format("a PNG image", "image/png")
BMP = Format("a BMP image", "image/bmp")
WEBP = Format("a WebP image", "image/webp")
WAV = Format("a WAV sound", "audio/wav")
MP3 = Format("an MP3 sound", "audio/mpeg")
MP4 = Format("an MP4 video", "video/mp4")
MOV = Format("a QuickTime video", "video/quicktime")
THREE_GP = Format("a 3GP video")
M4A = Format("an M4A sound")
UNKNOWN = Format("in a format that is not known here")

_LFS = Format(
    "a Git LFS pointer, not the file itself",
    help=(
        "fetch the file with: git lfs pull",
        "in CI, check out with LFS (actions/checkout: lfs: true)",
    ),
)

_SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", Format("a GIF image")),
    (b"GIF89a", Format("a GIF image")),
    (b"II*\0", Format("a TIFF image")),
    (b"MM\0*", Format("a TIFF image")),
    (b"\0\0\x01\0", Format("an ICO image")),
    (b"8BPS", Format("a Photoshop image")),
    (b"\xff\x0a", Format("a JPEG XL image")),
    (b"\0\0\0\x0cJXL ", Format("a JPEG XL image")),
    (b"\0\0\0\x0cjP  ", Format("a JPEG 2000 image")),
    (b"\x1a\x45\xdf\xa3", Format("a WebM or Matroska video")),
    (b"FLV\x01", Format("a Flash video")),
    (b"\0\0\x01\xba", Format("an MPEG program stream")),
    (b"\x30\x26\xb2\x75", Format("a Windows Media file")),
    (b"OggS", Format("an Ogg file")),
    (b"fLaC", Format("a FLAC sound")),
    (b"FORM", Format("an AIFF sound")),
    (b"#!AMR", Format("an AMR sound")),
    (b"RIFX", Format("a RIFX sound (a WAV with its bytes the other way round)")),
    (b"%PDF-", Format("a PDF document")),
    (b"PK\x03\x04", Format("a ZIP archive")),
    (b"\x1f\x8b", Format("a gzip archive")),
    (b"\x7fELF", Format("a program")),
    (b"version https://git-lfs.github.com/spec/", _LFS),
)

_RIFF = {b"WEBP": WEBP, b"WAVE": WAV, b"AVI ": Format("an AVI video")}

_HEIC = Format("a HEIC image")

_BRANDS: tuple[tuple[bytes, Format], ...] = (
    (b"qt  ", MOV),
    (b"heic", _HEIC),
    (b"heix", _HEIC),
    (b"heim", _HEIC),
    (b"heis", _HEIC),
    (b"hevc", _HEIC),
    (b"hevx", _HEIC),
    (b"mif1", _HEIC),
    (b"msf1", _HEIC),
    (b"avif", Format("an AVIF image")),
    (b"avis", Format("an AVIF image")),
    (b"3g", THREE_GP),
    (b"M4A", M4A),
    (b"M4B", M4A),
    (b"M4P", M4A),
    (b"F4A", M4A),
    (b"crx", Format("a Canon raw image")),
)
"""What the first brand of an ISO file says; any other is an MP4 of someone's."""

_PLAIN_BRANDS = (b"iso", b"mp4", b"avc1", b"hvc1", b"M4V", b"MSNV", b"XAVC", b"dash", b"cmf")
"""What the brands begin with that say that every reader of MP4 can read the file."""

_OLD_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""Boxes that files begin with which were made before there was ``ftyp``."""


def sniff(head: bytes) -> Format:
    """The format of a file that begins with ``head``."""
    for signature, found in _SIGNATURES:
        if head.startswith(signature):
            return found
    if head[:4] in (b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return WAV
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], Format("a RIFF file of another kind"))
    if head[4:8] == b"ftyp":
        return _by_brands(head)
    if head[4:8] in (b"styp", b"moof", b"sidx"):
        return _PIECE
    if head[4:8] in _OLD_QUICKTIME:
        return MOV
    if head[:2] == b"BM" and (head[6:10] == bytes(4) or head[14:18] in _BMP_HEADERS):
        return BMP
    if len(head) > 2 * _TS_PACKET and {head[0], head[_TS_PACKET], head[2 * _TS_PACKET]} == {0x47}:
        return Format("an MPEG transport stream")
    if head[:2] == b"\xff\xfe" and (text := _text(head)):
        return text
    return _mpeg_audio(head) or _text(head) or UNKNOWN


_BMP_HEADERS = frozenset(bytes((size, 0, 0, 0)) for size in (12, 16, 40, 52, 56, 64, 108, 124))
_TS_PACKET = 188
"""Bytes of a packet of an MPEG transport stream."""
_PIECE = Format(
    "a piece of a fragmented video without its beginning",
    help=("download the whole video, not one segment of it",),
)


def _by_brands(head: bytes) -> Format:
    first, end = head[8:12], min(int.from_bytes(head[:4], "big"), len(head))
    others = [head[at : at + 4] for at in range(16, end - 3, 4)]
    found = next((found for brand, found in _BRANDS if first.startswith(brand)), MP4)
    plain = any(brand.startswith(_PLAIN_BRANDS) for brand in (first, *others))
    if found is THREE_GP and plain:
        return MP4
    if found is MP4 and b"qt  " in others and not plain:
        return MOV
    return found


def _mpeg_audio(head: bytes) -> Format | None:
    if head[:3] == b"ID3":
        return MP3
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    layer = head[1] >> 1 & 3
    if layer == 0:
        return Format("an AAC sound")
    whole = head[1] >> 3 & 3 != 1 and head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3
    if not whole:
        return None
    return MP3 if layer == 1 else Format("an MPEG sound of layer I or II")


def _text(head: bytes) -> Format | None:
    coding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = head.decode(coding, "ignore").lstrip("\ufeff").lstrip().lower()
    if not text or len(text) < len(head) / 4 or any(c < " " and c not in "\t\r\n\f" for c in text):
        return None
    if text.startswith(("<!doctype html", "<html")):
        return Format(
            "a web page",
            help=("the address probably led to a page about the file; download the file itself",),
            binary=False,
        )
    if text.startswith("<svg") or "<svg" in text:
        return Format("an SVG drawing", binary=False)
    return Format("a text file", binary=False)
