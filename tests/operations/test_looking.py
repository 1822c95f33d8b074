"""Videos are looked at beside a run, once, and never in its way; a report looks at the
rest.

How it works: the shipped run on the emulator, with a port for looking that counts,
blocks or fails.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from PIL import Image

from wanbatch.compute.threads import Threads
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.looks import read_looks
from wanbatch.ledger.store import read_snapshot
from wanbatch.model.looked import Found, Undecodable
from wanbatch.model.measures import Level, Measures, References, Targets
from wanbatch.model.pool import Errand, Lane, Pool
from wanbatch.operations.approval import Nobody
from wanbatch.operations.events import Event, LookingAtRest, ignore
from wanbatch.operations.looking import Look, look_at_rest
from wanbatch.operations.options import PlanningOptions, RunOptions
from wanbatch.operations.reporting import rebuild_reports
from wanbatch.operations.run import Run, RunResult, prepare, start, watch_nothing
from wanbatch.operations.viewings import Subject, Viewing, Viewings
from wanbatch.operations.wiring import real_ports
from wanbatch.words.errors import ExitCode

MANIFEST = """\
wanbatch: 1
name: m
defaults: {prompt_extend: false, media: {first_frame: picture.png}}
jobs:
  - {id: one, prompt: A harbour, matrix: {n: [2, 3]}, seconds: "{{ n }}", EXPECT}
