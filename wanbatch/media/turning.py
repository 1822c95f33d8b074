"""How a picture is turned before it is shown: EXIF's orientation, and the matrix of a
video track.

What it may not do: read files, or decode.

How it works: both notations come down to EXIF's eight orientations, so that photos,
stills, posters and clips are turned by one table. A matrix that is none of the eight (a
slant) turns nothing. Facts: EXIF 2.32 (tag 0x0112), ISO/IEC 14496-12 (``tkhd``,
``mvhd``).
"""

from __future__ import annotations

import struct

from PIL import Image

UPRIGHT = 1
"""The orientation of a picture that is shown as it is stored (Exif)."""

_SIDEWAYS = frozenset({5, 6, 7, 8})
_MOST_ENTRIES = 1000
"""Of an image file directory; cameras write about 20."""

_LONG = 4
"""The type that some programs give the tag instead of a short number."""

_BY_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Matrix = tuple[int, int, int, int]
"""a, b, c, d of x' = a x + c y, y' = b x + d y, y downwards; 16.16 fixed point or any
other scale."""

IDENTITY: Matrix = (1, 0, 0, 1)
"""Turns nothing."""

_BY_MATRIX: dict[Matrix, int] = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


def turn(image: Image.Image, orientation: int) -> Image.Image:
    """``image`` as it is to be shown."""
    method = _BY_ORIENTATION.get(orientation)
    return image if method is None else image.transpose(method)


def turned_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """The sides as shown."""
    return (height, width) if orientation in _SIDEWAYS else (width, height)


def orientation_of(track: Matrix, movie: Matrix = IDENTITY) -> int:
    """What a track's matrix does, and after it the whole movie's."""
    (a, b, c, d), (e, f, g, h) = _signs(track), _signs(movie)
    both = (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)
    return _BY_MATRIX.get(both, UPRIGHT)


def _signs(matrix: Matrix) -> Matrix:
    """The matrix without its scale: each number as -1, 0 or 1; what is small beside the
    largest is 0."""
    largest = max(map(abs, matrix))
    a, b, c, d = ((n > 0) - (n < 0) if 16 * abs(n) > largest else 0 for n in matrix)
    return a, b, c, d


def read_orientation(exif: bytes) -> int:
    """The orientation in a block of EXIF data (the TIFF structure, with or without
    ``Exif`` before it).

    Broken data say nothing: upright.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for number in range(min(count, _MOST_ENTRIES)):
            entry = first + 2 + 12 * number
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if tag == 0x0112:
                layout = "I" if kind == _LONG else "H"
                (value,) = struct.unpack_from(order + layout, tiff, entry + 8)
                return value if value in _BY_ORIENTATION else UPRIGHT
    except struct.error:
        pass
    return UPRIGHT
