"""One backend as the engine talks to it: deliver media, submit once, poll, download,
list.

What it may not do: decide what follows from an outcome, touch the ledger, repeat a
POST, or let an exception of the network out.

How it works: a ``Dialect`` puts questions into wire requests and answers into outcomes,
``Http`` carries them. This class only ties the two, and keeps what one process has
already delivered. Every text that leaves here is free of the key.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import anyio

from wanbatch.media.errands import PROBE, SYNC
from wanbatch.model.job import MediaType
from wanbatch.model.media import VideoFacts
from wanbatch.model.outcomes import (
    Accepted,
    CancelOutcome,
    CancelRefused,
    Delivered,
    DeliveryOutcome,
    Downloaded,
    DownloadFailed,
    DownloadOutcome,
    Outcome,
    PollOutcome,
    ProbeFailed,
    ProbeOutcome,
    ProbePassed,
    SubmitOutcome,
    Succeeded,
    Uncertain,
    Undeliverable,
    Unreadable,
    rewrite,
)
from wanbatch.model.plan import MediaRef, Request
from wanbatch.model.pool import Pool, near, where
from wanbatch.model.ports import Cancelling, Discerning, Listing
from wanbatch.model.wire import (
    ListedTask,
    NoReply,
    Profile,
    Reply,
    Seen,
    TaskListing,
    WireRequest,
)
from wanbatch.providers.delivery import upload_space
from wanbatch.providers.delivery.bucket import Bucket
from wanbatch.providers.delivery.delivery import (
    INLINE_LIMIT_BYTES,
    MediaFile,
    Uploaded,
    as_data_url,
    check_delivery,
    read_media,
)
from wanbatch.providers.dialects.reading import (
    as_object,
    as_url,
    collect_urls,
    date_of,
    read_error,
    read_json,
    url_expiry,
    valid_task_id,
)
from wanbatch.providers.dialects.registry import dialect_for
from wanbatch.providers.dialects.status_reply import absolute_url, find_video_urls
from wanbatch.providers.http import download as http_download
from wanbatch.providers.http.exchange import Http
from wanbatch.providers.http.network import Network
from wanbatch.providers.scrubbing import scrub, without_queries
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import hash_file

SKEW_LIMIT_S = 900.0
"""A quarter of an hour: what signed requests are mostly allowed to differ. A clock that
is further off may as well be in another time zone, and then a list proves nothing."""
PROBE_AGAIN_S = 1.0
"""A gateway that restarts is back after a second more often than not."""
LIST_PAGES = 50
"""2,500 tasks of DashScope's pages. A listing that needs more is not complete."""


