"""``run`` with a saved plan, or with one that a program has in hand: it is read, taken
up, held against what is, and carried out to its total.

What it may not do: keep the order of a run (``run`` does), or decide what a difference
is (``plan.staleness`` does).

How it works: ``take_up`` reads the file and gives the run its manifests and choices;
what the caller says beside it must not contradict. Inside of the run ``Approval`` makes
the plan of the saved plan's jobs, refuses where anything differs, and says how much may
still be spent. All refusals come before anything is sent.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar, cast

from wanbatch.ledger.store import read_ledger_id
from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.plan import Plan, PlannedJob
from wanbatch.model.wire import Profile
from wanbatch.operations.check import Checked
from wanbatch.operations.choose import SpendingLimit
from wanbatch.operations.options import DEFAULT_OUTPUT, PlanningOptions, RunOptions
from wanbatch.operations.planning import build_plan
from wanbatch.operations.reporting import render_plan
from wanbatch.operations.shared import shared_ledger
from wanbatch.plan.saved import Basis, SavedPlan, digest_of, parse_plan
from wanbatch.plan.selection import parse_selection
from wanbatch.plan.staleness import (
    Difference,
    brought_home,
    find_differences,
    hold,
    still_asked,
    what_is_left,
)
from wanbatch.report.schema import find_violation
from wanbatch.words.canonical import Json
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import open_regular
from wanbatch.words.hiding import hide_queries
from wanbatch.words.humanize import quoted

Options = TypeVar("Options", bound=PlanningOptions)

ADDED = ("digest", "ledger", "prices", "choices")
"""What older versions did not write into a plan."""
NAMED, LISTED = 3, 100
"""So many jobs are named of those that differ in the same words, and so many kinds of
words are listed (chosen)."""


# -- read and taken up -----------------------------------------------------------------


def read_plan(path: Path, digest: str | None = None) -> SavedPlan:
    """The plan at ``path``. Raises ``WanbatchError``: (2) where it is no saved plan,
    (3) where it was altered, or is another than the one that ``digest`` names."""
    document = _parse(path)
    missing = [key for key in ADDED if key not in document]
    if missing:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{path} is a plan without {missing[0]!r}: an older wanbatch saved it, and nothing"
            " can be held against it",
            "save it again: wanbatch plan FILE -o plan.json",
        )
    found = digest_of(document)
    if document["digest"] != found:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"{path} was altered since it was saved: its digest is {found[:12]}…, and it says"
            f" {str(document['digest'])[:12]}…; nothing was sent",
            "take the saved file again, or plan and approve anew",
        )
    if digest is not None and digest.lower() != found:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"{path} is not the plan that was approved: its digest is {found}, and {digest} was"
            " demanded; nothing was sent",
            "take the file that was approved, or have this one approved",
        )
    return parse_plan(document, str(path))


def _parse(path: Path) -> Mapping[str, Json]:
    try:
        with open_regular(path) as file:
            document = json.loads(file.read())
    except OSError as error:
        raise WanbatchError(
            ExitCode.INVALID,
            f"the plan {path} cannot be read: {error.strerror or error}",
            "name the file that was saved with: wanbatch plan FILE -o plan.json",
        ) from error
    except (ValueError, RecursionError):
        document = None
    violation = find_violation(document, "plan") if document is not None else "it is not JSON"
    if violation:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{path} is no plan of format wanbatch/plan@1: {violation}",
            "name the file that was saved with: wanbatch plan FILE -o plan.json",
        )
    return cast("Mapping[str, Json]", document)


def plan_in_hand(plan: Plan, manifests: Sequence[Manifest], basis: Basis) -> SavedPlan:
    """A plan that was made in this process, as one that was saved: both are carried out
    by the same rules."""
    return parse_plan(json.loads(render_plan(plan, manifests, basis).content), "")


def take_up(
    options: Options, run: RunOptions, saved: SavedPlan, *, output_given: bool = False
) -> tuple[Options, RunOptions]:
    """The options of a run that carries ``saved`` out. ``output_given`` is whether the
    output folder was named.

    Manifests, backend and choices are the plan's; what ``options`` and ``run`` say
    beside it must be the same. Raises ``WanbatchError`` (2) where it is not.
    """
    _refuse_contradictions(options, run, saved)
    choices, output = saved.choices, options.output
    taken = replace(
        options,
        files=options.files or tuple(map(Path, saved.manifests.values())),
        backend=saved.backend,
        select=choices.select,
        with_upstream=choices.with_upstream,
        shard=choices.shard,
        variables=_variables(options, saved),
        output=output if output_given else Path(choices.output),
        media_root=options.media_root or (Path(choices.media_root) if choices.media_root else None),
        max_jobs=max(options.max_jobs, len(saved.jobs)),
    )
    return taken, replace(
        run,
        yes=True,
        retry_failed=choices.retry_failed,
        regenerate=choices.regenerate,
        approved=saved,
    )


def _refuse_contradictions(options: PlanningOptions, run: RunOptions, saved: SavedPlan) -> None:
    choices = saved.choices
    hidden = {name: hide_queries(value) for name, value in options.variables.items()}
    said: list[tuple[str, object, object]] = [
        ("--backend", options.backend, saved.backend),
        ("--select", tuple(map(hide_queries, options.select)), choices.select),
        ("--with-upstream", options.with_upstream, choices.with_upstream),
        ("--shard", options.shard, choices.shard),
        ("--first", options.first, None),
        ("--retry-failed", run.retry_failed, choices.retry_failed),
        ("--regenerate", run.regenerate, choices.regenerate),
        *((f"--var {name}", hidden[name], choices.variables.get(name)) for name in hidden),
    ]
    wrong = [name for name, given, planned in said if given and given != planned]
    if wrong:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{' and '.join(wrong)} {'contradicts' if len(wrong) == 1 else 'contradict'}"
            f" {saved.title}; nothing was sent",
            "leave out what the plan says already: it runs as it was saved",
            "or plan with other options, and let that plan be approved",
        )


def _variables(options: PlanningOptions, saved: SavedPlan) -> dict[str, str]:
    """The plan's, with the values that no file keeps from the caller."""
    secret = [name for name in saved.choices.hidden if name not in options.variables]
    if secret:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{saved.title} was made with --var {secret[0]}, a URL whose query no file"
            " keeps; nothing was sent",
            f"give it again: --var {secret[0]}=URL",
        )
    return {**saved.choices.variables, **options.variables}


