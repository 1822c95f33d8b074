"""The page of the report without a browser: how its scripts are joined, what stands in
its data block, and the pure scripts under node.

What it may not do: open the page (``tests/browser`` does).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import zlib
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from expecting import expect
from report import samples

from wanbatch.model.job import MediaType
from wanbatch.model.lifecycle import Authority
from wanbatch.model.plan import JobState
from wanbatch.model.report import Timings
from wanbatch.report import labels, wording
from wanbatch.report.collect import collect
from wanbatch.report.formats.inlining import join_scripts, join_styles, strip_comments
from wanbatch.report.formats.page import LOADER, PURE_SCRIPTS, SCRIPTS, STYLES
from wanbatch.report.formats.render import render

ROOT = Path(__file__).parents[2]
WEB = ROOT / "wanbatch" / "report" / "web"
TEXTS = {name: (WEB / name).read_text(encoding="utf-8") for name in SCRIPTS}
STYLE_TEXTS = {name: (WEB / "css" / name).read_text(encoding="utf-8") for name in STYLES}
STYLE = "\n".join(STYLE_TEXTS.values())
INLINED_BYTES = 120_000
"""What script and style may weigh together (the contract of the report)."""
NODE = shutil.which("node") or "node"
DECLARED = re.compile(r"^(?:async )?(?:function|const|let|var|class) (\w+)", re.M)
NODE_TESTS = sorted((Path(__file__).parent / "web").glob("*.test.mjs"))


@pytest.fixture(scope="module")
def page():
    return render(collect(*samples.make_case(JobState.DONE, JobState.FAILED)), "html")


def code_of(text):
    """A script without its comments and plain texts; templates stay, with the names in
    them."""
    text = re.sub(r"/\*.*?\*/|^\s*//[^\n]*$", "", text, flags=re.S | re.M)
    return re.sub(r"\"[^\"'`\n]*\"", '""', text)


def names_in(text):
    """The names that a script uses, but for properties."""
    return set(re.findall(r"(?<![\w.])(?:\.\.\.)?([A-Za-z_]\w*)", code_of(text)))


# -- the files -------------------------------------------------------------------------


def test_every_script_is_declared_once():
    assert sorted([*SCRIPTS, LOADER]) == sorted(path.name for path in WEB.glob("*.js"))
    assert SCRIPTS[-1] == "main.js"


def test_every_style_is_declared_once_and_says_what_it_is():
    assert sorted(STYLES) == sorted(path.name for path in (WEB / "css").glob("*.css"))
    assert len(set(STYLES)) == len(STYLES)
    assert not [name for name, text in STYLE_TEXTS.items() if not re.match(r"/\* [A-Z]", text)]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_what_it_is_and_what_it_may_not_do(name):
    head = expect(re.Match, re.match(r"(?://.*\n)+", TEXTS[name]))[0]
    assert re.match(r"// \w", head)
    assert "\n// It may not " in head
    assert head.endswith("// @ts-check\n")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_uses_the_names_of_those_before_it_alone(name):
    later = SCRIPTS[SCRIPTS.index(name) + 1 :]
    beyond = {other: names_in(TEXTS[name]) & declared(other) for other in later}
    assert not {other: used for other, used in beyond.items() if used}


def declared(name):
    return set(DECLARED.findall(TEXTS[name]))


def test_no_name_is_declared_twice_and_each_is_used():
    found = [name for text in TEXTS.values() for name in DECLARED.findall(text)]
    assert len(found) > 40
    assert len(found) == len(set(found)), "the later function would replace the first"
    together = code_of("\n".join(TEXTS.values()))
    assert not [name for name in found if len(re.findall(rf"\b{name}\b", together)) < 2]


def test_the_pure_scripts_are_checked_without_a_browsers_names():
    settings = json.loads(
        re.sub(r"^//.*$", "", (ROOT / "tsconfig.pure.json").read_text(), flags=re.M)
    )
    folder = WEB.relative_to(ROOT).as_posix()
    assert settings["files"] == [f"{folder}/{name}" for name in ("types.d.ts", *PURE_SCRIPTS)]
    assert not [name for name in settings["compilerOptions"]["lib"] if "DOM" in name]


def test_nothing_ends_a_script_or_a_style_early_and_no_address_is_named():
    for text in (*TEXTS.values(), STYLE):
        assert not re.search(r"</(?:script|style)|<!--", text, re.I)
        namespace = "http://www.w3.org/2000/svg"  # a name, which nobody asks for
        assert not re.search(r"https?:|url\(|@import", text.replace(namespace, ""))


def test_nothing_makes_markup_or_code_of_a_text():
    doors = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\("
    assert not [name for name, text in TEXTS.items() if re.search(doors, text)]
    assert [name for name, text in TEXTS.items() if "createElement" in text] == ["elements.js"]


# -- the page --------------------------------------------------------------------------


def test_scripts_and_styles_are_joined_under_one_hash_each(page):
    data, packed, loader = re.findall(r"<script[^>]*>(.*?)</script>", page, re.S)
    assert data.startswith("{")
    script = zlib.decompress(base64.b64decode(packed)).decode()
    assert script == join_scripts(TEXTS.values())
    assert loader == strip_comments((WEB / LOADER).read_text(encoding="utf-8"))
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    assert style == join_styles(STYLE_TEXTS.values())
    assert len((packed + loader + style).encode()) <= INLINED_BYTES
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    digests = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (loader, script, style)
    ]
    assert "script-src 'sha256-{}' 'sha256-{}'; style-src 'sha256-{}'; ".format(*digests) in policy
    assert policy.startswith("default-src 'none'")


def test_the_data_block_brings_the_labels(page):
    (block,) = re.findall(r'<script[^>]*id="data">(.*?)</script>', page, re.S)
    data = json.loads(block)
    assert set(data) == {"base", "realm", "jobs", "former", "shapes", "words", "advice", "labels"}
    assert data["labels"]["states"] == {state.value: labels.STATES[state] for state in JobState}
    assert data["labels"]["authorities"]["regenerate"] == labels.AUTHORITIES[Authority.REGENERATE]
    assert data["labels"]["media"]["first_frame"] == "First frame"
    assert data["labels"]["symbols"] == wording.SYMBOLS
    assert data["labels"]["stages"][0] == {
        "field": "queue_s",
        "tone": "waiting",
        "label": "Waited",
    }


def test_every_value_has_its_words():
    assert set(labels.STATES) == set(JobState)
    assert set(labels.AUTHORITIES) == set(Authority)
    assert set(labels.MEDIA) == set(get_args(MediaType))
    durations = [field.name for field in fields(Timings) if field.name.endswith("_s")]
    assert [field for field, _, _ in labels.STAGES] == durations


def test_no_script_repeats_a_label():
    tables = (labels.STATES, labels.AUTHORITIES, labels.MEDIA)
    words = [word for table in tables for word in table.values()]
    words += [label for _, _, label in labels.STAGES]
    assert not [word for word in words for text in TEXTS.values() if f'"{word}"' in text]


def test_every_state_and_stage_has_a_colour():
    toned = {
        name
        for selectors in re.findall(r"([^{}]+)\{\s*--tone:", STYLE)
        for name in re.findall(r"\.([\w-]+)", selectors)
    }
    assert toned >= {state.value for state in JobState} | {tone for _, tone, _ in labels.STAGES}


def test_the_types_of_the_page_are_those_of_the_schema():
    schema = json.loads((ROOT / "schemas" / "report.schema.json").read_text())["definitions"]
    text = (WEB / "types.d.ts").read_text()
    found = dict(re.findall(r"^interface (\w+) \{\n(.*?)^\}", text, re.M | re.S))
    for name in ("Job", "Attempt", "Cost", "Timings", "Request", "Output", "Check", "Fault"):
        named = set(re.findall(r"^  (\w+)\??:", found[name], re.M))
        there = schema["error" if name == "Fault" else name.lower()]
        known = {*there["properties"], *re.findall(r"\w+", there.get("description", ""))}
        assert named, name
        assert named <= known, f"{name}: report.json has no {named - known}"


# -- under node ------------------------------------------------------------------------


def test_every_pure_script_has_its_tests():
    stems = [Path(name).stem for name in PURE_SCRIPTS]
    assert sorted(stems) == sorted(path.name.partition(".")[0] for path in NODE_TESTS)


@pytest.mark.parametrize("path", NODE_TESTS, ids=lambda path: path.name)
def test_the_pure_scripts_under_node(path):
    done = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(expect(re.Match, re.search(r"^# pass (\d+)$", done.stdout, re.M))[1]) > 1


AMOUNTS = [
    *((text, currency) for text in ("0", "0.5", "1.50", "12.3456") for currency in ("USD", "CNY")),
    *(("3", "CHF"), ("3", ""), (None, "USD")),
]
SECONDS = [
    *(None, 0.0, 0.04, 0.3, 9.94, 9.95, 10.4, 10.5, 11.5, 59.4, 59.5, 60.0, 61.0, 118.5, 119.5),
    *(3599.4, 3599.5, 3600.0, 3661.0, 7260.0, 86_399.0),
]


def test_python_and_the_page_word_numbers_the_same_way():
    asked = json.dumps({"amounts": AMOUNTS, "seconds": SECONDS, "symbols": wording.SYMBOLS})
    script = f"""
        import {{ load }} from {json.dumps((Path(__file__).parent / "web/load.mjs").as_uri())};
        const {{ money, duration }} = load("words.js");
        const {{ amounts, seconds, symbols }} = {asked};
        const said = amounts.map(([amount, currency]) => money(amount, currency, symbols));
        console.log(JSON.stringify([said, seconds.map(duration)]));
    """
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == [
        [
            wording.money(Decimal(amount) if amount else None, currency)
            for amount, currency in AMOUNTS
        ],
        [wording.duration(seconds) for seconds in SECONDS],
    ]
