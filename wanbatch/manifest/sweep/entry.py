"""An entry of ``jobs`` merged with ``defaults``, and the notebook that findings about
it go into.

What it may not do: render or expand.

How it works: a job's own value wins, null removes a default; media, vars and expect are
merged key by key; a job's own seeds replace a default seed, and the other way round.
Every merged field still knows where it was written, so that a finding points at the
line that must be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from wanbatch.manifest.tables.headings import meant_headings, rename_hint
from wanbatch.manifest.tables.tables import Table
from wanbatch.manifest.template.problem import TemplateProblem
from wanbatch.manifest.tree import Tree
from wanbatch.manifest.yaml.document import Document, Value
from wanbatch.words.diagnostics import Diagnostic, Position, Route, Severity, merge
from wanbatch.words.scalars import Scalar

Fields = dict[str, Value]
_MERGED = ("media", "vars", "expect")


@dataclass(frozen=True, slots=True)
class ManifestContext:
    """What all entries of a manifest share: its name, the folder its paths start from,
    and the tree they may not leave."""

    document: Document
    manifest: str
    folder: Path
    tree: Tree
    vars: dict[str, Scalar]
    given: dict[str, Scalar]
    """``--var``, which wins over all other vars."""


@dataclass(slots=True)
class JobSpec:
    """One merged job; ``findings`` collects what is wrong with it."""

    setting: ManifestContext
    number: int
    id: str
    own: Fields
    defaults: Fields
    fields: Fields
    findings: list[Diagnostic] = field(default_factory=list)
    broken: bool = False
    """No cells can be made of it."""
    columns: tuple[str, ...] = ()
    """The columns of its rows, and those among them that templates cannot name."""
    odd: tuple[str, ...] = ()
    meant: set[str] = field(default_factory=set)
    """Those that a template means nevertheless."""
    row: tuple[Table, int] | None = None
    """The row that the cell in hand is made with."""

    def route(self, *path: str | int) -> Route:
        """Where the field at ``path`` is written: in the job, else in defaults, else
        the job itself."""
        for prefix, fields in ((("jobs", self.number), self.own), (("defaults",), self.defaults)):
            if _is_written(fields, path[: 2 if path and path[0] in _MERGED else 1]):
                return (*prefix, *path)
        return ("jobs", self.number, *path)

    def report(
        self,
        code: str,
        message: str,
        *path: str | int,
        key: bool = False,
        label: str = "",
        hints: tuple[str, ...] = (),
        cell: str = "",
        severity: Severity = Severity.ERROR,
        place: Position | None = None,
        reads: Collection[str] = (),
    ) -> Diagnostic:
        """A finding about the field at ``path``, kept. ``reads`` are the variables that
        its value was made of."""
        finding = self.setting.document.finding(
            code,
            message,
            self.route(*path),
            key=key,
            label=label,
            hints=hints,
            cell=cell,
            severity=severity,
            place=place,
        )
        if find_row := self.row_finder(reads):
            finding = replace(finding, row=find_row())
        self.findings.append(finding)
        return finding

    def row_finder(self, reads: Collection[str]) -> Callable[[], Position] | None:
        """What finds the place in the row in hand of the first column among ``reads``;
        ``None`` where there is none.
        """
        if self.row is None or not any(name in self.columns for name in reads):
            return None
        table, number = self.row
        columns = table.rows[number]
        column = next((name for name in columns if name in reads), next(iter(columns)))
        return partial(table.row_place, number, column)

    def report_template(
        self,
        problem: TemplateProblem,
        text: str,
        *path: str | int,
        cell: str = "",
        reads: Collection[str] = (),
    ) -> None:
        """A finding about a template, at the place in it that is wrong."""
        problem = self.explain_heading(problem, text)
        place = self.setting.document.text_place(
            self.route(*path), text, problem.offset, problem.width
        )
        self.report(
            problem.code,
            problem.message,
            *path,
            label=problem.label,
            hints=problem.hints,
            cell=cell,
            place=place,
            reads=reads,
        )

    def explain_heading(self, problem: TemplateProblem, text: str) -> TemplateProblem:
        """The problem, with what to do where the template means a column that no
        template can name."""
        meant = meant_headings(text, self.odd)
        if not meant:
            return problem
        self.meant.update(meant)
        hints = tuple(rename_hint(heading, self.columns) for heading in meant)
        return replace(problem, hints=hints)


def _is_written(fields: Fields, path: Route) -> bool:
    """Whether there is something at ``path``, or a null that removes a default."""
    node: Value = fields
    for step in path:
        if not isinstance(node, dict) or step not in node:
            return False
        node = node[str(step)]
    return True


def merge_entry(setting: ManifestContext, number: int, own: Fields, defaults: Fields) -> JobSpec:
    """The entry of ``jobs[number]``."""
    fields: Fields = {name: value for name, value in defaults.items() if value is not None}
    if own.get("seed") is not None:
        fields.pop("seeds", None)
    if own.get("seeds") is not None:
        fields.pop("seed", None)
    for name, value in own.items():
        if value is None:
            fields.pop(name, None)
        elif name in _MERGED and isinstance(value, dict):
            below = fields.get(name)
            both = {**below, **value} if isinstance(below, dict) else value
            fields[name] = {k: v for k, v in both.items() if v is not None or name == "vars"}
        else:
            fields[name] = value
    return JobSpec(setting, number, str(own.get("id")), own, defaults, fields)


def gather(entry: JobSpec, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Findings of all cells of an entry, each thing once.

    A job that is no sweep is named by its place, unless it stands in ``defaults``.
    """
    return list(
        merge(
            replace(f, cell="") if f.cell == entry.id and f.route[:1] == ("jobs",) else f
            for f in findings
        )
    )
