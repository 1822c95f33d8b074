"""``make torture``: owners of a shared ledger are killed, or stopped and woken, and
others take over; then the gateway's books are compared with what came home.

What it may not do: take the ledger's word for what was bought.

How it works: machines in turn run the same manifest against one bucket (moto's S3, a
process of its own) and one gateway. At a random moment the one that buys is killed
(SIGKILL) or stopped (SIGSTOP); the next waits for the lease to die, and goes on. A
stopped one is woken once the other buys, or after it has ended: whatever it sends then
would be bought twice. At the end no seed was bought twice, and each that was bought is
done, or is asked about because its answer was lost with its owner.

    python tests/torture/takeovers.py [--takeovers 50] [--seed 0]
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from field.scripted import Answer, ScriptedGateway
from shared_team import Machine, Team
from stores.s3_server import S3Server, started_s3

LEASE_S = 2.0
JOBS = 30
TAKEOVERS_PER_TEAM = 5
LONGEST_RUN_S = 90.0


@dataclass(slots=True)
class Tally:
    """What came of all takeovers; ``violations`` are sentences."""

    takeovers: int = 0
    stopped: int = 0
    bought: int = 0
    twice: int = 0
    lost: int = 0
    asked: int = 0
    violations: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        return [
            f"takeovers {self.takeovers}, {self.stopped} of them from an owner that woke again",
            f"bought {self.bought}, twice {self.twice}, lost {self.lost}; asked {self.asked}",
            *(f"  {text}" for text in self.violations),
        ]

    @property
    def clean(self) -> bool:
        return not (self.twice or self.lost or self.violations)


def slow_gateway(chance: random.Random) -> ScriptedGateway:
    """Answers take their time, so that an owner dies in the middle of something."""

    gateway = ScriptedGateway()

    def accepted(task: str, _: int) -> Answer:
        time.sleep(chance.uniform(0.0, 0.4))
        return gateway.accepted(task)

    def polled(task: str, number: int) -> Answer:
        return gateway.completed(task) if number > 2 else gateway.running(task)

    gateway.scripts |= {"post": accepted, "poll": polled}
    return gateway


def take_over(team: Team, number: int, chance: random.Random, tally: Tally) -> None:
    """One owner is interrupted in the middle, and the next brings the work on."""
    owner = team.machine(f"machine-{number}", JOBS)
    before = len(team.gateway.posts)
    stops = chance.random() < 0.5
    with owner.running("--rate", "4") as process:
        awaited = before + chance.randrange(1, 4)
        begin = time.monotonic()
        while len(team.gateway.posts) < awaited and process.poll() is None:
            time.sleep(0.002)
            if time.monotonic() - begin > LONGEST_RUN_S:
                tally.violations.append(f"machine {number} bought nothing")
                return
        time.sleep(chance.uniform(0.0, 0.3))
        if process.poll() is not None:
            return
        process.send_signal(signal.SIGSTOP if stops else signal.SIGKILL)
        tally.takeovers += 1
        tally.stopped += stops
        woken_after = chance.choice(["first purchase", "end"])
        with team.machine(f"other-{number}", JOBS).running("--first", "6") as other:
            taken = len(team.gateway.posts)
            while other.poll() is None and time.monotonic() - begin < LONGEST_RUN_S:
                if stops and woken_after == "first purchase" and len(team.gateway.posts) > taken:
                    break
                time.sleep(0.005)
            if stops:
                process.send_signal(signal.SIGCONT)
            _end(other, tally, f"the machine after {number}")
        if stops:
            _end(process, tally, f"machine {number}, woken", may_be_refused=True)


def _end(
    process: subprocess.Popen[str], tally: Tally, who: str, *, may_be_refused: bool = False
) -> None:
    try:
        _, said = process.communicate(timeout=LONGEST_RUN_S)
    except subprocess.TimeoutExpired:
        tally.violations.append(f"{who} did not end within {LONGEST_RUN_S:.0f} s")
        return
    allowed = {0, 1, 4} if may_be_refused else {0, 1}
    if process.returncode not in allowed or "Traceback" in said:
        tally.violations.append(f"{who} ended with {process.returncode}: {said[-800:]}")


def compare(team: Team, machine: Machine, tally: Tally) -> None:
    """Brings everything home, then holds the books against it."""
    done = subprocess.run(
        [*machine.command("run"), "--yes", "--wait", "30"],
        cwd=machine.folder,
        env=machine.environ,
        text=True,
        capture_output=True,
        check=False,
        timeout=LONGEST_RUN_S,
    )
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        tally.violations.append(f"the last run ended with {done.returncode}: {done.stderr[-800:]}")
        return
    report = json.loads((machine.folder / "reports/scene/report.json").read_text())
    states = {int(job["name"][len("job[seed=") : -1]): job["state"] for job in report["jobs"]}
    bought = team.purchases()
    tally.bought += len(bought)
    tally.twice += sum(count - 1 for count in bought.values())
    tally.asked += sum(states[seed] == "uncertain" for seed in bought)
    tally.lost += sum(states[seed] not in ("done", "uncertain") for seed in bought)
    tally.violations += [
        f"seed {seed} is done and was never bought"
        for seed, state in states.items()
        if state == "done" and not bought[seed]
    ]


def torture(folder: Path, server: S3Server, takeovers: int, seed: int, tally: Tally) -> None:
    """One bucket, and owners that are interrupted one after the other."""
    chance = random.Random(seed)
    with slow_gateway(chance) as gateway:
        team = Team(folder, server, gateway, f"takeovers-{seed}", LEASE_S)
        wanted = tally.takeovers + takeovers
        for number in range(2 * takeovers):  # an owner may end before it is interrupted
            if tally.takeovers < wanted:
                take_over(team, number, chance, tally)
        compare(team, team.machine("last", JOBS), tally)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--takeovers", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    tally, team, began = Tally(), 0, time.monotonic()
    with started_s3() as server:
        while tally.takeovers < given.takeovers and not tally.violations:
            wanted = min(TAKEOVERS_PER_TEAM, given.takeovers - tally.takeovers)
            with tempfile.TemporaryDirectory() as name:
                torture(Path(name), server, wanted, given.seed * 1000 + team, tally)
            team += 1
            took_s = time.monotonic() - began
            print(f"team {team}: {tally.takeovers} takeovers, {took_s:.0f} s", flush=True)
    print(*tally.lines(), sep="\n")
    sys.exit(0 if tally.clean else 1)


if __name__ == "__main__":
    main()
