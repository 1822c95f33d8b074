"""User's texts in Markdown: shown, and without effect."""

from __future__ import annotations

import random
import re

import pytest

from wanbatch.words.markdown import code_span, cut_middle, fit, flatten, length

NASTY = [
    "`", "``", "```", "\n", "\r\n", "\u2028", "\x00", "\x1b[31m", "\u202e", "\u200b", "\ud83d",
    "<script>alert(1)</script>", "</details>", "<img src=x onerror=y>", "@octocat", "#1", "a/b#2",
    "[x](javascript:y)", "![](https://e.example/p?a=b)", "|", "\\", "&lt;", "www.e.example",
    "https://cdn.example.com/a.png?Signature=c2VjcmV0", " ", "夜明け", "😀", "- ", "# ", "*", "~~",
]  # fmt: skip


def nasty(seed: int, most: int = 40) -> str:
    chance = random.Random(seed)
    return "".join(chance.choices(NASTY, k=chance.randrange(most)))


@pytest.mark.parametrize("seed", range(300))
def test_a_text_never_leaves_its_code_span(seed: int) -> None:
    shown = code_span(nasty(seed))
    assert "\n" not in shown
    assert "c2VjcmV0" not in shown
    if shown == "(empty)":
        return
    fence = re.match("`+", shown)
    assert fence is not None
    marks = fence.group()
    inside = shown[len(marks) : -len(marks)]
    assert shown.endswith(marks)
    assert marks not in re.findall("`+", inside)
    assert not inside.startswith("`")
    assert not inside.endswith("`")
    assert len(inside) <= 160 + 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a harbour", "`a harbour`"),
        ("a `b` c", "``a `b` c``"),
        ("`", "`` ` ``"),
        ("  two\n lines ", "`two lines`"),
        ("", "(empty)"),
        ("\u200b\n", "(empty)"),
        ("https://e.example/a.png?sig=b", "`https://e.example/a.png?…`"),
    ],
)
def test_a_code_span(text: str, shown: str) -> None:
    assert code_span(text) == shown


def test_long_texts_are_cut_in_their_middle() -> None:
    assert cut_middle("abcdefghij", 7) == "abcd…ij"
    assert cut_middle("abcdefg", 7) == "abcdefg"
    assert len(code_span("x" * 1000, 20)) == 22
    assert flatten("a\tb\u2029c") == "a b c"


def test_what_does_not_fit_is_counted() -> None:
    lines = [f"line {number}" for number in range(1000)]
    text = fit(["head"], lines, 200, "and {left} more")
    kept = text.splitlines()[1:-1]
    assert length(text) <= 200
    assert text.endswith(f"and {1000 - len(kept)} more\n")
    assert fit(["head"], lines[:2], 200, "and {left} more") == "head\nline 0\nline 1\n"
    assert length("😀") == 2
