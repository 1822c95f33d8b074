"""Sounds made from numbers: waves on a shore, and a voice that says nothing.

What it may not do: draw a sample by chance without a seed.

How it works: samples are floats from -1 to 1. The sea is filtered noise that swells and
breaks; gulls are gliding tones. The voice is a buzz at the pitch of a sentence, shaped
by three resonances that move from vowel to vowel (formant synthesis), with hiss for
consonants.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Sequence

RATE = 22050


def waves(seconds: float) -> list[float]:
    """Surf in the swell of a calm evening, with two gulls far off."""
    chance = random.Random(21)
    low = body = hiss = 0.0
    samples = []
    for k in range(round(seconds * RATE)):
        t = k / RATE
        noise = chance.uniform(-1, 1)
        low += 0.012 * (noise - low)
        body += 0.09 * (noise - body)
        hiss += 0.5 * (noise - hiss)
        swell = (0.5 + 0.5 * math.sin(math.tau * (t / 3.6 - 0.2))) ** 2.2
        breaking = max(0.0, math.sin(math.tau * (t / 3.6 - 0.32))) ** 5
        samples.append(2.6 * low * (0.4 + swell) + 0.55 * body * swell + 0.22 * hiss * breaking)
    for start, pitch in ((0.9, 1500), (1.35, 1380), (2.9, 1640), (3.25, 1520)):
        _gull(samples, start, pitch)
    return _faded(_levelled(samples, 0.7), 0.4)


def _gull(samples: list[float], start: float, pitch: float) -> None:
    phase = 0.0
    for k in range(round(0.34 * RATE)):
        part = k / (0.34 * RATE)
        phase += math.tau * pitch * (1 + 0.22 * math.sin(math.pi * part) - 0.18 * part) / RATE
        at = round(start * RATE) + k
        if at < len(samples):
            samples[at] += (
                0.035
                * math.sin(math.pi * part) ** 1.5
                * (math.sin(phase) + 0.4 * math.sin(2 * phase))
            )


_VOWELS = {
    "a": (780, 1250, 2600),
    "e": (480, 1950, 2550),
    "i": (310, 2250, 2900),
    "o": (470, 880, 2500),
    "u": (340, 780, 2350),
    "m": (260, 1050, 2200),
}
"""The first three formants in Hz, about those of a woman's voice."""

_SENTENCE = "ma-no e-la ti-mu a-so, le-a ni-o me-da u-a"


def voice(seconds: float) -> list[float]:
    """A sentence of vowels at the pace of speech, ``seconds`` long."""
    syllables = [sound for sound in _SENTENCE if sound != "-"]
    each = seconds * RATE / len(syllables)
    chance = random.Random(2)
    bank = [_Resonance() for _ in range(3)]
    formants = [float(f) for f in _VOWELS["a"]]
    samples, phase, loud = [], 0.0, 0.0
    for k in range(round(seconds * RATE)):
        place = k / each
        sound = syllables[min(int(place), len(syllables) - 1)]
        voiced = sound in _VOWELS
        loud += 0.0011 * ((0.0 if sound in " ," else 1.0 if voiced else 0.35) - loud)
        target = _VOWELS.get(sound, formants)
        formants = [f + 0.0016 * (goal - f) for f, goal in zip(formants, target, strict=True)]
        phase += (
            205 + 28 * math.sin(place * 0.9) - 34 * k / (seconds * RATE) + 3 * math.sin(place * 21)
        ) / RATE
        pulse = (phase % 1.0) ** 3 - 0.25 if voiced else 0.0
        breath = chance.uniform(-1, 1) * (0.03 if voiced else 0.3)
        out = sum(
            r.step(pulse + breath, f, 60 + 0.05 * f) * g
            for r, f, g in zip(bank, formants, (1.0, 0.6, 0.3), strict=True)
        )
        samples.append(out * loud)
    return _faded(_levelled(samples, 0.75), 0.03)


class _Resonance:
    """A two-pole filter whose frequency may move; ``step`` takes and gives one
    sample."""

    def __init__(self) -> None:
        self.before = self.last = 0.0

    def step(self, sample: float, frequency: float, bandwidth: float) -> float:
        radius = math.exp(-math.pi * bandwidth / RATE)
        out = (
            (1 - radius) * sample
            + 2 * radius * math.cos(math.tau * frequency / RATE) * self.last
            - radius * radius * self.before
        )
        self.before, self.last = self.last, out
        return out


def _levelled(samples: Sequence[float], peak: float) -> list[float]:
    loudest = max(abs(s) for s in samples)
    return [s * peak / loudest for s in samples]


def _faded(samples: Sequence[float], fade_s: float) -> list[float]:
    """With the beginning and the end drawn to silence over ``fade_s`` seconds."""
    ramp, last = fade_s * RATE, len(samples) - 1
    return [s * min(1.0, k / ramp, (last - k) / ramp) for k, s in enumerate(samples)]


def as_pcm(samples: Sequence[float]) -> array[int]:
    """16-bit samples."""
    return array("h", (round(32767 * s) for s in samples))
