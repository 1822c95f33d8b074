"""From an entry to its sweep: which rows, combinations, seeds and takes it has, before
any of them is built.

What it may not do: render a field of a cell, build jobs.

How it works: what decides the cells (matrix, rows, seeds, seed_key, repeat) may use
only constants, so all of it is known here; the number of jobs is a product that is
checked before anything is multiplied out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from wanbatch.manifest.paths import check_path
from wanbatch.manifest.sweep import codes
from wanbatch.manifest.sweep.entry import JobSpec
from wanbatch.manifest.sweep.matrix import Combination, MatrixTooLarge, expand_matrix
from wanbatch.manifest.sweep.rows import Rows, name_rows
from wanbatch.manifest.sweep.seeds import count_seeds, draw_seeds
from wanbatch.manifest.tables.data_files import read_table
from wanbatch.manifest.tables.headings import TAKEN, WORDS, odd_headings, safe_name
from wanbatch.manifest.tables.tables import Row, RowsProblem, Table, TableForm, inline_table
from wanbatch.manifest.template.constants import ConstantReader
from wanbatch.manifest.template.templates import Templates
from wanbatch.manifest.yaml.document import Value
from wanbatch.words.diagnostics import Severity
from wanbatch.words.quoting import closest, listed, shown
from wanbatch.words.scalars import Scalar, scalar_text


@dataclass(slots=True)
class Sweep:
    """The cells of an entry. ``seeds`` is ``None`` without a ``seeds`` field; ``rows``
    and ``matrix`` are ``None`` where there is no such axis."""

    entry: JobSpec
    constants: dict[str, Scalar]
    rows: Rows | None = None
    matrix: list[Combination] | None = None
    seeds: list[int] | None = None
    repeat: int = 1
    seed_key: str | None = None
    wanted_draws: int = 0
    """How many seeds to draw once the key is known; 0 where they are given."""
    axes: frozenset[str] = field(default_factory=frozenset)
    table: Table | None = None
    """Where the rows stand."""
    source: tuple[str, ...] = ("rows",)
    """Which field names them."""
    reads: set[str] = field(default_factory=set)
    """The variables that its templates read, once it is expanded."""
    is_expanded: bool = False

    def row_of(self, cell: int) -> tuple[Table, int] | None:
        """The row of a cell, by the cell's number among ``cells_of``."""
        if self.table is None or self.rows is None:
            return None
        return self.table, cell // (len(self.matrix) if self.matrix is not None else 1)

    def names(self) -> list[str]:
        """The variables that its templates know, but for ``job``."""
        names = [*self.constants, *self.entry.columns, *self.axes, "row", "seed", "take"]
        return [name for name in dict.fromkeys(names) if name.isidentifier()]

    @property
    def cells(self) -> int:
        """Cells before seeds and takes."""
        return (len(self.rows.rows) if self.rows else 1) * (
            len(self.matrix) if self.matrix is not None else 1
        )

    @property
    def count(self) -> int:
        """How many jobs come of it."""
        return (
            self.cells
            * (self.wanted_draws or (len(self.seeds) if self.seeds is not None else 1))
            * self.repeat
        )

    def draw(self, key: str) -> None:
        """Draw the seeds of ``{count}``."""
        if self.wanted_draws:
            self.seeds = draw_seeds(key, self.wanted_draws)
            self.wanted_draws = 0


