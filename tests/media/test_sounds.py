"""Sounds as the field makes them: lengths that stand for none, and MP3 frames between
other things."""

from __future__ import annotations

import io
import random
import struct

import pytest
from expecting import expect

from wanbatch.emulator.examine import examine
from wanbatch.emulator.video.soundtrack import RATE, sound_frames
from wanbatch.media.sounds import read_audio
from wanbatch.model.media import AudioFacts, UnreadableFile

PCM = bytes(range(256)) * 48
"""12,288 bytes: 3.072 s at 4,000 samples of one byte."""


def coding(tag=1, channels=1, bits=8, more=b""):
    block = channels * bits // 8
    body = struct.pack("<HHIIHH", tag, channels, 4000, 4000 * block, block, bits) + more
    return b"fmt " + struct.pack("<I", len(body)) + body


def chunk(kind, content):
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def wav(*, stated=None, riff=None, before=b"", after=b"", fmt=None, data=PCM):
    stated = len(data) if stated is None else stated
    body = b"WAVE" + before + (fmt or coding()) + b"data" + struct.pack("<I", stated) + data + after
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


def rf64(length, magic=b"RF64"):
    sizes = chunk(b"ds64", struct.pack("<QQQI", length, length, length, 0))
    return magic + b"\xff" * 4 + b"WAVE" + sizes + coding() + b"data" + b"\xff" * 4 + PCM


EXTENSIBLE = struct.pack("<HHI", 22, 8, 4) + b"\1\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"


@pytest.mark.parametrize(
    "content",
    [
        *(wav(stated=n) for n in (0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFFF - 36)),
        *(wav(stated=n) for n in (0x7FFFFFFF - 36, 2_000_000_000, 1_000_000_000, 0x3FFFFFFF, 0xFFFFFF)),
        wav(riff=0), wav(riff=36), wav(riff=0xFFFFFFFF, stated=0xFFFFFFFF), wav(riff=0, stated=0),
        wav(stated=len(PCM) + 36), wav(stated=len(PCM) + 1),
        wav(before=chunk(b"LIST", b"INFOISFT\x04\0\0\0abcd")), wav(before=chunk(b"JUNK", b"odd")),
        wav(before=chunk(b"bext", bytes(602)), stated=0xFFFFFFFF), wav(after=chunk(b"LIST", b"INFO" * 50)),
        wav(after=b"\r\n"), wav(fmt=coding(0xFFFE, more=EXTENSIBLE)), wav(fmt=coding(0xFFFE, more=EXTENSIBLE), stated=0),
    ],
)  # fmt: skip
def test_the_bytes_of_a_wav_count_whatever_its_header_says(content):
    assert read_audio(io.BytesIO(content)) == AudioFacts("audio/wav", 3.072)
    assert examine("driving_audio", content) is None


@pytest.mark.parametrize("length", [len(PCM), 0, 2**50, 2**64 - 1])
@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
def test_a_wav_of_the_long_kind_is_taken_with_a_remark(length, magic):
    facts = expect(AudioFacts, read_audio(io.BytesIO(rf64(length, magic))))
    assert (facts.mime, facts.seconds) == ("audio/wav", 3.072)
    assert "RF64" in facts.remark


def test_a_length_that_was_meant_and_is_not_there_is_damage():
    found = expect(UnreadableFile, read_audio(io.BytesIO(wav(stated=len(PCM) * 2))))
    assert (found.kind, found.problem) == (
        "damaged",
        "it is truncated: 12288 bytes of sound are missing",
    )
    assert "save it anew" in found.help[1]
    facts = expect(AudioFacts, read_audio(io.BytesIO(wav(stated=4000 * 300))))
    assert (facts.seconds, facts.remark) == (
        3.072,
        "its header says 300 s, and so much is not there",
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"RIFF\0\0\0\0WAVE" + chunk(b"data", PCM), "it holds no sound"),
        (b"RIFF\0\0\0\0WAVE" + coding(), "it holds no sound"),
        (b"\r\n" + wav(), "2 bytes (a line end) stand before its header"),
        (b"RIFF\0\0\0\0WAVE" + b"JUNK\0\0\0\0" * 200_000, "it holds no sound"),
    ],
)
def test_a_wav_without_sound_says_so(content, problem):
    assert expect(UnreadableFile, read_audio(io.BytesIO(content))).problem == problem


def synchsafe(size):
    return bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])


