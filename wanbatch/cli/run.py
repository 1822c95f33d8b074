"""``wanbatch run``: brings every job to done. The command and its options; ``run_view``
shows it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wanbatch.cli.command import Command
from wanbatch.cli.options import (
    Amount,
    CommonOptions,
    Count,
    planning_options_or_plan,
    retry_option,
)
from wanbatch.model.price import AMOUNT_FORM, read_amount
from wanbatch.model.retrying import Retrying

if TYPE_CHECKING:
    from wanbatch.operations.options import RunOptions


def _amount(ctx: click.Context, param: click.Parameter, text: str | None) -> Decimal | None:
    if text is None:
        return None
    amount = read_amount(text)
    if amount is None:
        raise click.BadParameter(f"{text!r} is not an amount of money: write {AMOUNT_FORM}")
    return amount


@click.command("run", cls=Command)
@planning_options_or_plan
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PLAN",
    help="Run exactly a plan that 'plan -o PLAN' saved, up to its total, without asking. It names"
    " the files.",
)
@click.option(
    "--digest",
    metavar="HEX",
    help="With --plan: refuse any other plan than the one of this digest.",
)
@click.option("--yes", is_flag=True, help="Approve the planned spending.")
@click.option(
    "--max-cost",
    callback=_amount,
    metavar="AMOUNT",
    help="Approve spending up to this much, in the backend's currency.",
)
@click.option(
    "--first", type=Count(1), metavar="N", help="Only the first N jobs: a trial before all."
)
@click.option(
    "--max-in-flight", type=Count(1), help="At most so many tasks at the provider at once."
)
@click.option("--rate", type=Amount(0, min_open=True), help="At most so many submits per second.")
@click.option(
    "--poll-interval",
    type=Amount(0.05),
    metavar="SECONDS",
    help="Used until latencies have been learnt.",
)
@click.option(
    "--submit-timeout",
    type=Amount(1),
    metavar="SECONDS",
    help="How long to wait for a submit's answer.  [default: the backend's, 60.0]",
)
@click.option(
    "--wait",
    type=Amount(0),
    default=7200.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a running task.",
)
@click.option(
    "--lock-timeout",
    type=Amount(0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for another run on this output folder.",
)
@click.option("--locked", is_flag=True, help="Refuse where manifest and lock disagree.")
@retry_option("Submit failed jobs again.")
@click.option(
    "--regenerate", is_flag=True, help="Buy again what the selection already has; recorded."
)
@click.option(
    "--notify",
    default="",
    metavar="CMD",
    help="Run this at the end, and once when a paid video is about to vanish.",
)
def command(
    options: CommonOptions,
    plan_file: Path | None,
    digest: str | None,
    yes: bool,
    max_cost: Decimal | None,
    first: int | None,
    max_in_flight: int | None,
    rate: float | None,
    poll_interval: float | None,
    submit_timeout: float | None,
    wait: float,
    lock_timeout: float,
    locked: bool,
    retry_failed: Retrying,
    regenerate: bool,
    notify: str,
) -> int:
    """Bring every job to done: resume what is running, submit what is new, poll,
    download, check, report.

    Run it again after any interruption: it continues, and buys nothing twice.
    """
    from wanbatch.cli.run_view import show_run
    from wanbatch.operations.options import RunOptions

    run = RunOptions(
        yes=yes,
        max_cost=max_cost,
        max_in_flight=max_in_flight,
        rate=rate,
        poll_interval_s=poll_interval,
        submit_timeout_s=submit_timeout,
        wait_s=wait,
        lock_timeout_s=lock_timeout,
        locked=locked,
        retry_failed=retry_failed,
        regenerate=regenerate,
        notify=notify,
    )
    options = replace(options, first=first)
    if plan_file is not None:
        options, run = _take_up(plan_file, digest, options, run)
    elif digest is not None:
        raise click.UsageError("--digest names the digest of a plan: add --plan PLAN.")
    elif not options.files:
        raise click.UsageError("Missing argument 'FILE...', or --plan PLAN.")
    return show_run(options, run)


def _take_up(
    path: Path, digest: str | None, options: CommonOptions, run: RunOptions
) -> tuple[CommonOptions, RunOptions]:
    """What the saved plan says takes the place of what is left open."""
    from wanbatch.operations.approved import read_plan, take_up

    source = click.get_current_context().get_parameter_source("output")
    given = source is not click.core.ParameterSource.DEFAULT
    return take_up(options, run, read_plan(path, digest), output_given=given)
