"""Stills and posters: the right frame, in the right form, whole or not at all."""

from __future__ import annotations

import av
import pytest
from PIL import Image, ImageStat

from wanbatch.media.container import Undecodable
from wanbatch.videos.stills import cut_still, make_poster


def picture_of(path):
    with Image.open(path) as picture:
        picture.load()
        return picture


@pytest.mark.parametrize("gop", [1, 12, 250])
def test_the_first_and_the_true_last_frame_are_cut(clip, tmp_path, bar_of, gop):
    video = clip(frames=50, gop=gop)
    cut_still(video, "first", tmp_path / "first.png")
    cut_still(video, "last", tmp_path / "last.png")
    assert bar_of(picture_of(tmp_path / "first.png")) == 0
    assert bar_of(picture_of(tmp_path / "last.png")) == 49


def test_b_frames_do_not_hide_the_last_frame(tmp_path, bar_of, clip):
    video = clip("b.mp4", frames=47, gop=30, codec="mpeg4")
    cut_still(video, "last", tmp_path / "last.png")
    assert bar_of(picture_of(tmp_path / "last.png")) == 46


def test_a_fragmented_file_gives_its_last_frame(clip, tmp_path, bar_of):
    video = clip(frames=50, options={"movflags": "frag_keyframe+empty_moov"})
    cut_still(video, "last", tmp_path / "last.png")
    assert bar_of(picture_of(tmp_path / "last.png")) == 49


def test_damage_at_the_end_leaves_the_last_frame_that_decodes(clip, tmp_path, bar_of):
    video = clip(frames=50, gop=1, options={"movflags": "faststart"})
    content = bytearray(video.read_bytes())
    content[-1500:] = bytes(1500)
    video.write_bytes(content)
    cut_still(video, "last", tmp_path / "last.png")
    assert 40 <= bar_of(picture_of(tmp_path / "last.png")) <= 49


def test_a_still_is_a_png_without_alpha_of_the_same_size(clip, tmp_path):
    cut_still(clip(width=336, height=256), "last", tmp_path / "still.png")
    still = picture_of(tmp_path / "still.png")
    assert (still.format, still.mode, still.size) == ("PNG", "RGB", (336, 256))


def test_colours_survive_the_way_through_the_video(clip, tmp_path):
    cut_still(clip(frames=10), "last", tmp_path / "still.png")
    red, green, blue = picture_of(tmp_path / "still.png").getpixel((160, 200))
    assert abs(red - 30) <= 4
    assert abs(green - 60) <= 4
    assert abs(blue - 90) <= 4


def test_the_same_video_gives_the_same_bytes(clip, tmp_path):
    video = clip()
    for name in ("a.png", "b.png"):
        cut_still(video, "last", tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("size", "poster"),
    [((1280, 720), (480, 270)), ((480, 1600), (256, 854)), ((240, 240), (240, 240))],
)
def test_a_poster_fits_its_box_and_is_never_enlarged(clip, tmp_path, size, poster):
    make_poster(clip(frames=4, width=size[0], height=size[1]), tmp_path / "poster.webp")
    picture = picture_of(tmp_path / "poster.webp")
    assert (picture.format, picture.size) == ("WEBP", poster)


def test_a_poster_shows_the_middle_not_the_first_frame(clip, tmp_path, bar_of):
    make_poster(clip(frames=60), tmp_path / "poster.webp")
    assert 18 <= bar_of(picture_of(tmp_path / "poster.webp")) <= 50


def test_a_poster_avoids_an_empty_middle(tmp_path):
    path = tmp_path / "fade.mp4"
    with av.open(str(path), "w") as container:
        track = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        track.width, track.height, track.pix_fmt = 320, 240, "yuv420p"
        for number in range(60):
            picture = (
                Image.new("RGB", (320, 240))
                if 25 <= number < 45
                else Image.linear_gradient("L").resize((320, 240)).convert("RGB")
            )
            container.mux(track.encode(av.VideoFrame.from_image(picture)))
        container.mux(track.encode())
    make_poster(path, tmp_path / "poster.webp")
    assert ImageStat.Stat(picture_of(tmp_path / "poster.webp").convert("L")).stddev[0] > 40


@pytest.mark.parametrize("frames", [1, 2])
def test_very_short_videos_have_stills_and_posters(clip, tmp_path, frames):
    video = clip(frames=frames)
    cut_still(video, "last", tmp_path / "still.png")
    make_poster(video, tmp_path / "poster.webp")
    assert picture_of(tmp_path / "poster.webp").size == (320, 240)


@pytest.mark.parametrize(
    "content", [b"", b"not a video", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x08moov"]
)
def test_what_is_no_video_raises_and_leaves_nothing(tmp_path, content):
    (tmp_path / "video.mp4").write_bytes(content)
    for make in (lambda v, t: cut_still(v, "last", t), make_poster):
        with pytest.raises(Undecodable):
            make(tmp_path / "video.mp4", tmp_path / "out.png")
    assert [path.name for path in tmp_path.iterdir()] == ["video.mp4"]


def test_a_video_whose_frames_are_all_damaged_raises(clip, tmp_path):
    video = clip(frames=5, options={"movflags": "faststart"})
    content = bytearray(video.read_bytes())
    start = content.index(b"mdat") + 4
    content[start:] = bytes(len(content) - start)
    video.write_bytes(content)
    with pytest.raises(Undecodable):
        cut_still(video, "first", tmp_path / "still.png")
