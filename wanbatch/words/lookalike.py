"""Names that look alike and are not the same: composed and decomposed letters,
look-alikes of other scripts, odd blanks.

What it may not do: open a file, or look outside of the folder that it is given.

How it works: ``é`` is one code point or two, depending on the system that a file came
from. A name that differs in nothing else is the same name (``composed``). What only
looks alike, two names with one ``skeleton``, is never taken for the other:
``difference`` says in which code point they differ.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path, PurePath, PurePosixPath

from wanbatch.words.quoting import closest, escape_unsafe

_MOST_NAMES = 100_000
"""Names of a folder that are compared; more would take seconds to read."""
_LATIN = str.maketrans(
    "аеорсухіјѕһвнкмтοανρτυχικβημ’‘‚“”„⁄∕",
    "aeopcyxijshbhkmtoavptuxikbhm''''''//",
)
"""Cyrillic and Greek letters, quotes and slashes by what they look like, in lower
case."""


def composed(name: str) -> str:
    """The form in which equal names are equal: every letter with its marks in one code
    point where there is one.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def skeleton(name: str) -> str:
    """What is left of a name when everything is gone that an eye may miss."""
    text = unicodedata.normalize("NFKC", name).casefold().translate(_LATIN)
    kept = []
    for character in text:
        kind = unicodedata.category(character)
        if kind == "Pd":
            kept.append("-")
        elif character.isspace():
            kept.append(" ")
        elif kind not in ("Cf", "Cc", "Cs") and not "\ufe00" <= character <= "\ufe0f":
            kept.append(character)
    return " ".join("".join(kept).split())


def difference(here: str, there: str) -> str | None:
    """How two names differ that look alike, by code points; ``None`` where an eye sees
    it.
    """
    if here == there or skeleton(here) != skeleton(there) or here.casefold() == there.casefold():
        return None
    for one, other in zip_longest(here, there, fillvalue=""):
        if one != other:
            return f"here stands {_called(one)}, there {_called(other)}"
    return None


def _called(character: str) -> str:
    if not character:
        return "nothing more"
    name = unicodedata.name(character, "a character without a name")
    return f"U+{ord(character):04X} {name}"


def alike(name: str, names: Iterable[str]) -> str | None:
    """The one of ``names`` that looks like ``name``."""
    wanted = skeleton(name)
    return next((n for n in names if skeleton(n) == wanted), None) if wanted else None


@dataclass(slots=True)
class Folders:
    """What folders hold, by composed names; each folder is read once."""

    _known: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def find(self, folder: Path, source: str) -> Path:
        """The file that ``source`` names under ``folder``: as it is written, else the
        only one whose name is equal but for its form.
        """
        path = folder / source
        if os.path.lexists(path):
            return path
        present = folder
        for part in PurePosixPath(source).parts:
            here = present / part
            if not os.path.lexists(here):
                same = self._names(present).get(composed(part), [])
                if len(same) != 1:
                    return path
                here = present / same[0]
            present = here
        return present

    def _names(self, folder: Path) -> dict[str, list[str]]:
        known = self._known.get(str(folder))
        if known is None:
            known = self._known[str(folder)] = {}
            try:
                with os.scandir(folder) as entries:
                    for entry in islice(entries, _MOST_NAMES):
                        known.setdefault(composed(entry.name), []).append(entry.name)
            except (OSError, ValueError):
                pass
        return known


def similar_names(name: str, names: Sequence[str], folder: str = "") -> tuple[str, ...]:
    """Which of the names beside it a missing file was probably meant to be, and how
    they differ where an eye cannot see it."""
    near = alike(name, names) or closest(name, names) or closest(PurePath(name).stem, names)
    if near is None:
        return ()
    differs = difference(name, near)
    return (f"did you mean {folder}{escape_unsafe(near)}?", *((differs,) if differs else ()))
