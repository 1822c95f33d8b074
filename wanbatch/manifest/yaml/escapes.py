"""Escapes that mean nothing: a backslash in double quotes before something that YAML
does not know, and half characters.

What it may not do: parse YAML; it looks at the text where the parser gave up.

How it works: in double quotes a backslash begins an escape, which people who write a
pattern, a Windows path or LaTeX do not mean. The parser's complaint leads to the
backslash; the finding stands there and shows the same text in the three forms in which
it can be read. Half a character is one of the two halves (surrogates) that JSON and
YAML write an emoji in: alone it is no text, and no file, ledger or request can hold it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wanbatch.manifest.yaml import codes
from wanbatch.manifest.yaml.document import Document
from wanbatch.words.diagnostics import Diagnostic, Position, Route
from wanbatch.words.quoting import escape_unsafe

_HALF = re.compile("[\ud800-\udfff]")
_WRITTEN = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # both halves: a whole character
    r"|\\u(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\.",
    re.DOTALL,
)
_PAIR = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_DIGITS = {"x": 2, "u": 4, "U": 8}
_DOUBLE_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"?')
_KEY = re.compile(r"\s*(?:-\s+)*([\w$.-]+):\s+$")
_DRIVE_OR_FOLDER = re.compile(r'"(?:[A-Za-z]:)?[\w .~-]*\\[\w .\\~-]*\.\w{2,4}"')
_MEANT = re.compile(r"\\[0abtnvfreN_LP]")
"""Escapes that YAML knows: of a text that has them too, nobody can tell which
backslashes are meant as such.
"""
_LONGEST_SHOWN = 80
"""Characters of a quoted text in a message: one line of a terminal."""
_MOST = 20
"""Warnings of one file: who pasted Windows paths sees it by then."""


def has_half(text: str) -> bool:
    """Whether ``text`` holds half a character, so that it cannot be written as
    UTF-8."""
    return not text.isascii() and _HALF.search(text) is not None


def half_finding(
    document: Document,
    place: Position,
    half: str,
    route: Route = (),
    code: str = codes.HALF_CHARACTER,
) -> Diagnostic:
    """The finding about ``half``, which is written as an escape at ``place``."""
    return document.finding(
        code,
        "half of a character is no text",
        route,
        place=place,
        label=f"\\u{half.lower()} is one of two halves, and the other is not beside it",
        hints=("write the whole character; something has cut the text inside an emoji",),
    )


def written_halves(text: str) -> Iterator[tuple[int, str]]:
    """Where half characters are written as escapes in a JSON text that can be read:
    (offset, hex digits).
    """
    if "\\u" not in text:
        return
    found = 0
    for match in _WRITTEN.finditer(text):
        if (half := match.group("half")) is not None:
            yield match.start(), half
            found += 1
            if found >= _MOST:
                return


def explain_escape(
    document: Document, problem: str, opened: int, at: int, route: Route
) -> Diagnostic | None:
    """The finding about the escape near ``at`` in the double-quoted text that begins at
    ``opened``, if that is what is wrong.
    """
    text = document.text
    if not any(word in problem for word in ("escape", "hexdec", "hexadec")):
        return None
    backslash = text.rfind("\\", opened, at + 1)
    if backslash < 0 or text[opened : opened + 1] != '"':
        return None
    letter = text[backslash + 1 : backslash + 2]
    if (digits := _DIGITS.get(letter)) is not None:
        written = re.match(r"[0-9A-Fa-f]*", text[backslash + 2 :])
        given = written.group()[:digits] if written else ""
        if len(given) == digits and 0xD800 <= int(given, 16) <= 0xDFFF:
            return _half(document, backslash, given, route)
        label = (
            "the last character is \\U0010ffff"
            if len(given) == digits
            else f"\\{letter} takes {digits} hexadecimal digits"
        )
        width = 2 + len(given)
    else:
        label, width = "a backslash in double quotes begins an escape", 2
    shown = escape_unsafe(text[backslash : backslash + width].split("\n")[0])
    kind = "incomplete" if digits is not None and width < 2 + digits else "unknown"
    return document.finding(
        codes.BAD_ESCAPE,
        f"{kind} escape {shown}",
        route,
        place=document.place_at(backslash, width),
        label=label,
        hints=_ways_out(document, opened),
    )


def _half(document: Document, backslash: int, given: str, route: Route) -> Diagnostic:
    pair = _PAIR.match(document.text, backslash)
    if pair is None:
        place = document.place_at(backslash, 2 + len(given))
        return half_finding(document, place, given, route, codes.SYNTAX)
    high, low = (int(half, 16) for half in pair.groups())
    character = chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    return document.finding(
        codes.SYNTAX,
        "YAML does not put two halves of a character together",
        route,
        place=document.place_at(backslash, len(pair.group())),
        label="this is JSON's way to write it",
        hints=(f"write {character}, or \\U{ord(character):08x}",),
    )


def _ways_out(document: Document, opened: int) -> tuple[str, ...]:
    """The same text in single quotes, with the backslashes doubled, and as a block; of
    a long one the forms alone.
    """
    place = document.place_at(opened, 1)
    line = document.source(place.line)
    found = _DOUBLE_QUOTED.match(line, place.column - 1)
    quoted = found.group() if found else ""
    inner = quoted[1:-1] if len(quoted) > 1 and quoted.endswith('"') else ""
    key = _KEY.match(line[: place.column - 1])
    name = key.group(1) if key else "key"
    if not inner or len(inner) > _LONGEST_SHOWN or _MEANT.search(inner):
        ways = (
            "write it in single quotes, where a backslash is a backslash",
            r"or write each backslash twice: \\",
            f"or write it as a block: {name}: |- and the text indented on the next line",
        )
    else:
        plain = escape_unsafe(re.sub(r"""\\(["\\'])""", r"\1", inner))
        single = plain.replace("'", "''")
        doubled = escape_unsafe(re.sub(r"""\\([\\"']?)""", _double, inner))
        ways = (
            f"write it in single quotes: '{single}'",
            f'or write each backslash twice: "{doubled}"',
            f"or write it as a block: {name}: |- and on the next line, indented: {plain}",
        )
    if _DRIVE_OR_FOLDER.fullmatch(quoted):
        return (f'write paths with /: "{escape_unsafe(inner.replace(chr(92), "/"))}"', *ways)
    return ways


def _double(found: re.Match[str]) -> str:
    """A backslash twice, but for the pairs that mean what they say already; a single
    quote needs none.
    """
    after = found.group(1)
    return "'" if after == "'" else found.group() if after else "\\\\"


def open_quote_hints(document: Document, opened: int) -> tuple[str, ...]:
    r"""What to do about a double quote that is never closed because ``\"`` stands where
    it should close.
    """
    place = document.place_at(opened, 1)
    rest = document.source(place.line)[place.column - 1 :].rstrip(" ,]}")
    if document.text[opened : opened + 1] == '"' and rest.endswith('\\"'):
        inner = rest[1:-1]
        written = f"write it in single quotes: '{escape_unsafe(inner)}'"
        return (r"in double quotes \" is a quote inside the text", written)
    return ()


def halves_in(document: Document) -> list[Diagnostic]:
    """Every half character that a JSON text writes, each at its place."""
    return [
        half_finding(document, document.place_at(offset, 6), half)
        for offset, half in written_halves(document.text)
    ]
