"""Makes the page's script and style small: without comments and needless space, and
with short names for what the scripts declare.

What it may not do: change what a script does. It reads tokens, not meanings, so it
relies on how the scripts are written (a test holds that): every statement ends with a
semicolon, there are no classes and no blocks behind a ``case``.

How it works: a script is split into tokens. Space stays where two words would grow
together. A name that a line declares first becomes one or two letters that are no name
yet, the most used the shortest, wherever it stands as a name, in every file alike, so
that what it means stays one: not behind a dot, not as the key of an object. Where a key
and its value are one word, the key stays and the value follows it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import Literal

Kind = Literal["name", "other", "sign", "text"]


@dataclass(frozen=True, slots=True)
class Token:
    """``text`` is a string, a pattern or a part of a template: it is never changed."""

    kind: Kind
    value: str


_DECLARED = re.compile(r"^ *(?:async )?(?:function|const|let) (\w+)", re.M)
_BROWSERS = {
    *("close", "closed", "document", "event", "find", "focus", "history", "length", "location"),
    *("moveBy", "moveTo", "name", "navigator", "open", "origin", "parent", "performance", "print"),
    *("screen", "scroll", "self", "status", "stop", "top", "window"),
}
"""Names that a browser has too: a script may mean that one elsewhere, so they stay."""
_RESERVED = {"as", "do", "if", "in", "is", "of"}
"""Words of two letters that are no names."""
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<name>[A-Za-z_$][\w$]*)
    |(?P<other>\.?\d[\w.]*)
    |(?P<sign>=>|\+\+|--|\.\.\.|\?\.(?!\d)|[-+*/%&|^<>=!?~.,:;(){}\[\]`])""",
    re.S | re.X,
)
_PATTERN = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*")
_TEMPLATE = re.compile(r"(?:\\.|\$(?!\{)|[^`\\$])*(?:`|\$\{)", re.S)
_VALUE_FOLLOWS = {"return", "typeof", "case", "of", "in", "await", "yield", "else", "do"}
_WORD = re.compile(r"[\w$]")


def read_tokens(script: str) -> Iterator[Token]:
    """The tokens of a script, without space and comments."""
    at, before = 0, Token("sign", ";")
    templates: list[int] = []
    depth = 0
    while at < len(script):
        found = _TOKEN.match(script, at)
        if found is None:
            raise ValueError(f"no token: {script[at : at + 40]!r}")
        kind, value = found.lastgroup, found[0]
        if value == "/" and _begins_value(before):
            kind, value = "text", _expect(_PATTERN, script, at)
        elif value == "`" or (value == "}" and templates and templates[-1] == depth):
            if value == "}":
                templates.pop()
            kind, value = "text", value + _expect(_TEMPLATE, script, at + 1)
            if value.endswith("${"):
                templates.append(depth)
        elif value in ("{", "}"):
            depth += 1 if value == "{" else -1
        at += len(value)
        if kind != "space":
            before = Token(kind, value)  # type: ignore[arg-type]
            yield before


def _begins_value(before: Token) -> bool:
    if before.kind == "sign":
        return before.value not in (")", "]", "}")
    return before.value in _VALUE_FOLLOWS or before.value.endswith("${")


def _expect(pattern: re.Pattern[str], script: str, at: int) -> str:
    found = pattern.match(script, at)
    if found is None:
        raise ValueError(f"no end: {script[at : at + 40]!r}")
    return found[0]


def join_scripts(texts: Iterable[str]) -> str:
    """One closure of all scripts, in their order."""
    return shrink_script('"use strict";\n(() => {\n' + "\n".join(texts) + "})();\n")


def join_styles(texts: Iterable[str]) -> str:
    """All styles, in their order."""
    return shrink_style("\n".join(texts))


def shrink_script(script: str) -> str:
    """The same script in fewer bytes."""
    tokens = list(read_tokens(script))
    names = _short_names(tokens, _DECLARED.findall(script))
    return _joined(_gathered(list(_renamed(tokens, names))))


