"""The run lock: one holder, named to the others, let go by the kernel, not
inherited."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wanbatch.ledger import lock as lock_module
from wanbatch.ledger.lock import RunLock
from wanbatch.words.errors import ExitCode, WanbatchError

ROOT = Path(__file__).parent.parent.parent
HOLD = """
import sys, time
from pathlib import Path
from wanbatch.ledger.lock import RunLock
with RunLock(Path(sys.argv[1]), command="wanbatch run harbor.wanbatch.yaml"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def start_holder(folder: Path, seconds: float) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.stdout.close()
    return holder


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    holder = start_holder(tmp_path, 30)
    with pytest.raises(WanbatchError) as caught, RunLock(tmp_path):
        pass
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert (
        f"process {holder.pid} on {os.uname().nodename} (wanbatch run harbor.wanbatch.yaml)"
        in caught.value.message
    )
    assert "--lock-timeout" in caught.value.hints[0]
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with RunLock(tmp_path):
        pass


def test_the_lock_excludes_within_one_process_too_and_is_free_afterwards(tmp_path: Path) -> None:
    with RunLock(tmp_path / "new" / "reports") as lock:
        assert stat.S_IMODE(lock.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(lock.path.parent.stat().st_mode) == 0o700
        with (
            pytest.raises(WanbatchError, match=f"process {os.getpid()}"),
            RunLock(tmp_path / "new" / "reports"),
        ):
            pass
    with RunLock(tmp_path / "new" / "reports"):
        pass
    assert lock.path.read_text() == ""


def test_a_lock_file_that_is_removed_lets_nobody_in(tmp_path: Path) -> None:
    """Two runs at once bought one job twice: the second under another attempt."""
    with RunLock(tmp_path):
        (tmp_path / "ledger.lock").unlink()
        with pytest.raises(WanbatchError, match="another run works in"):
            RunLock(tmp_path).__enter__()
    with RunLock(tmp_path):
        pass


def test_where_folders_cannot_be_locked_the_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock

    def flock(handle: int, how: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(9, "Bad file descriptor")
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with RunLock(tmp_path), pytest.raises(WanbatchError, match="another run works in"):
        RunLock(tmp_path).__enter__()


def test_a_holder_that_ends_in_time_is_waited_for(tmp_path: Path) -> None:
    holder = start_holder(tmp_path, 0.5)
    with RunLock(tmp_path, timeout_s=20):
        pass
    assert holder.wait() == 0


def test_waiting_is_counted_in_steps_and_ends(tmp_path: Path) -> None:
    slept: list[float] = []
    with (
        RunLock(tmp_path),
        pytest.raises(WanbatchError, match="another run works in"),
        RunLock(tmp_path, timeout_s=1.0, sleep=slept.append),
    ):
        pass
    assert 1.0 <= sum(slept) < 1.2


@pytest.fixture
def kill_later() -> Iterator[list[int]]:
    """Process ids of children to be killed and waited for when the test ends, however
    it ends."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_child_started_by_the_holder_does_not_keep_the_lock(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        child = subprocess.Popen(["sleep", "30"])
    with RunLock(tmp_path):
        pass
    child.kill()
    child.wait()


def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path, kill_later: list[int]) -> None:
    """A child that never calls exec, as multiprocessing makes them."""
    reader, writer = os.pipe()
    with RunLock(tmp_path):
        forked = os.fork()
        if forked == 0:
            os.write(writer, b"up")
            signal.pause()
            os._exit(0)
        kill_later.append(forked)
        assert os.read(reader, 2) == b"up"
    with RunLock(tmp_path):
        pass
    os.close(reader)
    os.close(writer)


def test_what_a_forked_child_does_lets_the_lock_go(tmp_path: Path) -> None:
    """The same in this process, which plays the child: it drops what it holds and
    forgets it."""
    lock = RunLock(tmp_path).__enter__()
    lock_module._after_fork()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(lock._handle)
    with RunLock(tmp_path):
        pass


def test_a_forked_child_lets_go_without_taking_the_lock_from_its_parent(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        forked = os.fork()
        if forked == 0:
            os._exit(0)
        os.waitpid(forked, 0)
        with pytest.raises(WanbatchError), RunLock(tmp_path):
            pass


@pytest.mark.parametrize("text", ["", "no json", "[1]", '{"pid": 3}'])
def test_a_lock_file_that_says_nothing_is_no_trouble(tmp_path: Path, text: str) -> None:
    with RunLock(tmp_path) as lock:
        lock.path.write_text(text)
        with (
            pytest.raises(WanbatchError, match="a process that has not said its name"),
            RunLock(tmp_path),
        ):
            pass


def test_the_command_line_is_shown_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/wanbatch", "run", "my harbor.yaml"])
    with RunLock(tmp_path) as lock:
        assert "wanbatch run 'my harbor.yaml'" in lock.path.read_text()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("mine")
    with (
        pytest.raises(WanbatchError, match="cannot be taken: ") as caught,
        RunLock(tmp_path / "reports"),
    ):
        pass
    assert caught.value.exit_code is ExitCode.ENVIRONMENT


def test_a_file_system_without_locks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    handles = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(WanbatchError, match="No locks available"), RunLock(tmp_path):
        pass
    assert len(os.listdir("/proc/self/fd")) == handles  # noqa: PTH208


def test_a_folder_that_cannot_be_opened_is_locked_by_its_file(tmp_path, monkeypatch):
    real = os.open

    def refuse_folders(path, flags, *rest, **given):
        if flags & os.O_DIRECTORY:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(path, flags, *rest, **given)

    monkeypatch.setattr(os, "open", refuse_folders)
    with (
        RunLock(tmp_path),
        pytest.raises(WanbatchError, match="another run works in"),
        RunLock(tmp_path),
    ):
        pass
    with RunLock(tmp_path):
        pass
