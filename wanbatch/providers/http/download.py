"""Fetching a result's bytes to a file: redirects by hand, addresses checked, lengths
held to what was declared.

What it may not do: judge the bytes (``wanbatch.media.probe`` does), keep a body that is
short or of another kind, or take the key off its origin.

How it works
------------
Identity is asked for. Where a server codes the body all the same, gzip and deflate are
undone within the cap on a file; bytes that begin as an MP4 are taken for what they are,
whatever the header says.

Each hop is secured and aimed by ``connections`` anew: https, and an address that was
judged.

The key goes along only while every hop so far was on the API's origin. A plain
``http:`` address of a public host is asked over ``https:`` instead.

A broken transfer is taken up again with ``Range`` and ``If-Range`` only under a strong
entity tag, and only a 206 that begins exactly where we stopped and names the same total
is appended; anything else begins anew.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO

import anyio
import httpx
from anyio import to_thread

from wanbatch.providers.dialects.reading import read_error, read_json
from wanbatch.providers.http.connections import Refused, parse_url
from wanbatch.providers.http.exchange import (
    USER_AGENT,
    Http,
    TooLarge,
    build,
    consume,
    explain,
    timeouts,
)
from wanbatch.words.files import create_anew

HOPS = 5
"""Redirects of a download; a gateway makes one, its store another."""
TRIES = 4
"""Times that a transfer is taken up again where it broke, before the next source."""
FILE_LIMIT_BYTES = 2 * 1024**3
"""A hundred times a video of 15 s at 1080P."""
WRITE_BYTES = 1024 * 1024
"""Bytes that gather before a thread writes and hashes them: keeps the loop within 17 ms
(measured)."""
STALL_S = 60.0
"""Stores pause for seconds and go on; after a minute a new connection is quicker."""
STALL_BYTES = 16 * 1024
"""A transfer that brings less than this in ``STALL_S`` seconds has stalled, however
steadily it trickles."""
DEADLINE_S = 3600.0
"""For one source, all tries together: 100 MB at 0.25 Mbit/s."""
WORDS_BYTES, WORDS_WITHIN_S = 16 * 1024, 5.0
"""How much of an error's body is read for its words, and for how long."""
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})\Z")


@dataclass(frozen=True, slots=True)
class Fetched:
    """All bytes are in the file; ``declared`` is whether the server had said how
    many."""

    bytes: int
    declared: bool = True


@dataclass(frozen=True, slots=True)
class NotFetched:
    """They are not. ``status`` is the server's last word, 0 without one; ``again``
    tells that another try may go better, ``refused`` is the SHA-256 of bytes that came
    whole and begin as a video, and are none.
    """

    reason: str
    status: int = 0
    again: bool = False
    refused: str = ""


class Decoder:
    """Undoes a content coding, or nothing where the bytes are a video as they are.

    Feed it the body in order; the first ``HEAD`` bytes decide. Raises ``TooLarge``
    where the output passes the cap, ``ValueError`` for what it cannot undo.
    """

    HEAD = 12

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._head = b""
        self._undo: Callable[[bytes], bytes] | None = None
        self._produced = 0

    def feed(self, chunk: bytes) -> bytes:
        if self._undo is None:
            self._head += chunk
            if len(self._head) < self.HEAD:
                return b""
            chunk, self._undo = self._head, self._choose(self._head)
        return self._count(self._undo(chunk))

    def finish(self) -> bytes:
        """What is left of a body that ended within its first bytes."""
        return self._head if self._undo is None else b""

    def _choose(self, head: bytes) -> Callable[[bytes], bytes]:
        if begins_as_video(head):
            return lambda chunk: chunk
        if self._coding not in ("gzip", "x-gzip", "deflate"):
            raise ValueError(f"the server coded the file as {self._coding!r}, unasked")
        engine = zlib.decompressobj(wbits=47 if head[:1] in (b"\x1f", b"\x78") else -15)

        def inflate(chunk: bytes) -> bytes:
            room = FILE_LIMIT_BYTES - self._produced + 1
            try:
                return engine.decompress(chunk, room)
            except zlib.error:
                raise ValueError("the coded file is damaged") from None

        return inflate

    def _count(self, chunk: bytes) -> bytes:
        self._produced += len(chunk)
        if self._produced > FILE_LIMIT_BYTES:
            raise TooLarge
        return chunk


