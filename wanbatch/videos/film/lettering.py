"""The words in a film: headings, names, what a cell without a video says.

What it may not do: know where words stand (``layout`` does), or draw a character that
is not in the font as an empty box.

How it works: Pillow draws, because FFmpeg's own filter for text is not in PyAV's
wheels. Its bundled font has ASCII and little more; a text beyond it is set in the first
font of the system that has all of its characters, and where none has, the missing ones
stand as escapes (U+6E2F as ``\\u6e2f``). Control and direction marks are escapes
always. A text that does not fit is cut in its middle.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from wanbatch.videos.film.layout import Box
from wanbatch.words.quoting import escape_unsafe

BRIGHT, DIM = 205, 150
"""Luma of headings and of captions, in limited range."""
_SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "Arial Unicode.ttf",
)
"""What Linux and macOS have for most scripts; asked for only when a text needs it."""
_LONGEST = 200
"""Letters of a text that are looked at; no cell shows more."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def write(luma: Image.Image, text: str, box: Box, letters: int, glow: int = BRIGHT) -> None:
    """Draws ``text`` on the plane ``luma``, in the middle of ``box``, on one line and
    not beyond it."""
    font, drawable = _set(escape_unsafe(text[:_LONGEST]), letters)
    line = _cut(drawable, font, box.width - letters)
    place = (box.left + box.width / 2, box.top + box.height / 2)
    if line:
        ImageDraw.Draw(luma).text(place, line, fill=glow, font=font, anchor="mm")


def _set(text: str, letters: int) -> tuple[Font, str]:
    """A font that has all of the text, and the text; else the bundled one, and the text
    with escapes."""
    bundled = _bundled(letters)
    if all(_has(bundled, c) for c in text):
        return bundled, text
    for name in _SYSTEM_FONTS:
        font = _system(name, letters)
        if font is not None and all(_has(font, c) for c in text):
            return font, text
    return bundled, "".join(c if _has(bundled, c) else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cut(text: str, font: Font, room: float) -> str:
    if font.getlength(text) <= room:
        return text
    kept = bisect_right(range(2, len(text)), room, key=lambda n: font.getlength(_middle(text, n)))
    return _middle(text, kept + 1) if kept else ""


def _middle(text: str, kept: int) -> str:
    """The text with so many of its letters, half of them at each end."""
    head = (kept + 1) // 2
    return f"{text[:head]}…{text[len(text) - (kept - head) :]}"


@lru_cache
def _bundled(letters: int) -> Font:
    return ImageFont.load_default(letters)


@lru_cache
def _system(name: str, letters: int) -> Font | None:
    try:
        return ImageFont.truetype(name, letters)
    except OSError:
        return None


@lru_cache(maxsize=4096)
def _has(font: Font, character: str) -> bool:
    """Whether the font draws it as something else than what it draws for nothing."""
    return character == " " or _drawn(font, character) != _drawn(font, "\uffff")


def _drawn(font: Font, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)