def id3(length, *, stated=None, footer=False, filling=b"\0"):
    head = (
        b"ID3\4\0"
        + (b"\x10" if footer else b"\0")
        + synchsafe(length if stated is None else stated)
    )
    return (
        head
        + (filling * (length // len(filling) + 1))[:length]
        + (b"3DI\4\0\x10" + synchsafe(length) if footer else b"")
    )


def ape(length):
    def mark(flags):
        return b"APETAGEX" + struct.pack("<IIII", 2000, length + 32, 0, flags) + bytes(8)

    return mark(0xA0000000) + random.Random(5).randbytes(length) + mark(0x80000000)


def lyrics():
    body = b"LYRICSBEGININD0000200" + b"la " * 100
    return body + f"{len(body):06d}LYRICS200".encode()


NOISE = random.Random(4).randbytes(5000)
BEFORE = {
    "zeros": bytes(256),
    "many zeros": bytes(70_000),
    "line ends": b"\r\n\r\n",
    "many line ends": b"\n" * 900,
    "blanks": b" " * 50,
    "a byte order mark": b"\xef\xbb\xbf",
    "the header of a reply": b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n",
    "the size of a piece": b"1f40\r\n",
    "noise": NOISE,
    "a tag": id3(400),
    "a tag with a footer": id3(400, footer=True),
    "two tags": id3(10) + id3(3000),
    "a tag too long": id3(400, stated=9_000_000),
    "a tag too short": id3(9000, stated=10),
    "a cover of a wrong length": id3(
        100_000, stated=300, filling=random.Random(6).randbytes(100_000)
    ),
    "a tag and zeros": id3(10) + bytes(600),
    "zeros and a tag": bytes(300) + id3(40),
    "an APE tag": ape(900),
}
BEHIND = {
    "ID3v1": b"TAG" + b"x" * 125,
    "APE": ape(200_000),
    "APE and ID3v1": ape(200_000) + b"TAG" + bytes(125),
    "lyrics": lyrics() + b"TAG" + bytes(125),
    "a tag at the end": id3(300, footer=True),
}


@pytest.fixture
def frames(mp3):
    """An MP3 of 2.5 s that begins with its first frame."""
    content = mp3(seconds=2.5).read_bytes()
    return content[content.index(b"\xff\xf3") :]


@pytest.mark.parametrize("before", BEFORE)
def test_the_frames_of_an_mp3_are_found_behind(frames, before):
    content = BEFORE[before] + frames
    assert read_audio(io.BytesIO(content)) == AudioFacts("audio/mpeg", 2.5)
    assert examine("driving_audio", content) is None
    assert sum(frame.samples for frame in sound_frames(3, content, 1)) == 3 * RATE


@pytest.mark.parametrize("behind", BEHIND)
def test_tags_behind_the_frames_do_not_count(frames, behind):
    assert read_audio(io.BytesIO(frames + BEHIND[behind])) == AudioFacts("audio/mpeg", 2.5)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"words and words\n" * 900, "a text file"),
        (b'{"code": 1}' * 900, "a text file"),
        ("Grüße ".encode("utf-16") * 300, "a text file"),
        (b"<!DOCTYPE html><html>" + b"x" * 9000, "a web page"),
        (b"\n" * 9000, "in a format that is not known here"),
        (bytes(90_000), "in a format that is not known here"),
        (b"\xff" * 300_000, "in a format that is not known here"),
        (b"\x89PNG\r\n\x1a\n" + bytes(9000), "a PNG image"),
        ((b"G" + bytes(187)) * 50, "an MPEG transport stream"),
        (b"\x7fELF" + NOISE, "a program"),
    ],
)
def test_what_is_no_sound_is_not_taken_for_one(content, problem):
    found = read_audio(io.BytesIO(content))
    assert isinstance(found, UnreadableFile)
    assert (found.kind, found.problem) == ("format", problem)
    fault = examine("driving_audio", content)
    assert fault is not None
    assert fault.code == "InvalidFile.Format"


def test_noise_is_never_sound():
    for seed in range(40):
        chance = random.Random(seed)
        content = chance.choice(
            [b"", b"ID3\4\0\0\0\0\0\x0a", b"\xff\xfb\x90\x64"]
        ) + chance.randbytes(100_000)
        assert isinstance(read_audio(io.BytesIO(content)), UnreadableFile)


def test_sound_inside_another_file_is_no_mp3(frames):
    for head in (b"\x1a\x45\xdf\xa3", b"PK\x03\x04", b"%PDF-1.7\n", b"\0\0\0\x18ftypM4A "):
        assert (
            expect(UnreadableFile, read_audio(io.BytesIO(head + bytes(100) + frames))).kind
            == "format"
        )


def test_a_free_bit_rate_is_named():
    frame = b"\xff\xfb\x04\xc4" + bytes(700)
    found = expect(UnreadableFile, read_audio(io.BytesIO(frame * 100)))
    assert (found.kind, found.problem) == ("format", "an MP3 sound of a free bit rate")


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 24000, 44100, 48000])
def test_every_version_of_mpeg_is_read(tmp_path, rate):
    from fractions import Fraction

    import av

    path = tmp_path / "a.mp3"
    with av.open(str(path), "w") as container:
        track = container.add_stream("libmp3lame", rate=rate, layout="mono")
        track.format = "s16p"
        for start in range(0, 3 * rate, 576):
            frame = av.AudioFrame(format="s16p", layout="mono", samples=min(576, 3 * rate - start))
            frame.planes[0].update(NOISE[: frame.planes[0].buffer_size])
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(track.encode(frame))
        container.mux(track.encode())
    content = b"\r\n" + path.read_bytes()
    assert read_audio(io.BytesIO(content)) == AudioFacts("audio/mpeg", 3.0)
