"""Machines that share a ledger and a store of videos: project folders of their own, one
bucket, one gateway with books.

What it may not do: look into the ledger's store; what counts are the gateway's books,
the videos in the bucket and what the commands say.

How it works: ``lease_s`` shortens the lease, which the command line cannot, by starting
the command with another default (``quick_lease``).
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from field.scripted import Project, ScriptedGateway
from stores.s3_server import ACCESS_KEY, SECRET_KEY, S3Server

STORES = """\
[backends.rough.store]
url = "s3://{bucket}/videos"
endpoint = "{endpoint}"
region = "us-east-1"
path_style = true

[backends.rough.ledger]
url = "s3://{bucket}/ledger"
endpoint = "{endpoint}"
region = "us-east-1"
path_style = true
"""
QUICK = """\
import sys
from functools import partial
from wanbatch.ledger.shared import door
door.SharedPorts = partial(door.SharedPorts, lease_s=float(sys.argv.pop(1)))
from wanbatch.cli.main import main
main()
"""


class Machine(Project):
    """One machine's project."""

    lease_s: float | None = None

    @property
    def environ(self) -> dict[str, str]:
        keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        return {**super().environ, **keys}

    def status(self) -> str:
        return self.call("status", self.manifest.name, "--backend", "rough").stderr

    def command(self, *words: str) -> list[str]:
        start = ["-m", "wanbatch"] if self.lease_s is None else ["-c", QUICK, str(self.lease_s)]
        return [sys.executable, *start, *words, self.manifest.name, "--backend", "rough"]

    def start(self, *more: str) -> subprocess.Popen[str]:
        """A run that goes on."""
        return subprocess.Popen(
            [*self.command("run"), "--yes", "--wait", "30", *more],
            cwd=self.folder,
            env=self.environ,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    @contextmanager
    def running(self, *more: str) -> Iterator[subprocess.Popen[str]]:
        """A run that is killed at the end, if it still runs."""
        process = self.start(*more)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


class Team:
    """A bucket and its machines."""

    def __init__(
        self,
        folder: Path,
        server: S3Server,
        gateway: ScriptedGateway,
        bucket: str,
        lease_s: float | None = None,
    ) -> None:
        self.folder, self.gateway, self.bucket = folder, gateway, bucket
        self.lease_s, self.endpoint = lease_s, server.url
        server.bucket(bucket)

    def machine(self, name: str, jobs: int = 2, endpoint: str = "") -> Machine:
        more = STORES.format(bucket=self.bucket, endpoint=endpoint or self.endpoint)
        made = Machine(self.folder / name, self.gateway, jobs=jobs, more=more)
        made.lease_s = self.lease_s
        return made

    def purchases(self) -> Counter[int]:
        """How often each seed was bought, by the gateway's books."""
        return Counter(post["seed"] for post in self.gateway.posts)