# -- carried out -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Approval:
    """A saved plan in the run that carries it out."""

    saved: SavedPlan
    options: PlanningOptions
    profile: Profile

    def refuse_early(self, checked: Checked) -> None:
        """What is refused before a folder or a ledger is made: other manifests (2), a
        ledger that is not here (3). Raises ``WanbatchError``."""
        self._refuse_other_manifests(checked.manifests)
        is_own = shared_ledger(self.profile) is None
        if self.saved.ledger and is_own and not read_ledger_id(self.options.ledger):
            snapshot = Snapshot()
            chosen = self.saved.selected()
            plan = build_plan(
                self.options,
                checked,
                self.profile,
                snapshot,
                frozenset(),
                time.time(),
                chosen=chosen,
                asked=self.still_asked(snapshot),
            )
            self.keep(plan, snapshot)

    def _refuse_other_manifests(self, manifests: Sequence[Manifest]) -> None:
        given, planned = {m.name for m in manifests}, set(self.saved.manifests)
        if given != planned:
            raise WanbatchError(
                ExitCode.INVALID,
                f"{self.saved.title} is of {_listed(planned)}, and the files given are"
                f" {_listed(given)}; nothing was sent",
                "leave the files out: the plan names them",
            )

    def still_asked(self, snapshot: Snapshot) -> frozenset[str]:
        """The fingerprints that are still to be bought once more by a person's word."""
        return still_asked(self.saved, snapshot)

    def keep(self, plan: Plan, snapshot: Snapshot) -> Plan:
        """What of ``plan`` is approved. Raises ``WanbatchError`` (3), with all that
        differs, where the saved plan is stale."""
        found = list(
            find_differences(self.saved, plan, snapshot, self.profile.prices, self._is_wanted)
        )
        if found:
            raise WanbatchError(ExitCode.REFUSED, *self._refusal(found))
        return hold(self.saved, plan)

    def hold(self, plan: Plan) -> Plan:
        """``plan`` without purchases that were not approved."""
        return hold(self.saved, plan)

    @property
    def brought_home(self) -> frozenset[str]:
        """The fingerprints that are never bought."""
        return brought_home(self.saved)

    @property
    def limit(self) -> SpendingLimit | None:
        """What was approved: nothing without a price. ``None`` where nothing costs
        money."""
        if self.saved.realm == "emulator":
            return None
        return SpendingLimit(self.saved.total or Decimal(0), self.saved.title)

    @property
    def purse(self) -> str:
        """What is not enough where no more is bought, in a sentence."""
        return f"what {self.saved.title} has left"

    def lower(self, limit: Decimal | None, snapshot: Snapshot) -> Decimal | None:
        """The most that this run may spend, by ``limit`` and by what the plan's earlier
        runs left."""
        if self.limit is None:
            return limit
        left = what_is_left(self.saved, snapshot) or Decimal(0)
        return left if limit is None else min(limit, left)

    def _is_wanted(self, entry: PlannedJob) -> bool:
        """Whether the plan's selection would take a job that it has never seen."""
        select = self.options.select
        return not select or bool(parse_selection(select)(entry.job, entry.state))

    def _refusal(self, found: Sequence[Difference]) -> tuple[str, ...]:
        lines = list(_describe(found))
        more = [f"and {len(lines) - LISTED} more kinds"] if len(lines) > LISTED else []
        things = "1 difference" if len(found) == 1 else f"{len(found)} differences"
        shown = "".join(f"\n  - {line}" for line in (*lines[:LISTED], *more))
        return (
            f"{self.saved.title} is stale: {things} from what was approved; nothing was sent"
            + shown,
            f"plan again, and let the new plan be approved{self._command()}",
        )

    def _command(self) -> str:
        """How the file is made anew, where there is one."""
        source = self.saved.source
        again = (*_planned_again(self.options, self.saved), "-o", source)
        return f": {quoted(again)}" if source else ""


