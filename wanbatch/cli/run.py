"""``wanbatch run``: brings every job to done. The command and its options; ``run_view``
shows it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import click

from wanbatch.cli.command import Command
from wanbatch.cli.options import Amount, CommonOptions, Count, planning_options, retry_option
from wanbatch.model.price import AMOUNT_FORM, read_amount
from wanbatch.model.retrying import Retrying


def _amount(ctx: click.Context, param: click.Parameter, text: str | None) -> Decimal | None:
    if text is None:
        return None
    amount = read_amount(text)
    if amount is None:
        raise click.BadParameter(f"{text!r} is not an amount of money: write {AMOUNT_FORM}")
    return amount


@click.command("run", cls=Command)
@planning_options
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
def command(
    options: CommonOptions,
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
    )
    return show_run(replace(options, first=first), run)
