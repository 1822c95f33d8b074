"""The shell of a run: does what the scheduler says, and makes every step durable before
the next.

What it may not do: decide. What comes next is the scheduler's, what an answer means is
``interpret``'s, what may follow what is ``lifecycle``'s.

How it works: one loop asks for the next action and starts it as a task; the task does
its I/O, appends the event, waits until the ledger has it on disk, tells the scheduler,
and wakes the loop. There are only as many tasks as requests under way, never one per
job.

The order that all trust hangs on, for one job: budget reserved → INTENT durable → one
POST → ACCEPTED durable → first poll → REMOTE_OK durable → bytes whole, checked and
synced → STAGED durable → final name, folder synced → STORED durable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Protocol, assert_never

import anyio

from wanbatch.engine.events import (
    Altered,
    Downloading,
    DownloadRetried,
    Expired,
    MoneyMoved,
    NotPrepared,
    PaceChanged,
    Polled,
    RunEvent,
    Stored,
    Submitting,
    Unrecorded,
    after_submit,
)
from wanbatch.engine.interpret import (
    expiry_event,
    failure_event,
    gone_event,
    is_late,
    is_overdue,
    poll_event,
    submit_event,
)
from wanbatch.engine.notices import (
    ClockSet,
    Drain,
    FetchFailed,
    IntentRecorded,
    ListAnswered,
    MediaFailed,
    MediaReady,
    NoPermit,
    NoRoom,
    PollAnswered,
    SubmitAnswered,
    TimeTold,
    VideoStored,
)
from wanbatch.engine.scheduler import Scheduler
from wanbatch.engine.scheduling.course import Mode
from wanbatch.engine.work_items import (
    Fetch,
    Finish,
    ListTasks,
    Poll,
    Prepare,
    RunningTask,
    Submit,
    Urls,
    Wait,
    WorkItem,
)
from wanbatch.model.archive import Archive, NotArchived, archived_name, is_archived
from wanbatch.model.elsewhere import video_name
from wanbatch.model.job import FileMedia, Frame
from wanbatch.model.lifecycle import (
    DAY_LONG,
    Attempt,
    Authorisation,
    Event,
    EventKind,
    Facts,
    Opening,
    Placement,
    Retention,
    Snapshot,
    State,
)
from wanbatch.model.media import VideoFacts
from wanbatch.model.origin import same_origin
from wanbatch.model.outcomes import (
    Accepted,
    Delivered,
    DeliveryOutcome,
    Downloaded,
    DownloadFailed,
    DownloadOutcome,
    NotAccepted,
    PollOutcome,
    ProbeOutcome,
    SubmitOutcome,
    Succeeded,
    TaskListing,
    Uncertain,
    Undeliverable,
)
from wanbatch.model.permit import Permit, PermitLost
from wanbatch.model.plan import MediaRef, PlannedJob, Request
from wanbatch.model.pool import Pool, near, where
from wanbatch.videos import outputs
from wanbatch.videos.errands import COPY, HASH, HASH_IF_THERE, MODIFIED, PUBLISH, STILL
from wanbatch.words.clock import ServerClock

CLOCK_SLACK_S = 120.0
"""By how much the server's idea of when a task began may lie before ours of when it was
sent: as much as ``reconcile`` allows."""

SHORT_BY_S = 0.5
"""A video is as long as asked within this, half of the unit that is paid for: the last
frames of a second may be missing."""
TIERS_PART_AT = 1_400_000
"""Pixels between 1280×720 and 1920×1080 in any aspect ratio (reference C.4)."""
VIDEO_BYTES, SPARE_BYTES = 30_000_000, 500_000_000
"""Room for a video of unknown size, and what is to be left on the disk (contract)."""
LEARNT_FROM = 200
"""So many of the last attempts tell how large a video is: as many as durations are kept
(``latency``)."""

PERMIT_STEP_S = 1.0
"""How often who waits for leave to buy looks whether the run is to end."""


class LedgerWriter(Protocol):
    """What a run needs of the ledger; every ``await`` returns once the write is
    durable."""

    @property
    def snapshot(self) -> Snapshot: ...
    @property
    def permit(self) -> Permit: ...
    def attempt(self, attempt_id: int) -> Attempt: ...
    async def open_attempt(self, opening: Opening) -> Attempt: ...
    async def append(self, event: Event) -> Attempt: ...
    async def place(self, placement: Placement) -> None: ...
    async def authorise(
        self,
        *,
        fingerprint: str,
        realm: str,
        manifest: str,
        job: str,
        kind: str,
        run_id: str,
        at: float,
    ) -> Authorisation: ...


class ApiClient(Protocol):
    """What a run needs of a backend; nothing here raises for what a server or a network
    may do."""

    async def probe(self) -> ProbeOutcome: ...
    async def deliver(
        self, media: list[tuple[MediaRef, Path | None]], model: str
    ) -> DeliveryOutcome: ...
    async def submit(self, request: Request, urls: Urls) -> SubmitOutcome: ...
    async def poll(self, task_id: str, submitted_at: float) -> PollOutcome: ...
    async def download(self, task_id: str, result: Succeeded, part: Path) -> DownloadOutcome: ...
    async def list_tasks(self, since: float, until: float) -> TaskListing | None: ...


@dataclass(frozen=True, slots=True)
class RunContext:
    """What stays the same for a whole run.

    ``wall`` reads Unix seconds. ``clock`` knows what the servers said of the time;
    without one only ``wall`` counts. ``free_bytes`` reads the room on the output
    folder's disk. ``pool`` does what touches the disk.
    """

    run_id: str
    backend: str
    realm: str
    origin: str
    currency: str
    output: Path
    wall: Callable[[], float]
    pool: Pool
    clock: ServerClock | None = None
    retention: Retention = DAY_LONG
    free_bytes: Callable[[], int] | None = None
    archive: Archive | None = None
    """Where finished videos live; ``None`` for the output folder."""

    @property
    def offset_s(self) -> float | None:
        """The server's clock minus ours by its last word."""
        return self.clock.offset_s if self.clock else None

    @property
    def cautious_offset_s(self) -> float | None:
        """The server's clock minus ours, at the least."""
        return self.clock.cautious_offset_s if self.clock else None

    def age_s(self, attempt: Attempt) -> float:
        """How long ago the task was accepted, at least."""
        if self.clock is None:
            return self.wall() - attempt.accepted_at
        return self.clock.age_s(attempt.accepted_at, attempt.outcome_offset_s)

    def most_age_s(self, attempt: Attempt) -> float:
        """How long ago the task was accepted, at most."""
        if self.clock is None:
            return self.wall() - attempt.accepted_at
        offsets = attempt.intent_offset_s, attempt.outcome_offset_s
        return self.clock.most_age_s(attempt.accepted_at, *offsets)

    def past_s(self, attempt: Attempt) -> float:
        """By how much the result's deadline has surely passed; negative before it."""
        kept_s = attempt.available_until - attempt.accepted_at
        return self.age_s(attempt) - kept_s

    def by_our_clock(self, outcome: PollOutcome) -> PollOutcome:
        """``outcome`` with the server's instants as our own clock would have shown
        them."""
        if self.clock is None or not isinstance(outcome, Succeeded):
            return outcome
        return replace(
            outcome,
            created_at=self._moved(outcome.created_at),
            completed_at=self._moved(outcome.completed_at),
            expires_at=self._moved(outcome.expires_at),
        )

    def _moved(self, at: float | None) -> float | None:
        return at if at is None or self.clock is None else self.clock.from_server(at)


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """Where a finished video stands, relative to the output folder."""

    path: str
    sha256: str


