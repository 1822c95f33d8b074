"""The stages that commands are made of: read and check, choose the backend, look at the ledger, plan.

What it may not do: send anything, or write anything but findings to the terminal.

How it works: each stage takes values and hands values on; a stage that finds the input wrong prints all findings and ends the command with exit
code 2. ``validate``, ``plan``, ``run``, ``status``, ``fetch``, ``resolve`` and ``report`` are these stages in a row.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wanbatch.cli.console import say, wants_color
from wanbatch.cli.options import Settings
from wanbatch.model.elsewhere import NOTHING, Elsewhere
from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.media import FileDigest
from wanbatch.model.origin import same_origin
from wanbatch.model.plan import Action, Doubt, Plan
from wanbatch.plan.identity import JobKey
from wanbatch.plan.planner import PlanOptions, Target, make_plan
from wanbatch.plan.selection import parse_selection
from wanbatch.plan.shards import parse_shard
from wanbatch.words.diagnostics import Diagnostic, Severity, change_texts, has_errors, order
from wanbatch.words.errors import ExitCode, Refusal

if TYPE_CHECKING:
    from wanbatch.config.profiles import ProjectSettings
    from wanbatch.model.report import Report
    from wanbatch.model.wire import Profile
    from wanbatch.operations.evidence import Surroundings


class InvalidInput(Refusal):
    """The findings have been printed already; only the exit code is left to say."""

    def __init__(self) -> None:
        super().__init__(ExitCode.INVALID, "")


@dataclass(frozen=True, slots=True)
class Checked:
    """Manifests without an error, and their local media by content."""

    manifests: tuple[Manifest, ...]
    digests: Mapping[Path, FileDigest]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The backend of a command, and what the projects of its manifests say of it."""

    profile: Profile
    projects: tuple[ProjectSettings, ...]


def read_and_check(
    settings: Settings, *, quiet_warnings: bool = False, always: bool = False
) -> Checked:
    """Reads every manifest and every local media file. Prints all findings; raises ``InvalidInput`` where one is an error.

    A machine format is printed where there is an error, so that stdout holds one document; ``always`` prints it without one too.
    """
    from wanbatch.manifest.load import LoadOptions, load_manifests
    from wanbatch.media.check import check_media

    loaded = load_manifests(
        settings.files, LoadOptions(settings.media_root, settings.max_jobs, settings.variables)
    )
    media = check_media((*loaded.manifests, *loaded.remains), time.time())
    diagnostics = order((*loaded.diagnostics, *media.diagnostics))
    shown = [d for d in diagnostics if d.severity is Severity.ERROR or not quiet_warnings]
    if always or settings.format == "text" or has_errors(diagnostics):
        print_findings(settings, shown)
    if has_errors(diagnostics):
        raise InvalidInput
    return Checked(loaded.manifests, media.digests, tuple(diagnostics))


def check_silently(settings: Settings) -> Checked | None:
    """``read_and_check`` without a word: ``None`` where something is wrong with the input."""
    from wanbatch.manifest.load import LoadOptions, load_manifests
    from wanbatch.media.check import check_media

    options = LoadOptions(settings.media_root, settings.max_jobs, settings.variables)
    loaded = load_manifests(settings.files, options)
    media = check_media((*loaded.manifests, *loaded.remains), time.time())
    diagnostics = (*loaded.diagnostics, *media.diagnostics)
    if has_errors(diagnostics):
        return None
    return Checked(loaded.manifests, media.digests, diagnostics)


def refuse_shared_folders(settings: Settings, manifests: Sequence[Manifest]) -> None:
    """Two manifests of one name would write over each other's report, also when they are run one after the other. Raises ``Refusal`` (2).

    A manifest that was moved or renamed is the same one: only a second file that is still there, and still has the name, counts.
    """
    from wanbatch.manifest.load import load_manifests

    for manifest in manifests:
        other = _reported_path(settings.output / manifest.name / "report.json")
        if other is None or not other.is_file() or other.samefile(manifest.path):
            continue
        if any(m.name == manifest.name for m in load_manifests([other]).manifests):
            raise Refusal(
                ExitCode.INVALID,
                f"{manifest.path} and {other} both have the name {manifest.name!r}, and with it the folder {settings.output / manifest.name}",
                "write another name: at the top of one of them, or choose another folder with --output",
            )


def _reported_path(report: Path) -> Path | None:
    from wanbatch.report.head import read_document

    try:
        return Path((read_document(report) or {})["manifest"]["path"])  # type: ignore[index]
    except (LookupError, TypeError):
        return None


def print_findings(settings: Settings, diagnostics: Sequence[Diagnostic]) -> None:
    """Text goes to stderr, machine formats to stdout. A line of YAML may hold a URL: its query is shown to nobody."""
    from wanbatch.cli import findings

    diagnostics = [hide_in_finding(d) for d in diagnostics]
    if settings.format != "text":
        click.echo(findings.render(diagnostics, settings.format))
    elif diagnostics:
        say(findings.render_text(diagnostics, color=wants_color(settings.color)))


