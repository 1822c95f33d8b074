"""The JSON Schemas that ship with wanbatch: found, loaded, compiled.

What it may not do: explain an error (``shape`` does), fetch anything.

How it works: a wheel has the schemas inside the package, a checkout beside it. ``gate``
compiles one with jsonschema-rs, which answers yes or no in about a microsecond per job;
``explain`` compiles the same schema with jsonschema, which is a hundred times slower
and only asked about what the gate refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import wanbatch

if TYPE_CHECKING:
    import jsonschema_rs
    from jsonschema.exceptions import ValidationError

SCHEMAS = ("manifest", "job", "plan", "report", "review", "lock", "events", "faults")
"""What ``wanbatch schema NAME`` knows."""


def schema_path(name: str) -> Path:
    """Where the schema ``name`` stands. Raises ``LookupError`` for an unknown name,
    ``FileNotFoundError`` where the installation lacks it."""
    if name not in SCHEMAS:
        raise LookupError(f"there is no schema called {name}")
    package = Path(wanbatch.__file__).parent
    for folder in (package / "schemas", package.parent / "schemas"):
        path = folder / f"{name}.schema.json"
        if path.is_file():
            return path
    raise FileNotFoundError(f"{name}.schema.json is missing from this installation")


def load_schema(name: str) -> dict[str, object]:
    """The schema ``name`` as data; see ``schema_path`` for what it raises."""
    return cast(dict[str, object], json.loads(schema_path(name).read_text(encoding="utf-8")))


@cache
def gate(name: str) -> jsonschema_rs.Draft7Validator:
    """The fast validator of a schema."""
    import jsonschema_rs

    return jsonschema_rs.Draft7Validator(load_schema(name))


@cache
def _explainer(name: str) -> object:
    from jsonschema import Draft7Validator
    from referencing import Registry

    return Draft7Validator(load_schema(name), registry=Registry())


def schema_errors(name: str, value: object) -> Iterator[ValidationError]:
    """Every error of ``value`` against the schema, from the slow validator that can say
    which keyword failed where."""
    from jsonschema import Draft7Validator

    explainer = _explainer(name)
    assert isinstance(explainer, Draft7Validator)  # noqa: S101 - narrows the type that keeps the import lazy
    yield from explainer.iter_errors(value)
