"""``wanbatch doctor``: checks configuration, backend, key, clock, bucket and disk, and
says what to do. Spends nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say, wants_color
from wanbatch.words.errors import ExitCode

if TYPE_CHECKING:
    from wanbatch.operations.doctor import Finding

SIGNS = {"good": ("ok", "green"), "warning": ("!", "yellow"), "bad": ("x", "red")}


@click.command("doctor", cls=Command)
@click.option(
    "--backend", metavar="NAME", help="Which backend; the project's or your default one without it."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="The output folder to look at.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON on stdout.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto")
def command(backend: str | None, output: Path, as_json: bool, color: str) -> int:
    """Check whether a backend can be used from here. Asks for a task that cannot exist,
    so it costs nothing.

    Exits 0 where nothing is in the way of a run, 4 where something is.
    """
    from wanbatch.operations.doctor import examine_all

    findings = examine_all(backend, output)
    if as_json:
        shown = [
            {"subject": f.subject, "health": f.health.value, "seen": f.seen, "help": list(f.help)}
            for f in findings
        ]
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            _show(finding, color=wants_color(color))
    return ExitCode.ENVIRONMENT if any(f.health.value == "bad" for f in findings) else ExitCode.DONE


def _show(finding: Finding, *, color: bool) -> None:
    sign, tint = SIGNS[finding.health.value]
    say(
        f"  {click.style(f'{sign:2}', fg=tint) if color else f'{sign:2}'}"
        f" {finding.subject:14} {finding.seen}"
    )
    for hint in finding.help:
        say(f"     {'':14} help: {hint}")
