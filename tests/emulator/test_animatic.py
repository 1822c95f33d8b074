"""The rendered videos: exact, deterministic, and showing what was asked for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from emulator import samples
from expecting import expect
from PIL import Image, ImageChops, ImageStat

from wanbatch.emulator.video.animatic import FPS, Scene, render, render_tiny
from wanbatch.emulator.video.geometry import output_size


def frames_of(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def difference(a: Image.Image, b: Image.Image) -> float:
    """Mean absolute difference of two pictures, 0 to 255."""
    pair = [im.convert("RGB").resize((320, 180)) for im in (a, b)]
    return sum(ImageStat.Stat(ImageChops.difference(*pair)).mean) / 3


def opened(data: bytes) -> Image.Image:
    import io

    return Image.open(io.BytesIO(data))


def loudness(path: Path, begin_s: float, end_s: float) -> int:
    """The peak of the sound between two instants, 0 to 32767."""
    peak = 0
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        for frame in container.decode(audio=0):
            if frame.time is None or not begin_s <= frame.time < end_s:
                continue
            for piece in resampler.resample(frame):
                peak = max(
                    peak,
                    *(
                        abs(v)
                        for v in memoryview(bytes(piece.planes[0])[: piece.samples * 2]).cast("h")
                    ),
                )
    return peak


@pytest.mark.parametrize(
    ("width", "height", "size", "expected"),
    [
        (750, 1000, "720P", (816, 1104)),  # the documented example
        (1280, 720, "720P", (1280, 720)),
        (1600, 900, "1080P", (1920, 1072)),
        (240, 1920, "720P", (336, 2704)),
    ],
)
def test_the_size_follows_the_input(
    width: int, height: int, size: str, expected: tuple[int, int]
) -> None:
    assert output_size(width, height, size) == expected  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, picture: bytes) -> Path:
    path = tmp_path_factory.mktemp("plain") / "a.mp4"
    render(Scene(2, "720P", 7, "dawn", first_frame=picture), path)
    return path


def test_a_video_has_exactly_its_length_and_the_right_tracks(plain: Path) -> None:
    with av.open(str(plain)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        for stream in (video, audio):
            duration, unit = expect(int, stream.duration), expect(Fraction, stream.time_base)
            assert duration * unit == 2
        assert container.duration == 2_000_000
        assert (
            video.codec_context.name,
            video.codec_context.pix_fmt,
            video.width,
            video.height,
        ) == ("h264", "yuv420p", 1280, 720)
        assert audio.codec_context.name == "aac"
    assert len(frames_of(plain)) == 2 * FPS


def test_the_index_stands_before_the_data(plain: Path) -> None:
    data = plain.read_bytes()
    assert data[4:8] == b"ftyp"
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_the_same_scene_gives_the_same_bytes(plain: Path, tmp_path: Path, picture: bytes) -> None:
    render(Scene(2, "720P", 7, "dawn", first_frame=picture), tmp_path / "b.mp4")
    assert (tmp_path / "b.mp4").read_bytes() == plain.read_bytes()


def test_it_begins_with_the_first_frame_and_moves(plain: Path, picture: bytes) -> None:
    frames = frames_of(plain)
    assert difference(frames[0].to_image(), opened(picture)) < 2.5
    assert difference(frames[-1].to_image(), opened(picture)) > 4


@pytest.mark.parametrize("other", [{"seed": 8}, {"prompt": "night"}])
def test_seed_and_prompt_show(
    plain: Path, tmp_path: Path, picture: bytes, other: dict[str, object]
) -> None:
    scene = {
        "seconds": 2,
        "size": "720P",
        "seed": 7,
        "prompt": "dawn",
        "first_frame": picture,
    } | other
    render(Scene(**scene), tmp_path / "b.mp4")  # type: ignore[arg-type]
    mine, theirs = frames_of(plain), frames_of(tmp_path / "b.mp4")
    assert difference(mine[0].to_image(), theirs[0].to_image()) < 0.5
    assert difference(mine[-1].to_image(), theirs[-1].to_image()) > 1


def test_it_dissolves_to_the_last_frame(tmp_path: Path, picture: bytes) -> None:
    last = samples.make_picture(hue=10)
    render(Scene(2, "720P", 1, "x", first_frame=picture, last_frame=last), tmp_path / "a.mp4")
    frames = [f.to_image() for f in frames_of(tmp_path / "a.mp4")]
    assert difference(frames[0], opened(picture)) < 2.5
    assert difference(frames[-1], opened(last)) < 2.5
    middle = frames[int(len(frames) * 0.6)]
    assert min(difference(middle, opened(picture)), difference(middle, opened(last))) > 8


def test_driving_audio_is_heard_and_the_rest_is_silent(tmp_path: Path, picture: bytes) -> None:
    render(
        Scene(4, "720P", 1, first_frame=picture, driving_audio=samples.make_tone(2)),
        tmp_path / "a.mp4",
    )
    assert loudness(tmp_path / "a.mp4", 0.2, 1.8) > 5_000
    assert loudness(tmp_path / "a.mp4", 2.3, 4.0) < 50


def test_longer_driving_audio_is_cut(tmp_path: Path, picture: bytes) -> None:
    render(
        Scene(2, "720P", 1, first_frame=picture, driving_audio=samples.make_tone(5)),
        tmp_path / "a.mp4",
    )
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.duration == 2_000_000


def test_without_driving_audio_there_is_a_soft_tone(plain: Path) -> None:
    assert 20 < loudness(plain, 0.5, 1.5) < 8_000


def test_a_continuation_begins_with_the_clip(tmp_path: Path, plain: Path, picture: bytes) -> None:
    render(Scene(4, "720P", 3, "x", first_clip=plain.read_bytes()), tmp_path / "a.mp4")
    clip, longer = frames_of(plain), frames_of(tmp_path / "a.mp4")
    assert len(longer) == 4 * FPS
    for i in (0, 20, len(clip) - 1):
        assert difference(clip[i].to_image(), longer[i].to_image()) < 1.5
    assert difference(longer[len(clip)].to_image(), longer[len(clip) - 1].to_image()) < 2
    assert difference(longer[-1].to_image(), longer[len(clip) - 1].to_image()) > 3


def test_the_watermark_shows_at_the_bottom_right(
    plain: Path, tmp_path: Path, picture: bytes
) -> None:
    render(Scene(2, "720P", 7, "dawn", watermark=True, first_frame=picture), tmp_path / "b.mp4")
    a, b = frames_of(plain)[-1].to_image(), frames_of(tmp_path / "b.mp4")[-1].to_image()
    corner, rest = (1000, 650, 1280, 720), (0, 0, 900, 600)
    assert difference(a.crop(corner), b.crop(corner)) > 5
    assert difference(a.crop(rest), b.crop(rest)) < 1.5


def test_a_sideways_photograph_is_turned(tmp_path: Path) -> None:
    import io

    image = Image.new("RGB", (640, 360), (200, 40, 40))
    image.paste((40, 40, 200), (0, 0, 320, 360))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    render(Scene(2, "720P", 1, first_frame=out.getvalue()), tmp_path / "a.mp4")
    first = frames_of(tmp_path / "a.mp4")[0].to_image()
    assert first.height > first.width
    assert first.getpixel((first.width // 2, 50))[2] > 150  # what was left is on top


def test_the_tiny_video_is_whole(tmp_path: Path) -> None:
    render_tiny(15, tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.duration == 15_000_000
        assert container.streams.audio
    assert (tmp_path / "a.mp4").stat().st_size < 60_000
