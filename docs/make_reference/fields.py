"""The pages of the fields: a schema as a table, each field told once.

How it works: the schema is walked along its references (``schemas``); what one led to
before is named by the field where it was told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from make_reference.markdown import MADE, cell, coded, escaped, joined
from make_reference.schemas import (
    fields_of,
    flat,
    inner_nodes,
    meaning_of,
    reference_of,
    value_words,
)
from wanbatch.words.schemas import load_schema

DEEPEST = 8
"""No schema of ours goes further down; a circle would."""
SIGNS = "`[]` is an entry of a list, `*` any key of a mapping; what is bold is required."


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