class Client:
    """An async context manager. ``pool`` reads files. ``clock`` gives Unix seconds and
    ``hear`` is told the server's; ``network`` is the real one where none is given.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        pool: Pool,
        network: Network | None = None,
        clock: Callable[[], float] = time.time,
        hear: Callable[[float], None] | None = None,
    ) -> None:
        self.profile = profile
        self._dialect = dialect_for(profile.kind)
        self._http = Http(profile, network)
        self._pool = pool
        self._clock, self._hear = clock, hear
        self._delivered: dict[str, tuple[str, float]] = {}
        self._bucket: Bucket | None = None

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self._http.requests

    async def __aenter__(self) -> Self:
        try:
            self._http.connections.prepare()
        except OSError:
            raise WanbatchError(
                ExitCode.ENVIRONMENT,
                f"the certificates in {self.profile.ca_file} cannot be read",
                "check ca_file in your configuration",
            ) from None
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def probe(self) -> ProbeOutcome:
        """Whether the API answers a question about an impossible task in its own shape.

        Costs nothing. Asked twice before it counts as failed; where the profile says
        ``probe = "skip"`` it is not asked at all.
        """
        if self.profile.probe == "skip":
            return ProbePassed()
        outcome = await self._probe_once()
        if isinstance(outcome, ProbeFailed):
            await anyio.sleep(PROBE_AGAIN_S)
            outcome = await self._probe_once()
        return self._without_key(outcome)

    async def _probe_once(self) -> ProbeOutcome:
        seen = await self._http.read(self._dialect.probe())
        outcome = self._dialect.read_probe(seen)
        if isinstance(outcome, ProbeFailed):
            return outcome
        date = date_of(seen.headers) if isinstance(seen, Reply) else None
        skew_s = None if date is None else date - self._clock()
        self._listen(seen)
        return ProbePassed(skew_s)

    def _listen(self, seen: Seen) -> None:
        """The server's clock, from an answer that is the API's own and that no cache
        kept."""
        if self._hear is None or not isinstance(seen, Reply) or _is_cached(seen):
            return
        date = date_of(seen.headers)
        if date is not None and _is_own(seen):
            self._hear(date)

    async def deliver(
        self, media: Sequence[tuple[MediaRef, Path | None]], model: str = "wan2.7-i2v"
    ) -> DeliveryOutcome:
        """Makes the media readable for the provider. Local files go the profile's way,
        each content at most once a process.

        ``model`` matters to DashScope's upload space alone: what is uploaded there
        serves one model.
        """
        urls: dict[MediaType, str] = {}
        for ref, path in media:
            found = await self._deliver_one(ref, path, model)
            if isinstance(found, Undeliverable):
                return self._without_key(found)
            urls[ref.type] = found
        inline = sum(len(url) for url in urls.values() if url.startswith("data:"))
        if inline > INLINE_LIMIT_BYTES:
            return Undeliverable(
                f"the media are {inline >> 20} MiB inline",
                (f"at most {INLINE_LIMIT_BYTES >> 20} MiB fit into one request",),
            )
        return Delivered(urls)

    async def submit(self, request: Request, urls: Mapping[MediaType, str]) -> SubmitOutcome:
        """Exactly one POST, on a connection of its own."""
        seen = await self._http.send_once(self._dialect.submit(request, urls))
        self._listen(
            seen
        )  # after a sleep our clock is slow: what is recorded now would expire too early
        outcome = self._dialect.read_submit(seen)
        key = self.profile.api_key.reveal()
        if isinstance(outcome, Accepted) and key and key in outcome.task_id:
            return Uncertain("the task id in the reply holds the key")
        return self._without_key(outcome)

    async def poll(self, task_id: str, submitted_at: float) -> PollOutcome:
        """One status query. Where the API refuses queries with 403, as it does to keys
        bound to a model, the content route is asked instead."""
        if valid_task_id(task_id) is None:
            return Unreadable("the task id is malformed")
        seen = await self._http.read(self._dialect.status(task_id))
        self._listen(seen)
        content = self._content_url(task_id)
        if (
            isinstance(seen, Reply)
            and seen.status == 403
            and content is not None
            and await http_download.peek(self._http, content)
        ):
            return Succeeded()
        return self._without_key(self._read(seen, task_id, submitted_at))

    def _read(self, seen: Seen, task_id: str, submitted_at: float) -> PollOutcome:
        now = self._clock()
        if isinstance(self._dialect, Discerning):
            outcome = self._dialect.read_task_status(seen, task_id, submitted_at, now)
        else:
            outcome = self._dialect.read_status(seen, submitted_at, now)
        if isinstance(outcome, Succeeded):
            base = self.profile.base_url
            urls = (absolute_url(url, base) for url in outcome.urls)
            return replace(outcome, urls=tuple(url for url in urls if url is not None))
        return outcome

    async def download(self, task_id: str, result: Succeeded, part: Path) -> DownloadOutcome:
        """The result's bytes in ``part``, synced and checked, from the first source
        with them.

        Else no file is left there, but for bytes that came whole, begin as a video and
        are none: those stay, and the outcome names their SHA-256 (``refused``).
        """
        content = self._content_url(task_id)
        sources = [*dict.fromkeys((*result.urls, *((content,) if content else ())))]
        failures: list[tuple[str, http_download.NotFetched]] = []
        kept = part.with_suffix(".kept")
        try:
            while sources:
                url = sources.pop(0)
                outcome = await self._download_from(url, part)
                if isinstance(outcome, Downloaded):
                    await self._pool.submit(_DROP, kept)
                    return outcome
                failures.append((url, outcome))
                if outcome.refused:
                    await self._pool.submit(_MOVE, part, kept)
                elif url == content:
                    known = {one for one, _ in failures}
                    named = await self._pool.submit(_ADDRESSES_IN, part)
                    sources = [one for one in named if one not in known]
        except OSError as error:
            await self._pool.submit(_DROP, part)
            await self._pool.submit(_DROP, kept)
            reason = f"{part.name} cannot be written: {error.strerror or 'input/output error'}"
            return DownloadFailed(reason, disk=True)
        return await self._undownloaded(failures, result, part, kept)

    async def _undownloaded(
        self,
        failures: list[tuple[str, http_download.NotFetched]],
        result: Succeeded,
        part: Path,
        kept: Path,
    ) -> DownloadOutcome:
        refused = next((failure.refused for _, failure in failures if failure.refused), "")
        if refused:
            await self._pool.submit(_MOVE, kept, part)
        else:
            await self._pool.submit(_DROP, part)
        reasons = "; ".join(dict.fromkeys(failure.reason for _, failure in failures))
        gone = bool(failures) and all(
            self._says_gone(url, failure, result) for url, failure in failures
        )
        # Where there is no source at all, none can be in trouble.
        denied = all(failure.status for _, failure in failures)
        return self._without_key(
            DownloadFailed(
                reasons or "the reply named no address, and there is no content route",
                gone,
                refused=refused,
                denied=denied,
            )
        )

    def _says_gone(self, url: str, failure: http_download.NotFetched, result: Succeeded) -> bool:
        """Whether a source's last word means that it has the file no more.

        A store says 403 to an expired signature, and to much else; a gateway in front
        of it answers 502 and says what its store said.
        """
        status = failure.status
        if status in (404, 410):
            return True
        if self._http.is_home(url):
            return bool(_STORE_SAID_GONE.search(failure.reason))
        ends = url_expiry(url) or result.expires_at
        return status == 403 and ends is not None and self._clock() > ends

    @property
    def lists_tasks(self) -> bool:
        """Whether the API has a list of the account's tasks."""
        return isinstance(self._dialect, Listing)

    async def list_tasks(self, since: float, until: float) -> TaskListing | None:
        """The account's tasks that were submitted between two instants, or ``None``
        where the API has no list. Instants are by our clock.

        The server's times are moved by the difference of the clocks, and the window is
        wider than asked for, so that a clock which is wrong cannot make a task look
        absent. Where the clocks cannot be compared, or differ by more than
        ``SKEW_LIMIT_S``, the listing is not complete.
        """
        dialect, started_at = self._dialect, self._clock()
        if not isinstance(dialect, Listing):
            return None
        tasks: dict[str, ListedTask] = {}
        skew: float | None = None

        def listing(reason: str = "") -> TaskListing:
            return TaskListing(
                tuple(_moved(task, skew or 0.0) for task in tasks.values()),
                started_at,
                not reason,
                self._scrub(reason),
                skew,
            )

        for page in range(1, LIST_PAGES + 1):
            seen = await self._http.read(
                dialect.list_tasks(since - 2 * SKEW_LIMIT_S, until + 2 * SKEW_LIMIT_S, page)
            )
            read = dialect.read_list(seen)
            if read is None:
                return listing(_why(seen))
            skew = self._skew(seen) if skew is None else skew
            tasks |= {task.task_id: task for task in read.tasks}
            if page >= read.pages:
                return listing(_doubt(len(tasks), read.total, skew))
        return listing(f"more than {LIST_PAGES} pages")

    def _skew(self, seen: Seen) -> float | None:
        """The server's clock minus ours, ``None`` where it does not tell its time."""
        date = date_of(seen.headers) if isinstance(seen, Reply) else None
        return None if date is None else date - self._clock()

    async def look_at(self, task_id: str) -> ListedTask | None:
        """What one task says about itself (prompt, model, time), where the API tells
        it: to recognise whose it is. An answer that names another task tells nothing of
        this one."""
        if not isinstance(self._dialect, Listing) or valid_task_id(task_id) is None:
            return None
        found = self._dialect.read_task(await self._http.read(self._dialect.status(task_id)))
        return found if found is not None and found.task_id == task_id else None

    async def cancel(self, task_id: str) -> CancelOutcome:
        """Asks once to call a waiting task off. Whatever comes back, a poll says what
        became of the task."""
        if not isinstance(self._dialect, Cancelling) or valid_task_id(task_id) is None:
            return CancelRefused("this API has no route to call a task off")
        seen = await self._http.send_apart(self._dialect.cancel(task_id))
        self._listen(seen)
        return self._without_key(self._dialect.read_cancel(seen))

    async def check_bucket(self) -> Undeliverable | None:
        """Why the profile's bucket cannot be used, or ``None``; writes one small
        object. Raises ``WanbatchError`` where the extra ``s3`` is missing."""
        return await self._open_bucket().check()

    def _open_bucket(self) -> Bucket:
        self._bucket = self._bucket or Bucket(self.profile.delivery, self._http)
        return self._bucket

    async def _deliver_one(
        self, ref: MediaRef, path: Path | None, model: str
    ) -> str | Undeliverable:
        """The URL of one media input."""
        never = check_delivery(self.profile, ref)
        if never is not None:
            return never
        if ref.url:
            return ref.url
        if path is None:
            return Undeliverable(f"{ref.source} has no file to deliver")
        try:
            found = await self._deliver_file(ref, path, model)
        except OSError as error:
            return Undeliverable(
                f"{ref.source} cannot be read: {error.strerror or 'input/output error'}"
            )
        if isinstance(found, Undeliverable):
            return replace(found, message=f"{ref.source} could not be delivered: {found.message}")
        return found

    async def _deliver_file(self, ref: MediaRef, path: Path, model: str) -> str | Undeliverable:
        """Its URL. Raises ``OSError``. What was delivered before is used again for half
        of the time that it is kept."""
        file = await self._pool.submit(_READ_MEDIA, path)
        if ref.sha256 and file.sha256 != ref.sha256:
            return Undeliverable("its content has changed since the plan was made")
        way = self.profile.delivery.way
        if way == "inline":
            return as_data_url(file.content, file.mime)
        place = f"{model}/{file.sha256}" if way == "upload" else file.sha256
        known, until = self._delivered.get(place, ("", 0.0))
        if self._clock() < until:
            return known
        found = await self._upload(file, model)
        if isinstance(found, Undeliverable):
            return found
        self._delivered[place] = found.url, self._clock() + found.kept_s / 2
        return found.url

    async def _upload(self, file: MediaFile, model: str) -> Uploaded | Undeliverable:
        if self.profile.delivery.way == "upload":
            return await upload_space.upload(
                self._http, model, file.sha256, file.content, file.mime
            )
        if self.profile.delivery.way == "s3":
            return await self._open_bucket().put(file.sha256, file.content, file.mime)
        return await self._to_emulator(file)

    async def _to_emulator(self, file: MediaFile) -> Uploaded | Undeliverable:
        seen = await self._http.send_apart(
            WireRequest("PUT", f"/media/{file.sha256}", {"content-type": file.mime}, file.content)
        )
        if isinstance(seen, NoReply) or seen.status not in (200, 201):
            return Undeliverable(_why(seen))
        url = as_url(as_object(read_json(seen.body)).get("url"))
        if url is None:
            return Undeliverable("the emulator named no address for it")
        return Uploaded(url, float("inf"))

    def _content_url(self, task_id: str) -> str | None:
        wire = self._dialect.content(task_id) if valid_task_id(task_id) is not None else None
        return None if wire is None else self.profile.base_url.rstrip("/") + wire.path

    async def _download_from(self, url: str, part: Path) -> Downloaded | http_download.NotFetched:
        """One source. Raises ``OSError`` of the disk."""
        fetched = await http_download.fetch_file(self._http, url, part)
        host = urlsplit(url).hostname or "its address"
        if isinstance(fetched, http_download.NotFetched):
            return replace(fetched, reason=f"{host}: {fetched.reason}")
        await self._pool.submit(SYNC, part)
        facts = await self._pool.submit(PROBE, where(part))
        if isinstance(facts, VideoFacts):
            return Downloaded(facts, fetched.declared, facts.remark)
        refused = await self._pool.submit(_REFUSED_HASH, part)
        reason = f"{host}: what came is no whole video: {facts.text}"
        return http_download.NotFetched(reason, status=200, refused=refused)

    def _without_key(self, outcome: Outcome) -> Outcome:
        """``outcome`` with the key cut out of its texts: a server may echo it in a
        spelling that only JSON undoes."""
        return rewrite(outcome, self._scrub)

    def _scrub(self, text: str) -> str:
        if self.profile.realm == "emulator":
            return text
        return scrub(without_queries(text), self.profile.api_key.reveal())


