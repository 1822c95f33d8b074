"""From a sweep to jobs: rows, then matrix, then seeds, then takes.

What it may not do: resolve references (it notes them), check the ceiling (``load``
did).

How it works: each cell is rendered and checked once; its seeds and takes share the
result, and only fields that see ``seed`` or ``take`` are rendered for each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, cast

from wanbatch.manifest.paths import PathProblem, check_path
from wanbatch.manifest.shape import codes as shape_codes
from wanbatch.manifest.sweep import codes
from wanbatch.manifest.sweep.axes import Sweep, cells_of
from wanbatch.manifest.sweep.entry import JobSpec, gather
from wanbatch.manifest.sweep.references import Pending
from wanbatch.manifest.sweep.seeds import draw_seed
from wanbatch.manifest.template.evaluate import Path_, PromptFiles, Rendered, Renderer
from wanbatch.manifest.template.templates import Templates, is_template
from wanbatch.manifest.yaml.document import Value
from wanbatch.model.job import (
    FileMedia,
    Frame,
    Job,
    JobMedia,
    MediaInput,
    MediaSource,
    MediaType,
    Size,
    UrlMedia,
)
from wanbatch.words.addresses import has_user, missing_parameters, show_scalar
from wanbatch.words.building import builder_of
from wanbatch.words.diagnostics import Position, Severity
from wanbatch.words.names import encode_value
from wanbatch.words.quoting import shown
from wanbatch.words.scalars import Scalar, scalar_text

_build_input, _build_job = builder_of(MediaInput), builder_of(Job)
Axes = tuple[tuple[str, Scalar], ...]


class _StrictJob(TypedDict, total=False):
    """The fields of a job that its schema has accepted."""

    model: str
    prompt: str | None
    negative_prompt: str | None
    seconds: int
    size: Size
    seed: int
    prompt_extend: bool
    watermark: bool


_MOST_FINDINGS = 10_000
"""Findings of one entry after which its other cells are not looked at: as many as there
may be jobs unless more are asked for, so that what is counted is right, and a few
seconds of work at most.
"""


@dataclass(slots=True)
class Yield:
    """What all entries of a manifest come to."""

    jobs: list[Job] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Expansion:
    """What is shared while entries are expanded: compiled templates, prompt files,
    paths."""

    templates: Templates
    files: PromptFiles = field(default_factory=PromptFiles)
    paths: dict[tuple[Path, str], FileMedia] = field(default_factory=dict)
    refused: dict[tuple[Path, str], PathProblem | None] = field(default_factory=dict)

    def expand(self, sweep: Sweep, seed_key: str, into: Yield) -> None:
        """Add the jobs of a sweep, in order; what is wrong is noted in its entry."""
        entry = sweep.entry
        first = next(cells_of(sweep), ((), {}))[1]
        renderer = Renderer(
            entry, self.templates, self.files, names=sweep.names, values=first, reads=sweep.reads
        )
        if entry.broken:
            return
        before = len(entry.findings)
        place = entry.setting.document.quick_place(entry.own, "id")
        # A seed that is given needs no draw; one that is a template may still come out
        # empty.
        first_seed = (
            draw_seed(seed_key, 0)
            if sweep.seeds is None and not isinstance(entry.fields.get("seed"), int)
            else 0
        )
        warned = False
        for number, (raw_axes, variables) in enumerate(cells_of(sweep)):
            entry.row = sweep.row_of(number)
            axes = tuple([(name, show_scalar(value)) for name, value in raw_axes])
            known: dict[str, Scalar | Mapping[str, str]] = {**variables, "job": {"id": entry.id}}
            cell = _Cell(self, renderer, axes, known, _prefix(entry.id, axes), place)
            made = cell.jobs(sweep.seeds, first_seed, sweep.repeat, into)
            if made is not None and made.job["prompt_extend"] is True and not warned:
                warned = _warn_rewritten(entry, sweep, cell.name)
            if len(entry.findings) - before > _MOST_FINDINGS:
                break
        entry.row = None
        sweep.is_expanded = True
        if len(entry.findings) > before:
            entry.findings[before:] = gather(entry, entry.findings[before:])


def _warn_rewritten(entry: JobSpec, sweep: Sweep, cell: str) -> bool:
    if sweep.seeds is None or len(sweep.seeds) < 2:
        return True
    switch = entry.fields.get("prompt_extend")
    varies = isinstance(switch, str) and is_template(switch)
    entry.report(
        codes.REWRITTEN_SWEEP,
        "a seed sweep whose prompt is rewritten each time",
        "seeds",
        key=True,
        severity=Severity.WARNING,
        label="prompt_extend is true, which is the default"
        if "prompt_extend" not in entry.fields
        else "prompt_extend is true",
        hints=("add prompt_extend: false, so that only the seed differs",),
        cell=cell if varies else "",
    )
    return not varies


def _prefix(job_id: str, axes: Axes) -> str:
    return (
        f"{job_id}[{','.join(f'{name}={encode_value(scalar_text(value))}' for name, value in axes)}"
        if axes
        else job_id
    )


@dataclass(slots=True)
class _Cell:
    """One row and combination."""

    expansion: Expansion
    renderer: Renderer
    axes: Axes
    variables: dict[str, Scalar | Mapping[str, str]]
    prefix: str
    place: Position
    media: tuple[MediaInput, ...] = ()
    references: tuple[tuple[MediaType, str, Mapping[str, Scalar]], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.prefix}]" if self.axes else self.prefix

    def jobs(
        self, seeds: list[int] | None, first_seed: int, repeat: int, into: Yield
    ) -> Rendered | None:
        """Add the jobs of this cell; what the last of them came to."""
        values = self.renderer.render_cell(self.variables, self.name)
        if values is None:
            return None
        late = self.renderer.is_late
        made: Rendered | None = None
        if not late:
            made = self._finish(values, first_seed, self.name)
            if made is None:
                return None
        drawn = seeds if seeds is not None else [first_seed]
        for seed in drawn:
            for take in range(1, repeat + 1):
                axes, name = self._full(
                    seed if seeds is not None else None, take if repeat > 1 else None
                )
                if late:
                    made = self._finish_late(values, seed, take, name)
                    if made is None:
                        continue
                if made is not None:
                    self._add(into, made, axes, name, seed if seeds is not None else None, take)
        return made

    def _full(self, seed: int | None, take: int | None) -> tuple[Axes, str]:
        axes, name, between = self.axes, self.prefix, "," if self.axes else "["
        if seed is not None:
            axes, name, between = (*axes, ("seed", seed)), f"{name}{between}seed={seed}", ","
        if take is not None:
            axes, name, between = (*axes, ("take", take)), f"{name}{between}take={take}", ","
        return axes, f"{name}]" if axes else name

    def _finish_late(
        self, values: dict[Path_, Value], seed: int, take: int, name: str
    ) -> Rendered | None:
        variables = {**self.variables, "seed": seed, "take": take}
        rendered = self.renderer.render_late(values, variables, name)
        return None if rendered is None else self._finish(rendered, seed, name)

    def _finish(self, values: dict[Path_, Value], seed: int, name: str) -> Rendered | None:
        made = self.renderer.finish(values, seed, name)
        if made is not None:
            self._find_media(cast(dict[str, Value], made.job["media"]))
        return made

    def _find_media(self, media: dict[str, Value]) -> None:
        inputs: list[MediaInput] = []
        references: list[tuple[MediaType, str, Mapping[str, Scalar]]] = []
        for kind, value in media.items():
            name = cast(MediaType, kind)
            source: MediaSource
            if isinstance(value, dict) and "url" in value:
                named = cast(list[str], value.get("identity"))
                source = self._url(
                    str(value["url"]),
                    None if named is None else tuple(dict.fromkeys(named)),
                    kind,
                    "url",
                )
            elif isinstance(value, dict):
                source = JobMedia("", cast(Frame | None, value.get("frame")))
                references.append(
                    (name, str(value["job"]), cast(Mapping[str, Scalar], value.get("where", {})))
                )
            else:
                found = self._source(kind, str(value))
                if found is None:
                    continue  # what is refused is not opened either, not even to say more about it
                source = found
            inputs.append(self._input(name, source))
        self.media, self.references = tuple(inputs), tuple(references)

    def _source(self, kind: str, text: str) -> MediaSource | None:
        if text.startswith("https://"):
            return self._url(text, None, kind)
        entry = self.renderer.entry
        setting = entry.setting
        key = (setting.folder, text)
        if key not in self.expansion.refused:
            problem = check_path(text, setting.folder, setting.tree, self.variables)
            self.expansion.refused[key] = problem
            if problem is None:
                self.expansion.paths[key] = FileMedia(text, setting.tree.find(*key))
        if problem := self.expansion.refused[key]:
            entry.report(
                problem.code,
                problem.message,
                "media",
                kind,
                cell=self.name,
                label=problem.label,
                hints=problem.hints,
                reads=self.renderer.read_by("media", kind),
            )
            return None
        return self.expansion.paths[key]

    def _url(self, text: str, identity: tuple[str, ...] | None, *path: str) -> UrlMedia:
        """A URL that can be sent; what is wrong with it is noted."""
        reads = self.renderer.read_by("media", *path)
        if "@" in text and has_user(text):
            self.renderer.entry.report(
                shape_codes.BAD_ADDRESS,
                f"{shown(text)} has a user or a password in it",
                "media",
                *path,
                cell=self.name,
                reads=reads,
                label="it would stand in the repository",
                hints=(
                    (
                        "sign the URL instead, or download the file beside the manifest and name"
                        " its path"
                    ),
                ),
            )
        for name in missing_parameters(text, identity) if identity else ():
            self.renderer.entry.report(
                codes.UNKNOWN_PARAMETER,
                f"the URL has no parameter {shown(name)}",
                "media",
                path[0],
                "identity",
                cell=self.name,
                reads=reads,
                label="it is to say which file the URL means",
                hints=("write its name as it stands in the URL, or remove it from identity",),
            )
        return UrlMedia(text.partition("#")[0], identity)

    def _input(self, kind: MediaType, source: MediaSource) -> MediaInput:
        entry, reads = self.renderer.entry, self.renderer.read_by("media", kind)
        return _build_input(
            kind,
            source,
            self._media_place(kind),
            entry.route("media", kind),
            entry.row_finder(reads),
        )

    def _media_place(self, kind: str) -> Position:
        entry = self.renderer.entry
        for fields in (entry.own, entry.defaults):
            media = fields.get("media")
            if isinstance(media, dict) and media.get(kind) is not None:
                return entry.setting.document.quick_place(media, kind)
        return self.place

    def _add(
        self, into: Yield, made: Rendered, axes: Axes, name: str, swept: int | None, take: int
    ) -> None:
        entry = self.renderer.entry
        job = cast("_StrictJob", made.job)
        if name in into.names:
            entry.report(
                codes.SAME_NAME,
                f"two jobs have the name {shown(name, 200)}",
                "id",
                cell=name,
                hints=("make the values of their axes differ",),
                reads=entry.columns,
            )
            return
        number = into.names[name] = len(into.jobs)
        into.jobs.append(
            _build_job(
                name=name,
                id=entry.id,
                manifest=entry.setting.manifest,
                axes=axes,
                tags=made.tags,
                model=job["model"],
                prompt=job.get("prompt"),
                negative_prompt=job.get("negative_prompt"),
                media=self.media,
                seconds=job["seconds"],
                size=job["size"],
                seed=job["seed"] if swept is None or self.renderer.late_seed else swept,
                take=take,
                prompt_extend=job["prompt_extend"],
                watermark=job["watermark"],
                place=self.place,
                expect=made.expect,
            )
        )
        for kind, target, where in self.references:
            into.pending.append(Pending(entry, number, kind, target, where))


def pending_entries(pending: list[Pending]) -> Iterator[JobSpec]:
    """The entries that references stand in, each once."""
    seen: set[int] = set()
    for reference in pending:
        if id(reference.entry) not in seen:
            seen.add(id(reference.entry))
            yield reference.entry
