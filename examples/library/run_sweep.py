"""Runs a manifest from a program: looks at the plan, approves it up to an amount, tells
how it goes on, and ends with the exit code of the command.

    python examples/library/run_sweep.py examples/specs/seed-sweep.wanbatch.yaml

The manifest of the example runs on the emulator, which costs nothing. For a paid
backend: ``--backend gateway``, with its key in the environment.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from decimal import Decimal

import wanbatch
from wanbatch.operations.events import Event, Stored, Submitted

MOST = Decimal(20)
"""Above this a person looks at the plan first."""


async def run(manifest: str, backend: str | None, output: str) -> int:
    plan = wanbatch.plan(manifest, backend=backend, output=output)
    for entry in plan.selected():
        print(f"{entry.action.value:8} {entry.name}: {entry.reason}")
    if plan.total is None or plan.total > MOST:
        print(f"{plan.total} {plan.currency} is more than {MOST}: not without a person")
        return 3
    result = await wanbatch.run(plan, on_event=tell)
    for job in result.jobs:
        print(f"{job.state.value:8} {job.name}  {result.report.video(job) or ''}")
    print(f"{result.cost.spent} {result.cost.currency} spent")
    return result.exit_code


async def tell(event: Event) -> None:
    """New kinds of events will come: what is unknown is passed over."""
    match event:
        case Submitted(attempt):
            print(f"running  {attempt.job}")
        case Stored(attempt):
            print(f"here     {attempt.job}: {attempt.seconds:g} s")
        case _:
            pass


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a manifest of videos.")
    parser.add_argument("manifest")
    parser.add_argument("--backend")
    parser.add_argument("--output", default="reports")
    given = parser.parse_args()
    try:
        return asyncio.run(run(given.manifest, given.backend, given.output))
    except wanbatch.WanbatchError as error:
        print(f"error: {error}", *(f"  help: {hint}" for hint in error.hints), sep="\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
