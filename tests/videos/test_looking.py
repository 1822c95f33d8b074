"""What one look at a video measures and writes, of ordinary and of odd videos."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.stream import VideoStream
from expecting import expect
from PIL import Image
from report import defects

from wanbatch.emulator.video.animatic import render_tiny
from wanbatch.model.measures import (
    Level,
    Measures,
    References,
    Sound,
    Targets,
    decode_measures,
    encode_measures,
)
from wanbatch.model.signature import likeness
from wanbatch.videos.looking import Undecodable, look_at
from wanbatch.videos.stills import make_poster


def look(video: Path, references: References | None = None) -> Measures:
    return look_at(video, references or References(), Targets(), Level.ALL)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    folder = tmp_path_factory.mktemp("film")
    return defects.write_video(folder / "a.mp4", defects.pan(), defects.tone())


@pytest.fixture
def targets(tmp_path):
    return Targets(tmp_path / "a.webp", tmp_path / "b.mp4", tmp_path / "c.webp")


def test_a_cheap_look_counts_without_decoding(film, tmp_path, targets):
    found = look_at(film, References(), targets, Level.BASIC)
    assert (found.packets, found.width, found.height, found.fps) == (48, 320, 180, 24.0)
    assert found.seconds == pytest.approx(2, abs=0.001)
    assert expect(Sound, found.sound).seconds == pytest.approx(2, abs=0.1)
    assert found.frames is None
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["a.webp"]


def test_a_whole_look_measures_and_writes_all_three(film, tmp_path, targets):
    found = look_at(film, References(), targets, Level.ALL)
    assert (found.frames, found.undecodable, found.missing) == (48, 0, 0)
    assert len(found.motion_course) == 16
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.webp", "b.mp4", "c.webp"]
    assert decode_measures(encode_measures(found)) == found


def test_the_poster_is_the_one_that_is_made_by_itself(film, tmp_path, targets):
    look_at(film, References(), targets, Level.ALL)
    make_poster(film, tmp_path / "alone.webp")
    assert (tmp_path / "alone.webp").read_bytes() == (tmp_path / "a.webp").read_bytes()


def test_the_preview_is_small_silent_and_has_a_key_frame_every_half_second(film, targets):
    look_at(film, References(), targets, Level.ALL)
    preview = expect(Path, targets.preview)
    data = preview.read_bytes()
    assert data.find(b"moov") < data.find(b"mdat")
    assert len(data) < film.stat().st_size
    with av.open(str(preview)) as container:
        (stream,) = container.streams
        assert isinstance(stream, VideoStream)
        assert (stream.codec_context.name, stream.width, stream.pix_fmt) == ("h264", 320, "yuv420p")
        packets = [p for p in container.demux(stream) if p.size]
    keys = [float((p.pts or 0) * Fraction(p.time_base or 1)) for p in packets if p.is_keyframe]
    assert keys == pytest.approx([0, 0.5, 1, 1.5], abs=0.001)
    assert look(preview).seconds == pytest.approx(2, abs=0.05)
    assert expect(float, likeness(look(preview).signature, look(film).signature)) > 0.98


def test_the_strip_has_five_frames_in_their_order(film, targets):
    look_at(film, References(), targets, Level.ALL)
    strip = Image.open(expect(Path, targets.frames))
    assert strip.size == (5 * 192, 108)
    frames = defects.pan()
    for place, number in enumerate((0, 12, 24, 36, 47)):
        part = strip.crop((192 * place, 0, 192 * place + 192, 108)).convert("L")
        likeness_to = [
            _difference(part, frames[other].resize((192, 108)).convert("L"))
            for other in (0, 12, 24, 36, 47)
        ]
        assert min(likeness_to) == likeness_to[place], number


def _difference(one: Image.Image, other: Image.Image) -> float:
    pairs = zip(one.tobytes(), other.tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / (one.width * one.height)


# -- references ------------------------------------------------------------------------


def test_a_larger_picture_and_one_of_another_aspect_are_found_again(film, tmp_path):
    frame = defects.pan()[0]
    large = defects.picture_file(tmp_path, frame.resize((1280, 720)), "large")
    tall = Image.new("RGB", (320, 220))
    tall.paste(frame, (0, 20))
    cropped = defects.picture_file(tmp_path, tall, "tall")
    assert expect(float, look(film, References(large)).first_frame) > 0.95
    assert expect(float, look(film, References(cropped)).first_frame) > 0.95


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_a_reference_that_cannot_be_read_is_none(film, tmp_path, content):
    path = tmp_path / "odd.png"
    if content is not None:
        path.write_bytes(content)
    found = look(film, References(path, path, path, path))
    assert (found.first_frame, found.last_frame, found.joint) == (None, None, None)


# -- odd videos ------------------------------------------------------------------------


def test_one_frame_is_a_video(tmp_path, targets):
    film = defects.write_video(tmp_path / "one.mp4", defects.pan()[:1])
    found = look_at(film, References(), targets, Level.ALL)
    assert (found.frames, found.missing, found.cuts, found.motion) == (1, 0, (), 0)
    assert all(path.is_file() for path in (targets.poster, targets.preview, targets.frames))


@pytest.mark.parametrize("size", [(64, 48), (16, 16), (1920, 64), (48, 1600), (2, 2)])
def test_every_size_is_looked_at(tmp_path, targets, size):
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    film = defects.write_video(tmp_path / "odd.mp4", [picture] * 20)
    found = look_at(film, References(), targets, Level.ALL)
    assert (found.width, found.height, found.frames) == (*size, 20)
    assert all(path.is_file() for path in (targets.poster, targets.preview, targets.frames))


@pytest.mark.parametrize("orientation", [(6, 90), (3, 180), (8, 270)])
def test_what_is_turned_is_measured_as_it_is_shown(tmp_path, targets, orientation):
    """The track's matrix, written into the file as a phone does."""
    _, degrees = orientation
    film = defects.write_video(tmp_path / "a.mp4", defects.pan())
    data, matrix = film.read_bytes(), _matrix(degrees)
    at = data.index(b"tkhd") + 4 + 40
    film.write_bytes(data[:at] + matrix + data[at + 36 :])
    shown = defects.pan()[0].rotate(-degrees, expand=True)
    given = References(defects.picture_file(tmp_path, shown))
    found = look_at(film, given, targets, Level.ALL)
    assert (found.width, found.height) == shown.size
    assert expect(float, found.first_frame) > 0.95
    with av.open(str(targets.preview)) as container:
        assert container.streams.video[0].width / container.streams.video[0].height == (
            pytest.approx(shown.width / shown.height, abs=0.02)
        )
        preview = next(container.decode(video=0)).to_image()
    want = shown.resize(preview.size).convert("L")
    assert _difference(preview.convert("L"), want) < 6


