"""The page's script and style are made small and stay the same: what is tricky is run
under node, before and after."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.resources import files

import pytest

from wanbatch.report.formats.page import SCRIPTS, STYLES
from wanbatch.report.formats.shrink import join_scripts, read_tokens, shrink_script, shrink_style

WEB = files("wanbatch.report") / "web"
NODE = shutil.which("node") or "node"
TEXTS = {name: (WEB / name).read_text(encoding="utf-8") for name in SCRIPTS}

TRICKY = r"""
// a comment with "quotes" and `ticks`
/** @type {x} */
const greeting = "http://a.b/ // no comment /* nor this */";
const pattern = /[/"`]\/\/[*]/g; // behind code
let counter = 1;
const template = `greeting ${greeting + `inner ${counter}`} // stays /* too */ ${"}"}`;
function withDefaults({ counter = 7, greeting: other = "x", ...rest }, pattern = { counter }) {
  return { counter, other, rest, greeting, pattern, template: 3, "counter": 4 };
}
const methods = {
  greeting(counter) {
    return counter / 2 / counter;
  },
  async template() {},
  pattern: (counter) => ({ counter }),
  [greeting]: counter,
  get counter() {
    return this.greeting(8);
  },
};
const signs = [counter++ + ++counter, counter - -counter, counter + +counter, !/a/.test("b")];
const chosen = counter > 2 ? greeting : counter;
const [first, , third = counter] = [1, 2];
for (const { counter: each, greeting } of [{ counter: 1, greeting: 2 }]) {
  signs.push(each, greeting);
}
switch (first) {
  case 1:
    signs.push(typeof greeting, "x" in {}, third);
    break;
}
const lengths = [[1, 2, ], [1, , ], [, ], [[]], ].map((list, ) => list.length);
const nothing = methods?.counter ?? methods?.["pattern"];
return JSON.stringify([
  withDefaults({ more: 1 }), withDefaults({ counter: 2, greeting: 1 }), template, signs, chosen,
  methods.counter, methods.pattern(5), Object.keys(methods), nothing, "a".replace(pattern, "/"),
  String(pattern), 1.5.toFixed(1), third, lengths,
]);
"""


def run(body: str) -> str:
    script = f"console.log(new Function({json.dumps(body)})())"
    done = subprocess.run(
        [NODE, "-e", script], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_a_script_does_the_same_in_fewer_bytes() -> None:
    small = shrink_script(TRICKY)
    assert run(small) == run(TRICKY)
    assert len(small) < 0.8 * len(TRICKY)
    assert "withDefaults" not in small
    assert "a comment" not in small


def test_strings_and_patterns_survive_as_they_are() -> None:
    kept = {token.value for token in read_tokens(TRICKY) if token.kind == "text"}
    assert '"http://a.b/ // no comment /* nor this */"' in kept
    assert '/[/"`]\\/\\/[*]/g' in kept
    small = shrink_script(TRICKY)
    assert not [text for text in kept if text not in small]


@pytest.mark.parametrize("text", ['const a = "open', "const a = `open", "const a = #b"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no "):
        shrink_script(text)


def test_the_joined_script_is_one_that_node_can_read() -> None:
    script = join_scripts(TEXTS.values())
    assert script.startswith('"use strict";(()=>{')
    body = f"new Function({json.dumps(script)})"
    subprocess.run([NODE, "-e", body], check=True, capture_output=True, timeout=60)


def test_the_scripts_are_written_as_the_shrinking_needs_it() -> None:
    for name, text in TEXTS.items():
        names = {token.value for token in read_tokens(text) if token.kind == "name"}
        assert not [word for word in names if word.startswith("$")], name
        assert not re.search(r"\bclass \w+ (?:extends \w+ )?\{", text), name
        assert not re.search(r"\bcase .*: \{", text), name


def test_a_style_says_the_same_in_fewer_bytes() -> None:
    style = (
        '/* a */\na  b :hover,\nc > d {\n  e: f  g;\n  h: "  x ; y ";\n  i: calc(1px + 2px);\n}\n'
    )
    assert shrink_style(style) == 'a b :hover,c > d{e:f g;h:"  x ; y ";i:calc(1px + 2px)}'
    for name in STYLES:
        text = (WEB / "css" / name).read_text(encoding="utf-8")
        assert shrink_style(text).count("{") == re.sub(r"/\*.*?\*/", "", text, flags=re.S).count(
            "{"
        )
