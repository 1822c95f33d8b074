"""``wanbatch validate``: every check that needs no network."""

from __future__ import annotations

import click

from wanbatch.api import check_files
from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.cli.options import CommonOptions, planning_options
from wanbatch.cli.output import observer
from wanbatch.operations.check import check_choice, count_files, describe_addresses
from wanbatch.words.humanize import plural


@click.command("validate", cls=Command)
@planning_options
def command(options: CommonOptions) -> None:
    """Check manifests: YAML, schema, templates, expansion and local media. Needs no
    network, no key and no ledger."""
    observe = observer(options, always=True)
    checked = check_files(options, observe)
    check_choice(options, checked, observe)
    if options.quiet:
        return
    for manifest in checked.manifests:
        jobs, files = plural(len(manifest.jobs), "job"), plural(count_files(manifest), "media file")
        say(f"{manifest.path}: valid, {jobs}, {files}")
        if options.verbose:
            for line in describe_addresses(manifest):
                say(f"  {line}")
