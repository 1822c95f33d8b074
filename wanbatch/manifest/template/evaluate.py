"""From a cell's variables to the values of a job: templates rendered, numbers and
booleans converted, checked by the strict schema.

What it may not do: decide cells, resolve references, touch media files.

How it works: the fields of an entry are sorted once into literals and templates, and
the templates into those that see only the cell and those that see seed or take; a cell
renders the former once for all its seeds. Prompt files are read once each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from wanbatch.manifest.paths import check_path
from wanbatch.manifest.shape import codes as shape_codes
from wanbatch.manifest.shape.check import Fault, explain
from wanbatch.manifest.sweep.entry import JobSpec
from wanbatch.manifest.tables.blanks import is_blank
from wanbatch.manifest.tables.headings import misread_headings
from wanbatch.manifest.template import codes
from wanbatch.manifest.template.expected import find_reversed, put_expected, read_expected
from wanbatch.manifest.template.placeholders import by_any_case, find_placeholders, has_signs
from wanbatch.manifest.template.problem import TemplateProblem, Variables
from wanbatch.manifest.template.templates import Templates, is_template
from wanbatch.manifest.yaml.document import Document, Marks, Value
from wanbatch.manifest.yaml.source import Unusable, decode, read_bytes
from wanbatch.model.expect import Expectation
from wanbatch.model.job import MEDIA_TYPES, trim_prompt
from wanbatch.words.diagnostics import Severity
from wanbatch.words.quoting import escape_unsafe, shown
from wanbatch.words.schemas import gate

Path_ = tuple[str | int, ...]
DEFAULTS: dict[str, Value] = {
    "model": "wan2.7-i2v",
    "seconds": 5,
    "size": "720P",
    "prompt_extend": True,
    "watermark": False,
}
PLAIN = (
    "model",
    "prompt",
    "negative_prompt",
    "seconds",
    "size",
    "prompt_extend",
    "watermark",
    "seed",
)
_PLAIN = frozenset(PLAIN)
_PATHS: tuple[tuple[str, Path_], ...] = tuple((name, (name,)) for name in PLAIN)
_NUMBERS = frozenset({"seconds", "seed"})
_SWITCHES = frozenset({"prompt_extend", "watermark"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}\Z")
_WHOLE = re.compile(r"([+-]?[0-9]{1,18})\.0*\Z")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_LATE = frozenset({"seed", "take"})
_NOTHING: frozenset[str] = frozenset()
_TEXTS = frozenset({"prompt", "negative_prompt", "tags"})
"""Fields that a job may be looked at without, so that an error in one does not hide
what is wrong with the rest."""
_LONGEST_PROMPT_FILE = 1_000_000
"""Bytes; a prompt has at most 5,000 characters, but a file may be a template with
branches."""


@dataclass(slots=True)
class PromptFiles:
    """Prompt files by path, read once: their document, or what is wrong with them."""

    known: dict[Path, Document | Unusable] = field(default_factory=dict)

    def read(self, path: Path, shown_as: str) -> Document:
        """The file as a document. Raises ``Unusable``."""
        found = self.known.get(path)
        if found is None:
            try:
                text = decode(read_bytes(path, _LONGEST_PROMPT_FILE, "the manifest"))
                text = text.removesuffix("\n").removesuffix("\r")
                found = Document(shown_as, text.replace("\r\n", "\n"), text, Marks())
            except Unusable as problem:
                found = problem
            self.known[path] = found
        if isinstance(found, Unusable):
            raise Unusable(found.code, found.message, *found.hints)
        return found


@dataclass(slots=True)
class Rendered:
    """The values of one cell, or of one job of it: the strict job's fields, ``tags``
    and ``expect`` apart."""

    job: dict[str, Value]
    tags: tuple[str, ...]
    expect: tuple[Expectation, ...] = ()


@dataclass(slots=True)
class Renderer:
    """Renders the cells of one entry."""

    entry: JobSpec
    templates: Templates
    files: PromptFiles
    _literal: dict[Path_, Value] = field(default_factory=dict)
    _early: dict[Path_, str] = field(default_factory=dict)
    _late: dict[Path_, str] = field(default_factory=dict)
    _prompt_files: set[str] = field(default_factory=set)
    _read_by: dict[Path_, frozenset[str]] = field(default_factory=dict)
    late_seed: bool = False
    """The seed itself is a template."""
    names: Callable[[], Sequence[str]] = list
    """The variables of the entry's cells; few entries ask for them."""
    values: Mapping[str, Value] = field(default_factory=dict)
    """Those of one cell."""
    reads: set[str] = field(default_factory=set)
    """The variables that its templates read, those of prompt files too."""

    def __post_init__(self) -> None:
        fields = self.entry.fields
        for plain, path in _PATHS:
            if plain in fields:
                self._sort(path, fields[plain])
        media = fields.get("media")
        for name, value in media.items() if isinstance(media, dict) else ():
            self._sort(("media", name), value)
        variables = fields.get("vars")
        for value in variables.values() if isinstance(variables, dict) else ():
            if isinstance(value, str) and is_template(value):
                with suppress(TemplateProblem):  # no template, but what it names is not without use
                    self.reads.update(self.templates.compile(value).names)
        expected = fields.get("expect")
        for name, value in expected.items() if isinstance(expected, dict) else ():
            self._sort(("expect", name), value)
        tags = fields.get("tags")
        for number, tag in enumerate(tags if isinstance(tags, list) else ()):
            self._sort(("tags", number), tag)
        self.late_seed = ("seed",) in self._early or ("seed",) in self._late

    @property
    def is_late(self) -> bool:
        """Whether some field sees seed or take, so that every job must be rendered and
        not only every cell."""
        return bool(self._late)

    def _sort(self, path: Path_, value: Value) -> None:
        if isinstance(value, str):
            if path == ("prompt", "file"):
                self._sort_prompt_file(path, value)
            elif has_signs(value):  # few; a template's brace is one of them
                self._sort_text(path, value)
            else:
                self._literal[path] = value
        elif isinstance(value, dict):
            for name, item in value.items():
                self._sort((*path, name), item)
        elif isinstance(value, list):
            self._literal[path] = []
            for number, item in enumerate(value):
                self._sort((*path, number), item)
        else:
            self._literal[path] = value

    def _sort_text(self, path: Path_, text: str) -> None:
        self._warn_of_placeholders(path, text)
        if is_template(text):
            self._sort_template(path, text)
        else:
            self._literal[path] = text

    def _sort_template(self, path: Path_, text: str) -> None:
        try:
            names = self.templates.compile(text).names
        except TemplateProblem as problem:
            self.entry.report_template(problem, text, *path)
            self.entry.broken |= path[0] not in _TEXTS
            return
        self._note(names, text)
        (self._late if names & _LATE else self._early)[path] = text

    def read_by(self, *path: str | int) -> frozenset[str]:
        """The variables that the templates at and below ``path`` read."""
        if not self._early and not self._late:
            return _NOTHING
        known = self._read_by.get(path)
        if known is None:
            known = self._read_by[path] = frozenset(
                name
                for parts in (self._early, self._late)
                for at, text in parts.items()
                if at[: len(path)] == path and is_template(text)
                for name in self._names_in(text)
            )
        return known

    def _names_in(self, text: str) -> frozenset[str]:
        try:
            return self.templates.compile(text).names
        except TemplateProblem:
            return frozenset()

    def _note(self, names: Iterable[str], text: str) -> None:
        self.reads.update(names)
        self.entry.meant.update(misread_headings(text, self.entry.odd))

    def _warn_of_placeholders(
        self, path: Path_, text: str, document: Document | None = None
    ) -> None:
        """A warning at each placeholder that another tool would replace; ``document``
        is the prompt file that holds the text."""
        entry = self.entry
        for found in find_placeholders(
            text, by_any_case(self.names()), lambda name: self.values.get(name, "")
        ):
            own = entry.setting.document
            width = len(found.text)
            route = entry.route(*path)
            finding = (document or own).finding(
                codes.FOREIGN,
                f"{shown(found.text)} is a placeholder of another tool",
                () if document else route,
                place=document.place_at(found.offset, width)
                if document
                else own.text_place(route, text, found.offset, width),
                label="it is sent as it stands",
                hints=(f"write {{{{ {found.name} }}}}",),
                severity=Severity.WARNING,
            )
            entry.findings.append(finding)

    def _sort_prompt_file(self, path: Path_, value: str) -> None:
        if is_template(value):
            with suppress(TemplateProblem):  # rendering reports it, for the cell
                self._note(self.templates.compile(value).names, value)
            self._warn_of_placeholders(path, value)
            self._late[path] = value
            return
        document = self._open(value, "")
        if document is None:
            return
        try:
            names = self.templates.compile(document.text).names
        except TemplateProblem as problem:
            self._report_in_file(problem, document, "")
            return
        self._note(names, document.text)
        self._warn_of_placeholders(path, document.text, document)
        (self._late if names & _LATE else self._early)[path] = value

    def _open(self, source: str, cell: str) -> Document | None:
        setting = self.entry.setting
        if refused := check_path(source, setting.folder, setting.tree, self.names()):
            self.entry.report(
                refused.code,
                refused.message,
                "prompt",
                "file",
                cell=cell,
                label=refused.label,
                hints=refused.hints,
                reads=self.read_by("prompt", "file"),
            )
            return None
        where = setting.tree.find(setting.folder, source)
        try:
            return self.files.read(where, str(setting.folder / source))
        except Unusable as problem:
            self.entry.report(
                codes.PROMPT_FILE,
                f"the prompt file {shown(source)} cannot be used: {problem.message}",
                "prompt",
                "file",
                cell=cell,
                hints=problem.hints,
                reads=self.read_by("prompt", "file"),
            )
            return None

    def _report_in_file(self, problem: TemplateProblem, document: Document, cell: str) -> None:
        problem = self.entry.explain_heading(problem, document.text)
        place = document.place_at(problem.offset or 0, problem.width)
        finding = document.finding(
            problem.code,
            problem.message,
            self.entry.route("prompt", "file"),
            place=place,
            label=problem.label,
            hints=problem.hints,
            cell=cell,
        )
        if cell and (find_row := self.entry.row_finder(self._names_in(document.text))):
            finding = replace(finding, row=find_row())
        self.entry.findings.append(finding)

    def render_cell(self, variables: Variables, cell: str) -> dict[Path_, Value] | None:
        """The literals, and the templates that see only the cell. ``None`` where one
        fails that the rest cannot be judged without."""
        values = dict(self._literal)
        good = not self._early or self._render(self._early, variables, values, cell)
        return values if good else None

    def render_late(
        self, values: dict[Path_, Value], variables: Variables, cell: str
    ) -> dict[Path_, Value] | None:
        """``values`` with the templates that see seed or take."""
        values = dict(values)
        return values if self._render(self._late, variables, values, cell) else None

    def _render(
        self,
        parts: Mapping[Path_, str],
        variables: Variables,
        values: dict[Path_, Value],
        cell: str,
    ) -> bool:
        good = True
        for path, text in parts.items():
            try:
                rendered = (
                    self.templates.compile(text).render(variables) if is_template(text) else text
                )
            except TemplateProblem as problem:
                self.entry.report_template(
                    problem, text, *path, cell=cell, reads=self.read_by(*path)
                )
                good = good and path[0] in _TEXTS
                continue
            if path == ("prompt", "file"):
                values["prompt",] = self._render_file(rendered, variables, cell)
            else:
                values[path] = rendered
        return good

    def _render_file(self, source: str, variables: Variables, cell: str) -> str | None:
        document = self._open(source, cell)
        if document is None:
            return None
        try:
            template = self.templates.compile(document.text)
            if source not in self._prompt_files:
                self._prompt_files.add(source)
                self._note(template.names, document.text)
                self._warn_of_placeholders(("prompt", "file"), document.text, document)
            return template.render(variables)
        except TemplateProblem as problem:
            self._report_in_file(problem, document, cell)
            return None

    def finish(self, values: Mapping[Path_, Value], seed: int, cell: str) -> Rendered | None:
        """The job of these values, converted and checked by the strict schema; ``None``
        where it is refused."""
        job, tags = dict(DEFAULTS), []
        media: dict[str, Value] = {}
        expected: dict[str, Value] = {}
        job["seed"] = seed
        for path, value in values.items():
            name = path[0]
            if name in _PLAIN:
                converted = _convert(name, value)
                if converted is not None and converted != "":
                    job[name] = converted
            elif name == "tags":
                if value not in (None, ""):
                    tags.append(str(value))
            elif name == "media":
                _put_media(media, path, value)
            else:
                put_expected(expected, path, value)
        job["media"] = _sent_media(media)
        if expected:
            job["expect"] = expected
        untrimmed = _trim_prompts(job)
        if not gate("job").is_valid(job):
            for fault in explain("job", job):
                self._report_fault(fault, values, job, cell)
            return None
        self._check_bounds(expected, cell)
        self._check_blank(values, cell)
        self._check_leftover(job, cell)
        job |= untrimmed
        return Rendered(job, tuple(dict.fromkeys(tags)), read_expected(expected))

    def _report_fault(
        self, fault: Fault, values: Mapping[Path_, Value], job: dict[str, Value], cell: str
    ) -> None:
        label = fault.label
        written = _written(self.entry, fault.path)
        value: Value = values.get(fault.path)
        if isinstance(written, str) and is_template(written) and isinstance(value, str):
            label = f"this renders to {shown(value)}" + (
                f"; {label}" if label and not label.startswith("this is") else ""
            )
        path: Path_ = (
            ("prompt", "file")
            if fault.path == ("prompt",) and isinstance(written, dict)
            else fault.path
        )
        in_defaults = self.entry.route(*path)[:1] == ("defaults",)
        hints = fault.hints
        if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value):
            hints = ("the decimal sign of a number is the point, not the comma", *hints)
        if in_defaults and fault.key and path[:1] == ("media",) and len(path) == 2:
            hints = (
                (
                    f"in the job {self.entry.id} write {path[1]}: null to remove the default, or"
                    " another kind of media"
                ),
                *hints[1:],
            )
        self.entry.report(
            fault.code, fault.message, *path, key=fault.key, label=label, hints=hints, cell=cell,
            reads=self._made_of(path),
        )  # fmt: skip

    def _made_of(self, path: Path_) -> frozenset[str]:
        """The variables that a field's value is made of; of a prompt file all that the
        entry reads."""
        return frozenset(self.reads) if path == ("prompt", "file") else self.read_by(*path)

    def _check_bounds(self, expected: Mapping[str, Value], cell: str) -> None:
        for check in find_reversed(expected):
            self.entry.report(
                shape_codes.OUT_OF_RANGE,
                f"min of {check} is above its max",
                "expect",
                check,
                key=True,
                cell=cell,
                label="no video could satisfy both",
                hints=("exchange them",),
                reads=self.read_by("expect", check),
            )

    def _check_blank(self, values: Mapping[Path_, Value], cell: str) -> None:
        for name in ("prompt", "negative_prompt"):
            text = values.get((name,))
            if isinstance(text, str) and text and is_blank(text):
                written = _written(self.entry, (name,))
                path: Path_ = (name, "file") if isinstance(written, dict) else (name,)
                self.entry.report(
                    codes.BLANK_PROMPT,
                    f"the {name} has nothing but white space",
                    *path,
                    cell=cell,
                    severity=Severity.WARNING,
                    label=f"this is {shown(text)}",
                    hints=("write a text, or remove the field",),
                    reads=self._made_of(path),
                )

    def _check_leftover(self, job: dict[str, Value], cell: str) -> None:
        for name in ("prompt", "negative_prompt"):
            text = job.get(name)
            if isinstance(text, str) and ("{{" in text or "{%" in text):
                self.entry.report(
                    codes.LEFTOVER,
                    f"the rendered {name} still has braces: {escape_unsafe(_around(text))}",
                    name,
                    cell=cell,
                    severity=Severity.WARNING,
                    label="values of variables are not rendered again",
                    hints=("write the whole text here, with all its variables",),
                    reads=self.read_by(name),
                )


