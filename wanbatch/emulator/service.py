"""The running emulator: takes drafts in, has them rendered, brings every task to its
end in time.

What it may not do: speak HTTP, know a dialect's words.

How it works: everything happens on the event loop but judging, rendering and writing
media, which run in threads. ``tasks`` is the index that polls read. A task waits for a
place (``max_running``), then its media are judged and its video made; it ends when that
is done and its simulated latency is over. Equal requests share one rendering. After a
restart unfinished tasks simply begin again: the same request gives the same bytes.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
import uuid
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from wanbatch.emulator.examine import Fault
from wanbatch.emulator.ids import HASHED_STEM, file_stem, new_id
from wanbatch.emulator.protocols.parse_gateway import SEED_LIMIT
from wanbatch.emulator.protocols.references import Found, read_url
from wanbatch.emulator.request import Draft, MediaReference, VideoRequest, render_key
from wanbatch.emulator.settings import EmulatorSettings
from wanbatch.emulator.store import UPLOAD_LIFE_S, TaskStore
from wanbatch.emulator.tables import MediaType
from wanbatch.emulator.task import EndKind, Phase, ScriptedEnd, Task
from wanbatch.emulator.video.animatic import Stopped
from wanbatch.emulator.video.rendering import Workshop

_PENDING_SHARE = 0.05
"""Of a simulated latency, how much is spent waiting before the work begins."""
_VERDICT_S = 0.1
"""How soon the upstream says that a request was wrong (observed)."""
_NORMAL = ScriptedEnd()


class Service:
    """All tasks of one store. Make it inside a running event loop; ``resume`` it once,
    ``stop`` it at the end."""

    def __init__(self, settings: EmulatorSettings, store: TaskStore) -> None:
        self.settings = settings
        self.store = store
        self.tasks: dict[str, Task] = store.load()
        self._loop = asyncio.get_running_loop()
        workers = max(2, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(workers, "render")
        self._hands = asyncio.Semaphore(workers)
        self._workshop = Workshop(store, settings.render)
        self._waiting: deque[Task] = deque()
        self._working: set[str] = set()
        self._renders: dict[str, asyncio.Task[Fault | None]] = {}
        self._chores: set[asyncio.Task[None]] = set()

    def resume(self) -> None:
        """Takes up every task that had not ended when the process before this one did,
        and clears away what nobody can fetch any more."""
        unfinished = [task for task in self.tasks.values() if not task.ended]
        wanted = {media.sha256 for task in unfinished for media in task.request.media}
        self.store.sweep(wanted, time.time() - max(UPLOAD_LIFE_S, self.settings.expire_after_s))
        for task in unfinished:
            self._admit(task)

    def stop(self) -> None:
        """Gives up all rendering; what is unfinished stays in the store."""
        self._workshop.stopping.set()
        for chore in (*self._chores, *self._renders.values()):
            chore.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def unfinished(self) -> int:
        """How many tasks are worked on or wait."""
        return len(self._working) + sum(not t.ended for t in self._waiting)

    def find(self, dialect: str, task_id: str) -> Task | None:
        """The task of that id, as far as the API that ``dialect`` names knows it."""
        task = self.tasks.get(task_id)
        return task if task is not None and task.dialect == dialect else None

    def find_result(self, name: str) -> Task | None:
        """The task whose result's file is called so in its address."""
        stem = name.removesuffix(".mp4").removesuffix("_watermark")
        task = self.tasks.get(stem)
        if task is not None or len(stem) != HASHED_STEM:
            return task
        return next((one for one in self.tasks.values() if file_stem(one.id) == stem), None)

    def expires_at(self, task: Task) -> float:
        """Until when the result can be had, Unix seconds."""
        return task.ended_at + (0.0 if task.fate is EndKind.LOST else self.settings.expire_after_s)

    @property
    def full(self) -> bool:
        """Whether a further task would have to wait for a place."""
        limit = self.settings.max_running
        return limit is not None and len(self._working) >= limit

    async def submit(
        self, draft: Draft, body: object, dialect: str, destiny: ScriptedEnd = _NORMAL
    ) -> Task:
        """Takes a draft in: its inline media stored, the task durable. Only then may
        the submit be answered."""
        media = tuple([await self._take_in(media_type, url) for media_type, url in draft.media])
        request = VideoRequest(
            model=draft.model,
            prompt=draft.prompt,
            negative_prompt=draft.negative_prompt,
            media=media,
            seconds=draft.seconds,
            size=draft.size,
            seed=secrets.randbelow(SEED_LIMIT + 1) if draft.seed is None else draft.seed,
            prompt_extend=draft.prompt_extend,
            watermark=draft.watermark,
        )
        task = Task(
            id=new_id(dialect, destiny.id_form),
            dialect=dialect,
            request=request,
            body=_shortened(
                body,
                {
                    url: f"{m.url}sha256:{m.sha256}"
                    for (_, url), m in zip(draft.media, media, strict=True)
                    if m.delivery == "inline"
                },
            ),
            accepted_at=time.time(),
            latency_s=self._draw_latency(request) + destiny.late_s,
            request_id=str(uuid.uuid4()),
            fate=destiny.fate,
            code=destiny.code,
            message=destiny.message,
        )
        self.store.accept(task)
        self.tasks[task.id] = task
        self._admit(task)
        return task

    def cancel(self, task: Task) -> bool:
        """Ends a task that still waits; ``False`` where the work has begun or is
        over."""
        if task.phase is not Phase.PENDING:
            return False
        self._end(task, Phase.CANCELED)
        return True

    async def _take_in(self, media_type: MediaType, url: str) -> MediaReference:
        found = read_url(media_type, url)
        if not isinstance(found, Found):
            return MediaReference(media_type, "foreign", url[:2000])
        sha256 = found.sha256
        if found.delivery == "inline":
            sha256 = await asyncio.to_thread(self.store.keep_media, found.data)
        elif found.delivery == "uploaded":
            sha256 = self.store.uploaded(found.url, time.time())
        return MediaReference(media_type, found.delivery, found.url, sha256, found.claimed)

    async def clip_seconds(self, task: Task) -> float:
        """How long the clip is that the task goes on from; 0.0 where there is none."""
        return await asyncio.to_thread(self._workshop.clip_seconds, task.request)

    def _draw_latency(self, request: VideoRequest) -> float:
        """The same for the same request at the same place in the row, so that a
        benchmark can be repeated."""
        latency, sigma = self.settings.latency_s, self.settings.latency_sigma
        if not latency or not sigma:
            return latency
        source = random.Random(f"{render_key(request)} {len(self.tasks)}")  # noqa: S311 - a simulation, not a secret
        return latency * source.lognormvariate(0.0, sigma)

    def _admit(self, task: Task) -> None:
        """Gives the task a place, or a place in the queue; its latency counts from when
        it has one."""
        if self.full:
            self._waiting.append(task)
            return
        self._working.add(task.id)
        task.placed_at = task.placed_at or task.accepted_at
        pause = task.placed_at + _PENDING_SHARE * task.latency_s - time.time()
        self._loop.call_later(max(0.0, pause), self._begin, task)

    def _begin(self, task: Task) -> None:
        if task.ended:
            return
        chore = self._loop.create_task(self._work(task))
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    async def _work(self, task: Task) -> None:
        if task.latency_s:
            _mark_running(task)
        told = Fault(task.code, task.message)
        fault = (
            told
            if task.fate is EndKind.REFUSED
            else await self._judge(task) or await self._make(task)
        )
        _mark_running(task)
        if fault is not None:
            await asyncio.sleep(task.accepted_at + _VERDICT_S - time.time())
            self._end(task, Phase.FAILED, fault)
            return
        await asyncio.sleep(task.placed_at + task.latency_s - time.time())
        if task.fate is EndKind.FAILS:
            self._end(task, Phase.FAILED, told)
        elif task.fate is not EndKind.FOREVER:
            task.video = self._workshop.video_name(task.request)
            self._end(task, Phase.SUCCEEDED)

    async def _judge(self, task: Task) -> Fault | None:
        if self._workshop.known_verdict(task.request):
            return self._workshop.judge(task.request)
        return await asyncio.to_thread(self._workshop.judge, task.request)

    async def _make(self, task: Task) -> Fault | None:
        """The task's video; a rendering that is under way for an equal request is
        waited for."""
        name = self._workshop.video_name(task.request)
        if name not in self._renders:
            if self.store.has_video(name):
                return None
            render = self._loop.create_task(self._render(task, name))
            self._renders[name] = render
            render.add_done_callback(lambda _: self._renders.pop(name, None))
        return await asyncio.shield(self._renders[name])

    async def _render(self, task: Task, name: str) -> Fault | None:
        async with self._hands:
            _mark_running(task)
            try:
                return await self._loop.run_in_executor(
                    self._pool, self._workshop.produce, task.request, name
                )
            except Stopped:
                raise asyncio.CancelledError from None

    def _end(self, task: Task, phase: Phase, fault: Fault | None = None) -> None:
        task.phase, task.ended_at = phase, time.time()
        if fault is not None:
            task.code, task.message = fault.code, fault.message
        self.store.end(task)
        self._working.discard(task.id)
        while self._waiting and not self.full:
            following = self._waiting.popleft()
            if not following.ended:
                following.placed_at = time.time()
                self._admit(following)


def _mark_running(task: Task) -> None:
    if task.phase is Phase.PENDING:
        task.phase, task.started_at = Phase.RUNNING, time.time()


def _shortened(value: object, inline: Mapping[str, str]) -> object:
    """The body with the bytes of every data URL replaced by their hash, so that the
    store stays readable."""
    if isinstance(value, dict):
        return {k: _shortened(v, inline) for k, v in value.items()}
    if isinstance(value, list):
        return [_shortened(v, inline) for v in value]
    return inline.get(value, value) if isinstance(value, str) else value
