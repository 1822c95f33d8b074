"""Photos, clips, stills, posters and the emulator's pictures are turned alike, by all
eight orientations."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from expecting import expect
from PIL import Image, ImageOps

from wanbatch.emulator.video.animatic import Scene, render
from wanbatch.media.images import decode_picture, read_image
from wanbatch.media.probe import probe_clip, probe_image, probe_video
from wanbatch.media.turning import orientation_of, read_orientation, turn
from wanbatch.model.job import Frame
from wanbatch.model.media import ClipFacts, ImageFacts, VideoFacts
from wanbatch.videos.stills import cut_still, make_poster

MATRICES = {
    1: (1, 0, 0, 1), 2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1),
    5: (0, 1, 1, 0), 6: (0, 1, -1, 0), 7: (0, -1, -1, 0), 8: (0, -1, 1, 0),
}  # fmt: skip
TURNS = sorted(MATRICES)
COLOURS = {
    "red": (200, 30, 30),
    "green": (30, 180, 30),
    "blue": (30, 30, 200),
    "grey": (128, 128, 128),
}


def card(width=320, height=240):
    """Four quarters of four colours: every turn shows."""
    picture = Image.new("RGB", (width, height))
    for number, colour in enumerate(COLOURS.values()):
        left, top = number % 2 * width // 2, number // 2 * height // 2
        picture.paste(colour, (left, top, left + width // 2, top + height // 2))
    return picture


def quarters(picture):
    """The names of the quarters' colours, by rows."""

    def name(pixel):
        return min(
            COLOURS, key=lambda n: sum(abs(a - b) for a, b in zip(COLOURS[n], pixel, strict=True))
        )

    at = [(x, y) for y in (0.2, 0.8) for x in (0.2, 0.8)]
    rgb = picture.convert("RGB")
    return [name(rgb.getpixel((int(x * rgb.width), int(y * rgb.height)))) for x, y in at]


def exif_of(orientation, order=">"):
    mark = {">": b"MM\0*", "<": b"II*\0"}[order]
    return mark + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def photo(kind, orientation):
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    card().save(out, kind, exif=exif, **({"quality": 95} if kind == "JPEG" else {}))
    return out.getvalue()


@pytest.fixture
def turned_clip(tmp_path):
    """Writes a clip of the card whose track has the matrix of an orientation."""
    import av

    def make(orientation, name="turned.mp4", options=None):
        path = tmp_path / name
        with av.open(str(path), "w", options=options or {}) as container:
            track = container.add_stream(
                "libx264", rate=10, options={"preset": "ultrafast", "qp": "10"}
            )
            track.width, track.height, track.pix_fmt = 320, 240, "yuv420p"
            for _ in range(20):
                container.mux(track.encode(av.VideoFrame.from_image(card())))
            container.mux(track.encode())
        content = path.read_bytes()
        a, b, c, d = (n * 0x10000 for n in MATRICES[orientation])
        at = content.index(b"tkhd") + 4 + 40
        matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
        path.write_bytes(content[:at] + matrix + content[at + 36 :])
        return path

    return make


@pytest.mark.parametrize("orientation", TURNS)
def test_stills_posters_and_facts_of_a_clip_are_turned(turned_clip, tmp_path, orientation):
    video = turned_clip(orientation)
    expected = turn(card(), orientation)
    facts = expect(ClipFacts, probe_clip(video))
    assert (facts.width, facts.height, facts.orientation) == (*expected.size, orientation)
    shown = expect(VideoFacts, probe_video(video))
    assert (shown.width, shown.height) == expected.size
    ends: tuple[Frame, ...] = ("first", "last")
    for name in ends:
        cut_still(video, name, tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as still:
            assert (still.size, quarters(still)) == (expected.size, quarters(expected))
    make_poster(video, tmp_path / "poster.webp")
    with Image.open(tmp_path / "poster.webp") as poster:
        assert (poster.size, quarters(poster)) == (expected.size, quarters(expected))


@pytest.mark.parametrize("orientation", TURNS)
def test_the_emulator_goes_on_from_a_turned_clip(turned_clip, tmp_path, orientation):
    import av

    video = tmp_path / "made.mp4"
    render(Scene(3, "720P", 1, first_clip=turned_clip(orientation).read_bytes()), video)
    expected = turn(card(), orientation)
    with av.open(str(video)) as container:
        frames = [frame.to_image() for frame in container.decode(video=0)]
    assert (frames[0].width > frames[0].height) == (expected.width > expected.height)
    assert quarters(frames[0]) == quarters(expected) == quarters(frames[52])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", TURNS)
def test_photos_are_turned_by_their_exif(tmp_path, kind, orientation):
    content = photo(kind, orientation)
    (tmp_path / "photo").write_bytes(content)
    with Image.open(io.BytesIO(content)) as stored:
        expected = ImageOps.exif_transpose(stored)
    facts = expect(ImageFacts, probe_image(tmp_path / "photo"))
    assert (facts.width, facts.height, facts.orientation) == (*expected.size, orientation)
    assert quarters(decode_picture(io.BytesIO(content), facts)) == quarters(expected)


def test_the_emulator_shows_a_photo_as_it_was_taken(tmp_path):
    import av

    render(Scene(2, "720P", 1, first_frame=photo("JPEG", 6)), tmp_path / "made.mp4")
    with av.open(str(tmp_path / "made.mp4")) as container:
        first = next(container.decode(video=0)).to_image()
    assert first.width < first.height
    assert quarters(first) == quarters(turn(card(), 6))


def test_a_movie_that_is_turned_as_a_whole_turns_its_tracks():
    assert orientation_of(MATRICES[6], MATRICES[6]) == 3
    assert orientation_of(MATRICES[6], MATRICES[8]) == 1
    assert orientation_of((0x8000, 0, 0, 0x8000)) == 1
    assert orientation_of((46341, 46341, -46341, 46341)) == 1
    assert orientation_of((0, 0, 0, 0)) == 1


@pytest.mark.parametrize("order", "><")
def test_broken_exif_turns_nothing(order):
    whole = exif_of(6, order)
    assert read_orientation(whole) == read_orientation(b"Exif\0\0" + whole) == 6
    assert read_orientation(exif_of(9, order)) == read_orientation(exif_of(0, order)) == 1
    for length in range(len(whole)):
        assert read_orientation(whole[:length]) in (1, 6)
    assert read_orientation(whole[:4] + b"\xff" * 4 + whole[8:]) == 1


def test_exif_in_a_png_may_stand_behind_the_picture(tmp_path):
    out = io.BytesIO()
    card().save(out, "PNG")
    body = b"eXIf" + exif_of(8)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    png = out.getvalue()
    facts = expect(ImageFacts, read_image(io.BytesIO(png[:-12] + chunk + png[-12:])))
    assert (facts.width, facts.height, facts.orientation) == (240, 320, 8)
