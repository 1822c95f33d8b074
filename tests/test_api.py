"""wanbatch as a library: what a program gets, and what it is spared.

How it works: the doctests of ``api`` and the calls without money run on the emulator;
what costs money runs against a scene, whose books say what was bought. Everything that
is called here is captured: nothing may be printed.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import json
import re
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from scene import FILE, KEY, Scene

import wanbatch
from wanbatch import WanbatchError, api
from wanbatch.model.plan import Action
from wanbatch.model.report import Report
from wanbatch.operations.events import Event, Planned, Stored, Submitted, WorkBegins
from wanbatch.words.diagnostics import Severity
from wanbatch.words.errors import ExitCode

ROOT = Path(__file__).parent.parent
MANIFEST = """\
wanbatch: 1
name: harbor
defaults: {seconds: 2, prompt_extend: false}
jobs:
  - id: opening
    prompt: "Harbour at dawn"
    media: {first_frame: harbour-dawn.jpg}
    seeds: {start: 100, count: 2}
run: {backend: emulator}
"""
HARBOR = "harbor.wanbatch.yaml"
CONTRACT = "load check plan run run_sync fetch open_report Plan Report WanbatchError"


@pytest.fixture(autouse=True)
def silence(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Whatever a test calls prints nothing, not even through a child."""
    yield
    assert capfd.readouterr() == ("", "")


@pytest.fixture(autouse=True)
def own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program's command line is its own, and so is its standard input."""
    monkeypatch.setattr(sys, "argv", ["program.py", "--canary-of-argv"])
    monkeypatch.setattr(sys, "stdin", None)


