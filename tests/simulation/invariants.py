"""The fourteen invariants, each a function that judges the engine by the gateway's
books and the disk, and says what is wrong.

What it may not do: ask the engine how it stands; only what is on disk, what the gateway
saw, and what people decided counts.

How it works: a function yields one sentence for each thing that is wrong, and nothing
where all is well. Some are asked at every commit, some when the gateway sees a request,
some when a file gets its name, all of them when a process has ended. ``World`` raises
``Violation`` for the first. The second run's share of number 10 and the whole of number
13 (same seed, same log) are looked after by ``world`` and by the tests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from simulation.books import DAY_S, Books, Post, Task
from simulation.gateway import KEY, text_of

from wanbatch.engine.scheduling.course import Mode
from wanbatch.ledger.rows import Write
from wanbatch.media.probe import probe_video
from wanbatch.model.lifecycle import Attempt, EventKind, IllegalTransition, State
from wanbatch.model.media import UnreadableFile
from wanbatch.model.plan import Action, JobState, Plan
from wanbatch.videos.outputs import early_path

if TYPE_CHECKING:
    from simulation.process import Process
    from simulation.world import World

COUNTED = frozenset(
    {
        State.INTENT,
        State.ACCEPTED,
        State.UNCERTAIN,
        State.EXPIRED,
        State.ABANDONED,
        State.REMOTE_OK,
        State.STAGED,
        State.STORED,
    }
)
"""Money is or may be gone, or is held back: all states but those that are proven to
have cost nothing."""
UNDER_WAY = frozenset(
    {State.INTENT, State.UNCERTAIN, State.ACCEPTED, State.REMOTE_OK, State.STAGED, State.EXPIRED}
)
PERSONS = frozenset({EventKind.ADOPTED, EventKind.RESUBMIT, EventKind.ABANDONED})
WORD_OF = {
    EventKind.ADOPTED: "adopt",
    EventKind.RESUBMIT: "resubmit",
    EventKind.ABANDONED: "abandon",
}
SURELY_KEPT_S = 22.9 * 3600.0
"""No result is given up sooner than this after its task began, whatever the clocks
say."""


def name_of(row: Attempt) -> str:
    return f"attempt {row.attempt_id} ({row.job}, {row.state.value})"


DOUBTED_S = 300.0
"""A failure that proves nothing ends a task this long after it was told at most: first
the content route is asked."""
TOLD_LATELY_S = 60.0
"""A failure that the gateway told this long ago at most was asked for before the
purchase."""


def at_most_one_post_and_one_charge(world: World) -> Iterator[str]:
    """1. What is allowed is counted from what people decided, as the simulation saw it,
    and from what the gateway said; not from what the ledger calls its reasons."""
    posts: dict[int, list[Post]] = {}
    for books in world.all_books:
        for post in books.posts:
            if post.attempt_id > 0:
                posts.setdefault(post.attempt_id, []).append(post)
    for number, seen in posts.items():
        if len(seen) > 1 + _reopened(world, number):
            yield f"1: attempt {number} saw {len(seen)} POSTs"
        if any(post.task_id for post in seen[:-1]):
            yield f"1: attempt {number} was POSTed again after the gateway had taken it"
    for realm in ("paid", "emulator"):
        accounts = [books for books in world.all_books if books.realm == realm]
        for fingerprint in sorted({t.fingerprint for b in accounts for t in b.tasks.values()}):
            yield from _purchases(world, accounts, realm, fingerprint)
    for row in world.ledger.rows.values():
        yield from _what_cost_nothing(world, row)


def _purchases(
    world: World, accounts: Sequence[Books], realm: str, fingerprint: str
) -> Iterator[str]:
    at = world.clock.true()
    tasks = [task for books in accounts for task in books.tasks_for(fingerprint)]
    charged = sum(task.charged(at) for task in tasks)
    allowed = 1 + world.granted[realm, fingerprint]
    asked_to_retry = world.retries_granted[realm, fingerprint]
    believed = _failures_believed(accounts, fingerprint)
    in_spite = _failures_believed(accounts, fingerprint, asked_to_retry)
    what = tasks[0].prompt.split("\n")[0]
    if charged > allowed + in_spite:
        yield (
            f"1: {what!r} was charged {charged} times in the realm {realm}, and {allowed} were"
            " allowed"
        )
    most = (1 + world.scenario.retries) * (allowed + believed + asked_to_retry)
    if len(tasks) > most:
        yield f"1: {what!r} was bought {len(tasks)} times, and {most} were allowed"


def a_doubtful_failure_is_asked_for_its_bytes(world: World, row: Attempt) -> Iterator[str]:
    """5: asked when a task is called failed. Words such as "cancelled" are believed
    only after the content route was asked; a task that is forgotten is told of in plain
    words."""
    books = world.account_at(row.origin)
    task = books.tasks.get(row.task_id)
    if (
        world.scenario.around.vocabulary == "doubtful"
        and world.scenario.around.protocol == "gateway"
        and task is not None
        and not task.forgotten(world.clock.true())
        and row.task_id not in books.content_asked
    ):
        yield f"5: {name_of(row)} was believed to have failed, and its bytes were not asked for"


def what_is_taken_unasked_fits(world: World, row: Attempt) -> Iterator[str]:
    """5: asked when a video is staged. Where no word says that a task has ended, bytes
    that came all the same are its video only if they are as asked for."""
    around = world.scenario.around
    if around.vocabulary == "strange" and around.protocol == "gateway" and not around.fits:
        yield f"5: {name_of(row)} took a video that does not fit, and nothing said that it ended"


def what_was_refused_is_not_tried_again(world: World) -> Iterator[str]:
    """1: where the gateway called a failure final (a refused prompt, say), the same is
    bought again only as often as people asked for it."""
    for books in world.all_books:
        for fingerprint in sorted({t.fingerprint for t in books.tasks.values()}):
            tasks = books.tasks_for(fingerprint)
            again = sum(bool(t.error) and not t.retryable for t in tasks[:-1])
            key = books.realm, fingerprint
            allowed = world.granted[key] + world.retries_granted[key]
            if again > allowed:
                yield (
                    f"1: {tasks[0].prompt!r} was bought {again} times after a final refusal, and"
                    f" {allowed} were allowed"
                )


def an_edited_job_waits(world: World, row: Attempt) -> Iterator[str]:
    """1: asked when a POST is seen. What a job of this name bought before it was edited
    has come to its end, or a person has decided."""
    for other in world.ledger.rows.values():
        if (
            other.state in UNDER_WAY
            and (other.realm, other.manifest, other.job) == (row.realm, row.manifest, row.job)
            and other.fingerprint != row.fingerprint
            and other.run_id != row.run_id
        ):
            yield f"1: {name_of(row)} was POSTed while {name_of(other)} was not settled"


def a_task_belongs_to_one_attempt(world: World) -> Iterator[str]:
    """3: an answer that names another attempt's task proves nothing."""
    owners: dict[tuple[str, str], Attempt] = {}
    for row in world.ledger.rows.values():
        if not row.task_id:
            continue
        other = owners.setdefault((row.origin, row.task_id), row)
        if other is not row:
            yield f"3: {name_of(row)} and {name_of(other)} both have {row.task_id}"


