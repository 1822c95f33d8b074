"""From YAML text to a ``Document``: plain data with places, built straight from parse
events.

What it may not do: read files, resolve anything by YAML 1.1, construct objects,
recurse.

How it works: libyaml's events drive a loop with a stack of its own, five times faster
than ``yaml.load`` and with a place for every key. Nesting, nodes and what aliases
expand to are bounded while the events come, so that the C parser never gets deep and a
small file cannot become large data. Duplicate keys, tags, odd keys and bad numbers are
noted and the loop goes on; only a syntax error or a broken bound ends it. Every other
exception that the parser is known to leak on odd input becomes a syntax error at the
place that was reached.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from wanbatch.manifest.yaml import codes
from wanbatch.manifest.yaml.document import Document, Marks, Value
from wanbatch.manifest.yaml.escapes import half_finding, has_half
from wanbatch.manifest.yaml.hints import explain_syntax_error, explain_template_key
from wanbatch.words.diagnostics import Diagnostic
from wanbatch.words.quoting import shown
from wanbatch.words.scalars import BadNumber, resolve_plain

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML built without libyaml: the same events, slower
    from yaml import SafeLoader as _Parser  # type: ignore[assignment]


class _Mark(Protocol):
    @property
    def index(self) -> int: ...


class _Event(Protocol):
    """What is read of the parser's events; an attribute is only asked for where the
    kind of event has it."""

    start_mark: _Mark
    anchor: str | None
    tag: str | None
    value: str
    style: str | None


DEEPEST = 64
"""Levels of nesting; a manifest needs eight."""
MOST_NODES = 4_000_000
"""Twice what 100,000 written jobs of twenty keys and values hold."""
ALIAS_ALLOWANCE = 100_000
"""Nodes that aliases and merge keys may add over ten times what the file itself
holds."""


class _Stop(Exception):
    """Ends the loop: a bound is broken."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True)
class _Frame:
    """A container under construction."""

    container: dict[str, Value] | list[Value]
    marks: list[int]
    anchor: str | None
    key: str | None = None
    merges: bool = False
    size: int = 1
    odd_key: bool = False
    """The container itself stands where a key should: its value is dropped."""


@dataclass(slots=True)
class _Build:
    document: Document
    findings: list[Diagnostic] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Value, int]] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    nodes: int = 0
    added: int = 0
    root: Value = None
    roots: int = 0

    def note(self, code: str, message: str, offset: int, label: str = "", *hints: str) -> None:
        """Keep a finding; after 100 of them the file is not worth reading on."""
        place = self.document.place_at(offset)
        self.findings.append(
            self.document.finding(
                code, message, self.route(), place=place, label=label, hints=hints
            )
        )
        if len(self.findings) >= 100:
            raise _Stop(self.findings.pop())

    def route(self) -> tuple[str | int, ...]:
        steps: list[str | int] = []
        for frame in self.stack:
            if isinstance(frame.container, list):
                steps.append(len(frame.container))
            elif frame.key is not None:
                steps.append(frame.key)
        return tuple(steps)

    def expand(self, nodes: int, offset: int) -> None:
        """Count what an alias or a merge adds."""
        self.added += nodes
        if self.added > ALIAS_ALLOWANCE + 10 * self.nodes:
            self.stop(
                codes.ALIAS_BOMB,
                "the aliases in this file expand to too much",
                offset,
                "here the bound is reached",
                "write the values out",
            )

    def stop(self, code: str, message: str, offset: int, label: str = "", *hints: str) -> None:
        place = self.document.place_at(offset)
        raise _Stop(
            self.document.finding(
                code, message, self.route(), place=place, label=label, hints=hints
            )
        )


def build_document(path: str, text: str) -> tuple[Document, list[Diagnostic]]:
    """Parse ``text``; the document holds what could be read, and is only worth using
    where no finding is an error."""
    build = _Build(Document(path, text, None, Marks()))
    try:
        _consume(build)
    except _Stop as stop:
        build.findings.append(stop.diagnostic)
    except yaml.MarkedYAMLError as error:
        finding = explain_syntax_error(build.document, error, build.route())
        if not any(f.code == finding.code and f.place == finding.place for f in build.findings):
            build.findings.append(finding)
    except (yaml.YAMLError, ValueError, KeyError, AttributeError, RecursionError) as error:
        text_of = str(error).splitlines()[0] if str(error) else type(error).__name__
        build.findings.append(
            build.document.finding(
                codes.SYNTAX,
                f"the YAML cannot be read: {shown(text_of)}",
                hints=("look for odd characters and numbers",),
            )
        )
    build.document.data = build.root
    return build.document, build.findings


