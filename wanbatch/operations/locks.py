"""Lock files: written from the ledger, and held against manifest and videos.

What it may not do: decide what a job becomes, change a ledger or a video, or overwrite
what is no lock.

How it works: a lock stands beside its manifest as ``NAME.lock.json``. It is written
whole or not at all, and only for paid backends: what the emulator drew is free.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from wanbatch.model.elsewhere import video_digits
from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.lock import LOCK_SCHEMA, LOCK_SUFFIX, Lock, LockedOutput
from wanbatch.model.plan import Plan
from wanbatch.operations.check import Checked, check
from wanbatch.operations.choose import choose_backend
from wanbatch.operations.events import Observer
from wanbatch.operations.evidence import VIDEO_NAME
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.planning import look_and_plan
from wanbatch.plan.history import known_fingerprints
from wanbatch.plan.identity import identify
from wanbatch.plan.lock import Difference, Kind, find_differences, lock_text, make_lock, parse_lock
from wanbatch.report.schema import find_violation
from wanbatch.words.canonical import Json
from wanbatch.words.collector import collector_resting
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import hash_file, open_regular, written_atomically
from wanbatch.words.humanize import quoted

SHOWN = 10
"""So many differences stand under a refusal; ``verify`` has them all (chosen)."""


def lock_path(manifest: Manifest) -> Path:
    """Where a manifest's lock stands."""
    return Path(manifest.path).parent / f"{manifest.name}{LOCK_SUFFIX}"


# -- reading ---------------------------------------------------------------------------


def read_lock(path: Path) -> Lock:
    """Raises ``WanbatchError`` (2) where ``path`` is no lock, ``FileNotFoundError``
    where there is nothing."""
    document = _parse(_read(path))
    violation = (
        "it is not JSON" if document is None else find_violation(cast("Json", document), "lock")
    )
    if document is None or violation:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{path} is no lock of format {LOCK_SCHEMA}: {violation}",
            "settle its merge conflict, or take the committed one back: "
            + quoted(["git", "checkout", "--", str(path)]),
        )
    return parse_lock(document)


def _read(path: Path) -> bytes:
    """Raises ``WanbatchError`` (2) but for a file that is not there."""
    try:
        with open_regular(path) as file:
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise WanbatchError(
            ExitCode.INVALID,
            f"the lock {path} cannot be read: {error.strerror or error}",
            "mend its permissions, or remove it if it is none",
        ) from error


def _parse(content: bytes) -> Mapping[str, object] | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


# -- writing ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """A lock that was written: ``kept`` of its ``entries`` are not this ledger's."""

    path: Path
    entries: int
    kept: int
    changed: bool


def write_locks(options: PlanningOptions, observe: Observer, *, prune: bool) -> list[Written]:
    """Writes the lock of every manifest. Raises ``WanbatchError``."""
    checked = check(options, observe)
    profile = choose_backend(options, checked.manifests, offline=True).profile
    if profile.realm != "paid":
        raise WanbatchError(
            ExitCode.INVALID,
            "a lock says what was paid for, and the emulator costs nothing",
            "name the backend that is paid with --backend",
        )
    if options.select or options.shard:
        raise WanbatchError(
            ExitCode.INVALID,
            "a lock has all jobs of its manifest",
            "leave out --select and --shard",
        )
    plan, snapshot, _ = look_and_plan(options, checked, profile, observe)
    written = []
    for manifest in checked.manifests:
        path = lock_path(manifest)
        try:
            earlier: Lock | None = read_lock(path)
        except FileNotFoundError:
            earlier = None
        entries = [entry for entry in plan.jobs if entry.job.manifest == manifest.name]
        with collector_resting():
            lock = make_lock(entries, snapshot, earlier, prune=prune)
        written.append(_write(path, lock, snapshot))
    return written


def _write(path: Path, lock: Lock, snapshot: Snapshot) -> Written:
    with collector_resting():
        content = lock_text(lock).encode()
    try:
        changed = _read(path) != content
    except FileNotFoundError:
        changed = True
    if changed:
        with written_atomically(path) as file:
            file.write(content)
    known = {a.fingerprint for a in snapshot.attempts}
    kept = sum(one.fingerprint not in known for one in lock.jobs.values())
    return Written(path, len(lock.jobs), kept, changed)


# -- differences -----------------------------------------------------------------------


def verify(options: PlanningOptions, observe: Observer) -> list[Difference]:
    """Where manifests, media and videos differ from the locks. Raises
    ``WanbatchError``."""
    checked = check(options, observe)
    profile = choose_backend(options, checked.manifests, offline=True).profile
    plan, snapshot, _ = look_and_plan(options, checked, profile, observe)
    found = list(find_disagreements(checked, plan))
    for manifest in checked.manifests:
        lock = _lock_of(manifest)
        found += _videos(options.output, manifest.name, lock, snapshot)
    return found


def refuse_unlocked(checked: Checked, plan: Plan) -> None:
    """What ``--locked`` asks for. Raises ``WanbatchError`` (3) where a manifest and its
    lock disagree about a selected job."""
    found = [str(one) for one in find_disagreements(checked, plan)]
    if found:
        more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        raise WanbatchError(
            ExitCode.REFUSED,
            "manifest and lock disagree, and --locked asks that they do not; nothing was sent",
            *found[:SHOWN],
            *more,
            "without --locked the run buys what is new; wanbatch lock then records it",
        )


def find_disagreements(checked: Checked, plan: Plan) -> Iterator[Difference]:
    """Where manifests and locks disagree about the plan's selected jobs. Raises
    ``WanbatchError`` (3) where a manifest has no lock."""
    known = known_fingerprints(identify(checked.manifests, checked.digests))
    for manifest in checked.manifests:
        entries = [entry for entry in plan.jobs if entry.job.manifest == manifest.name]
        yield from find_differences(
            _lock_of(manifest),
            {entry.name: entry.request for entry in entries},
            {entry.name: known[manifest.name, entry.name] for entry in entries},
            frozenset(entry.name for entry in entries if entry.selected),
        )


def _lock_of(manifest: Manifest) -> Lock:
    path = lock_path(manifest)
    try:
        return read_lock(path)
    except FileNotFoundError:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"there is no lock {path}; nothing was sent",
            "write it where the ledger is: " + quoted(["wanbatch", "lock", manifest.path]),
        ) from None


def _videos(output: Path, name: str, lock: Lock, snapshot: Snapshot) -> Iterator[Difference]:
    places = _places(output, name, snapshot)
    for job, entry in lock.jobs.items():
        if entry.output is None:
            continue
        paths = places.get(video_digits(entry.fingerprint, "paid"), ())
        if not paths:
            yield Difference(job, Kind.MISSING)
        elif not any(_is_same(path, entry.output) for path in paths):
            yield Difference(job, Kind.ALTERED, where=str(paths[0]))


def _places(output: Path, name: str, snapshot: Snapshot) -> dict[str, tuple[Path, ...]]:
    """Every video that the output folder has of a manifest, by the digits of its
    name."""
    found: dict[str, tuple[Path, ...]] = {}
    folder = output / name / "videos"
    placed = [output / p.path for p in snapshot.placements if p.manifest == name]
    listed = sorted(folder.glob("*.mp4")) if folder.is_dir() else []
    for path in dict.fromkeys((*placed, *listed)):
        match = VIDEO_NAME.search(path.name)
        if match and path.is_file():
            found[match[1]] = (*found.get(match[1], ()), path)
    return found


def _is_same(path: Path, output: LockedOutput) -> bool:
    return path.stat().st_size == output.bytes and hash_file(path) == output.sha256
