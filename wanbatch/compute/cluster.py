"""The pool that is a Dask cluster: one that runs somewhere, or one of this machine for
as long as the command lasts.

What it may not do: take a worker's word for anything that bytes can disprove, unpickle
what a worker sends, or hold a run up.

Theory of operation
-------------------
What must be believed, or changes our disk, never leaves this machine (``Lane.NEAR``).
Of the rest, an answer counts once it has the form that its errand promises, and this
machine has read the bytes that it claims, and they hash as it says. A worker that
answers otherwise is told of, asked nothing more, and the errand is done here. So is
every errand that a worker could not do, or took too long over: a worker can only save
time.

A worker that dies has its errands run again by the scheduler, elsewhere. Where the
scheduler is gone, or its last worker, everything is done here from then on.

The Dask client has a loop and a thread of its own, so that this works beside any event
loop. Answers are fetched past its own way of reading them: that would unpickle.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from wanbatch.compute.local import LocalCluster
from wanbatch.compute.remote import SEE, pack_values, perform, unpack_answer
from wanbatch.compute.threads import Threads
from wanbatch.model.pool import (
    Errand,
    Lane,
    Misfit,
    PoolNews,
    Where,
    WorkerDoubted,
    WorkersLost,
    near,
)
from wanbatch.words.files import hash_file
from wanbatch.words.loops import door_into_loop

T = TypeVar("T")

CONNECT_S = 10.0
"""A scheduler that is there answers within a second; TLS and a busy machine take a few
(chosen)."""
PATIENCE_S = {Lane.SOON: 60.0, Lane.SPARE: 600.0}
"""After so long an errand is done here: a hundred times what one takes."""
GLANCE_S = 1.0
"""So often the scheduler is asked which workers it has."""
WORKERLESS_S = 10.0
"""So long no worker may be there: one that is started again is back within it."""


@dataclass(slots=True)
class _Standing:
    """What is known of the workers."""

    addresses: frozenset[str] = frozenset()
    doubted: set[str] = field(default_factory=set)
    lost: str = ""

    def trusted(self) -> list[str]:
        return sorted(self.addresses - self.doubted)


class Cluster:
    """A ``Pool``. ``client`` is Dask's, ``local`` its cluster where that is ours."""

    def __init__(self, client: Any, name: str, local: LocalCluster | None = None) -> None:  # noqa: ANN401
        from distributed.core import ConnectionPool

        self._client, self._name, self._local = client, name, local
        self._home = Threads()
        self._told: list[PoolNews] = []
        self._tell: Callable[[PoolNews], None] = self._told.append
        self._standing = _Standing()
        self._loop: asyncio.AbstractEventLoop = client.loop.asyncio_loop
        client.scheduler_comm.comm.deserialize = False  # no exception of a worker is unpickled
        self._rpc = ConnectionPool(deserialize=False, connection_args=client.connection_args)
        self._run(self._rpc.start()).result(CONNECT_S)
        self._run(self._look_around()).result(CONNECT_S)
        self._glancing = self._run(self._glance())

    @property
    def width(self) -> int:
        """As many as the workers have threads, and one more each, so that none waits
        for us."""
        return max(2 * len(self._standing.trusted()), self._home.width)

    def listen(self, tell: Callable[[PoolNews], None]) -> None:
        self._tell = tell
        while self._told:
            tell(self._told.pop(0))

    async def submit(self, errand: Errand[T], *values: Any) -> T:  # noqa: ANN401 - plain
        if errand.lane is not Lane.NEAR and not self._standing.lost:
            found = await self._elsewhere(errand, values)
            if found is not None:
                return found[0]
        return await self._home.submit(errand, *values)

    def close(self) -> None:
        self._home.close()
        self._glancing.cancel()
        with contextlib.suppress(Exception):
            self._client.close(timeout=2.0)
        if self._local is not None:
            with contextlib.suppress(Exception):
                self._local.close()

    # -- an errand elsewhere -----------------------------------------------------------

    async def _elsewhere(self, errand: Errand[T], values: Sequence[Any]) -> tuple[T] | None:
        """The answer, or ``None`` where the errand is to be done here."""
        await checkpoint_if_cancelled()
        asked = self._run(self._ask(errand, values))
        await _until_done(asked)
        try:
            said = asked.result()
        except (Exception, CancelledError):  # noqa: BLE001 - of Dask, of whatever kind
            return None
        if said is None:
            return None
        worker, packed = said
        return await self._believe(errand, values, worker, packed)

    async def _believe(
        self, errand: Errand[T], values: Sequence[Any], worker: str, packed: bytes
    ) -> tuple[T] | None:
        try:
            key, answer = unpack_answer(packed)
            if key == "unseen":
                self._doubt(worker, answer)
            if key != "done":
                return None
            found = errand.read(answer)
            claims = errand.claims(values, answer)
        except Exception:  # noqa: BLE001 - what a worker says may be anything
            self._doubt(worker, "gave an answer that is none")
            return None
        if claims is None:
            return None
        for path, digest in claims.items():
            if await self._home.submit(_HASHES_AS, path, digest) is False:
                self._doubt(worker, f"gave a wrong hash of {Path(path).name}")
                return None
        return (found,)

    async def _ask(self, errand: Errand[Any], values: Sequence[Any]) -> tuple[str, bytes] | None:
        """Who did the errand, and what came of it; in the client's loop."""
        standing, done = self._standing, asyncio.Event()
        future = self._client.submit(
            perform,
            errand.name,
            pack_values(values),
            pure=False,
            priority=0 if errand.lane is Lane.SPARE else 10,
            workers=standing.trusted() if standing.doubted else None,
        )
        future.add_done_callback(lambda _: self._loop.call_soon_threadsafe(done.set))
        try:
            await asyncio.wait_for(done.wait(), PATIENCE_S[errand.lane])
            if future.cancelled():  # so Dask ends all, where it lost the scheduler
                self._lose(f"the scheduler at {self._name} is gone")
            return await self._fetch(future.key) if future.status == "finished" else None
        except TimeoutError:
            return None
        finally:
            with contextlib.suppress(Exception):
                future.release()

    async def _fetch(self, key: str) -> tuple[str, bytes] | None:
        """The answer as the bytes that it is: nothing of it is unpickled."""
        from distributed.protocol.compression import decompress
        from distributed.protocol.serialize import Serialized

        scheduler = self._rpc(self._client.scheduler.address)
        holders = await scheduler.who_has(keys=[key])
        data = await scheduler.gather(keys=[key])
        found = data.get("data", {}).get(key)
        worker = next(iter(holders.get(key) or ()), "")
        if not isinstance(found, Serialized):
            return None
        header, frames = found.header, found.frames
        if "compression" in header:
            frames = decompress(header, frames)
        kind = header.get("serializer"), header.get("type")
        packed = b"".join(map(bytes, frames)) if kind == ("dask", "bytes") else b""
        return worker, packed

    def _run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    # -- before the first errand -------------------------------------------------------

    @property
    def workers(self) -> list[str]:
        """The addresses of those that may be asked."""
        return [] if self._standing.lost else self._standing.trusted()

    def see(self, worker: str, where: Where) -> tuple[str, Any]:
        """What one worker says of a file: ``done`` with its version, or another key
        of an answer. Waits. Raises ``TimeoutError``."""
        return self._run(self._see(worker, where)).result(2 * CONNECT_S)

    async def _see(self, worker: str, where: Where) -> tuple[str, Any]:
        done = asyncio.Event()
        future = self._client.submit(
            perform, SEE.name, pack_values([where]), pure=False, workers=[worker]
        )
        future.add_done_callback(lambda _: self._loop.call_soon_threadsafe(done.set))
        async with asyncio.timeout(CONNECT_S):
            await done.wait()
            found = await self._fetch(future.key) if future.status == "finished" else None
        if found is None:
            return "failed", "it cannot run wanbatch"
        try:
            return unpack_answer(found[1])
        except Misfit as error:
            return "failed", str(error)

    # -- the workers -------------------------------------------------------------------

    async def _look_around(self) -> None:
        """Which workers there are. Gives the cluster up where nobody can say."""
        try:
            async with asyncio.timeout(CONNECT_S):
                scheduler = self._rpc(self._client.scheduler.address)
                found = await scheduler.identity(n_workers=-1)
        except Exception:  # noqa: BLE001 - of Dask, of whatever kind
            self._lose(f"the scheduler at {self._name} is gone")
            return
        self._standing.addresses = frozenset(found["workers"])

    async def _glance(self) -> None:
        """Looks again and again, for as long as there is a cluster."""
        without_s = 0.0
        while not self._standing.lost:
            await asyncio.sleep(GLANCE_S)
            await self._look_around()
            without_s = 0.0 if self._standing.trusted() else without_s + GLANCE_S
            if without_s >= WORKERLESS_S:
                self._lose(f"the scheduler at {self._name} has no worker any more")
                for future in list(self._client.futures.values()):
                    future.cancel()

    def _lose(self, reason: str) -> None:
        if not self._standing.lost:
            self._standing.lost = reason
            self._say(WorkersLost(reason))

    def _doubt(self, worker: str, reason: str) -> None:
        standing = self._standing
        if worker in standing.doubted:
            return
        standing.doubted.add(worker)
        self._say(WorkerDoubted(worker, reason))
        if not standing.trusted():
            self._lose("no worker is left that can be relied on")

    def _say(self, news: PoolNews) -> None:
        self._tell(news)


def _hashes_as(path: str, digest: str) -> bool:
    try:
        return hash_file(path) == digest
    except OSError:
        return False


_HASHES_AS = near(_hashes_as)


async def _until_done(asked: Future[Any]) -> None:
    """Waits for what goes on in another loop; cancels it where nobody waits."""
    done, knock = anyio.Event(), door_into_loop()

    def tell(_asked: Future[Any]) -> None:
        with contextlib.suppress(RuntimeError):
            knock(done.set)

    asked.add_done_callback(tell)
    try:
        await done.wait()
    finally:
        asked.cancel()