run: {backend: emulator}
"""


def measured(viewing: Viewing) -> Measures:
    """What a real look would give, with a second that stands still."""
    return Measures(viewing.level, 2.0, 1280, 720, 24.0, 48, frozen_s=1.0)


class Eyes:
    """A ``Look`` that notes what it is shown, and leaves the files that it is asked
    for."""

    def __init__(self, give: Callable[[Viewing], Found | None] = measured) -> None:
        self.seen: list[Viewing] = []
        self._give = give

    def __call__(self, viewing: Viewing) -> Found | None:
        self.seen.append(viewing)
        targets = viewing.targets
        for file in (targets.poster, targets.preview, targets.frames):
            if file is not None:
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(b"a picture")
        return self._give(viewing)


def in_thread(eyes: Callable[[Viewing], Found | None]) -> Look:
    """The port for looking, with these eyes instead of a decoder."""

    async def look(pool: Pool, viewing: Viewing) -> Found | None:
        return await pool.submit(Errand(eyes, lambda found: found, Lane.SPARE), viewing)

    return look


Eye = Callable[[Viewing], Found | None]


class House:
    def __init__(self, folder: Path) -> None:
        self.folder, self.events = folder, list[Event]()
        Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
        self.write("tags: []")

    def write(self, expect: str) -> None:
        (self.folder / "m.wanbatch.yaml").write_text(MANIFEST.replace("EXPECT", expect))

    def options(self, level: Level = Level.ALL) -> PlanningOptions:
        files = (self.folder / "m.wanbatch.yaml",)
        return PlanningOptions(files=files, output=self.folder / "reports", checks=level)

    def run(
        self,
        eyes: Eye,
        level: Level = Level.ALL,
        when: Callable[[Run, Event], object] = lambda _run, _event: None,
    ) -> RunResult:
        def observe(event: Event) -> None:
            self.events.append(event)
            when(run, event)

        prepared = prepare(self.options(level), RunOptions(yes=True), ignore)
        ports = replace(real_ports(prepared, watch_nothing), look=in_thread(eyes))
        run = Run(prepared, ports, Nobody(), observe)
        return start(run)

    def report(self, eyes: Eye, level: Level = Level.ALL) -> list[dict[str, object]]:
        rebuild_reports(self.options(level), (), ignore, look=in_thread(eyes))
        return self.shown()

    def shown(self) -> list[dict[str, object]]:
        document = json.loads((self.folder / "reports/m/report.json").read_text())
        jobs: list[dict[str, object]] = document["jobs"]
        return jobs

    def kept(self) -> int:
        path = self.folder / "reports" / "ledger.db"
        return len(read_looks(path, [a.sha256 for a in read_snapshot(path).attempts]))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("WANBATCH_EMULATOR_OPTIONS", "--latency 0.2 --render tiny")
    monkeypatch.setenv("WANBATCH_CONFIG", "/dev/null")
    monkeypatch.chdir(tmp_path)
    return House(tmp_path)


def checks_of(job: dict[str, object]) -> dict[str, dict[str, object]]:
    checks = job["checks"]
    assert isinstance(checks, list)
    return {check["name"]: check for check in checks}


def test_a_video_is_looked_at_once_by_the_run_and_by_no_report_after(house: House) -> None:
    eyes, none = Eyes(), Eyes()
    assert house.run(eyes).code is ExitCode.DONE
    assert len(eyes.seen) == house.kept() == 2
    assert {viewing.level for viewing in eyes.seen} == {Level.ALL}
    assert all(viewing.references.first_frame for viewing in eyes.seen)
    assert all(job["poster"] and job["preview"] and job["frames"] for job in house.shown())
    house.report(none)
    assert house.run(none).code is ExitCode.DONE, "nothing to do"
    assert none.seen == []
    next((house.folder / "reports/m/previews").iterdir()).unlink()
    house.report(none)
    (again,) = none.seen
    assert (again.targets.poster, again.targets.frames) == (None, None)
    assert again.targets.preview is not None


def test_an_unmet_expectation_ends_the_run_with_1_and_leaves_the_job_done(house: House) -> None:
    house.write("expect: {frozen: 0.5}")
    result = house.run(Eyes())
    assert result.code is ExitCode.UNFINISHED
    unmet = [one for one in result.shortfalls if one.expected]
    assert [(one.job, one.check.name) for one in unmet] == [
        ("one[n=2]", "frozen"),
        ("one[n=3]", "frozen"),
    ]
    assert "1 where at most 0.5 is expected" in unmet[0].check.message
    small = [one for one in result.shortfalls if not one.expected]
    assert {one.check.name for one in small} == {"size"}, "the emulator drew tiny videos"
    assert [remark.text for remark in result.remarks] == [
        "2 videos fall short of what the manifest expects.",
        "2 videos are not what was asked for (nothing paid).",
    ]
    assert [run.exit_code for run in result.snapshot.runs] == [1]
    for job in house.shown():
        assert (job["state"], job["unmet"]) == ("done", ["frozen"])
        assert checks_of(job)["frozen"]["value"] == 1.0
    house.write("expect: {frozen: 1.5}")
    assert house.run(Eyes()).code is ExitCode.DONE, "an expectation buys nothing again"
    assert len(read_snapshot(house.folder / "reports/ledger.db").attempts) == 2
    assert [job["unmet"] for job in house.shown()] == [[], []]


def test_the_run_goes_on_while_videos_are_looked_at_and_waits_at_the_end(house: House) -> None:
    may_end = threading.Event()

    def slowly(viewing: Viewing) -> Found:
        assert may_end.wait(30)
        return measured(viewing)

    def when(_run: Run, event: Event) -> None:
        if isinstance(event, LookingAtRest):
            may_end.set()

    result = house.run(Eyes(slowly), when=when)
    assert (result.code, house.kept()) == (ExitCode.DONE, 2)
    assert [e.videos for e in house.events if isinstance(e, LookingAtRest)] == [2]


def test_an_interrupted_run_leaves_the_looking_to_the_report(house: House) -> None:
    never = threading.Event()

    def when(run: Run, event: Event) -> None:
        if isinstance(event, LookingAtRest):
            run.interrupt(signal.SIGINT)

    def hang(_viewing: Viewing) -> None:
        never.wait(60)

    began = time.monotonic()
    result = house.run(hang, when=when)
    assert result.code is ExitCode.INTERRUPTED
    assert time.monotonic() - began < 20, "it does not wait for the threads"
    assert [job["state"] for job in house.shown()] == ["done", "done"]
    assert (house.kept(), [job["poster"] for job in house.shown()]) == (0, [None, None])
    eyes = Eyes()
    assert all(job["poster"] for job in house.report(eyes))
    assert len(eyes.seen) == house.kept() == 2
    never.set()


KILLED = """
import sys, time
sys.path[:0] = sys.argv[1:2]
from pathlib import Path
from operations.test_looking import House
house = House(Path.cwd())
def look(viewing):
    print("looking", flush=True)
    time.sleep(60)
