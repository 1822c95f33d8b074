"""Decides what a run would do with every job, and says why.

What it may not do: I/O. It is given the jobs, their digests, what the ledger knows and
which stored files are intact.

How it works: jobs are walked upstream first. What the ledger knows of a job's identity
gives its *standing*: a state, an action and a reason (``_stand``). Then come the things
that a job has not by itself: an upstream that will not be there, an unsettled attempt
under the same name, a twin of equal identity that is bought in this plan already. A
reason is a code with parameters; its words are ``words.reasons``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from pathlib import Path

from wanbatch.model.elsewhere import NOTHING, Elsewhere, Sighting, video_name
from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import (
    DAY_LONG,
    IN_FLIGHT,
    UNSETTLED,
    Attempt,
    Snapshot,
    State,
    deciding_attempt,
    how_it_runs,
    may_retry,
)
from wanbatch.model.media import FileDigest
from wanbatch.model.origin import same_origin, tell_home
from wanbatch.model.plan import Action, Doubt, JobState, Plan, PlannedJob
from wanbatch.model.price import PriceList, price_of
from wanbatch.model.reason import Reason, ReasonCode, because
from wanbatch.model.retrying import Retrying, retries
from wanbatch.plan.history import BOUGHT, History, KnownAs
from wanbatch.plan.identity import Identified, JobKey, identify, upstream_first
from wanbatch.plan.selection import Predicate, Selection
from wanbatch.plan.shards import Shard, in_shard
from wanbatch.words.building import builder_of
from wanbatch.words.collector import collector_resting
from wanbatch.words.hiding import hide_in_value

_build_planned = builder_of(PlannedJob)
_NEW = because(ReasonCode.NEW)
_REGENERATE = because(ReasonCode.REGENERATE)


@dataclass(frozen=True, slots=True)
class Target:
    """The backend a plan is made for. ``origin`` is what its task ids belong to, empty
    where it is not known offline."""

    backend: str
    realm: str
    origin: str
    prices: PriceList | None


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the user asked for beside the manifests.

    ``chosen`` are the jobs that an earlier plan selected: they stay selected, whatever
    became of them since, and nothing else is asked. ``first`` keeps so many of the
    selected jobs, in manifest order; upstream comes on top. ``asked`` are the
    fingerprints that a person's wish to buy once more is meant for; all where it is
    ``None``.
    """

    selection: Predicate | None = None
    first: int | None = None
    chosen: frozenset[JobKey] | None = None
    shard: Shard | None = None
    with_upstream: bool = False
    retry_failed: Retrying = False
    regenerate: bool = False
    asked: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    state: JobState
    action: Action
    reason: Reason
    attempt: Attempt | None = None
    authorised_by: str = ""
    trace: Sighting | None = None


_FRESH = Standing(JobState.PLANNED, Action.GENERATE, _NEW)
"""How nearly all jobs of a large plan stand."""


def _anew(reason: Reason, attempt: Attempt, authorised_by: str) -> Standing:
    """A purchase that a person asks for beside what there is."""
    return Standing(JobState.PLANNED, Action.GENERATE, reason, attempt, authorised_by)


