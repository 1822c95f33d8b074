"""``--set NAME=VALUE``: a field of a job, changed in all jobs of a manifest to be
written.

What it may not do: read files; render what it is given, which is a text like any other.

How it works: a field is named as in a manifest, its value is read as YAML reads a plain
scalar where the field is a number or a switch, and held against
``schemas/job.schema.json``, in whose words a refusal speaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from wanbatch.model.job import Job
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.quoting import closest, listed, shown
from wanbatch.words.scalars import BadNumber, resolve_plain
from wanbatch.words.schemas import load_schema

FIELDS = (
    "size",
    "seconds",
    "prompt",
    "negative_prompt",
    "seed",
    "prompt_extend",
    "watermark",
    "model",
    "tags",
)
_ELSEWHERE = {
    "id": "ids are made of the jobs' names",
    "media": "each job keeps its own media; change them in the new manifest",
    **dict.fromkeys(
        ("matrix", "rows", "seeds", "seed_key", "repeat", "vars"),
        "each chosen job stands by itself, with its seed frozen; sweep in the new manifest",
    ),
}
_EMPTY_IS_NONE = ("prompt", "negative_prompt")

Overrides = Mapping[str, object]


def parse_overrides(pairs: Sequence[str]) -> Overrides:
    """The fields of several ``NAME=VALUE``. Raises ``WanbatchError`` (2)."""
    found: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise _refusal(
                f"--set {shown(pair)} is not NAME=VALUE", "for example: --set size=1080P"
            )
        if name not in FIELDS:
            raise _refusal(f"--set {shown(name)}: {_why_not(name)}", *_meant(name))
        if name in found:
            raise _refusal(f"--set {name} is given twice", "say it once")
        found[name] = _read(name, text)
    return found


def override(job: Job, changes: Overrides) -> Job:
    """The job with its fields changed."""
    return replace(job, **cast("dict[str, Any]", dict(changes))) if changes else job


def _why_not(name: str) -> str:
    return _ELSEWHERE.get(name, "there is no such field")


def _meant(name: str) -> tuple[str, ...]:
    if name in _ELSEWHERE:
        return ()
    near = closest(name, FIELDS)
    return (f"did you mean {near}?" if near else f"the fields are {listed(FIELDS, 'and')}",)


def _read(name: str, text: str) -> object:
    if name == "tags":
        tags = tuple(tag for tag in text.split(",") if tag)
        if any(tag != tag.strip() or len(tag.split()) > 1 or len(tag) > 200 for tag in tags):
            raise _refusal(
                f"--set tags={shown(text)}: a tag is a word without blanks", "write tags=hero,final"
            )
        return tags
    if name in _EMPTY_IS_NONE and not text.strip():
        return None
    schema = cast("dict[str, Any]", load_schema("job")["properties"])[name]
    value = text if schema.get("type") == "string" or "enum" in schema else _plain(text)
    if not _suits(value, schema):
        raise _refusal(
            f"--set {name}={shown(text)}: {schema['errorMessage']}", *_near(text, schema)
        )
    return value


def _plain(text: str) -> object:
    try:
        return resolve_plain(text.strip())
    except BadNumber:
        return text


def _suits(value: object, schema: Mapping[str, Any]) -> bool:
    import jsonschema_rs

    return jsonschema_rs.is_valid(dict(schema), value)


def _near(text: str, schema: Mapping[str, Any]) -> tuple[str, ...]:
    near = closest(text, schema.get("enum", ()))
    return (f"did you mean {near}?",) if near else ()


def _refusal(problem: str, *hints: str) -> WanbatchError:
    return WanbatchError(ExitCode.INVALID, problem, *hints)
