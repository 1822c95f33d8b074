"""What differs between two requests, part by part, in words and values.

What it may not do: decide what a difference means, or read anything.

How it works: both requests are mappings in the API's fields, as ledger, report and lock
have them (``media`` a list of type, source and hash). A text is compared by words: what
stayed is shortened, what went stands in ``[-…-]``, what came in ``{+…+}``, as in ``git
diff --word-diff``. Media are compared by content: a file that was only moved is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from wanbatch.words.hiding import hide_queries

TEXTS = ("prompt", "negative_prompt")
UNSENT = frozenset({"trace"})
"""What a ledger keeps beside a request, and no API sees."""
KEPT_WORDS = 3
"""So many words beside a change say where it is (chosen)."""


@dataclass(frozen=True, slots=True)
class Change:
    """``part`` is a field or a media type; ``words`` say what became of it."""

    part: str
    words: str

    def __str__(self) -> str:
        return f"{self.part}: {self.words}"


def find_changes(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[Change, ...]:
    """What differs, in the order of ``after``'s fields; empty where nothing does."""
    found: list[Change] = []
    for part in dict.fromkeys((*after, *before)):
        old, new = before.get(part), after.get(part)
        if part == "media":
            found += _media_changes(_media_of(old), _media_of(new))
        elif part not in UNSENT and old != new:
            found.append(Change(part, _words_of(part, old, new)))
    return tuple(found)


def find_shared_changes(
    pairs: Iterable[tuple[Mapping[str, object], Mapping[str, object]]],
) -> tuple[Change, ...]:
    """The changes that all pairs have in common. Of a text what stands between the
    words that stayed at its ends: those may differ from pair to pair."""
    shared: dict[str, Change] | None = None
    for before, after in pairs:
        found = {change.part: change for change in find_changes(*_without_ends(before, after))}
        if shared is None:
            shared = found
        shared = {part: change for part, change in shared.items() if found.get(part) == change}
        if not shared:
            break
    return tuple((shared or {}).values())


def _without_ends(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[Mapping[str, object], Mapping[str, object]]:
    old, new = dict(before), dict(after)
    for part in TEXTS:
        one, other = old.get(part), new.get(part)
        if isinstance(one, str) and isinstance(other, str) and one != other:
            old[part], new[part] = _between(one.split(), other.split())
    return old, new


def _between(old: list[str], new: list[str]) -> tuple[str, str]:
    """What remains of both, with ``…`` for the words at either end that are equal."""
    most = min(len(old), len(new))
    head = next((n for n in range(most) if old[n] != new[n]), most)
    rest = most - head
    tail = next((n for n in range(rest) if old[-1 - n] != new[-1 - n]), rest)
    begin, end = (["…"] if head else []), (["…"] if tail else [])
    one, other = (
        " ".join((*begin, *words[head : len(words) - tail], *end)) for words in (old, new)
    )
    return one, other


def _words_of(part: str, old: object, new: object) -> str:
    if part in TEXTS and isinstance(old, str) and isinstance(new, str):
        return diff_words(old, new)
    return f"{_value(old)} → {_value(new)}"


def _value(value: object) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def diff_words(old: str, new: str) -> str:
    """Both texts in one line, as ``git diff --word-diff`` has them."""
    before, after = re.findall(r"\S+", old), re.findall(r"\S+", new)
    if before == after:
        return "only white space differs"
    parts: list[str] = []
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for number, (kind, i, j, k, m) in enumerate(blocks):
        if kind == "equal":
            parts += _shortened(before[i:j], first=number == 0, last=number == len(blocks) - 1)
            continue
        if j > i:
            parts.append(f"[-{' '.join(before[i:j])}-]")
        if m > k:
            parts.append(f"{{+{' '.join(after[k:m])}+}}")
    return " ".join(parts)


def _shortened(words: Sequence[str], *, first: bool, last: bool) -> list[str]:
    head, tail = (0 if first else KEPT_WORDS), (0 if last else KEPT_WORDS)
    if len(words) <= head + tail + 1:
        return list(words)
    return [*words[:head], "…", *words[len(words) - tail :]]


def _media_of(value: object) -> dict[str, Mapping[str, object]]:
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return {str(item.get("type")): item for item in items if isinstance(item, Mapping)}


def _media_changes(
    old: Mapping[str, Mapping[str, object]], new: Mapping[str, Mapping[str, object]]
) -> Iterator[Change]:
    for kind in dict.fromkeys((*new, *old)):
        before, after = old.get(kind), new.get(kind)
        if before is None or after is None:
            yield Change(kind, f"{_source(before)} → {_source(after)}")
        elif before.get("sha256") != after.get("sha256"):
            name = _source(after)
            if _source(before) == name:
                yield Change(kind, f"{name} holds other bytes")
            else:
                yield Change(kind, f"{_source(before)} → {name}")
        elif not before.get("sha256") and _source(before) != _source(after):
            yield Change(kind, f"{_source(before)} → {_source(after)}")


def _source(item: Mapping[str, object] | None) -> str:
    return "none" if item is None else hide_queries(str(item.get("source")))
