"""How a film is made to keep a limit in bytes: what to try, what to try next.

What it may not do: I/O, or encode.

How it works: the first try is the good one. What it weighed says how much must go:
x264's size halves with six steps of its quality (crf), and shrinks with the pixels, a
little slower than they do. Quality goes first, as far as a film still looks fair; then
the picture gets smaller, then the sound thinner, then the quality goes as far as it
can. The estimate is checked by encoding, and made again from what that weighed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil, log2

from wanbatch.words.errors import ExitCode, WanbatchError

GOOD_CRF = 20.0
"""Looks like the original at the size of a cell."""
FAIR_CRF = 32.0
"""Blocks begin to be seen in motion; a smaller picture looks better from here on."""
WORST_CRF = 46.0
"""Beyond it nothing is left to see."""
SMALLEST_SCALE = 0.2
"""Of 1920 pixels 384 are left."""
SOUND_RATES = (128_000, 64_000, 32_000)
"""Bits a second of AAC stereo: good, fair, speech."""
MARGIN = 0.94
"""The part of the limit that an estimate aims at: it misses by a few percent."""
_STEPS_TO_HALF = 6.0
"""Of crf; x264's rule of thumb, measured within 10 % on the emulator's videos."""
_PIXEL_POWER = 0.8
"""Bytes shrink with the pixels to this power (measured on the same)."""
MOST_TRIES = 6
"""Each costs a whole encoding; the second mostly fits, the third nearly always."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What an encoding is made with. ``scale`` is that of the layout."""

    crf: float = GOOD_CRF
    scale: float = 1.0
    sound_rate: int = SOUND_RATES[0]


def next_setting(
    tried: Setting, weighed: int, limit: int, seconds: float, *, has_audio: bool
) -> Setting | None:
    """What to try after ``tried`` weighed too much; ``None`` where nothing is left."""
    sound_rate = _sound_rate(limit, seconds) if has_audio else tried.sound_rate
    sound = sound_rate / 8 * seconds if has_audio else 0.0
    heard = tried.sound_rate / 8 * seconds if has_audio else 0.0
    wanted = max(1.0, limit * MARGIN - sound)
    pictures = max(1.0, weighed - heard)
    halvings = max(log2(pictures / wanted), 0.05)  # at least a little, or it would not end
    crf = tried.crf + halvings * _STEPS_TO_HALF
    if crf <= FAIR_CRF:
        return Setting(_rounded(crf), tried.scale, sound_rate)
    left = halvings - max(0.0, (FAIR_CRF - tried.crf) / _STEPS_TO_HALF)
    scale = max(SMALLEST_SCALE, tried.scale * 2 ** (-left / (2 * _PIXEL_POWER)))
    left -= log2(tried.scale / scale) * 2 * _PIXEL_POWER
    crf = max(tried.crf, FAIR_CRF) + max(0.0, left) * _STEPS_TO_HALF
    found = Setting(_rounded(min(crf, WORST_CRF)), scale, sound_rate)
    return found if found != tried else None


def _sound_rate(limit: int, seconds: float) -> int:
    """The best whose sound takes a quarter of the limit at most."""
    most = limit * 8 / max(seconds, 0.1) / 4
    return next((rate for rate in SOUND_RATES if rate <= most), SOUND_RATES[-1])


def _rounded(crf: float) -> float:
    return min(WORST_CRF, ceil(crf * 2) / 2)


_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([kKmMgG]?)([iI]?)[bB]?")
_UNITS = {"": 0, "k": 1, "m": 2, "g": 3}


def parse_size(text: str) -> int:
    """Bytes of ``10MB``, ``8MiB``, ``900k`` or a bare number. Raises ``WanbatchError``
    (2)."""
    found = _SIZE.fullmatch(text.strip())
    if found is not None:
        step = 1024 if found[3] else 1000
        size = int(float(found[1]) * step ** _UNITS[found[2].lower()])
        if size > 0 and not (found[3] and not found[2]):
            return size
    raise WanbatchError(
        ExitCode.INVALID, f"--max-bytes {text[:40]!r} is no size", "for example: 10MB, 8MiB, 900k"
    )
