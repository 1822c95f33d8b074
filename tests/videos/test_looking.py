"""What one look at a video measures and writes."""

from __future__ import annotations

from wanbatch.emulator.video.animatic import render_tiny
from wanbatch.model.measures import Level, References
from wanbatch.videos.looking import Targets, look_at


def test_a_cheap_look_counts_without_decoding(tmp_path):
    render_tiny(2, tmp_path / "a.mp4")
    poster = tmp_path / "a.webp"
    found = look_at(tmp_path / "a.mp4", References(), Targets(poster), Level.BASIC)
    assert (found.packets, found.width, found.height, found.fps) == (48, 64, 48, 24.0)
    assert abs(found.seconds - 2) < 0.001
    assert found.sound is not None
    assert found.frames is None
    assert poster.is_file()
