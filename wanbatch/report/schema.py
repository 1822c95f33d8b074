"""The JSON Schemas that ship with wanbatch, and what a document has against one of them.

What it may not do: fetch anything; the schemas refer to nothing outside themselves.

How it works: a wheel carries the schemas inside the package, a checkout beside it; both places are tried. Validators are built once.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Literal

import jsonschema_rs

from wanbatch.canonical import Json

SchemaName = Literal["report", "plan"]


def find_violation(document: Json, name: SchemaName) -> str | None:
    """The first thing that ``document`` has against the schema ``name``, with its place, or ``None``."""
    error = next(_validator(name).iter_errors(document), None)
    if error is None:
        return None
    place = "/".join(str(step) for step in error.instance_path) or "the document"
    return f"{place}: {error.message[:200]}"


@cache
def _validator(name: SchemaName) -> jsonschema_rs.Draft7Validator:
    package = files("wanbatch")
    for folder in (package / "schemas", package / ".." / "schemas"):
        schema = folder / f"{name}.schema.json"
        if schema.is_file():
            return jsonschema_rs.Draft7Validator(json.loads(schema.read_text(encoding="utf-8")))
    raise FileNotFoundError(f"this installation lacks schemas/{name}.schema.json")
