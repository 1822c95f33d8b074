"""What a document has against the schema that ships with wanbatch for it.

What it may not do: fetch anything; the schemas refer to nothing outside themselves.

How it works: ``manifest.schema`` finds the schemas, in a wheel and in a checkout; a
validator is built once.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import jsonschema_rs

from wanbatch.words.canonical import Json
from wanbatch.words.schemas import load_schema

SchemaName = Literal["report", "plan", "lock"]


def find_violation(document: Json, name: SchemaName) -> str | None:
    """The first thing that ``document`` has against the schema ``name``, with its
    place, or ``None``."""
    error = next(_validator(name).iter_errors(document), None)
    if error is None:
        return None
    place = "/".join(str(step) for step in error.instance_path) or "the document"
    return f"{place}: {error.message[:200]}"


@cache
def _validator(name: SchemaName) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(load_schema(name))