def _planned_again(options: PlanningOptions, saved: SavedPlan) -> Iterator[str]:
    """The command that makes the plan anew, with the choices that it was made with."""
    choices = saved.choices
    yield from ("wanbatch", "plan", *map(str, options.files), "--backend", saved.backend)
    for term in choices.select:
        yield from ("--select", term)
    yield from ("--with-upstream",) if choices.with_upstream else ()
    yield from ("--shard", choices.shard) if choices.shard else ()
    for name, value in choices.variables.items():
        yield from ("--var", f"{name}=URL" if name in choices.hidden else f"{name}={value}")
    if choices.retry_failed is True:
        yield "--retry-failed"
    elif choices.retry_failed:
        yield f"--retry-failed={','.join(sorted(choices.retry_failed))}"
    yield from ("--regenerate",) if choices.regenerate else ()
    yield from ("--output", str(options.output)) if options.output != DEFAULT_OUTPUT else ()


def _describe(found: Iterable[Difference]) -> Iterable[str]:
    """A line for all jobs that differ in the same words, what concerns the whole
    first."""
    jobs: dict[str, list[str]] = defaultdict(list)
    for one in found:
        jobs[one.words].extend([one.job] if one.job else [])
    for words, names in jobs.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"{', '.join(names[:NAMED])}{more}: {words}" if names else words


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