def _consume(build: _Build) -> None:
    parser = _Parser(build.document.text)
    try:
        get_event = cast(Callable[[], _Event | None], parser.get_event)
        while (event := get_event()) is not None:
            kind: object = event.__class__
            if kind is ScalarEvent:
                _scalar(build, event)
            elif kind is MappingStartEvent:
                _open(build, event, {})
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                _close(build)
            elif kind is SequenceStartEvent:
                _open(build, event, [])
            elif kind is AliasEvent:
                _alias(build, event)
            elif kind is yaml.DocumentStartEvent:
                build.roots += 1
                if build.roots > 1:
                    build.stop(
                        codes.SEVERAL_DOCUMENTS,
                        "a manifest is one YAML document",
                        event.start_mark.index,
                        "a second one begins here",
                        "remove the line ---, or put the second document into a file of its own",
                    )
    finally:
        parser.dispose()


def _scalar(build: _Build, event: _Event) -> None:
    offset = event.start_mark.index
    text = event.value
    build.nodes += 1
    if build.nodes > MOST_NODES:
        build.stop(
            codes.TOO_LARGE,
            f"the file holds more than {MOST_NODES:,} values",
            offset,
            "",
            "split it, or put lists into data files",
        )
    if event.tag is not None:
        _refuse_tag(build, event.tag, offset)
    if event.style == '"' and has_half(text):  # libyaml refuses the escape, PyYAML itself does not
        half = next(c for c in text if "\ud800" <= c <= "\udfff")
        build.findings.append(
            half_finding(
                build.document, build.document.place_at(offset), f"{ord(half):04x}", build.route()
            )
        )
    stack = build.stack
    frame = stack[-1] if stack else None
    if frame is not None and frame.key is None and frame.container.__class__ is dict:
        _key(build, frame, event, text, offset)
        return
    value: Value = text
    if not event.style:
        try:
            value = resolve_plain(text)
        except BadNumber as problem:
            build.note(
                codes.BAD_NUMBER,
                f"{shown(text)} cannot be used as a number",
                offset,
                str(problem),
                "put it in quotes if it is meant as text",
            )
    if event.anchor is not None:
        build.anchors[event.anchor] = (value, 1)
    if frame is None:
        build.root = value
    elif frame.key is not None:
        frame.container[frame.key] = value  # type: ignore[call-overload]
        frame.marks.append(offset)
        frame.key = None
        frame.size += 1
    else:
        frame.container.append(value)  # type: ignore[union-attr]
        frame.marks.append(offset)
        frame.size += 1


def _key(build: _Build, frame: _Frame, event: _Event, text: str, offset: int) -> None:
    if text == "<<" and not event.style:
        frame.merges = True
    if text in frame.container:
        first = build.document.line_of(frame.marks[1 + 2 * list(frame.container).index(text)])
        build.note(
            codes.DUPLICATE_KEY,
            f"the key {shown(text)} stands twice in one mapping",
            offset,
            f"first on line {first}",
            f"remove one of the two, or merge them into the one on line {first}",
        )
        # Kept apart, so that places stay right; the document is refused anyway.
        text = f"{text}\0{offset}"
    if event.anchor is not None:
        build.anchors[event.anchor] = (text, 1)
    frame.key = sys.intern(text)
    frame.marks.append(offset)


def _open(build: _Build, event: _Event, container: dict[str, Value] | list[Value]) -> None:
    offset = event.start_mark.index
    build.nodes += 1
    if event.tag is not None:
        _refuse_tag(build, event.tag, offset)
    if len(build.stack) >= DEEPEST:
        build.stop(
            codes.TOO_DEEP,
            f"nested deeper than {DEEPEST} levels",
            offset,
            "",
            "a manifest needs eight levels at most",
        )
    frame = _Frame(container, [offset], event.anchor)
    above = build.stack[-1] if build.stack else None
    if above is not None and above.key is None and above.container.__class__ is dict:
        frame.odd_key = True
        build.findings.append(explain_template_key(build.document, offset, build.route()))
        above.key = f"\0{offset}"
        above.marks.append(offset)
    if event.anchor is not None:
        build.anchors.pop(event.anchor, None)
    build.stack.append(frame)