def make_plan(
    manifests: Sequence[Manifest],
    digests: Mapping[Path, FileDigest],
    snapshot: Snapshot,
    intact: frozenset[str],
    target: Target,
    options: PlanOptions,
    now: float,
    elsewhere: Elsewhere = NOTHING,
) -> Plan:
    """The plan of all jobs of ``manifests``. ``intact`` are the paths of stored videos
    that are whole; ``now`` is a Unix second.

    ``elsewhere`` is what was found of purchases that this ledger does not know.
    """
    with collector_resting():
        planner = _Planner(manifests, digests, snapshot, intact, target, options, now, elsewhere)
        return planner.plan()


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
        elsewhere: Elsewhere,
    ) -> None:
        self.elsewhere = elsewhere if target.realm == "paid" else NOTHING
        self.is_guarded = bool(self.elsewhere)
        self.identified = identify(manifests, digests)
        self.retries = {m.name: m.run.retries for m in manifests}
        self.target, self.options, self.intact, self.now = target, options, intact, now
        self.history = History(snapshot.attempts, target.realm, self.identified)
        self.attempts: dict[JobKey, tuple[Attempt, ...]] = {}
        self.known_as = KnownAs(self.identified)
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
        self.allowed = {
            (a.fingerprint, a.kind): a
            for a in snapshot.open_authorisations()
            if a.realm == target.realm
        }
        self.standings: dict[JobKey, Standing] = {}
        self.first_of: dict[str, JobKey] = {}
        self.taken: set[str] = set()
        self.doubts: tuple[Doubt, ...] = ()

    def plan(self) -> Plan:
        attempts = self.attempts = {key: self.history.attempts_of(key) for key in self.identified}
        alone = {
            key: self._guard(key, entry, self._stand(key, entry, attempts[key]))
            for key, entry in self.identified.items()
        }
        self._apply_dependencies(alone, frozenset(self.identified))
        selected = self._select()
        if len(selected) < len(self.identified):
            self._apply_dependencies(alone, selected)
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
            doubts=self.doubts,
        )

    # -- how a job stands by what was bought of its identity ---------------------------

    def _stand(self, key: JobKey, entry: Identified, attempts: Sequence[Attempt]) -> Standing:
        attempt = deciding_attempt(attempts)
        if attempt is None or attempt.state not in BOUGHT:
            doubt = self.history.doubt_of(key)
            if doubt is not None:
                kind = self._person_asks(entry, "regenerate")
                if not kind:
                    differs = because(ReasonCode.QUERY_DIFFERS, job=doubt.job)
                    return Standing(JobState.BLOCKED, Action.ASK, differs)
                return Standing(JobState.PLANNED, Action.GENERATE, _REGENERATE, None, kind)
        if attempt is None:
            why = self._why_new(key, entry)
            return _FRESH if why is _NEW else Standing(JobState.PLANNED, Action.GENERATE, why)
        if attempt.state is State.STORED:
            return self._stand_stored(key, entry, attempt)
        if attempt.state in IN_FLIGHT:
            if self._is_here(attempt):
                state = JobState.RUNNING if attempt.state is State.ACCEPTED else JobState.FINISHED
                return Standing(state, Action.RESUME, how_it_runs(attempt), attempt)
            reason = tell_home(
                attempt.backend, attempt.origin, self.target.backend, self.target.origin
            )
            return Standing(JobState.RUNNING, Action.ASK, reason, attempt)
        if attempt.state in (State.INTENT, State.UNCERTAIN):
            return Standing(
                JobState.UNCERTAIN,
                Action.ASK,
                because(ReasonCode.UNCERTAIN),
                attempt,
            )
        if attempt.state is State.EXPIRED:
            return Standing(
                JobState.EXPIRED,
                Action.ASK,
                because(ReasonCode.EXPIRED),
                attempt,
            )
        if attempt.state is State.ABANDONED:
            kind = self._person_asks(entry, "regenerate")
            if kind:
                return _anew(because(ReasonCode.ABANDONED_AGAIN), attempt, kind)
            return Standing(JobState.SKIPPED, Action.SKIP, because(ReasonCode.ABANDONED), attempt)
        return self._stand_failed(key, entry, attempt, attempts)

    def _guard(self, key: JobKey, entry: Identified, standing: Standing) -> Standing:
        """A job that would be bought, and was bought before where this ledger does not
        see it."""
        if standing.action is not Action.GENERATE:
            return standing
        trace = self._trace(key, standing)
        if trace is None:
            return standing
        kind = self._person_asks(entry, "regenerate")
        if kind:
            return replace(standing, reason=trace.reason(asked=kind), authorised_by=kind)
        return Standing(
            JobState.ELSEWHERE, Action.ASK, trace.reason(), standing.attempt, trace=trace
        )

    def _trace(self, key: JobKey, standing: Standing) -> Sighting | None:
        """What somebody else knows of a job under any of its fingerprints."""
        if not self.is_guarded:
            return None
        return self.elsewhere.find(self.known_as.of(key), heard=standing.attempt is not None)

    def _is_bought_too(self, key: JobKey, standing: Standing) -> bool:
        """Whether somebody else knows another purchase of what runs here: a copy of
        this ledger that went on."""
        if standing.action is not Action.RESUME or standing.attempt is None:
            return False
        trace = self._trace(key, standing)
        return trace is not None and trace.task_id != standing.attempt.task_id

    def _person_asks(self, entry: Identified, *kinds: str, failed: Attempt | None = None) -> str:
        """By which of ``kinds`` a person asks for one more purchase, now or in an
        earlier run; ``failed`` is what a retry would follow."""
        if not (self.options.regenerate or self.options.retry_failed or self.allowed):
            return ""  # nobody asks for any: so it is of most plans
        again = failed is not None and retries(self.options.retry_failed, failed)
        wanted = {"regenerate": self.options.regenerate, "retry_failed": again}
        meant = self.options.asked is None or entry.fingerprint in self.options.asked
        asked = (
            k for k in kinds if (wanted[k] and meant) or (entry.fingerprint, k) in self.allowed
        )
        return next(asked, "")

    def _stand_stored(self, key: JobKey, entry: Identified, attempt: Attempt) -> Standing:
        kind = self._person_asks(entry, "regenerate")
        if kind:
            return _anew(_REGENERATE, attempt, kind)
        placement = self.placed.get(key)
        if (
            placement is not None
            and placement.attempt_id == attempt.attempt_id
            and placement.path in self.intact
        ):
            return Standing(JobState.DONE, Action.REUSE, because(ReasonCode.UP_TO_DATE), attempt)
        if attempt.attempt_id in self.whole or attempt.path in self.intact:
            copied = because(ReasonCode.COPIED, job=attempt.job)
            return Standing(JobState.DONE, Action.REUSE, copied, attempt)
        if self._is_here(attempt) and self.now < attempt.available_until:
            downloadable = because(ReasonCode.DOWNLOADABLE)
            return Standing(JobState.FINISHED, Action.RESUME, downloadable, attempt)
        return Standing(JobState.EXPIRED, Action.ASK, because(ReasonCode.FILE_LOST), attempt)

    def _is_here(self, attempt: Attempt) -> bool:
        """Whether the attempt's task belongs to this backend. Offline its address may
        be unknown: then its name counts."""
        return (
            same_origin(attempt.origin, self.target.origin)
            if self.target.origin
            else attempt.backend == self.target.backend
        )

    def _stand_failed(
        self, key: JobKey, entry: Identified, attempt: Attempt, attempts: Sequence[Attempt]
    ) -> Standing:
        error, message = attempt.error_code, attempt.error_message
        kind = self._person_asks(entry, "retry_failed", "regenerate", failed=attempt)
        if kind:
            # Whichever flag it was: what turns out to be done is not to be bought
            # again.
            asked = because(ReasonCode.FAILED_ASKED, error=error, message=message)
            return _anew(asked, attempt, "retry_failed")
        far = next((a for a in attempts if self._may_turn_elsewhere(a)), None)
        if far is not None:
            reason = because(
                ReasonCode.FAILED_ELSEWHERE, error=error, message=message, origin=far.origin
            )
            return Standing(JobState.FAILED, Action.SKIP, reason, attempt)
        if may_retry(attempt, attempts, self.retries.get(key[0], 0)):
            policy = because(ReasonCode.FAILED_BY_POLICY, error=error, message=message)
            return Standing(JobState.PLANNED, Action.GENERATE, policy, attempt)
        failed = because(ReasonCode.FAILED, error=error, message=message)
        return Standing(JobState.FAILED, Action.SKIP, failed, attempt)

    def _may_turn_elsewhere(self, attempt: Attempt) -> bool:
        """Whether a failure is younger than a day, and cannot be asked again from here
        before anything is bought: another account's, or another address's."""
        young = self.now - attempt.accepted_at < DAY_LONG.query_s
        failed = attempt.state is State.REMOTE_FAILED and bool(attempt.task_id)
        return failed and young and not self._is_here(attempt)

    def _why_new(self, key: JobKey, entry: Identified) -> Reason:
        before = self.youngest_of_name.get(key)
        if before is None or before in self.attempts[key]:
            return _NEW
        changed = changed_fields(before.request, entry.request.describe())
        if changed:
            return because(ReasonCode.CHANGED, fields=", ".join(changed))
        return because(ReasonCode.CHANGED_INPUTS)

    # -- what depends on other jobs ----------------------------------------------------

    def _select(self) -> frozenset[JobKey]:
        if self.options.chosen is not None:
            return self.options.chosen & self.identified.keys()
        selected = set(self.identified)
        if self.options.selection is not None:
            wanted = self.options.selection
            jobs = [(e.job, self.standings[key].state) for key, e in self.identified.items()]
            selected = {key for key, one in zip(self.identified, jobs, strict=True) if wanted(*one)}
            if isinstance(wanted, Selection):
                self.doubts = wanted.examine(jobs)
        if self.options.first is not None:
            selected = self._first(selected, self.options.first)
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

    def _first(self, selected: set[JobKey], count: int) -> set[JobKey]:
        """The first ``count`` of the selected jobs, of a shard those that are in it."""
        shard = self.options.shard
        mine = selected if shard is None else selected & in_shard(self.identified, shard)
        return set(islice((key for key in self.identified if key in mine), count))

    def _apply_dependencies(
        self, alone: Mapping[JobKey, Standing], selected: frozenset[JobKey]
    ) -> None:
        """The standings under a selection: ``alone`` are those of the jobs by
        themselves. What ``state:`` selects by is how they stand where all are
        selected."""
        self.standings = dict(alone)
        everything = frozenset(self.identified)
        for key in upstream_first(self.identified):
            self._apply_upstream(key, selected if key in selected else everything)

    def _apply_upstream(self, key: JobKey, selected: frozenset[JobKey]) -> None:
        standing = self.standings[key]
        if standing.action is not Action.GENERATE:
            return
        earlier = self._old_request(key)
        if earlier is not None:
            reason = _why_it_waits(earlier)
            self.standings[key] = replace(
                standing, action=Action.ASK, state=JobState.BLOCKED, reason=reason
            )
            return
        for up in self.identified[key].upstream:
            hindrance = self._hindrance(up, selected)
            if hindrance is not None:
                self.standings[key] = replace(
                    standing, action=Action.BLOCKED, state=JobState.BLOCKED, reason=hindrance
                )
                return

    def _old_request(self, key: JobKey) -> Attempt | None:
        """What a job of this name bought before it was edited, and nobody has
        settled."""
        earlier = self.unsettled_of_name.get(key)
        return None if earlier in self.attempts[key] else earlier

    def _hindrance(self, up: JobKey, selected: frozenset[JobKey]) -> Reason | None:
        standing = self.standings[up]
        if standing.state is JobState.DONE:
            return None
        if standing.action not in (Action.GENERATE, Action.RESUME):
            state = standing.state.value
            return because(ReasonCode.UPSTREAM_NOT_DONE, job=up[1], state=state)
        if up in selected:
            return None
        return because(ReasonCode.UPSTREAM_NOT_SELECTED, job=up[1])

    def _planned(
        self, key: JobKey, entry: Identified, attempts: tuple[Attempt, ...], selected: bool
    ) -> PlannedJob:
        standing = self.standings[key]
        price = price_of(entry.request.seconds, entry.request.size, self.target.prices)
        if standing.action is Action.GENERATE and selected:
            first = self.first_of.setdefault(entry.fingerprint, key)
            if first != key:
                standing = replace(standing, reason=because(ReasonCode.TWIN, job=first[1]))
                price = Decimal(0) if price is not None else None
        return _build_planned(
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
            upstream=tuple([name for _, name in entry.upstream]) if entry.upstream else (),
            path=self._path(key, entry, standing),
            authorised_by=standing.authorised_by,
            authorisation_id=self._authorisation(entry, standing),
            trace=standing.trace,
            old_request=self._old_request(key) is not None,
            before=self._before(key, standing.reason),
            bought_too=self._is_bought_too(key, standing),
        )

    def _before(self, key: JobKey, reason: Reason) -> str:
        changed = reason.code is ReasonCode.CHANGED
        return self.youngest_of_name[key].request if changed else ""

    def _authorisation(self, entry: Identified, standing: Standing) -> int:
        """The recorded word that this purchase uses up.

        A failed job is bought by the word to regenerate too, as a retry: then that word
        is used up, or it would buy once more in every run.
        """
        if not standing.authorised_by:
            return 0
        kinds = [standing.authorised_by]
        if standing.authorised_by == "retry_failed":
            kinds.append("regenerate")
        found = (self.allowed.get((entry.fingerprint, kind)) for kind in kinds)
        return next((known.authorisation_id for known in found if known), 0)

    def _path(self, key: JobKey, entry: Identified, standing: Standing) -> str:
        attempt = standing.attempt
        placement = None if attempt is None else self.placed.get(key)
        if attempt and placement and placement.attempt_id == attempt.attempt_id:
            return placement.path
        return self._free(
            f"{key[0]}/videos/{video_name(key[1], entry.fingerprint, self.target.realm)}"
        )

    def _free(self, path: str) -> str:
        """``path``, numbered where another job of this plan has it when case is folded:
        the folder may be copied to a disk that knows no case."""
        number, free, folded = 2, path, path.casefold()
        while folded in self.taken:
            free, number = f"{path.removesuffix('.mp4')}-{number}.mp4", number + 1
            folded = free.casefold()
        self.taken.add(folded)
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


def _why_it_waits(earlier: Attempt) -> Reason:
    """Why a job that was edited is not bought while its old request is unsettled."""
    if earlier.state in IN_FLIGHT:
        return because(ReasonCode.OLD_REQUEST_RUNS, task=earlier.task_id)
    return because(ReasonCode.OLD_REQUEST_OPEN, state=earlier.state.value)


def changed_fields(before: str, after: str) -> list[str]:
    """Names of the request's fields that differ between two texts of it (``describe``,
    ``record``), media as ``media.TYPE``.

    Of URLs whose queries are not written down it is said that they differ where nothing
    else does.
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


def _total(jobs: Iterable[PlannedJob], *, known: bool) -> Decimal | None:
    """What ``generate`` would cost. One job without a price, and the sum is not known:
    a sum of the others would pass for the whole."""
    bought = [entry.price for entry in jobs if entry.selected and entry.action is Action.GENERATE]
    if not known or None in bought:
        return None
    return sum((price for price in bought if price is not None), Decimal(0))
