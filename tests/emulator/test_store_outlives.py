"""The store outlives the process: kills, restarts, locks, torn lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from emulator import samples

from wanbatch.emulator.store import open_store
from wanbatch.words.errors import WanbatchError


def test_a_killed_emulator_goes_on_where_it_was(start, tmp_path: Path, body) -> None:
    first = start("--render", "tiny", "--latency", "1.5")
    with samples.client_of(first) as client:
        ids = [
            client.post("/v1/videos", json=body | {"seed": seed}).json()["id"] for seed in range(3)
        ]
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
    second = start("--render", "tiny")
    assert second.base_url != first.base_url
    with samples.client_of(second) as client:
        for task_id in ids:
            video = samples.wait_for_end(client, task_id)
            assert video["metadata"]["url"].startswith(second.base_url)
            assert client.get(video["metadata"]["url"]).content[4:8] == b"ftyp"
    second.stop()
    third = start("--render", "tiny")
    with samples.client_of(third) as client:
        assert client.get(f"/v1/videos/{ids[0]}").json()["status"] == "completed"
        assert client.get(f"/v1/videos/{ids[0]}/content").status_code == 200


def test_the_books_hold_the_request_before_it_is_answered(start, tmp_path: Path, body) -> None:
    with samples.client_of(start("--render", "tiny", "--latency", "60")) as client:
        task_id = client.post("/v1/videos", json=body | {"prompt": "日の出"}).json()["id"]
    lines = [
        json.loads(line) for line in (tmp_path / "store" / "tasks.jsonl").read_text().splitlines()
    ]
    assert [line["id"] for line in lines] == [task_id]
    assert lines[0]["body"]["prompt"] == "日の出"
    assert lines[0]["body"]["media"][0]["url"].startswith("data:image/png;base64,sha256:")


def test_a_torn_last_line_is_dropped(start, tmp_path: Path, body) -> None:
    emulator = start("--render", "tiny")
    with samples.client_of(emulator) as client:
        task_id = client.post("/v1/videos", json=body).json()["id"]
        samples.wait_for_end(client, task_id)
    emulator.stop()
    with (tmp_path / "store" / "tasks.jsonl").open("ab") as file:
        file.write(b'{"event":"accepted","id":"task_torn')
    with samples.client_of(start("--render", "tiny")) as client:
        assert client.get(f"/v1/videos/{task_id}").json()["status"] == "completed"
        assert client.post("/v1/videos", json=body).status_code == 200
    for line in (tmp_path / "store" / "tasks.jsonl").read_text().splitlines():
        json.loads(line)


def test_old_files_are_swept_and_wanted_ones_kept(start, tmp_path: Path, body) -> None:
    emulator = start("--render", "tiny")
    with samples.client_of(emulator) as client:
        samples.wait_for_end(client, client.post("/v1/videos", json=body).json()["id"])
    emulator.stop()
    rooms = [tmp_path / "store" / room for room in ("media", "videos")]
    old = [room / "old" for room in rooms]
    for path in old:
        path.write_bytes(b"x")
        os.utime(path, (0, time.time() - 49 * 3600))
    start("--render", "tiny")
    assert not any(path.exists() for path in old)
    assert [len(list(room.iterdir())) for room in rooms] == [1, 1]


def test_a_poll_costs_little_and_does_not_wait(start, body) -> None:
    """Hundreds of polls for each CPU second, whatever the number of tasks; and no 40 ms
    for an acknowledgement that is held back."""
    emulator = start("--render", "tiny", "--latency", "600")
    stat = Path(f"/proc/{emulator.process.pid}/stat")

    def cpu_seconds() -> float:
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    with samples.client_of(emulator) as client:
        lean = body | {"media": [{"type": "first_frame", "url": "https://example.com/a.png"}]}
        ids = [client.post("/v1/videos", json=lean).json()["id"] for _ in range(100)]
        began, spans = cpu_seconds(), []
        for i in range(600):
            before = time.perf_counter()
            assert client.get(f"/v1/videos/{ids[i % 100]}").status_code == 200
            spans.append(time.perf_counter() - before)
        assert 600 / max(0.01, cpu_seconds() - began) > 500
        assert sorted(spans)[len(spans) // 2] < 0.02


def test_a_second_emulator_is_refused(start, tmp_path: Path) -> None:
    start()
    with pytest.raises(WanbatchError, match="another emulator"):
        start()


def test_a_store_is_given_up_by_a_process_that_leaves_soon(tmp_path: Path) -> None:
    held = open_store(tmp_path)
    with pytest.raises(WanbatchError):
        open_store(tmp_path, wait_s=0.0)
    import threading

    threading.Timer(0.2, held.close).start()
    open_store(tmp_path, wait_s=5.0).close()


def test_it_leaves_when_its_parent_dies(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from wanbatch.emulator.process import"
        " start_emulator\n"
        f"e = start_emulator(Path({str(tmp_path / 'store')!r}))\nprint(e.process.pid,"
        " flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 3
    while _alive(child):
        assert time.monotonic() < deadline, "the emulator outlived its parent"
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_other_hosts_are_refused(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "192.0.2.1", "example.com"):
        command = [
            sys.executable,
            "-m",
            "wanbatch",
            "emulator",
            "--host",
            host,
            "--store",
            str(tmp_path),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 2
        assert "loopback only" in done.stderr


def test_stopping_takes_no_time_even_while_it_renders(start, body, picture: bytes) -> None:
    emulator = start()
    with samples.client_of(emulator) as client:
        for seed in range(6):
            client.post("/v1/videos", json=body | {"seed": seed, "seconds": "15"})
        time.sleep(0.3)
    began = time.monotonic()
    emulator.process.send_signal(signal.SIGTERM)
    emulator.process.wait(5)
    assert time.monotonic() - began < 2
