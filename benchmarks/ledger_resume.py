"""How long a ledger of 100,000 jobs takes to load, for a run that resumes and for a
reader.

What it may not do: load less than a run needs.

How it works: writes 100,000 stored attempts with their events through the ledger's own
statements, once, then opens the file as ``run`` and as ``status`` do, each in a fresh
process, several times. Run ``python benchmarks/ledger_resume.py [JOBS]``; it exits with
1 where the median of either is above 1 s.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from ledger_throughput import OPENING, STEPS

from wanbatch.ledger.rows import Happened, Opened, Write
from wanbatch.ledger.sqlite import open_store
from wanbatch.model import lifecycle
from wanbatch.model.lifecycle import Event

MEASURE = """
import resource, sys, time
from pathlib import Path
from wanbatch.ledger.store import Ledger, read_snapshot
path = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.perf_counter()
snapshot = Ledger.open(path).snapshot if sys.argv[2] == "resume" else read_snapshot(path)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(time.perf_counter() - began, len(snapshot.attempts), grown / 1024)
"""


def write(path: Path, jobs: int) -> None:
    store, _ = open_store(path)
    entries: list[Write] = []
    for number in range(1, jobs + 1):
        row = lifecycle.open_attempt(number, OPENING)
        entries.append(Opened(row))
        for seq, (kind, facts) in enumerate(STEPS, start=2):
            event = Event(number, kind, 1_700_000_002.0, facts)
            row = lifecycle.apply(row, event)
            entries.append(Happened(event, row, seq))
        if len(entries) > 5_000:
            store.commit(entries)
            entries.clear()
    store.commit(entries)
    store.close()


def main() -> int:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    good = True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        write(path, jobs)
        print(f"{jobs:,} jobs, {path.stat().st_size / 1e6:.0f} MB")
        for what in ("resume", "read"):
            runs = [
                subprocess.run(
                    [sys.executable, "-c", MEASURE, str(path), what],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                for _ in range(5)
            ]
            found = [line.split() for line in (run.stdout for run in runs)]
            assert {int(count) for _, count, _ in found} == {jobs}
            middle = statistics.median(float(seconds) for seconds, _, _ in found)
            print(
                f"{what}: {middle:.2f} s (best {min(float(s) for s, _, _ in found):.2f}),"
                f" {float(found[0][2]):.0f} MB"
            )
            good &= middle <= 1.0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
