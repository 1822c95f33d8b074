"""The register of diagnostic codes: what ``wanbatch explain WBnnn`` knows.

What it may not do: check anything, print anything.

How it works: each room declares its codes once, beside its checks, with ``declare``; a
code that is declared twice is a bug and raises. The families: WB1xx files and YAML,
WB2xx fields and combinations, WB3xx templates, WB4xx expansion and references, WB5xx
media.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """``title`` is one line; ``explanation`` says why it is an error and how to mend
    it, in plain paragraphs."""

    code: str
    title: str
    explanation: str


_CODES: dict[str, Code] = {}


def declare(code: str, title: str, explanation: str) -> str:
    """Register a code and return it, so that a module reads ``DUPLICATE_KEY =
    declare("WB111", …)``. Raises ``ValueError`` if it is taken."""
    if code in _CODES:
        raise ValueError(f"{code} is declared twice")
    _CODES[code] = Code(code, title, " ".join(explanation.split()))
    return code


def all_codes() -> tuple[Code, ...]:
    """Every code declared by the modules imported so far, in order."""
    return tuple(_CODES[code] for code in sorted(_CODES))


def find_code(code: str) -> Code | None:
    return _CODES.get(code)
