"""The way to a Dask cluster: whether it may be gone, and whether those at its end are
what an errand needs.

What it may not do: run an errand, or buy or send anything else.

How it works: what goes to another machine is encrypted, and both sides show
certificates. Whether a worker shares our disk is found out and not guessed from names:
it must see a file that was just written, with the bytes that we wrote. All of that
comes before anything is bought.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wanbatch import __version__
from wanbatch.compute.cluster import CONNECT_S, Cluster
from wanbatch.compute.local import LocalCluster
from wanbatch.compute.threads import cores
from wanbatch.model.pool import where
from wanbatch.model.workers import LOCAL, Workers
from wanbatch.words.errors import ExitCode, WanbatchError


def open_cluster(workers: Workers, output: Path, hidden: Iterable[str] = ()) -> Cluster:
    """The cluster, reached, and seen to see ``output``. A cluster of this machine gets
    no environment variable of ``hidden``.

    Raises ``WanbatchError``: 3 where it may not be used, 4 where it cannot be reached.
    """
    refuse_open_road(workers)
    _refuse_missing_extra()
    with _quiet_imports():
        import distributed
    _silence()
    if workers.address == LOCAL:
        local = _start_local(distributed, workers, hidden)
        cluster = Cluster(local.client, LOCAL, local)
    else:
        cluster = Cluster(_connect(distributed, workers), workers.address)
    try:
        refuse_blind(cluster, workers.address, output)
    except BaseException:
        cluster.close()
        raise
    return cluster


def refuse_open_road(workers: Workers) -> None:
    """What goes to another machine is encrypted, and both sides show who they are.
    Raises ``WanbatchError`` (3)."""
    if workers.address == LOCAL or (workers.is_on_this_machine and not workers.is_encrypted):
        return
    if not workers.is_encrypted:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"{workers.address} is on another machine, and the way there is not encrypted;"
            " nothing was sent",
            "start scheduler and workers with TLS and say tls://HOST:PORT; the certificates"
            " stand in your profile: workers = { address = …, ca_file = …, cert_file = …,"
            " key_file = … }",
        )
    if not (workers.ca_file and workers.cert_file and workers.key_file):
        raise WanbatchError(
            ExitCode.REFUSED,
            f"{workers.address} needs certificates, and the profile names none; nothing was sent",
            "in your configuration, below the backend: workers = { address = …, ca_file = …,"
            " cert_file = …, key_file = … }",
        )


def _refuse_missing_extra() -> None:
    if find_spec("distributed") is None:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            "workers of Dask need the extra dask, which is not installed",
            "pip install '.[dask]' in a checkout, or leave --workers out: threads need nothing",
        )


@contextlib.contextmanager
def _quiet_imports() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _silence() -> None:
    """Dask writes what happens to it into the terminal; we tell what matters."""
    for name in [*logging.root.manager.loggerDict, "distributed"]:
        if name.partition(".")[0] in ("distributed", "tornado"):
            logger = logging.getLogger(name)
            logger.handlers[:] = [logging.NullHandler()]
            logger.propagate = False


def _connect(distributed: Any, workers: Workers) -> Any:  # noqa: ANN401 - no types of its own
    address = workers.address.replace("dask://", "tcp://", 1)
    try:
        security = distributed.Security(**_tls(workers)) if workers.is_encrypted else None
        return distributed.Client(
            address, security=security, timeout=CONNECT_S, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the scheduler at {workers.address} cannot be reached: {_why(error)};"
            " nothing was bought",
            "start it (dask scheduler) and its workers, or leave --workers out: then threads of"
            " this machine do the work",
        ) from None


def _tls(workers: Workers) -> dict[str, object]:
    files = {
        "tls_ca_file": workers.ca_file,
        "tls_client_cert": workers.cert_file,
        "tls_client_key": workers.key_file,
    }
    paths = {name: Path(path).expanduser() for name, path in files.items()}
    for path in paths.values():
        path.open("rb").close()
    return {name: str(path) for name, path in paths.items()} | {"require_encryption": True}


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return "it does not answer" if isinstance(error, OSError) else str(error)


def _start_local(
    distributed: Any,  # noqa: ANN401 - no types of its own
    workers: Workers,
    hidden: Iterable[str],
) -> LocalCluster:
    try:
        return LocalCluster(distributed, workers.threads or cores(), hidden)
    except (OSError, TimeoutError) as error:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"no Dask cluster could be started on this machine: {_why(error)}; nothing was bought",
            "leave --workers out: then threads do the work",
        ) from None


def refuse_blind(cluster: Cluster, name: str, output: Path) -> None:
    """Every worker must see a file that we just wrote, and be of our version.
    Raises ``WanbatchError`` (3, 4)."""
    workers = cluster.workers
    if not workers:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the scheduler at {name} has no worker; nothing was bought",
            "start one: dask worker SCHEDULER",
        )
    nonce = os.urandom(32)
    sign = output / f".workers-{nonce[:6].hex()}"
    sign.write_bytes(nonce)
    try:
        written = where(sign, sha256(nonce).hexdigest())
        for worker in workers:
            _refuse_one(worker, cluster.see(worker, written))
    except TimeoutError:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the workers of {name} do not answer; nothing was bought",
            "look at the log of the worker, or leave --workers out",
        ) from None
    finally:
        sign.unlink(missing_ok=True)


def _refuse_one(worker: str, said: tuple[str, Any]) -> None:
    match said:
        case "done", version if version == __version__:
            return
        case "unseen", _:
            raise WanbatchError(
                ExitCode.REFUSED,
                f"worker {worker} does not see the output folder; nothing was sent",
                "workers on other machines need the folder on a disk that all of them share,"
                " under the same path: name it with --output",
            )
        case "done", version:
            raise WanbatchError(
                ExitCode.ENVIRONMENT,
                f"worker {worker} has wanbatch {str(version)[:20]}, and this is {__version__}",
                "install the same version there, or leave --workers out",
            )
        case _:
            raise WanbatchError(
                ExitCode.ENVIRONMENT,
                f"worker {worker} cannot do the work of wanbatch; nothing was bought",
                "install wanbatch with its extra dask there, of this version, or leave --workers"
                " out",
            )