def hide_in_finding(d: Diagnostic) -> Diagnostic:
    """The finding without the query of any URL."""
    from wanbatch.words.hiding import hide_queries

    return change_texts(d, hide_queries)


def choose_backend(settings: Settings, manifests: Sequence[Manifest], *, offline: bool) -> Chosen:
    """``--backend``, else the manifests' ``run.backend``, else the project's, else the user's default. Raises ``Refusal`` where none is named.

    ``offline`` asks for prices and limits alone and needs no key.
    """
    from wanbatch.config.profiles import (
        load_profiles,
        load_projects,
        lower_limits,
        resolve_profile,
    )

    profiles = load_profiles(os.environ)
    # Beside the manifests: from wherever a run is started, the same limits hold.
    projects = load_projects([*(Path(m.path).parent for m in manifests), Path.cwd()])
    named = (
        settings.backend
        or _one_backend({m.path: m.run.backend for m in manifests}, "manifests")
        or _one_backend({str(p.path): p.backend for p in projects}, "projects")
        or profiles.default
    )
    if not named:
        raise Refusal(
            ExitCode.INVALID,
            "no backend is named",
            f"add --backend NAME, or 'run: {{backend: NAME}}' to the manifest; there are: {', '.join(profiles.names())}",
        )
    profile = resolve_profile(profiles, named, os.environ, offline=offline)
    for project in projects:
        profile = lower_limits(
            profile, max_in_flight=project.max_in_flight, rate=project.rate, prices=project.prices
        )
    for manifest in manifests:
        profile = lower_limits(
            profile, max_in_flight=manifest.run.max_in_flight, rate=manifest.run.rate
        )
    return Chosen(profile, projects)


def _one_backend(said: Mapping[str, str | None], whose: str) -> str | None:
    """The backend that these files name. Raises ``Refusal`` where they name several."""
    named = {backend: path for path, backend in said.items() if backend}
    if len(named) > 1:
        each = ", ".join(f"{path} says {backend}" for backend, path in named.items())
        raise Refusal(
            ExitCode.INVALID,
            f"the {whose} name different backends: {each}",
            "choose one with --backend",
        )
    return next(iter(named), None)


def ledger_path(settings: Settings) -> Path:
    return settings.output / "ledger.db"


def look_at_ledger(settings: Settings) -> Snapshot:
    from wanbatch.ledger.store import read_snapshot

    return read_snapshot(ledger_path(settings))


def build_plan(
    settings: Settings,
    checked: Checked,
    profile: Profile,
    snapshot: Snapshot,
    intact: frozenset[str],
    *,
    elsewhere: Elsewhere = NOTHING,
    retry_failed: bool = False,
    regenerate: bool = False,
    chosen: frozenset[JobKey] | None = None,
) -> Plan:
    """The plan under the user's selection, or of the jobs that were ``chosen`` before.

    What a selection cannot have meant is said; raises ``Refusal`` (2) where it selects
    nothing, or could select more than was meant.
    """
    options = PlanOptions(
        selection=parse_selection(settings.select) if settings.select else None,
        shard=parse_shard(settings.shard) if settings.shard else None,
        with_upstream=settings.with_upstream,
        retry_failed=retry_failed,
        regenerate=regenerate,
        chosen=chosen,
    )
    target = Target(profile.name, profile.realm, profile.origin, profile.prices)
    plan = make_plan(
        checked.manifests,
        checked.digests,
        snapshot,
        intact,
        target,
        options,
        time.time(),
        elsewhere,
    )
    _weigh(plan.doubts)
    return plan


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Why a plan's total is not known, and how the user states the missing price."""

    missing: str
    advice: str


def find_unpriced(plan: Plan, profile: Profile) -> Unpriced | None:
    """``None`` where every job that would be bought has a price."""
    from wanbatch.config.price_advice import missing_price, state_price
    from wanbatch.config.profiles import find_configuration

    sizes = {
        entry.request.size
        for entry in plan.selected()
        if entry.action is Action.GENERATE and entry.price is None
    }
    if not sizes:
        return None
    name, prices = profile.name, profile.prices
    advice = state_price(name, prices, find_configuration(os.environ))
    if name == "dashscope" and prices is None:
        advice = f"export DASHSCOPE_REGION=intl, or cn, for its published price; or {advice}"
    return Unpriced(missing_price(name, prices, sizes), advice)


def _weigh(doubts: Sequence[Doubt]) -> None:
    """Says what a selection cannot have meant, and refuses (2) what must not go on."""
    if doubts and doubts[0].fatal:
        first, *others = doubts
        hints = (*first.hints, *(doubt.sum_up() for doubt in others))
        raise Refusal(ExitCode.INVALID, first.describe(), *hints)
    for doubt in doubts:
        say(f"warning: {doubt.describe()}")
        for hint in doubt.hints:
            say(f"  help: {hint}")


