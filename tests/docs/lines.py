"""What is typed in a shell block: its commands one by one, what a page shows of them,
and whether the program knows each word.

What it may not do: run anything.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import click

import wanbatch
from wanbatch.cli.command import RETRY, is_a_file, join_codes
from wanbatch.cli.main import COMMANDS, cli

SEPARATORS = {"&&", "||", "|", ";", "&", "(", ")", "<", ">", ">>", "<<"}


@dataclass(frozen=True)
class Typed:
    """One command, with what the page shows below it (``None`` where it shows nothing)
    and what it ends with."""

    line: str
    shown: str | None = None
    code: int = 0

    @property
    def answers(self) -> tuple[str, ...]:
        """What the page shows as answered."""
        return tuple(re.findall(r"\[y/N\]: (\w+)$", self.shown or "", re.MULTILINE))


def typed_in(language: str, text: str) -> list[Typed]:
    """The commands of a block, in their order."""
    if language == "sh":
        return [_typed(line, None) for line in whole_lines(text)]
    found = []
    for piece in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, *_ = whole_lines(piece)
        shown = piece[len(line) :].strip("\n")
        found.append(_typed(line, shown or None))
    return found


def whole_lines(text: str) -> Iterator[str]:
    """Commands: a backslash at the end and a ``<<`` document make one of many lines."""
    lines = iter(text.splitlines())
    for line in lines:
        found = [line]
        while found[-1].endswith("\\"):
            found.append(next(lines))
        document = re.search(r"<<'?(\w+)'?", line)
        while document and found[-1] != document[1]:
            found.append(next(lines))
        if line.strip() and not line.startswith("#"):
            yield "\n".join(found)


def _typed(line: str, shown: str | None) -> Typed:
    ending = re.search(r"\s# exit (\d+)", line)
    return Typed(line, shown, int(ending[1]) if ending else 0)


# -- is it real? -----------------------------------------------------------------------


def commands_in(line: str) -> Iterator[list[str]]:
    """The words of every ``wanbatch`` that a line calls."""
    text = line.partition("<<")[0].replace("\\\n", " ")
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, "#"
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word in SEPARATORS:
            yield from [words] if words[:1] == ["wanbatch"] else []
            words = []
        elif words or not re.match(r"\w+=", word):
            words.append(word.rpartition("/")[2] if not words else word)


def unknown_in(line: str) -> list[str]:
    """What click does not know of a line: commands, options, choices."""
    return [problem for words in commands_in(line) for problem in _refused(words[1:])]


def _refused(words: list[str]) -> Iterator[str]:
    command, rest = find_command(words)
    if command is None:
        if words[:1] not in ([], ["--version"], ["--help"], ["-h"]):
            yield f"there is no command {' '.join(words[:2])}"
        return
    context = click.Context(command, info_name="wanbatch")
    valued = {name for o in command.params if not getattr(o, "is_flag", True) for name in o.opts}
    try:
        args = join_codes(rest, is_a_file, valued - {RETRY}) if RETRY in valued else rest
        values, left, _ = command.make_parser(context).parse_args(args=args)
        if left:
            yield f"too many words: {left}"
        for one in command.params:
            if isinstance(one.type, click.Choice) and isinstance(values.get(one.name or ""), str):
                one.type.convert(values[one.name or ""], one, context)
    except click.UsageError as error:
        yield error.format_message()


def find_command(words: list[str]) -> tuple[click.Command | None, list[str]]:
    """The command that they call, one in a group too, and the words behind it."""
    context = click.Context(cli)
    found: click.Command | None = cli
    while isinstance(found, click.Group):
        if not words:
            return None, []
        found, words = found.get_command(context, words[0]), words[1:]
    return found, words


# -- is it there yet? ------------------------------------------------------------------


def is_here(need: str) -> bool:
    """Whether what a block waits for exists: ``import`` (a command), ``run --plan`` (an
    option), ``plan --format=markdown`` and ``schema events`` (a choice), ``python
    load`` (a name of the package)."""
    first, *more = need.split()
    if first == "python":
        return all(hasattr(wanbatch, name) for name in more)
    if first not in COMMANDS:
        return False
    command, rest = find_command([first, *more])
    return command is not None and all(_has(command, word) for word in rest)


def _has(command: click.Command, word: str) -> bool:
    option, _, choice = word.partition("=")
    for one in command.params:
        if option in one.opts and (not choice or choice in _choices(one)):
            return True
        if not option.startswith("-") and option in _choices(one):
            return True
    return False


def _choices(one: click.Parameter) -> tuple[str, ...]:
    return tuple(map(str, one.type.choices)) if isinstance(one.type, click.Choice) else ()
