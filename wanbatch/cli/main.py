"""The command line's root: the table of commands, and the one handler of everything
that goes wrong.

What it may not do: import a command's module before that command is called: ``wanbatch
--help`` must cost next to nothing.

How it works: ``COMMANDS`` is the table of contents. A command lives in
``wanbatch.cli.<module>`` as a ``click.Command`` named ``command``. Trouble arrives here
as ``WanbatchError`` (a message and an exit code), as click's usage errors, or as a bug;
nothing else in the house prints or exits.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from wanbatch import __version__
from wanbatch.words.collector import collect_seldom
from wanbatch.words.errors import ExitCode, WanbatchError, as_machine_trouble, innermost

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Write a starter manifest that runs, one picture, and the schema."),
    "validate": (
        "validate",
        "Check manifests: YAML, schema, templates, expansion, media. No network.",
    ),
    "plan": ("plan", "Show the jobs, what would be done with each and why, and what it costs."),
    "run": ("run", "Bring every job to done: resume, submit, poll, download, check, report."),
    "status": ("status", "Show what the ledger knows."),
    "fetch": ("fetch", "Poll and download what was already paid for. Never submits."),
    "cancel": ("cancel", "Ask the provider to call off tasks that have not begun."),
    "resolve": ("resolve", "Decide on an uncertain or expired job: adopt, resubmit or abandon."),
    "report": ("report", "Rebuild the report from the ledger."),
    "check": ("check", "Check the videos of a report, or any videos. No network."),
    "film": ("film", "Make one MP4 of many videos: the grid of a sweep, or one after the other."),
    "compare": ("compare", "Show what is new, gone, changed between two reports or locks."),
    "promote": ("promote", "Write a manifest of what was chosen on the report's page."),
    "why": ("why", "Say which part of a job changed since it was last bought."),
    "lock": ("lock", "Write the committed lock file: what was bought, and as what."),
    "verify": ("verify", "Hold manifest, media and videos against the lock."),
    "import": (
        "import_",
        "Take up what others bought: a CI artifact, a shard, a report folder, a lock.",
    ),
    "clean": ("clean", "List videos that nobody needs; move them to a trash, or empty it."),
    "ledger": ("ledger", "Check the ledger and its videos, or copy it while a run goes on."),
    "emulator": ("emulator", "Serve a local API on loopback that renders real videos."),
    "schema": (
        "schema",
        "Print a JSON Schema: manifest, job, plan, report, review, lock, events or faults.",
    ),
    "completion": ("completion", "Print the completion script of bash, zsh or fish."),
    "explain": ("explain", "Explain a diagnostic code."),
    "doctor": (
        "doctor",
        "Check a backend, its key, the clock, the bucket and the disk. Spends nothing.",
    ),
}


class CommandTable(click.Group):
    """A group that knows its commands by name and imports one only when it is
    called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"wanbatch.cli.{COMMANDS[cmd_name][0]}")
        command = module.command
        if not isinstance(command, click.Command):
            raise TypeError(f"wanbatch.cli.{COMMANDS[cmd_name][0]} has no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else " See 'wanbatch --help'."
            raise click.UsageError(f"there is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=CommandTable,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="wanbatch")
def cli() -> None:
    """Declarative batch runner for video generation with wan2.7-i2v.

    A manifest in YAML says what to make; `validate` checks it, `plan` prices it, `run`
    buys it once and brings every video home.
    """
    try:
        Path.cwd()
    except OSError:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            "the folder in which the command runs does not exist any more",
            "cd into one that does",
        ) from None


def main() -> None:
    """The entry point: runs a command and ends the process with the contract's exit
    code."""
    collect_seldom()
    _hold_standard_streams()
    code = _guarded()
    _flush()
    raise SystemExit(int(code))


def _guarded() -> int:
    try:
        _refuse_bytes(sys.argv[1:])
        if "_WANBATCH_COMPLETE" in os.environ:
            importlib.import_module("wanbatch.cli.bash").register()
        result = cli.main(prog_name="wanbatch", standalone_mode=False)
    except BaseException as error:  # noqa: BLE001 - the one handler: everything that goes wrong ends here, as a message and an exit code
        return _explain_failure(innermost(error))
    return result if isinstance(result, int) else ExitCode.DONE


def _refuse_bytes(words: Sequence[str]) -> None:
    """What is no text can stand in no manifest, ledger or report. Raises
    ``WanbatchError`` (2)."""
    for word in words:
        if any("\ud800" <= c <= "\udfff" for c in word):
            raise WanbatchError(
                ExitCode.INVALID,
                f"{word!a} is not UTF-8 text",
                "rename the file or folder, or write the value in UTF-8",
            )


def _explain_failure(error: BaseException) -> int:
    error = as_machine_trouble(error) or error
    match error:
        case WanbatchError():
            if not error.findings:  # those have been shown
                _say("error: " + error.message, *(f"  help: {hint}" for hint in error.hints))
            return error.exit_code
        case click.exceptions.NoArgsIsHelpError():
            _say(error.format_message())
            return ExitCode.INVALID
        case click.UsageError():
            _say(
                f"error: {error.format_message()}",
                *([f"  help: see '{error.ctx.command_path} --help'"] if error.ctx else []),
            )
            return ExitCode.INVALID
        case click.ClickException():
            _say(f"error: {error.format_message()}")
            return ExitCode.INVALID
        case click.Abort() | KeyboardInterrupt():
            _say("interrupted")
            return ExitCode.INTERRUPTED
        case click.exceptions.Exit():
            return error.exit_code
        case BrokenPipeError():
            return ExitCode.DONE
        case SystemExit():
            return error.code if isinstance(error.code, int) else ExitCode.BUG
    _report_bug(error)
    return ExitCode.BUG


def _report_bug(error: BaseException) -> None:
    """What a maintainer needs and no more: types and places. Messages and values may
    hold a key or a signed URL, so they stay out."""
    _say(
        f"error: a bug in wanbatch {__version__}: {type(error).__name__}. Nothing that was"
        " recorded is lost; run the same command again to resume."
    )
    for frame in traceback.extract_tb(error.__traceback__)[-8:]:
        _say(f"  at {Path(frame.filename).name}:{frame.lineno} in {frame.name}")
    if os.environ.get("WANBATCH_DEBUG") == "1":
        traceback.print_exception(error)


def _say(*lines: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in lines:
            click.echo(line, err=True)


def _hold_standard_streams() -> None:
    """A process started with one of the three streams closed would get its number for
    the next file that it opens, and that may be the ledger."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - open for as long as the process lives


def _flush() -> None:
    """A stream that takes nothing at the very end is no failure of the command."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
