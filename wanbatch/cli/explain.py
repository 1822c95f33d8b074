"""``wanbatch explain``: what a code means and what to do."""

from __future__ import annotations

import click

from wanbatch.cli.command import Command
from wanbatch.cli.completing import complete_code
from wanbatch.words.errors import ExitCode, WanbatchError


@click.command("explain", cls=Command)
@click.argument("code", required=False, shell_complete=complete_code)
def command(code: str | None) -> None:
    """Explain CODE; without one, list the codes of findings.

    CODE is that of a finding (WB204, wb204 or 204), an error code of a provider
    (InternalError), or the number that a command ended with (3).
    """
    from wanbatch.cli.manual import EXITS
    from wanbatch.operations.codes import explain, list_codes, near_codes

    if code is None:
        for entry in list_codes():
            click.echo(f"{entry.code}  {entry.title}")
        return
    known = explain(code, EXITS)
    if not known:
        near = near_codes(code)
        raise WanbatchError(
            ExitCode.INVALID,
            f"there is no code {code!r}",
            f"did you mean {' or '.join(near)}?" if near else "list them with: wanbatch explain",
        )
    click.echo("\n\n".join(f"{one.code}: {one.title}\n\n{one.explanation}" for one in known))