@dataclass(slots=True)
class Ceiling:
    """``--max-jobs``, and what all sweeps of a command may still build on the way to
    it; data files are read once for all."""

    jobs: int
    combinations: int = 0
    files: dict[tuple[Path, TableForm], Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.combinations = max(10 * self.jobs, 100_000)


_SWEEPING = frozenset({"rows", "matrix", "seeds", "repeat", "seed_key"})


def find_axes(entry: JobSpec, templates: Templates, ceiling: Ceiling) -> Sweep:
    """The sweep of an entry; what is wrong is noted there, and ``entry.broken`` set
    where no cells can be made."""
    own = entry.fields.get("vars")
    constants: dict[str, Scalar] = {**entry.setting.vars}
    if isinstance(own, dict):
        constants.update(
            (name, value) for name, value in own.items() if not isinstance(value, (dict, list))
        )
    constants.update(entry.setting.given)
    sweep = Sweep(entry, constants)
    fields = entry.fields
    if _SWEEPING.isdisjoint(fields) and not constants:
        return sweep
    before = len(entry.findings)
    reader = ConstantReader(entry, templates, constants)
    if "rows" in fields:
        sweep.rows = _rows(entry, reader, ceiling, sweep)
    if "matrix" in fields:
        sweep.matrix = _matrix(entry, reader, ceiling)
    if "seed_key" in fields:
        sweep.seed_key = reader.text(fields["seed_key"], "seed_key")
    if "repeat" in fields:
        sweep.repeat = reader.number(fields["repeat"], 1, 1_000_000, "repeat") or 1
    if "seeds" in fields:
        _seeds(entry, reader, sweep, ceiling.jobs)
    _check_names(entry, sweep)
    entry.broken = any(f.severity is Severity.ERROR for f in entry.findings[before:])
    return sweep


_BLAMED = {
    codes.ROWS_KEY: "key",
    codes.ROWS_SAME: "key",
    codes.SHEET: "sheet",
    codes.ENCODING: "encoding",
}
"""Which field of ``rows`` a problem belongs to, where it is written."""


def _rows(entry: JobSpec, reader: ConstantReader, ceiling: Ceiling, sweep: Sweep) -> Rows | None:
    value = written = entry.fields["rows"]
    given: dict[str, str] = {}
    path: tuple[str, ...] = ("rows",)
    if isinstance(value, dict):
        given = {
            name: reader.text(value[name], "rows", name)
            for name in ("key", "encoding", "sheet")
            if name in value
        }
        value, path = value["from"], ("rows", "from")
    key = given.get("key")
    sweep.source = path
    try:
        if isinstance(value, list):
            _refuse_form(given)
            sweep.table = _inline(entry, value, reader, path)
        else:
            source = reader.text(value, *path)
            form = TableForm(given.get("encoding"), given.get("sheet"), {"from": source, **given})
            sweep.table = _file(entry, source, ceiling, form)
        entry.columns = tuple(sweep.table.columns())
        entry.odd = odd_headings(entry.columns)
        return name_rows(sweep.table.rows, key)
    except RowsProblem as problem:
        entry.findings.extend(problem.found)
        if not problem.found:
            field = _BLAMED.get(problem.code, "from")
            at = ("rows", field) if isinstance(written, dict) and field in written else path
            entry.report(
                problem.code, problem.message, *at, label=problem.label, hints=problem.hints
            )
        return None


def _refuse_form(given: Mapping[str, str]) -> None:
    if given.keys() & {"encoding", "sheet"}:
        raise RowsProblem(
            codes.ROWS_FILE,
            "encoding and sheet say how a file is read, and these rows are a list",
            "remove them",
        )


def _inline(
    entry: JobSpec, value: list[Value], reader: ConstantReader, path: tuple[str, ...]
) -> Table:
    table = inline_table(entry.setting.document, value, entry.route(*path))
    table.rows = [
        {name: reader.scalar(cell, *path, number, name) for name, cell in row.items()}
        for number, row in zip(table.where, table.rows, strict=True)
    ]
    return table


def _file(entry: JobSpec, source: str, ceiling: Ceiling, form: TableForm) -> Table:
    setting = entry.setting
    if not source:
        raise RowsProblem(codes.ROWS_EMPTY, "there are no rows", "name a data file, or remove rows")
    known = {*setting.vars, *setting.given, "job"}
    if problem := check_path(source, setting.folder, setting.tree, known):
        raise RowsProblem(problem.code, problem.message, *problem.hints, label=problem.label)
    where = setting.tree.find(setting.folder, source)
    if (table := ceiling.files.get((where, form))) is None:
        shown_path = source if str(setting.folder) == "." else str(setting.folder / source)
        table = read_table(shown_path, where, ceiling.jobs, form)
        ceiling.files[where, form] = table
    return table


def _matrix(entry: JobSpec, reader: ConstantReader, ceiling: Ceiling) -> list[Combination] | None:
    value = entry.fields["matrix"]
    if not isinstance(value, dict):
        return None
    axes: dict[str, list[Scalar]] = {}
    for name, items in value.items():
        if name not in ("include", "exclude") and isinstance(items, list):
            axes[name] = [
                reader.scalar(item, "matrix", name, number) for number, item in enumerate(items)
            ]
            _check_same(entry, axes[name], name)
    exclude = _combinations(value.get("exclude"), reader, "exclude")
    include = _combinations(value.get("include"), reader, "include")
    _check_exclude(entry, exclude, axes)
    try:
        size = prod(map(len, axes.values()))
        expanded = expand_matrix(axes, exclude, include, most=ceiling.combinations)
        ceiling.combinations -= size
    except MatrixTooLarge as problem:
        entry.report(
            codes.TOO_MANY_JOBS,
            f"this matrix has {problem.combinations:,} combinations",
            "matrix",
            key=True,
            label="too many to build",
            hints=("use fewer values, or several jobs",),
        )
        return None
    for number in expanded.idle:
        if all(name in axes for name in exclude[number]):
            entry.report(
                codes.IDLE_EXCLUDE,
                "this exclude removes nothing",
                "matrix",
                "exclude",
                number,
                severity=Severity.WARNING,
                hints=("check its values against those of the axes",),
            )
    if not expanded.combinations:
        entry.report(
            codes.NO_COMBINATIONS,
            "no combination is left of this matrix",
            "matrix",
            key=True,
            hints=("remove an exclude, or add an include",),
        )
    return expanded.combinations


def _combinations(value: Value, reader: ConstantReader, kind: str) -> list[Combination]:
    items = value if isinstance(value, list) else []
    return [
        {name: reader.scalar(cell, "matrix", kind, number, name) for name, cell in item.items()}
        for number, item in enumerate(items)
        if isinstance(item, dict)
    ]


def _check_same(entry: JobSpec, values: list[Scalar], name: str) -> None:
    seen: set[str] = set()
    for number, value in enumerate(values):
        text = scalar_text(value)
        if text in seen:
            entry.report(
                codes.SAME_VALUE,
                f"{shown(value)} stands twice in the axis {name}",
                "matrix",
                name,
                number,
                hints=("remove one of the two",),
            )
        seen.add(text)


def _check_exclude(entry: JobSpec, items: list[Combination], axes: dict[str, list[Scalar]]) -> None:
    for number, item in enumerate(items):
        for name in item:
            if name not in axes:
                near = closest(name, axes)
                hint = (
                    f"did you mean {near}?"
                    if near
                    else f"the axes are {listed(axes, 'and')}"
                    if axes
                    else "there are no axes, only include"
                )
                entry.report(
                    codes.UNKNOWN_AXIS,
                    f"exclude names {shown(name)}, which is no axis",
                    "matrix",
                    "exclude",
                    number,
                    name,
                    key=True,
                    hints=(hint,),
                )


def _seeds(entry: JobSpec, reader: ConstantReader, sweep: Sweep, most: int) -> None:
    value = entry.fields["seeds"]
    ceiling = 2**31 - 1
    if isinstance(value, list):
        numbers = [reader.number(item, 0, ceiling, "seeds", n) for n, item in enumerate(value)]
        seen: set[int] = set()
        for n, seed in enumerate(numbers):
            if seed is not None and seed in seen:
                entry.report(
                    codes.SEED_TWICE,
                    f"the seed {seed} stands twice",
                    "seeds",
                    n,
                    hints=("remove one; for several takes use repeat",),
                )
            seen.add(-1 if seed is None else seed)
        sweep.seeds = [seed for seed in numbers if seed is not None]
        return
    if not isinstance(value, dict):
        return
    count = reader.number(value["count"], 1, 2**31, "seeds", "count") or 1
    if count * sweep.cells * sweep.repeat > most:
        sweep.wanted_draws = count  # refused by the ceiling before any is made
        return
    if "start" not in value:
        sweep.wanted_draws = count
        return
    start = reader.number(value["start"], 0, ceiling, "seeds", "start")
    step = reader.number(value.get("step", 1), -ceiling, ceiling, "seeds", "step")
    if start is None or not step:
        if step == 0:
            entry.report(
                codes.SEED_RANGE,
                "step may not be 0",
                "seeds",
                "step",
                hints=("write another step, or repeat for several takes",),
            )
        return
    sweep.seeds = count_seeds(start, count, step)
    if sweep.seeds is None:
        last = start + (count - 1) * step
        entry.report(
            codes.SEED_RANGE,
            f"the last seed would be {last:,}",
            "seeds",
            "count",
            label="seeds are 0 to 2147483647",
            hints=("choose another start, fewer seeds or a smaller step",),
        )


def _check_names(entry: JobSpec, sweep: Sweep) -> None:
    """No name may come from two of: vars, axes, columns, what is built in."""
    sources: dict[str, str] = {}
    axes: set[str] = set()
    for name, source, path in _named(entry, sweep):
        if name in TAKEN or name in WORDS:
            _report_taken(entry, sweep, name, source, path)
        elif sources.setdefault(name, source) != source:
            entry.report(
                codes.NAME_COLLISION,
                f"{shown(name)} is {sources[name]} and {source}",
                *path,
                key=True,
                label="templates could not tell which is meant",
                hints=("rename one of them",),
            )
        if source == "an axis":
            axes.add(name)
    sweep.axes = frozenset(axes | ({"row"} if sweep.rows else set()))


def _report_taken(
    entry: JobSpec, sweep: Sweep, name: str, source: str, path: tuple[str | int, ...]
) -> None:
    message, label = f"{shown(name)} cannot be the name of {source}", "the name is taken"
    if source == "a column" and (table := sweep.table) is not None:
        place = table.place(table.first(name), name, key=True)
        hint = f"rename the column, to {safe_name(name, entry.columns)} for instance"
        entry.findings.append(table.finding(codes.RESERVED_NAME, message, place, hint, label=label))
        return
    use = {"seed": "use seeds", "take": "use repeat"} if source == "an axis" else {}
    hint = use.get(name, "choose another name")
    entry.report(codes.RESERVED_NAME, message, *path, key=True, label=label, hints=(hint,))


def _named(entry: JobSpec, sweep: Sweep) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
    for name in sweep.constants:
        yield name, "a variable", ("vars", name)
    for name, path in matrix_axes(entry.fields.get("matrix")):
        yield name, "an axis", path
    for name in entry.columns if sweep.rows else ():
        yield name, "a column", ("rows",)


def matrix_axes(matrix: Value) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Every name that a matrix gives a value to, with where it stands; those that
    ``include`` adds too."""
    if not isinstance(matrix, dict):
        return
    for name in matrix:
        if name not in ("include", "exclude"):
            yield name, ("matrix", name)
    includes = matrix.get("include")
    for number, item in enumerate(includes if isinstance(includes, list) else []):
        for name in item if isinstance(item, dict) else ():
            yield name, ("matrix", "include", number, name)


def cells_of(sweep: Sweep) -> Iterator[tuple[tuple[tuple[str, Scalar], ...], dict[str, Scalar]]]:
    """(axes, variables) of every cell before seeds and takes, rows outermost."""
    rows = sweep.rows
    if rows is None and sweep.matrix is None:  # a job that is no sweep, or of seeds alone
        yield (), {**sweep.constants}
        return
    row_cells: list[tuple[tuple[tuple[str, Scalar], ...], Row]] = [((), {})]
    if rows:
        row_cells = [((("row", key),), row) for row, key in zip(rows.rows, rows.keys, strict=True)]
    combinations: list[Combination] = sweep.matrix if sweep.matrix is not None else [{}]
    for row_axes, row in row_cells:
        for combination in combinations:
            axes = (*row_axes, *combination.items())
            yield axes, {**sweep.constants, **row, **dict(axes)}
