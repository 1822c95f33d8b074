"""The shell of a run: does what the conductor says, and makes every step durable before the next.

What it may not do: decide. What comes next is the conductor's, what an answer means is ``settle``'s, what may follow what is ``lifecycle``'s.

How it works: one loop asks for the next action and starts it as a task; the task does its I/O, appends the event, waits until the ledger has
it on disk, tells the conductor, and wakes the loop. There are only as many tasks as requests under way, never one per job.

The order that all trust hangs on, for one job: budget reserved → INTENT durable → one POST → ACCEPTED durable → first poll → REMOTE_OK durable →
bytes whole, checked and synced → STAGED durable → final name, folder synced → STORED durable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import anyio
import anyio.to_thread

from wanbatch.engine import outputs
from wanbatch.engine.conductor import (
    Conductor,
    Fetch,
    Finish,
    ListTasks,
    Poll,
    Prepare,
    Submit,
    Tracked,
    Urls,
    Wait,
    Work,
)
from wanbatch.engine.outcomes import (
    Accepted,
    Downloaded,
    DownloadFailed,
    DownloadOutcome,
    PollOutcome,
    ProbeOutcome,
    SubmitOutcome,
    Succeeded,
    TaskListing,
    Uncertain,
)
from wanbatch.engine.settle import gone_event, poll_event, submit_event
from wanbatch.lifecycle import Attempt, Event, EventKind, Facts, Opening, Placement, Snapshot, State
from wanbatch.manifest.model import FileMedia
from wanbatch.media.model import VideoFacts
from wanbatch.media.stills import cut_still
from wanbatch.plan.identity import video_name
from wanbatch.plan.model import MediaRef, PlannedJob, Request

CLOCK_SLACK_S = 120.0
"""By how much the server's idea of when a task began may lie before ours of when it was sent."""

T = TypeVar("T")


class LedgerWriter(Protocol):
    """What a run needs of the ledger; every ``await`` returns once the write is durable."""

    @property
    def snapshot(self) -> Snapshot: ...
    def attempt(self, attempt_id: int) -> Attempt: ...
    async def open_attempt(self, opening: Opening) -> Attempt: ...
    async def append(self, event: Event) -> Attempt: ...
    async def place(self, placement: Placement) -> None: ...


class ApiClient(Protocol):
    """What a run needs of a backend; nothing here raises for what a server or a network may do."""

    async def probe(self) -> ProbeOutcome: ...
    async def deliver(
        self, media: list[tuple[MediaRef, Path | None]], model: str
    ) -> Urls | str: ...
    async def submit(self, request: Request, urls: Urls) -> SubmitOutcome: ...
    async def poll(self, task_id: str, submitted_at: float) -> PollOutcome: ...
    async def download(self, task_id: str, result: Succeeded, part: Path) -> DownloadOutcome: ...
    async def list_tasks(self, since: float, until: float) -> TaskListing | None: ...


@dataclass(frozen=True, slots=True)
class RunContext:
    """What stays the same for a whole run. ``wall`` reads Unix seconds."""

    run_id: str
    backend: str
    realm: str
    origin: str
    currency: str
    output: Path
    wall: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Home:
    """Where a finished video stands, relative to the output folder."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person watching the run wants to know; ``attempt`` is the row after it."""

    kind: str
    job: str
    attempt: Attempt | None = None
    text: str = ""


Observer = Callable[[Notice], None]


