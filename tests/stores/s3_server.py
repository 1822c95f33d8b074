"""moto's S3 server as a process of its own, for whoever needs a real store.

``with started_s3() as s3: s3.bucket("mine")``. It checks no signatures, and honours
``If-None-Match`` and ``If-Match``. Of itself it looks at a condition and writes without
a lock between, so that two of eight contenders can win (seen, on a busy machine, once
in 200 races); here one request at a time is carried out.
"""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from wanbatch.model.secret import Secret
from wanbatch.model.storage import Storage

ACCESS_KEY, SECRET_KEY = "AKCANARYSTORE", "canary-store-secret-7f3a+9/2c41"
PATIENCE_S = 120.0
"""On a busy machine it needed more than ten seconds to start (measured)."""


@dataclass(frozen=True)
class S3Server:
    """``url`` without a slash at its end."""

    url: str

    def bucket(self, name: str) -> None:
        """Makes a bucket."""
        made = urllib.request.Request(f"{self.url}/{name}", method="PUT")
        urllib.request.urlopen(made, timeout=30).close()


def storage_at(url: str, bucket: str, prefix: str = "studio/videos") -> Storage:
    """The bucket of a server, or of a proxy before it, with keys that no text may
    show."""
    return Storage(
        "s3",
        bucket,
        prefix,
        url,
        "us-east-1",
        path_style=True,
        access_key=Secret(ACCESS_KEY),
        secret_key=Secret(SECRET_KEY),
    )


@contextmanager
def started_s3() -> Iterator[S3Server]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, __file__, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        server = S3Server(f"http://127.0.0.1:{port}")
        _wait_for(server, process)
        yield server
    finally:
        process.terminate()
        process.wait()


def _wait_for(server: S3Server, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            raise RuntimeError("the S3 server has ended")
        try:
            urllib.request.urlopen(f"{server.url}/", timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the S3 server does not answer")


def serve(port: int) -> None:
    """moto with one request at a time, in this process."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    inner, lock = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        with lock:
            return list(inner(environ, start_response))

    run_simple("127.0.0.1", port, application, threaded=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
