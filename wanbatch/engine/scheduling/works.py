"""The works of a run: which wait for which, which may be prepared, which may be sent.
Pure.

What it may not do: know a task, a pacer, a budget, or the time.

How it works: a **work** is one identity to bring to done: a request, and the jobs that
share its video. ``build_works`` makes them of a plan. ``WorkItems`` keeps those that
are ready and those that are prepared in two heaps of numbers, so that they go out in
the order of the manifest. A work that is done makes those ready that waited for it.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence

from wanbatch.engine.work_items import Phase, Urls, WorkItem
from wanbatch.model.lifecycle import Attempt, Authority, EventKind, State, may_retry
from wanbatch.model.plan import Action, Plan, PlannedJob

CLOSED_BY = {EventKind.ABSENT: Authority.ABSENT, EventKind.RESUBMIT: Authority.PERSON}
"""Who may send an attempt again that was closed as planned, by what closed it."""


class WorkItems:
    """All works of a run."""

    def __init__(self, works: Sequence[WorkItem]) -> None:
        # Each stands at its own number, for the whole run.
        self.all = list(works)
        # No two works have one fingerprint.
        self.by_fingerprint = {work.fingerprint: work for work in works}
        # An attempt may have been made under an earlier rule of identity: then its own
        # fingerprint is not the work's.
        self._of_attempt = {a.attempt_id: work for work in works for a in work.attempts}
        # The works that wait for a fingerprint.
        self._dependents: dict[str, list[WorkItem]] = {}
        for work in works:
            for up in work.upstream:
                self._dependents.setdefault(up, []).append(work)
        # Heaps of numbers, in the order of the manifest. Each work is at most once in
        # one of them: ``READY`` in the first, ``PREPARED`` in the second.
        self.ready = [work.index for work in works if work.phase is Phase.READY]
        heapq.heapify(self.ready)
        self.prepared: list[int] = []
        # So many works wait for others.
        self.waiting = sum(work.phase is Phase.WAITING for work in works)

    def of(self, attempt: Attempt) -> WorkItem | None:
        """The work that an attempt was made for; ``None`` where this run has none."""
        return self._of_attempt.get(attempt.attempt_id) or self.by_fingerprint.get(
            attempt.fingerprint
        )

    def take_ready(self) -> WorkItem:
        """The first work that may be prepared; there must be one."""
        return self.all[heapq.heappop(self.ready)]

    def take_prepared(self) -> WorkItem:
        """The first work that may be sent; there must be one."""
        return self.all[heapq.heappop(self.prepared)]

    def make_ready(self, work: WorkItem) -> None:
        """It may be prepared."""
        work.phase = Phase.READY
        heapq.heappush(self.ready, work.index)

    def make_prepared(self, work: WorkItem, urls: Urls | None = None) -> None:
        """It may be sent, with its media under ``urls`` or where they are already."""
        work.urls = work.urls if urls is None else urls
        work.phase = Phase.PREPARED
        heapq.heappush(self.prepared, work.index)

    def put_back(self, work: WorkItem) -> None:
        """It goes on where it was taken from."""
        if work.urls:
            self.make_prepared(work)
        else:
            self.make_ready(work)

    def go_on(self, work: WorkItem) -> None:
        """A task of it is paid for after all: it waits for no purchase any more."""
        if work.phase in (Phase.READY, Phase.PREPARED):
            heap = self.ready if work.phase is Phase.READY else self.prepared
            heap.remove(work.index)
            heapq.heapify(heap)
        self.waiting -= work.phase is Phase.WAITING
        work.phase = Phase.RUNNING

    def finish(self, work: WorkItem) -> None:
        """Its video is stored: what waited for nothing else is ready."""
        work.phase = Phase.DONE
        for other in self._dependents.get(work.fingerprint, ()):
            if other.phase is Phase.WAITING and all(
                self.by_fingerprint[up].phase is Phase.DONE for up in other.upstream
            ):
                self.waiting -= 1
                self.make_ready(other)

    def stick(self, work: WorkItem, reason: str) -> None:
        """It goes no further in this run."""
        self.waiting -= work.phase is Phase.WAITING
        work.phase, work.reason, work.urls = Phase.STUCK, reason, {}


def build_works(
    plan: Plan, retries: Mapping[str, int], never_anew: Collection[str] = ()
) -> list[WorkItem]:
    """The works of a plan's selected jobs that a run acts on, in manifest order; jobs
    of equal identity share one. ``retries`` is by manifest; what has a fingerprint of
    ``never_anew`` is not bought when its task fails."""
    works: dict[str, WorkItem] = {}
    done = {entry.fingerprint for entry in plan.jobs if entry.action is Action.REUSE}
    acting = [
        e
        for e in plan.jobs
        if e.selected and e.action in (Action.GENERATE, Action.RESUME, Action.REUSE)
    ]
    for entry in acting:
        if entry.fingerprint in works:
            works[entry.fingerprint].entries.append(entry)
            continue
        upstream = frozenset(m.upstream for m in entry.request.media if m.upstream) - done
        is_once = entry.fingerprint in never_anew or _is_bought_beside(entry)
        most = 0 if is_once else retries.get(entry.job.manifest, 0)
        works[entry.fingerprint] = WorkItem(
            index=len(works),
            entries=[entry],
            upstream=upstream if entry.action is Action.GENERATE else frozenset(),
            phase=_first_phase(entry, waits=bool(upstream)),
            authority=authority_of(entry, most),
            retries=most,
            attempts=list(entry.attempts),
            origin=plan.origin,
            authorisation_id=entry.authorisation_id,
        )
    return list(works.values())


def _is_bought_beside(entry: PlannedJob) -> bool:
    """Whether a job whose task fails would be bought anew beside an old request of its
    name, or beside a purchase that somebody else knows."""
    return entry.old_request or entry.bought_too


def _first_phase(entry: PlannedJob, *, waits: bool) -> Phase:
    if entry.action is Action.REUSE:
        return Phase.DONE
    if entry.action is Action.RESUME:
        return Phase.RUNNING
    return Phase.WAITING if waits else Phase.READY


def authority_of(entry: PlannedJob, retries: int) -> Authority:
    """Why a job may be submitted, by the youngest attempt of its identity."""
    if not entry.attempts:
        return Authority.FIRST
    last = entry.attempts[-1]
    if last.state is State.PLANNED:
        return CLOSED_BY.get(last.last_event, Authority.NOT_ACCEPTED)
    if last.state in (State.STORED, State.ABANDONED):
        return Authority.REGENERATE
    return Authority.RETRY_POLICY if may_retry(last, entry.attempts, retries) else Authority.PERSON