def _around(text: str) -> str:
    at = min(i for i in (text.find("{{"), text.find("{%")) if i >= 0)
    return text[at : at + 30]


def _written(entry: JobSpec, path: Path_) -> Value:
    node: Value = entry.fields
    for step in path:
        node = node.get(str(step)) if isinstance(node, dict) else None
    return node


def _put_media(media: dict[str, Value], path: Path_, value: Value) -> None:
    kind = str(path[1])
    if len(path) == 2:
        if value not in (None, ""):
            media[kind] = value
        return
    reference = media.setdefault(kind, {})
    if isinstance(reference, dict):
        if len(path) == 3:
            reference[str(path[2])] = [] if isinstance(value, list) else value
        elif path[2] == "identity":
            named = reference.setdefault("identity", [])
            if isinstance(named, list) and value != "":
                named.append(value)
        else:
            where = reference.setdefault("where", {})
            if isinstance(where, dict):
                where[str(path[3])] = value


def _sent_media(media: Mapping[str, Value]) -> dict[str, Value]:
    """In the order in which they are sent; a URL that renders to nothing is absent."""
    kinds = media if len(media) == 1 else dict.fromkeys((*MEDIA_TYPES, *media))
    return {kind: media[kind] for kind in kinds if kind in media and not _is_empty_url(media[kind])}


def _trim_prompts(job: dict[str, Value]) -> dict[str, Value]:
    """Checked is what is sent: prompts without white space at their ends. Returned is
    what was written, which the job keeps."""
    untrimmed: dict[str, Value] = {}
    for name in ("prompt", "negative_prompt"):
        text = job.get(name)
        if isinstance(text, str) and (not text or text[0].isspace() or text[-1].isspace()):
            untrimmed[name] = job.pop(name)
            if sent := trim_prompt(text):
                job[name] = sent
    return untrimmed


def _is_empty_url(value: Value) -> bool:
    """A medium whose URL renders to nothing is absent, like any optional field."""
    return isinstance(value, dict) and value.get("url", "-") in (None, "")


def _convert(name: str, value: Value) -> Value:
    if isinstance(value, str):
        if name in _NUMBERS:
            text = value.strip()
            if not text:
                return None
            whole = _WHOLE.match(text)
            return int(whole.group(1)) if whole else int(text) if _INTEGER.match(text) else value
        if name in _SWITCHES:
            text = value.strip().lower()
            return None if not text else {"true": True, "false": False}.get(text, value)
        if name in ("model", "size"):
            return value.strip()
        return value
    if name in _NUMBERS and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
