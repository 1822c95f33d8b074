"""From an entry to its sweep: which rows, combinations, seeds and takes it has, before any of them is built.

What it may not do: render a field of a cell, build jobs.

How it works: what decides the cells (matrix, rows, seeds, seed_key, repeat) may use only constants, so all of it is known here; the number of
jobs is a product that is checked before anything is multiplied out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from wanbatch.diagnostics import Severity
from wanbatch.manifest import expand_codes as codes
from wanbatch.manifest import template_codes
from wanbatch.manifest.constants import ConstantReader
from wanbatch.manifest.document import Value
from wanbatch.manifest.entry import Entry
from wanbatch.manifest.matrix import Combination, MatrixTooLarge, expand_matrix
from wanbatch.manifest.model import Scalar
from wanbatch.manifest.rows import Row, Rows, RowsProblem, name_rows, read_rows, rows_of
from wanbatch.manifest.scalars import scalar_text
from wanbatch.manifest.seeds import count_seeds, draw_seeds
from wanbatch.manifest.shown import closest, listed, shown
from wanbatch.manifest.templates import Templates

RESERVED = frozenset({"seed", "take", "row", "job"})
_WORDS = frozenset(
    [
        "true",
        "false",
        "none",
        "True",
        "False",
        "None",
        "and",
        "or",
        "not",
        "in",
        "is",
        "if",
        "elif",
        "else",
        "endif",
        "for",
        "endfor",
        "recursive",
        "loop",
        "self",
    ]
)


@dataclass(slots=True)
class Sweep:
    """The cells of an entry. ``seeds`` is ``None`` without a ``seeds`` field; ``rows`` and ``matrix`` are ``None`` where there is no such axis."""

    entry: Entry
    constants: dict[str, Scalar]
    rows: Rows | None = None
    matrix: list[Combination] | None = None
    seeds: list[int] | None = None
    repeat: int = 1
    seed_key: str | None = None
    wanted_draws: int = 0
    """How many seeds to draw once the key is known; 0 where they are given."""
    axes: frozenset[str] = field(default_factory=frozenset)

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
    """``--max-jobs``, and what all sweeps of a command may still build on the way to it; data files are read once for all."""

    jobs: int
    combinations: int = 0
    files: dict[Path, list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.combinations = max(10 * self.jobs, 100_000)


def find_axes(entry: Entry, templates: Templates, ceiling: Ceiling) -> Sweep:
    """The sweep of an entry; what is wrong is noted there, and ``entry.broken`` set where no cells can be made."""
    own = entry.fields.get("vars")
    constants: dict[str, Scalar] = {**entry.setting.vars}
    if isinstance(own, dict):
        constants.update(
            (name, value) for name, value in own.items() if not isinstance(value, (dict, list))
        )
    constants.update(entry.setting.given)
    sweep = Sweep(entry, constants)
    fields = entry.fields
    if not (fields.keys() & {"rows", "matrix", "seeds", "repeat", "seed_key"}) and not constants:
        return sweep
    before = len(entry.findings)
    reader = ConstantReader(entry, templates, constants)
    if "rows" in fields:
        sweep.rows = _rows(entry, reader, ceiling)
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


def _rows(entry: Entry, reader: ConstantReader, ceiling: Ceiling) -> Rows | None:
    value = entry.fields["rows"]
    key: str | None = None
    path: tuple[str, ...] = ("rows",)
    if isinstance(value, dict):
        key = reader.text(value["key"], "rows", "key") if "key" in value else None
        value, path = value["from"], ("rows", "from")
    try:
        if isinstance(value, list):
            return name_rows(_inline(value, reader, path), key)
        return name_rows(_file(entry, reader.text(value, *path), ceiling), key)
    except RowsProblem as problem:
        entry.findings.extend(problem.found)
        if not problem.found:
            at = (
                ("rows", "key")
                if key is not None and problem.code in (codes.ROWS_KEY, codes.ROWS_SAME)
                else path
            )
            entry.report(problem.code, problem.message, *at, hints=problem.hints)
        return None


def _inline(value: list[Value], reader: ConstantReader, path: tuple[str, ...]) -> list[Row]:
    rows = rows_of(value)
    return [
        {name: reader.scalar(cell, *path, number, name) for name, cell in row.items()}
        for number, row in enumerate(rows)
    ]


def _file(entry: Entry, source: str, ceiling: Ceiling) -> list[Row]:
    if not source:
        return []
    where = entry.setting.folder / source
    if (known := ceiling.files.get(where)) is not None:
        return known
    if not entry.setting.tree.holds(where):
        raise RowsProblem(
            template_codes.OUTSIDE,
            f"{shown(source)} lies outside of the manifest's folder tree",
            "copy it into the tree, or use --media-root",
        )
    rows = ceiling.files[where] = read_rows(
        source if str(entry.setting.folder) == "." else str(where), where, ceiling.jobs
    )
    return rows


def _matrix(entry: Entry, reader: ConstantReader, ceiling: Ceiling) -> list[Combination] | None:
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
        entry.report(codes.TOO_MANY_JOBS, f"this matrix has {problem.combinations:,} combinations", "matrix", key=True, label="too many to build",
                     hints=("use fewer values, or several jobs",))  # fmt: skip
        return None
    for number in expanded.idle:
        if all(name in axes for name in exclude[number]):
            entry.report(codes.IDLE_EXCLUDE, "this exclude removes nothing", "matrix", "exclude", number, severity=Severity.WARNING,
                         hints=("check its values against those of the axes",))  # fmt: skip
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


def _check_same(entry: Entry, values: list[Scalar], name: str) -> None:
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


def _check_exclude(entry: Entry, items: list[Combination], axes: dict[str, list[Scalar]]) -> None:
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


def _seeds(entry: Entry, reader: ConstantReader, sweep: Sweep, most: int) -> None:
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
        entry.report(codes.SEED_RANGE, f"the last seed would be {last:,}", "seeds", "count", label="seeds are 0 to 2147483647",
                     hints=("choose another start, fewer seeds or a smaller step",))  # fmt: skip


def _check_names(entry: Entry, sweep: Sweep) -> None:
    """No name may come from two of: vars, axes, columns, what is built in."""
    sources: dict[str, str] = {}
    axes: set[str] = set()
    for name, source, path in _named(entry, sweep):
        if name in RESERVED or name in _WORDS:
            use = (
                {"seed": "use seeds", "take": "use repeat"}.get(name, "choose another name")
                if source == "an axis"
                else "choose another name"
            )
            entry.report(
                codes.RESERVED_NAME,
                f"{shown(name)} cannot be the name of {source}",
                *path,
                key=True,
                label="the name is taken",
                hints=(use,),
            )
        elif sources.setdefault(name, source) != source:
            entry.report(codes.NAME_COLLISION, f"{shown(name)} is {sources[name]} and {source}", *path, key=True,
                         label="templates could not tell which is meant", hints=("rename one of them",))  # fmt: skip
        if source == "an axis":
            axes.add(name)
    sweep.axes = frozenset(axes | ({"row"} if sweep.rows else set()))


def _named(entry: Entry, sweep: Sweep) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
    for name in sweep.constants:
        yield name, "a variable", ("vars", name)
    matrix = entry.fields.get("matrix")
    if isinstance(matrix, dict):
        for name in matrix:
            if name not in ("include", "exclude"):
                yield name, "an axis", ("matrix", name)
        includes = matrix.get("include")
        for number, item in enumerate(includes if isinstance(includes, list) else []):
            for name in item if isinstance(item, dict) else ():
                yield name, "an axis", ("matrix", "include", number, name)
    if sweep.rows:
        for name in dict.fromkeys(name for row in sweep.rows.rows for name in row):
            yield name, "a column", ("rows",)


def cells_of(sweep: Sweep) -> Iterator[tuple[tuple[tuple[str, Scalar], ...], dict[str, Scalar]]]:
    """(axes, variables) of every cell before seeds and takes, rows outermost."""
    rows = sweep.rows
    row_cells: list[tuple[tuple[tuple[str, Scalar], ...], Row]] = [((), {})]
    if rows:
        row_cells = [((("row", key),), row) for row, key in zip(rows.rows, rows.keys, strict=True)]
    combinations: list[Combination] = sweep.matrix if sweep.matrix is not None else [{}]
    for row_axes, row in row_cells:
        for combination in combinations:
            axes = (*row_axes, *combination.items())
            yield axes, {**sweep.constants, **row, **dict(axes)}