class VideoChanged(Exception):
    """A video that a purchase depends on was changed since it was made."""


Observer = Callable[[RunEvent], None]


class Runner:
    """One run. ``run`` returns when nothing is left to do, or when it was stopped."""

    def __init__(
        self,
        context: RunContext,
        scheduler: Scheduler,
        ledger: LedgerWriter,
        client: ApiClient,
        observe: Observer,
        homes: Mapping[str, StoredVideo] | None = None,
    ) -> None:
        """``homes`` are the videos that stand already, by fingerprint."""
        self.context, self.scheduler, self.ledger, self.client, self.observe = (
            context,
            scheduler,
            ledger,
            client,
            observe,
        )
        self._changed = anyio.Event()
        self.homes = dict(homes or {})
        self.scope = anyio.CancelScope()
        self._posts: set[anyio.CancelScope] = set()
        self._stills: dict[Path, str] = {}
        # What was told last of pace and money, and a refusal that is still to be told.
        self._paced: tuple[float | None, int, float] | None = None
        self._moved: tuple[Decimal, Decimal] | None = None
        self._refusal = ""
        self._task_ids = {
            a.task_id
            for a in ledger.snapshot.attempts
            if a.task_id and same_origin(a.origin, context.origin)
        }

    async def run(self) -> None:
        """Raises what only a bug or a failed ledger raises; everything an API or a
        network does is an event."""
        self._tell_standing()
        with self.scope:
            async with anyio.create_task_group() as tasks:
                while True:
                    self._tell_time()
                    action = self.scheduler.next_action(anyio.current_time())
                    match action:
                        case Finish():
                            break
                        case Wait(until):
                            await self._wait(until)
                        case _:
                            tasks.start_soon(self._perform, action)

    def _tell_time(self) -> None:
        """What time it is, where that begins another period of a budget."""
        at, offset_s = self.context.wall(), self.context.cautious_offset_s
        if self.scheduler.periods.is_news(at, offset_s):
            self.scheduler.handle(TimeTold(at, offset_s), anyio.current_time())

    def stop(self, reason: str) -> None:
        """First Ctrl-C: no new request; those that are out are waited for."""
        self.scheduler.handle(Drain(reason), anyio.current_time())
        self._changed.set()

    def abort(self) -> None:
        """Second Ctrl-C: out at once. The ledger still tells the truth: an intent
        without an answer is uncertain."""
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
            case Fetch():
                await self._fetch(action)
            case ListTasks(since):
                at = self.context.wall()
                listing = await self.client.list_tasks(since - CLOCK_SLACK_S, at)
                self.scheduler.handle(ListAnswered(listing, at), anyio.current_time())
            case _:
                assert_never(action)
        self._tell_standing()
        self._changed.set()

    def _tell_standing(self) -> None:
        """Pace and money, where they are others than were told last."""
        pacer, budget = self.scheduler.pacer, self.scheduler.budget
        pace = (pacer.rate, pacer.limit, pacer.held_until)
        if pace != self._paced:
            self._paced = pace
            hold_s = max(0.0, pacer.held_until - anyio.current_time())
            self.observe(PaceChanged(pacer.rate, pacer.limit, hold_s, self._refusal))
            self._refusal = ""
        money = (budget.spent, budget.reserved)
        if money != self._moved:
            self._moved = money
            self.observe(MoneyMoved(*money, budget.limit))

    # -- submit ------------------------------------------------------------------------

    async def _prepare(self, work: WorkItem) -> None:
        try:
            media = [await self._local_file(work.entry, ref) for ref in work.entry.request.media]
        except VideoChanged as error:
            self._unprepared(work, str(error))
            return
        except (OSError, ValueError) as error:
            self._unprepared(work, f"its media could not be read: {error}")
            return
        found = await self.client.deliver(media, work.entry.request.model)
        match found:
            case Delivered(urls):
                self.scheduler.handle(MediaReady(work, urls), anyio.current_time())
            case Undeliverable():
                self._unprepared(work, found.text)
            case _:
                assert_never(found)

    def _unprepared(self, work: WorkItem, reason: str) -> None:
        self.scheduler.handle(MediaFailed(work, reason), anyio.current_time())
        self._tell_unprepared(work, reason)

    def _tell_unprepared(self, work: WorkItem, reason: str) -> None:
        job = work.entry.job
        self.observe(NotPrepared(job.name, reason, manifest=job.manifest))

    async def _local_file(self, entry: PlannedJob, ref: MediaRef) -> tuple[MediaRef, Path | None]:
        """The file behind a media input: the user's own, an upstream's video, or a
        still cut from it. ``None`` for a public URL.

        The reference then holds the hash by which the file is checked once more as it
        is sent. Raises ``VideoChanged`` for a video that is not the one that was made.
        """
        if ref.url:
            return ref, None
        if not ref.upstream:
            own = (m.source for m in entry.job.media if m.type == ref.type)
            return ref, next(source.path for source in own if isinstance(source, FileMedia))
        home = self.homes.get(ref.upstream)
        if home is None:  # it was lost, and the provider gave other bytes for it
            raise VideoChanged(f"{ref.source}: the video that was made is not there any more")
        video = self.context.output / home.path
        await self._have_at_hand(home, video)
        await self._verify(ref, home, video)
        if ref.frame is None:
            return replace(ref, sha256=home.sha256), video
        name = f"{home.sha256[:16]}.{ref.frame}.png"
        still = self.context.output / entry.job.manifest / "stills" / name
        cut = await self._cut(video, home.sha256, ref.frame, still)
        return replace(ref, sha256=cut), still

    async def _have_at_hand(self, home: StoredVideo, video: Path) -> None:
        """A video that lives in a store gets a copy here. Raises ``VideoChanged``."""
        archive = self.context.archive
        if archive is None or not is_archived(home.path):
            return
        if await self.context.pool.submit(near(video.exists)):
            return
        try:
            await archive.fetch(home.sha256, video)
        except NotArchived as error:
            raise VideoChanged(str(error)) from None

    async def _verify(self, ref: MediaRef, home: StoredVideo, video: Path) -> None:
        """What a purchase depends on is hashed just before it; size and time can be
        kept."""
        try:
            found = await self.context.pool.submit(HASH, where(video))
        except FileNotFoundError:
            found = ""
        if found == home.sha256:
            return
        for placement in self.ledger.snapshot.placements:
            if placement.path == home.path:  # its time proves nothing: from now on it is hashed
                await self.ledger.place(replace(placement, mtime_ns=0))
        raise VideoChanged(
            f"{ref.source}: {home.path} is not the video that was made any more;"
            " put it back, or run again: it is downloaded once more while the provider has it"
        )

    async def _cut(self, video: Path, sha256: str, frame: Frame, still: Path) -> str:
        """The hash of the still: cut in this run, and cut again where it was changed
        since."""
        known, pool = self._stills.get(still), self.context.pool
        if known is None or await pool.submit(HASH_IF_THERE, where(still)) != known:
            source, target = where(video, sha256), where(still).path
            known = self._stills[still] = await pool.submit(STILL, source, frame, target)
        return known

    async def _submit(self, work: WorkItem) -> None:
        lack = await self._lack_of_room()
        if lack:
            self.scheduler.handle(NoRoom(work, lack), anyio.current_time())
            self._tell_unprepared(work, lack)
            return
        attempt = await self._permitted_intent(work)
        if attempt is None:
            return
        self.scheduler.handle(IntentRecorded(work, attempt), anyio.current_time())
        # Trouble elsewhere must not cut a POST off: its answer may name a video that
        # was bought. Only a second Ctrl-C does (``abort``).
        with anyio.CancelScope(shield=True) as post:
            self._posts.add(post)
            try:
                await self._post(work, attempt)
            finally:
                self._posts.discard(post)

    async def _permitted_intent(self, work: WorkItem) -> Attempt | None:
        """The durable intent; ``None`` where another machine decides now, or the run
        ends before it is known whether we still do."""
        refusal = await self._wait_for_permit()
        if not refusal:
            self.observe(Submitting(work.entry.name, work.fingerprint, work.entry.job.manifest))
            try:
                return await self._record_intent(work)
            except PermitLost as lost:
                refusal = lost.message
        self.scheduler.handle(NoPermit(work, refusal), anyio.current_time())
        self._tell_unprepared(work, refusal)
        return None

    async def _wait_for_permit(self) -> str:
        """Nothing is bought meanwhile, and all else goes on; returns why there is no
        permit, or nothing."""
        permit = self.ledger.permit
        while refusal := permit.refusal():
            if permit.lost or self.scheduler.course.mode is Mode.DRAINING:
                return refusal
            with anyio.move_on_after(PERMIT_STEP_S):
                await permit.wait()
        return ""

    async def _record_intent(self, work: WorkItem) -> Attempt:
        """A new attempt, or the one that was proven not accepted, about to go out
        again."""
        if work.reopens is None:
            return await self.ledger.open_attempt(self._opening(work))
        at, offset_s = self.context.wall(), self.context.offset_s
        # What was refused is over: the instants of the POST to come are what counts.
        facts: Facts = {"intent_at": at, "intent_offset_s": offset_s}
        return await self.ledger.append(
            Event(work.reopens.attempt_id, EventKind.REOPENED, at, facts)
        )

    async def _lack_of_room(self) -> str:
        """Why the disk has no room for all that is in flight and one more; empty where
        it has."""
        if self.context.free_bytes is None:
            return ""
        try:
            free = await self.context.pool.submit(near(self.context.free_bytes))
        except OSError:
            return ""  # a system that does not tell; the download will
        sizes = [a.bytes for a in self.ledger.snapshot.attempts[-LEARNT_FROM:] if a.bytes]
        each = max(sizes, default=VIDEO_BYTES)
        wanted = (len(self.scheduler.tasks) + 1) * each + SPARE_BYTES
        if free >= wanted:
            return ""
        return (
            f"the disk of {self.context.output} has {free >> 20} MB left, and"
            f" {wanted >> 20} MB may be needed for what is in flight: free some space"
        )

    async def _post(self, work: WorkItem, attempt: Attempt) -> None:
        refusal = self.ledger.permit.refusal()  # at the last moment: recording takes its time
        outcome = (
            NotAccepted(refusal)
            if refusal
            else self._doubt_known_id(await self.client.submit(work.entry.request, work.urls))
        )
        context = self.context
        event = submit_event(attempt, outcome, context.wall(), context.retention, context.offset_s)
        try:
            attempt = await self.ledger.append(event)
        except BaseException:
            if isinstance(outcome, Accepted):
                self.observe(Unrecorded(attempt, outcome.task_id))
            raise
        self.scheduler.handle(SubmitAnswered(work, attempt, outcome), anyio.current_time())
        if isinstance(outcome, NotAccepted):
            self._refusal = outcome.reason
        self.observe(after_submit(attempt, outcome))

    def _doubt_known_id(self, outcome: SubmitOutcome) -> SubmitOutcome:
        """An id that another attempt has is no answer: whose video it names, and
        whether this one was bought, nobody knows."""
        if not isinstance(outcome, Accepted):
            return outcome
        if outcome.task_id in self._task_ids:
            return Uncertain("the API answered with the id of another task")
        self._task_ids.add(outcome.task_id)
        return outcome

    def _opening(self, work: WorkItem) -> Opening:
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
            intent_offset_s=context.offset_s,
            authorisation_id=work.authorisation_id,
        )

    # -- poll --------------------------------------------------------------------------

    async def _poll(self, task: RunningTask) -> None:
        attempt, context = task.attempt, self.context
        outcome = await self.client.poll(attempt.task_id, attempt.accepted_at)
        outcome = context.by_our_clock(outcome)
        at, age_s = context.wall(), context.age_s(attempt)
        if context.clock is not None and context.clock.was_set():
            self.scheduler.handle(ClockSet(), anyio.current_time())
        event = poll_event(
            attempt,
            outcome,
            at,
            task.polls,
            task.not_done_at,
            most_s=context.most_age_s(attempt),
            retention=context.retention,
        )
        if event is not None:
            attempt = await self.ledger.append(event)
        self.scheduler.handle(PollAnswered(task, attempt, outcome, at, age_s), anyio.current_time())
        if event is not None:
            text = attempt.error_message if attempt.state is State.REMOTE_FAILED else ""
            self.observe(Polled(attempt, text))

    # -- fetch -------------------------------------------------------------------------

    async def _fetch(self, fetch: Fetch) -> None:
        task = fetch.task
        attempt = task.attempt
        part = outputs.part_path(self.context.output, attempt)
        try:
            await self.context.pool.submit(_MAKE_FOLDER, part.parent)
        except OSError as error:
            reason = f"{part.parent} cannot be made: {error.strerror}"
            await self._fetch_failed(fetch, DownloadFailed(reason, disk=True))
            return
        if attempt.state not in (State.ACCEPTED, State.REMOTE_FAILED):  # else it is a try
            self.observe(Downloading(attempt))
        outcome = await self._download(fetch, part)
        if isinstance(outcome, DownloadFailed):
            await self._fetch_failed(fetch, outcome)
            return
        try:
            attempt = await self._store(task, part, outcome)
        except OSError as error:
            folder, why = part.parent.parent, error.strerror or "input/output error"
            self._unnamed(task, DownloadFailed(f"{folder} cannot be written: {why}", disk=True))
            return
        except NotArchived as error:
            self._unnamed(task, DownloadFailed(str(error), disk=True))
            return
        self.scheduler.handle(VideoStored(task, attempt), anyio.current_time())
        if _is_altered(attempt, outcome):
            text = f"the provider now gives other bytes; they were left at {part.name}"
            self.observe(Altered(attempt, text))
        else:
            self.observe(Stored(attempt, outcome.remark))

    async def _download(self, fetch: Fetch, part: Path) -> DownloadOutcome:
        """One download, and a second where the first may have been cut off.

        A fragmented MP4 that was cut between two fragments looks whole; where no length
        was declared and it is shorter than asked, only a second download can tell.
        """
        attempt = fetch.task.attempt
        outcome = await self.client.download(attempt.task_id, fetch.result, part)
        if isinstance(outcome, Downloaded) and not outcome.declared and _is_short(attempt, outcome):
            outcome = await self.client.download(attempt.task_id, fetch.result, part)
        unended = attempt.state in (State.ACCEPTED, State.REMOTE_FAILED)
        if isinstance(outcome, Downloaded) and unended:
            return await self._take_early(attempt, part, outcome)
        if isinstance(outcome, DownloadFailed) and outcome.refused:
            kept = outputs.rejected_path(self.context.output, attempt)
            await self.context.pool.submit(_KEEP, part, kept)
        return outcome

    async def _take_early(
        self, attempt: Attempt, part: Path, outcome: Downloaded
    ) -> DownloadOutcome:
        """A video of a task that was not called finished: an end, if it is what was
        asked for."""
        if not _fits_request(attempt, outcome):
            kept = outputs.early_path(self.context.output, attempt)
            await self.context.pool.submit(_KEEP, part, kept)
            found = outcome.facts
            return DownloadFailed(
                f"the content route gave a video of {found.seconds:.1f} s and"
                f" {found.width}×{found.height}, which is not what was asked for",
                unfit=True,
            )
        at = self.context.wall()
        facts: Facts = {
            "finished_at": at,
            "confirmed_at": at,
            "available_until": at + self.context.retention.result_s,
        }
        await self.ledger.append(Event(attempt.attempt_id, EventKind.REMOTE_OK, at, facts))
        return outcome

    def _unnamed(self, task: RunningTask, failure: DownloadFailed) -> None:
        """The bytes are staged, and the disk would not give them their name: the next
        run begins with that."""
        attempt = self.ledger.attempt(task.attempt.attempt_id)
        self.scheduler.handle(FetchFailed(task, attempt, failure), anyio.current_time())
        self.observe(DownloadRetried(attempt, failure.reason))

    async def _fetch_failed(self, fetch: Fetch, failure: DownloadFailed) -> None:
        task = fetch.task
        attempt = self.ledger.attempt(task.attempt.attempt_id)
        event = self._last_word(fetch, attempt, failure)
        if event is not None:
            attempt = await self.ledger.append(event)
        now = anyio.current_time()
        if event is None or event.kind is EventKind.OBSERVED:
            self.scheduler.handle(FetchFailed(task, attempt, failure), now)
            if attempt.state is not State.ACCEPTED:
                self.observe(DownloadRetried(attempt, failure.reason))
            return
        self.scheduler.handle(VideoStored(task, attempt), now)
        if attempt.state is State.EXPIRED:
            self.observe(Expired(attempt, attempt.reason))
        else:
            self.observe(Polled(attempt, attempt.error_message))

    def _last_word(self, fetch: Fetch, attempt: Attempt, failure: DownloadFailed) -> Event | None:
        """What the ledger keeps of a download that gave nothing."""
        context, task = self.context, fetch.task
        at, age_s = context.wall(), context.age_s(attempt)
        if attempt.state is State.REMOTE_FAILED:
            return None  # it stays failed, as the ledger has it
        if attempt.state is not State.ACCEPTED:
            past_s = context.past_s(attempt)
            return gone_event(attempt, failure, at, readable=fetch.readable, past_s=past_s)
        if fetch.failed is not None and not failure.disk:
            late = is_late(attempt, at, context.most_age_s(attempt), context.retention)
            return failure_event(attempt, fetch.failed, at, task.polls, task.not_done_at, late=late)
        if is_overdue(attempt, age_s, context.retention):
            return expiry_event(attempt, failure, at)
        return None

    async def _store(self, task: RunningTask, part: Path, outcome: Downloaded) -> Attempt:
        if task.attempt.state is State.STORED:
            return await self._restore(task, part, outcome)
        entries = task.work.entries if task.work else []
        home = entries[0].path if entries else stranger_path(task.attempt)
        if self.context.archive is not None:
            home = archived_name(outcome.facts.sha256)
        facts = _facts(outcome.facts, home)
        attempt = await self.ledger.append(
            Event(task.attempt.attempt_id, EventKind.STAGED, self.context.wall(), facts)
        )
        attempt = await publish_staged(self.context, self.ledger, attempt, part)
        await place_copies(self.context, self.ledger, attempt, attempt.path, entries)
        self.homes[_known_by(task)] = StoredVideo(attempt.path, attempt.sha256)
        return attempt

    async def _restore(self, task: RunningTask, part: Path, outcome: Downloaded) -> Attempt:
        """A stored file that was lost comes back, if the provider still gives the same
        bytes."""
        attempt = task.attempt
        if _is_altered(attempt, outcome):
            return attempt
        path = await _publish(self.context, attempt, part)
        attempt = await self.ledger.append(
            Event(attempt.attempt_id, EventKind.RESTORED, self.context.wall(), {"path": path})
        )
        await place_copies(
            self.context, self.ledger, attempt, path, task.work.entries if task.work else []
        )
        self.homes[_known_by(task)] = StoredVideo(path, attempt.sha256)
        return attempt


