"""Joining the page's files: comments go, and nothing else does."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from wanbatch.report.formats.inlining import join_scripts, strip_comments
from wanbatch.report.formats.page import SCRIPTS, STYLES

WEB = files("wanbatch.report") / "web"
SOURCES = [*SCRIPTS, *(f"css/{name}" for name in STYLES)]

KEPT = (
    'const address = "http://example.com"; // stays\n'
    "const pattern = /\\/\\/[*]/g;\n"
    'const text = "/* no comment */ // neither";\n'
    "const template = `/* ${x} */ // y`;\n"
    "  /* before */ const code = 1;\n"
    "a /* within */ + b;\n"
    "a { b: c } /* d */\n"
)


def test_comments_go_with_their_lines():
    text = (
        "// head\n\n/** @type {x} */\nconst a = 1;\n  // in\n  /*\n   * b\n   */\n  const b = 2;\n"
    )
    assert strip_comments(text) == "const a = 1;\n  const b = 2;\n"
    assert strip_comments("/* one\n * two */\na {\n}\n") == "a {\n}\n"
    assert strip_comments("// alone") == ""


def test_what_looks_like_a_comment_within_a_line_stays():
    assert strip_comments(KEPT) == KEPT


@pytest.mark.parametrize("text", ["/* open\na\n", "/* a\n */ code()\n"])
def test_a_comment_that_could_take_code_along_is_refused(text):
    with pytest.raises(ValueError, match="comment"):
        strip_comments(text)


@pytest.mark.parametrize("name", SOURCES)
def test_no_text_of_a_source_goes_over_a_line_end(name):
    """A line within a template that looks like a comment would be lost."""
    text = strip_comments((WEB / name).read_text(encoding="utf-8"))
    assert not [line for line in text.splitlines() if line.count("`") % 2]
    assert not re.search(r"\\$", text, re.M)


def test_the_joined_script_is_one_closure():
    assert join_scripts(["// a\nb();\n", "c();"]) == '"use strict";\n(() => {\nb();\nc();\n})();\n'
