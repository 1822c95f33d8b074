"""The run lock: one wanbatch at a time in an output folder.

What it may not do: trust a process id, delete the lock's file, be inherited by a child.

How it works: a kernel lock (``flock``) on ``ledger.lock`` beside the ledger, and one on
the folder itself, which holds where somebody removes the file during a run. (File
systems that open or lock no folders have the first alone.) The kernel gives them back
when the process ends, however it ends, so nothing ever has to be unlocked by hand; the
file itself stays. It is never opened through a symbolic link, and not written before
what stands in it is known to be ours. Who holds it is written inside, for people to
read and for nothing else. Waiting is counted in steps of ``sleep`` and so needs no
clock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shlex
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import open_own
from wanbatch.words.hiding import hide_queries

STEP_S = 0.1
"""Between two tries for the lock: a person who waits does not notice a tenth of a
second."""

_SIGNATURE = b'{"pid": '
"""How what stands in the file begins, since the first version."""

_ELSEWHERE = "choose another output folder with --output, or mend its permissions"
_NO_LOCKS = (
    "this disk keeps no locks (flock), so two runs could buy the same videos at once",
    "choose an output folder on a local disk with --output, and copy the videos over later",
)
_IN_THE_WAY = ("remove it (rm), or choose another output folder with --output",)
_WAYS_OUT = {
    **dict.fromkeys((errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL), _NO_LOCKS),
    errno.ENOSYS: _NO_LOCKS,
    errno.ELOOP: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
}

_held: weakref.WeakSet[RunLock] = weakref.WeakSet()


class RunLock:
    """Holds an output folder for this process: ``with RunLock(folder): …``.

    ``timeout_s`` is how long another holder is waited for. ``command`` is shown to
    whoever has to wait; by default the command line of this process. Entering raises
    ``WanbatchError`` (ENVIRONMENT) that names the other holder, or says why there can
    be no lock.
    """

    def __init__(
        self,
        folder: Path,
        timeout_s: float = 0.0,
        *,
        sleep: Callable[[float], object] = time.sleep,
        command: str | None = None,
    ) -> None:
        self.path = folder / "ledger.lock"
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._command = (
            hide_queries(shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]))
            if command is None
            else command
        )
        self._handle = self._folder = -1

    def __enter__(self) -> RunLock:
        self._handle, self._folder = self._open(), -1
        try:
            with contextlib.suppress(OSError):  # some disks open no folders: the file's lock stands
                self._folder = os.open(
                    self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
                )
            self._take()
            self._refuse_foreign()
            with contextlib.suppress(
                OSError
            ):  # for people only: a full disk is the ledger's to tell
                self._sign(
                    json.dumps(
                        {"pid": os.getpid(), "host": os.uname().nodename, "command": self._command}
                    )
                )
        except BaseException:
            self._close()
            raise
        _held.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _held.discard(self)
        with contextlib.suppress(OSError):
            self._sign("")
        self._close()

    def _close(self) -> None:
        for handle in (self._handle, self._folder):
            if handle >= 0:
                with contextlib.suppress(OSError):
                    os.close(handle)

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return open_own(self.path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise self._refusal(error) from error

    def _take(self) -> None:
        waited_s = 0.0
        while not self._try():
            if waited_s >= self._timeout_s:
                raise WanbatchError(
                    ExitCode.ENVIRONMENT,
                    f"another run works in {self.path.parent}: {self._holder()}",
                    "wait for it to end, or let this one wait with --lock-timeout SECONDS",
                    "or give this one a folder of its own with --output",
                )
            self._sleep(STEP_S)
            waited_s += STEP_S

    def _try(self) -> bool:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise self._refusal(error) from error
        if self._folder >= 0:
            try:
                fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            except OSError:
                pass  # this file system locks files only, and the file is locked
        return True

    def _refuse_foreign(self) -> None:
        """Nothing is truncated before it is known to be ours. Raises ``WanbatchError``
        (ENVIRONMENT)."""
        held = os.pread(self._handle, 65_536, 0)
        # A power cut can leave a signature without its end, or with zeros for its
        # bytes.
        if held.strip(b"\0") and not held.startswith(_SIGNATURE):
            raise WanbatchError(
                ExitCode.ENVIRONMENT,
                f"{self.path} holds something that wanbatch did not write",
                "look at it and move it away, or choose another output folder with --output",
            )

    def _sign(self, text: str) -> None:
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, text.encode("utf-8", "replace"), 0)

    def _holder(self) -> str:
        try:
            held = json.loads(os.pread(self._handle, 65_536, 0))
            return f"process {held['pid']} on {held['host']} ({held['command']})"
        except (ValueError, KeyError, TypeError):
            return "a process that has not said its name"

    def _refusal(self, error: OSError) -> WanbatchError:
        return WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the lock {self.path} cannot be taken: {error.strerror}",
            *_WAYS_OUT.get(error.errno or 0, (_ELSEWHERE,)),
        )


def _after_fork() -> None:
    """A forked child shares the lock's open file, and would hold it beyond its parent's
    death: it lets go at once."""
    for lock in list(_held):
        lock._close()
    _held.clear()


os.register_at_fork(after_in_child=_after_fork)
