"""The guard before a purchase: what was bought already where this ledger does not see it.

What it may not do: look for evidence (``report.evidence`` does), decide what becomes of a job
(the planner does), or let a refusal go without its ways out.

How it works: commands that plan ask ``look_around`` first. A ledger that is older than its own
reports is refused; a plan in which nothing is left to buy but what was bought elsewhere too.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from wanbatch.cli import stages
from wanbatch.cli.console import quoted, say
from wanbatch.cli.options import Settings
from wanbatch.model.elsewhere import NOTHING, Source
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.plan import Action, Plan
from wanbatch.words.errors import ExitCode, Refusal

if TYPE_CHECKING:
    from wanbatch.model.wire import Profile
    from wanbatch.operations.evidence import Surroundings

LISTED = 20
"""So many jobs are named in a refusal; ``plan`` and ``status`` name all."""


def refuse_odd_places(settings: Settings, names: Iterable[str]) -> None:
    """Links and other things where files are written. Raises ``Refusal`` (4)."""
    from wanbatch.videos import folders

    folders.refuse_odd_places(settings.output, names)


def look_around(
    settings: Settings, checked: stages.Checked, profile: Profile, snapshot: Snapshot
) -> Surroundings:
    """What lies around the ledger of purchases that it does not know; the emulator is free."""
    from wanbatch.operations import evidence

    if profile.realm != "paid":
        return evidence.Surroundings(NOTHING)
    return evidence.look_around(
        settings.output, snapshot, [Path(m.path) for m in checked.manifests]
    )


def refuse_older_ledger(settings: Settings, around: Surroundings) -> None:
    """A ledger that was put back from an old copy would buy again. Raises ``Refusal`` (3)."""
    if around.newer:
        raise Refusal(ExitCode.REFUSED, *older_ledger(settings, around))


def older_ledger(settings: Settings, around: Surroundings) -> tuple[str, ...]:
    """What is wrong, and the ways out."""
    path = stages.ledger_path(settings)
    aside = quoted(["mv", str(path), f"{path}.old"])
    return (
        f"the ledger {path} is older than its own reports: {around.newer[-1]} tells of what it does not hold; nothing was sent",
        f"put the newest copy of the ledger back (with its ledger.db-wal, where there was one) at {path}",
        "what this one knows can still be brought home with: wanbatch fetch",
        f"without a newer copy move it away: {aside}; jobs that the reports name are then asked about and not bought again",
    )


def refuse_all_elsewhere(settings: Settings, plan: Plan) -> None:
    """Nothing is left to buy but what was bought before. Raises ``Refusal`` (3)."""
    count = plan.count()
    held = [entry for entry in plan.selected() if entry.trace]
    if not held or count[Action.GENERATE] or count[Action.RESUME]:
        return
    jobs = "the job was" if len(held) == 1 else f"all {len(held)} jobs that would be bought were"
    for entry in held[:LISTED]:
        say(f"  ? {entry.name}  ({entry.reason})")
    if len(held) > LISTED:
        say(f"  and {len(held) - LISTED} more")
    raise Refusal(
        ExitCode.REFUSED,
        f"{jobs} bought before, and the ledger {stages.ledger_path(settings)} does not know it; nothing was sent",
        *ways_out_of_elsewhere(settings, plan),
    )


def ways_out_of_elsewhere(settings: Settings, plan: Plan) -> list[str]:
    """How jobs that were bought elsewhere come right; empty where there are none."""
    traces = [entry.trace for entry in plan.selected() if entry.trace]
    ledgers = dict.fromkeys(t.place for t in traces if t.source is Source.LEDGER and not t.trouble)
    broken = dict.fromkeys(t.place for t in traces if t.source is Source.LEDGER and t.trouble)
    ways = [
        f"go on where they were bought: {quoted(['--output', str(Path(p).parent)])}"
        for p in ledgers
    ]
    ways += [f"mend {p}, or put a copy of it back" for p in broken]
    if any(t.source is not Source.LEDGER for t in traces):
        ways.append(
            f"put the ledger that bought them back from a copy, at {stages.ledger_path(settings)}"
        )
    if traces:
        ways.append("or buy them again: --regenerate, with --select for some of them")
    return ways
