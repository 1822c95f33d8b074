"""Images by their headers: pixels as shown, transparency, and whether a decoder can
make a picture of the file.

What it may not do: decode what has nothing odd about it, or what is larger than the API
takes.

How it works: the header says the size, and the structure whether the file is whole.
Where the file breaks a rule of its format outside the picture itself, decoders are
asked: what both read is taken, what only one reads is taken with a remark, for no one
knows which of them the API uses. A picture that is cut is damaged, though FFmpeg would
fill it up with grey. Decoders take a tenth of a second to load, and wait until a file
needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from wanbatch.media.formats import HEAD, JPEG, PNG, WEBP, Format, sniff
from wanbatch.media.image_headers import CUT, Damaged, Header, read_header
from wanbatch.media.leftovers import blanks_before, stand
from wanbatch.media.limits import LIMITS, MEGABYTE
from wanbatch.media.loading import load_decoders
from wanbatch.media.turning import turn, turned_size
from wanbatch.model.media import ImageFacts, UnreadableFile
from wanbatch.words.files import file_length

if TYPE_CHECKING:
    from PIL import Image

LONGEST = 64 * 2**20
"""Longer files are judged by their first part alone: they are over every limit, and
need not be read through."""

_MOST_BYTES = LIMITS["image"].megabytes * MEGABYTE
"""Of a file that decoders are asked about; a larger one is refused whatever they
say."""

_STARTS = ((b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG), (b"RIFF", WEBP))


def read_image(file: BinaryIO) -> ImageFacts | UnreadableFile:
    """The facts of an open file. Raises ``OSError`` where reading fails."""
    length = file_length(file)
    file.seek(0)
    data = file.read(LONGEST)
    found, before = _format(data)
    try:
        header = read_header(found, data[before:], whole=length == len(data))
        if header is None:
            return UnreadableFile("format", found.name, found.help)
        if before:
            header.oddity = f"{stand(before, data[:before])} before the picture"
        if header.width <= 0 or header.height <= 0:
            raise Damaged(f"its header says {header.width} x {header.height} px")
        remark = _remark(header, data) if length == len(data) else ""
    except Damaged as error:
        return UnreadableFile("damaged", str(error))
    sides = turned_size(header.width, header.height, header.orientation)
    return ImageFacts(found.mime, *sides, header.transparency, header.orientation, remark)


def decode_picture(file: BinaryIO, facts: ImageFacts) -> Image.Image:
    """The picture of an open file as it is shown, by the first decoder that reads it.

    Raises ``ValueError`` where none does, ``OSError`` where reading fails.
    """
    load_decoders()
    from wanbatch.media import decoders

    file.seek(0)
    data = file.read(LONGEST)
    return turn(decoders.decode_image(data, _format(data)[0]), facts.orientation)


def _format(data: bytes) -> tuple[Format, int]:
    """The format, and how many blanks stand before the picture: what was pasted or
    served with a line end before it."""
    head = data[:HEAD]
    found = sniff(head)
    if not found.mime:
        for start, image_format in _STARTS:
            if before := blanks_before(head, start):
                return image_format, before
    return found, 0


def _remark(header: Header, data: bytes) -> str:
    """What to remark about an image that breaks a rule. Raises ``Damaged`` where no
    decoder makes the picture of it."""
    if not header.oddity:
        return ""
    load_decoders()
    from wanbatch.media import decoders

    too_big = len(data) > _MOST_BYTES or header.width * header.height > decoders.MOST_PIXELS
    if too_big:
        return ""
    if header.unended and not decoders.has_all_pixels(data):
        raise Damaged(CUT)
    pillow = decoders.pillow_reads(data, header.format)
    ffmpeg = decoders.ffmpeg_reads(data, header.format)
    if pillow and ffmpeg:
        return ""
    if not pillow and not ffmpeg:
        raise Damaged(header.oddity)
    reads, refuses = ("Pillow", "FFmpeg") if pillow else ("FFmpeg", "Pillow")
    return f"{header.oddity}; {reads} reads it, {refuses} does not"