def the_emulators_pass_for_nothing_paid(world: World, plan: Plan) -> Iterator[str]:
    """1 and 5, at the very end: a job that counts as done has a paid video."""
    for entry in plan.jobs:
        if entry.state is not JobState.DONE or entry.attempt is None:
            continue
        row = world.ledger.rows[entry.attempt.attempt_id]
        if row.realm != "paid":
            yield f"5: {entry.name} counts as done by what the emulator drew for {name_of(row)}"


def what_vanishes_first_is_asked_first(process: Process, task_id: str) -> Iterator[str]:
    """5: asked at the first query of a task that was under way when the process began.
    Those that a list has shown need none of their own."""
    if task_id not in process.owed or task_id in process.asked:
        return
    waiting = process.owed - process.asked - process.listed
    soonest = min((process.vanish[other] for other in waiting), default=0.0)
    if task_id in waiting and process.vanish[task_id] > soonest:
        yield f"5: {task_id} was asked for before a task whose result vanishes sooner"


def _failures_believed(accounts: Sequence[Books], fingerprint: str, asked_to_retry: int = 0) -> int:
    """How many purchases followed a failure that the gateway itself had just told, and
    took back later, or forgot before anybody came by.

    A failure that another account told cannot be asked about again from here: then a
    person's ``--retry-failed`` buys all the same, as the plan says, and once for each
    time that it was said.
    """
    turning = [t for b in accounts for t in b.tasks_for(fingerprint) if _turned(t)]
    ids = {task.task_id for task in turning}
    told = [at for books in accounts for at, task_id in books.told_failed if task_id in ids]
    believed = elsewhere = 0
    for books in accounts:
        for post in books.posts:
            if post.fingerprint != fingerprint or not post.task_id:
                continue
            if any(0.0 <= post.at - at <= TOLD_LATELY_S for at in told) or any(
                task.forgotten(post.at) for task in turning
            ):
                believed += 1
            else:
                elsewhere += _was_told_elsewhere(accounts, books, post)
    return believed + min(elsewhere, asked_to_retry)


