"""What a job has and does not use: axes and columns without effect, headings,
placeholders in data, white space in cells.

What it may not do: refuse a manifest for it (but for a heading that a template means);
all of this may be on purpose.

How it works: once all jobs are made, it is known which names the templates read and on
which axes references are matched. What is left over makes jobs that differ in their
names alone. A data file is judged by all jobs that read it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from wanbatch.manifest.sweep import codes
from wanbatch.manifest.sweep.axes import Sweep, matrix_axes
from wanbatch.manifest.sweep.references import Pending
from wanbatch.manifest.tables.blanks import blank_edge
from wanbatch.manifest.tables.headings import heading_findings
from wanbatch.manifest.tables.tables import Table
from wanbatch.manifest.template import codes as template_codes
from wanbatch.manifest.template.placeholders import by_any_case, find_placeholders
from wanbatch.words.diagnostics import Diagnostic, Severity, has_errors
from wanbatch.words.quoting import listed, shown


def report_usage(sweeps: Sequence[Sweep], pending: Iterable[Pending]) -> None:
    """Note in the entries what their sweeps have without effect, and what their tables
    hold that is not meant.
    """
    pending = list(pending)
    matched = _matched_axes(sweeps, pending)
    doubtful = {p.target for p in pending if has_errors(p.entry.findings)}
    for sweep in sweeps:
        entry = sweep.entry
        if not has_errors(entry.findings) and sweep.is_expanded and entry.id not in doubtful:
            _report_axes(sweep, matched[entry.id])
    for group in _by_table(sweeps):
        _report_table(group, matched)


def _matched_axes(sweeps: Sequence[Sweep], pending: Iterable[Pending]) -> dict[str, set[str]]:
    """By job id, the axes on which a reference of this job, or to it, is matched."""
    axes = {sweep.entry.id: sweep.axes for sweep in sweeps}
    found: dict[str, set[str]] = defaultdict(set)
    pairs = {(p.entry.id, p.target): p.where for p in pending}
    for (downstream, target), where in pairs.items():
        shared = axes.get(downstream, frozenset()) & axes.get(target, frozenset())
        found[downstream] |= shared
        found[target] |= shared | set(where)
    return found


def _report_axes(sweep: Sweep, matched: set[str]) -> None:
    entry = sweep.entry
    matrix = entry.fields.get("matrix")
    seen: set[str] = set()
    for name, path in matrix_axes(matrix):
        if name in sweep.reads or name in matched or name in seen:
            continue
        seen.add(name)
        entry.report(
            codes.UNUSED_AXIS,
            f"the axis {name} of {entry.id} has no effect",
            *path,
            key=True,
            severity=Severity.WARNING,
            label="no template and no field uses it",
            hints=(f"use {{{{ {name} }}}}, or remove the axis; repeat makes several takes",),
        )


def _by_table(sweeps: Sequence[Sweep]) -> list[list[Sweep]]:
    groups: dict[int, list[Sweep]] = defaultdict(list)
    for sweep in sweeps:
        if sweep.table is not None and sweep.rows is not None:
            groups[id(sweep.table)].append(sweep)
    return list(groups.values())


def _report_table(sweeps: list[Sweep], matched: dict[str, set[str]]) -> None:
    first = sweeps[0]
    table = first.table
    assert table is not None  # noqa: S101 - they were grouped by it
    found = [*table.notes, *_blank_edges(table)]
    meant = {name for sweep in sweeps for name in sweep.entry.meant}
    key = first.rows.column if first.rows else None
    found += heading_findings(table, first.entry.odd, meant, key)
    reads = {name for sweep in sweeps for name in sweep.reads}
    names = dict.fromkeys(name for sweep in sweeps for name in sweep.names())
    found += _placeholders(table, reads, by_any_case(names))
    first.entry.findings += found
    if any(has_errors(sweep.entry.findings) or not sweep.is_expanded for sweep in sweeps):
        return
    columns = first.entry.columns
    named = {sweep.rows.column for sweep in sweeps if sweep.rows}
    idle = [c for c in columns if c not in reads and c not in named and c not in first.entry.odd]
    without = [
        sweep
        for sweep in sweeps
        if len(table.rows) > 1
        and not sweep.reads & {*columns, "row"}
        and "row" not in matched[sweep.entry.id]
    ]
    for sweep in without:
        _report_rows(sweep)
    if idle and len(without) < len(sweeps):
        _report_columns(first, idle)


def _report_columns(sweep: Sweep, idle: list[str]) -> None:
    one = len(idle) == 1
    column, has, it = ("column", "has", "it") if one else ("columns", "have", "them")
    sweep.entry.report(
        codes.UNUSED_AXIS,
        f"the {column} {listed(map(shown, idle), 'and')} {has} no effect",
        *sweep.source,
        severity=Severity.WARNING,
        label=f"no template and no field uses {it}",
        hints=(f"use {{{{ {idle[0]} }}}}, or leave {it} if only people read {it}",),
    )


def _report_rows(sweep: Sweep) -> None:
    entry = sweep.entry
    entry.report(
        codes.UNUSED_AXIS,
        f"the rows of {entry.id} have no effect: each asks for the same video",
        *sweep.source,
        severity=Severity.WARNING,
        label="no template and no field uses a column",
        hints=("use {{ column }} in a field, or remove rows; repeat makes several takes",),
    )


def _blank_edges(table: Table) -> Iterator[Diagnostic]:
    """A finding for each column that has cells with white space at an edge, at the
    first of them.
    """
    first: dict[str, tuple[int, str]] = {}
    count: dict[str, int] = defaultdict(int)
    in_yaml = table.document.path.endswith((".yaml", ".yml"))
    for number, row in enumerate(table.rows):
        for name, value in row.items():
            if not isinstance(value, str):
                continue
            # A block of YAML ends with a line end, which nobody has typed.
            edge = blank_edge(value.removesuffix("\n") if in_yaml else value)
            if edge:
                first.setdefault(name, (number, edge))
                count[name] += 1
    for name, (number, edge) in first.items():
        value = table.rows[number][name]
        more = count[name] - 1
        yield table.finding(
            codes.BLANK_EDGE,
            f"{shown(value)} in the column {shown(name)} {edge}",
            table.place(number, name),
            "remove it in the data; it would be bought with the rest",
            label="kept as it stands"
            + (f"; {more:,} more row{'s have' if more > 1 else ' has'} the like" if more else ""),
            severity=Severity.WARNING,
        )


def _placeholders(table: Table, reads: set[str], known: dict[str, str]) -> Iterator[Diagnostic]:
    """Cells that templates put into a text, and that hold a placeholder of another
    tool.
    """
    for column in table.columns():
        if column not in reads:
            continue
        hits = (
            (number, found)
            for number, row in enumerate(table.rows)
            if isinstance(value := row.get(column), str)
            for found in find_placeholders(value, known)
        )
        if (hit := next(hits, None)) is None:
            continue
        more = sum(1 for _ in hits)
        number, found = hit
        yield table.finding(
            template_codes.FOREIGN,
            f"{shown(found.text)} is not replaced",
            table.place(number, column),
            "write the text as the template, with {{ "
            + found.name
            + " }} in it, and the columns as its parts",
            label="values are data, and are sent as they stand"
            + (f"; {more:,} more like it" if more else ""),
            severity=Severity.WARNING,
        )
