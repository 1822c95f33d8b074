"""Small videos, and a cluster that is opened on a folder of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import anyio
import av
from PIL import Image

from wanbatch.compute.cluster import Cluster
from wanbatch.compute.connecting import open_cluster
from wanbatch.media.errands import PROBE
from wanbatch.model.measures import Level, References, Targets
from wanbatch.model.media import UnreadableFile, VideoFacts
from wanbatch.model.pool import Errand, PoolNews, Where
from wanbatch.model.workers import read_workers
from wanbatch.videos.errands import LOOK, look_values
from wanbatch.words.files import hash_file

T = TypeVar("T")


@dataclass
class Opened:
    """A cluster, what it told, and which errands were done at home."""

    cluster: Cluster
    news: list[PoolNews] = field(default_factory=list)
    at_home: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cluster.listen(self.news.append)
        real = self.cluster._home.submit

        async def submit(errand: Errand[T], *values: Any) -> T:
            self.at_home.append(errand.function.__name__)
            return await real(errand, *values)

        self.cluster._home.submit = submit  # type: ignore[method-assign]

    def probe(self, *videos: Path) -> list[VideoFacts | UnreadableFile]:
        return self.do(PROBE, *[(Where(str(video)),) for video in videos])

    def look(self, video: Path, poster: Path, sha256: str = "") -> object:
        where = Where(str(video), sha256 or hash_file(video))
        targets = Targets(poster=poster)
        (found,) = self.do(LOOK, look_values(where, References(), targets, Level.ALL))
        return found

    def do(self, errand: Errand[T], *values: Any) -> list[T]:
        found: dict[int, T] = {}

        async def one(number: int) -> None:
            found[number] = await self.cluster.submit(errand, *values[number])

        async def main() -> None:
            async with anyio.create_task_group() as group:
                for number in range(len(values)):
                    group.start_soon(one, number)

        anyio.run(main)
        return [found[number] for number in range(len(values))]


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Opened]:
    workers = read_workers(url)
    assert workers is not None
    cluster = open_cluster(workers, folder)
    try:
        yield Opened(cluster)
    finally:
        cluster.close()


def video(path: Path, frames: int = 24) -> Path:
    """A small video at ``path``."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(frames):
            picture = Image.linear_gradient("L").resize((320, 240)).rotate(number * 5)
            for packet in stream.encode(av.VideoFrame.from_image(picture.convert("RGB"))):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path