house.run(look)
"""


def test_a_killed_run_leaves_the_looking_to_the_report(house: House) -> None:
    tests = str(Path(__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, tests], cwd=house.folder, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"looking")
    process.kill()
    process.wait()
    process.stdout.close()
    eyes = Eyes()
    assert house.run(eyes).code is ExitCode.DONE
    assert len(eyes.seen) == house.kept() == 2


@pytest.mark.parametrize("found", [Undecodable("no picture"), None], ids=str)
def test_a_video_that_cannot_be_looked_at_breaks_nothing(
    house: House, found: Undecodable | None
) -> None:
    assert house.run(lambda _viewing: found).code is ExitCode.DONE
    for job in house.shown():
        assert (job["state"], job["poster"]) == ("done", None)
        if found:
            assert checks_of(job)["decodes"]["passed"] is False
    eyes = Eyes()
    house.report(eyes)
    assert len(eyes.seen) == (0 if found else 2), "what is broken stays so; the disk may mend"


def test_a_look_that_fails_by_itself_is_waited_for_no_longer(house: House) -> None:
    def fails(_viewing: Viewing) -> Found:
        raise MemoryError

    assert house.run(fails).code is ExitCode.DONE


def test_beside_a_run_a_report_looks_and_keeps_nothing(house: House) -> None:
    house.run(lambda _viewing: None)
    house.write("expect: {frozen: 0.5}")
    with RunLock(house.folder / "reports"):
        shown = house.report(Eyes())
    assert [job["unmet"] for job in shown] == [["frozen"], ["frozen"]]
    assert house.kept() == 0


def test_without_checks_there_are_posters_and_nothing_is_judged(house: House) -> None:
    house.write("expect: {frozen: 0.5, sound: true}")
    eyes = Eyes()
    assert house.run(eyes, Level.NONE).code is ExitCode.DONE
    assert [v.targets.preview for v in eyes.seen] == [None, None]
    assert (len(eyes.seen), house.kept()) == (2, 0)
    shown = house.shown()
    assert all(job["poster"] for job in shown)
    assert [job["unmet"] for job in shown] == [[], []]
    again = Eyes()
    house.report(again, Level.NONE)
    assert again.seen == []
    assert [job["unmet"] for job in house.report(again)] == [["frozen"], ["frozen"]]


def test_a_deeper_look_is_wanted_where_more_is_asked(house: House) -> None:
    eyes = Eyes()
    house.run(eyes, Level.BASIC)
    house.report(eyes, Level.NONE)
    assert [v.level for v in eyes.seen] == [Level.BASIC] * 2
    house.report(eyes)
    house.report(eyes, Level.BASIC)
    assert [v.level for v in eyes.seen] == [Level.BASIC] * 2 + [Level.ALL] * 2
    assert house.kept() == 2


# -- one look --------------------------------------------------------------------------


class Known(Viewings):
    """Says of every subject that it must be looked at, as one and the same video."""

    def __init__(self, viewing: Viewing) -> None:
        self.viewing = viewing

    def needed(self, subject: Subject) -> Viewing | None:
        return self.viewing

    def note(self, look: object) -> None:
        pass


def test_equal_bytes_are_looked_at_once(house: House) -> None:
    house.run(lambda _viewing: None)
    snapshot = read_snapshot(house.folder / "reports/ledger.db")
    viewing = Viewing(("ab" * 32, ""), Path("a"), References(), Targets(), Level.ALL)
    subjects = [Subject("m", one, one.path) for one in [*snapshot.attempts] * 10]
    eyes, pool = Eyes(), Threads(4)
    found = anyio.run(look_at_rest, pool, Known(viewing), subjects, in_thread(eyes))
    pool.close()
    assert (len(found), len(eyes.seen)) == (1, 1)