_STORE_SAID_GONE = re.compile(
    r"(?i)upstream (service )?returned status (403|404|410)|current status: (failure|failed)"
)
"""Stock new-api's words where its store has the video no more (reference A.6, A.7)."""
_NAMED_IN = 256 * 1024
"""A content route that answers with an address does so in less than this."""


def _refused_hash(part: Path) -> str:
    """The SHA-256 of bytes that begin as a video; empty for a page that says something
    else."""
    with part.open("rb") as file:
        head = file.read(64)
    return hash_file(part) if http_download.begins_as_video(head) else ""


def _addresses_in(part: Path) -> list[str]:
    """The addresses of videos in a JSON answer that came in place of one. Raises
    ``OSError`` of the disk."""
    if part.stat().st_size > _NAMED_IN:
        return []
    value = read_json(part.read_bytes())
    told = as_object(value)
    first = [told.get(key) for key in ("url", "video_url", "download_url")]
    return [*dict.fromkeys((*collect_urls(*first), *find_video_urls(value)))][:3]


def _is_cached(reply: Reply) -> bool:
    told = reply.headers.get("x-cache", "") + reply.headers.get("cf-cache-status", "")
    return "age" in reply.headers or "hit" in told.lower()


def _is_own(reply: Reply) -> bool:
    """Whether the API itself answered: JSON of its own shape, and no proxy's error
    page."""
    value = read_json(reply.body)
    if 200 <= reply.status < 300:
        return isinstance(value, (dict, list))
    return read_error(value).enveloped


