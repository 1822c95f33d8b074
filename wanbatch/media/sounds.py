"""Sounds by their packets: how long they play.

What it may not do: decode, or believe the length that a header states (a wrong Xing frame is common, and a false one easy).

How it works: FFmpeg takes the file apart into packets; the length is the sum of theirs, less what the file marks as the encoder's
padding. FFmpeg makes packets of anything, but gives a duration only to those that are frames of sound; that tells an MP3 from bytes that
are only called one.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from io import BufferedReader

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from wanbatch.media.container import Undecodable, has_codec, opened
from wanbatch.media.files import file_length
from wanbatch.media.formats import HEAD, MP3, WAV, sniff
from wanbatch.media.model import AudioFacts, Unreadable

MOST_PACKETS = 100_000
"""Counting stops here, far beyond the limit of 30 seconds: 40 minutes of MP3, 400 MB of WAV."""

_UNKNOWN_LENGTH = frozenset({0, 0xFFFFFFFF, 0xFFFFFFFF - 0x24, 0x7FFFFFFF})
"""What programs that write a WAV into a pipe state as its length."""


def read_audio(file: BufferedReader) -> AudioFacts | Unreadable:
    """The facts of an open file. Raises ``OSError`` where reading fails."""
    file.seek(0)
    found = sniff(file.read(HEAD))
    if found not in (MP3, WAV):
        return Unreadable("format", found.name, found.help)
    if found is WAV and (missing := _missing_from_wav(file)):
        return Unreadable("damaged", f"it is truncated: {missing} bytes of sound are missing")
    file.seek(0)
    try:
        with opened(file, "mp3" if found is MP3 else "wav") as container:
            return _audio_facts(container, found.mime)
    except Undecodable as error:
        return Unreadable("damaged", f"FFmpeg cannot read it: {error}")


def _audio_facts(container: InputContainer, mime: str) -> AudioFacts | Unreadable:
    if not container.streams.audio or not has_codec(container.streams.audio[0]):
        return Unreadable("damaged", "it holds no sound")
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
        return Unreadable("damaged", "it holds no sound")
    return AudioFacts(mime, float(ticks * tick))


def _padding(packet: Packet[AudioStream], rate: int, tick: Fraction) -> int:
    """What a player leaves out of a packet, in ticks: two counts of samples, from its beginning and from its end."""
    if not packet.has_sidedata("skip_samples"):
        return 0
    first, last = struct.unpack_from("<II", bytes(packet.get_sidedata("skip_samples")))
    return int(Fraction(first + last, rate) / tick)


def _missing_from_wav(file: BufferedReader) -> int:
    """Bytes that the ``data`` chunk claims beyond the end of the file."""
    length, offset = file_length(file), 12
    while offset + 8 <= length:
        file.seek(offset)
        kind, size = struct.unpack("<4sI", file.read(8))
        if kind == b"data":
            return 0 if size in _UNKNOWN_LENGTH else max(0, offset + 8 + size - length)
        offset += 8 + size + size % 2
    return 0
