"""Decides what a run would do with every job, and says why.

What it may not do: I/O. It is given the jobs, their digests, what the ledger knows and which stored files are intact.

How it works: jobs are walked upstream first. What the ledger knows of a job's identity gives its *standing*: a state, an action and a reason
(``_stand``). Then come the things that a job has not by itself: an upstream that will not be there, an unsettled attempt under the same name, a
twin of equal identity that is bought in this plan already. The words of actions and reasons are read by people and by scripts: see the contract.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from wanbatch.lifecycle import (
    IN_FLIGHT,
    UNSETTLED,
    Attempt,
    Authority,
    Snapshot,
    State,
    deciding_attempt,
)
from wanbatch.manifest.hiding import hide_in_value
from wanbatch.manifest.model import Manifest
from wanbatch.media.model import FileDigest
from wanbatch.plan.history import BOUGHT, History
from wanbatch.plan.identity import Identified, JobKey, identify, upstream_first, video_name
from wanbatch.plan.model import Action, JobState, Plan, PlannedJob
from wanbatch.plan.price import PriceList, price_of
from wanbatch.plan.selection import Predicate, Shard, in_shard

RETRYABLE_BY_POLICY = frozenset({State.REMOTE_FAILED})
_DOWNLOADABLE = "its video file is missing or altered; it is downloaded again"


@dataclass(frozen=True, slots=True)
class Target:
    """The backend a plan is made for. ``origin`` is what its task ids belong to, empty where it is not known offline."""

    backend: str
    realm: str
    origin: str
    prices: PriceList | None


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the user asked for beside the manifests. ``retries`` is per manifest name: new attempts after a retryable remote failure."""

    selection: Predicate | None = None
    shard: Shard | None = None
    with_upstream: bool = False
    retry_failed: bool = False
    regenerate: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    state: JobState
    action: Action
    reason: str
    attempt: Attempt | None = None


def make_plan(
    manifests: Sequence[Manifest],
    digests: Mapping[Path, FileDigest],
    snapshot: Snapshot,
    intact: frozenset[str],
    target: Target,
    options: PlanOptions,
    now: float,
) -> Plan:
    """The plan of all jobs of ``manifests``. ``intact`` are the paths of stored videos that are whole; ``now`` is a Unix second."""
    return _Planner(manifests, digests, snapshot, intact, target, options, now).plan()