class Runner:
    """One run. ``run`` returns when nothing is left to do, or when it was stopped."""

    def __init__(
        self,
        context: RunContext,
        conductor: Conductor,
        ledger: LedgerWriter,
        client: ApiClient,
        observe: Observer,
        homes: Mapping[str, Home] | None = None,
    ) -> None:
        """``homes`` are the videos that stand already, by fingerprint."""
        self.context, self.conductor, self.ledger, self.client, self.observe = (
            context,
            conductor,
            ledger,
            client,
            observe,
        )
        self._changed = anyio.Event()
        self.homes = dict(homes or {})
        self.scope = anyio.CancelScope()
        self._posts: set[anyio.CancelScope] = set()
        self._task_ids = {
            a.task_id for a in ledger.snapshot.attempts if a.task_id and a.origin == context.origin
        }

    async def run(self) -> None:
        """Raises what only a bug or a failed ledger raises; everything an API or a network does is an event."""
        with self.scope:
            async with anyio.create_task_group() as tasks:
                while True:
                    action = self.conductor.next_action(anyio.current_time())
                    match action:
                        case Finish():
                            break
                        case Wait(until):
                            await self._wait(until)
                        case _:
                            tasks.start_soon(self._perform, action)

    def stop(self, reason: str) -> None:
        """First Ctrl-C: no new request; those that are out are waited for."""
        self.conductor.stop(reason)
        self.conductor.drain()
        self._changed.set()

    def abort(self) -> None:
        """Second Ctrl-C: out at once. The ledger still tells the truth: an intent without an answer is uncertain."""
        self.scope.cancel()
        for post in self._posts:
            post.cancel()

    async def _wait(self, until: float | None) -> None:
        delay = None if until is None else max(0.0, until - anyio.current_time())
        with anyio.move_on_after(delay):
            await self._changed.wait()
        self._changed = anyio.Event()

    async def _perform(self, action: Prepare | Submit | Poll | Fetch | ListTasks) -> None:
        match action:
            case Prepare(work):
                await self._prepare(work)
            case Submit(work):
                await self._submit(work)
            case Poll(task):
                await self._poll(task)
            case Fetch(task, result):
                await self._fetch(task, result)
            case ListTasks(since):
                at = self.context.wall()
                listing = await self.client.list_tasks(since - CLOCK_SLACK_S, at)
                self.conductor.listed(listing, anyio.current_time(), at)
        self._changed.set()

    # -- submit ------------------------------------------------------------------------------------------------------------------------------

    async def _prepare(self, work: Work) -> None:
        try:
            media = [
                (ref, await self._local_file(work.entry, ref)) for ref in work.entry.request.media
            ]
        except (OSError, ValueError) as error:
            self._unprepared(work, f"its media could not be read: {error}")
            return
        urls = await self.client.deliver(media, work.entry.request.model)
        if isinstance(urls, str):
            self._unprepared(work, urls)
        else:
            self.conductor.prepared(work, urls)

    def _unprepared(self, work: Work, reason: str) -> None:
        self.conductor.unprepared(work, reason)
        self.observe(Notice("unprepared", work.entry.name, None, reason))

    async def _local_file(self, entry: PlannedJob, ref: MediaRef) -> Path | None:
        """The file behind a media input: the user's own, an upstream's video, or a still cut from it. ``None`` for a public URL."""
        if ref.url:
            return None
        if not ref.upstream:
            return next(
                m.source.path
                for m in entry.job.media
                if m.type == ref.type and isinstance(m.source, FileMedia)
            )
        home = self.homes[ref.upstream]
        video = self.context.output / home.path
        if ref.frame is None:
            return video
        still = (
            self.context.output
            / entry.job.manifest
            / "stills"
            / f"{home.sha256[:16]}.{ref.frame}.png"
        )
        if not still.exists():
            await _in_thread(partial(cut_still, video, ref.frame, still))
        return still

    async def _submit(self, work: Work) -> None:
        attempt = await self.ledger.open_attempt(self._opening(work))
        self.conductor.opened(work, attempt)
        # Trouble elsewhere must not cut a POST off: its answer may name a video that was bought. Only a second Ctrl-C does (``abort``).
        with anyio.CancelScope(shield=True) as post:
            self._posts.add(post)
            try:
                await self._post(work, attempt)
            finally:
                self._posts.discard(post)

    async def _post(self, work: Work, attempt: Attempt) -> None:
        outcome = self._doubt_known_id(await self.client.submit(work.entry.request, work.urls))
        try:
            attempt = await self.ledger.append(submit_event(attempt, outcome, self.context.wall()))
        except BaseException:
            if isinstance(outcome, Accepted):
                self.observe(Notice("unrecorded", work.entry.name, attempt, outcome.task_id))
            raise
        self.conductor.submitted(work, attempt, outcome, anyio.current_time())
        self.observe(
            Notice(
                "submitted",
                work.entry.name,
                attempt,
                getattr(outcome, "reason", "") or getattr(outcome, "message", ""),
            )
        )

    def _doubt_known_id(self, outcome: SubmitOutcome) -> SubmitOutcome:
        """An id that another attempt has is no answer: whose video it names, and whether this one was bought, nobody knows."""
        if not isinstance(outcome, Accepted):
            return outcome
        if outcome.task_id in self._task_ids:
            return Uncertain("the API answered with the id of another task")
        self._task_ids.add(outcome.task_id)
        return outcome

    def _opening(self, work: Work) -> Opening:
        entry, context = work.entry, self.context
        return Opening(
            fingerprint=entry.fingerprint,
            realm=context.realm,
            backend=context.backend,
            origin=context.origin,
            manifest=entry.job.manifest,
            job=entry.name,
            run_id=context.run_id,
            authority=work.authority,
            request=entry.request.record(),
            length_s=entry.request.seconds,
            size=entry.request.size,
            price=entry.price,
            currency=context.currency,
            at=context.wall(),
        )

    # -- poll --------------------------------------------------------------------------------------------------------------------------------

    async def _poll(self, task: Tracked) -> None:
        attempt = task.attempt
        outcome = await self.client.poll(attempt.task_id, attempt.accepted_at)
        at = self.context.wall()
        event = poll_event(attempt, outcome, at, task.polls, task.not_done_at)
        if event is not None:
            attempt = await self.ledger.append(event)
        self.conductor.polled(task, attempt, outcome, anyio.current_time(), at)
        if event is not None:
            self.observe(Notice("polled", attempt.job, attempt, attempt.error_message))

    # -- fetch -------------------------------------------------------------------------------------------------------------------------------

    async def _fetch(self, task: Tracked, result: Succeeded) -> None:
        attempt = task.attempt
        part = outputs.part_path(self.context.output, attempt)
        try:
            await _in_thread(partial(part.parent.mkdir, parents=True, exist_ok=True))
        except OSError as error:
            await self._fetch_failed(
                task, DownloadFailed(f"{part.parent} cannot be made: {error.strerror}", disk=True)
            )
            return
        outcome = await self.client.download(attempt.task_id, result, part)
        if isinstance(outcome, DownloadFailed):
            await self._fetch_failed(task, outcome)
            return
        try:
            attempt = await self._store(task, part, outcome)
        except OSError as error:
            self._unnamed(
                task,
                DownloadFailed(
                    f"{part.parent.parent} cannot be written: {error.strerror or 'input/output error'}",
                    disk=True,
                ),
            )
            return
        self.conductor.fetched(task, attempt, anyio.current_time())
        self.observe(Notice("stored", attempt.job, attempt))

    def _unnamed(self, task: Tracked, failure: DownloadFailed) -> None:
        """The bytes are staged, and the disk would not give them their name: the next run begins with that."""
        attempt = self.ledger.attempt(task.attempt.attempt_id)
        self.conductor.unfetched(task, attempt, failure, anyio.current_time())
        self.observe(Notice("unfetched", attempt.job, attempt, failure.reason))

    async def _fetch_failed(self, task: Tracked, failure: DownloadFailed) -> None:
        event = gone_event(task.attempt, failure, self.context.wall())
        if event is None:
            self.conductor.unfetched(task, task.attempt, failure, anyio.current_time())
            self.observe(Notice("unfetched", task.attempt.job, task.attempt, failure.reason))
            return
        attempt = await self.ledger.append(event)
        self.conductor.fetched(task, attempt, anyio.current_time())
        self.observe(Notice("expired", attempt.job, attempt, failure.reason))

    async def _store(self, task: Tracked, part: Path, outcome: Downloaded) -> Attempt:
        if task.attempt.state is State.STORED:
            return await self._restore(task, part, outcome)
        entries = task.work.entries if task.work else []
        facts = _facts(outcome.facts, entries[0].path if entries else stranger_path(task.attempt))
        attempt = await self.ledger.append(
            Event(task.attempt.attempt_id, EventKind.STAGED, self.context.wall(), facts)
        )
        attempt = await publish_staged(self.context, self.ledger, attempt, part)
        await place_copies(self.context, self.ledger, attempt, attempt.path, entries)
        self.homes[_known_by(task)] = Home(attempt.path, attempt.sha256)
        return attempt

    async def _restore(self, task: Tracked, part: Path, outcome: Downloaded) -> Attempt:
        """A stored file that was lost comes back, if the provider still gives the same bytes."""
        attempt = task.attempt
        if outcome.facts.sha256 != attempt.sha256:
            self.observe(
                Notice(
                    "altered",
                    attempt.job,
                    attempt,
                    f"the provider now gives other bytes; they were left at {part.name}",
                )
            )
            return attempt
        path = await _in_thread(
            partial(outputs.publish, self.context.output, part, attempt.path, attempt.sha256)
        )
        attempt = await self.ledger.append(
            Event(attempt.attempt_id, EventKind.RESTORED, self.context.wall(), {"path": path})
        )
        await place_copies(
            self.context, self.ledger, attempt, path, task.work.entries if task.work else []
        )
        self.homes[_known_by(task)] = Home(path, attempt.sha256)
        return attempt


