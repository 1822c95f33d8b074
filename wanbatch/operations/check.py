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

from wanbatch.manifest.load import LoadOptions, load_manifests
from wanbatch.media.check import check_media
from wanbatch.media.urls import describe_urls, url_uses
from wanbatch.model.job import FileMedia, Manifest
from wanbatch.model.media import FileDigest
from wanbatch.operations.events import FindingsMade, Observer
from wanbatch.operations.options import PlanningOptions
from wanbatch.words.diagnostics import Diagnostic, change_texts, has_errors, order
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.hiding import hide_queries


class InvalidInput(WanbatchError):
    """The findings have been told already; only the exit code is left to say."""

    def __init__(self) -> None:
        super().__init__(ExitCode.INVALID, "")


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
    tell_findings(checked.diagnostics, observe)
    if has_errors(checked.diagnostics):
        raise InvalidInput
    return checked


def check_silently(options: PlanningOptions) -> Checked | None:
    """``check`` without a word: ``None`` where something is wrong with the input."""
    checked = inspect(options)
    return None if has_errors(checked.diagnostics) else checked


def inspect(options: PlanningOptions) -> Checked:
    """All that is found, without telling it. Only what has no error may be used."""
    loaded = load_manifests(
        options.files, LoadOptions(options.media_root, options.max_jobs, options.variables)
    )
    media = check_media((*loaded.manifests, *loaded.remains), time.time())
    diagnostics = order((*loaded.diagnostics, *media.diagnostics))
    return Checked(loaded.manifests, media.digests, tuple(diagnostics))


def tell_findings(diagnostics: Sequence[Diagnostic], observe: Observer) -> None:
    """A line of YAML may hold a URL: its query is shown to nobody."""
    observe(FindingsMade(tuple(change_texts(d, hide_queries) for d in diagnostics)))


def read_name(path: Path, observe: Observer) -> str:
    """The name of one manifest. Raises ``InvalidInput`` where it cannot be read."""
    loaded = load_manifests([path])
    if not loaded.manifests:
        tell_findings(loaded.diagnostics, observe)
        raise InvalidInput
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