class _Planner:
    """One planning; holds the look-up tables that every decision needs."""

    def __init__(
        self,
        manifests: Sequence[Manifest],
        digests: Mapping[Path, FileDigest],
        snapshot: Snapshot,
        intact: frozenset[str],
        target: Target,
        options: PlanOptions,
        now: float,
    ) -> None:
        self.identified = identify(manifests, digests)
        self.retries = {m.name: m.run.retries for m in manifests}
        self.target, self.options, self.intact, self.now = target, options, intact, now
        self.history = History(snapshot.attempts, target.realm, self.identified)
        self.attempts: dict[JobKey, tuple[Attempt, ...]] = {}
        self.placed = {(p.manifest, p.job): p for p in snapshot.placements}
        self.whole = frozenset(p.attempt_id for p in snapshot.placements if p.path in intact)
        self.youngest_of_name: dict[JobKey, Attempt] = {}
        self.unsettled_of_name: dict[JobKey, Attempt] = {}
        for attempt in snapshot.attempts:
            if attempt.realm == target.realm:
                self.youngest_of_name[attempt.manifest, attempt.job] = attempt
                if attempt.state in UNSETTLED:
                    self.unsettled_of_name[attempt.manifest, attempt.job] = attempt
        self.snapshot = snapshot
        self.standings: dict[JobKey, Standing] = {}
        self.first_of: dict[str, JobKey] = {}
        self.taken: set[str] = set()

    def plan(self) -> Plan:
        attempts = self.attempts = {key: self.history.attempts_of(key) for key in self.identified}
        alone = {
            key: self._stand(key, entry, attempts[key]) for key, entry in self.identified.items()
        }
        self._settle(alone, frozenset(self.identified))
        selected = self._select()
        if len(selected) < len(self.identified):
            self._settle(alone, selected)
        jobs = tuple(
            self._planned(key, entry, attempts[key], key in selected)
            for key, entry in self.identified.items()
        )
        prices = self.target.prices
        return Plan(
            backend=self.target.backend,
            realm=self.target.realm,
            origin=self.target.origin,
            currency=prices.currency if prices else "",
            jobs=jobs,
            total=_total(jobs, known=prices is not None),
            strangers=self._strangers(attempts),
        )

    # -- how a job stands by what was bought of its identity -------------------------------------------------------------------------------

    def _stand(self, key: JobKey, entry: Identified, attempts: Sequence[Attempt]) -> Standing:
        attempt = deciding_attempt(attempts)
        if attempt is None or attempt.state not in BOUGHT:
            doubt = self.history.doubt_of(key)
            if doubt is not None and not self.options.regenerate:
                return Standing(JobState.BLOCKED, Action.ASK, _doubt(doubt))
        if attempt is None:
            return Standing(JobState.PLANNED, Action.GENERATE, self._why_new(key, entry))
        if attempt.state is State.STORED:
            return self._stand_stored(key, attempt)
        if attempt.state in IN_FLIGHT:
            if self._is_here(attempt):
                return Standing(
                    JobState.RUNNING, Action.RESUME, f"task {attempt.task_id} was accepted", attempt
                )
            reason = f"it is running on backend {attempt.backend}: run with --backend {attempt.backend} to fetch it"
            return Standing(JobState.RUNNING, Action.ASK, reason, attempt)
        if attempt.state in (State.INTENT, State.UNCERTAIN):
            return Standing(
                JobState.UNCERTAIN,
                Action.ASK,
                "nobody knows whether it was bought: wanbatch resolve",
                attempt,
            )
        if attempt.state is State.EXPIRED:
            return Standing(
                JobState.EXPIRED,
                Action.ASK,
                "it was paid for, but its result can no longer be had: wanbatch resolve",
                attempt,
            )
        if attempt.state is State.ABANDONED:
            if self.options.regenerate:
                return Standing(
                    JobState.PLANNED, Action.GENERATE, "abandoned before; --regenerate", attempt
                )
            return Standing(JobState.SKIPPED, Action.SKIP, "abandoned by a person", attempt)
        return self._stand_failed(key, attempt, attempts)

    def _stand_stored(self, key: JobKey, attempt: Attempt) -> Standing:
        if self.options.regenerate:
            return Standing(JobState.PLANNED, Action.GENERATE, "--regenerate", attempt)
        placement = self.placed.get(key)
        if (
            placement is not None
            and placement.attempt_id == attempt.attempt_id
            and placement.path in self.intact
        ):
            return Standing(JobState.DONE, Action.REUSE, "up to date", attempt)
        if attempt.attempt_id in self.whole or attempt.path in self.intact:
            return Standing(
                JobState.DONE, Action.REUSE, f"made as {attempt.job}; its video is copied", attempt
            )
        if self._is_here(attempt) and self.now < attempt.expires_at:
            return Standing(JobState.RUNNING, Action.RESUME, _DOWNLOADABLE, attempt)
        reason = "its video file is missing or altered and can no longer be downloaded: restore the file, or run with --regenerate to buy it again"
        return Standing(JobState.EXPIRED, Action.ASK, reason, attempt)

    def _is_here(self, attempt: Attempt) -> bool:
        """Whether the attempt's task belongs to this backend. Offline its address may be unknown: then its name counts."""
        return (
            attempt.origin == self.target.origin
            if self.target.origin
            else attempt.backend == self.target.backend
        )

    def _stand_failed(self, key: JobKey, attempt: Attempt, attempts: Sequence[Attempt]) -> Standing:
        what = f"failed before: {attempt.error_code or 'error'}: {attempt.error_message}".rstrip(
            ": "
        )
        if self.options.retry_failed or self.options.regenerate:
            return Standing(JobState.PLANNED, Action.GENERATE, what, attempt)
        if may_retry(attempt, attempts, self.retries.get(key[0], 0)):
            return Standing(
                JobState.PLANNED, Action.GENERATE, f"{what}; tried again by policy", attempt
            )
        return Standing(
            JobState.FAILED, Action.SKIP, f"{what} (--retry-failed tries again)", attempt
        )

    def _why_new(self, key: JobKey, entry: Identified) -> str:
        before = self.youngest_of_name.get(key)
        if before is None or before in self.attempts[key]:
            return "new"
        changed = changed_fields(before.request, entry.request.describe())
        return "changed: " + ", ".join(changed) if changed else "changed: its upstream or take"

    # -- what depends on other jobs ----------------------------------------------------------------------------------------------------------

    def _select(self) -> frozenset[JobKey]:
        keys: Iterable[JobKey] = self.identified
        if self.options.selection is not None:
            wanted = self.options.selection
            keys = [
                key for key in keys if wanted(self.identified[key].job, self.standings[key].state)
            ]
        selected = set(keys)
        if self.options.with_upstream:
            pending = list(selected)
            while pending:
                upstream = [
                    up for up in self.identified[pending.pop()].upstream if up not in selected
                ]
                selected.update(upstream)
                pending.extend(upstream)
        if self.options.shard is not None:
            selected &= in_shard(self.identified, self.options.shard)
        return frozenset(selected)

    def _settle(self, alone: Mapping[JobKey, Standing], selected: frozenset[JobKey]) -> None:
        """The standings under a selection: ``alone`` are those of the jobs by themselves. What ``state:`` selects by is how they stand where all
        are selected."""
        self.standings = dict(alone)
        everything = frozenset(self.identified)
        for key in upstream_first(self.identified):
            self._settle_upstream(key, selected if key in selected else everything)

    def _settle_upstream(self, key: JobKey, selected: frozenset[JobKey]) -> None:
        standing = self.standings[key]
        if standing.action is not Action.GENERATE:
            return
        earlier = self.unsettled_of_name.get(key)
        if (
            earlier is not None
            and earlier.state not in IN_FLIGHT
            and earlier not in self.attempts[key]
        ):
            reason = f"an earlier attempt of this name is {earlier.state.value}: settle it first with wanbatch resolve"
            self.standings[key] = replace(
                standing, action=Action.ASK, state=JobState.BLOCKED, reason=reason
            )
            return
        for up in self.identified[key].upstream:
            reason = self._hindrance(up, selected)
            if reason:
                self.standings[key] = replace(
                    standing, action=Action.BLOCKED, state=JobState.BLOCKED, reason=reason
                )
                return

    def _hindrance(self, up: JobKey, selected: frozenset[JobKey]) -> str:
        standing = self.standings[up]
        if standing.state is JobState.DONE:
            return ""
        if standing.action in (Action.GENERATE, Action.RESUME):
            return (
                ""
                if up in selected
                else f"it takes media from {up[1]}, which is not done and not selected: add --with-upstream"
            )
        return f"it takes media from {up[1]}, which is {standing.state.value}"

    def _planned(
        self, key: JobKey, entry: Identified, attempts: tuple[Attempt, ...], selected: bool
    ) -> PlannedJob:
        standing = self.standings[key]
        price = price_of(entry.request.seconds, entry.request.size, self.target.prices)
        if standing.action is Action.GENERATE and selected:
            first = self.first_of.setdefault(entry.fingerprint, key)
            if first != key:
                standing = replace(standing, reason=f"the same request as {first[1]}: bought once")
                price = Decimal(0) if price is not None else None
        return PlannedJob(
            job=entry.job,
            request=entry.request,
            fingerprint=entry.fingerprint,
            price=price,
            action=standing.action,
            reason=standing.reason,
            state=standing.state,
            selected=selected,
            attempt=standing.attempt,
            attempts=attempts,
            upstream=tuple(name for _, name in entry.upstream),
            path=self._path(key, entry, standing),
        )

    def _path(self, key: JobKey, entry: Identified, standing: Standing) -> str:
        placement = self.placed.get(key)
        if (
            placement is not None
            and standing.attempt is not None
            and placement.attempt_id == standing.attempt.attempt_id
        ):
            return placement.path
        return self._free(
            f"{key[0]}/videos/{video_name(key[1], entry.fingerprint, self.target.realm)}"
        )

    def _free(self, path: str) -> str:
        """``path``, numbered where another job of this plan has it when case is folded: the folder may be copied to a disk that knows no case."""
        stem, number, free = path.removesuffix(".mp4"), 2, path
        while free.casefold() in self.taken:
            free, number = f"{stem}-{number}.mp4", number + 1
        self.taken.add(free.casefold())
        return free

    def _strangers(self, attempts: Mapping[JobKey, Sequence[Attempt]]) -> tuple[Attempt, ...]:
        names = {key[0] for key in self.identified}
        known = {a.attempt_id for rows in attempts.values() for a in rows}
        rows = self.snapshot.attempts
        return tuple(
            a
            for a in rows
            if a.realm == self.target.realm
            and a.manifest in names
            and a.state in UNSETTLED
            and a.attempt_id not in known
        )


