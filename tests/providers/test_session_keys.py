"""Nothing that would open a recorded connection is ever written, whatever the
environment says."""

from __future__ import annotations

import pytest

from wanbatch.providers.http.network import make_context
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio


async def test_session_keys_go_to_no_file(
    serve, answer, certificates, profile_for, tmp_path, monkeypatch
):
    """``SSLKEYLOGFILE`` names a file; a default context would write to it."""
    import ssl

    from wanbatch.providers.client import Client

    told = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(told))
    assert ssl.create_default_context().keylog_filename == str(told), "the variable counts here"
    assert told.exists()
    told.unlink()
    make_context.cache_clear()
    server = serve([answer(404, {"code": "task_not_exist", "message": "no"})], certificates.server)
    profile = profile_for(server.url, ca_file=str(certificates.ca_file))
    async with Client(profile, pool=AtOnce()) as backend:
        await backend.poll("task_abc", 0.0)
    assert server.received, "the connection was made"
    assert not told.exists()
