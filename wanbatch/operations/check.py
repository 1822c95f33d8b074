"""Reads manifests and their local media, and says all that is wrong with them.

What it may not do: use the network, look at a ledger, or print.

How it works: all findings of manifests and media are one ordered list, told as one
event; an error among them ends the operation with ``InvalidInput``. No query of a URL
leaves this room.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wanbatch.compute.threads import Threads
from wanbatch.manifest.load import LoadOptions, load_manifests
from wanbatch.media.check import Files, check_media, examine, examine_each
from wanbatch.media.judge import Examined
from wanbatch.media.urls import describe_urls, url_uses
from wanbatch.model.job import FileMedia, Manifest
from wanbatch.model.media import FileDigest
from wanbatch.model.plan import Doubt, JobState
from wanbatch.model.pool import Errand
from wanbatch.operations.events import FindingsMade, Observer, SelectionDoubted, ignore
from wanbatch.operations.options import PlanningOptions
from wanbatch.plan.selection import parse_selection
from wanbatch.plan.shards import parse_shard
from wanbatch.words.diagnostics import (
    Diagnostic,
    Severity,
    change_texts,
    has_errors,
    order,
)
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.hiding import hide_queries
from wanbatch.words.humanize import plural


class InvalidInput(WanbatchError):
    """Errors in the user's files. ``findings`` have been told to the observer already;
    the message is for programs: the first of them in a line, and how many there are."""

    def __init__(self, findings: Sequence[Diagnostic]) -> None:
        errors = [d for d in findings if d.severity is Severity.ERROR]
        first, more = errors[0], len(errors) - 1
        others = f" (and {plural(more, 'more error')})" if more else ""
        super().__init__(
            ExitCode.INVALID,
            f"{first.place}: {first.code}: {first.message}{others}",
            *first.help,
        )
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Checked:
    """Manifests without an error, and their local media by content."""

    manifests: tuple[Manifest, ...]
    digests: Mapping[Path, FileDigest]
    diagnostics: tuple[Diagnostic, ...]


def check(options: PlanningOptions, observe: Observer) -> Checked:
    """Reads every manifest and every local media file. Raises ``InvalidInput`` on an
    error."""
    checked = inspect(options)
    refuse_errors(tell_findings(checked.diagnostics, observe))
    return checked


def check_choice(options: PlanningOptions, checked: Checked, observe: Observer) -> None:
    """What ``--select`` and ``--shard`` say, beside the jobs that there are; whether a
    job is in a state is not known here. Raises ``WanbatchError`` (2) as a plan does."""
    if options.shard is not None:
        parse_shard(options.shard)
    if options.select:
        jobs = [(job, JobState.PLANNED) for manifest in checked.manifests for job in manifest.jobs]
        doubts = parse_selection(options.select).without_states().examine(jobs)
        refuse_fatal(doubts)
        for doubt in doubts:
            observe(SelectionDoubted(doubt))


def refuse_fatal(doubts: Sequence[Doubt]) -> None:
    """Raises ``WanbatchError`` (2) where a selection selects nothing, or could select
    more than was meant. The fatal doubts come first."""
    if doubts and doubts[0].fatal:
        first, *others = doubts
        hints = (*first.hints, *(doubt.sum_up() for doubt in others))
        raise WanbatchError(ExitCode.INVALID, first.describe(), *hints)


def find_all(options: PlanningOptions) -> tuple[Diagnostic, ...]:
    """Every finding, as it may be shown."""
    return tell_findings(inspect(options).diagnostics, ignore)


def check_silently(options: PlanningOptions) -> Checked | None:
    """``check`` without a word: ``None`` where something is wrong with the input."""
    checked = inspect(options)
    return None if has_errors(checked.diagnostics) else checked


def inspect(options: PlanningOptions) -> Checked:
    """All that is found, without telling it. Only what has no error may be used."""
    loaded = load_manifests(
        options.files, LoadOptions(options.media_root, options.max_jobs, options.variables)
    )
    media = check_media((*loaded.manifests, *loaded.remains), time.time(), _examine_all)
    diagnostics = order((*loaded.diagnostics, *media.diagnostics))
    return Checked(loaded.manifests, media.digests, tuple(diagnostics))


def _examine_all(files: Files) -> Sequence[Examined]:
    """Side by side, in threads: what is hashed or demuxed leaves the interpreter's
    lock."""
    if len(files) < 2:  # no thread is quicker than none
        return examine_each(files)
    pool = Threads()
    try:
        return pool.work_through(_EXAMINE, files)
    finally:
        pool.close()


_EXAMINE: Errand[Examined] = Errand(examine, lambda found: found)


def tell_findings(diagnostics: Sequence[Diagnostic], observe: Observer) -> tuple[Diagnostic, ...]:
    """Tells the findings as they may be shown, and returns them so: a line of YAML may
    hold a URL, and its query is shown to nobody."""
    shown = tuple(change_texts(d, hide_queries) for d in diagnostics)
    observe(FindingsMade(shown))
    return shown


def refuse_errors(shown: Sequence[Diagnostic]) -> None:
    """Raises ``InvalidInput`` where one of the findings is an error."""
    if has_errors(shown):
        raise InvalidInput(shown)


def read_name(path: Path, observe: Observer) -> str:
    """The name of one manifest. Raises ``InvalidInput`` where it cannot be read."""
    loaded = load_manifests([path])
    if not loaded.manifests:
        refuse_errors(tell_findings(loaded.diagnostics, observe))
    return loaded.manifests[0].name


def count_files(manifest: Manifest) -> int:
    """How many local media files a manifest names."""
    return len(
        {
            m.source.path
            for job in manifest.jobs
            for m in job.media
            if isinstance(m.source, FileMedia)
        }
    )


def describe_addresses(manifest: Manifest) -> list[str]:
    """What each URL of a manifest was taken for, a line each."""
    return list(describe_urls(url_uses([manifest])))
