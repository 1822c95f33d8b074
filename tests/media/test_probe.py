"""Probes: true facts of true files, a reason for everything else, and never an
exception."""

from __future__ import annotations

import io
import os
import random
import struct
from pathlib import Path

import pytest
from expecting import expect
from PIL import Image

from wanbatch.media.formats import sniff
from wanbatch.media.probe import probe_audio, probe_clip, probe_image, probe_video
from wanbatch.model.media import AudioFacts, ClipFacts, ImageFacts, UnreadableFile, VideoFacts
from wanbatch.words.files import hash_file

EXAMPLES = Path(__file__).parents[2] / "examples" / "specs" / "media"
PROBES = (probe_image, probe_audio, probe_clip, probe_video)


def saved(tmp_path, kind, mode="RGB", size=(300, 260), name="picture", **options):
    path = tmp_path / name
    Image.new(mode, size).save(path, kind, **options)
    return path


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("PNG", "RGB", {}), ("PNG", "L", {}), ("PNG", "1", {}), ("PNG", "P", {}), ("PNG", "I;16", {}),
        ("JPEG", "RGB", {}), ("JPEG", "L", {}), ("JPEG", "CMYK", {}), ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "RGB", {"comment": b"\xff\xd9 not the end"}),
        ("BMP", "RGB", {}), ("BMP", "L", {}), ("BMP", "1", {}), ("BMP", "P", {}),
        ("WEBP", "RGB", {}), ("WEBP", "RGB", {"lossless": True}), ("WEBP", "RGB", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [(300, 260), (1, 1), (241, 4099)])
def test_images_have_the_size_that_their_encoder_gave_them(tmp_path, kind, mode, options, size):
    facts = probe_image(saved(tmp_path, kind, mode, size, **options))
    assert isinstance(facts, ImageFacts)
    assert (facts.mime, facts.width, facts.height, facts.transparency) == (
        f"image/{kind.lower()}",
        *size,
        "",
    )


@pytest.mark.parametrize(
    ("kind", "mode", "options", "says"),
    [
        ("PNG", "RGBA", {}, "an alpha channel"),
        ("PNG", "LA", {}, "an alpha channel"),
        ("PNG", "P", {"transparency": 0}, "transparent colours"),
        ("PNG", "RGB", {"transparency": (0, 0, 0)}, "transparent colours"),
        ("WEBP", "RGBA", {}, "an alpha channel"),
        ("WEBP", "RGBA", {"lossless": True}, "an alpha channel"),
    ],
)
def test_transparency_is_seen(tmp_path, kind, mode, options, says):
    path = tmp_path / "picture"
    Image.new(mode, (300, 260)).save(path, kind, **options)
    if mode == "RGBA":
        Image.new(mode, (300, 260), (1, 2, 3, 100)).save(path, kind, **options)
    assert says in expect(ImageFacts, probe_image(path)).transparency


def test_names_are_not_trusted(tmp_path):
    facts = expect(ImageFacts, probe_image(saved(tmp_path, "JPEG", name="picture.png")))
    assert facts.mime == "image/jpeg"
    trouble = expect(UnreadableFile, probe_image(saved(tmp_path, "GIF", "P", name="other.png")))
    assert (trouble.kind, trouble.problem) == ("format", "a GIF image")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
def test_a_truncated_image_is_damaged_wherever_it_is_cut(tmp_path, kind):
    path = tmp_path / "picture"
    Image.radial_gradient("L").convert("RGB").save(path, kind)
    whole = path.read_bytes()
    for length in {
        *range(16, min(len(whole), 300), 7),
        *range(300, len(whole) - 2, len(whole) // 40),
        len(whole) - 3,
    }:
        path.write_bytes(whole[:length])
        found = probe_image(path)
        assert isinstance(found, UnreadableFile), length
        assert found.kind == "damaged", length


def test_a_flipped_bit_in_a_png_is_found(tmp_path):
    path = saved(tmp_path, "PNG")
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 8] ^= 1
    path.write_bytes(content)
    assert "checksum of its IDAT chunk" in expect(UnreadableFile, probe_image(path)).problem


