"""Jobs back to a manifest's text: every field explicit, nothing swept.

What it may not do: decide which jobs, read or write files.

How it works: a text stands plain only where YAML cannot read it as anything else, in a
block where it has several tame lines, and else in double quotes with every character
escaped that a reader or a terminal might take for more than a letter. What looks like a
template becomes a variable of its job, for values of variables are data. So whatever
stands in a prompt is read again as it is: a test holds that against hostile texts.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wanbatch.manifest.template.templates import is_template
from wanbatch.model.job import (
    FileMedia,
    Job,
    JobMedia,
    MediaType,
    RunSettings,
    UrlMedia,
    trim_prompt,
)
from wanbatch.words.quoting import UNSAFE
from wanbatch.words.scalars import resolve_plain

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_TAME_LINE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff](?:.*\S)?|")
_ODD = re.compile(f"{UNSAFE.pattern}|[\ufffe\uffff\ufff9-\ufffb]")


@dataclass(frozen=True, slots=True)
class Reference:
    """A job of the new manifest, by its id, and which of its takes where it has
    several."""

    id: str
    take: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A job to write: under ``id``, with ``repeat`` takes. ``upstream`` says by which
    reference each medium from another job is written; ``remark`` is a comment above
    it."""

    id: str
    job: Job
    repeat: int = 1
    upstream: Mapping[MediaType, Reference] = field(default_factory=dict)
    remark: str = ""


def compose_manifest(
    name: str, description: str, run: RunSettings, entries: Sequence[Entry], folder: Path
) -> str:
    """The text of a manifest that will stand in ``folder``."""
    lines = ["wanbatch: 1", f"name: {_quote(name)}"]
    if description:
        lines.append(f"description: {_quote(description)}")
    lines += ["", "jobs:"]
    for entry in entries:
        lines += [*_Writer(entry, folder).lines(), ""]
    return "\n".join([*lines, *_run_lines(run)]).rstrip("\n") + "\n"


@dataclass(slots=True)
class _Writer:
    """The lines of one job, and the variables that its texts need."""

    entry: Entry
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        job = self.entry.job
        fields = [*self._texts(job), *self._media(), *self._settings(job)]
        if self.entry.remark:
            yield f"  # {_ODD.sub('', self.entry.remark)}"
        yield f"  - id: {_quote(self.entry.id)}"
        if self.variables:
            yield "    vars:"
            yield from (f"      {name}: {_quote(text)}" for name, text in self.variables.items())
        yield from (f"    {line}" for line in fields)

    def _texts(self, job: Job) -> Iterator[str]:
        for name, text in (("prompt", job.prompt), ("negative_prompt", job.negative_prompt)):
            if (trimmed := trim_prompt(text)) is not None:
                yield f"{name}: {self._literal(trimmed, block='      ')}"

    def _media(self) -> Iterator[str]:
        yield "media:"
        for medium in self.entry.job.media:
            match medium.source:
                case FileMedia(_, path):
                    source = self._literal(relative_path(path, self.folder))
                case UrlMedia(url, None):
                    source = self._literal(url)
                case UrlMedia(url, identity):
                    named = ", ".join(map(self._literal, identity or ()))
                    source = f"{{url: {self._literal(url)}, identity: [{named}]}}"
                case JobMedia(_, frame):
                    source = _reference(self.entry.upstream[medium.type], frame)
            yield f"  {medium.type}: {source}"

    def _settings(self, job: Job) -> Iterator[str]:
        yield f"seconds: {job.seconds}"
        yield f"size: {_quote(job.size)}"
        yield f"seed: {job.seed}"
        if self.entry.repeat > 1:
            yield f"repeat: {self.entry.repeat}"
        yield f"prompt_extend: {_flag(job.prompt_extend)}"
        yield f"watermark: {_flag(job.watermark)}"
        yield f"model: {self._literal(job.model)}"
        if job.tags:
            yield f"tags: [{', '.join(map(self._literal, job.tags))}]"

    def _literal(self, text: str, block: str = "") -> str:
        """``text`` as a value that is not rendered."""
        if is_template(text):
            name = f"text_{len(self.variables) + 1}"
            self.variables[name] = text
            return f'"{{{{ {name} }}}}"'
        lines = text.split("\n")
        if block and len(lines) > 1 and all(map(_is_tame, lines)) and lines[0] and lines[-1]:
            return "|-\n" + "\n".join(f"{block}{line}" if line else "" for line in lines)
        return _quote(text)


def _reference(target: Reference, frame: str | None) -> str:
    parts = [f"job: {_quote(target.id)}"]
    if frame is not None:
        parts.append(f"frame: {frame}")
    if target.take is not None:
        parts.append(f"where: {{take: {target.take}}}")
    return f"{{{', '.join(parts)}}}"


def _run_lines(run: RunSettings) -> Iterator[str]:
    usual = RunSettings()
    said = {
        "backend": None if run.backend is None else _quote(run.backend),
        "max_cost": None if run.max_cost is None else f'"{run.max_cost:f}"',
        "budget": _budget(run),
        "max_in_flight": run.max_in_flight,
        "rate": None if run.rate is None else f"{run.rate:f}",
        "retries": None if run.retries == usual.retries else run.retries,
        "on_failure": None if run.on_failure == usual.on_failure else run.on_failure,
    }
    if any(value is not None for value in said.values()):
        yield "run:"
        yield from (f"  {name}: {value}" for name, value in said.items() if value is not None)


def _budget(run: RunSettings) -> str | None:
    amounts = {"day": run.budget_day, "month": run.budget_month}
    said = [f'{unit}: "{amount:f}"' for unit, amount in amounts.items() if amount is not None]
    return f"{{{', '.join(said)}}}" if said else None


def relative_path(path: Path, folder: Path) -> str:
    """A file's path as a manifest in ``folder`` names it; links in the folders are
    followed, the file's own name stays."""
    real = Path(os.path.realpath(path.parent)) / path.name
    text = Path(os.path.relpath(real, os.path.realpath(folder))).as_posix()
    return f"./{text}" if ":" in text or text[0] in "~$%" else text


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _is_tame(line: str) -> bool:
    return _TAME_LINE.fullmatch(line) is not None and _ODD.search(line) is None


def _quote(text: str) -> str:
    """A YAML scalar that is read as exactly ``text``."""
    if _PLAIN.fullmatch(text) and resolve_plain(text) == text:
        return text
    return _ODD.sub(
        lambda found: f"\\u{ord(found.group()):04x}", json.dumps(text, ensure_ascii=False)
    )