def may_retry(attempt: Attempt, attempts: Iterable[Attempt], retries: int) -> bool:
    """Whether policy allows a new attempt after ``attempt``: a free, retryable remote failure, and fewer than ``retries`` made by policy since a
    person last asked."""
    if attempt.state not in RETRYABLE_BY_POLICY or not attempt.retryable:
        return False
    made = 0
    for other in attempts:
        if other.authority is Authority.PERSON:
            made = 0
        elif other.authority is Authority.RETRY_POLICY and other.state is not State.PLANNED:
            made += 1
    return made < retries


def changed_fields(before: str, after: str) -> list[str]:
    """Names of the request's fields that differ between two texts of it (``describe``, ``record``), media as ``media.TYPE``.

    Of URLs whose queries are not written down it is said that they differ where nothing else does.
    """
    old, new = (_flatten(json.loads(text)) for text in (before, after))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return names or [n for n in new if n.startswith("media.") and str(new[n]).endswith("?…")]


def _flatten(request: dict[str, object]) -> dict[str, object]:
    flat = {
        name: value.strip() if isinstance(value, str) else value
        for name, value in request.items()
        if name not in ("media", "trace")
    }
    media = request.get("media")
    for item in media if isinstance(media, list) else ():
        flat[f"media.{item['type']}"] = item.get("sha256") or hide_in_value(item["source"])
    return flat


def _doubt(bought: Attempt) -> str:
    return (
        f"the query of its URL is another than that of {bought.job}, which was bought: if it is the same file, write identity: [] beside url; "
        "if not, name the parameters that choose it, as in identity: [id], and run with --regenerate"
    )


def _total(jobs: Iterable[PlannedJob], *, known: bool) -> Decimal | None:
    if not known:
        return None
    return sum(
        (
            entry.price or Decimal(0)
            for entry in jobs
            if entry.selected and entry.action is Action.GENERATE
        ),
        Decimal(0),
    )
