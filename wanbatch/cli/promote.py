"""``wanbatch promote``: a manifest of what people chose on the report's page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from wanbatch.cli import wording
from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.cli.options import CommonOptions, Count, planning_options
from wanbatch.cli.output import LISTED, observer
from wanbatch.words.humanize import plural, quoted


@click.command("promote", cls=Command)
@planning_options
@click.option(
    "--picks",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A review.json that the report's page exported. Repeat for those of several people.",
)
@click.option(
    "--top",
    type=Count(1),
    metavar="N",
    help="Of the kept ones the best N: by stars, then by duels.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Change a field of every job, for example size=1080P. Repeat for more.",
)
@click.option(
    "-o", "target", required=True, type=click.Path(path_type=Path), help="The manifest to write."
)
@click.option("--overwrite", is_flag=True, help="Replace the file that -o names.")
def command(
    options: CommonOptions,
    picks: tuple[Path, ...],
    top: int | None,
    changes: tuple[str, ...],
    target: Path,
    overwrite: bool,
) -> None:
    """Write a manifest of the jobs that were kept, each explicit and with its seed
    frozen, and say what it costs. Sends and buys nothing."""
    from wanbatch.operations.promote import PromotionOptions, promote

    wanted = PromotionOptions(
        picks=picks, target=target, top=top, changes=changes, overwrite=overwrite
    )
    done = promote(options, wanted, observer(options, quiet_warnings=True))
    _say_left_out("no longer in the manifest", done.winners.gone)
    _say_left_out("changed since the review", done.winners.changed)
    _say_left_out("kept by as many as reject it", done.winners.even)
    for remark in done.remarks:
        say(f"note: {remark}")
    people = "1 person" if len(done.reviewers) == 1 else f"{len(done.reviewers)} people"
    say(f"{plural(len(done.winners.chosen), 'job')} chosen by {people}.")
    say(wording.plan_line(done.plan))
    if done.estimate is not None:
        say(wording.estimate_line(done.estimate, done.plan.backend))
    if done.unpriced is not None and not options.quiet:
        say(f"No limit can be kept: {done.unpriced.missing}.\n  help: {done.unpriced.advice}")
    say(f"  help: look at it with: {quoted(['wanbatch', 'plan', str(target)])}")
    click.echo(target)


def _say_left_out(why: str, names: Sequence[str]) -> None:
    for name in names[:LISTED]:
        say(f"warning: {name} is left out: {why}")
    if len(names) > LISTED:
        say(f"warning: and {len(names) - LISTED} more are left out: {why}")