def _doubt(shown: int, total: int, skew: float | None) -> str:
    """Why a listing whose pages all came proves no absence; empty where it does."""
    if shown < total:
        return f"{shown} tasks were shown of {total}"
    if skew is None:
        return "the API does not tell its time"
    return (
        f"the server's clock and this machine's differ by {abs(skew):.0f} s"
        if abs(skew) > SKEW_LIMIT_S
        else ""
    )


def _moved(task: ListedTask, skew: float) -> ListedTask:
    """``task`` with its instants by our clock; ``Date`` has whole seconds, so less than
    two are no difference."""
    if abs(skew) < 2:
        return task
    created, finished = (
        None if moment is None else moment - skew for moment in (task.created_at, task.finished_at)
    )
    return replace(task, created_at=created, finished_at=finished)


def _why(seen: Seen) -> str:
    if isinstance(seen, NoReply):
        return seen.reason
    error = read_error(read_json(seen.body))
    return f"HTTP {seen.status}" + (f": {error.message or error.code}" if error.enveloped else "")


def _drop(path: Path) -> None:
    """Removes what is no whole video; a file that cannot be removed is begun anew by
    the next download."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


_READ_MEDIA, _REFUSED_HASH = near(read_media), near(_refused_hash)
_DROP, _MOVE, _ADDRESSES_IN = near(_drop), near(os.replace), near(_addresses_in)