def _known_by(task: RunningTask) -> str:
    """The fingerprint that other jobs name the task's video by: the work's, for the
    attempt may be of an earlier rule."""
    return task.work.fingerprint if task.work else task.attempt.fingerprint


async def publish_staged(
    context: RunContext, ledger: LedgerWriter, attempt: Attempt, part: Path
) -> Attempt:
    """STAGED to STORED: the final name, the synced folder, the store where there is
    one, then the event. Raises ``NotArchived``, and ``OSError`` as the disk does."""
    path = await _publish(context, attempt, part)
    at = context.wall()
    return await ledger.append(
        Event(attempt.attempt_id, EventKind.STORED, at, {"path": path, "stored_at": at})
    )


async def _publish(context: RunContext, attempt: Attempt, part: Path) -> str:
    """The name under which the video lives from now on. What goes to a store leaves a
    copy here, which whoever needs it no more may remove."""
    archive, sha256 = context.archive, attempt.sha256
    wanted = attempt.path if archive is None else archived_name(sha256)
    path = await context.pool.submit(PUBLISH, context.output, part, wanted, sha256)
    if archive is None:
        return path
    await archive.keep(sha256, context.output / path)
    return wanted


async def place_copies(
    context: RunContext,
    ledger: LedgerWriter,
    attempt: Attempt,
    source: str,
    entries: Sequence[PlannedJob],
) -> None:
    """A copy of the video for each of ``entries`` under its own name; the first home
    needs no copy but is recorded too."""
    for entry in entries:
        path = source
        if entry.path != source and not is_archived(source):
            path = await context.pool.submit(
                COPY, context.output, source, entry.path, attempt.sha256
            )
        modified = await context.pool.submit(MODIFIED, context.output, path)
        await ledger.place(
            Placement(entry.job.manifest, entry.name, attempt.attempt_id, path, modified)
        )


def stranger_path(attempt: Attempt) -> str:
    """Where the video of a job goes that no manifest of this run has any more: its own
    folder, under its old name."""
    return (
        f"{attempt.manifest}/videos/{video_name(attempt.job, attempt.fingerprint, attempt.realm)}"
    )


def _is_short(attempt: Attempt, outcome: Downloaded) -> bool:
    return outcome.facts.seconds < attempt.length_s - SHORT_BY_S


def _is_altered(attempt: Attempt, outcome: Downloaded) -> bool:
    """Whether a stored video came with other bytes than it was stored with."""
    return outcome.facts.sha256 != attempt.sha256


def _fits_request(attempt: Attempt, outcome: Downloaded) -> bool:
    """Whether a video has the length and the tier that was asked for."""
    found = outcome.facts
    tier = "1080P" if found.width * found.height >= TIERS_PART_AT else "720P"
    return tier == attempt.size and abs(found.seconds - attempt.length_s) <= SHORT_BY_S


def _keep(part: Path, kept: Path) -> None:
    """Moves refused bytes out of the way of the next download, as evidence."""
    if part.exists():
        part.replace(kept)


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


_KEEP, _MAKE_FOLDER = near(_keep), near(_make_folder)


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