def _close(build: _Build) -> None:
    frame = build.stack.pop()
    container = frame.container
    if frame.merges and isinstance(container, dict):
        _merge(build, frame, container)
    marks = build.document.marks
    marks.first[id(container)] = len(marks.offsets)
    marks.offsets.extend(frame.marks)
    build.sizes[id(container)] = frame.size
    if frame.anchor is not None:
        build.anchors[frame.anchor] = (container, frame.size)
    if frame.odd_key:
        return
    _place_value(build, container, frame.marks[0], frame.size)


def _place_value(build: _Build, value: Value, offset: int, size: int) -> None:
    if not build.stack:
        build.root = value
        return
    above = build.stack[-1]
    above.size += size
    above.marks.append(offset)
    if isinstance(above.container, list):
        above.container.append(value)
    elif above.key is not None:
        above.container[above.key] = value
        above.key = None


def _alias(build: _Build, event: _Event) -> None:
    offset = event.start_mark.index
    name = event.anchor or ""
    build.nodes += 1
    above = build.stack[-1] if build.stack else None
    known = build.anchors.get(name)
    if known is None:
        inside = any(frame.anchor == name for frame in build.stack)
        known = (None, 1)
        if inside:
            build.note(
                codes.BAD_ALIAS,
                f"the alias *{shown_bare(name)} stands inside its own anchor",
                offset,
                "it would contain itself",
                "write the value out",
            )
        else:
            build.note(
                codes.BAD_ALIAS,
                f"there is no anchor &{shown_bare(name)} before this alias",
                offset,
                "",
                "define it earlier in the file, or put the text in quotes if no alias is meant",
            )
    value, size = known
    build.expand(size, offset)
    if above is not None and above.key is None and isinstance(above.container, dict):
        if not isinstance(value, str) or value in above.container:
            build.note(
                codes.BAD_KEY,
                "an alias cannot be a key here",
                offset,
                "keys are texts, each once",
                "write the key out",
            )
            value = f"\0{offset}"
        above.key = value
        above.marks.append(offset)
        return
    _place_value(build, value, offset, size)


def _merge(build: _Build, frame: _Frame, container: dict[str, Value]) -> None:
    """Replace ``<<`` by the entries that it names: the mapping's own win, then the
    first named. They come where ``<<`` stood."""
    marks = build.document.marks
    merged: dict[str, tuple[Value, int, int]] = {}
    own = list(container)
    for index, key in enumerate(own):
        key_at, value_at = frame.marks[1 + 2 * index], frame.marks[2 + 2 * index]
        if key != "<<":
            merged[key] = (container[key], key_at, value_at)
            continue
        named = container[key]
        for source in named if isinstance(named, list) else [named]:
            if not isinstance(source, dict):
                build.note(
                    codes.BAD_MERGE,
                    "the merge key << takes a mapping or a list of mappings",
                    key_at,
                    "",
                    "write <<: *anchor",
                )
                continue
            build.expand(1 + len(source), value_at)
            first = marks.first[id(source)]
            for position, (name, value) in enumerate(source.items()):
                if name not in container and name not in merged:
                    at = first + 1 + 2 * position
                    merged[name] = (value, marks.offsets[at], marks.offsets[at + 1])
                    size = build.sizes.get(id(value), 1)
                    frame.size += size
                    build.expand(size, value_at)
    container.clear()
    del frame.marks[1:]
    for name, (value, key_at, value_at) in merged.items():
        container[name] = value
        frame.marks += (key_at, value_at)


def _refuse_tag(build: _Build, tag: str, offset: int) -> None:
    name = tag.replace("tag:yaml.org,2002:", "!!", 1)
    build.note(
        codes.TAG,
        f"tags such as {shown(name)} are not used in manifests",
        offset,
        "a value's type follows from how it is written",
        "remove the tag; put the value in quotes to make it text",
    )


def shown_bare(text: str) -> str:
    """``shown`` without the quotes."""
    return shown(text)[1:-1]
