"""A node of a schema: its fields, what it refers to, and its meaning in words.

What it may not do: know a page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

WORDS = {
    "string": "text",
    "integer": "whole number",
    "boolean": "`true` or `false`",
    "object": "mapping",
    "array": "list",
    "null": "`null`",
}


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
