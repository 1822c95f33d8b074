"""``wanbatch schema``: prints a JSON Schema, for editors and programs."""

from __future__ import annotations

import json

import click

from wanbatch.cli.command import Command


@click.command("schema", cls=Command)
@click.argument(
    "name",
    type=click.Choice(("manifest", "job", "plan", "report", "review", "lock", "events", "faults")),
    default="manifest",
)
def command(name: str) -> None:
    """Print a JSON Schema (draft-07) on stdout; the manifest's by default."""
    from wanbatch.words.schemas import load_schema

    click.echo(json.dumps(load_schema(name), ensure_ascii=False, indent=2))
