"""A command whose help begins with its own options, and an option whose value may be
left out.

What it may not do: know one command from another, or import anything heavy.

How it works: ``Command`` writes its own options first, those that all planning commands
share (``SharedOption``) in a section of their own, then the examples and exit codes of
``cli.manual``. ``--retry-failed`` may stand alone, and a file may follow it: before
click reads the line, ``join_codes`` ties a word that is an error code to it. No option
may have nothing for its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import click

RETRY = "--retry-failed"
ALL = "all"
_CODES = re.compile(r"[A-Za-z0-9_][\w.-]*(?:,[A-Za-z0-9_][\w.-]*)*", re.ASCII)
_FILE = re.compile(r"(?i)\.(?:ya?ml|json|toml|csv)\Z")


class SharedOption(click.Option):
    """An option of all commands that plan."""


class Command(click.Command):
    """A command of the house."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = [p for p in self.params if isinstance(p, click.Option)]
        if any(RETRY in option.opts for option in options):
            valued = {name for o in options if not o.is_flag for name in o.opts if name != RETRY}
            args = join_codes(args, is_a_file, valued)
        if "" in args or any(word.endswith("=") for word in args):
            self._refuse_nothing(ctx, args)
        return super().parse_args(ctx, args)

    def _refuse_nothing(self, ctx: click.Context, args: Sequence[str]) -> None:
        """``--shard "$SHARD"`` where the variable is not set would mean all jobs."""
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        for param in self.params:
            if isinstance(param, click.Option) and given.get(param.name or "") == "":
                raise click.BadParameter(
                    "it is empty: leave the option out, or give it a value (is a variable of the"
                    " shell not set?)",
                    ctx=ctx,
                    param=param,
                )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                (shared if isinstance(param, SharedOption) else own).append(record)
        for title, records in (("Options", own), ("Options of all commands that plan", shared)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from wanbatch.cli.manual import EXITS, MANUAL

        name = ctx.command_path.partition(" ")[2]
        page = MANUAL.get(name)
        if page is None:
            super().format_epilog(ctx, formatter)
            return
        with formatter.section("Examples"):
            for line, what in page.examples:
                formatter.write(f"{' ' * formatter.current_indent}{line}\n")
                with formatter.indentation():
                    formatter.write_text(what)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), EXITS[code]) for code in page.exits])


def is_a_file(word: str) -> bool:
    """Whether there is something of this name."""
    try:
        return Path(word).exists()
    except (OSError, ValueError):
        return False


def join_codes(
    words: Sequence[str], exists: Callable[[str], bool], valued: Collection[str] = ()
) -> list[str]:
    """The words of a line in which every ``--retry-failed`` has its value.

    The next word is an error code where it has the form of one (or of several, by
    commas) and there is no file of this name; what ends as a manifest does is always a
    file. Else all failed jobs are meant. ``valued`` are the other options that take the
    next word, whatever it is.
    """
    return list(_joined(words, exists, valued))


def _joined(
    words: Sequence[str], exists: Callable[[str], bool], valued: Collection[str]
) -> Iterator[str]:
    rest = iter(range(len(words)))
    for at in rest:
        word, following = words[at], words[at + 1] if at + 1 < len(words) else None
        if word == "--":
            yield from words[at:]
            return
        if word == RETRY:
            if following is not None and _is_code(following, exists):
                next(rest)
                yield f"{RETRY}={following}"
            else:
                yield f"{RETRY}={ALL}"
        elif word in valued and following is not None:
            next(rest)
            yield from (word, following)
        else:
            yield word


def _is_code(word: str, exists: Callable[[str], bool]) -> bool:
    return bool(_CODES.fullmatch(word)) and not _FILE.search(word) and not exists(word)