def _known_by(task: Tracked) -> str:
    """The fingerprint that other jobs name the task's video by: the work's, for the attempt may be of an earlier rule."""
    return task.work.fingerprint if task.work else task.attempt.fingerprint


async def publish_staged(
    context: RunContext, ledger: LedgerWriter, attempt: Attempt, part: Path
) -> Attempt:
    """STAGED to STORED: the final name, the synced folder, then the event."""
    path = await _in_thread(
        partial(outputs.publish, context.output, part, attempt.path, attempt.sha256)
    )
    at = context.wall()
    return await ledger.append(
        Event(attempt.attempt_id, EventKind.STORED, at, {"path": path, "stored_at": at})
    )


async def place_copies(
    context: RunContext,
    ledger: LedgerWriter,
    attempt: Attempt,
    source: str,
    entries: Sequence[PlannedJob],
) -> None:
    """A copy of the video for each of ``entries`` under its own name; the first home needs no copy but is recorded too."""
    for entry in entries:
        path = source
        if entry.path != source:
            path = await _in_thread(
                partial(outputs.copy_video, context.output, source, entry.path, attempt.sha256)
            )
        modified = await _in_thread(partial(outputs.modified_at_ns, context.output, path))
        await ledger.place(
            Placement(entry.job.manifest, entry.name, attempt.attempt_id, path, modified)
        )


def stranger_path(attempt: Attempt) -> str:
    """Where the video of a job goes that no manifest of this run has any more: its own folder, under its old name."""
    return (
        f"{attempt.manifest}/videos/{video_name(attempt.job, attempt.fingerprint, attempt.realm)}"
    )


def _facts(video: VideoFacts, path: str) -> Facts:
    return {
        "path": path,
        "sha256": video.sha256,
        "bytes": video.bytes,
        "seconds": video.seconds,
        "width": video.width,
        "height": video.height,
        "fps": video.fps,
        "has_audio": video.has_audio,
    }


async def _in_thread(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work)
