"""A job's ``expect`` from rendered values: put together, converted, read.

What it may not do: check what the schema checks, or report.

How it works: templates give texts; one that reads as a number, ``true`` or ``false``
becomes that, by the rules of YAML, and one that renders empty is absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from wanbatch.manifest.yaml.document import Value
from wanbatch.model.expect import Expectation, read_expectations
from wanbatch.words.scalars import BadNumber, Scalar, resolve_plain


def put_expected(expected: dict[str, Value], path: tuple[str | int, ...], value: Value) -> None:
    """Adds what is at ``path``, which is ``expect``, a check, and perhaps a bound."""
    converted = _convert(value)
    if converted is None:
        return
    if len(path) == 2:
        expected[str(path[1])] = converted
        return
    bounds = expected.setdefault(str(path[1]), {})
    if isinstance(bounds, dict):
        bounds[str(path[2])] = converted


def find_reversed(expected: Mapping[str, Value]) -> Iterator[str]:
    """Checks whose ``min`` is above their ``max``: no video could satisfy them."""
    for one in read_expected(expected):
        if one.least is not None and one.most is not None and one.least > one.most:
            yield one.check


def read_expected(expected: Mapping[str, Value]) -> tuple[Expectation, ...]:
    """What a checked ``expect`` means."""
    if not expected:  # as of nearly all jobs
        return ()
    return read_expectations(cast("Mapping[str, Scalar | Mapping[str, Scalar]]", expected))


def _convert(value: Value) -> Value:
    if not isinstance(value, str):
        return value
    try:
        return resolve_plain(value.strip())
    except BadNumber:
        return value
