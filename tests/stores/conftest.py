"""A real S3 server, and a proxy before it that fails as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from stores.faulty_proxy import FaultyProxy
from stores.s3_server import S3Server, started_s3

_numbers = count(1)


@pytest.fixture(scope="session", name="s3")
def _s3() -> Iterator[S3Server]:
    with started_s3() as server:
        yield server


@pytest.fixture(name="bucket")
def _bucket(s3: S3Server) -> str:
    """A new bucket's name."""
    name = f"bucket-{next(_numbers)}"
    s3.bucket(name)
    return name


@pytest.fixture(name="proxy")
def _proxy(s3: S3Server) -> Iterator[FaultyProxy]:
    with FaultyProxy(s3.url) as proxy:
        yield proxy
