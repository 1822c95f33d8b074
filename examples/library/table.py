"""A report as a table in Markdown, made with nothing but the standard library.

python examples/library/table.py reports/seed-sweep
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import wanbatch
from wanbatch.model.report import ReportJob

HEADS = ("job", "state", "seconds", "made in", "cost", "checks that speak up")


def row(job: ReportJob) -> tuple[str, ...]:
    made, output = job.timings.generation_s, job.output
    return (
        job.name,
        job.state.value,
        f"{output.seconds:g}" if output else "",
        f"{made:.1f} s" if made is not None else "",
        f"{job.cost.spent} {job.cost.currency}",
        ", ".join(check.name for check in job.checks if not check.passed),
    )


def table(rows: Iterable[Sequence[str]]) -> str:
    lines = [HEADS, tuple("---" for _ in HEADS), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> int:
    if len(sys.argv) != 2:
        print("name a report: table.py reports/NAME")
        return 2
    try:
        report = wanbatch.open_report(sys.argv[1])
    except wanbatch.WanbatchError as error:
        print(f"error: {error}")
        return error.exit_code
    print(table(row(job) for job in report.jobs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
