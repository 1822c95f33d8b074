"""How many status polls a second one emulator answers with thousands of tasks in
flight.

What it may not do: time the client. That is raw sockets with prepared bytes in a
process of its own; the emulator's CPU seconds are printed beside the rate.

How it works: submits TASKS small requests with a latency that outlasts the measurement,
then polls them round-robin over a few connections.

python benchmarks/emulator_polls.py [TASKS] [SECONDS]
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from wanbatch.emulator.process import start_emulator

CONNECTIONS = 16
_BODY = json.dumps(
    {"model": "wan2.7-i2v", "media": [{"type": "first_frame", "url": "https://example.com/a.png"}]}
).encode()


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes
) -> bytes:
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode())
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return await reader.readexactly(length)


async def submit(host: str, port: int, count: int) -> list[str]:
    reader, writer = await asyncio.open_connection(host, port)
    head = (
        "POST /v1/videos HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\ncontent-type:"
        f" application/json\r\ncontent-length: {len(_BODY)}\r\n\r\n"
    )
    ids = [
        json.loads(await exchange(reader, writer, head.encode() + _BODY))["id"]
        for _ in range(count)
    ]
    writer.close()
    return ids


async def poll(host: str, port: int, ids: list[str], until: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    done = 0
    while time.monotonic() < until:
        message = (
            f"GET /v1/videos/{ids[done % len(ids)]} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer"
            " x\r\n\r\n"
        )
        await exchange(reader, writer, message.encode())
        done += 1
    writer.close()
    return done


async def measure(base_url: str, pid: int, tasks: int, seconds: float) -> None:
    parts = urlsplit(base_url)
    host, port = parts.hostname or "", parts.port or 0
    began = time.monotonic()
    ids = await submit(host, port, tasks)
    print(f"{tasks} submits: {tasks / (time.monotonic() - began):.0f} a second")
    begin, cpu = time.monotonic(), cpu_seconds(pid)
    counts = await asyncio.gather(
        *(poll(host, port, ids[i::CONNECTIONS], begin + seconds) for i in range(CONNECTIONS))
    )
    spent = time.monotonic() - begin
    used = cpu_seconds(pid) - cpu
    print(
        f"{sum(counts)} polls in {spent:.1f} s: {sum(counts) / spent:.0f} a second,"
        f" {sum(counts) / used:.0f} for each CPU second of the emulator"
    )


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
    with (
        tempfile.TemporaryDirectory() as folder,
        start_emulator(Path(folder), "--render", "tiny", "--latency", "3600") as emulator,
    ):
        asyncio.run(measure(emulator.base_url, emulator.process.pid, tasks, seconds))


if __name__ == "__main__":
    main()
