"""Sounds by their packets: how long they play.

What it may not do: decode, or believe the length that a header states (a wrong Xing
frame is common, and a false one easy).

How it works: ``wav`` and ``mp3`` say which bytes of the file are sound; FFmpeg takes
those apart into packets; the length is the sum of theirs, less what the file marks as
the encoder's padding. FFmpeg makes packets of anything, but gives a duration only to
those that are frames of sound; that tells an MP3 from bytes that are only called one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, Literal

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from wanbatch.media.container import MOST_PACKETS, Undecodable, has_codec, opened
from wanbatch.media.formats import HEAD, MP3, UNKNOWN, WAV, Format, sniff
from wanbatch.media.leftovers import blanks_before, stand
from wanbatch.media.mp3 import find_frames
from wanbatch.media.wav import PLAUSIBLE_S, REMARKED_S, WavLayout, read_layout
from wanbatch.media.window import Window
from wanbatch.model.media import AudioFacts, UnreadableFile
from wanbatch.words.files import file_length


@dataclass(frozen=True, slots=True)
class _Found:
    """The part of a file that is sound."""

    format: Literal["mp3", "wav"]
    part: Window
    remark: str = ""

    @property
    def mime(self) -> str:
        return (MP3 if self.format == "mp3" else WAV).mime


def read_audio(file: BinaryIO) -> AudioFacts | UnreadableFile:
    """The facts of an open file. Raises ``OSError`` where reading fails."""
    found = _find(file)
    if isinstance(found, UnreadableFile):
        return found
    try:
        with opened(found.part, found.format) as container:
            return _audio_facts(container, found.mime, found.remark)
    except Undecodable as error:
        return UnreadableFile("damaged", f"FFmpeg cannot read it: {error}")


@contextmanager
def opened_sound(file: BinaryIO) -> Iterator[InputContainer]:
    """The container of what ``read_audio`` takes for sound in an open file, to decode
    it.

    Raises ``Undecodable`` where there is none, ``OSError`` where reading fails.
    """
    found = _find(file)
    if isinstance(found, UnreadableFile):
        raise Undecodable(found.problem)
    with opened(found.part, found.format) as container:
        yield container


def has_sound_alone(file: BinaryIO) -> bool:
    """Whether an open file is a WAV or an MP3, and not a video with sound."""
    return isinstance(_find(file), _Found)


def _find(file: BinaryIO) -> _Found | UnreadableFile:
    length = file_length(file)
    file.seek(0)
    head = file.read(HEAD)
    format_ = sniff(head)
    if before := blanks_before(head, b"RIFF"):
        return UnreadableFile("damaged", f"{stand(before, head[:before])} before its header")
    if format_ is WAV:
        return _find_wav(file, length)
    if format_ is MP3 or format_ is UNKNOWN or not format_.binary:
        return _find_mp3(file, length, format_)
    return UnreadableFile("format", format_.name, format_.help)


def _find_wav(file: BinaryIO, length: int) -> _Found | UnreadableFile:
    layout = read_layout(file, length)
    if layout is None:
        return UnreadableFile("damaged", "it holds no sound")
    if layout.missing and layout.stated_s <= PLAUSIBLE_S:
        return UnreadableFile(
            "damaged", f"it is truncated: {layout.missing} bytes of sound are missing", _CUT
        )
    part = Window(file, layout.start, layout.end, layout.head)
    return _Found("wav", part, _remark(file, layout))


_CUT = (
    "copy, download or export it again",
    "if it is whole, save it anew: the length in it is wrong",
)


def _remark(file: BinaryIO, layout: WavLayout) -> str:
    file.seek(0)
    if file.read(4) != b"RIFF":
        return "it is an RF64 file, a WAV for long recordings that not every reader takes"
    if layout.missing and layout.stated_s <= REMARKED_S:
        return f"its header says {layout.stated_s:.0f} s, and so much is not there"
    return ""


def _find_mp3(file: BinaryIO, length: int, format_: Format) -> _Found | UnreadableFile:
    span = find_frames(file, length)
    if span is None:
        if format_ is MP3:
            return UnreadableFile("damaged", "it holds no sound")
        return UnreadableFile("format", format_.name, format_.help)
    if span.free:
        return UnreadableFile("format", "an MP3 sound of a free bit rate", _FREE)
    return _Found("mp3", Window(file, span.start, span.end))


_FREE = ("few decoders read it; encode it with a constant or a variable bit rate",)


def _audio_facts(container: InputContainer, mime: str, remark: str) -> AudioFacts | UnreadableFile:
    if not container.streams.audio or not has_codec(container.streams.audio[0]):
        return UnreadableFile("damaged", "it holds no sound")
    stream = container.streams.audio[0]
    tick = stream.time_base or Fraction(1, stream.rate)
    ticks = frames = others = 0
    for packet in container.demux(stream):
        if packet.duration:
            ticks += packet.duration - _padding(packet, stream.rate, tick)
            frames += 1
        elif packet.size:
            others += 1
        if frames + others > MOST_PACKETS:
            break
    if ticks <= 0 or others > frames:
        return UnreadableFile("damaged", "it holds no sound")
    return AudioFacts(mime, float(ticks * tick), remark)


def _padding(packet: Packet[AudioStream], rate: int, tick: Fraction) -> int:
    """What a player leaves out of a packet, in ticks: two counts of samples, from its
    beginning and from its end."""
    if not packet.has_sidedata("skip_samples"):
        return 0
    first, last = struct.unpack_from("<II", bytes(packet.get_sidedata("skip_samples")))
    return int(Fraction(first + last, rate) / tick)