def png_that_claims(width, height):
    import zlib

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_decompression_bomb_is_measured_not_decoded(tmp_path, recwarn):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_that_claims(2_000_000_000, 2_000_000_000))
    assert probe_image(path) == ImageFacts("image/png", 2_000_000_000, 2_000_000_000)
    path.write_bytes(b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xff" * 6)
    assert expect(ImageFacts, probe_image(path)).width == 2**24
    assert not recwarn.list


def test_an_image_without_pixels_is_damaged(tmp_path):
    path = tmp_path / "none.png"
    path.write_bytes(png_that_claims(0, 720))
    assert expect(UnreadableFile, probe_image(path)).problem == "its header says 0 x 720 px"


@pytest.mark.parametrize("frames", [2.0, 3.5, 30.0])
def test_wav_length_is_that_of_its_samples(wav, frames):
    assert probe_audio(wav(samples=round(frames * 8000))) == AudioFacts("audio/wav", frames)


def test_a_wav_cut_short_is_damaged_and_one_from_a_pipe_is_not(wav):
    path = wav(samples=32000)
    content = bytearray(path.read_bytes())
    path.write_bytes(content[:-1000])
    assert "1000 bytes of sound are missing" in expect(UnreadableFile, probe_audio(path)).problem
    content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert expect(AudioFacts, probe_audio(path)).seconds == pytest.approx(4.0)


def test_mp3_length_leaves_out_the_padding_of_the_encoder(mp3):
    assert probe_audio(mp3(seconds=2.0)) == AudioFacts("audio/mpeg", 2.0)


def test_a_false_length_in_an_mp3_is_not_believed(mp3):
    path = mp3(seconds=3.0)
    content = bytearray(path.read_bytes())
    at = max(content.find(b"Xing"), content.find(b"Info"))
    assert at > 0
    content[at + 8 : at + 12] = struct.pack(">I", 5_000_000)
    path.write_bytes(content)
    assert expect(AudioFacts, probe_audio(path)).seconds == pytest.approx(3.0, abs=0.1)


def test_a_cover_picture_does_not_spoil_an_mp3(mp3):
    path = mp3(seconds=2.0)
    cover = os.urandom(200_000)
    size = len(cover)
    synchsafe = bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    path.write_bytes(
        b"ID3\x04\0\0"
        + synchsafe
        + bytes(size)
        + path.read_bytes()[path.read_bytes().index(b"\xff") :]
    )
    assert expect(AudioFacts, probe_audio(path)).seconds == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    "content",
    [
        b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + random.Random(1).randbytes(50_000),
        b"ID3",
        b"\xff\xfb\x90\x00",
    ],
)
def test_what_is_only_called_mp3_is_damaged(tmp_path, content):
    (tmp_path / "a.mp3").write_bytes(content)
    assert expect(UnreadableFile, probe_audio(tmp_path / "a.mp3")).kind == "damaged"


def test_clips_have_the_facts_of_their_video_track(clip):
    facts = probe_clip(clip(frames=60, fps=25, width=336, height=256, audio_s=3.5))
    assert facts == ClipFacts("video/mp4", 2.4, 336, 256, 25.0, has_audio=True)
    assert expect(ClipFacts, probe_clip(clip("b.mov"))).mime == "video/quicktime"
    assert expect(
        ClipFacts,
        probe_clip(clip("c.mp4", frames=75, options={"movflags": "frag_keyframe+empty_moov"})),
    ).seconds == pytest.approx(2.5, abs=0.04)


def test_a_video_has_the_hash_of_its_bytes_or_the_one_that_is_known(clip):
    path = clip(audio_s=2.0)
    facts = probe_video(path)
    assert facts == VideoFacts(
        hash_file(path), path.stat().st_size, 2.0, 320, 240, 30.0, has_audio=True
    )
    assert expect(VideoFacts, probe_video(path, "known")).sha256 == "known"


@pytest.mark.parametrize(
    "options", [{}, {"movflags": "faststart"}, {"movflags": "frag_keyframe+empty_moov"}]
)
def test_a_truncated_video_is_found_wherever_it_is_cut(clip, options):
    path = clip(frames=30, audio_s=1.0, options=options)
    whole = path.read_bytes()
    for length in {
        0,
        1,
        7,
        8,
        len(whole) - 1,
        len(whole) - 8,
        *range(9, len(whole), len(whole) // 60),
    }:
        path.write_bytes(whole[:length])
        assert isinstance(probe_video(path), UnreadableFile), length


def test_a_truncated_video_is_found_when_its_last_box_goes_on_to_the_end(clip):
    path = clip(frames=30, options={"movflags": "faststart"})
    content = bytearray(path.read_bytes())
    at = content.index(b"mdat") - 4
    content[at : at + 4] = bytes(4)
    path.write_bytes(content)
    assert isinstance(probe_video(path), VideoFacts)
    path.write_bytes(content[:-10])
    assert "a sample ends at byte" in expect(UnreadableFile, probe_video(path)).text


def test_junk_after_the_video_is_a_remark(clip):
    path = clip(frames=5)
    length = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"<html>error</html>")
    facts = expect(VideoFacts, probe_video(path))
    assert facts.remark == f"18 bytes (text) stand behind its last box, from byte {length} on"
    assert facts.bytes == length + 18


