"""``wanbatch explain``: what a diagnostic code means and what to do."""

from __future__ import annotations

from difflib import get_close_matches

import click

from wanbatch.cli.command import Command
from wanbatch.cli.completing import complete_code
from wanbatch.words.errors import ExitCode, WanbatchError


@click.command("explain", cls=Command)
@click.argument("code", required=False, shell_complete=complete_code)
def command(code: str | None) -> None:
    """Explain CODE (WB204, or 204); without one, list all codes."""
    from wanbatch.operations.codes import list_codes

    codes = {entry.code: entry for entry in list_codes()}
    if code is None:
        for entry in codes.values():
            click.echo(f"{entry.code}  {entry.title}")
        return
    known = codes.get(code.upper()) or codes.get(f"WB{code}")
    if known is None:
        near = get_close_matches(code.upper(), codes, n=3)
        raise WanbatchError(
            ExitCode.INVALID,
            f"there is no code {code!r}",
            f"did you mean {', '.join(near)}?" if near else "list them with: wanbatch explain",
        )
    click.echo(f"{known.code}: {known.title}\n\n{known.explanation}")
