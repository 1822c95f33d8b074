"""The options that all planning commands share, as one decorator and one typed value.

What it may not do: read files or decide anything.

How it works: ``planning_options`` adds the options and hands the command its
``CommonOptions``. Names are the contract's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import click

from wanbatch.cli.command import ALL, RETRY, SharedOption
from wanbatch.cli.completing import complete_backend, complete_term
from wanbatch.model.measures import Level
from wanbatch.model.retrying import Retrying
from wanbatch.model.workers import FORM, read_workers
from wanbatch.operations.options import PlanningOptions
from wanbatch.words.errors import ExitCode, WanbatchError

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("text", "json", "github", "sarif", "junit", "markdown")
CHECKS = tuple(level.value for level in Level)
PROGRESS = ("auto", "rich", "plain", "json", "none")


class Amount(click.FloatRange):
    """A number within bounds, in the digits 0 to 9: Python's ``float`` also reads
    ``nan``, ``1_000``, and the digits of other scripts."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            self.fail(f"{value!r} is not a number such as 2.5.", param, ctx)
        number = float(super().convert(value, param, ctx))
        if not isfinite(number) or number > MOST:
            self.fail(f"{value!r} is more than can be counted to.", param, ctx)
        if 0 < number < LEAST:
            self.fail(f"{value!r} is too close to nothing.", param, ctx)
        return number


class Count(click.IntRange):
    """A whole number within bounds, in the digits 0 to 9 and nothing else."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        if isinstance(value, str) and not _WHOLE.fullmatch(value):
            is_long = value.removeprefix("-").isascii() and value.removeprefix("-").isdigit()
            what = "more than can be counted to" if is_long else "not a whole number such as 5"
            self.fail(f"{value!r} is {what}.", param, ctx)
        return int(super().convert(value, param, ctx))


_NUMBER = re.compile(r"-?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?")
_WHOLE = re.compile(r"-?[0-9]{1,12}")
MOST, LEAST = 1e9, 1e-6
"""No setting is meant beyond these: thirty years, and a microsecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonOptions(PlanningOptions):
    """What planning commands are told; ``color`` and ``progress`` are still ``auto``
    where nothing was said."""

    format: str = "text"
    color: str = "auto"
    progress: str = "auto"
    quiet: bool = False
    verbose: bool = False


def _read_workers(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    if text is not None and read_workers(text) is None:
        raise click.BadParameter(f"{text!r} is not {FORM}")
    return text


_shared = partial(click.option, cls=SharedOption)
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.argument(
        "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
    ),
    _shared(
        "--backend",
        metavar="NAME",
        shell_complete=complete_backend,
        help="Where to run: emulator, gateway, gateway-metadata, dashscope or a profile of yours.",
    ),
    _shared(
        "--select",
        multiple=True,
        metavar="TERM",
        shell_complete=complete_term,
        help="Only these jobs: a name with * and ?, tag:T, axis=V, seed=1..9, state:S. Repeat: all"
        " must hold.",
    ),
    _shared(
        "--with-upstream",
        is_flag=True,
        help="Select also the jobs that selected ones take media from.",
    ),
    _shared("--shard", metavar="I/N", help="Only the I-th of N parts; chained jobs stay together."),
    _shared("--var", "var", multiple=True, metavar="K=V", help="Set a template variable."),
    _shared(
        "--output",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("reports"),
        show_default=True,
        help="Where ledger, videos and reports are.",
    ),
    _shared(
        "--media-root",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        help="Media must lie inside this folder instead of the manifest's.",
    ),
    _shared(
        "--max-jobs",
        type=Count(1),
        default=10_000,
        show_default=True,
        help="Refuse to expand to more jobs.",
    ),
    _shared(
        "--format",
        "format_",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="How findings are printed.",
    ),
    _shared(
        "--color",
        type=click.Choice(("auto", "always", "never")),
        default="auto",
        help="Colours; NO_COLOR and FORCE_COLOR are honoured.",
    ),
    _shared(
        "--progress", type=click.Choice(PROGRESS), default="auto", help="How progress is shown."
    ),
    _shared(
        "--checks",
        type=click.Choice(CHECKS),
        default=Level.ALL.value,
        show_default=True,
        help="How deep finished videos are looked at: all, what costs no decoding, or not.",
    ),
    _shared(
        "--workers",
        metavar="N|dask|URL",
        callback=_read_workers,
        help="Who works on the bytes of videos: so many threads, a Dask cluster of this machine, or"
        " the scheduler at dask://HOST:PORT or tls://HOST:PORT.  [default: the backend's, a thread"
        " a core]",
    ),
    _shared("-q", "--quiet", is_flag=True, help="Say less."),
    _shared("-v", "--verbose", is_flag=True, help="Say more."),
)


def retry_option(help_text: str) -> Callable[[F], F]:
    """``--retry-failed``, alone or with error codes; the command gets what of the
    failed jobs is meant (``Retrying``)."""
    return click.option(
        RETRY,
        multiple=True,
        metavar="[CODE]",
        callback=_read_codes,
        help=f"{help_text} With error codes (by comma, or repeated) only those that failed by"
        " them; a word that is a file's name is none.",
    )


def _read_codes(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> Retrying:
    codes = [code.strip() for text in given for code in text.split(",")]
    if "" in codes:
        raise click.BadParameter(f"an error code is empty: write {RETRY}=InternalError")
    return ALL in codes or frozenset(codes) or False


def planning_options(command: F) -> F:
    """Adds the shared options to ``command``, which receives ``options`` in their
    place."""
    return _with_options(command, _OPTIONS)


def planning_options_or_plan(command: F) -> F:
    """``planning_options`` for a command that a saved plan tells its files."""
    files = click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE...]")
    return _with_options(command, (files, *_OPTIONS[1:]))


def _with_options(command: F, options: Sequence[Callable[[Any], Any]]) -> F:

    @wraps(command)
    def wrapped(**given: Any) -> Any:  # noqa: ANN401 - click hands options over by name
        common = CommonOptions(
            files=given.pop("files"),
            backend=given.pop("backend"),
            select=given.pop("select"),
            with_upstream=given.pop("with_upstream"),
            shard=given.pop("shard"),
            variables=_parse_variables(given.pop("var")),
            output=given.pop("output"),
            media_root=given.pop("media_root"),
            max_jobs=given.pop("max_jobs"),
            checks=Level(given.pop("checks")),
            workers=given.pop("workers"),
            format=given.pop("format_"),
            color=given.pop("color"),
            progress=given.pop("progress"),
            quiet=given.pop("quiet"),
            verbose=given.pop("verbose"),
        )
        return command(options=common, **given)

    decorated: Any = wrapped
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _parse_variables(pairs: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise WanbatchError(
                ExitCode.INVALID,
                f"--var {pair!r} is not NAME=VALUE",
                "for example: --var style=noir",
            )
        found[name] = value
    return found
