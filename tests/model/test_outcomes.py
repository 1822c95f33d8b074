"""What the API can tell: every text of every outcome can be rewritten, so that no
secret hides in one that was forgotten."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import pytest
from expecting import expect

from wanbatch.model import outcomes
from wanbatch.model.media import VideoFacts
from wanbatch.model.outcomes import Downloaded, Halted, Uncertain, Undeliverable, rewrite

FACTS = VideoFacts("ab", 1, 5.0, 16, 16, 1.0, has_audio=False)
UNIONS = [
    getattr(outcomes, f"{name}Outcome")
    for name in ("Delivery", "Submit", "Poll", "Download", "Probe")
]
OURS = {"task_id", "refused", "remark", "urls"}
"""Ids, hashes and what this machine measured: a server's words are in none of them.
URLs are for the wire; they are never shown."""


def filled(kind: type) -> object:
    """One with ``secret`` in every text that there is."""
    samples = {
        "str": "secret",
        "str | None": "secret",
        "tuple[str, ...]": ("secret",),
        "VideoFacts": FACTS,
        "Halted | None": Halted("secret", "secret", "secret"),
        "Mapping[MediaType, str]": {"first_frame": "https://x/secret"},
    }
    return kind(**{f.name: samples[str(f.type)] for f in fields(kind) if str(f.type) in samples})


def texts(value: object) -> list[str]:
    found = []
    for field in fields(value):  # type: ignore[arg-type]
        part = getattr(value, field.name)
        if field.name in OURS:
            continue
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, tuple):
            found += [one for one in part if isinstance(one, str)]
        elif isinstance(part, Halted):
            found += texts(part)
    return found


@pytest.mark.parametrize("kind", sorted({k for u in UNIONS for k in get_args(u)}, key=str))
def test_every_text_of_every_outcome_is_rewritten(kind: type) -> None:
    before = filled(kind)
    after = rewrite(before, lambda text: text.replace("secret", "…"))  # type: ignore[type-var]
    assert type(after) is kind
    assert set(texts(after)) <= {"…"}
    assert len(texts(after)) == len(texts(before))


def test_what_holds_no_word_of_a_server_stays_as_it_is() -> None:
    whole = Downloaded(FACTS, remark="2 bytes stand behind its last box")
    assert rewrite(whole, str.upper) is whole


def test_a_halt_inside_of_an_uncertain_answer_is_rewritten_too() -> None:
    told = Uncertain("HTTP 500", halt=Halted("c", "key sk-1 is wrong", "see sk-1"))
    after = expect(Uncertain, rewrite(told, lambda text: text.replace("sk-1", "…")))
    assert after.halt == Halted("c", "key … is wrong", "see …")
    assert expect(Uncertain, rewrite(Uncertain("x"), str.upper)).halt is None


def test_what_cannot_be_delivered_is_one_line_in_an_event() -> None:
    assert Undeliverable("it is too large").text == "it is too large"
    assert Undeliverable("a; b.mp3 stays", ("use a bucket",)).text == "a; b.mp3 stays; use a bucket"
