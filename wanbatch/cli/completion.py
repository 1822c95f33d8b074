"""``wanbatch completion SHELL``: the script that makes a shell complete.

What it may not do: write into a user's files.

How it works: click has the scripts for zsh and fish, ``bash`` the one for bash; they
call wanbatch again with the line so far, and ``completing`` has the values.
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from wanbatch.cli.command import Command

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_WANBATCH_COMPLETE"


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script of SHELL: of commands, options, files, jobs, axes,
    backends and codes.

    \b
    bash:  eval "$(wanbatch completion bash)"    in ~/.bashrc
    zsh:   eval "$(wanbatch completion zsh)"     in ~/.zshrc, after compinit
    fish:  wanbatch completion fish | source     in ~/.config/fish/config.fish
    """
    from wanbatch.cli import bash
    from wanbatch.cli.main import cli

    bash.register()
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click knows the three
    click.echo(kind(cli, {}, "wanbatch", _VARIABLE).source())
