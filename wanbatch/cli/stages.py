"""The stages that commands are made of: read and check, choose the backend, look at the ledger, plan.

What it may not do: send anything, or write anything but findings to the terminal.

How it works: each stage takes values and hands values on; a stage that finds the input wrong prints all findings and ends the command with exit
code 2. ``validate``, ``plan``, ``run``, ``status``, ``fetch``, ``resolve`` and ``report`` are these stages in a row.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wanbatch.cli.console import say, wants_color
from wanbatch.cli.options import Settings
from wanbatch.diagnostics import Diagnostic, Severity, change_texts, has_errors, order
from wanbatch.errors import ExitCode, Refusal
from wanbatch.lifecycle import Snapshot
from wanbatch.manifest.model import Manifest
from wanbatch.media.model import FileDigest
from wanbatch.plan.model import Action, Plan
from wanbatch.plan.planner import PlanOptions, Target, make_plan
from wanbatch.plan.selection import parse_selection, parse_shard

if TYPE_CHECKING:
    from wanbatch.providers.model import Profile
    from wanbatch.providers.profiles import ProjectSettings
    from wanbatch.report.model import Report


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
    """The backend of a command, and what the project says of it."""

    profile: Profile
    project: ProjectSettings


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
    try:
        return Path(json.loads(report.read_bytes())["manifest"]["path"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def print_findings(settings: Settings, diagnostics: Sequence[Diagnostic]) -> None:
    """Text goes to stderr, machine formats to stdout. A line of YAML may hold a signed URL: its signature is shown to nobody."""
    from wanbatch.cli import findings

    diagnostics = [hide_in_finding(d) for d in diagnostics]
    if settings.format != "text":
        click.echo(findings.render(diagnostics, settings.format))
    elif diagnostics:
        say(findings.render_text(diagnostics, color=wants_color(settings.color)))


def hide_in_finding(d: Diagnostic) -> Diagnostic:
    """The finding without the signature of any URL."""
    from wanbatch.media.redact import redact_urls

    return change_texts(d, redact_urls)


def choose_backend(settings: Settings, manifests: Sequence[Manifest], *, offline: bool) -> Chosen:
    """``--backend``, else the manifests' ``run.backend``, else the project's, else the user's default. Raises ``Refusal`` where none is named.

    ``offline`` asks for prices and limits alone and needs no key.
    """
    from wanbatch.providers.profiles import (
        load_profiles,
        load_project,
        lower_limits,
        resolve_profile,
    )

    profiles = load_profiles(os.environ)
    project = load_project(Path.cwd())
    named = settings.backend or _backend_of(manifests) or project.backend or profiles.default
    if not named:
        raise Refusal(
            ExitCode.INVALID,
            "no backend is named",
            f"add --backend NAME, or 'run: {{backend: NAME}}' to the manifest; there are: {', '.join(profiles.names())}",
        )
    profile = resolve_profile(profiles, named, os.environ, offline=offline)
    profile = lower_limits(
        profile, max_in_flight=project.max_in_flight, rate=project.rate, prices=project.prices
    )
    for manifest in manifests:
        profile = lower_limits(
            profile, max_in_flight=manifest.run.max_in_flight, rate=manifest.run.rate
        )
    return Chosen(profile, project)


def _backend_of(manifests: Sequence[Manifest]) -> str | None:
    named = {m.run.backend: m for m in manifests if m.run.backend}
    if len(named) > 1:
        said = ", ".join(f"{m.path} says {name}" for name, m in named.items())
        raise Refusal(
            ExitCode.INVALID,
            f"the manifests name different backends: {said}",
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
    retry_failed: bool = False,
    regenerate: bool = False,
) -> Plan:
    """The plan under the user's selection. Raises ``Refusal`` (2) where a selection selects nothing."""
    options = PlanOptions(
        selection=parse_selection(settings.select) if settings.select else None,
        shard=parse_shard(settings.shard) if settings.shard else None,
        with_upstream=settings.with_upstream,
        retry_failed=retry_failed,
        regenerate=regenerate,
    )
    target = Target(profile.name, profile.realm, profile.origin, profile.prices)
    plan = make_plan(
        checked.manifests, checked.digests, snapshot, intact, target, options, time.time()
    )
    if settings.select and not plan.selected():
        whole = make_plan(
            checked.manifests,
            checked.digests,
            snapshot,
            intact,
            target,
            replace(options, shard=None),
            time.time(),
        )
        if whole.selected():
            return plan  # this part of the selection happens to be empty
        raise Refusal(
            ExitCode.INVALID,
            "the selection selects no job",
            "see the names with: wanbatch plan FILE",
        )
    return plan


def look_and_plan(settings: Settings, checked: Checked, profile: Profile) -> tuple[Plan, Snapshot]:
    """A plan by what stands in the ledger and on disk now, for commands that only look."""
    from wanbatch.engine.outputs import intact_paths

    snapshot = look_at_ledger(settings)
    return build_plan(
        settings, checked, profile, snapshot, intact_paths(settings.output, snapshot)
    ), snapshot


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
        if a.origin == profile.origin and a.finished_at and a.accepted_at
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
    max_cost: Decimal | None, manifests: Sequence[Manifest], project: ProjectSettings
) -> tuple[Decimal | None, str]:
    """The lowest limit given, and who gave it."""
    limits = [
        (m.run.max_cost, f"{m.path}: run.max_cost") for m in manifests if m.run.max_cost is not None
    ]
    if max_cost is not None:
        limits.append((max_cost, "--max-cost"))
    if project.max_cost is not None:
        limits.append((project.max_cost, "wanbatch.toml: max_cost"))
    known = [(amount, source) for amount, source in limits if amount is not None]
    return min(known, default=(None, ""))
