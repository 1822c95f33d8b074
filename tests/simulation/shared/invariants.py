"""What must hold of all processes together: the lifecycle page's invariants, by number.

What it may not do: ask the product what it believes. History is read by hand from the
store's objects, purchases are the account's books.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from wanbatch.model.lifecycle import State

if TYPE_CHECKING:
    from simulation.shared.history import History, Told
    from simulation.shared.machine import Process
    from simulation.shared.world import World

SETTLED = frozenset(
    {
        State.PLANNED,
        State.REJECTED,
        State.REMOTE_FAILED,
        State.STORED,
        State.ABANDONED,
    }
)
NOT_TAKEN = frozenset({"not_accepted", "rejected", "absent"})


def history_only_grows(world: World) -> list[str]:
    """What stood once stands for ever, in its place."""
    history = world.history
    known = world.known
    if history.hashes[: len(known)] != known:
        return ["history: a segment that stood is no history any more"]
    world.known = history.hashes
    return history.wrong[:1]


def who_posts_holds_the_lease(world: World, process: Process) -> list[str]:
    """10: asked at the last check, before the machine can stop."""
    lease = json.loads(world.shelf.objects["lease.json"].data.partition(b"\n")[0])
    if lease["epoch"] != process.epoch or lease["released"]:
        return [f"10: {process.run_id} sends a POST, and {lease['owner']} has the lease"]
    return []


def no_post_follows_a_failed_commit(process: Process) -> list[str]:
    """9."""
    return (
        [f"9: {process.run_id} sends a POST after a commit failed"] if process.disk_failed else []
    )


def _used(world: World, told: Told) -> int:
    return sum(post.attempt == told.number for post in world.books.posts)


def unused_intent(world: World, history: History, process: Process, fingerprint: str) -> int:
    """The attempt whose intent of this process no POST has used yet; 0 for none."""
    for told in reversed(history.of(fingerprint)):
        if told.intents[-1] == (process.epoch, process.name) and _used(world, told) < len(
            told.intents
        ):
            return told.number
    return 0


def a_post_has_its_intent(
    world: World, history: History, process: Process, fingerprint: str
) -> list[str]:
    """1 and 2: asked when the server sees the POST; the intent may be of an epoch that
    was sealed meanwhile, but it stands before the seal."""
    if not unused_intent(world, history, process, fingerprint):
        return [f"2: {process.run_id} sent a POST without an intent in the shared ledger"]
    return []


def at_most_one_charge(world: World) -> list[str]:
    """1."""
    found = []
    for prompt, fingerprint in world.fingerprints.items():
        allowed = 1 + world.granted[fingerprint] + (fingerprint in world.unknown)
        bought = len(world.books.bought(fingerprint))
        if bought > allowed:
            found.append(f"1: {prompt!r} was bought {bought} times, and {allowed} were allowed")
    return found


def the_limit_is_kept(world: World, process: Process) -> list[str]:
    """7: by what was charged for one run."""
    jobs = world.scenario.limit_jobs
    if jobs is None or process.is_last:
        return []
    made = [p.task_id for p in world.books.posts if p.run_id == process.run_id and p.task_id]
    bought = [t for t in made if not world.books.tasks[t].error]
    return (
        [f"7: {process.run_id} bought {len(bought)}, and may {jobs}"] if len(bought) > jobs else []
    )


def after_process(world: World) -> list[str]:
    """Asked whenever a process has ended, by whatever end."""
    history = world.history
    found = list(history.wrong)
    most = world.scenario.submit_concurrency
    for epoch, (_, open_) in history.sealed.items():
        new = [n for n in open_ if history.attempts[n].intents[-1][0] == epoch]
        if len(new) > most:
            found.append(
                f"8: epoch {epoch} left {len(new)} intents open, and at most {most} may be"
            )
    return found + _doubt_is_left_by_proof(world, history) + _stored_is_there(world, history)


def _doubt_is_left_by_proof(world: World, history: History) -> list[str]:
    """3: what is said not to have been taken was not; an id is of the attempt's own
    task."""
    found = []
    for told in history.attempts.values():
        posts = [p for p in world.books.posts if p.attempt == told.number]
        last = told.events[-1][0] if told.events else ""
        if last in NOT_TAKEN and posts and posts[-1].task_id and len(posts) == len(told.intents):
            found.append(
                f"3: attempt {told.number} counts as {last}, and the API made"
                f" {posts[-1].task_id} of it"
            )
        for task_id in told.task_ids:
            if world.books.tasks[task_id].fingerprint != told.fingerprint:
                found.append(f"3: attempt {told.number} has {task_id}, another's task")
    return found


def _stored_is_there(world: World, history: History) -> list[str]:
    """5."""
    found = []
    for told in history.attempts.values():
        if told.state is not State.STORED:
            continue
        facts = {name: value for _, facts in told.events for name, value in facts.items()}
        path = world.output / facts["path"]
        body = world.books.tasks[told.task_ids[-1]].body
        if not path.is_file() or path.read_bytes() != body:
            found.append(
                f"5: attempt {told.number} is stored, and {facts['path']} is not its video"
            )
        elif hashlib.sha256(body).hexdigest() != facts["sha256"]:
            found.append(f"5: attempt {told.number} is stored with another hash")
    return found


def after_trouble(world: World) -> list[str]:
    return [*after_process(world), *at_most_one_charge(world)]


def at_the_end(world: World) -> list[str]:
    """11, and that nothing paid is lost: every task is in the ledger by its id, or a
    person has decided about the attempt that it was made for."""
    history = world.history
    found = [*after_trouble(world)]
    found += [
        f"11: attempt {told.number} is still {told.state.value}"
        for told in history.attempts.values()
        if told.state not in SETTLED
    ]
    known = {task_id for told in history.attempts.values() for task_id in told.task_ids}
    decided = {
        told.number
        for told in history.attempts.values()
        if any(kind in ("resubmit", "abandoned") for kind, _ in told.events)
    }
    found += [
        f"5: {post.task_id} was made for attempt {post.attempt}, and nobody knows of it"
        for post in world.books.posts
        if post.task_id and post.task_id not in known and post.attempt not in decided
    ]
    if world.scenario.limit_jobs is None:
        found += [
            f"11: {prompt!r} was never bought"
            for prompt, fingerprint in world.fingerprints.items()
            if not history.of(fingerprint)
        ]
    return found
