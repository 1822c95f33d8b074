"""Manifests from files: the whole way from paths to jobs, with every finding of every
file at once.

What it may not do: look at media, send, print, or raise for anything that a file says.

How it works: read, check the shape, merge, find the axes, check the ceiling over all
files, expand, resolve references. A job that has an error is left out and the rest goes
on, so that one run shows all mistakes; a manifest with an error is not returned. The
cyclic garbage collector rests meanwhile: everything that is built here stays, and
walking it again and again would take longer than building it.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal, cast

from wanbatch.manifest.shape.check import check_shape, means_media
from wanbatch.manifest.sweep import codes
from wanbatch.manifest.sweep.axes import Ceiling, Sweep, find_axes
from wanbatch.manifest.sweep.entry import Fields, JobSpec, ManifestContext, gather, merge_entry
from wanbatch.manifest.sweep.expand import Expansion, Yield, pending_entries
from wanbatch.manifest.sweep.references import resolve_references
from wanbatch.manifest.sweep.usage import report_usage
from wanbatch.manifest.tables.headings import TAKEN
from wanbatch.manifest.template.evaluate import PLAIN
from wanbatch.manifest.template.templates import Templates, is_template
from wanbatch.manifest.tree import find_tree
from wanbatch.manifest.yaml import codes as yaml_codes
from wanbatch.manifest.yaml.document import Document, Value
from wanbatch.manifest.yaml.source import read_source
from wanbatch.model.job import MEDIA_TYPES, Job, Manifest, RunSettings
from wanbatch.words.collector import collector_resting
from wanbatch.words.diagnostics import Diagnostic, Position, Route, Severity, has_errors, order
from wanbatch.words.quoting import closest, shown
from wanbatch.words.scalars import Scalar


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """``--media-root``, ``--max-jobs`` and ``--var NAME=VALUE``."""

    media_root: Path | None = None
    max_jobs: int = 10_000
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """``manifests`` are those without errors, in the order given; ``diagnostics`` are
    those of all files in order, warnings too.

    ``remains`` are the sound jobs of the other manifests: their media can be looked at
    as well, so that all errors come at once. Nothing else may be done with them.
    """

    manifests: tuple[Manifest, ...]
    diagnostics: tuple[Diagnostic, ...]
    remains: tuple[Manifest, ...] = ()


@dataclass(slots=True)
class _Draft:
    """A manifest on its way: ``bad`` are the numbers of the jobs that the schema
    refuses."""

    path: str
    sha256: str
    document: Document
    data: Fields
    setting: ManifestContext
    bad: frozenset[int]
    findings: list[Diagnostic]
    sweeps: list[Sweep] = field(default_factory=list)
    made: Yield = field(default_factory=Yield)
    """What its sweeps came to."""

    @property
    def entries(self) -> list[dict[str, Value]]:
        jobs = self.data.get("jobs")
        return (
            [job if isinstance(job, dict) else {} for job in jobs] if isinstance(jobs, list) else []
        )


def load_manifests(paths: Sequence[Path], options: LoadOptions = LoadOptions()) -> Loaded:
    """Read, check and expand manifests. Never raises for what the files are or say."""
    with _no_collection():
        findings: list[Diagnostic] = list(_check_variables(options))
        bad_variables = bool(findings)
        drafts = [
            draft
            for path in _each_once(paths, findings)
            if (draft := _draft(Path(path), options, findings)) is not None
        ]
        templates, ceiling = Templates(), Ceiling(options.max_jobs)
        for draft in drafts:
            _find_sweeps(draft, templates, ceiling)
        _check_names(drafts)
        if _fits(drafts, options.max_jobs):
            texts = [draft.document.text for draft in drafts]
            for draft in drafts:
                texts += _expand(draft, templates)
            findings += _unused_variables(options.variables, texts)
        manifests, remains = [], []
        for draft in drafts:
            own = draft.findings + [f for sweep in draft.sweeps for f in sweep.entry.findings]
            findings += own
            if has_errors(own) or bad_variables:
                remains.append(_manifest(draft, RunSettings()))
            else:
                manifests.append(_manifest(draft, _run_settings(draft.data.get("run"))))
        return Loaded(tuple(manifests), tuple(order(findings)), tuple(remains))


_MANY_OBJECTS = 200_000
"""More than so many new objects are put out of the collector's sight for good: none of
them is part of a cycle."""


@contextmanager
def _no_collection() -> Iterator[None]:
    with collector_resting():
        before = gc.get_count()[0]
        try:
            yield
        finally:
            if gc.get_count()[0] - before > _MANY_OBJECTS:
                gc.freeze()


def _check_variables(options: LoadOptions) -> Iterator[Diagnostic]:
    for name in options.variables:
        if not _is_variable(name):
            yield Diagnostic(
                codes.BAD_VARIABLE,
                f"--var {shown(name)}: this cannot be the name of a variable",
                Position("--var"),
                help=("use letters, digits and _; seed, take, row and job are taken",),
            )


def _unused_variables(variables: Mapping[str, str], texts: Sequence[str]) -> Iterator[Diagnostic]:
    """A name that stands in no manifest and no prompt file is most likely a slip."""
    for name in variables:
        if (
            _is_variable(name)
            and texts
            and not any(re.search(rf"\b{name}\b", text) for text in texts)
        ):
            yield Diagnostic(
                codes.UNUSED_VARIABLE,
                f"--var {shown(name)}: no manifest and no prompt file uses this name",
                Position("--var"),
                severity=Severity.WARNING,
                help=("check how it is written in the manifest",),
            )


def _is_variable(name: str) -> bool:
    return name.isidentifier() and name.isascii() and name not in TAKEN


def _each_once(paths: Sequence[Path], findings: list[Diagnostic]) -> Iterator[Path]:
    seen: set[str] = set()
    for path in paths:
        real = os.path.realpath(path)
        if real in seen:
            findings.append(
                Diagnostic(
                    codes.SAME_FILE,
                    "this file is given twice",
                    Position(str(path)),
                    severity=Severity.WARNING,
                    help=("name it once",),
                )
            )
        else:
            seen.add(real)
            yield path


def _draft(path: Path, options: LoadOptions, findings: list[Diagnostic]) -> _Draft | None:
    source = read_source(path)
    document = source.document
    findings += source.findings
    if document is None or has_errors(source.findings):
        return None
    if document.data is None:
        findings.append(
            document.finding(
                yaml_codes.EMPTY,
                "the manifest is empty",
                hints=("begin with wanbatch: 1 and jobs:; wanbatch schema prints all keys",),
            )
        )
        return None
    shape, bad = check_shape(document)
    if not isinstance(document.data, dict):
        findings += shape
        return None
    data = document.data
    top = data.get("vars")
    given: dict[str, Scalar] = {
        name: value for name, value in options.variables.items() if _is_variable(name)
    }
    variables = (
        {name: value for name, value in top.items() if not isinstance(value, (dict, list))}
        if isinstance(top, dict)
        else {}
    )
    setting = ManifestContext(
        document,
        _name(data, path),
        path.parent,
        find_tree(path, options.media_root),
        variables,
        given,
    )
    return _Draft(str(path), source.sha256, document, data, setting, bad, list(shape))


def _name(data: Fields, path: Path) -> str:
    name = data.get("name")
    if isinstance(name, str):
        return name
    stem = path.name
    for ending in (".yaml", ".yml", ".wanbatch"):
        stem = stem.removesuffix(ending)
    slug = "".join(
        c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in stem.lower()
    ).strip("-_")
    return slug or "manifest"


def _find_sweeps(draft: _Draft, templates: Templates, ceiling: Ceiling) -> None:
    below = _sound_defaults(draft)
    if below is None:
        return
    seen: dict[str, int] = {}
    wrong: dict[int, list[Route]] = {number: [] for number in draft.bad}
    for finding in draft.findings:
        match finding.route:
            case ("jobs", int() as number, *path) if (
                finding.severity is Severity.ERROR and number in wrong
            ):
                wrong[number].append(tuple(path))
    for number, own in enumerate(draft.entries):
        job_id = own.get("id")
        if isinstance(job_id, str) and job_id in seen:
            line = draft.document.place(("jobs", seen[job_id], "id")).line
            draft.findings.append(
                draft.document.finding(
                    codes.DUPLICATE_ID,
                    f"the id {shown(job_id)} is taken",
                    ("jobs", number, "id"),
                    label=f"first on line {line}",
                    hints=("give one of the two another id",),
                )
            )
            continue
        if isinstance(job_id, str):
            seen[job_id] = number
        fields = (
            own if number not in wrong else _without(own, wrong[number]) if wrong[number] else None
        )
        if fields is not None:
            draft.sweeps.append(
                find_axes(merge_entry(draft.setting, number, fields, below), templates, ceiling)
            )


_IN_ALL_JOBS = ("wanbatch", "vars", "defaults", "jobs")
_SHAPING = ("id", "media", "vars", "matrix", "rows", "seeds", "repeat")
"""Fields without which something would look wrong that is not."""


def _sound_defaults(draft: _Draft) -> Fields | None:
    """The defaults without those that have errors; ``None`` where an error, or a slip
    of the pen, would become one of every job."""
    below = draft.data.get("defaults")
    routes = [
        f.route
        for f in draft.findings
        if f.severity is Severity.ERROR and f.route[:1] not in ((), ("jobs",))
    ]
    if any(route[0] != "defaults" and closest(str(route[0]), _IN_ALL_JOBS) for route in routes):
        return None
    return _without(
        below if isinstance(below, dict) else {},
        [route[1:] for route in routes if route[0] == "defaults"],
    )


def _without(fields: Fields, wrong: Sequence[Route]) -> Fields | None:
    """The fields without the wrong ones; ``None`` where the rest cannot be judged
    without them."""
    if not all(route and (route[0] in PLAIN or not _is_shaping(str(route[0]))) for route in wrong):
        return None
    names = {route[0] for route in wrong}
    return {name: value for name, value in fields.items() if name not in names}


def _is_shaping(name: str) -> bool:
    return closest(name, _SHAPING) is not None or means_media(name)


def _check_names(drafts: list[_Draft]) -> None:
    first: dict[str, _Draft] = {}
    for draft in drafts:
        name = draft.setting.manifest
        if first.setdefault(name, draft) is not draft:
            route = ("name",) if "name" in draft.data else ()
            draft.findings.append(
                draft.document.finding(
                    codes.SAME_MANIFEST,
                    f"two manifests have the name {shown(name)}",
                    route,
                    label=f"the other is {first[name].path}",
                    hints=("write another name: at the top of one of them",),
                )
            )


def _fits(drafts: list[_Draft], most: int) -> bool:
    """Whether all jobs of all manifests stay under the ceiling; otherwise the largest
    sweep is named."""
    total = sum(sweep.count for draft in drafts for sweep in draft.sweeps)
    if total <= most:
        return True
    draft, largest = max(((d, s) for d in drafts for s in d.sweeps), key=lambda pair: pair[1].count)
    parts = [
        (largest.rows and len(largest.rows.rows), "rows"),
        (largest.matrix is not None and len(largest.matrix or ()), "combinations"),
        (largest.wanted_draws or len(largest.seeds or ()), "seeds"),
        (largest.repeat if largest.repeat > 1 else 0, "takes"),
    ]
    label = " × ".join(f"{count:,} {what}" for count, what in parts if count)
    finding = draft.document.finding(
        codes.TOO_MANY_JOBS,
        f"these manifests have {total:,} jobs, at most {most:,} are allowed",
        ("jobs", largest.entry.number, "id"),
        label=f"{largest.count:,} of them here" + (f": {label}" if label else ""),
        hints=(f"if that is meant, say --max-jobs {total}",),
    )
    draft.findings.append(finding)
    return False


def _expand(draft: _Draft, templates: Templates) -> list[str]:
    """Make the jobs of a draft; the texts of the prompt files that were read."""
    expansion = Expansion(templates)
    keys = _seed_keys(draft.sweeps)
    for sweep in draft.sweeps:
        if not sweep.entry.broken:
            key = keys[sweep.entry.id]
            sweep.draw(key)
            expansion.expand(sweep, key, draft.made)
    entries = list(pending_entries(draft.made.pending))
    before = {id(entry): len(entry.findings) for entry in entries}
    ids = [str(own.get("id")) for own in draft.entries]
    failed = {s.entry.id for s in draft.sweeps if has_errors(s.entry.findings)} | {
        ids[n] for n in draft.bad
    }
    draft.made.jobs = resolve_references(draft.made.jobs, draft.made.pending, ids, failed)
    for entry in entries:
        start = before[id(entry)]
        entry.findings[start:] = gather(entry, entry.findings[start:])
    report_usage(draft.sweeps, draft.made.pending)
    return [file.text for file in expansion.files.known.values() if isinstance(file, Document)]


def _seed_keys(sweeps: Sequence[Sweep]) -> dict[str, str]:
    """What each job's seeds are drawn from: its own key, else that of the job it takes
    media from, so that chains match; else its id."""
    by_id = {sweep.entry.id: sweep for sweep in sweeps}
    keys: dict[str, str] = {}
    for sweep in sweeps:
        chain: dict[str, None] = {}
        present = sweep.entry.id
        while present not in keys:
            own, upstream = by_id[present].seed_key, _upstream(by_id[present].entry)
            if own or upstream not in by_id or upstream in chain or upstream == present:
                keys[present] = own or present
            else:
                chain[present] = None
                present = upstream
        keys.update(dict.fromkeys(chain, keys[present]))
    return keys


_UPSTREAM_FIRST = ("first_clip", *MEDIA_TYPES)


def _upstream(entry: JobSpec) -> str:
    media = entry.fields.get("media")
    if not isinstance(media, dict):
        return ""
    for kind in _UPSTREAM_FIRST if any(isinstance(m, dict) for m in media.values()) else ():
        reference = media.get(kind)
        if isinstance(reference, dict) and "url" not in reference:
            target = reference.get("job")
            return target if isinstance(target, str) and not is_template(target) else ""
    return ""


def _manifest(draft: _Draft, run: RunSettings) -> Manifest:
    jobs: Sequence[Job] = draft.made.jobs
    return Manifest(
        path=draft.path,
        name=draft.setting.manifest,
        sha256=draft.sha256,
        jobs=tuple(jobs),
        description=str(draft.data.get("description") or ""),
        run=run,
        vars={**draft.setting.vars, **draft.setting.given},
    )


def _run_settings(run: Value) -> RunSettings:
    if not isinstance(run, dict):
        return RunSettings()
    retries, budget = run.get("retries"), run.get("budget")
    periods = budget if isinstance(budget, dict) else {}
    return RunSettings(
        backend=cast(str | None, run.get("backend")),
        max_cost=_amount(run.get("max_cost")),
        max_in_flight=None
        if run.get("max_in_flight") is None
        else int(cast(int, run["max_in_flight"])),
        rate=None if run.get("rate") is None else float(cast(float, run["rate"])),
        retries=1 if retries is None else int(cast(int, retries)),
        on_failure=cast(Literal["continue", "stop"], run.get("on_failure") or "continue"),
        budget_day=_amount(periods.get("day")),
        budget_month=_amount(periods.get("month")),
    )


def _amount(value: Value) -> Decimal | None:
    return None if value is None else Decimal(str(value))
