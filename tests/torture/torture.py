"""``make torture``: kills real runs with SIGKILL at random points until nothing more
can be learnt, then compares ledger, disk and the API's books.

What it may not do: look the other way: every check runs after every kill, and one
violation fails the whole.

How it works: scenes of a hundred jobs over a rough road, with submits one at a time and
several at a time in turn. A run is killed after a random number of requests and a few
milliseconds more, and started again, with nothing mended in between. When a scene has
had its share of kills it is brought to its end: a person with a look into the API's
books adopts what was bought and allows again what was not. So in the end every job was
bought exactly once, and every video is at home.

    python tests/torture/torture.py [--kills 200] [--jobs 100] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from rough_road import rough
from scene import KILLED, Scene

from wanbatch.ledger.verify import verify_ledger

EMULATOR = "--latency 0.5 --latency-sigma 0.4 --render cached"
KILLS_PER_SCENE = 14
LONGEST_RUN_S = 60.0
LAST_RUN_S = 400.0
"""A 429 at the wrong instant makes a run careful for minutes."""
RUNS_TO_THE_END = 12


@dataclass(slots=True)
class Tally:
    """What came of all kills. ``violations`` are sentences; none may be there."""

    kills: int = 0
    runs: int = 0
    uncertain: int = 0
    most_uncertain: int = 0
    decided: int = 0
    charges: int = 0
    duplicates: int = 0
    lost: int = 0
    violations: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        return [
            f"kills {self.kills} in {self.runs} runs; jobs bought {self.charges}",
            (
                f"uncertain left by kills {self.uncertain} (at most {self.most_uncertain} by one"
                f" kill); decided by a person {self.decided}"
            ),
            f"duplicate charges {self.duplicates}",
            f"lost results {self.lost}",
            f"other violations {len(self.violations)}",
            *(f"  {text}" for text in self.violations),
        ]

    @property
    def clean(self) -> bool:
        return not (self.duplicates or self.lost or self.violations)


def kill_one(scene: Scene, chance: random.Random, most_requests: int) -> bool:
    """Starts a run and kills it; false where it came to its end before."""
    awaited = sum(scene.road.seen.values()) + chance.randrange(most_requests)
    later_s = chance.uniform(0.0, 0.5 if chance.random() < 0.3 else 0.03)
    process = scene.start(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    begin = time.monotonic()
    while (
        process.poll() is None
        and sum(scene.road.seen.values()) < awaited
        and time.monotonic() - begin < LONGEST_RUN_S
    ):
        time.sleep(0.001)
    time.sleep(later_s)
    process.kill()
    return process.wait() == -signal.SIGKILL


def check_after_kill(scene: Scene, tally: Tally, before: frozenset[int]) -> None:
    """The invariants at the instant of death, before anybody mends anything. ``before``
    are the attempts that were uncertain already."""
    rows = scene.rows()
    unanswered = [row for row in rows if row.state == "intent"]
    by_kill = [
        row
        for row in rows
        if row.state == "uncertain"
        and row.reason.startswith(KILLED)
        and row.attempt_id not in before
    ]
    tally.uncertain += len(unanswered)
    tally.most_uncertain = max(tally.most_uncertain, len(unanswered))
    where = f"kill {tally.kills}"
    if len(unanswered) > scene.submit_concurrency:
        tally.violations.append(
            f"{where}: {len(unanswered)} intents without an answer,"
            f" {scene.submit_concurrency} submits at once"
        )
    if len(by_kill) > scene.submit_concurrency:
        tally.violations.append(f"{where}: {len(by_kill)} attempts became uncertain at the start")
    findings = [*verify_ledger(scene.reports / "ledger.db"), *scene.purchases_without_intent()]
    findings += [f"{name} is no whole video under its final name" for name in scene.half_files()]
    tally.violations += [f"{where}: {text}" for text in findings]


def undecided(scene: Scene) -> frozenset[int]:
    return frozenset(row.attempt_id for row in scene.rows() if row.state in ("uncertain", "intent"))


def torture(
    scene: Scene, chance: random.Random, kills: int, tally: Tally, most_requests: int = 60
) -> None:
    """Kills runs of ``scene`` until it has had ``kills`` or is done, then brings it to
    its end and compares everything."""
    for _ in range(kills):
        before = undecided(scene)
        tally.runs += 1
        if not kill_one(scene, chance, most_requests):
            break
        tally.kills += 1
        check_after_kill(scene, tally, before)
    bring_home(scene, tally)


def bring_home(scene: Scene, tally: Tally) -> None:
    """Runs and decides until every job is done; then the books are compared."""
    for _ in range(RUNS_TO_THE_END):
        tally.decided += scene.decide()
        tally.runs += 1
        try:
            done = scene.run("-q", timeout=LAST_RUN_S)
        except subprocess.TimeoutExpired:
            tally.violations.append(f"a run did not end within {LAST_RUN_S:.0f} s")
            break
        if done.returncode == 0:
            break
        if done.returncode != 1 or "Traceback" in done.stderr:
            tally.violations.append(f"a run ended with {done.returncode}: {done.stderr[-600:]}")
    else:
        tally.violations.append(f"a scene did not come to its end: {done.stderr[-600:]}")
    bought = scene.bought()
    tally.charges += scene.charges()
    tally.duplicates += sum(len(tasks) - 1 for tasks in bought.values())
    tally.lost += len(scene.lost_videos()) + (scene.jobs - len(bought))
    tally.violations += verify_ledger(scene.reports / "ledger.db")
    tally.violations += [
        f"{name} is no whole video under its final name" for name in scene.half_files()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    tally, scenes = Tally(), 0
    begin = time.monotonic()
    while tally.kills < given.kills:
        seed = given.seed * 1000 + scenes
        scenes += 1
        with tempfile.TemporaryDirectory() as name:
            road, concurrency = rough(seed), 1 if scenes % 2 else 3
            with Scene(
                Path(name),
                jobs=given.jobs,
                emulator=EMULATOR,
                choose=road,
                submit_concurrency=concurrency,
            ) as scene:
                torture(
                    scene,
                    random.Random(seed),
                    min(KILLS_PER_SCENE, given.kills - tally.kills),
                    tally,
                )
        print(
            f"scene {scenes}: {tally.kills} kills, {len(tally.violations)} violations,"
            f" {time.monotonic() - begin:.0f} s",
            flush=True,
        )
    print(*tally.lines(), sep="\n")
    sys.exit(0 if tally.clean else 1)


if __name__ == "__main__":
    main()