def _was_told_elsewhere(accounts: Sequence[Books], home: Books, post: Post) -> bool:
    """Whether another account than the one of this POST had called a task of the same
    failed, and took that back."""
    return any(
        at <= post.at
        and (task := books.tasks[task_id]).fingerprint == post.fingerprint
        and _turned(task)
        for books in accounts
        if books is not home
        for at, task_id in books.told_failed
    )


def _what_cost_nothing(world: World, row: Attempt) -> Iterator[str]:
    task = world.task_of(row.attempt_id)
    if task is None:
        return
    last = world.ledger.events[row.attempt_id][-1].kind
    if row.state is State.REJECTED or (
        row.state is State.PLANNED and last is EventKind.NOT_ACCEPTED
    ):
        yield (
            f"1: {name_of(row)} counts as not accepted, and the gateway made {task.task_id} of it"
        )
    is_its_own = row.task_id == task.task_id and not task.error
    if row.state is State.REMOTE_FAILED and is_its_own and task.turns_at == task.ends_at:
        yield f"1: {name_of(row)} counts as failed and free, and {task.task_id} was charged"


def a_post_has_its_intent_on_disk(
    world: World, process: Process, fingerprint: str
) -> Iterator[str]:
    """2: asked when the gateway sees a POST. The intent may not have been used by an
    earlier POST (1)."""
    open_ = [
        row
        for row in world.ledger.rows.values()
        if row.fingerprint == fingerprint
        and row.state is State.INTENT
        and row.realm == process.books.realm
    ]
    if not open_:
        yield f"2: process {process.number} sent a POST without an intent on disk"
    elif all(is_used(world, row) for row in open_):
        yield f"1: process {process.number} sent a second POST for {name_of(open_[-1])}"


def is_used(world: World, row: Attempt) -> bool:
    """Whether every intent of ``row`` that is on disk has had its POST."""
    posts = sum(
        post.attempt_id == row.attempt_id for books in world.all_books for post in books.posts
    )
    return posts > _reopened(world, row.attempt_id)


def _reopened(world: World, number: int) -> int:
    """How often an attempt was proven not accepted and went out again, by the ledger on
    disk."""
    return sum(e.kind is EventKind.REOPENED for e in world.ledger.events.get(number, ()))


def doubt_is_left_only_by_proof_or_person(world: World) -> Iterator[str]:
    """3, and the second half of 6."""
    lists = world.scenario.around.protocol == "dashscope"
    for number, events in world.ledger.events.items():
        for event in events:
            if event.kind is EventKind.ABSENT and (task := world.task_of(number)) is not None:
                yield (
                    f"3: attempt {number} was declared absent, and the gateway made"
                    f" {task.task_id} of it"
                )
            reconciled = event.kind is EventKind.ADOPTED and lists
            if (
                event.kind in PERSONS
                and not _decided(world, number, WORD_OF[event.kind])
                and not reconciled
            ):
                yield f"3: attempt {number} was {event.kind.value}, and nobody decided so"
            if reconciled and not _decided(world, number, "adopt"):
                yield from _adopted_its_own(world, number, str(event.facts.get("task_id")))


def _decided(world: World, number: int, word: str) -> bool:
    return (number, world.ledger.happened[number][0], word) in world.decisions


