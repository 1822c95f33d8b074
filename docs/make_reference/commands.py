"""The page of the commands: what click knows of them, and no word more.

How it works: a command is walked as ``--help`` walks it; the options that all commands
that plan have alike stand once, at the end.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping

import click

from make_reference.markdown import MADE, cell, coded, escaped, joined
from wanbatch.cli.main import COMMANDS, cli
from wanbatch.cli.manual import MANUAL, Page


def commands_page() -> str:
    """Every command; what all that plan share stands once."""
    commands = dict(walk_commands())
    shared = shared_options(commands)
    parts = [
        "# Commands",
        MADE,
        "`wanbatch COMMAND --help` says the same in the terminal.",
        "\n".join(f"* [`wanbatch {n}`](#wanbatch-{n.replace(' ', '-')})" for n in commands)
        + "\n* [Options of the commands that plan](#options-of-the-commands-that-plan)",
    ]
    for name, found in commands.items():
        parts += command_parts(name, found, shared)
    parts += ["## Options of the commands that plan"]
    parts += [option_table(shared.values(), context_of("plan", commands["plan"]))]
    return joined(parts)


def walk_commands() -> Iterator[tuple[str, click.Command]]:
    """Names as they are typed, in the order of ``wanbatch --help``."""
    context = click.Context(cli, info_name="wanbatch")
    for name in COMMANDS:
        found = cli.get_command(context, name)
        assert found is not None, name
        if isinstance(found, click.Group):
            for inner in found.list_commands(context):
                below = found.get_command(context, inner)
                assert below is not None, inner
                yield f"{name} {inner}", below
        else:
            yield name, found


def shared_options(commands: Mapping[str, click.Command]) -> dict[str, click.Option]:
    """What ``validate``, ``plan`` and ``run`` have alike: the options of planning."""
    tables = [options_of(commands[name]) for name in ("validate", "plan", "run")]
    return {
        name: option
        for name, option in tables[0].items()
        if all(name in t and told(t[name]) == told(option) for t in tables)
    }


def options_of(command: click.Command) -> dict[str, click.Option]:
    return {p.opts[-1]: p for p in command.params if isinstance(p, click.Option)}


def told(option: click.Option) -> tuple[str, ...]:
    """What ``--help`` says of it."""
    record = option.get_help_record(click.Context(click.Command("any")))
    return record or ("", "")


def command_parts(
    name: str, command: click.Command, shared: Mapping[str, click.Option]
) -> list[str]:
    """Heading, usage, what it does, and its own options."""
    context = context_of(name, command)
    usage = " ".join(("wanbatch", name, *command.collect_usage_pieces(context)))
    parts = [f"## wanbatch {name}", f"```text\n{usage}\n```", *help_parts(command)]
    options = options_of(command)
    common = {n for n, o in options.items() if n in shared and told(shared[n]) == told(o)}
    own = [o for n, o in options.items() if n not in common or len(common) < len(shared)]
    if own:
        parts.append(option_table(own, context))
    if len(common) == len(shared):
        more = "and" if own else "It takes"
        link = "[options of the commands that plan](#options-of-the-commands-that-plan)"
        parts.append(f"{more} the {link}.".capitalize() if not own else f"… {more} the {link}.")
    return [*parts, *manual_parts(MANUAL[name])]


def manual_parts(page: Page) -> Iterator[str]:
    """Examples, and what it can end with."""
    lines = [f"# {meaning}\n{line}" for line, meaning in page.examples]
    yield "```sh\n" + "\n".join(lines) + "\n```"
    codes = ", ".join(str(int(code)) for code in page.exits)
    yield f"It ends with [{codes}](exit-codes.md)."


def context_of(name: str, command: click.Command) -> click.Context:
    return click.Context(command, info_name=name, parent=click.Context(cli, info_name="wanbatch"))


def help_parts(command: click.Command) -> list[str]:
    """Its paragraphs; what click may not wrap, and what shows a command, as code."""
    parts = []
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        text = paragraph.removeprefix("\b\n").replace("\b", "").strip("\n")
        is_code = paragraph.startswith("\b") or text.startswith("wanbatch ")
        parts.append(f"```text\n{text}\n```" if is_code else escaped(text))
    return [part for part in parts if part]


def option_table(options: Iterable[click.Option], context: click.Context) -> str:
    lines = ["| option | meaning |", "| --- | --- |"]
    for option in options:
        record = option.get_help_record(context)
        if record is not None and not option.hidden:
            names, meaning = record
            lines.append(f"| {coded(names)} | {cell(escaped(meaning))} |")
    return "\n".join(lines)
