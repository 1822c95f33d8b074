"""Every page of ``docs/reference/``, as text.

What it may not do: say anything that the program does not say. A sentence that is wrong
on these pages is wrong in ``--help``, in ``explain`` or in a schema.
"""

from __future__ import annotations

import click

from make_reference.commands import commands_page
from make_reference.fields import fields_page
from make_reference.markdown import MADE, cell, coded, escaped, joined
from wanbatch.cli.manual import EXITS
from wanbatch.cli.schema import command as schema_command
from wanbatch.operations.codes import list_codes
from wanbatch.report.failures import TABLE
from wanbatch.words.errors import ExitCode
from wanbatch.words.schemas import load_schema

SEVERAL = (
    "Where several apply, the first of 70, 130, 4, 3, 2, 1 counts. `status`, `why`,"
    " `explain` and `compare` end with 0 when they could answer."
)

FIRST_ROW = (
    "The first row that has the code counts; `*` stands for anything. `wanbatch explain"
    " InternalError` says the same, and the report says it of each failed job."
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
        "failures.md": failures_page(),
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
    rows = [f"| {int(code)} | {cell(escaped(EXITS[code]))} |" for code in ExitCode]
    return joined(
        [
            "# Exit codes",
            MADE,
            "\n".join(["| code | meaning |", "| --- | --- |", *rows]),
            SEVERAL,
        ]
    )


def failures_page() -> str:
    """Error codes of providers, as ``wanbatch explain`` tells them."""
    lines = ["| code | what it means | what to do | before it can succeed |"]
    lines += ["| --- | --- | --- | --- |"]
    for row in TABLE:
        codes = ", ".join(coded(code) for code in row.codes)
        words = (row.meaning, row.mend.removesuffix(", then"), row.remedy.value)
        lines.append(f"| {codes} | {' | '.join(cell(escaped(one)) for one in words)} |")
    return joined(
        [
            "# Error codes of providers",
            MADE,
            FIRST_ROW,
            "\n".join(lines),
        ]
    )


def index_page() -> str:
    about = {
        "commands": "every command and option",
        "codes": "every diagnostic code, with its way out",
        "exit-codes": "what a process ends with",
        "failures": "what a provider's error code means",
        **{name: str(load_schema(name)["title"]) for name in schema_names() if name != "job"},
    }
    lines = [f"* [{name}]({name}.md): {words}" for name, words in about.items()]
    return joined(["# Reference", MADE, "\n".join(lines), "Back to [the pages](../README.md)."])
