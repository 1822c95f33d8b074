"""The guard before a purchase: what was bought already where this ledger does not see
it.

What it may not do: look for evidence (``evidence`` does), decide what becomes of a job
(the planner does), or let a refusal go without its ways out.

How it works: commands that plan ask ``look_around`` first. A ledger that is older than
its own reports is refused; a plan in which nothing is left to buy but what was bought
elsewhere too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wanbatch.model.elsewhere import NOTHING, Source
from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.plan import Action, Plan
from wanbatch.model.wire import Profile
from wanbatch.operations import evidence
from wanbatch.operations.events import HeldElsewhere, Observer
from wanbatch.operations.evidence import Surroundings
from wanbatch.operations.options import DEFAULT_OUTPUT, PlanningOptions
from wanbatch.operations.sharding import SHARDS
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.humanize import quoted


def look_around(
    options: PlanningOptions, manifests: Sequence[Manifest], profile: Profile, snapshot: Snapshot
) -> Surroundings:
    """What lies around the ledger of purchases that it does not know; the emulator is
    free."""
    if profile.realm != "paid":
        return Surroundings(NOTHING)
    return evidence.look_around(
        options.output,
        snapshot,
        [Path(m.path) for m in manifests],
        siblings=bool(options.shard or snapshot.notes.get(SHARDS)),
    )


def refuse_older_ledger(options: PlanningOptions, around: Surroundings) -> None:
    """A ledger that was put back from an old copy would buy again. Raises
    ``WanbatchError`` (3)."""
    if around.newer:
        raise WanbatchError(ExitCode.REFUSED, *older_ledger(options, around))


def older_ledger(options: PlanningOptions, around: Surroundings) -> tuple[str, ...]:
    """What is wrong, and the ways out."""
    path = options.ledger
    aside = quoted(["mv", str(path), f"{path}.old"])
    message = (
        f"the ledger {path} is older than its own reports: {around.newer[-1]} tells of what it"
        " does not hold; nothing was sent"
    )
    others = map(str, _folders_of(around.newer))
    taken = _import_command(options, [f"{path}.old", *others])
    back = "put the newest copy of the ledger back (with its ledger.db-wal, where there was one)"
    without = "jobs that the reports name are then asked about and not bought again"
    return (
        message,
        f"{back} at {path}",
        "what this one knows can still be brought home with: wanbatch fetch",
        f"without a newer copy move it away: {aside}; {without}",
        f"then take up what it and the reports know: {taken}",
    )


def _folders_of(documents: Sequence[Path]) -> list[Path]:
    """The report folders that reports and run records lie in, each once."""
    folders = (d.parent.parent if d.parent.name == "runs" else d.parent for d in documents)
    return list(dict.fromkeys(folders))


def _import_command(options: PlanningOptions, places: Sequence[str]) -> str:
    into = [] if options.output == DEFAULT_OUTPUT else ["--output", str(options.output)]
    return quoted(["wanbatch", "import", *places, *into])


def refuse_all_elsewhere(options: PlanningOptions, plan: Plan, observe: Observer) -> None:
    """Nothing is left to buy but what was bought before. Raises ``WanbatchError``
    (3)."""
    count = plan.count()
    held = tuple(entry for entry in plan.selected() if entry.trace)
    if not held or count[Action.GENERATE] or count[Action.RESUME]:
        return
    jobs = "the job was" if len(held) == 1 else f"all {len(held)} jobs that would be bought were"
    observe(HeldElsewhere(held))
    raise WanbatchError(
        ExitCode.REFUSED,
        f"{jobs} bought before, and the ledger {options.ledger} does not know it; nothing was sent",
        *ways_out_of_elsewhere(options, plan),
    )


def ways_out_of_elsewhere(options: PlanningOptions, plan: Plan) -> list[str]:
    """How jobs that were bought elsewhere come right; empty where there are none."""
    traces = [entry.trace for entry in plan.selected() if entry.trace]
    ledgers = dict.fromkeys(t.place for t in traces if t.source is Source.LEDGER and not t.trouble)
    broken = dict.fromkeys(t.place for t in traces if t.source is Source.LEDGER and t.trouble)
    locks = dict.fromkeys(t.place for t in traces if t.source is Source.LOCK and not t.trouble)
    reports = [Path(t.place) for t in traces if t.source is Source.REPORT and not t.trouble]
    places = [
        *dict.fromkeys(str(Path(p).parent) for p in ledgers),
        *map(str, _folders_of(reports)),
        *locks,
    ]
    ways = [f"take up what was bought: {_import_command(options, places)}"] if places else []
    ways += [
        f"or go on where they were bought: {quoted(['--output', str(Path(p).parent)])}"
        for p in ledgers
    ]
    ways += [f"mend {p}, or put a copy of it back" for p in broken]
    broken_locks = dict.fromkeys(t.place for t in traces if t.source is Source.LOCK and t.trouble)
    ways += [f"settle the merge conflict in {p}" for p in broken_locks]
    if any(t.source is not Source.LEDGER for t in traces):
        ways.append(f"put the ledger that bought them back from a copy, at {options.ledger}")
    if traces:
        ways.append("or buy them again: --regenerate, with --select for some of them")
    return ways