def _adopted_its_own(world: World, number: int, task_id: str) -> Iterator[str]:
    """What a listing was taken for: this attempt's task, or where it has none an
    earlier attempt's of the same identity, after a person had let it go."""
    row, own = world.ledger.rows[number], world.task_of(number)
    task = world.account_at(row.origin).tasks.get(task_id)
    is_own = own is None or own.task_id == task_id
    if task is None or task.fingerprint != row.fingerprint or not is_own:
        yield f"3: attempt {number} adopted {task_id}, which is another's task"


def a_poll_has_its_task_on_disk(world: World, task_id: str) -> Iterator[str]:
    """4: asked when the gateway sees a query."""
    if not any(row.task_id == task_id for row in world.ledger.rows.values()):
        yield f"4: {task_id} was asked for before the ledger had it"


def a_name_is_absent_or_complete(world: World, path: Path) -> Iterator[str]:
    """5, the second sentence: asked whenever a final name comes into being, and of all
    names after a death."""
    content = path.read_bytes()
    if (
        content not in world.known_videos()
        and path.relative_to(world.root).as_posix() not in world.strange_paths
    ):
        yield (
            f"5: {path.name} stands under its final name with {len(content)} bytes that are no"
            " whole video of the gateway's"
        )


def what_is_stored_is_on_disk(world: World) -> Iterator[str]:
    """5, the first sentence."""
    for row in world.ledger.rows.values():
        if row.state is not State.STORED or row.path in world.strange_paths:
            continue
        path = world.root / row.path
        if not path.is_file():
            yield f"5: {name_of(row)} is stored, and there is no {row.path}"
            continue
        content = path.read_bytes()
        if len(content) != row.bytes or hashlib.sha256(content).hexdigest() != row.sha256:
            yield f"5: {row.path} holds other bytes than the ledger says of {name_of(row)}"


def what_is_stored_is_its_own(world: World) -> Iterator[str]:
    """5: a job's video is that of a task which was made for it; but where the API
    itself gave its submit the id of another one, nobody can know."""
    for row in world.ledger.rows.values():
        if row.state is not State.STORED:
            continue
        task = world.account_at(row.origin).tasks.get(row.task_id)
        if task is None:
            yield f"5: {name_of(row)} has the video of {row.task_id}, which nobody made"
        elif hashlib.sha256(task.body).hexdigest() != row.sha256:
            yield f"5: {name_of(row)} has other bytes than {row.task_id} made"
        elif task.fingerprint != row.fingerprint and row.attempt_id not in world.mistaken:
            yield f"5: {name_of(row)} has {row.task_id}, which was made of {task.prompt!r}"


def what_is_stored_parses(world: World) -> Iterator[str]:
    """5, the end of the first sentence; asked once a seed."""
    for row in world.ledger.rows.values():
        if (
            row.state is State.STORED
            and row.path not in world.strange_paths
            and isinstance(facts := probe_video(world.root / row.path), UnreadableFile)
        ):
            yield f"5: {row.path} is no whole video: {facts.text}"


def nothing_paid_is_given_up_early(world: World) -> Iterator[str]:
    """5 and the promise above it: every paid video comes to disk while the gateway has
    it; but where the gateway and the clocks said otherwise, a person is asked."""
    for number, events in world.ledger.events.items():
        task = world.task_of(number)
        for event, when in zip(events, world.ledger.happened[number], strict=True):
            if (
                event.kind is not EventKind.EXPIRED
                or task is None
                or task.error
                or number in world.mistaken
            ):
                continue
            seems_s = _seems_old_s(world, number, task, when)
            if max(when - task.created_at, seems_s) < SURELY_KEPT_S:
                yield (
                    f"5: attempt {number} was given up {(when - task.created_at) / 3600:.1f} h"
                    f" after its submit; the gateway had {task.task_id}"
                )


def _seems_old_s(world: World, number: int, task: Task, when: float) -> float:
    """How old a task may seem by wrong clocks and ``Date``s.

    Of a failure that the gateway has just told, and takes back later, the greatest age
    counts: the price of never taking a forgotten task for a free failure. Without such
    a word the least counts: our clock's and the ``Date``s', where any was heard by the
    submit.
    """
    ours_s, dates_s = world.clock.most_wrong_s, world.dates_ahead_s
    told = any(
        task_id == task.task_id and 0.0 <= when - at <= DOUBTED_S
        for books in world.all_books
        for at, task_id in books.told_failed
    )
    if told and _turned(task):
        return when - task.created_at + ours_s + world.dates_off_s
    return when - task.created_at + (ours_s if number in world.undated else min(ours_s, dates_s))


