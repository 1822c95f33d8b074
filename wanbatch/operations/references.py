"""Which videos manifests, locks and reviews refer to: what a run writes down of it, and
what can be read of it now.

What it may not do: move anything, or take silence for an answer: what is there and
cannot be read is told, and everything that it may need is kept.

How it works: a manifest refers to an attempt by its identity under every rule, in both
realms, and by the content of a video that it takes as a picture or clip. Locks and
reviews name fingerprints and hashes; each that stands in their text counts, so that a
merge conflict hides none. Sources are known from the ledger's ``mentions``, from
reports, and by a look beside those. A kept video keeps those that it was made from.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from wanbatch.ledger.mentions import Referrer, Seen, note_mentions
from wanbatch.model.lifecycle import Attempt, Snapshot
from wanbatch.model.lock import LOCK_SUFFIX
from wanbatch.model.media import FileDigest
from wanbatch.model.plan import Plan
from wanbatch.operations.check import Checked, inspect
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.shared import ledger_file
from wanbatch.plan.history import History
from wanbatch.plan.identity import identify
from wanbatch.report.head import read_document
from wanbatch.words.diagnostics import Severity, has_errors
from wanbatch.words.errors import WanbatchError
from wanbatch.words.files import open_own, open_regular
from wanbatch.words.hiding import hide_queries

MANIFEST, LOCK, REVIEW = "manifest", "lock", "review"
REVIEWS = ".reviews.ndjson"
"""Which reviews a command read, a line each: commands that only look hold no lock."""
_LARGEST = 64 * 1024 * 1024
"""Bytes, as of a review: 100,000 picks with a note each are 40 million."""
_IDENTITY = re.compile(rb"\b(?:wb[0-9]+:)?[0-9a-f]{64}\b")
_MANIFEST_KEY = re.compile(rb"(?m)^[\"']?wanbatch[\"']?\s*:")
_REVIEW_KEY = re.compile(rb"wanbatch/review@")

_BYTES = "bytes:"
"""How a path is marked that is no text."""


@dataclass(slots=True)
class References:
    """``found`` are sources that were read, with the attempts that they refer to;
    ``unclear`` are those that are there and cannot be read, with the reason. What is
    gone was read too, and refers to nothing."""

    found: dict[Referrer, frozenset[int]] = field(default_factory=dict)
    unclear: dict[Referrer, str] = field(default_factory=dict)

    def needed(self) -> frozenset[int]:
        return frozenset(number for numbers in self.found.values() for number in numbers)


# -- written down by a run -------------------------------------------------------------


def note_plan(
    options: PlanningOptions, checked: Checked, plan: Plan, snapshot: Snapshot, at: float
) -> None:
    """Records which attempts these manifests, and the locks beside them, refer to. Hold
    the run lock, and have no ledger open. What cannot be written is written by the next
    run: then a video is only kept longer."""
    if ledger_file(options, snapshot) != options.ledger:
        return  # attempts of a shared ledger have other numbers than the folder's own
    found: dict[Referrer, frozenset[int]] = {}
    for manifest in checked.manifests:
        entries = [entry for entry in plan.jobs if entry.job.manifest == manifest.name]
        known = {a.attempt_id for entry in entries for a in entry.attempts}
        texts = {entry.fingerprint for entry in entries}
        known |= {a.attempt_id for a in snapshot.attempts if a.fingerprint in texts}
        referrer = Referrer(
            MANIFEST, _relative(options.output, Path(manifest.path)), _told(options)
        )
        found[referrer] = frozenset(known | _inputs(checked.digests, snapshot))
    beside = References()
    for folder in dict.fromkeys(Path(m.path).absolute().parent for m in checked.manifests):
        _read_texts(options.output, _locks_in(folder), LOCK, snapshot, beside)
    with suppress(WanbatchError, OSError):
        note_mentions(options.ledger, {**found, **beside.found}, at)


def note_reviews(output: Path, paths: Iterable[Path]) -> None:
    """Remembers that these reviews were read, and what they name. Where there is no
    ledger, or nothing can be written, nothing is."""
    if not (output / "ledger.db").exists():
        return
    with suppress(OSError):
        lines = ""
        for path in paths:
            named = sorted(text.decode() for text in set(_IDENTITY.findall(path.read_bytes())))
            lines += json.dumps({"path": _relative(output, path), "names": named}) + "\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with os.fdopen(open_own(output / REVIEWS, flags), "ab") as file:
            file.write(lines.encode())


def _told(options: PlanningOptions) -> str:
    """What else a manifest is read with. An address in a variable may hold a signature:
    then it is not written, and the referrer cannot be read again without a person."""
    told: dict[str, Any] = {}
    if options.variables:
        told["variables"] = {k: hide_queries(v) for k, v in sorted(options.variables.items())}
        if told["variables"] != options.variables:
            told["hidden"] = True
    if options.media_root is not None:
        told["media_root"] = _relative(options.output, options.media_root)
    return json.dumps(told, ensure_ascii=False, sort_keys=True) if told else ""


def _relative(output: Path, path: Path) -> str:
    """From the output folder, so that a project may move as a whole. A name that is no
    UTF-8 is spelt out: the ledger holds texts."""
    text = os.path.relpath(path.absolute(), output.absolute())
    try:
        text.encode()
    except UnicodeEncodeError:
        return _BYTES + quote(os.fsencode(text))
    return text


def _absolute(output: Path, path: str) -> Path:
    if path.startswith(_BYTES):
        path = os.fsdecode(unquote_to_bytes(path.removeprefix(_BYTES)))
    return Path(os.path.normpath(output.absolute() / path))


# -- what can be read now --------------------------------------------------------------


def read_references(output: Path, snapshot: Snapshot, seen: Sequence[Seen]) -> References:
    """What every referrer that the ledger has seen, and what lies beside those, refers
    to now. Raises nothing for what it meets: it is ``unclear``."""
    references = References()
    known = _manifests(output, seen)
    folders = {path.parent: None for path in known.values()} | {Path.cwd(): None}
    for path in _neighbours(folders, known.values()):
        known[Referrer(MANIFEST, _relative(output, path))] = path
    for referrer, path in known.items():
        _read_manifest(output, referrer, path, snapshot, references)
    locks = [_absolute(output, s.referrer.path) for s in seen if s.referrer.kind == LOCK]
    locks += [path for folder in folders for path in _locks_in(folder)]
    _read_texts(output, locks, LOCK, snapshot, references)
    reviews = [_absolute(output, s.referrer.path) for s in seen if s.referrer.kind == REVIEW]
    noted = _reviews_noted(output, references)
    reviews += [_absolute(output, path) for path in noted]
    places = (*folders, output, *_folders_in(output))
    reviews += [path for folder in places for path in _reviews_in(folder)]
    _read_texts(output, reviews, REVIEW, snapshot, references)
    for place, named in noted.items():  # one that is gone before anybody looked
        referrer = Referrer(REVIEW, place)
        if referrer not in references.unclear and referrer not in {s.referrer for s in seen}:
            references.found.setdefault(referrer, _naming(named, snapshot))
    for one in seen:  # what is gone names nothing; what cannot be read may
        if one.referrer not in references.unclear:
            references.found.setdefault(one.referrer, frozenset())
    return references


def _manifests(output: Path, seen: Sequence[Seen]) -> dict[Referrer, Path]:
    """Those that runs have noted, and those that reports of earlier versions name."""
    found = {
        s.referrer: _absolute(output, s.referrer.path) for s in seen if s.referrer.kind == MANIFEST
    }
    noted = set(found.values())
    for folder in _folders_in(output):
        told = (read_document(folder / "report.json") or {}).get("manifest")
        name = told.get("path") if isinstance(told, Mapping) else None
        for base in (Path.cwd(), output.absolute().parent) if isinstance(name, str) else ():
            path = Path(os.path.normpath(base / str(name)))
            if path not in noted and path.is_file():
                found[Referrer(MANIFEST, _relative(output, path))] = path
    return found


def _neighbours(folders: Iterable[Path], known: Iterable[Path]) -> Iterator[Path]:
    """Manifests beside those that are known: one may have been renamed."""
    named = set(known)
    for folder in folders:
        for path in _files_in(folder, ".yaml", ".yml"):
            if path not in named and _has(path, _MANIFEST_KEY):
                yield path


def _read_manifest(
    output: Path, referrer: Referrer, path: Path, snapshot: Snapshot, references: References
) -> None:
    if not os.path.lexists(path):
        return
    told = json.loads(referrer.told) if referrer.told else {}
    if told.get("hidden"):
        references.unclear[referrer] = "it was read with an address in a variable"
        return
    root = told.get("media_root")
    checked = inspect(
        PlanningOptions(
            files=(path,),
            output=output,
            variables=told.get("variables", {}),
            media_root=None if root is None else _absolute(output, root),
        )
    )
    if has_errors(checked.diagnostics):
        first = next(d for d in checked.diagnostics if d.severity is Severity.ERROR)
        references.unclear[referrer] = hide_queries(first.message)
    else:
        references.found[referrer] = _referred(checked, snapshot)


def _referred(checked: Checked, snapshot: Snapshot) -> frozenset[int]:
    identified = identify(checked.manifests, checked.digests)
    found = set(_inputs(checked.digests, snapshot))
    for realm in {a.realm for a in snapshot.attempts}:
        history = History(snapshot.attempts, realm, identified)
        for key in identified:
            found.update(a.attempt_id for a in history.attempts_of(key))
            doubt = history.doubt_of(key)
            found.update(() if doubt is None else (doubt.attempt_id,))
    return frozenset(found)


def _inputs(digests: Mapping[Path, FileDigest], snapshot: Snapshot) -> set[int]:
    """Attempts whose very bytes a manifest takes as its media."""
    taken = {digest.sha256 for digest in digests.values()}
    return {a.attempt_id for a in snapshot.attempts if a.sha256 and a.sha256 in taken}


# -- locks and reviews -----------------------------------------------------------------


def _read_texts(
    output: Path, paths: Iterable[Path], kind: str, snapshot: Snapshot, references: References
) -> None:
    for path in dict.fromkeys(paths):
        referrer = Referrer(kind, _relative(output, path))
        try:
            with open_regular(path) as file:
                content = file.read(_LARGEST + 1)
        except FileNotFoundError:
            continue
        except OSError as error:
            references.unclear[referrer] = f"it cannot be read: {error.strerror or error}"
            continue
        if len(content) > _LARGEST:
            references.unclear[referrer] = "it is too large to be read"
            continue
        named = {text.decode() for text in _IDENTITY.findall(content)}
        references.found[referrer] = _naming(named, snapshot)


def _naming(named: Iterable[str], snapshot: Snapshot) -> frozenset[int]:
    """The attempts of these fingerprints and hashes."""
    texts = frozenset(named)
    return frozenset(
        a.attempt_id for a in snapshot.attempts if a.fingerprint in texts or a.sha256 in texts
    )


def _locks_in(folder: Path) -> list[Path]:
    return _files_in(folder, LOCK_SUFFIX)


def _reviews_in(folder: Path) -> list[Path]:
    return [path for path in _files_in(folder, ".json") if _has(path, _REVIEW_KEY)]


def _reviews_noted(output: Path, references: References) -> dict[str, list[str]]:
    """By path, what reviews named when commands read them."""
    found: dict[str, list[str]] = {}
    try:
        with open_regular(output / REVIEWS) as file:
            lines = file.read().splitlines()
        for line in lines:
            told = json.loads(line)
            found[str(told["path"])] = [str(name) for name in told["names"]]
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError):
        references.unclear[Referrer(REVIEW, REVIEWS)] = "it cannot be read"
    return found


def _has(path: Path, key: re.Pattern[bytes]) -> bool:
    """Whether a file says what it is; one that cannot be read may be it."""
    try:
        with open_regular(path) as file:
            return bool(key.search(file.read(_LARGEST)))
    except FileNotFoundError:
        return False
    except OSError:
        return not path.is_dir()


def _files_in(folder: Path, *endings: str) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names only
    except OSError:
        return []
    return [folder / name for name in names if name.endswith(endings)]


def _folders_in(folder: Path) -> list[Path]:
    return [path for path in _files_in(folder, "") if path.is_dir()]


# -- what was made from what -----------------------------------------------------------


def with_inputs(kept: Iterable[int], snapshot: Snapshot) -> frozenset[int]:
    """``kept`` and all attempts whose videos those were made from, however far up."""
    by_hash: dict[str, list[int]] = {}
    by_name: dict[tuple[str, str], list[int]] = {}
    for a in snapshot.attempts:
        by_hash.setdefault(a.sha256, []).append(a.attempt_id)
        by_name.setdefault((a.manifest, a.job), []).append(a.attempt_id)
    for place in snapshot.placements:
        by_name.setdefault((place.manifest, place.job), []).append(place.attempt_id)
    attempts = {a.attempt_id: a for a in snapshot.attempts}
    pending, found = list(kept), set(kept)
    while pending:
        attempt = attempts.get(pending.pop())
        for item in _media_of(attempt) if attempt else ():
            source = str(item.get("source", ""))
            job = re.sub(r" \((first|last) frame\)\Z", "", source.removeprefix("job:"))
            names = by_name.get((attempt.manifest, job), ()) if source.startswith("job:") else ()  # type: ignore[union-attr]
            hashed = by_hash.get(str(item["sha256"]), ()) if item.get("sha256") else ()
            new = {*names, *hashed} - found
            found |= new
            pending.extend(new)
    return frozenset(found)


def _media_of(attempt: Attempt) -> list[Mapping[str, object]]:
    try:
        media = json.loads(attempt.request).get("media")
    except (ValueError, AttributeError):
        return []
    return [m for m in media if isinstance(m, Mapping)] if isinstance(media, list) else []
