"""Syntax errors of YAML in the words of someone who wanted to write a manifest.

What it may not do: parse; it looks at the line where the parser gave up.

How it works: the parser's complaint and the text at its place are compared with the
mistakes that people make most: a template without quotes, a colon in a text, a reserved
first character, a tab, a quote or bracket left open; bad escapes are explained by
``escapes``. Everything else keeps the parser's own words.
"""

from __future__ import annotations

import re

import yaml

from wanbatch.manifest.yaml import codes
from wanbatch.manifest.yaml.document import Document
from wanbatch.manifest.yaml.escapes import explain_escape, open_quote_hints
from wanbatch.words.diagnostics import Diagnostic, Route
from wanbatch.words.quoting import escape_unsafe, shown

_BARE_TEMPLATE = re.compile(r"(?:^|[:\-,\[])\s+(\{[{%#])|^(\{[{%#])")
_ENTRY = re.compile(r"^\s*(?:-\s+)*([^\s:#][^:#]*):\s+(?P<value>\S.*)$")


def explain_syntax_error(
    document: Document, error: yaml.MarkedYAMLError, route: Route
) -> Diagnostic:
    """The parser's error as a finding with a way out."""
    mark = error.problem_mark or error.context_mark
    last = max(len(document.text.rstrip()) - 1, 0)
    offset = min(mark.index if mark else 0, last)
    problem = escape_unsafe(error.problem or "it breaks the rules of YAML")
    line = document.line_of(offset)
    source = document.source(line)
    start = offset - (document.place_at(offset).column - 1)
    opened = error.context_mark
    if opened is not None and "quoted scalar" in (error.context or ""):
        escape = explain_escape(document, error.problem or "", opened.index, offset, route)
        if escape is not None:
            return escape
    if (found := _bare_template(source)) is not None:
        return _template(document, start + found, route)
    if "cannot start any token" in problem:
        return _reserved(document, offset, route)
    misplaced = "mapping values are not allowed" in problem
    if misplaced and line > 1 and ":" not in source[: offset - start]:
        place = document.place_at(start + len(source) - len(source.lstrip()))
        return document.finding(
            codes.SYNTAX,
            "this key does not line up with the ones above",
            route,
            place=place,
            label=f"after line {line - 1}",
            hints=(
                "give all keys of a mapping the same indentation",
                "a text that goes on here needs quotes, or >- before it",
            ),
        )
    if misplaced and (entry := _ENTRY.match(source)):
        value = entry.group("value")
        return document.finding(
            codes.COLON_IN_TEXT,
            "a text with a colon and a space needs quotes",
            route,
            place=document.place_at(start + entry.start("value"), len(value)),
            label="YAML reads ': ' as the end of a key",
            hints=(f"write {entry.group(1).strip()}: '{_single_quoted(value)}'",),
        )
    begin = document.place_at(min(opened.index if opened else 0, last), 1)
    if opened is not None and "quoted scalar" in (error.context or ""):
        return document.finding(
            codes.SYNTAX,
            "a quote is opened and never closed",
            route,
            place=begin,
            label="opened here",
            hints=open_quote_hints(document, opened.index)
            or ("close it with the same quote; inside single quotes write '' for one",),
        )
    if opened is not None and "flow" in (error.context or ""):
        return document.finding(
            codes.SYNTAX,
            "a bracket is opened and not closed as it should be",
            route,
            place=begin,
            label="opened here",
            hints=(f"the parser says at line {line}: {problem}",),
        )
    hint = (
        "check the indentation and the line above"
        if "expected" in problem
        else "see https://yaml.org/spec/1.2.2 for YAML's rules"
    )
    return document.finding(
        codes.SYNTAX,
        f"the YAML cannot be read: {problem}",
        route,
        place=document.place_at(offset),
        hints=(hint,),
    )


def explain_template_key(document: Document, offset: int, route: Route) -> Diagnostic:
    """A mapping or list that stands where a key should: nearly always ``{{ … }}``
    without quotes."""
    if document.text[max(offset - 1, 0) : offset + 1] == "{{":
        return _template(document, offset - 1, route)
    return document.finding(
        codes.BAD_KEY,
        "a key must be a text",
        route,
        place=document.place_at(offset),
        label="this is a list or a mapping",
        hints=("write the key as a plain word",),
    )


def _bare_template(source: str) -> int | None:
    found = _BARE_TEMPLATE.search(source)
    if found is None or source.lstrip().startswith("#"):
        return None
    return found.start(1) if found.group(1) else found.start(2)


def _template(document: Document, offset: int, route: Route) -> Diagnostic:
    place = document.place_at(offset)
    rest = document.source(place.line)[place.column - 1 :].rstrip()
    quote = "'" if '"' in rest else '"'
    text = _single_quoted(rest) if quote == "'" else rest
    return document.finding(
        codes.UNQUOTED_TEMPLATE,
        "a value that begins with a template needs quotes",
        route,
        place=place,
        label="YAML reads { as the beginning of a mapping",
        hints=(f"write {quote}{escape_unsafe(text)}{quote}",),
    )


def _reserved(document: Document, offset: int, route: Route) -> Diagnostic:
    character = document.text[offset : offset + 1]
    place = document.place_at(offset)
    rest = document.source(place.line)[place.column - 1 :].rstrip()
    if character == "\t":
        return document.finding(
            codes.TAB_INDENT,
            "YAML is indented with spaces, not with tabs",
            route,
            place=document.place_at(offset, 1),
            label="a tab",
            hints=("replace the tab by spaces",),
        )
    return document.finding(
        codes.RESERVED_START,
        f"a text that begins with {shown(character)} needs quotes",
        route,
        place=document.place_at(offset, len(rest)),
        label="YAML keeps this character for itself",
        hints=(f"write '{escape_unsafe(_single_quoted(rest))}'",),
    )


def _single_quoted(text: str) -> str:
    return text.rstrip().replace("'", "''")