def begins_as_video(head: bytes) -> bool:
    """Whether bytes begin as an MP4 or a QuickTime file does."""
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


@dataclass(slots=True)
class _State:
    """How far a transfer has come over its tries."""

    written: int = 0
    total: int | None = None
    tag: str = ""
    coding: str = ""
    received: int = 0
    decoder: Decoder | None = None

    def restart(self, file: IO[bytes]) -> None:
        file.seek(0)
        file.truncate()
        self.written, self.total, self.tag = 0, None, ""
        self.coding, self.received, self.decoder = "", 0, None


async def fetch_file(http: Http, url: str, part: Path) -> Fetched | NotFetched:
    """Streams ``url`` to ``part``, which is begun anew. The file is neither checked for
    what it holds nor synced. Raises ``OSError`` of the disk."""
    verdict = NotFetched("no try was made")
    state = _State()
    with create_anew(part) as file, anyio.move_on_after(DEADLINE_S) as scope:
        for _ in range(TRIES):
            before = state.written
            outcome = await _one_try(http, url, file, state)
            if isinstance(outcome, Fetched) or not outcome.again:
                return outcome
            verdict = outcome
            if not before and not state.written:
                break  # not one byte came: leave the next try to the engine, which waits
    return (
        NotFetched("the transfer took too long")
        if scope.cancelled_caught
        else replace(verdict, again=False)
    )


async def peek(http: Http, url: str) -> bool:
    """Whether ``url`` answers with a video's first bytes; nothing is kept."""
    try:
        async with _open(http, url, {"range": "bytes=0-1023"}) as response:
            kind = response.headers.get("content-type", "")
            return response.status_code in (200, 206) and kind.startswith(
                ("video/", "application/octet-stream", "binary/octet-stream")
            )
    except (Refused, httpx.HTTPError, OSError):
        return False


async def _one_try(http: Http, url: str, file: IO[bytes], state: _State) -> Fetched | NotFetched:
    headers = {}
    if state.written and state.tag:
        headers = {"range": f"bytes={state.written}-", "if-range": state.tag}
    else:
        state.restart(file)
    state.received = state.written
    try:
        async with _open(http, url, headers) as response:
            problem = _judge_head(response, file, state)
            if problem is not None:
                told = await _words_of(response) if problem.status >= 400 else ""
                return replace(problem, reason=f"{problem.reason}{told}")
            await _pour(response, file, state)
    except Refused as refused:
        return NotFetched(str(refused))
    except TooLarge:
        return NotFetched(f"the file is larger than {FILE_LIMIT_BYTES // 1024**3} GiB")
    except TimeoutError:
        return NotFetched(
            f"less than {STALL_BYTES // 1024} KiB came within {STALL_S:.0f} s", again=True
        )
    except ValueError as error:
        return NotFetched(str(error), 200)
    except (httpx.HTTPError, httpx.StreamError) as error:
        return NotFetched(explain(error), again=True)
    if state.total is not None and state.received != state.total:
        return NotFetched(
            f"{state.received} bytes came instead of the declared {state.total}", again=True
        )
    return Fetched(state.written, declared=state.total is not None)


async def _words_of(response: httpx.Response) -> str:
    """What an error's body says, in brackets; empty for a page or for nothing."""
    body = bytearray()

    async def take(chunk: bytes) -> None:
        body.extend(chunk)
        if len(body) > WORDS_BYTES:
            raise TooLarge

    try:
        with anyio.move_on_after(WORDS_WITHIN_S):
            await consume(response, take)
    except (TooLarge, httpx.HTTPError, httpx.StreamError, OSError):
        return ""
    error = read_error(read_json(bytes(body)))
    return f" ({error.message or error.code})" if error.message or error.code else ""