def rows_are_the_fold_of_their_events(world: World, numbers: Iterable[int]) -> Iterator[str]:
    """6."""
    for number in numbers:
        try:
            folded = world.ledger.refold(number)
        except IllegalTransition as error:
            yield f"6: {error}"
            continue
        if folded != world.ledger.rows[number]:
            yield f"6: the row of attempt {number} is not the fold of its events"


def money_stays_within_the_limit(world: World, process: Process) -> Iterator[str]:
    """7: asked at every commit, by the rows on disk and by what the gateway charged for
    this run."""
    if process.limit is None:
        return
    rows = [
        row
        for row in world.ledger.rows.values()
        if row.run_id == process.run_id and not _turned(world.task_of(row.attempt_id))
    ]
    counted = sum((row.price or Decimal(0) for row in rows if row.state in COUNTED), Decimal(0))
    if counted > process.limit:
        yield (
            f"7: {counted} is spent or reserved in {process.run_id}, and the limit is"
            f" {process.limit}"
        )
    books = process.books
    tasks = [
        post.task_id for post in books.posts if post.process == process.number and post.task_id
    ]
    # A failure that the provider takes back is charged by it, not bought by us.
    bought = [books.tasks[name] for name in tasks]
    sure = [task for task in bought if not task.error and not _turned(task)]
    charged = world.scenario.price * len(sure)
    if charged > process.limit:
        yield f"7: {process.run_id} was charged {charged}, and its limit was {process.limit}"


def _turned(task: Task | None) -> bool:
    return task is not None and not task.error and task.turns_at > task.ends_at


def a_kill_leaves_few_in_doubt(world: World) -> Iterator[str]:
    """8: asked when a process has ended."""
    open_ = [row for row in world.ledger.rows.values() if row.state is State.INTENT]
    most = world.scenario.submit_concurrency
    if len(open_) > most:
        yield f"8: {len(open_)} intents have no answer, and at most {most} may be under way"


def no_post_follows_a_failed_commit(process: Process) -> Iterator[str]:
    """9: asked when a POST goes out."""
    if process.store is not None and process.store.failed:
        yield f"9: process {process.number} sent a POST after a commit had failed"


def a_second_process_is_silent(process: Process) -> Iterator[str]:
    """10: asked at every network call."""
    if process.intruder:
        yield f"10: process {process.number} used the network while another held the ledger"


def a_stopped_run_buys_nothing(world: World, process: Process, number: int) -> Iterator[str]:
    """Of the table of outcomes: after a bad key, a used-up quota or three doubts in
    five minutes no new intent is POSTed."""
    stopped = process.stopped_at
    if stopped is not None and world.ledger.opened[number] > stopped:
        yield f"1: attempt {number} was POSTed after {process.run_id} had every reason to stop"


def what_is_paid_is_asked_for_first(world: World, process: Process) -> Iterator[str]:
    """14: asked when a POST is seen. All that was under way in this account when the
    process began was asked about before anything new is bought."""
    forgotten = sorted(process.owed - process.asked)
    if forgotten:
        yield (
            f"14: process {process.number} sent a POST before it had asked about"
            f" {', '.join(forgotten)}"
        )


def everything_comes_to_an_end(plan: Plan) -> Iterator[str]:
    """11: asked when faults have stopped and people have decided."""
    for entry in plan.jobs:
        over = entry.state in (
            JobState.DONE,
            JobState.FAILED,
            JobState.SKIPPED,
            JobState.ELSEWHERE,
        )
        waits = (
            entry.action is Action.ASK
            and entry.attempt is not None
            and entry.attempt.state is State.STORED
        )
        if not (over or waits or entry.state is JobState.BLOCKED):
            yield f"11: {entry.name} is still {entry.state.value} ({entry.reason})"


