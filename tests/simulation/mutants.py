"""Broken variants of the engine: each takes one promise away.

What it may not do: break more than one thing in a variant, or break the simulation.

How it works: a variant is a function that yields patches; ``broken(name)`` applies them
for as long as its block lasts. ``catalogue`` has them all, with those of
``world_mutants``. The seeds that notice stand in ``CATCHES.json``, which ``python -m
simulation --mutants`` writes anew.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any
from unittest.mock import patch

import anyio
from simulation.disk import ModelStore
from simulation.variants import Patches, Variants
from simulation.world import run_seed

from wanbatch.engine import interpret, recovery, runner
from wanbatch.engine.notices import IntentRecorded, SubmitAnswered
from wanbatch.engine.pacing.budget import Budget
from wanbatch.engine.pacing.submits import SubmitPacer
from wanbatch.engine.runner import Runner
from wanbatch.engine.scheduler import Scheduler
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger, LedgerFailed
from wanbatch.model.lifecycle import Event, EventKind, Retention, State
from wanbatch.model.outcomes import Accepted, Failed, NotAccepted, Succeeded, Uncertain
from wanbatch.model.plan import Action
from wanbatch.model.pool import near
from wanbatch.model.wire import Reply
from wanbatch.operations import run
from wanbatch.plan import planner
from wanbatch.providers import client, scrubbing
from wanbatch.providers.dialects import gateway, reading, status_reply
from wanbatch.providers.http import exchange
from wanbatch.videos import outputs

VARIANTS = Variants(run_seed, 30)
variant = VARIANTS.variant


def everywhere(name: str, changed: Any, *modules: Any) -> Patches:
    """The same change in each module that has imported ``name``."""
    for module in modules:
        yield patch.object(module, name, changed)


# -- buying ----------------------------------------------------------------------------


@variant
def intent_after_post() -> Patches:
    async def submit(self: Runner, work: Any) -> None:
        outcome = await self.client.submit(work.entry.request, work.urls)
        attempt = await self.ledger.open_attempt(self._opening(work))
        self.scheduler.handle(IntentRecorded(work, attempt), anyio.current_time())
        attempt = await self.ledger.append(
            interpret.submit_event(attempt, outcome, self.context.wall())
        )
        self.scheduler.handle(SubmitAnswered(work, attempt, outcome), anyio.current_time())

    yield patch.object(Runner, "_submit", submit)


@variant
def bad_gateway_is_retried() -> Patches:
    real = reading._judge_refusal
    yield patch.object(
        reading,
        "_judge_refusal",
        lambda reply, error: NotAccepted("HTTP 502") if reply.status == 502 else real(reply, error),
    )


@variant
def post_is_repeated_after_a_timeout() -> Patches:
    real = client.Client.submit

    async def submit(self: Any, request: Any, urls: Any) -> Any:
        outcome = await real(self, request, urls)
        return await real(self, request, urls) if isinstance(outcome, Uncertain) else outcome

    yield patch.object(client.Client, "submit", submit)


@variant
def broken_connection_counts_as_not_sent() -> Patches:
    yield patch.object(exchange.Http, "_maybe_sent", lambda self, progress: False)


@variant
def resubmit_on_resume() -> Patches:
    real = planner._Planner._stand

    def stand(self: Any, key: Any, entry: Any, attempts: Any) -> Any:
        found = real(self, key, entry, attempts)
        if found.action is Action.RESUME:
            return planner.Standing(
                planner.JobState.PLANNED, Action.GENERATE, planner._NEW, found.attempt
            )
        return found

    yield patch.object(planner._Planner, "_stand", stand)
    yield patch.object(
        run, "find_in_flight", lambda context, snapshot, plan: recovery.InFlight((), ())
    )


@variant
def dead_intent_goes_back_to_planned() -> Patches:
    async def recover_interrupted(context: Any, ledger: Any) -> None:
        for attempt in recovery._in_state(ledger, State.INTENT):
            await ledger.append(
                Event(
                    attempt.attempt_id,
                    EventKind.NOT_ACCEPTED,
                    context.wall(),
                    {"reason": "no answer"},
                )
            )
        for attempt in recovery._in_state(ledger, State.STAGED):
            await recovery._finish_staged(context, ledger, attempt)

    yield patch.object(run, "recover_interrupted", recover_interrupted)


@variant
def absence_is_concluded_from_silence() -> Patches:
    real = recovery.recover_interrupted

    async def recover_interrupted(context: Any, ledger: Any) -> None:
        await real(context, ledger)
        for attempt in recovery._in_state(ledger, State.UNCERTAIN):
            await ledger.append(
                Event(
                    attempt.attempt_id,
                    EventKind.ABSENT,
                    context.wall(),
                    {"reason": "nothing was heard of it"},
                )
            )

    yield patch.object(run, "recover_interrupted", recover_interrupted)


@variant
def doubt_is_resubmitted_without_asking() -> Patches:
    real = recovery.recover_interrupted

    async def recover_interrupted(context: Any, ledger: Any) -> None:
        await real(context, ledger)
        for attempt in recovery._in_state(ledger, State.UNCERTAIN):
            await ledger.append(
                Event(
                    attempt.attempt_id, EventKind.RESUBMIT, context.wall(), {"reason": "try again"}
                )
            )

    yield patch.object(run, "recover_interrupted", recover_interrupted)


@variant
def policy_ignores_its_bound() -> Patches:
    from wanbatch.engine import scheduler
    from wanbatch.engine.scheduling import works

    def may_retry(attempt: Any, attempts: Any, retries: int) -> bool:
        return (
            attempt.state is State.REMOTE_FAILED and attempt.retryable and len(list(attempts)) < 12
        )

    yield from everywhere("may_retry", may_retry, scheduler, works, planner)


@variant
def quota_does_not_stop_the_run() -> Patches:
    real = Scheduler._submit_answered

    def submitted(self: Scheduler, work: Any, attempt: Any, outcome: Any, now: float) -> None:
        if type(outcome).__name__ == "Halted":
            outcome = NotAccepted(outcome.message)
        real(self, work, attempt, outcome, now)

    yield patch.object(Scheduler, "_submit_answered", submitted)


@variant
def doubts_do_not_stop_the_run() -> Patches:
    yield patch.object(SubmitPacer, "_doubt", lambda self, now: None)


@variant
def concurrency_of_submits_is_not_kept() -> Patches:
    real = SubmitPacer.__init__

    def start(
        self: SubmitPacer, rate: Any, ceiling: int, concurrency: int = 1, **more: Any
    ) -> None:
        real(self, None, 20, 8, **more)

    yield patch.object(SubmitPacer, "__init__", start)


# -- budget ----------------------------------------------------------------------------


@variant
def budget_is_released_on_doubt() -> Patches:
    real = Scheduler._submit_answered

    def submitted(self: Scheduler, work: Any, attempt: Any, outcome: Any, now: float) -> None:
        spend = Budget.release if isinstance(outcome, Uncertain) else Budget.spend
        with patch.object(Budget, "spend", spend):
            real(self, work, attempt, outcome, now)

    yield patch.object(Scheduler, "_submit_answered", submitted)


@variant
def budget_is_not_reserved() -> Patches:
    yield patch.object(Budget, "reserve", lambda self, price: True)
    yield patch.object(Budget, "_take", lambda self, price: None)


# -- the ledger ------------------------------------------------------------------------


@variant
def commits_are_not_synced() -> Patches:
    yield patch.object(ModelStore, "sync", lambda self: None)


@variant
def failed_commit_is_ignored() -> Patches:
    real = Ledger.open_attempt

    async def open_attempt(self: Ledger, opening: Any) -> Any:
        try:
            return await real(self, opening)
        except LedgerFailed:
            self._writer.failure = None
            return await real(self, opening)

    yield patch.object(Ledger, "open_attempt", open_attempt)


@variant
def lock_is_ignored() -> Patches:
    yield patch.object(RunLock, "_take", lambda self: None)


@variant
def absence_is_concluded_too_early() -> Patches:
    """From the account's list, before the list has had time to show what the API
    took."""
    real = run.reconcile
    yield patch.object(
        run,
        "reconcile",
        lambda ledger, client, origin, _quiet_s, wall, **more: real(
            ledger, client, origin, -1e9, wall, **more
        ),
    )


# -- polling ---------------------------------------------------------------------------


@variant
def task_is_polled_before_it_is_durable() -> Patches:
    from wanbatch.model import lifecycle

    async def submit(self: Runner, work: Any) -> None:
        attempt = await self.ledger.open_attempt(self._opening(work))
        self.scheduler.handle(IntentRecorded(work, attempt), anyio.current_time())
        outcome = await self.client.submit(work.entry.request, work.urls)
        event = interpret.submit_event(attempt, outcome, self.context.wall())
        self.scheduler.handle(
            SubmitAnswered(work, lifecycle.apply(attempt, event), outcome), anyio.current_time()
        )
        self._changed.set()
        if isinstance(outcome, Accepted):
            await anyio.sleep(30)
        await self.ledger.append(event)

    yield patch.object(Runner, "_submit", submit)


@variant
def missing_task_counts_as_failed() -> Patches:
    real = gateway.Gateway.read_task_status

    def read(self: Any, seen: Any, task_id: str, submitted_at: float, now: float) -> Any:
        if isinstance(seen, Reply) and seen.status in (400, 404):
            return Failed("not_found", "no such task")
        return real(self, seen, task_id, submitted_at, now)

    yield patch.object(gateway.Gateway, "read_task_status", read)


@variant
def error_beside_running_counts_as_failed() -> Patches:
    real = status_reply.meaning_of
    told: list[Any] = []

    def error_of(found: Any) -> Any:
        error = real_error(found)
        told[:] = [error.enveloped]
        return error

    def meaning_of(word: str) -> Any:
        return status_reply.Meaning.FAILED if told == [True] else real(word)

    real_error = status_reply._error_of
    yield patch.object(status_reply, "_error_of", error_of)
    yield patch.object(status_reply, "meaning_of", meaning_of)


@variant
def forgotten_task_counts_as_failed() -> Patches:
    """A failure is believed however late it is first seen."""
    yield patch.object(Retention, "forgotten_after_s", 1e12)


@variant
def expires_too_early() -> Patches:
    """A task is given up after ten minutes."""
    yield patch.object(Retention, "give_up_after_s", 600.0)


@variant
def retry_after_is_not_clamped() -> Patches:
    from wanbatch.engine.pacing import submits

    def retry_after(headers: Any) -> float | None:
        found = reading.as_number(headers.get("retry-after", ""))
        return found if found is None or found >= 0 else None

    yield patch.object(reading, "retry_after", retry_after)
    yield patch.object(submits, "clamp_retry_after", lambda seconds: seconds)


@variant
def slot_leaks_on_429() -> Patches:
    real = SubmitPacer.answered

    def answered(self: SubmitPacer, now: float, outcome: Any) -> None:
        real(self, now, outcome)
        if isinstance(outcome, NotAccepted) and outcome.limit is not None:
            self._posts += 1

    yield patch.object(SubmitPacer, "answered", answered)


@variant
def unreadable_poll_keeps_its_place() -> Patches:
    """What the simulation found: an ended task whose query told nothing filled the
    query limit for good, and never expired."""
    real = Scheduler._poll_answered

    def polled(
        self: Scheduler, task: Any, attempt: Any, outcome: Any, now: float, at: float, *age: float
    ) -> None:
        if attempt.state is not State.REMOTE_OK or isinstance(outcome, Succeeded):
            real(self, task, attempt, outcome, now, at, *age)
            return
        self._lanes["poll"] -= 1
        task.attempt, task.busy = attempt, False
        self._tracking.fetch_later(task, now)

    yield patch.object(Scheduler, "_poll_answered", polled)


# -- files -----------------------------------------------------------------------------


@variant
def staged_before_it_is_synced() -> Patches:
    yield patch.object(client, "SYNC", near(lambda path: None))


@variant
def name_is_not_synced() -> Patches:
    yield patch.object(outputs, "_sync_folder", lambda folder: None)


@variant
def folders_above_are_not_synced() -> Patches:
    """What the simulation found: the first video of a new folder could vanish with
    it."""
    yield patch.object(
        outputs, "_sync_folders", lambda output, folder: outputs._sync_folder(folder)
    )


@variant
def stored_before_it_has_its_name() -> Patches:
    async def publish_staged(context: Any, ledger: Any, attempt: Any, part: Any) -> Any:
        at = context.wall()
        attempt = await ledger.append(
            Event(attempt.attempt_id, EventKind.STORED, at, {"path": attempt.path, "stored_at": at})
        )
        outputs.publish(context.output, part, attempt.path, attempt.sha256)
        return attempt

    yield patch.object(runner, "publish_staged", publish_staged)


@variant
def download_overwrites_a_file() -> Patches:
    def link(source: Any, target: Any) -> None:
        beside = target.with_name(f"{target.name}.new")
        os.link(source, beside)
        beside.replace(target)

    yield patch.object(outputs, "_link_or_copy", link)


@variant
def video_is_written_under_its_final_name() -> Patches:
    def link(source: Any, target: Any) -> None:
        with target.open("xb"):
            pass
        os.utime(target)
        beside = target.with_name(f"{target.name}.mp4")
        beside.write_bytes(source.read_bytes()[:400])
        beside.rename(target)
        target.write_bytes(source.read_bytes())

    yield patch.object(outputs, "_link_or_copy", link)


@variant
def short_body_is_kept() -> Patches:
    from wanbatch.media import probe
    from wanbatch.model.media import VideoFacts

    def probe_video(path: Any, sha256: str | None = None) -> VideoFacts:
        content = path.read_bytes()
        return VideoFacts(
            hashlib.sha256(content).hexdigest(), len(content), 5.0, 16, 16, 1.0, has_audio=False
        )

    yield patch.object(probe, "probe_video", probe_video)


# -- secrets ---------------------------------------------------------------------------


@variant
def echoed_key_is_kept() -> Patches:
    yield patch.object(exchange, "scrub", lambda text, key: text)
    yield patch.object(exchange, "scrub_body", lambda body, key: body)
    yield patch.object(scrubbing, "scrub", lambda text, key: text)
    yield patch.object(client.Client, "_scrub", lambda self, text: text)


@variant
def signature_is_kept() -> Patches:
    """In texts, in evidence, and on the way out."""
    yield patch.object(reading, "clean", lambda text, limit=500: text[:limit])
    yield patch.object(status_reply, "clean", lambda text, limit=500: text[:limit])
    yield patch.object(client, "without_queries", lambda text: text)
    yield patch.object(scrubbing, "without_queries", lambda text: text)
