"""What approving costs at 100,000 jobs: a plan saved, a plan beside a lock, the lock
written, the plan as Markdown.

Each figure stands beside what it is held against in the same run: planning itself, the
plan without a lock, and ``json.dumps`` of the same document, which is what any program
that writes it in Python pays. CPU seconds, in a process of its own each.

    env -u PYTHONDONTWRITEBYTECODE .venv/bin/python benchmarks/approve_scale.py
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from plan_scale import write_compact

MOST_LOCK, MOST_S, MOST_CHARACTERS = 1.3, 3.0, 65_000


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    found = work()
    return found, time.process_time() - began


def planned(path: Path, jobs: int, *, locked: bool = False, bought: bool = False) -> Any:
    """Loads, looks for locks and plans; returns all that the measures need."""
    from wanbatch.manifest.load import LoadOptions, load_manifests
    from wanbatch.media.check import check_media
    from wanbatch.model.elsewhere import NOTHING
    from wanbatch.model.lifecycle import Snapshot
    from wanbatch.model.price import PriceList
    from wanbatch.operations.evidence import look_around
    from wanbatch.plan.planner import PlanOptions, Target, make_plan

    loaded = load_manifests([path], LoadOptions(max_jobs=jobs))
    media = check_media(loaded.manifests, time.time())
    prices = PriceList({"720P": Decimal("0.10"), "1080P": Decimal("0.15")}, "USD")
    snapshot = Snapshot(ledger_id="ab" * 16)
    elsewhere = NOTHING
    if locked:
        elsewhere = look_around(path.parent / "reports", snapshot, [path]).elsewhere

    def plan(known: Snapshot) -> Any:
        return make_plan(
            loaded.manifests,
            media.digests,
            known,
            frozenset(),
            Target("gateway", "paid", "o", prices),
            PlanOptions(),
            time.time(),
            elsewhere,
        )

    made = plan(snapshot)
    if bought:
        snapshot = buy(made, snapshot)
        made = plan(snapshot)
    return made, loaded.manifests, snapshot, prices


def buy(plan: Any, snapshot: Any) -> Any:
    """Every job stored, as the ledger tells it."""
    from wanbatch.model.lifecycle import Authority, Opening, State, open_attempt

    attempts = [
        replace(
            open_attempt(
                number,
                Opening(
                    entry.fingerprint, "paid", "gateway", "o", entry.job.manifest, entry.name,
                    "run-1", Authority.FIRST, entry.request.record(), 5, "720P", entry.price,
                    "USD", 1.0,
                ),
            ),
            state=State.STORED, task_id=f"task-{number}", sha256="ab" * 32, bytes=9, seconds=5.0,
        )
        for number, entry in enumerate(plan.jobs, 1)
    ]  # fmt: skip
    return replace(snapshot, attempts=tuple(attempts))


def measure_plan(path: Path, jobs: int) -> dict[str, float]:
    _, took = timed(lambda: planned(path, jobs))
    return {"cpu_s": took}


def measure_locked(path: Path, jobs: int) -> dict[str, float]:
    (plan, *_), took = timed(lambda: planned(path, jobs, locked=True))
    held = sum(entry.trace is not None for entry in plan.jobs)
    if held != jobs:
        raise SystemExit(f"the lock holds {held} of {jobs} jobs")
    return {"cpu_s": took}


def measure_lock(path: Path, jobs: int) -> dict[str, float]:
    from wanbatch.plan.lock import lock_text, make_lock
    from wanbatch.words.collector import collector_resting

    plan, _, snapshot, _ = planned(path, jobs, bought=True)

    def write() -> int:
        with collector_resting():  # as operations.locks does
            text = lock_text(make_lock(plan.jobs, snapshot, None, prune=False))
        return (path.parent / "compact.lock.json").write_text(text)

    size, took = timed(write)
    document = json.loads((path.parent / "compact.lock.json").read_text())
    _, peer = timed(lambda: json.dumps(document, indent=2, sort_keys=True))
    return {"cpu_s": took, "peer_s": peer, "mb": size / 1e6}


def measure_save(path: Path, jobs: int) -> dict[str, float]:
    from wanbatch.operations.reporting import render_plan
    from wanbatch.plan.saved import Basis, Choices, digest_of

    plan, manifests, _, prices = planned(path, jobs)
    target = path.parent / "plan.json"

    def write() -> int:
        return target.write_bytes(
            render_plan(plan, manifests, Basis("", prices, Choices())).content
        )

    size, took = timed(write)
    document = json.loads(target.read_text())
    if digest_of(document) != document["digest"]:
        raise SystemExit("the digest is not the document's")
    _, peer = timed(lambda: json.dumps(document, ensure_ascii=False))
    return {"cpu_s": took, "peer_s": peer, "mb": size / 1e6}


def measure_markdown(path: Path, jobs: int) -> dict[str, float]:
    from wanbatch.cli.plan_markdown import render_plan_markdown
    from wanbatch.words.markdown import length

    plan, _, snapshot, _ = planned(path, jobs)
    spread = replace(
        plan,
        jobs=tuple(
            replace(entry, job=replace(entry.job, id=f"shot-{number}"))
            for number, entry in enumerate(plan.jobs)
        ),
    )
    text, took = timed(lambda: render_plan_markdown(spread, snapshot, "ab" * 32))
    return {"cpu_s": took, "characters": length(text)}


MEASURES = {
    "plan": measure_plan,
    "locked": measure_locked,
    "lock": measure_lock,
    "save": measure_save,
    "markdown": measure_markdown,
}


def run(kind: str, path: Path, jobs: int) -> dict[str, float]:
    command = [
        sys.executable,
        __file__,
        "--measure",
        kind,
        "--file",
        str(path),
        "--jobs",
        str(jobs),
    ]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def show(what: str, found: dict[str, float], more: str) -> None:
    print(f"{what:<34}CPU {found['cpu_s']:6.2f} s {found['peak_mib']:6.0f} MiB  {more}", flush=True)


def compare(folder: Path, jobs: int) -> None:
    from PIL import Image

    Image.new("RGB", (1280, 720), "navy").save(folder / "picture.png")
    path = folder / "compact.wanbatch.yaml"
    write_compact(path, jobs)
    plain, saved, markdown = (run(kind, path, jobs) for kind in ("plan", "save", "markdown"))
    show(f"plan, {jobs:,} jobs", plain, "")
    for what, found in (("plan.json", saved), ("lock", run("lock", path, jobs))):
        more = (
            f"{found['cpu_s'] / MOST_S:.2f} of the {MOST_S:.0f} s bound,"
            f" {found['cpu_s'] / found['peer_s']:.2f} times json.dumps of it ({found['mb']:.0f} MB)"
        )
        show(f"{what} written beyond planning", found, more)
    locked = run("locked", path, jobs)
    ratio = locked["cpu_s"] / plain["cpu_s"]
    show("plan with that lock", locked, f"{ratio:.2f} times without (bound {MOST_LOCK})")
    share = markdown["characters"] / MOST_CHARACTERS
    show(f"Markdown, {jobs:,} job ids", markdown, f"{share:.3f} of {MOST_CHARACTERS:,} characters")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        found = MEASURES[given.measure](given.file, given.jobs)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found | {"peak_mib": peak}))
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), given.jobs)


if __name__ == "__main__":
    main()
