"""Writes ``docs/reference/``: commands, codes, exit codes, the manifest's fields and
the files that wanbatch writes. ``make reference`` calls it.

What it may not do: say anything that the program does not say. A sentence that is wrong
on these pages is wrong in ``--help``, in ``explain`` or in a schema.

How it works: commands come from click, codes from their register, fields from the
schemas, which are walked along their references. ``--check`` writes nothing, and
ends with 1 where a page is not what it should be; ``tests/docs/test_reference.py``
holds that.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from wanbatch.cli.main import COMMANDS, cli
from wanbatch.cli.schema import command as schema_command
from wanbatch.operations.codes import list_codes
from wanbatch.words.errors import ExitCode
from wanbatch.words.schemas import load_schema

FOLDER = Path(__file__).parent / "reference"
DEEPEST = 8
"""No schema of ours goes further down; a circle would."""
MADE = "*Made from the program itself by `make reference`; changed there, not here.*"

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

SIGNS = "`[]` is an entry of a list, `*` any key of a mapping; what is bold is required."
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


# -- commands --------------------------------------------------------------------------


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
    return parts


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


# -- codes -----------------------------------------------------------------------------


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


# -- fields ----------------------------------------------------------------------------


def fields_page(name: str) -> str:
    """A schema as tables: one for its document, one for each list or mapping in it."""
    schema = load_schema(name)
    title, about = str(schema["title"]), str(schema.get("description", ""))
    lines = ["| field | value | meaning |", "| --- | --- | --- |"]
    lines += [
        f"| {coded(path)} | {cell(value)} | {cell(escaped(meaning))} |"
        for path, value, meaning in FieldWalk(schema).rows(schema)
    ]
    return joined(
        [
            f"# {title[0].upper() + title[1:]}",
            MADE,
            escaped(about),
            f"`wanbatch schema {name}` prints the schema. {SIGNS}",
            "\n".join(lines),
        ]
    )


@dataclass
class FieldWalk:
    """A way through a schema, on which nothing is told twice: what a reference led to
    before is named by the field where it was told."""

    schema: Mapping[str, Any]
    told_at: dict[str, str] = field(default_factory=dict)

    def rows(
        self, node: Mapping[str, Any], path: str = "", depth: int = 0
    ) -> Iterator[tuple[str, str, str]]:
        """Path, value and meaning of every field below ``node``."""
        for name, below, required in sorted(fields_of(self.schema, node), key=_is_defaults):
            at = f"{path}.{name}" if path else name
            whole = flat(self.schema, below)
            value = value_words(self.schema, whole)
            parts = () if depth > DEEPEST else tuple(self._parts(whole, below, at, depth))
            yield at, f"**{value}**" if required else value, self._meaning(whole, below, at)
            yield from parts

    def _parts(
        self, whole: Mapping[str, Any], below: Mapping[str, Any], at: str, depth: int
    ) -> Iterator[tuple[str, str, str]]:
        reference = reference_of(below)
        if reference and self.told_at.setdefault(reference, at) != at:
            return
        if not self._are_all_told(whole):
            yield from self.rows(whole, at, depth + 1)
        for inner, sign in inner_nodes(self.schema, whole):
            if set(inner.get("properties", ())) != {"min", "max"}:
                yield from self.rows(inner, at + sign, depth + 1)

    def _are_all_told(self, node: Mapping[str, Any]) -> bool:
        """A second list of the same fields, such as ``defaults`` beside ``jobs``."""
        below = [reference_of(one) for _, one, _ in fields_of(self.schema, node)]
        return len(below) > 3 and all(below) and set(below) <= set(self.told_at)

    def _meaning(self, whole: Mapping[str, Any], below: Mapping[str, Any], at: str) -> str:
        first = self.told_at.get(reference_of(below), at)
        has_parts = any(True for _ in fields_of(self.schema, whole)) or any(
            flat(self.schema, inner).get("properties")
            for inner, _ in inner_nodes(self.schema, whole)
        )
        more = f" Its parts: as of `{first}`." if first != at and has_parts else ""
        if self._are_all_told(whole) and not reference_of(below):
            more = " Its fields are those that stand above."
        return meaning_of(whole) + more


def _is_defaults(one: tuple[str, Mapping[str, Any], bool]) -> bool:
    """The manifest's ``defaults`` repeat the fields of a job, so they come last."""
    return one[0] == "defaults"


