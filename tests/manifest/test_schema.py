"""The schemas: the two validators agree, the six combinations, documentation on every
key."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from wanbatch.manifest.shape.check import explain
from wanbatch.manifest.yaml.source import read_source
from wanbatch.model.job import LEGAL_COMBINATIONS, MEDIA_TYPES
from wanbatch.words.schemas import gate, load_schema, schema_errors, schema_path

CASES = Path(__file__).parent.parent / "cases"
EXAMPLES = Path(__file__).parent.parent.parent / "examples" / "specs"
GOOD = {
    "model": "wan2.7-i2v",
    "seconds": 5,
    "size": "720P",
    "seed": 1,
    "prompt_extend": False,
    "watermark": False,
}


def agree(name: str, value: object) -> bool:
    """Both validators' verdict, which must be one."""
    fast, slow = gate(name).is_valid(value), not list(schema_errors(name, value))
    assert fast == slow, value
    assert fast or explain(name, value), "what is refused is explained"
    return fast


def parts(node: object) -> Iterator[dict[str, object]]:
    if isinstance(node, dict):
        yield node
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from parts(child)


def test_the_form_of_every_number_follows_its_name() -> None:
    """The hint "write FORM" is what follows "is" in the schema's sentence."""
    said = [
        str(part["errorMessage"])
        for part in parts(load_schema("manifest"))
        if "integer" in str(part.get("type")) and "pattern" in part
    ]
    assert len(said) > 5
    for sentence in said:
        assert sentence.partition(" is ")[2].startswith("a whole number"), sentence


@pytest.mark.parametrize("name", ["manifest", "job"])
def test_schemas_are_draft_07(name: str) -> None:
    Draft7Validator.check_schema(load_schema(name))
    assert schema_path(name).name == f"{name}.schema.json"


def test_an_unknown_schema_is_refused() -> None:
    with pytest.raises(LookupError):
        load_schema("../../etc/passwd")


def keyed(node: object, path: str = "") -> Iterator[tuple[str, dict[str, object]]]:
    """Every property of a schema, by where it is declared."""
    if isinstance(node, dict):
        if (
            isinstance(node.get("properties"), dict)
            and "if" not in path.split("/")
            and "then" not in path.split("/")
        ):
            for key, value in node["properties"].items():
                if (isinstance(value, dict) and "const" not in value) or key == "wanbatch":
                    yield f"{path}/{key}", value
        for key, value in node.items():
            yield from keyed(value, f"{path}/{key}")
    elif isinstance(node, list):
        for item in node:
            yield from keyed(item, path)


@pytest.mark.parametrize("name", ["manifest", "job"])
def test_every_key_documents_itself_in_an_editor(name: str) -> None:
    schema = load_schema(name)
    definitions = schema["definitions"]
    assert isinstance(definitions, dict)
    seen = 0
    for path, value in keyed(schema):
        if "has_complete_media" in path or path == "/else/jobs":
            continue  # conditions on keys that are documented elsewhere
        reference = value.get("$ref")
        shown = definitions[str(reference).rsplit("/", 1)[1]] if reference else value
        parts = list(parts_of(shown, definitions))
        assert "description" in shown, path
        if path.endswith("/where"):
            continue
        assert any("errorMessage" in part for part in parts), path
        is_mapping = any(part.get("type") in ("object", ["object", "null"]) for part in parts)
        assert name == "job" or is_mapping or "examples" in shown, path
        for part in parts if name == "manifest" else ():
            # An editor would show it for unknown keys, and null among the completions.
            assert not ("errorMessage" in part and "additionalProperties" in part), path
        assert name == "job" or "null" not in str(shown.get("type")), path
        seen += 1
    assert seen >= 9


def parts_of(shown, definitions):
    """A schema, and what applies with it: all of ``allOf``, ``then`` where it always
    holds."""
    reference = shown.get("$ref")
    shown = definitions[str(reference).rsplit("/", 1)[1]] if reference else shown
    yield shown
    for part in shown.get("allOf", []):
        yield from parts_of(part, definitions)
    if shown.get("if") is True:
        yield from parts_of(shown["then"], definitions)


def test_the_examples_in_the_schemas_are_valid() -> None:
    manifest = load_schema("manifest")
    definitions = manifest["definitions"]
    assert isinstance(definitions, dict)
    for name, definition in definitions.items():
        for example in definition.get("examples", []):
            validator = Draft7Validator(
                {"$ref": f"#/definitions/{name}", "definitions": definitions}
            )
            assert validator.is_valid(example), (name, example)