def a_run_leaves_nothing_undone(process: Process) -> Iterator[str]:
    """11: a run that was not stopped has asked for all that it could. Tasks that it no
    longer waited for still hold their slots."""
    if (
        process.run is None
        or process.run.scheduler is None
        or process.run.scheduler.course.mode is not Mode.BUYING
        or process.run.scheduler.tasks
    ):
        return
    for work in process.run.scheduler.works:
        if work.phase.value in ("ready", "preparing", "prepared", "submitting"):
            yield (
                f"11: {process.run_id} ended by itself and left {work.entry.name}"
                f" {work.phase.value}"
            )


def secrets_stay_secret(world: World, texts: Iterable[object]) -> Iterator[str]:
    """12: asked of all that is written or shown."""
    paid = [books for books in world.all_books if books.realm == "paid"]
    tokens = (KEY, "EchoedToken77", *(t.token for books in paid for t in books.tasks.values()))
    for value in texts:
        shown = text_of(value)
        for token in tokens:
            if token in shown:
                yield f"12: {'the key' if token == KEY else 'a signature'} stands in {shown[:300]}"


def after_commit(world: World, process: Process, batch: Sequence[Write]) -> Iterator[str]:
    """What every commit must leave true."""
    numbers = {entry.row.attempt_id for entry in batch if hasattr(entry, "row")}
    yield from rows_are_the_fold_of_their_events(world, sorted(numbers))
    yield from money_stays_within_the_limit(world, process)
    yield from secrets_stay_secret(world, batch)


def after_process(world: World) -> Iterator[str]:
    """What must hold whenever no process runs, by whatever end the last one came."""
    yield from at_most_one_post_and_one_charge(world)
    yield from what_was_refused_is_not_tried_again(world)
    yield from a_task_belongs_to_one_attempt(world)
    yield from doubt_is_left_only_by_proof_or_person(world)
    yield from what_is_stored_is_on_disk(world)
    yield from what_is_stored_is_its_own(world)
    yield from nothing_paid_is_given_up_early(world)
    yield from rows_are_the_fold_of_their_events(world, sorted(world.ledger.rows))
    yield from a_kill_leaves_few_in_doubt(world)
    for path in sorted(world.root.glob("*/videos/*.mp4")):
        yield from a_name_is_absent_or_complete(world, path)
    yield from (
        "5: the file that a user had put in a video's place was changed"
        for _ in world.spoilt_squatters()
    )


def paid_videos_are_home(world: World) -> Iterator[str]:
    """5 and 11, at the very end: what was charged for an attempt that the ledger knows
    is on disk, or was given up in the open. Failures that turned: see
    ``failures_are_final``."""
    at = world.clock.true()
    settled = (State.STORED, State.EXPIRED, State.ABANDONED, State.PLANNED, State.REMOTE_FAILED)
    for row in world.ledger.rows.values():
        task = world.task_of(row.attempt_id)
        if task is None or not task.charged(at) or row.task_id != task.task_id:
            continue
        if row.state not in settled:
            yield (
                f"5: {task.task_id} was paid for, and {name_of(row)} has no video after"
                f" {(at - task.ends_at) / DAY_S:.1f} days"
            )


def _is_kept(world: World, row: Attempt, task: Task) -> bool:
    """Whether the task's own bytes lie beside the videos. Under a word that nobody
    knows a video that is not as it was asked for is no end: it is kept, and the failure
    stays one."""
    path = early_path(world.root, row)
    return path.is_file() and path.read_bytes() == task.body


def failures_are_final(world: World) -> Iterator[str]:
    """5, at the very end: a failure that the provider took back was asked for once more
    by any undisturbed run within the day. Where the gateway's word for finished is one
    that nobody knows, and its video is not what was asked for, nothing tells that it is
    an end: the bytes are kept, and a person may take them."""
    around = world.scenario.around
    if around.protocol == "gateway" and around.vocabulary == "strange" and not around.fits:
        return
    for row in world.ledger.rows.values():
        task = world.task_of(row.attempt_id)
        if task is None or task.error or row.state is not State.REMOTE_FAILED:
            continue
        home = world.account_at(row.origin)
        for books, began, ended in world.completed:
            if (
                books is home
                and began > task.turns_at
                and ended < task.created_at + SURELY_KEPT_S
                and row.task_id == task.task_id
                and not _is_kept(world, row, task)
            ):
                yield (
                    f"5: {task.task_id} was finished and paid for when a run came by, and"
                    f" {name_of(row)} still counts as failed"
                )
                break
