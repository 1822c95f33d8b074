"""A real scheduler and real workers on loopback: what they do, and what becomes of
errands where they die, lie, hang or go.

How it works: workers of a test load ``preload``, which makes them misbehave; ``opened``
notes what was told, and which errands were done at home.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from compute.processes import Processes, processes
from compute.samples import Opened, opened, video

from wanbatch.compute import cluster as cluster_module
from wanbatch.compute.cluster import PATIENCE_S
from wanbatch.media.errands import HASH, PROBE, probe_where
from wanbatch.model.measures import Measures
from wanbatch.model.media import UnreadableFile, VideoFacts
from wanbatch.model.pool import Lane, Where, WorkerDoubted, WorkersLost
from wanbatch.words.files import hash_file


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with processes(tmp_path_factory.mktemp("dask")) as made:
        yield made


def wait_until(holds, within_s: float = 30.0) -> None:
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def marks(folder: Path) -> list[Path]:
    return [*folder.glob("*.begun")]


async def some_begin(folder: Path, count: int = 1) -> list[Path]:
    """The marks of errands that workers have begun, once there are so many."""
    for _ in range(2000):
        if len(begun := marks(folder)) >= count:
            return begun
        await anyio.sleep(0.02)
    raise AssertionError("nobody begins")


def test_workers_do_the_work_and_only_what_they_claim_is_read_here(
    honest: Processes, tmp_path: Path
) -> None:
    one, poster = video(tmp_path / "one.mp4"), tmp_path / "posters" / "one.webp"
    with opened(honest.url, tmp_path) as pool:
        (found,) = pool.probe(one)
        looked = pool.look(one, poster)
        assert pool.do(HASH, (Where(str(one)),)) == [hash_file(one)]
    assert found == PROBE.read(probe_where(Where(str(one))))
    assert isinstance(found, VideoFacts)
    assert isinstance(looked, Measures)
    assert looked.frames == 24
    assert poster.read_bytes()[:4] == b"RIFF"
    assert pool.at_home == ["_hashes_as", "_hashes_as", "hash_where"]
    assert pool.news == []
    assert list(tmp_path.glob(".workers-*")) == []


def test_many_at_once_come_back_to_whom_they_belong(honest: Processes, tmp_path: Path) -> None:
    videos = [video(tmp_path / f"{number}.mp4", 2 + number) for number in range(8)]
    with opened(honest.url, tmp_path) as pool:
        found = pool.probe(*videos)
    assert [one.sha256 for one in found if isinstance(one, VideoFacts)] == [*map(hash_file, videos)]


def test_that_it_is_no_video_is_believed_of_this_machine_alone(
    honest: Processes, tmp_path: Path
) -> None:
    page = tmp_path / "page.mp4"
    page.write_text("<html>")
    with opened(honest.url, tmp_path) as pool:
        (found,) = pool.probe(page)
    assert isinstance(found, UnreadableFile)
    assert (pool.at_home, pool.news) == (["probe_where"], [])


def test_what_a_worker_does_not_see_is_done_here_and_it_is_asked_nothing_more(
    honest: Processes, tmp_path: Path
) -> None:
    one = video(tmp_path / "one.mp4")
    with opened(honest.url, tmp_path) as pool:
        pool.look(one, tmp_path / "one.webp", sha256="ab" * 32)
        pool.look(one, tmp_path / "one.webp", sha256="ab" * 32)
        pool.probe(one)
    doubted = [one.reason for one in pool.news if isinstance(one, WorkerDoubted)]
    assert doubted == ["sees other bytes in a file"] * 2
    assert isinstance(pool.news[-1], WorkersLost)
    assert pool.at_home == ["look_where", "look_where", "probe_where"]


@pytest.mark.parametrize(
    ("misbehave", "told"),
    [
        ("lie", "gave a wrong hash of one.mp4"),
        ("babble", "gave an answer that is none"),
        ("bomb", "gave an answer that is none"),
    ],
)
def test_a_worker_that_lies_is_told_of_and_its_answer_thrown_away(
    tmp_path: Path, misbehave: str, told: str
) -> None:
    one = video(tmp_path / "one.mp4")
    with processes(tmp_path / "dask", 1, misbehave) as dask, opened(dask.url, tmp_path) as pool:
        (found,) = pool.probe(one)
        (worker,) = pool.cluster._standing.addresses
    assert isinstance(found, VideoFacts)
    assert found.sha256 == hash_file(one)
    assert pool.news[0] == WorkerDoubted(worker, told)
    assert isinstance(pool.news[1], WorkersLost), "none is left"
    assert pool.at_home[-1] == "probe_where"
    assert not (tmp_path / "dask" / "unpickled").exists()


def test_a_poster_with_another_hash_is_made_again_here(tmp_path: Path) -> None:
    one, poster = video(tmp_path / "one.mp4"), tmp_path / "one.webp"
    with processes(tmp_path / "dask", 1, "lie") as dask, opened(dask.url, tmp_path) as pool:
        assert isinstance(pool.look(one, poster), Measures)
    assert pool.at_home == ["_hashes_as", "look_where"]
    assert isinstance(pool.news[0], WorkerDoubted)


def test_an_errand_that_fails_there_is_done_here(tmp_path: Path) -> None:
    one = video(tmp_path / "one.mp4")
    with processes(tmp_path / "dask", 1, "fail") as dask, opened(dask.url, tmp_path) as pool:
        (found,) = pool.probe(one)
    assert isinstance(found, VideoFacts)
    assert (pool.at_home, pool.news) == (["probe_where"], [])


def test_a_worker_killed_while_it_checks_has_its_errand_done_by_another(tmp_path: Path) -> None:
    one, folder = video(tmp_path / "one.mp4"), tmp_path / "dask"
    with processes(folder, 2, "wait") as dask, opened(dask.url, tmp_path) as pool:

        async def kill() -> None:
            (begun,) = await some_begin(folder)
            (victim,) = [w for w in dask.workers if w.pid == int(begun.stem)]
            victim.kill()
            await some_begin(folder, 2)
            (folder / "go on").touch()

        async def main() -> None:
            async with anyio.create_task_group() as group:
                group.start_soon(kill)
                found.append(await pool.cluster.submit(PROBE, Where(str(one))))

        found: list[VideoFacts | UnreadableFile] = []
        anyio.run(main)
    assert isinstance(found[0], VideoFacts)
    assert (pool.at_home, pool.news) == (["_hashes_as"], []), "the other one did it"


def test_a_worker_that_hangs_only_costs_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PATIENCE_S, Lane.SOON, 1.0)
    one = video(tmp_path / "one.mp4")
    with processes(tmp_path / "dask", 1) as dask, opened(dask.url, tmp_path) as pool:
        dask.workers[0].send_signal(signal.SIGSTOP)
        (found,) = pool.probe(one)
    assert isinstance(found, VideoFacts)
    assert pool.at_home == ["probe_where"]


def test_a_scheduler_that_vanishes_leaves_the_rest_to_threads(tmp_path: Path) -> None:
    one, folder = video(tmp_path / "one.mp4"), tmp_path / "dask"
    with processes(folder, 1, "wait") as dask, opened(dask.url, tmp_path) as pool:

        async def kill() -> None:
            await some_begin(folder)
            assert dask.scheduler is not None
            dask.scheduler.kill()

        async def main() -> None:
            async with anyio.create_task_group() as group:
                group.start_soon(kill)
                found.append(await pool.cluster.submit(PROBE, Where(str(one))))
            found.append(await pool.cluster.submit(PROBE, Where(str(one))))

        found: list[VideoFacts | UnreadableFile] = []
        anyio.run(main)
        wait_until(lambda: pool.news)
    assert [type(one) for one in found] == [VideoFacts] * 2
    assert pool.at_home == ["probe_where"] * 2
    assert pool.news == [WorkersLost(f"the scheduler at {dask.url} is gone")]


def test_a_cluster_without_workers_is_waited_for_and_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "WORKERLESS_S", 1.0)
    one = video(tmp_path / "one.mp4")
    with processes(tmp_path / "dask", 1) as dask, opened(dask.url, tmp_path) as pool:
        dask.workers[0].kill()
        (found,) = pool.probe(one)
        wait_until(lambda: pool.news)
    assert isinstance(found, VideoFacts)
    assert pool.news == [WorkersLost(f"the scheduler at {dask.url} has no worker any more")]


def test_who_leaves_waits_for_no_worker(tmp_path: Path) -> None:
    one = video(tmp_path / "one.mp4")
    with processes(tmp_path / "dask", 1, "wait") as dask, opened(dask.url, tmp_path) as pool:

        async def main() -> None:
            with anyio.move_on_after(0.5):
                await pool.cluster.submit(PROBE, Where(str(one)))

        began = time.monotonic()
        anyio.run(main)
        assert time.monotonic() - began < 5
    assert pool.at_home == []


def test_news_that_came_before_anybody_listened_is_not_lost(
    honest: Processes, tmp_path: Path
) -> None:
    with opened(honest.url, tmp_path) as pool:
        pool.cluster._tell = pool.cluster._told.append
        pool.cluster._lose("gone")
        again = Opened(pool.cluster)
    assert again.news == [WorkersLost("gone")]