def test_of_sixteen_subsets_six_are_legal() -> None:
    legal = set()
    for count in range(5):
        for subset in itertools.combinations(MEDIA_TYPES, count):
            media = {kind: f"{kind}.bin" for kind in subset}
            job_ok = agree("job", {**GOOD, "media": media})
            manifest_ok = agree("manifest", {"wanbatch": 1, "jobs": [{"id": "a", "media": media}]})
            assert job_ok == manifest_ok == (frozenset(subset) in LEGAL_COMBINATIONS), subset
            legal |= {subset} if job_ok else set()
    assert len(legal) == 6


MAYBE: st.SearchStrategy[object] = st.sampled_from(
    [
        None,
        "a.png",
        "https://e.com/a",
        "http://e.com/a",
        "data:x",
        "",
        5,
        {"job": "b"},
        {"job": "b", "frame": "last"},
        {"frame": "x"},
        [],
    ]
)
JOBS = st.fixed_dictionaries(
    {"media": st.dictionaries(st.sampled_from([*MEDIA_TYPES, "mask"]), MAYBE, max_size=4)},
    optional={
        "model": st.sampled_from(
            ["wan2.7-i2v", "wan2.7-i2v-2026-04-25", "wan2.7-i2v\n", "wan2.6", 5]
        ),
        "seconds": st.one_of(
            st.integers(0, 18), st.sampled_from([5.0, 5.5, "5", "5\n", "16", "{{ n }}", True, None])
        ),
        "size": st.sampled_from(["720P", "1080P", "720p", "720P\n", 720]),
        "seed": st.one_of(st.integers(-2, 3), st.sampled_from([2**31 - 1, 2**31, 1.0, "1", "x"])),
        "prompt_extend": st.sampled_from([True, False, "true", "yes", 1]),
        "watermark": st.sampled_from([True, False, None]),
        "prompt": st.one_of(
            st.text(max_size=30),
            st.sampled_from(["x" * 5_000, "x" * 5_001, "é" * 5_000, "\x07", 5]),
        ),
        "negative_prompt": st.sampled_from(["x" * 500, "x" * 501, "", "blurry"]),
        "id": st.sampled_from(["a", "A", "a b", "a\n", "", "é"]),
        "tags": st.lists(st.sampled_from(["a", "a b", "", 5, "é,"]), max_size=2),
        "extra": st.just(1),
    },
)


@settings(max_examples=500, deadline=None)
@given(JOBS)
def test_both_validators_agree_on_jobs_and_on_combinations(job: dict[str, object]) -> None:
    accepted = agree("job", job)
    full = agree("job", {**GOOD, **{k: v for k, v in job.items() if k not in ("id", "tags")}})
    agree("manifest", {"wanbatch": 1, "jobs": [job]})
    agree(
        "manifest",
        {
            "wanbatch": 1,
            "defaults": {"media": job["media"]},
            "jobs": [{"id": "a", "media": job["media"]}],
        },
    )
    media = job["media"]
    assert isinstance(media, dict)
    if accepted or full:
        assert frozenset(media) in LEGAL_COMBINATIONS


WORDS = [
    "wanbatch",
    "jobs",
    "id",
    "media",
    "first_clip",
    "first_frame",
    "matrix",
    "include",
    "seeds",
    "seed",
    "count",
    "rows",
    "x-a",
    "run",
    "vars",
]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
)
ANYTHING = st.recursive(
    LEAVES,
    lambda s: st.lists(s, max_size=3) | st.dictionaries(st.sampled_from(WORDS), s, max_size=4),
)


@settings(max_examples=200, deadline=None)
@given(ANYTHING)
def test_both_validators_agree_on_anything(value: object) -> None:
    agree("manifest", value)


def test_both_validators_agree_on_every_case_and_example() -> None:
    seen = 0
    for path in [*CASES.glob("*/*/*.yaml"), *EXAMPLES.glob("*.yaml")]:
        document = read_source(path).document
        if document is not None:
            agree("manifest", document.data)
            seen += 1
    assert seen > 100


def test_schemas_are_plain_json_with_one_form() -> None:
    for name in ("manifest", "job"):
        assert json.loads(schema_path(name).read_text(encoding="utf-8")) == load_schema(name)