def _short_names(tokens: Sequence[Token], declared: Sequence[str]) -> dict[str, str]:
    uses = Counter(token.value for token in tokens if token.kind == "name")
    often = sorted(set(declared) - _BROWSERS, key=lambda name: (-uses[name], name))
    free = (short for short in _shortest() if short not in uses and short not in _RESERVED)
    named = zip((name for name in often if len(name) > 1), free, strict=False)
    return {name: short for name, short in named if len(short) < len(name)}


def _shortest() -> Iterator[str]:
    """Every name of one letter, then every one of two."""
    yield from ascii_letters
    yield from (one + other for one in ascii_letters for other in ascii_letters + digits)


def _renamed(tokens: Sequence[Token], names: dict[str, str]) -> Iterator[Token]:
    """``tokens`` with their new names. ``around`` says of each open bracket whether
    keys stand in it."""
    around = [False]
    before = Token("sign", ";")
    for token, after in zip(tokens, [*tokens[1:], Token("sign", ";")], strict=True):
        if token.value in ("(", "[", "{") and token.kind == "sign":
            around.append(token.value == "{" and _holds_keys(before))
        elif token.value in (")", "]", "}") and token.kind == "sign":
            around.pop()
        if token.kind != "name" or token.value not in names or before.value in (".", "?."):
            yield token
        elif around[-1] and _is_key_place(before):
            yield token
            if after.value in (",", "}", "="):
                yield from (Token("sign", ":"), Token("name", names[token.value]))
        else:
            yield Token("name", names[token.value])
        before = token


def _holds_keys(before: Token) -> bool:
    """Whether the brace behind ``before`` opens an object or a pattern, no block."""
    if before.kind == "sign":
        return before.value not in ("=>", ")", "{", "}", ";")
    if before.kind == "text":
        return before.value.endswith("${")
    return before.value in {"return", "const", "let", "of", "typeof", "await"}


def _is_key_place(before: Token) -> bool:
    return before.value in ("{", ",", "async", "get", "set", "*")


def _gathered(tokens: Sequence[Token]) -> Iterator[Token]:
    """One ``const`` for those that follow each other. ``begun`` says of each open
    bracket what the statement in it begins with."""
    begun = [""]
    before = Token("sign", ";")
    for token, after in zip(tokens, [*tokens[1:], Token("sign", ";")], strict=True):
        is_more = before.value == ";" and token.value == begun[-1] in _DECLARING
        if before.value in (";", "{") or (before.value == "}" and token.kind == "name"):
            begun[-1] = token.value
        if token.kind == "sign" and token.value in ("(", "[", "{"):
            begun.append("")
        elif token.kind == "sign" and token.value in _ENDS:
            begun.pop()
        if token.value == ";" and after.value == begun[-1] in _DECLARING:
            yield Token("sign", ",")
        elif not is_more:
            yield token
        before = token


_DECLARING = ("const", "let")
_ENDS = (")", "]", "}")


def _is_spare(parts: Sequence[str]) -> bool:
    """Whether a comma that ends a list stands last: one behind a comma is a hole."""
    return len(parts) > 1 and parts[-1] == "," and parts[-2] not in (",", "[")


def _joined(tokens: Iterator[Token]) -> str:
    parts: list[str] = []
    last = ""
    for token in tokens:
        if (token.value == "}" and last == ";") or (token.value in _ENDS and _is_spare(parts)):
            parts.pop()
            last = parts[-1][-1]
        glued = _WORD.match(token.value) and _WORD.fullmatch(last)
        if glued or (last in "+-" and token.value[0] == last):
            parts.append(" ")
        parts.append(token.value)
        last = token.value[-1]
    return "".join(parts)


_STYLE_TOKEN = re.compile(r"/\*.*?\*/|(\"[^\"\n]*\")|\s*([{};,])\s*|(:)\s+|(\s+)", re.S)


def shrink_style(style: str) -> str:
    """The same style in fewer bytes."""

    def shorter(found: re.Match[str]) -> str:
        text, sign, colon, space = found.groups()
        return text or sign or colon or (" " if space else "")

    return _STYLE_TOKEN.sub(shorter, _STYLE_COMMENT.sub("", style)).replace(";}", "}").strip()


_STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.S)
