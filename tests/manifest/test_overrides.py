"""``--set``: which fields there are, and what they may be."""

from __future__ import annotations

import pytest

from wanbatch.manifest.overrides import parse_overrides
from wanbatch.words.errors import ExitCode, WanbatchError


def test_values_have_the_fields_types():
    pairs = [
        *("size=1080P", "seconds=10", "seed=7", "prompt_extend=true", "watermark=false"),
        *("prompt={{ a }} = b", "negative_prompt= ", "model=wan2.7-i2v-2026-04-25", "tags=a,b"),
    ]
    assert parse_overrides(pairs) == {
        "size": "1080P",
        "seconds": 10,
        "seed": 7,
        "prompt_extend": True,
        "watermark": False,
        "prompt": "{{ a }} = b",
        "negative_prompt": None,
        "model": "wan2.7-i2v-2026-04-25",
        "tags": ("a", "b"),
    }


@pytest.mark.parametrize(
    ("pairs", "said", "help_"),
    [
        (["size"], "is not NAME=VALUE", "for example"),
        (["sice=720P"], "there is no such field", "did you mean size?"),
        (["\x1b[2J=1"], '"\\x1b[2J": there is no such field', "the fields are size"),
        (["size=1080p"], "size is 720P or 1080P", "did you mean 1080P?"),
        (["seconds=16"], "seconds is a whole number from 2 to 15", ""),
        (["seconds=5.5"], "seconds is a whole number", ""),
        (["seconds=" + "9" * 40], "seconds is a whole number", ""),
        (["seed=-1"], "seed is a whole number", ""),
        (["seed=.nan"], "seed is a whole number", ""),
        (["watermark=on"], "watermark is true or false", ""),
        (["prompt=a\x00b"], "prompt is a text without control characters", ""),
        (["prompt=" + "x" * 5001], "prompt is a text", ""),
        (["model=gpt"], "model is wan2.7-i2v or a snapshot", ""),
        (["tags=a b"], "a tag is a word", "write tags"),
        (["matrix=x"], "each chosen job stands by itself", ""),
        (["media=x"], "each job keeps its own media", ""),
        (["size=720P", "size=1080P"], "is given twice", "say it once"),
    ],
)
def test_what_cannot_be_set_is_refused(pairs, said, help_):
    with pytest.raises(WanbatchError) as caught:
        parse_overrides(pairs)
    assert caught.value.exit_code is ExitCode.INVALID
    assert said in caught.value.message
    assert caught.value.message.isprintable()
    assert help_ in " ".join(caught.value.hints)
