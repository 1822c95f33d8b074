"""What the emulated API takes: its media types, the combinations of them, its sizes.

What it may not do: look at the tables that the checks use. The emulator is a second
reading of the API's documentation; if one of the two is wrong, a test that compares
them fails.

Source: the parameter tables of wan2.7-i2v in the provider's documentation.
"""

from __future__ import annotations

from typing import Literal

MediaType = Literal["first_frame", "last_frame", "driving_audio", "first_clip"]

MEDIA_TYPES: tuple[MediaType, ...] = ("first_frame", "last_frame", "driving_audio", "first_clip")
"""In the order in which an error message names them."""

LEGAL_COMBINATIONS = frozenset(
    frozenset(combination)
    for combination in (
        ("first_frame",),
        ("first_frame", "last_frame"),
        ("first_frame", "driving_audio"),
        ("first_frame", "last_frame", "driving_audio"),
        ("first_clip",),
        ("first_clip", "last_frame"),
    )
)
"""A request with any other set of media is refused."""

Size = Literal["720P", "1080P"]
SIZES: tuple[Size, ...] = ("720P", "1080P")