def test_samples_that_are_not_there_are_refused_before_ffmpeg_makes_room_for_them(clip):
    path = clip(frames=5)
    content = bytearray(path.read_bytes())
    at = content.index(b"stsz") + 8
    content[at : at + 8] = struct.pack(">II", 1, 2**32 - 1)
    path.write_bytes(content)
    assert "more than the file holds" in expect(UnreadableFile, probe_video(path)).text


def test_sound_alone_is_no_video(tmp_path, clip):
    path = clip(frames=5, audio_s=1.0)
    path.write_bytes(path.read_bytes().replace(b"vide", b"text"))
    assert "no video track" in expect(UnreadableFile, probe_video(path)).text


def test_an_error_page_is_called_so(tmp_path):
    path = tmp_path / "video.mp4.part"
    path.write_bytes(b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>")
    assert expect(UnreadableFile, probe_video(path)).text == "it is a web page"
    path.write_bytes(b'{"code":"task_not_exist"}')
    assert expect(UnreadableFile, probe_video(path)).text == "it is a text file"


@pytest.mark.parametrize("probe", PROBES)
def test_what_is_no_file_has_a_reason(probe, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    (tmp_path / "circle").symlink_to("circle")
    for path, word in (
        (tmp_path / "pipe", "a named pipe"), (tmp_path, "a folder"), (Path("/dev/zero"), "a device"), (tmp_path / "none", "does not exist"),
        (tmp_path / "empty", "it is empty"), (tmp_path / "circle", "cannot be read"),
        (Path("a\0b"), "cannot be read"), (Path("x" * 5000), "cannot be read"),
    ):  # fmt: skip
        found = probe(path)
        assert word in (found if isinstance(found, str) else found.problem)


@pytest.mark.parametrize(
    "name",
    [
        "harbour-dawn.jpg",
        "door-closed.png",
        "lighthouse-night.webp",
        "voice.wav",
        "waves.mp3",
        "harbour-dusk.mp4",
    ],
)
def test_no_mutated_file_raises(name, tmp_path):
    chance = random.Random(name)
    whole = (EXAMPLES / name).read_bytes()[:60_000]
    path = tmp_path / "mutated"
    for _ in range(40):
        content = bytearray(whole)
        for _ in range(chance.choice([1, 4, 30])):
            at = chance.randrange(min(len(content), chance.choice([64, 1024, len(content)])))
            content[at] = chance.choice([0, 255, chance.randrange(256)])
        path.write_bytes(
            content[: chance.choice([len(content), chance.randrange(1, len(content))])]
        )
        for probe in PROBES:
            probe(path)


def test_mutated_tables_of_a_whole_video_raise_nothing(clip):
    path = clip(frames=20, audio_s=0.5, options={"movflags": "faststart"})
    whole, chance = path.read_bytes(), random.Random(4)
    header = whole.index(b"mdat")
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(chance.choice([1, 2, 8])):
            content[chance.randrange(header)] = chance.choice(
                [0, 1, 127, 255, chance.randrange(256)]
            )
        path.write_bytes(content)
        assert isinstance(probe_video(path), (VideoFacts, UnreadableFile))


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"GIF89a", "a GIF image"), (b"\0\0\0\x18ftypheic", "a HEIC image"), (b"\0\0\0\x18ftypavif", "an AVIF image"),
        (b"%PDF-1.7", "a PDF document"), (b"\x1a\x45\xdf\xa3", "a WebM or Matroska video"), (b"OggS\0", "an Ogg file"),
        (b"fLaC", "a FLAC sound"), (b"\xff\xf1\x50\x80", "an AAC sound"), (b"\0\0\0\x18ftypM4A ", "an M4A sound"),
        (b"\0\0\0\x18ftyp3gp4", "a 3GP video"), (b"RIFF\0\0\0\0AVI ", "an AVI video"), (b"<svg xmlns=", "an SVG drawing"),
        (b"just words", "a text file"), (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer, not the file itself"),
        (bytes(16), "in a format that is not known here"), (b"", "in a format that is not known here"),
    ],
)  # fmt: skip
def test_other_formats_are_called_by_their_names(head, name):
    assert sniff(head).name == name


def test_a_polyglot_is_what_its_beginning_says(tmp_path):
    picture = io.BytesIO()
    Image.new("RGB", (300, 300)).save(picture, "PNG")
    path = tmp_path / "both.png"
    path.write_bytes(picture.getvalue() + b"PK\x03\x04 a zip, <script>alert(1)</script>")
    assert probe_image(path) == ImageFacts("image/png", 300, 300)
    path.write_bytes(b"PK\x03\x04" + picture.getvalue())
    assert expect(UnreadableFile, probe_image(path)).problem == "a ZIP archive"