def _matrix(degrees: int) -> bytes:
    one, minus, none = (n.to_bytes(4, "big", signed=True) for n in (1 << 16, -(1 << 16), 0))
    turns = {
        90: (none, one, minus, none),
        180: (minus, none, none, minus),
        270: (none, minus, one, none),
    }
    a, b, c, d = turns[degrees]
    return b"".join((a, b, none, c, d, none, none, none, (1 << 30).to_bytes(4, "big")))


def test_frames_that_the_time_stamps_leave_out_are_counted(tmp_path):
    """The second half plays at half the rate."""
    times = [*range(24), *range(24, 72, 2)]
    frames = defects.pan()
    film = defects.write_video(tmp_path / "a.mp4", [frames[i // 2] for i in times], times=times)
    found = look(film)
    assert (found.frames, found.missing) == (48, 23)
    assert found.seconds == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize(
    ("codec", "pix_fmt"), [("libx264", "yuv444p"), ("libx264", "yuv420p10le"), ("mpeg4", "yuv420p")]
)
def test_other_codings_are_looked_at(tmp_path, targets, codec, pix_fmt):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = expect(VideoStream, container.add_stream(codec, rate=24))
        stream.width, stream.height, stream.pix_fmt = 320, 180, pix_fmt
        for picture in defects.pan():
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
    found = look_at(path, References(), targets, Level.ALL)
    assert (found.frames, found.undecodable) == (48, 0)
    assert expect(float, found.motion) > 0.005


def zeroed(data: bytes) -> bytes:
    begin = data.index(b"mdat") + 4
    return data[:begin] + bytes(len(data) - begin)


@pytest.mark.parametrize(
    "broken",
    [
        lambda data: b"",
        lambda data: b"<html>not found</html>",
        lambda data: data[: len(data) // 2],
        zeroed,
    ],
    ids=["empty", "a page", "cut off", "zeros"],
)
def test_what_is_no_video_is_said_to_be_undecodable(
    film: Path, tmp_path: Path, targets: Targets, broken: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "odd.mp4"
    path.write_bytes(broken(film.read_bytes()))
    with pytest.raises(Undecodable):
        look_at(path, References(), targets, Level.ALL)
    assert [p.name for p in tmp_path.iterdir()] == ["odd.mp4"]


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        track = container.add_stream("aac", rate=defects.RATE)
        container.mux(track.encode(defects.sound_frame(defects.tone(0.1)[:1024], 0)))
        container.mux(track.encode(None))
    with pytest.raises(Undecodable, match="no video track"):
        look(path)


def test_a_file_that_is_not_there_is_an_error_of_the_disk(tmp_path):
    with pytest.raises(FileNotFoundError):
        look(tmp_path / "none.mp4")


def test_the_rest_is_told_of_a_video_with_a_broken_packet(tmp_path):
    found = look(defects.decodes(tmp_path).video)
    assert found.undecodable == 1
    assert found.frames == 48


def test_silence_and_the_sound_of_a_tiny_video(tmp_path):
    render_tiny(2, tmp_path / "a.mp4")
    found = look(tmp_path / "a.mp4")
    sound = expect(Sound, found.sound)
    assert sound.silent_s == pytest.approx(2, abs=0.1)
    assert sound.peak_db is None
    assert found.black_s == pytest.approx(2, abs=0.05)
