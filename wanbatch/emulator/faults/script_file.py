"""Reads a fault script: YAML, checked against its schema, into rules. Errors name the
line.

What it may not do: play the script (``script`` and ``injection`` do).

How it works: the text is composed into nodes, which know their lines; the data made
from them is checked by ``schemas/faults.schema.json``; the path of a schema error leads
back to a node. One error is reported, the first in the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import yaml
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry

import wanbatch
from wanbatch.emulator.faults.script import Act, Route, Rule, Script
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.quoting import closest

LIMIT_BYTES = 1_000_000
"""Some ten thousand rules; what is larger is no script."""
_COMMON = frozenset(
    {
        "route",
        "do",
        "call",
        "every",
        "probability",
        "times",
        "moment",
        "while",
        "by",
        "task",
        "per_task",
    }
)


def read_script(path: Path) -> Script:
    """The script in ``path``. Raises ``WanbatchError`` (exit code 2) that names file,
    line and column where it is wrong."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise _refusal(str(path), f"cannot be read: {error.strerror or error}") from error
    if len(text) > LIMIT_BYTES:
        raise _refusal(str(path), "is larger than a megabyte")
    node, data = _parsed(path, text)
    errors = sorted(
        Draft7Validator(_schema(), registry=Registry()).iter_errors(data),
        key=lambda e: _mark(node, e.absolute_path),
    )
    if errors:
        line, column = _mark(node, errors[0].absolute_path)
        raise _refusal(f"{path}:{line + 1}:{column + 1}", _told(errors[0]))
    return make_script(data)


def make_script(data: Mapping[str, object]) -> Script:
    """The script of data that the schema has passed."""
    rules = cast("list[Mapping[str, object]]", data["faults"])
    return Script(tuple(_rule(r) for r in rules), cast("int", data.get("seed", 0)))


def _rule(fields: Mapping[str, object]) -> Rule:
    return Rule(
        route=cast("Route", fields["route"]),
        act=cast("Act", fields["do"]),
        calls=_numbers(fields.get("call", [])),
        every=cast("int", fields.get("every", 0)),
        probability=cast("float", fields.get("probability", 1.0)),
        times=cast("int | None", fields.get("times")),
        after=fields.get("moment") == "after",
        during=_during(fields),
        by=cast("str", fields.get("by", "")),
        tasks=_numbers(fields.get("task", [])),
        per_task=fields.get("per_task") is True,
        details={k: v for k, v in fields.items() if k not in _COMMON},
    )


def _numbers(value: object) -> frozenset[int]:
    return frozenset(cast("list[int]", value if isinstance(value, list) else [value]))


def _during(fields: Mapping[str, object]) -> str:
    """A result's address stands in no answer but a finished task's."""
    of_a_result = fields["do"] == "address" and fields["route"] == "status"
    return cast("str", fields.get("while", "finished" if of_a_result else ""))


def _parsed(path: Path, text: bytes) -> tuple[yaml.Node, dict[str, object]]:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.load(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise _refusal(place, f"is not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refusal(str(path), "is not valid YAML") from error
    if not isinstance(data, dict) or node is None:
        raise _refusal(f"{path}:1:1", "must be a mapping with the key faults")
    return node, data


def _schema() -> dict[str, object]:
    package = Path(wanbatch.__file__).parent
    path = (
        next(
            p
            for p in (package / "schemas", package.parent / "schemas")
            if (p / "faults.schema.json").is_file()
        )
        / "faults.schema.json"
    )
    return cast("dict[str, object]", json.loads(path.read_text(encoding="utf-8")))


def _mark(node: yaml.Node, path: Iterable[str | int]) -> tuple[int, int]:
    """Line and column, from 0, of the node that ``path`` leads to, or of the last one
    on the way."""
    for step in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == str(step)), node)
    return node.start_mark.line, node.start_mark.column


def _told(error: ValidationError) -> str:
    where = ".".join(str(step) for step in error.absolute_path)
    schema = error.schema if isinstance(error.schema, dict) else {}
    message = schema.get("errorMessage")
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = sorted(schema.get("properties", {}))
        extra = sorted(set(error.instance) - set(known), key=str)
        message = (
            f"unknown key {extra[0]!r}{_meant(extra[0], known)}; known here: {', '.join(known)}"
        )
    elif error.validator == "enum" and not message:
        choices = [str(choice) for choice in cast("list[object]", error.validator_value)]
        message = f"{error.message}{_meant(error.instance, choices)}"
    return f"{where}: {message or error.message}" if where else str(message or error.message)


def _meant(word: object, known: Iterable[str]) -> str:
    near = closest(str(word), known)
    return f" (did you mean {near}?)" if near else ""


def _refusal(place: str, problem: str) -> WanbatchError:
    return WanbatchError(
        ExitCode.INVALID,
        f"{place}: {problem}",
        "docs/emulator.md describes the fault script; its schema is schemas/faults.schema.json",
    )