def look_and_plan(
    settings: Settings,
    checked: Checked,
    profile: Profile,
    *,
    retry_failed: bool = False,
    regenerate: bool = False,
) -> tuple[Plan, Snapshot, Surroundings]:
    """A plan by what stands in the ledger and on disk now, for commands that only look."""
    from wanbatch.cli import guard
    from wanbatch.videos.outputs import intact_paths

    snapshot = look_at_ledger(settings)
    around = guard.look_around(settings, checked, profile, snapshot)
    if around.newer:  # or a run that is going on has just written its report
        snapshot = look_at_ledger(settings)
        around = guard.look_around(settings, checked, profile, snapshot)
    plan = build_plan(
        settings,
        checked,
        profile,
        snapshot,
        intact_paths(settings.output, snapshot),
        elsewhere=around.elsewhere,
        retry_failed=retry_failed,
        regenerate=regenerate,
    )
    return plan, snapshot, around


def refuse_undeliverable(settings: Settings, plan: Plan, profile: Profile) -> None:
    """What cannot reach the backend, or is refused there for certain, is an error before anything is sent. Raises ``InvalidInput``."""
    from wanbatch.cli.fit import check_fit

    found = check_fit(plan, profile)
    if has_errors(found) or (settings.format == "text" and not settings.quiet):
        print_findings(settings, found)
    if has_errors(found):
        raise InvalidInput


def estimate_s(plan: Plan, profile: Profile, snapshot: Snapshot) -> float | None:
    """How long a run would take, by the median latency of what the ledger has seen at this origin; ``None`` where it has seen nothing."""
    seen = sorted(
        a.finished_at - a.accepted_at
        for a in snapshot.attempts
        if same_origin(a.origin, profile.origin) and a.finished_at and a.accepted_at
    )
    work = sum(entry.action in (Action.GENERATE, Action.RESUME) for entry in plan.selected())
    if not seen or not work:
        return None
    latency = seen[len(seen) // 2]
    rounds = -(-work // max(1, profile.max_in_flight))
    return max(rounds * latency, work / profile.rate if profile.rate else 0.0)


def manifest_name(settings_file: Path) -> str:
    """The name of one manifest. Raises ``InvalidInput`` where it cannot be read."""
    from wanbatch.cli.findings import render_text
    from wanbatch.manifest.load import load_manifests

    loaded = load_manifests([settings_file])
    if not loaded.manifests:
        say(render_text([hide_in_finding(d) for d in loaded.diagnostics]))
        raise InvalidInput
    return loaded.manifests[0].name


def write_reports(
    settings: Settings, checked: Checked, plan: Plan, snapshot: Snapshot, run_id: str | None = None
) -> list[tuple[Path, Report]]:
    """Writes the report of every manifest from what the ledger knows; returns each page's path with its report.

    ``run_id`` ``None`` takes the last run of the plan's realm.
    """
    from wanbatch.report.collect import collect
    from wanbatch.report.write import write_report

    written = []
    for manifest in checked.manifests:
        runs = [
            r
            for r in snapshot.runs
            if r.manifest == manifest.name and r.realm == plan.realm and run_id in (None, r.run_id)
        ]
        folder = settings.output / manifest.name
        report = collect(
            manifest,
            plan,
            snapshot,
            runs[-1] if runs else None,
            repeated_options(settings, checked),
        )
        written.append((folder / "report.html", write_report(report, folder)))
    return written


def save(path: Path, content: bytes) -> None:
    """Writes a file that the user named with ``-o``. Raises ``Refusal`` (4) where that cannot be done."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Refusal(
            ExitCode.ENVIRONMENT,
            f"-o {path} cannot be written: {error.strerror}",
            "name a file in a folder that exists",
        ) from error


def repeated_options(settings: Settings, checked: Checked) -> tuple[str, ...]:
    """The options that a printed command must repeat to mean the same ledger and backend."""
    options: list[str] = []
    if settings.backend and any(m.run.backend != settings.backend for m in checked.manifests):
        options += ["--backend", settings.backend]
    if settings.output != Path("reports"):
        options += ["--output", str(settings.output)]
    return tuple(options)


def spending_limit(
    max_cost: Decimal | None,
    manifests: Sequence[Manifest],
    projects: Sequence[ProjectSettings],
) -> tuple[Decimal | None, str]:
    """The lowest limit given, and who gave it."""
    limits = [(m.run.max_cost, f"{m.path}: run.max_cost") for m in manifests]
    limits += [(p.max_cost, f"{p.path}: max_cost") for p in projects]
    limits.append((max_cost, "--max-cost"))
    known = [(amount, source) for amount, source in limits if amount is not None]
    return min(known, default=(None, ""))
