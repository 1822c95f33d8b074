"""Strict JSON, and the place of everything that is wrong with it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanbatch.words.json_places import DEEPEST, BadJson, find_place, format_pointer, read_json

TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("ab/~é"), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(TREES, st.sampled_from([None, 1]), st.booleans())
def test_what_json_writes_is_read_as_json_reads_it(tree, indent, ascii_only):
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii_only)
    assert read_json(text) == json.loads(text)


@given(st.text(st.sampled_from('{}[],:"\\u0d8 \n1e-.+tfn')))
def test_whatever_is_read_json_reads_too(text):
    try:
        ours = read_json(text)
    except BadJson:
        return  # stricter than Python's reader: no key twice, no NaN
    assert json.loads(text) == ours


@pytest.mark.parametrize(
    ("text", "problem", "place"),
    [
        ("", "ends before", (1, 1, "")),
        ('{"a": NaN}', "no value", (1, 7, "/a")),
        ('{"a": -Infinity}', "no value", (1, 7, "/a")),
        ("[1,\n  2,\n  x]", "no value", (3, 3, "/2")),
        ('{"a": 1, "a": 2}', "twice", (1, 10, "")),
        ('[{"b/c": {"~": [0, 01]}}]', "no number", (1, 20, "/0/b~1c/~0/1")),
        ('["\\ud83d"]', "half of a character", (1, 2, "/0")),
        ('["\\udca9\\ud83d"]', "half of a character", (1, 2, "/0")),
        ('["a\nb"]', "cannot be read", (1, 4, "/0")),
        ('["\\x"]', "cannot be read", (1, 3, "/0")),
        ("[1] 2", "follows the end", (1, 5, "")),
        ("[1 2]", "comma or ]", (1, 4, "/1")),
        ("{1: 2}", "key in double quotes", (1, 2, "")),
        ('{"a" 2}', "colon", (1, 6, "")),
        ('{"a": 1,}', "key in double quotes", (1, 9, "")),
        ("[1e999]", "too large", (1, 2, "/0")),
        ("[1234567890123456789]", "more than 18 digits", (1, 2, "/0")),
        ("[" * 100_000, f"more than {DEEPEST} levels", (1, 33, "/0" * 32)),
        ('{"a":' * 100_000, f"more than {DEEPEST} levels", (1, 161, "/a" * 32)),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_wrong_has_its_place(text, problem, place):
    with pytest.raises(BadJson) as caught:
        read_json(text)
    assert problem in caught.value.problem
    found = caught.value.place
    assert (found.line, found.column, found.pointer) == place


def test_a_value_is_found_again():
    text = '{"picks": [\n  {"stars": 1},\n  {"stars": 9}\n]}'
    place = find_place(text, ("picks", 1, "stars"))
    assert (place.line, place.column, place.pointer) == (3, 13, "/picks/1/stars")
    assert find_place(text, ()).line == 1
    assert format_pointer(("a/b", 0, "~")) == "/a~1b/0/~0"
