"""A Dask cluster of this machine, for as long as a command lasts: its scheduler is in
this process, its workers are processes of their own, one a core.

What it may not do: let anybody else in, or give a worker a variable that holds a key.

How it works: a certificate is made for this one cluster and lies in a folder that only
this user reads. A worker that loses the scheduler ends, so that none outlives us. Dask
would start the workers itself, with all variables that we have.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

STARTED_WITHIN_S = 60.0
"""A worker that imports Dask on a busy machine takes ten seconds."""
ENDED_WITHIN_S = 5.0
"""What does not end by itself within it is killed (chosen)."""
_FILES = {"ca": "tls_ca_file", "cert": "tls_client_cert", "key": "tls_client_key"}


class LocalCluster:
    """``count`` workers. ``client`` is Dask's client of them. Raises ``TimeoutError``
    where they do not start."""

    def __init__(self, distributed: Any, count: int, hidden: Iterable[str]) -> None:  # noqa: ANN401
        self._folder = TemporaryDirectory(prefix="wanbatch-")
        self.workers: list[subprocess.Popen[bytes]] = []
        self.security = distributed.Security.temporary()
        self._scheduler = distributed.LocalCluster(
            n_workers=0,
            host="127.0.0.1",
            security=self.security,
            dashboard_address=None,
            silence_logs=False,
        )
        self.address = str(self._scheduler.scheduler_address)
        try:
            self._start(count, set(hidden))
            self.client = distributed.Client(self._scheduler, set_as_default=False)
            self.client.wait_for_workers(count, timeout=STARTED_WITHIN_S)
        except BaseException:
            self.close()
            raise

    def _start(self, count: int, hidden: set[str]) -> None:
        environ = {name: text for name, text in os.environ.items() if name not in hidden}
        command = [sys.executable, "-m", "distributed.cli.dask_worker", self.address]
        words = ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"]
        words += ["--death-timeout", str(int(STARTED_WITHIN_S)), *self._certificates()]
        words += ["--local-directory", self._folder.name, "--memory-limit", "0"]
        for _ in range(count):
            self.workers.append(
                subprocess.Popen(  # noqa: S603 - this interpreter
                    [*command, *words],
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for us, and we end them
                )
            )

    def _certificates(self) -> list[str]:
        words = []
        for name, attribute in _FILES.items():
            path = Path(self._folder.name) / f"{name}.pem"
            path.touch(0o600)
            path.write_text(getattr(self.security, attribute))
            words += ["--tls-ca-file" if name == "ca" else f"--tls-{name}", str(path)]
        return words

    def close(self) -> None:
        """Ends all that was started."""
        for worker in self.workers:
            worker.terminate()
        with contextlib.suppress(Exception):
            self._scheduler.close(timeout=ENDED_WITHIN_S)
        for worker in self.workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(ENDED_WITHIN_S)
            worker.kill()
            worker.wait()
        self._folder.cleanup()
