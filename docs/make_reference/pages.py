"""Every page of ``docs/reference/``, as text.

What it may not do: say anything that the program does not say. A sentence that is wrong
on these pages is wrong in ``--help``, in ``explain`` or in a schema.
"""

from __future__ import annotations

import click

from make_reference.commands import commands_page
from make_reference.fields import fields_page
from make_reference.markdown import MADE, escaped, joined
from wanbatch.cli.schema import command as schema_command
from wanbatch.operations.codes import list_codes
from wanbatch.words.errors import ExitCode
from wanbatch.words.schemas import load_schema

EXIT_CODES = {
    ExitCode.DONE: "every selected job is done; or there was nothing to do; or all is valid",
    ExitCode.UNFINISHED: "the run ended, and some job is not done, or a video falls short of"
    " what its manifest expects",
    ExitCode.INVALID: "bad usage or an invalid manifest; nothing was sent",
    ExitCode.REFUSED: "refused: budget, approval, a stale plan, a lock that disagrees, a ledger"
    " older than its reports, or nothing to buy but what a person must decide; nothing was sent",
    ExitCode.ENVIRONMENT: "credentials, network, a locked ledger, a full disk; mend it and run"
    " the same command again",
    ExitCode.WORK_TO_DO: "`plan --detailed-exitcode`: there is work to do",
    ExitCode.BUG: "a bug in wanbatch; it prints a report without secrets",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C); the command that resumes is printed",
    ExitCode.TERMINATED: "the same, after SIGTERM",
}

SEVERAL = (
    "Where several apply, the first of 70, 130, 4, 3, 2, 1 counts. `status`, `why`,"
    " `explain` and `compare` end with 0 when they could answer."
)

FAMILIES = {
    "1": "Files and YAML",
    "2": "Fields and combinations",
    "3": "Templates",
    "4": "Sweeps and references",
    "5": "Media",
    "6": "What a backend does not take",
}


def make_pages() -> dict[str, str]:
    """Every page by its file name."""
    pages = {
        "README.md": index_page(),
        "commands.md": commands_page(),
        "codes.md": codes_page(),
        "exit-codes.md": exit_codes_page(),
        "manifest.md": fields_page("manifest"),
    }
    names = [name for name in schema_names() if name not in {"manifest", "job"}]
    return pages | {f"{name}.md": fields_page(name) for name in names}


def schema_names() -> list[str]:
    """What ``wanbatch schema`` can print."""
    (argument,) = [p for p in schema_command.params if isinstance(p.type, click.Choice)]
    return [str(name) for name in argument.type.choices]  # type: ignore[attr-defined]


def codes_page() -> str:
    """Every diagnostic code, as ``wanbatch explain`` tells it."""
    parts = ["# Diagnostic codes", MADE, "`wanbatch explain WB204` says the same."]
    family = ""
    for entry in list_codes():
        if entry.code[2] != family:
            family = entry.code[2]
            parts.append(f"## WB{family}xx: {FAMILIES[family]}")
        parts += [f"### {entry.code}", f"**{escaped(entry.title)}**", escaped(entry.explanation)]
    return joined(parts)


def exit_codes_page() -> str:
    rows = [f"| {int(code)} | {EXIT_CODES[code]} |" for code in ExitCode]
    return joined(
        [
            "# Exit codes",
            MADE,
            "\n".join(["| code | meaning |", "| --- | --- |", *rows]),
            SEVERAL,
        ]
    )


def index_page() -> str:
    about = {
        "commands": "every command and option",
        "codes": "every diagnostic code, with its way out",
        "exit-codes": "what a process ends with",
        **{name: str(load_schema(name)["title"]) for name in schema_names() if name != "job"},
    }
    lines = [f"* [{name}]({name}.md): {words}" for name, words in about.items()]
    return joined(["# Reference", MADE, "\n".join(lines), "Back to [the pages](../README.md)."])