@pytest.fixture
def harbor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WANBATCH_EMULATOR_OPTIONS", "--latency 0.1 --render cached")
    (tmp_path / "none.toml").touch()
    monkeypatch.setenv("WANBATCH_CONFIG", str(tmp_path / "none.toml"))
    shutil.copy(ROOT / "examples/specs/media/harbour-dawn.jpg", tmp_path)
    (tmp_path / HARBOR).write_text(MANIFEST)
    (tmp_path / "broken.wanbatch.yaml").write_text(MANIFEST.replace("    prompt:", "    promt:"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with Scene(tmp_path, jobs=3) as scene:
        _enter(scene, monkeypatch)
        yield scene


@pytest.fixture
def slow_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Its tasks take longer than any test."""
    with Scene(tmp_path, jobs=3, emulator="--latency 120 --render cached") as scene:
        _enter(scene, monkeypatch)
        yield scene


def _enter(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANBATCH_CONFIG", "ROUGH_KEY"):
        monkeypatch.setenv(name, scene.environ[name])
    monkeypatch.chdir(scene.folder)


# -- the names -------------------------------------------------------------------------


def test_the_names_are_those_of_the_contract() -> None:
    assert sorted(wanbatch.__all__) == sorted(CONTRACT.split())
    assert {*wanbatch.__all__, "__version__"} <= set(dir(wanbatch))
    for name in wanbatch.__all__:
        assert getattr(wanbatch, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="has no attribute 'plans'"):
        wanbatch.plans  # noqa: B018


def test_every_name_says_what_it_is() -> None:
    for name in wanbatch.__all__:
        assert getattr(wanbatch, name).__doc__
    assert wanbatch.run_sync.__name__ == "run_sync"


def _python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_import_costs_nothing() -> None:
    shown = _python("import sys, wanbatch; wanbatch.__version__; print(list(sys.modules))")
    loaded = set(ast.literal_eval(shown))
    assert {name for name in loaded if name.startswith("wanbatch")} == {"wanbatch"}
    assert not loaded & {"asyncio", "anyio", "httpx", "yaml", "sqlite3", "click", "dataclasses"}


@pytest.mark.parametrize("first", ["import wanbatch.plan.planner", "import wanbatch.api", "pass"])
def test_plan_is_the_function_whoever_imports_the_room_of_that_name(first: str) -> None:
    shown = _python(
        f"{first}\nimport wanbatch\nimport wanbatch.plan.identity\n"
        "from wanbatch import plan\nfrom wanbatch.plan import planner\n"
        "print(callable(wanbatch.plan), plan is wanbatch.plan, planner.__name__)"
    )
    assert shown == "True True wanbatch.plan.planner"


def test_the_examples_of_the_docstrings_run(harbor: Path) -> None:
    """In the order of the file: the report is opened after it was written."""
    tests = [t for t in doctest.DocTestFinder().find(api, "api") if t.examples]
    tests.sort(key=lambda test: test.lineno or 0)
    order = ["load", "check", "plan", "run", "run_sync", "fetch", "open_report"]
    by_name = {test.name.removeprefix("api."): test for test in tests}
    assert set(by_name) == set(order)
    runner, told = doctest.DocTestRunner(verbose=False), list[str]()
    for name in order:
        test = by_name[name]
        test.globs = {}
        runner.run(test, out=told.append)
    assert not told, "".join(told)
    assert runner.tries > 15


# -- files -----------------------------------------------------------------------------


def test_what_is_wrong_with_a_manifest_is_raised_with_every_finding(harbor: Path) -> None:
    calls = (wanbatch.load, wanbatch.plan, wanbatch.run_sync)
    for call in calls:
        with pytest.raises(WanbatchError) as caught:
            call("broken.wanbatch.yaml")
        error = caught.value
        assert error.exit_code == ExitCode.INVALID
        (finding,) = error.findings
        assert (finding.code, finding.place.line, finding.severity) == ("WB201", 6, Severity.ERROR)
        assert str(error).startswith("broken.wanbatch.yaml:6:5: WB201: ")
        assert error.hints == ("did you mean prompt?",)
        assert error.__notes__ == ["help: did you mean prompt?"]
    assert not (harbor / "reports").exists()


def test_check_returns_what_load_raises(harbor: Path) -> None:
    assert wanbatch.check(Path(HARBOR)) == ()
    (finding,) = wanbatch.check(["broken.wanbatch.yaml"])
    with pytest.raises(WanbatchError) as caught:
        wanbatch.load("broken.wanbatch.yaml")
    assert caught.value.findings == (finding,)


def test_no_query_of_a_url_stands_in_a_finding(harbor: Path) -> None:
    signed = "https://media.example.com/a.jpg?X-Amz-Signature=canary"
    text = MANIFEST.replace("{first_frame: harbour-dawn.jpg}", f'{{first_fram: "{signed}"}}')
    (harbor / HARBOR).write_text(text)
    found = wanbatch.check(HARBOR)
    with pytest.raises(WanbatchError) as caught:
        wanbatch.load(HARBOR)
    assert found
    assert "canary" not in repr(found) + repr(caught.value) + repr(caught.value.findings)


def test_variables_reach_the_templates(harbor: Path) -> None:
    text = MANIFEST.replace("Harbour at dawn", "Take {{ take_of }}, {{ ratio }}")
    (harbor / HARBOR).write_text(text + "vars: {take_of: none, ratio: 1}\n")
    (manifest,) = wanbatch.load(HARBOR, variables={"take_of": "ours", "ratio": 2.5})
    assert manifest.jobs[0].prompt == "Take ours, 2.5"


# -- a plan and a run ------------------------------------------------------------------


def test_a_run_gives_its_reports(harbor: Path) -> None:
    before = wanbatch.plan(HARBOR)
    assert (before.total, before.backend, before.findings) == (Decimal(0), "emulator", ())
    assert before.count()[Action.GENERATE] == 2
    assert before.estimate is not None
    assert before.estimate.is_guess
    assert not (harbor / "reports").exists(), "to plan writes nothing"
    seen: list[Event] = []
    result = wanbatch.run_sync(HARBOR, on_event=seen.append)
    assert result.exit_code == ExitCode.DONE
    assert [job.name for job in result.jobs] == ["opening[seed=100]", "opening[seed=101]"]
    for job in result.jobs:
        video = result.report.video(job)
        assert video is not None
        assert video.stat().st_size == job.output.bytes  # type: ignore[union-attr]
    stored = [event.job for event in seen if isinstance(event, Stored)]
    assert sorted(stored) == [job.name for job in result.jobs]
    assert wanbatch.plan(HARBOR).count()[Action.REUSE] == 2


def test_a_forecast_that_fails_costs_no_video(
    harbor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fail(*_: object) -> None:
        asked.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr("wanbatch.operations.outlook.Outlook.question", fail)
    assert wanbatch.run_sync(HARBOR).exit_code == ExitCode.DONE
    assert asked == [1]


def test_what_stands_on_disk_is_what_the_run_gave(harbor: Path) -> None:
    result = wanbatch.run_sync(HARBOR)
    opened = wanbatch.open_report("reports")
    assert opened == wanbatch.open_report(Path("reports/harbor/report.json"))
    assert opened.folder == Path("reports/harbor")
    assert [job.output for job in opened.jobs] == [job.output for job in result.jobs]
    assert opened.totals == result.report.totals
    (record,) = Path("reports/harbor/runs").glob("*.json")
    first = opened.job("opening[seed=100]")
    assert wanbatch.open_report(record).video("opening[seed=100]") == opened.video(first)
    with pytest.raises(KeyError):
        opened.job("closing")


def test_a_video_is_looked_for_in_its_folder_alone(harbor: Path) -> None:
    report = wanbatch.run_sync(HARBOR, select="seed=100").report
    done, planned = report.jobs
    assert report.video(planned) is None
    assert done.output is not None
    outside = replace(done, output=replace(done.output, path="../../other.mp4"))
    assert report.video(outside) is None


def test_several_manifests_are_one_run(harbor: Path) -> None:
    (harbor / "b.wanbatch.yaml").write_text(MANIFEST.replace("name: harbor", "name: b"))
    result = wanbatch.run_sync([HARBOR, "b.wanbatch.yaml"])
    assert [report.manifest.name for report in result.reports] == ["harbor", "b"]
    assert len(result.jobs) == 4
    with pytest.raises(ValueError, match="2 manifests"):
        result.report  # noqa: B018


def test_a_plan_that_is_run_is_run_with_its_arguments(harbor: Path) -> None:
    plan = wanbatch.plan(HARBOR, select=["seed=101"], output="elsewhere")
    result = wanbatch.run_sync(plan)
    assert [job.name for job in result.jobs if job.output] == ["opening[seed=101]"]
    assert (harbor / "elsewhere/ledger.db").exists()
    with pytest.raises(WanbatchError, match="a plan has its own select, output, regenerate"):
        wanbatch.run_sync(plan, select="seed=100", output="other", regenerate=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"schema": "wanbatch/report@2"}', "wanbatch/report@1"),
        ('{"schema": "somebody/else@1"}', "wanbatch/report@1"),
        ("[1, 2]", "no report"),
        ("{", "is not JSON"),
    ],
)
def test_what_is_no_report_is_refused(harbor: Path, text: str, words: str) -> None:
    (harbor / "report.json").write_text(text)
    with pytest.raises(WanbatchError, match=words) as caught:
        wanbatch.open_report("report.json")
    assert caught.value.exit_code == ExitCode.INVALID
    assert caught.value.hints


def test_a_folder_without_a_report_is_no_report(harbor: Path) -> None:
    with pytest.raises(WanbatchError, match=r"has no report\.json"):
        wanbatch.open_report(harbor)


def test_a_report_of_an_older_wanbatch_is_opened(harbor: Path) -> None:
    wanbatch.run_sync(HARBOR)
    path = harbor / "reports/harbor/report.json"
    document = json.loads(path.read_text())
    for job in document["jobs"]:
        del job["preview"], job["frames"], job["unmet"]
    del document["ledger"], document["last_run"]
    path.write_text(json.dumps(document))
    report: Report = wanbatch.open_report("reports/harbor")
    assert (report.ledger, report.jobs[0].preview, report.totals.done) == (None, None, 2)


# -- money -----------------------------------------------------------------------------


def test_nothing_is_bought_that_nobody_approved(scene: Scene) -> None:
    with pytest.raises(WanbatchError) as caught:
        wanbatch.run_sync(FILE, backend="rough")
    assert caught.value.exit_code == ExitCode.REFUSED
    assert "3 videos would be bought ($0.60) and nobody approved it" in str(caught.value)
    assert caught.value.hints == ("add yes=True, or max_cost=AMOUNT",)
    with pytest.raises(WanbatchError, match=r"limit is \$0\.50 \(max_cost\)") as caught:
        wanbatch.run_sync(FILE, backend="rough", max_cost="0.5")
    assert caught.value.hints == ("select fewer jobs with select, or raise the limit",)
    with pytest.raises(WanbatchError, match="not approved"):
        wanbatch.run_sync(FILE, backend="rough", approve=lambda _plan: False)
    assert scene.charges() == 0


@pytest.mark.parametrize("consent", [{"yes": True}, {"max_cost": Decimal("0.6")}])
def test_what_was_approved_is_bought_once(scene: Scene, consent: dict[str, object]) -> None:
    for spent in ("0.60", "0"):
        result = wanbatch.run_sync(FILE, backend="rough", **consent)  # type: ignore[arg-type]
        assert (result.exit_code, result.cost.spent) == (0, Decimal(spent))
    assert result.cost.currency == "USD"
    assert scene.charges() == 3
    assert not scene.lost_videos()


@pytest.mark.parametrize("is_async", [False, True])
def test_who_is_asked_sees_the_plan(scene: Scene, is_async: bool) -> None:
    asked = []

    async def later(plan: wanbatch.Plan) -> bool:
        await asyncio.sleep(0)
        return at_once(plan)

    def at_once(plan: wanbatch.Plan) -> bool:
        asked.append(plan.total)
        return True

    approve = later if is_async else at_once
    wanbatch.run_sync(FILE, backend="rough", approve=approve)  # type: ignore[arg-type]
    assert (asked, scene.charges()) == ([Decimal("0.60")], 3)


def test_an_answer_that_is_not_true_approves_nothing(scene: Scene) -> None:
    with pytest.raises(WanbatchError, match="not approved"):
        wanbatch.run_sync(FILE, backend="rough", approve=lambda _: "yes")  # type: ignore[arg-type,return-value]
    assert scene.charges() == 0


def test_whoever_cannot_answer_buys_nothing(scene: Scene) -> None:
    def approve(_plan: object) -> bool:
        raise LookupError("the boss is out")

    with pytest.raises(LookupError, match="the boss is out"):
        wanbatch.run_sync(FILE, backend="rough", approve=approve)
    assert scene.charges() == 0


def test_a_plan_approves_what_it_would_buy_and_no_more(scene: Scene) -> None:
    plan = wanbatch.plan(FILE, backend="rough", select="seed=0..1")
    assert plan.total == Decimal("0.40")
    manifest = (scene.folder / FILE).read_text()
    (scene.folder / FILE).write_text(manifest.replace("A harbour", "A lighthouse"))
    with pytest.raises(WanbatchError, match="the plan is stale: 2 differences") as caught:
        wanbatch.run_sync(plan)
    assert caught.value.exit_code == ExitCode.REFUSED
    assert "job[seed=0], job[seed=1]" in caught.value.message
    assert caught.value.hints == ("plan again, and let the new plan be approved",)
    assert scene.charges() == 0
    (scene.folder / FILE).write_text(manifest)
    with pytest.raises(WanbatchError, match="limit is"):
        wanbatch.run_sync(plan, max_cost="0.20")
    assert wanbatch.run_sync(plan).cost.spent == Decimal("0.40")
    assert wanbatch.run_sync(plan).cost.spent == 0, "its own progress makes no plan stale"
    assert scene.charges() == 2


def test_a_plan_that_buys_again_buys_once_however_often_it_is_run(scene: Scene) -> None:
    wanbatch.run_sync(FILE, backend="rough", yes=True)
    plan = wanbatch.plan(FILE, backend="rough", select="seed=0..1", regenerate=True)
    assert [wanbatch.run_sync(plan).cost.spent for _ in range(3)] == [Decimal("0.40"), 0, 0]
    assert scene.charges() == 3 + 2
    again = wanbatch.plan(FILE, backend="rough", select="seed=0", regenerate=True)
    assert wanbatch.run_sync(again).cost.spent == Decimal("0.20"), "a new plan is a new word"


@pytest.mark.parametrize("price", ["0.11", "0.09"])
def test_a_plan_of_another_price_is_stale(scene: Scene, price: str) -> None:
    plan = wanbatch.plan(FILE, backend="rough")
    config = Path(scene.environ["WANBATCH_CONFIG"])
    before = config.read_text()
    config.write_text(before.replace("720P = 0.10", f"720P = {price}"))
    with pytest.raises(WanbatchError, match=rf"(?s)stale: 1 difference.*{price}"):
        wanbatch.run_sync(plan)
    assert scene.charges() == 0
    config.write_text(before)
    assert wanbatch.run_sync(plan).cost.spent == Decimal("0.60")


def test_a_plan_without_a_price_approves_nothing(scene: Scene) -> None:
    config = Path(scene.environ["WANBATCH_CONFIG"])
    lines = [line for line in config.read_text().splitlines() if not line.startswith("price")]
    config.write_text("\n".join(lines))
    plan = wanbatch.plan(FILE, backend="rough")
    assert plan.total is None
    with pytest.raises(WanbatchError, match="the plan cannot be kept") as caught:
        wanbatch.run_sync(plan)
    assert caught.value.exit_code == ExitCode.REFUSED
    assert scene.charges() == 0


def test_a_plan_of_the_first_jobs_is_run_for_those(scene: Scene) -> None:
    plan = wanbatch.plan(FILE, backend="rough", first=1)
    assert wanbatch.run_sync(plan).cost.spent == Decimal("0.20")
    assert scene.charges() == 1


def test_a_plan_does_not_go_to_another_backend(scene: Scene) -> None:
    plan = wanbatch.plan(FILE, backend="rough")
    config = Path(scene.environ["WANBATCH_CONFIG"])
    config.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9", config.read_text()))
    with pytest.raises(WanbatchError, match="stale: 1 difference"):
        wanbatch.run_sync(plan)
    assert scene.charges() == 0


def test_a_fetch_brings_home_and_never_buys(slow_scene: Scene) -> None:
    assert wanbatch.run_sync(FILE, backend="rough", yes=True, wait_s=0.5).cost.reserved == Decimal(
        "0.60"
    )
    result = asyncio.run(wanbatch.fetch(FILE, backend="rough", wait_s=0.5))
    assert result.exit_code == ExitCode.UNFINISHED
    assert (result.cost.spent, result.cost.reserved) == (Decimal(0), Decimal(0))
    assert [job.state.value for job in result.jobs] == ["running"] * 3
    assert slow_scene.charges() == 3


# -- the key, the environment ----------------------------------------------------------


def test_no_key_stands_in_what_is_raised_or_returned(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = wanbatch.run_sync(FILE, backend="rough", yes=True)
    plan = wanbatch.plan(FILE, backend="rough")
    assert KEY not in repr(result) + repr(plan) + repr(plan.options)
    for key in (f"{KEY} {KEY}", f"{KEY}\n"):
        monkeypatch.setenv("ROUGH_KEY", key)
        with pytest.raises(WanbatchError) as caught:
            wanbatch.run_sync(FILE, backend="rough", yes=True, output="other")
        assert caught.value.exit_code == ExitCode.ENVIRONMENT
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert KEY not in shown


def test_a_backend_that_is_not_there_is_told_as_4(scene: Scene) -> None:
    config = Path(scene.environ["WANBATCH_CONFIG"])
    config.write_text(config.read_text().replace(scene.road.base_url, "http://127.0.0.1:9"))
    with pytest.raises(WanbatchError, match="nothing was spent") as caught:
        wanbatch.run_sync(FILE, backend="rough", yes=True)
    assert caught.value.exit_code == ExitCode.ENVIRONMENT
    assert scene.charges() == 0


def test_what_the_disk_does_is_told_as_4(harbor: Path) -> None:
    (harbor / "reports").write_text("in the way")
    with pytest.raises(WanbatchError) as caught:
        wanbatch.run_sync(HARBOR)
    assert caught.value.exit_code == ExitCode.ENVIRONMENT
    assert caught.value.hints == ("choose another with output",)


# -- loops -----------------------------------------------------------------------------


def test_run_sync_is_not_for_programs_with_a_loop(harbor: Path) -> None:
    async def main() -> None:
        wanbatch.run_sync(HARBOR)

    with pytest.raises(WanbatchError, match="one runs here") as caught:
        asyncio.run(main())
    assert "await wanbatch.run" in caught.value.hints[0]


def test_two_runs_go_side_by_side_in_folders_of_their_own(harbor: Path) -> None:
    async def main() -> list[api.Result]:
        runs = (wanbatch.run(HARBOR, output=name) for name in ("a", "b"))
        return await asyncio.gather(*runs)

    a, b = asyncio.run(main())
    assert (a.exit_code, b.exit_code) == (0, 0)
    assert a.report.folder == Path("a/harbor")
    assert b.report.folder == Path("b/harbor")


def test_two_runs_never_share_a_folder(harbor: Path) -> None:
    """The second one waits for nothing, and is told who holds it: not by the program's
    command line, which is nobody's business."""
    refused: list[WanbatchError] = []

    async def again(event: Event) -> None:
        if isinstance(event, WorkBegins):
            assert "canary" not in (harbor / "reports/ledger.lock").read_text()
            with pytest.raises(WanbatchError) as caught:
                await wanbatch.run(HARBOR)
            refused.append(caught.value)

    assert wanbatch.run_sync(HARBOR, on_event=again).exit_code == 0
    assert refused[0].exit_code == ExitCode.ENVIRONMENT
    assert "a program, by wanbatch.run" in str(refused[0])
    assert "let this one wait with lock_timeout_s=SECONDS" in refused[0].hints[0]
    assert "output" in refused[0].hints[1]
    assert "--" not in " ".join(refused[0].hints)


def test_ctrl_c_ends_run_sync_in_good_order(slow_scene: Scene) -> None:
    """A real program, a real signal: what was bought is in the ledger, and the next run
    takes it up."""
    program = (
        "import sys, wanbatch\n"
        "from wanbatch.operations.events import Submitted\n"
        "def show(event):\n"
        "    if isinstance(event, Submitted): print(event.job, flush=True)\n"
        f"wanbatch.run_sync({FILE!r}, backend='rough', yes=True, on_event=show)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=slow_scene.folder,
        env=slow_scene.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for _ in range(3):
        assert process.stdout.readline().startswith("job[")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.strip().endswith("KeyboardInterrupt")
    assert [row.state for row in slow_scene.rows()] == ["accepted"] * 3
    assert slow_scene.charges() == 3
    plan = wanbatch.plan(FILE, backend="rough")
    assert plan.count()[Action.RESUME] == 3
    assert slow_scene.report()["run"]["exit_code"] == ExitCode.INTERRUPTED


def test_events_come_in_the_order_in_which_things_happen(harbor: Path) -> None:
    seen: list[Event] = []

    async def take(event: Event) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(event)

    wanbatch.run_sync(HARBOR, select="seed=100", on_event=take)
    kinds = [type(event) for event in seen]
    wanted = [Planned, WorkBegins, Submitted, Stored]
    assert [kind for kind in kinds if kind in wanted] == wanted
