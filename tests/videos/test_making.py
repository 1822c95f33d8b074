"""Films of small real videos, decoded again: what is seen where and when, what is
heard, and what the file weighs."""

from __future__ import annotations

import struct
import weakref
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageStat

from wanbatch.model.film import Footage, Grid, Piece, Shot
from wanbatch.videos.film.arrange import arrange, put_in_order
from wanbatch.videos.film.layout import Box
from wanbatch.videos.film.lettering import write
from wanbatch.videos.film.making import Wish, film_grid, film_sequence
from wanbatch.videos.film.players import Player
from wanbatch.words.errors import WanbatchError

RED, GREEN, BLUE, WHITE = (200, 20, 20), (20, 160, 20), (20, 20, 200), (235, 235, 235)


def make_video(
    path: Path,
    colours: list[tuple[int, int, int]],
    *,
    size: tuple[int, int] = (320, 176),
    fps: int = 12,
    tone: bool = False,
    quiet_s: int = 0,
    noise: int = 0,
) -> Footage:
    """A second of each colour; with ``tone`` a loud one from ``quiet_s`` to the end."""
    seconds = len(colours)
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=fps, options={"crf": "18"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = container.add_stream("aac", rate=48_000, layout="stereo") if tone else None
        for number in range(seconds * fps):
            picture = Image.new("RGB", size, colours[number // fps])
            if noise:
                grain = Image.effect_noise(size, noise).convert("RGB")
                picture = Image.blend(picture, grain, 0.5)
            container.mux(video.encode(av.VideoFrame.from_image(picture)))
        container.mux(video.encode(None))
        if audio is not None:
            for pts in range(0, seconds * 48_000, 1024):
                frame = av.AudioFrame("fltp", "stereo", 1024)
                for plane in frame.planes:
                    half = (b"\0\0\0\x3f" * 32 + b"\0\0\0\xbf" * 32) * 16  # 0.5, -0.5
                    plane.update(half if pts >= quiet_s * 48_000 else bytes(len(half)))
                frame.sample_rate, frame.pts = 48_000, pts
                frame.time_base = Fraction(1, 48_000)
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return Footage(path, float(seconds), *size, float(fps), has_audio=tone)


def shot(name: str, footage: Footage | None, follows: str = "", **axes: str) -> Shot:
    why = "" if footage else "Failed"
    return Shot(name, tuple(axes.items()), footage, why, follows, bool(follows))


def pictures(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def loudness(path: Path) -> list[float]:
    """The mean level of each tenth of a second; empty where there is no sound track."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return []
        levels: list[float] = []
        for frame in container.decode(audio=0):
            data = memoryview(bytes(frame.planes[0])).cast("f")[: frame.samples]
            levels += [abs(value) for value in data[::16]]
    step = 300
    return [sum(levels[i : i + step]) / step for i in range(0, len(levels) - step, step)]


def colour(picture: Image.Image, place: tuple[float, float]) -> tuple[int, int, int]:
    found = picture.getpixel((int(picture.width * place[0]), int(picture.height * place[1])))
    assert isinstance(found, tuple)
    return found  # type: ignore[return-value]


def near(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 25 for a, b in zip(found, wanted, strict=True))


def never(text: str) -> None:
    pytest.fail(text)


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    """Two by two: red then green, white at another rate, a failed one, a portrait."""
    a = make_video(tmp_path / "a.mp4", [RED, GREEN], tone=True)
    b = make_video(tmp_path / "b.mp4", [WHITE], fps=25)
    d = make_video(tmp_path / "d.mp4", [BLUE, BLUE], size=(96, 176))
    shots = [
        shot("a", a, hour="dawn", seed="1"),
        shot("b", b, hour="dawn", seed="2"),
        shot("c", None, hour="dusk", seed="1"),
        shot("d", d, hour="dusk", seed="2"),
    ]
    return arrange(shots, "seed", "hour")


def test_a_grid_plays_in_step_with_headings_grey_cells_and_one_sound(tmp_path, grid):
    target = tmp_path / "film.mp4"
    film = film_grid(grid, grid.cells[0], Wish(target), never)
    frames = pictures(target)
    assert (film.seconds, film.fps, len(frames)) == (2.0, 12.0, 24)
    assert frames[0].size == (film.width, film.height)
    assert film.bytes == target.stat().st_size
    first, last = frames[2], frames[-2]
    assert near(colour(first, (0.3, 0.3)), RED)
    assert near(colour(last, (0.3, 0.3)), GREEN)
    assert near(colour(frames[11], (0.3, 0.3)), RED), "a second is a second"
    assert near(colour(first, (0.8, 0.3)), WHITE)
    assert near(colour(last, (0.8, 0.3)), WHITE), "a shorter one holds its last frame"
    assert near(colour(last, (0.775, 0.75)), BLUE)
    assert near(colour(last, (0.6, 0.75)), (9, 9, 9)), "another shape is padded"
    grey = colour(last, (0.25, 0.95))
    assert max(grey) - min(grey) < 8
    assert 40 < grey[0] < 80
    for words in ((0.1, 0, 1, 0.06), (0, 0.1, 0.12, 0.5), (0.2, 0.55, 0.5, 0.95)):
        left, top, right, bottom = (
            int(v * side) for v, side in zip(words, last.size * 2, strict=True)
        )
        assert (
            ImageStat.Stat(last.crop((left, top, right, bottom)).convert("L")).extrema[0][1] > 140
        ), "letters"
    heard = loudness(target)
    assert len(heard) == pytest.approx(20, abs=1)
    assert min(heard[2:-2]) > 0.2
    assert not list(tmp_path.glob(".*")), "nothing is left beside it"


def test_the_file_is_what_every_player_takes(tmp_path, grid):
    target = tmp_path / "film.mp4"
    film_grid(grid, None, Wish(target), never)
    head = target.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat"), "faststart"
    with av.open(str(target)) as container:
        video = container.streams.video[0].codec_context
        assert (video.name, video.pix_fmt) == ("h264", "yuv420p")
        assert video.width % 2 == video.height % 2 == 0
    assert loudness(target) == [], "no sound was asked for"


def test_a_video_that_cannot_be_decoded_is_named_and_grey(tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 64)
    bad = Footage(tmp_path / "bad.mp4", 1.0, 320, 176, 12.0, has_audio=False)
    gone = Footage(tmp_path / "gone.mp4", 1.0, 320, 176, 12.0, has_audio=False)
    good = make_video(tmp_path / "good.mp4", [RED])
    shots = [shot("bad", bad, n="1"), shot("good", good, n="2"), shot("gone", gone, n="3")]
    told: list[str] = []
    film_grid(arrange(shots, None, None), None, Wish(tmp_path / "film.mp4"), told.append)
    assert [text.split(" cannot be shown: ")[0] for text in told] == [
        f"bad: {tmp_path}/bad.mp4",
        f"gone: {tmp_path}/gone.mp4",
    ]
    frame = pictures(tmp_path / "film.mp4")[0]
    assert near(colour(frame, (0.5, 0.7)), RED)
    with pytest.raises(WanbatchError, match=r"bad: .*bad\.mp4 cannot be shown"):
        film_sequence([Piece(shots[0], 0.0, 1.0)], Wish(tmp_path / "none.mp4"))
    assert not (tmp_path / "none.mp4").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_sequence_is_as_long_as_its_pieces_without_what_repeats(tmp_path):
    a = make_video(tmp_path / "a.mp4", [RED, RED])
    b = make_video(tmp_path / "b.mp4", [RED, RED, GREEN], tone=True, quiet_s=2)
    c = make_video(tmp_path / "c.mp4", [BLUE], size=(176, 96), fps=24)
    pieces = put_in_order([shot("a", a), shot("c", c), shot("b", b, follows="a")])
    film = film_sequence(pieces, Wish(tmp_path / "film.mp4"))
    frames = pictures(tmp_path / "film.mp4")
    assert (film.seconds, len(frames), film.width, film.height) == (4.0, 48, 320, 176)
    seen = [colour(frames[i], (0.5, 0.5)) for i in (1, 22, 25, 34, 37, 46)]
    wanted = [RED, RED, GREEN, GREEN, BLUE, BLUE]
    assert all(near(*pair) for pair in zip(seen, wanted, strict=True)), seen
    heard = loudness(tmp_path / "film.mp4")
    assert len(heard) == pytest.approx(40, abs=1)
    assert max(heard[:18]) < 0.01, "what has no sound is silent"
    assert min(heard[22:28]) > 0.2
    assert max(heard[32:]) < 0.01


def test_a_limit_in_bytes_is_kept(tmp_path):
    limit = 25_000
    look: dict[str, Any] = {"size": (160, 96), "fps": 6, "tone": True, "noise": 60}
    footage = make_video(tmp_path / "a.mp4", [RED, GREEN], **look)
    grid = arrange([shot("a", footage, n="1"), shot("b", footage, n="2")], None, None)
    free = film_grid(grid, grid.cells[0], Wish(tmp_path / "free.mp4"), never)
    assert free.bytes > 2 * limit
    film = film_grid(grid, grid.cells[0], Wish(tmp_path / "f.mp4", most_bytes=limit), never)
    assert film.bytes == (tmp_path / "f.mp4").stat().st_size <= limit
    assert len(pictures(tmp_path / "f.mp4")) == 12
    assert len(loudness(tmp_path / "f.mp4")) > 18
    assert (film.crf, film.width) != (free.crf, free.width)


def test_a_limit_that_cannot_be_kept_leaves_nothing(tmp_path):
    footage = make_video(tmp_path / "a.mp4", [RED, GREEN])
    with pytest.raises(WanbatchError, match=r"2\.0 s of film do not fit into 500 bytes"):
        film_sequence(
            [Piece(shot("a", footage), 0.0, 2.0)], Wish(tmp_path / "f.mp4", most_bytes=500)
        )
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_another_file_is_replaced_only_when_asked(tmp_path):
    pieces = [Piece(shot("a", make_video(tmp_path / "a.mp4", [RED])), 0.0, 1.0)]
    target = tmp_path / "film.mp4"
    target.write_text("mine")
    with pytest.raises(WanbatchError) as told:
        film_sequence(pieces, Wish(target))
    assert "--force" in told.value.hints[0]
    assert target.read_text() == "mine"
    film_sequence(pieces, Wish(target, replace=True))
    assert len(pictures(target)) == 12


def test_a_turned_video_is_shown_as_players_show_it(tmp_path):
    """Its track's matrix turns it by a quarter: what is at its left is at the top."""
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=12, options={"crf": "10"})
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        picture = Image.new("RGB", (160, 96), RED)
        picture.paste(BLUE, (80, 0, 160, 96))
        for _ in range(12):
            container.mux(video.encode(av.VideoFrame.from_image(picture)))
        container.mux(video.encode(None))
    content = path.read_bytes()
    at = content.index(b"tkhd") + 44
    one = 0x10000
    matrix = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 0x40000000)
    path.write_bytes(content[:at] + matrix + content[at + 36 :])
    footage = Footage(path, 1.0, 96, 160, 12.0, has_audio=False)
    film = film_sequence([Piece(shot("a", footage), 0.0, 1.0)], Wish(tmp_path / "film.mp4"))
    assert (film.width, film.height) == (96, 160)
    frame = pictures(tmp_path / "film.mp4")[3]
    assert near(colour(frame, (0.5, 0.2)), RED)
    assert near(colour(frame, (0.5, 0.8)), BLUE)


def test_it_holds_one_picture_of_each_video_however_long(tmp_path, monkeypatch):
    """The planes that are alive while a grid of 2 x 2 is made: those on their way."""
    alive: list[weakref.ref[Image.Image]] = []
    most = 0
    scaled = Player._scaled

    def counted(self, frame):
        nonlocal most
        planes = scaled(self, frame)
        alive.append(weakref.ref(planes[0]))
        most = max(most, sum(one() is not None for one in alive))
        return planes

    monkeypatch.setattr(Player, "_scaled", counted)
    footage = make_video(tmp_path / "a.mp4", [RED, GREEN, BLUE], size=(64, 48))
    shots = [shot(str(n), footage, a=str(n % 2), b=str(n // 2)) for n in range(4)]
    film_grid(arrange(shots, None, None), None, Wish(tmp_path / "film.mp4"), never)
    assert len(alive) == 4 * 36
    assert most <= 2 * 4


# -- letters ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "\u202eabc\x1b[31m\n\r",
        "港" * 300,
        "x" * 5000,
        "\ud800",
        "",
        "a\u0301́ \U0001f6a2",
        "%s{}<b>",
    ],
)
def test_no_text_leaves_its_place_or_breaks_the_film(text):
    plane = Image.new("L", (300, 60), 0)
    write(plane, text, Box(100, 20, 120, 20), 14)
    assert plane.crop((100, 16, 220, 44)).getbbox() or not text
    plane.paste(0, (100, 10, 220, 50))
    assert plane.getbbox() is None


def test_what_no_font_has_is_an_escape_and_no_empty_box(monkeypatch):
    monkeypatch.setattr("wanbatch.videos.film.lettering._SYSTEM_FONTS", ())
    shown, escaped = (Image.new("L", (300, 30), 0) for _ in range(2))
    write(shown, "hour=港", Box(0, 0, 300, 30), 14)
    write(escaped, "hour=\\u6e2f", Box(0, 0, 300, 30), 14)
    assert shown.tobytes() == escaped.tobytes()


def test_marks_that_turn_or_hide_text_are_escapes():
    shown, escaped = (Image.new("L", (300, 30), 0) for _ in range(2))
    write(shown, "a\u202e\x1b\n", Box(0, 0, 300, 30), 14)
    write(escaped, "a\\u202e\\x1b\\n", Box(0, 0, 300, 30), 14)
    assert shown.tobytes() == escaped.tobytes()
