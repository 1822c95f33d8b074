"""The work behind a task: judging its media, making its video. Runs in threads.

What it may not do: touch a task or the event loop, fetch from anywhere.

How it works: ``judge`` remembers its verdicts, because a sweep sends the same picture
many times. ``produce`` writes a video under the hash of its request; ``cached`` and
``tiny`` stand-ins are written once for each length and size.
"""

from __future__ import annotations

import io
import threading
from pathlib import Path

import av
from PIL import Image

from wanbatch.emulator.examine import Fault, clip_length, examine
from wanbatch.emulator.request import RENDER_VERSION, MediaReference, VideoRequest, render_key
from wanbatch.emulator.settings import Render
from wanbatch.emulator.store import TaskStore
from wanbatch.emulator.tables import MediaType
from wanbatch.emulator.video import animatic

_UNREADABLE = (av.error.FFmpegError, OSError, ValueError, SyntaxError, Image.DecompressionBombError)


class Workshop:
    """Judges and renders for one store."""

    def __init__(self, store: TaskStore, mode: Render) -> None:
        self._store = store
        self._mode = mode
        self._verdicts: dict[tuple[MediaType, str, str], Fault | None] = {}
        self._lengths: dict[str, float] = {}
        self.stopping = threading.Event()

    def video_name(self, request: VideoRequest) -> str:
        """The file that this request's video has in the store."""
        if self._mode == "full":
            return f"{render_key(request)}.mp4"
        return f"{self._mode}-v{RENDER_VERSION}-{request.seconds}-{request.size}.mp4"

    def known_verdict(self, request: VideoRequest) -> bool:
        """Whether ``judge`` would answer at once."""
        return all((m.type, m.sha256, m.claimed) in self._verdicts for m in request.media)

    def judge(self, request: VideoRequest) -> Fault | None:
        """What an upstream would find wrong with the media, after having fetched
        them."""
        return next(
            (fault for m in request.media if (fault := self._judge_one(m)) is not None), None
        )

    def _judge_one(self, media: MediaReference) -> Fault | None:
        key = (media.type, media.sha256, media.claimed)
        if not media.sha256:
            return Fault(
                "InvalidURL",
                f"failed to download {media.url[:200]}: this emulator fetches from nowhere"
                " but itself",
            )
        if key not in self._verdicts:
            try:
                data = self._store.media_path(media.sha256).read_bytes()
            except OSError:
                return Fault(
                    "InvalidURL", f"failed to download {media.url[:200]}: no such media here"
                )
            self._verdicts[key] = examine(media.type, data, media.claimed)
        return self._verdicts[key]

    def clip_seconds(self, request: VideoRequest) -> float:
        """The length of the request's clip, read once; 0.0 without one."""
        clip = request.of_type("first_clip")
        if clip is None or not clip.sha256:
            return 0.0
        if clip.sha256 not in self._lengths:
            self._lengths[clip.sha256] = clip_length(
                self._store.media_path(clip.sha256).read_bytes()
            )
        return self._lengths[clip.sha256]

    def produce(self, request: VideoRequest, name: str) -> Fault | None:
        """Makes the video ``name`` unless it is there; a fault where the media turn out
        not to decode. Raises ``animatic.Stopped``."""
        if self._store.has_video(name):
            return None
        part = self._store.part_path()
        try:
            self._render(request, part)
        except _UNREADABLE as error:
            part.unlink(missing_ok=True)
            return Fault(
                "InvalidFile.Openerror", f"the media cannot be decoded: {type(error).__name__}"
            )
        self._store.publish(part, self._store.video_path(name))
        return None

    def _render(self, request: VideoRequest, part: Path) -> None:
        if self._mode == "tiny":
            animatic.render_tiny(request.seconds, part)
            return
        if self._mode == "cached":
            scene = animatic.Scene(
                seconds=request.seconds, size=request.size, seed=0, first_frame=test_card()
            )
        else:
            scene = self._scene(request)
        animatic.render(scene, part, self.stopping)

    def _scene(self, request: VideoRequest) -> animatic.Scene:
        media = {m.type: self._store.media_path(m.sha256).read_bytes() for m in request.media}
        return animatic.Scene(
            seconds=request.seconds,
            size=request.size,
            seed=request.seed,
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            prompt_extend=request.prompt_extend,
            watermark=request.watermark,
            first_frame=media.get("first_frame"),
            last_frame=media.get("last_frame"),
            driving_audio=media.get("driving_audio"),
            first_clip=media.get("first_clip"),
        )


def test_card() -> bytes:
    """A picture of our own, for the videos that stand for all others."""
    width, height = 1280, 720
    slope, glow = (
        Image.linear_gradient("L").resize((width, height)),
        Image.radial_gradient("L").resize((width, height)),
    )
    card = Image.merge(
        "HSV",
        (
            slope.point([130 + v // 8 for v in range(256)]),
            glow,
            slope.point([235 - v // 2 for v in range(256)]),
        ),
    ).convert("RGB")
    out = io.BytesIO()
    card.save(out, "PNG")
    return out.getvalue()