def _judge_head(response: httpx.Response, file: IO[bytes], state: _State) -> NotFetched | None:
    """Whether the body that follows may be written; sets up ``state`` for it."""
    status = response.status_code
    if status not in (200, 206):
        return NotFetched(f"HTTP {status}", status, again=status in (408, 429) or status >= 500)
    if status == 206:
        return _judge_range(response, file, state)
    state.restart(file)
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        state.coding, state.decoder = coding, Decoder(coding)
    length = response.headers.get("content-length", "")
    state.total = (
        int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None
    )
    tag = response.headers.get("etag", "")
    state.tag = (
        tag
        if state.total is not None
        and not state.coding
        and tag.startswith('"')
        and response.headers.get("accept-ranges") == "bytes"
        else ""
    )
    return (
        NotFetched("the file is larger than allowed", status)
        if state.total is not None and state.total > FILE_LIMIT_BYTES
        else None
    )


def _judge_range(response: httpx.Response, file: IO[bytes], state: _State) -> NotFetched | None:
    told = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
    fits = (
        told is not None
        and int(told[1]) == state.written
        and int(told[3]) == state.total
        and response.headers.get("etag", state.tag) == state.tag
    )
    if fits and state.written:
        return None
    state.restart(file)
    return NotFetched("the server resumed at another place than asked", 206, again=True)


async def _pour(response: httpx.Response, file: IO[bytes], state: _State) -> None:
    """The body into the file, a megabyte at a time. Raises ``TooLarge``,
    ``TimeoutError`` where it stalls, httpx's errors where it breaks."""
    limit = FILE_LIMIT_BYTES if state.total is None else min(FILE_LIMIT_BYTES, state.total)
    buffer = bytearray()
    pace = _Pace(anyio.current_time())

    async def take(chunk: bytes) -> None:
        if state.received + len(chunk) > limit:
            raise TooLarge
        state.received += len(chunk)
        buffer.extend(chunk if state.decoder is None else state.decoder.feed(chunk))
        pace.check(len(chunk), anyio.current_time())
        if len(buffer) >= WRITE_BYTES:
            await _write(file, buffer, state)

    try:
        await consume(response, take)
    except (httpx.HTTPError, httpx.StreamError):
        await _write(file, buffer, state)
        raise
    if state.decoder is not None:
        buffer.extend(state.decoder.finish())
    await _write(file, buffer, state)


@dataclass(slots=True)
class _Pace:
    """Whether enough comes in."""

    since: float
    bytes: int = 0

    def check(self, more: int, now: float) -> None:
        """Counts ``more`` bytes. Raises ``TimeoutError`` at the end of a span that
        brought too few."""
        self.bytes += more
        if now - self.since > STALL_S:
            if self.bytes < STALL_BYTES:
                raise TimeoutError
            self.since, self.bytes = now, 0


async def _write(file: IO[bytes], buffer: bytearray, state: _State) -> None:
    block = bytes(buffer)
    buffer.clear()
    await to_thread.run_sync(partial(_write_now, file, block))
    state.written += len(block)


def _write_now(file: IO[bytes], block: bytes) -> None:
    file.write(block)
    file.flush()


@asynccontextmanager
async def _open(http: Http, url: str, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
    """The answer at the end of the redirects, its body unread. Raises ``Refused`` where
    a hop must not be made, httpx's errors."""
    target, at_home = parse_url(url), True
    for _ in range(HOPS + 1):
        target = http.connections.secured(target)
        at_home = at_home and http.connections.may_carry_key(target)
        sent = {
            "user-agent": USER_AGENT,
            "accept": "*/*",
            "accept-encoding": "identity",
            **headers,
            **(http.authorization() if at_home else {}),
        }
        async with http.connections.fresh(target.host) as transport:
            request = build("GET", target, sent, b"", {"timeout": timeouts(STALL_S)})
            await http.connections.aim(request)
            http.requests += 1
            response = await transport.handle_async_request(request)
            try:
                onward = (
                    response.headers.get("location")
                    if response.status_code in (301, 302, 303, 307, 308)
                    else None
                )
                if onward is None:
                    yield response
                    return
            finally:
                with anyio.move_on_after(2, shield=True):
                    await response.aclose()
        target = parse_url(onward, target)
    raise Refused(f"more than {HOPS} redirects")