def fields_of(
    schema: Mapping[str, Any], node: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Name, schema, and whether it is required."""
    whole = flat(schema, node)
    required = set(whole.get("required", ()))
    for name, below in whole.get("properties", {}).items():
        if isinstance(below, Mapping):
            yield name, below, name in required


def flat(schema: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """The node with what it refers to, and what stands under ``allOf`` and behind an
    ``if`` that always holds."""
    found: dict[str, Any] = {}
    parts = [one for one in node.get("allOf", ()) if isinstance(one, Mapping)]
    for branch in ("then", "else"):
        if isinstance(node.get(branch), Mapping):
            always = node.get("if") is True
            parts.append(node[branch] if always else _without_duty(schema, node[branch]))
    if "$ref" in node:
        parts.append(followed(schema, str(node["$ref"])))
    for part in (*(flat(schema, one) for one in parts), node):
        for key, value in part.items():
            if key == "properties":
                own = part is node
                found[key] = (
                    {**value, **_missing(found, value)} if own else _both(found.get(key, {}), value)
                )
            elif key == "required":
                found[key] = [*found.get(key, ()), *value]
            elif key not in {"$ref", "allOf", "if", "then", "else"}:
                found[key] = value
    return found


def _missing(found: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in found.get("properties", {}).items() if name not in own}


def _both(some: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of two cases: what both have is the one or the other."""
    either = {n: {"anyOf": [some[n], more[n]]} for n in some if n in more and some[n] != more[n]}
    return {**some, **more, **either}


def _without_duty(schema: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """What holds in some cases only: its fields may be there."""
    return {key: value for key, value in flat(schema, node).items() if key == "properties"}


def reference_of(node: Mapping[str, Any]) -> str:
    """The definition that a field is an instance of, empty for none."""
    found = [one["$ref"] for one in (node, *node.get("allOf", ())) if "$ref" in one]
    return str(found[0]) if len(found) == 1 else ""


def followed(schema: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    node: Any = schema
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    assert isinstance(node, Mapping), reference
    return node


def inner_nodes(
    schema: Mapping[str, Any], node: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The entries of a list, the values of a mapping, the alternatives of a value."""
    if isinstance(node.get("items"), Mapping):
        yield node["items"], "[]"
    if isinstance(node.get("additionalProperties"), Mapping):
        yield node["additionalProperties"], ".*"
    for one in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        if isinstance(one, Mapping) and one != node:
            yield flat(schema, one), ""


def meaning_of(node: Mapping[str, Any]) -> str:
    """Its description, its default, an example."""
    cases = [one for one in node.get("anyOf", ()) if isinstance(one, Mapping)]
    said = str(next((one["description"] for one in (node, *cases) if "description" in one), ""))
    if "default" in node:
        said += f" Default: {literal(node['default'])}."
    examples = [one for one in node.get("examples", ()) if not isinstance(one, (dict, list))]
    if examples and "enum" not in node and "const" not in node:
        said += f" Such as {literal(examples[0])}."
    return said.strip()


def value_words(schema: Mapping[str, Any], node: Mapping[str, Any]) -> str:
    """What it may be, in a few words."""
    if "const" in node:
        return literal(node["const"])
    if "enum" in node:
        return ", ".join(literal(one) for one in node["enum"])
    cases = [flat(schema, one) for one in node.get("anyOf", ())]
    if any("enum" in one or "const" in one for one in cases):
        return " or ".join(dict.fromkeys(value_words(schema, one) for one in cases))
    kinds = kinds_of(schema, node)
    words = " or ".join(dict.fromkeys(WORDS.get(kind, kind) for kind in kinds)) or "any"
    return f"{words}{bounds(node)}"


WORDS = {
    "string": "text",
    "integer": "whole number",
    "boolean": "`true` or `false`",
    "object": "mapping",
    "array": "list",
    "null": "`null`",
}


def kinds_of(schema: Mapping[str, Any], node: Mapping[str, Any]) -> list[str]:
    """The JSON types, also those of its alternatives."""
    kind = node.get("type", ())
    kinds = [kind] if isinstance(kind, str) else [str(one) for one in kind]
    for one in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        if isinstance(one, Mapping):
            kinds += kinds_of(schema, flat(schema, one))
    if not kinds and "properties" in node:
        kinds = ["object"]
    return kinds


def bounds(node: Mapping[str, Any]) -> str:
    least, most = node.get("minimum"), node.get("maximum")
    if least is not None and most is not None:
        return f", {least} to {most}"
    if least is not None:
        return f", at least {least}" if least else ""
    return f", at most {most}" if most is not None else ""


def literal(value: object) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


# -- the folder ------------------------------------------------------------------------


def index_page() -> str:
    about = {
        "commands": "every command and option",
        "codes": "every diagnostic code, with its way out",
        "exit-codes": "what a process ends with",
        **{name: str(load_schema(name)["title"]) for name in schema_names() if name != "job"},
    }
    lines = [f"* [{name}]({name}.md): {words}" for name, words in about.items()]
    return joined(["# Reference", MADE, "\n".join(lines), "Back to [the pages](../README.md)."])


def joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def coded(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def cell(text: str) -> str:
    """In a table: one line, and a bar that is no border."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def escaped(text: str) -> str:
    """As it stands, where Markdown would make marks or tags of it; code stays code."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([*_<\[\]])", r"\\\1", piece)
        for piece in pieces
    )


def differing(pages: Mapping[str, str]) -> list[str]:
    """The files that are not as they should be: changed, missing, or too many."""
    here = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    return sorted(name for name in {*pages, *here} if pages.get(name) != here.get(name))


def main(words: Sequence[str]) -> int:
    """Writes the folder, or with ``--check`` compares it."""
    pages = make_pages()
    names = differing(pages)
    if "--check" in words:
        for name in names:
            print(f"docs/reference/{name} is not up to date: make reference", file=sys.stderr)
        return 1 if names else 0
    FOLDER.mkdir(exist_ok=True)
    for name in names:
        if name in pages:
            (FOLDER / name).write_text(pages[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    print(f"docs/reference: {len(names)} of {len(pages)} pages written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
