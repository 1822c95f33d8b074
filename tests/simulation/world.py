"""One seed from beginning to end: processes come and go, people decide, and every
invariant is held against the books.

What it may not do: draw from anything but its seed.

How it works
------------
``run_seed`` makes a ``World`` and lets it live. While there are faults, one process
after the other works on the same folder; each dies where its ``Death`` says, ends, or
is interrupted; a person may decide in between. Then all faults stop, and processes and
people go on until nothing changes: what is then unfinished is a violation.

To die, a process raises ``Died`` wherever it stands. As a ``SystemExit`` that stops
asyncio's loop at once; no other task takes another step. What is left is unwound with
all doors shut: each ``gate`` then raises ``CancelledError``, so that no handler can
still write, send or rename. Then ``lose_power`` decides what a disk without its cache
remembers.

Threads are not used: what the engine hands to a thread is done at once, between two
steps of the loop, each of which is a place to die.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx
from simulation import invariants
from simulation.books import Books, Post, Task
from simulation.disk import Files, LedgerDisk
from simulation.gateway import KEY, printable
from simulation.process import ADDRESSES, Decision, Process, plan_of
from simulation.project import Project
from simulation.scenario import Death, Scenario, draw
from simulation.virtual import EPOCH, Clock, Deadlock, run_virtually

from wanbatch.ledger.rows import Happened, Opened, Write
from wanbatch.model.elsewhere import video_digits
from wanbatch.model.lifecycle import Attempt, EventKind, Snapshot, State
from wanbatch.model.plan import Plan
from wanbatch.providers.dialects import dashscope, gateway
from wanbatch.report.formats import page
from wanbatch.videos.outputs import intact_paths

MOST_PROCESSES = 8
MOST_STEPS = 150_000
LAST_ROUNDS = 25
LONGEST_RUN_S = 8 * 3600.0
LONGEST_LIFE_S = 26 * 3600.0
"""An attempt of which nothing more was heard has come to its deadline by then."""
IMPOSSIBLE_IDS = frozenset({gateway.IMPOSSIBLE_ID, dashscope.IMPOSSIBLE_ID})


class Died(SystemExit):
    """The process is no more."""


class Violation(SystemExit):
    """An invariant does not hold; the seed ends here."""


@dataclass(slots=True)
class Result:
    """What came of a seed. ``violations`` is empty where all is well."""

    seed: int
    violations: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    processes: int = 0


class World:
    """All that outlives a process, and the one that runs."""

    def __init__(self, scenario: Scenario, root: Path) -> None:
        self.scenario, self.root = scenario, root
        self.chance = random.Random(f"world {scenario.seed}")
        self.clock = Clock(scenario.around.drift)
        self.ledger = LedgerDisk()
        self.files = Files(self, root)
        self.home = Books(scenario)
        self.accounts = {
            "home": self.home,
            "respelled": self.home,
            "address": Books(scenario, "address"),
            "account": Books(scenario, "account"),
            "emulator": Books(scenario, "emulator", "emulator"),
        }
        self.video = sample_video() if scenario.around.fits else short_video()
        self.project = Project(scenario)
        self.result = Result(scenario.seed)
        # What people decided, as the simulation itself saw it: by attempt, and how many
        # more purchases of an identity they allowed.
        self.decisions: set[tuple[int, float, str]] = set()
        self.granted: Counter[tuple[str, str]] = Counter()
        self.retries_granted: Counter[tuple[str, str]] = Counter()
        # Attempts whose submit the API answered with another task's id, or nobody's.
        self.mistaken: set[int] = set()
        # Attempts whose process had heard no ``Date`` when their submit was answered;
        # and by how much any ``Date`` was ever ahead, and off in either direction.
        self.undated: set[int] = set()
        self.dates_ahead_s = self.dates_off_s = 0.0
        self.completed: list[tuple[Books, float, float]] = []
        self.strange_paths: set[str] = set()
        self.process: Process | None = None
        self.death: Death | None = None
        self.clear = False
        self._squatted: dict[str, bytes] = {}
        self._counted: Counter[str] = Counter()
        self._unwinding = False
        self._cleaning_up = False
        self._steps = 0
        self._began = 0.0
        self._ends_before = 0.0
        self._detached: list[tuple[Post, int, float, float]] = []
        self._copies: dict[str, LedgerDisk] = {}
        self._newest: LedgerDisk | None = None
        # Rows that the ledger has lost and something else still tells of, each with its
        # last intent.
        self._told_of: list[tuple[Attempt, float]] = []

    @property
    def all_books(self) -> list[Books]:
        return [books for name, books in self.accounts.items() if name != "respelled"]

    def task_of(self, attempt_id: int) -> Task | None:
        """The task that an attempt's POST brought into being, in whatever account."""
        found = (books.task_of(attempt_id) for books in self.all_books)
        return next((task for task in found if task is not None), None)

    def account_at(self, origin: str) -> Books:
        """The books of the account that a ledger's row names."""
        return next(self.accounts[place] for place, (_, at) in ADDRESSES.items() if at == origin)

    # -- the log -----------------------------------------------------------------------

    def note(self, text: str) -> None:
        self.result.log.append(f"{self.clock.true() - EPOCH:12.3f} {text}")

    def hold(self, findings: Iterable[str]) -> None:
        """Ends the seed with the first finding, if any."""
        if not self._unwinding:
            for finding in findings:
                self.violated(finding)

    def violated(self, text: str) -> None:
        self.result.violations.append(text)
        self.note(f"VIOLATION {text}")
        self._unwinding = True
        raise Violation(text)

    # -- dying -------------------------------------------------------------------------

    def is_last(self, kind: str) -> bool:
        """Whether the process dies here. One that is dead already can do no more:
        ``Died`` goes on, and what is unwound afterwards is cancelled."""
        if self._unwinding:
            raise asyncio.CancelledError if self._cleaning_up else Died(kind)
        if self.death is None or self.death.at != kind:
            return False
        self._counted[kind] += 1
        return self._counted[kind] == self.death.count

    def gate(self, kind: str) -> None:
        if self.is_last(kind):
            self.die(kind)

    def die(self, kind: str) -> None:
        self._unwinding = True
        self.note(f"DEATH at {kind} {self._counted[kind]}")
        raise Died(kind)

    def step(self) -> None:
        """Called before every step of the loop."""
        if self._unwinding:
            self._cleaning_up = True
            return
        self._steps += 1
        if self._steps > MOST_STEPS:
            self.violated(f"11: a process took more than {MOST_STEPS} steps")
        if self.clock.now > self._ends_before:
            self.violated("11: a run went on for far longer than it may wait")
        self.gate("step")
        if (
            self.death is not None
            and self.death.at == "time"
            and self.clock.now - self._began >= self.death.count
        ):
            self.die("time")

    # -- what the engine's surroundings ask --------------------------------------------

    def fault(self, kind: str) -> str | None:
        if not self._is_faulty():
            return None
        found: str | None = getattr(self.scenario, kind).strikes(self.chance)
        if found is not None:
            self.result.faults[f"{kind} {found}"] += 1
            self.note(f"fault {kind} {found}")
        return found

    def disk_fault(self, kind: str) -> str | None:
        """A fault of the disk that fits: ``commit`` or ``file``. Far rarer than those
        of the network."""
        weather = self.scenario.disk
        if (
            not weather.kinds
            or not self._is_faulty()
            or self.chance.random() >= weather.rate * 0.15
        ):
            return None
        found = self.chance.choice(weather.kinds)
        if (kind == "commit") != found.startswith("commit"):
            return None
        self.result.faults[f"disk {found}"] += 1
        return found

    def _is_faulty(self) -> bool:
        return (
            self.process is not None
            and not self.clear
            and self.clock.now < self.scenario.faults_until_s
        )

    def lock_taken(self) -> None:
        self.note("lock taken")

    def network_call(self, process: Process, request: httpx.Request) -> None:
        if self._unwinding:
            raise asyncio.CancelledError
        self.note(f"p{process.number} {printable(request)}")
        self.hold(invariants.a_second_process_is_silent(process))
        if request.method == "POST":
            self.hold(invariants.no_post_follows_a_failed_commit(process))

    def check_stranger(self, request: httpx.Request) -> None:
        """The key goes to nobody but the API (12)."""
        raw = b"".join(name + value for name, value in request.headers.raw)
        if KEY.encode() in raw or KEY in str(request.url):
            self.violated("12: the key was sent to the host of a result")

    def post_seen(self, process: Process, body: dict[str, Any]) -> Post:
        prompt = process.shapes.prompt_of(body)
        fingerprint = self.project.fingerprint_of(prompt)
        self.hold(invariants.a_post_has_its_intent_on_disk(self, process, fingerprint))
        row = next(
            r
            for r in self.ledger.rows.values()
            if r.fingerprint == fingerprint
            and r.state is State.INTENT
            and r.realm == process.books.realm
            and not invariants.is_used(self, r)
        )
        self.hold(invariants.a_stopped_run_buys_nothing(self, process, row.attempt_id))
        self.hold(invariants.what_is_paid_is_asked_for_first(self, process))
        self.hold(invariants.an_edited_job_waits(self, row))
        post = Post(self.clock.true(), process.number, fingerprint, row.attempt_id, prompt)
        process.books.posts.append(post)
        return post

    def asked(self, process: Process, task_id: str) -> None:
        self.hold(invariants.what_vanishes_first_is_asked_first(process, task_id))
        process.asked.add(task_id)

    def polled(self, process: Process, task_id: str) -> None:
        if task_id not in IMPOSSIBLE_IDS | process.listed:
            self.hold(invariants.a_poll_has_its_task_on_disk(self, task_id))

    def committed(self, batch: Sequence[Write], process: Process | None) -> None:
        for entry in batch:
            match entry:
                case Opened(row):
                    self.note(
                        f"commit attempt {row.attempt_id} intent {row.job} {row.authority.value}"
                    )
                case Happened(event, row):
                    self.note(
                        f"commit attempt {row.attempt_id} {event.kind.value} -> {row.state.value}"
                    )
                    if process is not None:
                        process.remember(event, len(self.ledger.entries))
                    if event.kind is EventKind.STAGED:
                        self._squat(row.path)
                    if event.kind is EventKind.STAGED and row.realm == "paid":
                        self.hold(invariants.what_is_taken_unasked_fits(self, row))
                    if row.state is State.REMOTE_FAILED:
                        self.hold(invariants.a_doubtful_failure_is_asked_for_its_bytes(self, row))
        if len(self.ledger.entries) >= self.scenario.around.copied_at:
            self._copies.setdefault("copy", self.ledger.copied())
        if process is not None:
            self.hold(invariants.after_commit(self, process, batch))

    def file_changed(self, what: str, path: Path) -> None:
        self.note(f"{what} {path.name if path.suffix == '.mp4' else path.parent.name}")
        if path.suffix != ".mp4":
            return
        if what == "unlink":
            self.violated(f"5: {path.name}, a final name, was taken away")
        self.hold(invariants.a_name_is_absent_or_complete(self, path))

    def known_videos(self) -> frozenset[bytes]:
        return frozenset(task.body for books in self.all_books for task in books.tasks.values())

    def spoilt_squatters(self) -> list[str]:
        return [
            path
            for path, content in self._squatted.items()
            if not (self.root / path).is_file() or (self.root / path).read_bytes() != content
        ]

    def disturbances(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """What happens to the machine while a process runs: it is suspended, or its
        clock jumps."""
        for at_s, length_s in self.scenario.sleeps:
            if at_s > self.clock.now:
                yield at_s - self.clock.now, lambda length_s=length_s: self._suspend(length_s)
        for at_s, jump_s in self.scenario.clock_jumps:
            if at_s > self.clock.now and not self.clear:
                yield at_s - self.clock.now, lambda jump_s=jump_s: self._jump(jump_s)

    def _suspend(self, length_s: float) -> None:
        self.note(f"suspended for {length_s} s")
        self.clock.asleep += length_s

    def _jump(self, jump_s: float) -> None:
        self.note(f"the clock jumps by {jump_s} s")
        self.clock.jump(jump_s)

    # -- a life ------------------------------------------------------------------------

    def live(self) -> Result:
        try:
            self._troubled_time()
            self._quiet_time()
        except Violation:
            pass
        for row in self.ledger.rows.values():
            self.result.outcomes[row.state.value] += 1
        return self.result

    def _troubled_time(self) -> None:
        deaths = list(self.scenario.deaths)
        for number in range(MOST_PROCESSES):
            if not self._is_faulty() and not deaths:
                return
            interruption = self.scenario.interruptions[number % len(self.scenario.interruptions)]
            self.death = deaths.pop(0) if deaths else None
            around = self.scenario.around
            buys = self.chance.random() > 0.1
            process = Process(
                self,
                number,
                buys=buys,
                regenerate=number > 1 and self._wants_again(),
                retry_failed=self.chance.random() < around.retries_failed,
                interruption=interruption,
                wait_s=self.scenario.wait_s,
                place=around.places[number],
            )
            self._run(process)
            self._put_right()
            self._vandalise()
            if self.chance.random() < self.scenario.hasty_person:
                self._decide()
            if around.edits[number] and (
                done := self.project.edit(around.edits[number], self.chance)
            ):
                self.note(f"somebody edits: {done}")
            self._harm(around.harms[number])
            self._suspend(self.scenario.pauses_s[number])

    def _wants_again(self) -> bool:
        return self.scenario.regenerates and self.chance.random() < 0.3

    def _quiet_time(self) -> None:
        """No more faults: whatever is unfinished has to come to its end."""
        self.clear, self.death = True, None
        self.clock.set_right()
        places = [place for place in ("home", *self.scenario.around.places) if place != "respelled"]
        for number in range(LAST_ROUNDS):
            before, decided = len(self.ledger.entries), False
            for place in dict.fromkeys(places):
                self._run(Process(self, 100 + number, wait_s=50 * 3600.0, place=place))
                decided = self._put_right() or decided
            decided = self._decide() or decided
            is_still = not decided and not any(
                isinstance(e, Opened | Happened) for e in self.ledger.entries[before:]
            )
            if is_still and not self._waits_for_a_deadline():
                break
            self._suspend(6 * 3600.0 if is_still else 600.0)
        plan = self._plan()
        self.hold(invariants.everything_comes_to_an_end(plan))
        self.hold(invariants.the_emulators_pass_for_nothing_paid(self, plan))
        self.hold(invariants.paid_videos_are_home(self))
        self.hold(invariants.failures_are_final(self))
        self.hold(invariants.what_is_stored_parses(self))

    def _plan(self) -> Plan:
        snapshot = self._snapshot()
        return plan_of(self, snapshot, intact_paths(self.root, snapshot))

    def _waits_for_a_deadline(self) -> bool:
        """Whether a job is unfinished, and an attempt may still be young by a wrong
        clock or ``Date``: those let it expire late, by as much as they were wrong. So a
        run that waited in vain is followed by another one."""
        if not any(invariants.everything_comes_to_an_end(self._plan())):
            return False
        late_s = self.clock.most_wrong_s + self.dates_ahead_s
        return any(
            self.clock.true() - self.ledger.happened[number][-1] < LONGEST_LIFE_S + late_s
            for number, row in self.ledger.rows.items()
            if row.state in (State.ACCEPTED, State.REMOTE_OK)
            or (row.state is State.STORED and row.path in self.strange_paths)
        )

    def _snapshot(self) -> Snapshot:
        found = self.ledger.contents()
        return Snapshot(
            tuple(found.attempts.values()),
            tuple(found.placements.values()),
            tuple(found.runs.values()),
            tuple(found.authorisations.values()),
        )

    def _run(self, process: Process | Decision) -> None:
        self.process = process if isinstance(process, Process) else None
        self._counted.clear()
        self._unwinding, self._cleaning_up, self._steps, self._began = (
            False,
            False,
            0,
            self.clock.now,
        )
        # With one slot each job may wait for the one before it, as long as a run waits.
        most_s = LONGEST_RUN_S + (self.scenario.jobs + 2) * getattr(process, "wait_s", 0.0)
        self._ends_before = self.clock.now + most_s
        self.result.processes += 1
        died, began = False, self.clock.true()
        self.note(f"-- process {process.number} begins {getattr(process, 'place', '')}")
        with self.files.watched(), threads_inline(self):
            try:
                run_virtually(process.main, self.clock, self.step)
            except (Died, asyncio.CancelledError):
                died = True
            except Deadlock:
                died = self._unwinding  # what is dead may stand still
                if not died:
                    self.violated(
                        "11: a process stands still: every task waits, and nothing will come"
                    )
            except Violation:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
                self._after_unwinding(f"11: a process fell over its own feet: {error!r}")
        self._unwinding = False
        if died:
            assert self.death is not None
            if isinstance(process, Process):
                process.let_go()
            self.result.deaths[f"{self.death.at}{' (power)' if self.death.power else ''}"] += 1
            if self.death.power:
                self.ledger.lose_power(self.chance)
                self.files.lose_power(self.chance)
                self._lose_evidence()
        elif self.clear and isinstance(process, Process) and process.refusal is None:
            self.completed.append((process.books, began, self.clock.true()))
        self.death = None
        self.hold(invariants.after_process(self))

    def _after_unwinding(self, text: str) -> None:
        self._unwinding = False
        self.violated(text)

    def _decide(self) -> bool:
        """A person looks at everything that waits for one."""
        waiting = [
            row
            for row in self.ledger.rows.values()
            if row.state in (State.UNCERTAIN, State.EXPIRED)
        ]
        for row in waiting:
            task = self.task_of(row.attempt_id)
            words = ["resubmit", "abandon"]
            if task is not None and row.state is State.UNCERTAIN:
                words += ["adopt", "adopt"]
            word = self.chance.choice(words)
            self._run(
                Decision(
                    self,
                    row.attempt_id,
                    word,
                    task.task_id if task is not None and word == "adopt" else "",
                )
            )
        return bool(waiting)

    # -- what people do to the ledger --------------------------------------------------

    def _harm(self, kind: str) -> None:
        """The ledger is deleted, or put back from an old copy."""
        if kind and self.ledger.rows:
            self.note(f"somebody harms the ledger: {kind}")
            self._newest = self.ledger.copied()
            old = self._copies.get(kind)
            self._replace_ledger(LedgerDisk(self.ledger.number + 1) if old is None else old)
        self._copies.setdefault("restore", self.ledger.copied())

    def _replace_ledger(self, other: LedgerDisk) -> None:
        """Puts another ledger in place. What this one alone knew is nobody's any more,
        and may be bought again where no evidence is left."""
        evidence = self._evidence()
        for number, row in self.ledger.rows.items():
            birth, since = self.ledger.happened[number][0], other.intents_of(number)
            is_kept = since[:1] == [birth]
            forgotten = [at for at in self.ledger.intents_of(number) if at not in since]
            for books in self.all_books:
                for post in books.posts:
                    if post.attempt_id == number and forgotten and post.at >= forgotten[0]:
                        self._detached.append((post, number, birth, forgotten[0]))
                        post.attempt_id = -len(self._detached)
            is_free = row.realm == "emulator" or not evidence(row)
            if (not is_kept or forgotten) and is_free:
                self.granted[row.realm, row.fingerprint] += 1
            elif not is_kept or forgotten:
                self._told_of.append((row, self.ledger.intents_of(number)[-1]))
        for post, number, birth, intent_at in self._detached:
            if birth in other.intents_of(number)[:1] and intent_at in other.intents_of(number):
                post.attempt_id = number
        self.ledger = other
        self._told_of = [
            (row, intent_at)
            for row, intent_at in self._told_of
            if intent_at not in other.intents_of(row.attempt_id)
        ]

    def _lose_evidence(self) -> None:
        """Power was lost after the ledger: reports and videos of which nothing had been
        synced may be gone too, and what only they told of may be bought again."""
        evidence = self._evidence()
        for row, _ in self._told_of:
            self.granted[row.realm, row.fingerprint] += not evidence(row)
        self._told_of = [told for told in self._told_of if evidence(told[0])]

    def _evidence(self) -> Callable[[Attempt], bool]:
        """Whether something beside the ledger tells of a purchase: a report that was
        written, or a video under its name."""
        reported: set[tuple[str, str]] = set()
        for path in sorted(self.root.glob("**/*.json")):
            with suppress(ValueError):
                document = json.loads(path.read_text())
                if document.get("realm") == "paid":
                    entries = [*document.get("jobs", ()), *document.get("former", ())]
                    reported |= {(e.get("fingerprint"), e.get("task_id")) for e in entries}
        names = [path.name for path in self.root.glob("*/videos/*.mp4")]

        def tells(row: Attempt) -> bool:
            digits = video_digits(row.fingerprint, row.realm)
            is_reported = row.task_id and (row.fingerprint, row.task_id) in reported
            return bool(is_reported) or any(f".{digits}" in name for name in names)

        return tells

    def _put_right(self) -> bool:
        """A person who was told that the ledger is older than its reports puts the
        newest copy back; where that is refused too, since something was written with
        the old one, they bring home what it knows and move it away."""
        told = self.process.refusal if self.process is not None else None
        if told is None or "older than its own reports" not in str(told):
            return False
        if self._newest is not None:
            self.note("somebody puts the newest ledger back")
            self._replace_ledger(self._newest)
            self._newest = None
        elif self.clear:
            assert self.process is not None
            place = self.process.place
            self._run(Process(self, 200, buys=False, wait_s=50 * 3600.0, place=place))
            self.note("somebody moves the ledger away")
            self._replace_ledger(LedgerDisk(self.ledger.number + 1))
        return True

    # -- what people do to files -------------------------------------------------------

    def _squat(self, wanted: str) -> None:
        """A user puts a file of their own where a video is about to get its name."""
        path = self.root / wanted
        if not self.scenario.squatter or self._squatted or path.exists():
            return
        path.write_bytes(b"a file of the user's own")
        self._squatted[wanted] = b"a file of the user's own"
        self.strange_paths.add(wanted)
        self.files.is_synced(path)

    def _vandalise(self) -> None:
        """A user deletes a finished video."""
        stored = [
            row
            for row in self.ledger.rows.values()
            if row.state is State.STORED and row.path not in self.strange_paths
        ]
        for row in stored:
            if self.chance.random() < self.scenario.vandal:
                self.note(f"somebody deletes {row.path}")
                (self.root / row.path).unlink(missing_ok=True)
                self.strange_paths.add(row.path)


@contextmanager
def threads_inline(world: World) -> Iterator[None]:
    """What goes to a thread is done at once, between two steps of the loop."""
    real = anyio.to_thread.run_sync

    async def run_sync(work: Callable[..., Any], *args: Any, **_: Any) -> Any:
        await anyio.lowlevel.checkpoint()
        result = work(*args)
        await anyio.lowlevel.cancel_shielded_checkpoint()
        return result

    anyio.to_thread.run_sync = run_sync
    try:
        yield
    finally:
        anyio.to_thread.run_sync = real


@lru_cache(maxsize=1)
def sample_video() -> bytes:
    """A real video as it was asked for: five seconds of 720P, some kilobytes."""
    return _encoded(1280, 720, 5)


@lru_cache(maxsize=1)
def short_video() -> bytes:
    """A real video of one small frame, under a kilobyte: not what was asked for."""
    return _encoded(16, 16, 1)


def _encoded(width: int, height: int, frames: int) -> bytes:
    import av

    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        track = container.add_stream("mpeg4", rate=1)
        track.width, track.height = width, height
        track.pix_fmt = "yuv420p"
        for _ in range(frames):
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return file.getvalue()


def run_seed(seed: int, scenario: Scenario | None = None) -> Result:
    """Lives one seed through in a folder of its own."""
    shared = Path("/dev/shm")
    bare = patch.object(page, "render_page", lambda report, document: "")
    root = Path(
        tempfile.mkdtemp(prefix="wanbatch-simulation-", dir=shared if shared.is_dir() else None)
    )
    try:
        with bare, warnings.catch_warnings():
            # A task that dies before its first step leaves a coroutine that nobody
            # awaits. The collector must find those here, not in another test.
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            result = World(scenario or draw(seed), _made(root / "reports")).live()
            gc.collect(1)
        return result
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
