"""What commands say when they refuse, word for word: what is wrong, and what to do.

How it works: a project with one run on the emulator; commands are called in this
process, for there are many. ``tests/test_errors.py`` sees to it that no message is left
out.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields, replace
from io import StringIO
from pathlib import Path
from typing import Any

import anyio
import command
import pytest
from builders import opening
from PIL import Image
from report.test_review import document, pick

from wanbatch.cli import main
from wanbatch.ledger.store import Ledger, read_snapshot
from wanbatch.model.film import Shot
from wanbatch.model.lifecycle import Event, EventKind, Facts
from wanbatch.operations.film import _sounding
from wanbatch.words.errors import WanbatchError

MANIFEST = """\
wanbatch: 1
name: NAME
jobs:
  - id: one
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
    seeds: {start: 0, count: 2}
"""
CONFIG = """\
[backends.priced]
kind = "gateway"
base_url = "http://127.0.0.1:9"
api_key_env = "PRICED_KEY"
price = {720P = 0.10, 1080P = 0.15, currency = "USD"}
"""


class Project:
    """A folder in which commands are called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
        (folder / "empty").mkdir()
        (folder / "config.toml").write_text(CONFIG)
        for name, backend in (("m", "emulator"), ("far", "gateway"), ("paid", "priced")):
            self.write(f"{name}.yaml", name, backend)
        self.write("twin.yaml", "m", "emulator")
        (folder / "bare.yaml").write_text(MANIFEST.replace("NAME", "bare"))
        (folder / "bad.yaml").write_text("wanbatch: 1\njobs: [")
        done = command.run(folder, "run", "m.yaml", env=self.environ())
        assert done.returncode == 0, done.stderr
        for one in "ab":
            shutil.copytree(folder / "reports/m", folder / "two" / one)
        report = json.loads((folder / "reports/m/report.json").read_text())
        self.prints = {job["name"]: job["fingerprint"] for job in report["jobs"]}
        self.review("kept.json", "keep")
        self.review("rejected.json", "reject")
        self.review("gone.json", "keep", fingerprint="wb2:" + "0" * 64)

    def environ(self) -> dict[str, str]:
        return command.environ(
            WANBATCH_CONFIG=str(self.folder / "config.toml"),
            WANBATCH_EMULATOR_OPTIONS="--render tiny",
            PRICED_KEY="sk-canary-1122334455",
        )

    def write(self, file: str, name: str, backend: str) -> None:
        text = f"{MANIFEST.replace('NAME', name)}run: {{backend: {backend}}}\n"
        (self.folder / file).write_text(text)

    def review(self, name: str, verdict: str, fingerprint: str = "") -> None:
        picks = [
            pick(name=job, fingerprint=fingerprint or text, verdict=verdict)
            for job, text in self.prints.items()
        ]
        changes = {"manifest": {"name": "m", "sha256": "ab" * 32}, "realm": "emulator"}
        (self.folder / name).write_text(json.dumps(document(picks, **changes)))

    def call(self, *words: str) -> tuple[int, str]:
        """The exit code and all that people are told."""
        told, machine, before = StringIO(), StringIO(), sys.argv
        sys.argv = ["wanbatch", *words]
        try:
            with redirect_stderr(told), redirect_stdout(machine):
                code = main._guarded()
        finally:
            sys.argv = before
        return int(code), told.getvalue()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def project(made: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(made.folder)
    for name in [name for name in os.environ if name.startswith(command.OURS)]:
        monkeypatch.delenv(name)
    for name, value in made.environ().items():
        monkeypatch.setenv(name, value)
    return made


NO_GRID = "a sequence has the sound of each of its videos"
ABOUT_STATUS = "see how all stand with: wanbatch status FILE"
EXAMPLE = "for example: wanbatch resolve FILE --select state:uncertain --abandon"
APPROVE = "add --yes, or --max-cost AMOUNT"
BACKENDS = "emulator, gateway, gateway-metadata, dashscope, priced"
PICKS = "promote m.yaml -o new.yaml --picks"

TABLE: dict[str, tuple[int, str, tuple[str, ...]]] = {
    # the first words
    "explian": (2, "there is no command 'explian'. Did you mean 'explain'?", ()),
    "explain WB999": (2, "there is no code 'WB999'", ("did you mean WB509 or WB429 or WB419?",)),
    "explain nonsense": (
        2,
        "there is no code 'nonsense'",
        ("list them with: wanbatch explain",),
    ),
    "completion tcsh": (
        2,
        "Invalid value for '{bash|zsh|fish}': 'tcsh' is not one of 'bash', 'zsh', 'fish'.",
        ("see 'wanbatch completion --help'",),
    ),
    "init picture.png": (
        2,
        "Invalid value for '[DIR]': Directory 'picture.png' is a file.",
        ("see 'wanbatch init --help'",),
    ),
    # looking
    "check empty": (
        2,
        "empty holds neither a report.json nor a video",
        ("name a folder that wanbatch wrote, or videos (.mp4, .mov, .m4v)",),
    ),
    "check": (2, "Missing argument 'PATHS...'.", ("see 'wanbatch check --help'",)),
    "compare empty reports/m": (
        2,
        "empty has no report.json",
        ("name a report folder, a report.json, a file under runs/, or a .lock.json",),
    ),
    "compare two reports/m": (
        2,
        "two holds the reports of 2 manifests",
        ("name one of: two/a or two/b",),
    ),
    "compare reports/m reports/m -o x.txt": (
        2,
        "-o x.txt: the page is HTML",
        ("for example: -o compare.html",),
    ),
    "compare nowhere reports/m": (
        2,
        "nowhere cannot be read: No such file or directory",
        ("wanbatch report writes one",),
    ),
    "compare bad.yaml reports/m": (
        2,
        "bad.yaml is not JSON",
        ("wanbatch report writes it anew",),
    ),
    "film bare.yaml --backend emulator -o x.mp4": (
        2,
        "none of the selected jobs has a video yet",
        ("wanbatch run makes them; wanbatch status says how each stands",),
    ),
    "film m.yaml -o x.gif": (2, "-o x.gif: a film is an MP4", ("for example: -o sweep.mp4",)),
    "film m.yaml -o no/x.mp4": (
        2,
        "-o no/x.mp4: there is no folder no",
        ("name a file in a folder that exists",),
    ),
    "film m.yaml -o x.mp4 --sequence --columns seed": (
        2,
        "--columns: for a grid, and --sequence makes none",
        (NO_GRID,),
    ),
    "film m.yaml -o x.mp4 --sound one[seed=9]": (
        2,
        '--sound "one[seed=9]": no selected job with a video has this name',
        ("did you mean one[seed=1]?", "one of: one[seed=0] or one[seed=1]"),
    ),
    "film m.yaml -o x.mp4 --columns nothing": (
        2,
        '--columns "nothing": no selected job has such an axis',
        ("one of: seed, job, size or seconds",),
    ),
    # choosing
    "promote m.yaml bare.yaml -o new.yaml --picks kept.json": (
        2,
        "promote takes one manifest at a time",
        ("name the manifest whose report the picks are of",),
    ),
    "promote m.yaml --select one -o new.yaml --picks kept.json": (
        2,
        "the picks say which jobs are meant: promote takes no --select, --shard or --with-upstream",
        ("choose on the report's page, or use --top N",),
    ),
    "promote m.yaml -o no/new.yaml --picks kept.json": (
        2,
        "-o no/new.yaml: there is no folder no",
        ("make it first",),
    ),
    "promote m.yaml -o reports --picks kept.json": (
        2,
        "-o reports is a folder",
        ("name a file in it",),
    ),
    "promote m.yaml -o m.yaml --picks kept.json": (
        2,
        "-o m.yaml is the manifest itself",
        ("name another file",),
    ),
    "promote m.yaml -o bare.yaml --picks kept.json": (
        2,
        "-o bare.yaml exists already, and was not touched",
        ("name another file, or add --overwrite to replace it",),
    ),
    f"{PICKS} nowhere.json": (
        2,
        "--picks nowhere.json cannot be read: No such file or directory",
        ("export it from the report's page with the key e",),
    ),
    f"{PICKS} rejected.json": (
        2,
        "the review chooses none of the manifest's jobs",
        ("keep at least one on the report's page (key k), or use --top N with stars or duels",),
    ),
    f"{PICKS} gone.json": (
        2,
        (
            "the review chooses none of the manifest's jobs: 2 of its picks are of jobs that changed"
            " or are gone"
        ),
        ("keep at least one on the report's page (key k), or use --top N with stars or duels",),
    ),
    # the report
    "report m.yaml bare.yaml --backend emulator -o x.html": (
        2,
        "-o takes one manifest at a time",
        ("run it once for each manifest, or leave out -o: each has its own folder",),
    ),
    "report m.yaml -o x.pdf": (
        2,
        "-o x.pdf: no report format has this ending",
        ("one of: .html, .htm, .json, .xml, .csv, .md, .parquet",),
    ),
    "report twin.yaml": (
        2,
        "twin.yaml and m.yaml both have the name 'm', and with it the folder reports/m",
        ("write another name: at the top of one of them, or choose another folder with --output",),
    ),
    "report m.yaml -o no/x.html": (
        4,
        "-o no/x.html cannot be written: No such file or directory",
        ("name a file in a folder that exists",),
    ),
    # decisions
    "resolve m.yaml one --adopt t1 --abandon": (
        2,
        "one decision at a time: --adopt, --resubmit, --abandon or --take",
        ("nothing was recorded; run it again with one of them",),
    ),
    "resolve m.yaml one --adopt ..": (
        2,
        "that is not a task id",
        ("an id is 1 to 512 printable ASCII characters without white space",),
    ),
    "resolve m.yaml": (2, "no job is named", (EXAMPLE,)),
    "resolve m.yaml one --select one": (
        2,
        "name one job, or choose several with --select",
        (EXAMPLE,),
    ),
    "resolve m.yaml --select one --adopt t1": (
        2,
        "one task cannot be adopted for a selection",
        ("name the one JOB whose task it is",),
    ),
    "resolve m.yaml one --output nowhere": (
        2,
        "there is no ledger in nowhere",
        ("name the folder with --output",),
    ),
    "resolve m.yaml one[seed=0] --abandon": (
        2,
        "no attempt of 'one[seed=0]' waits for a decision",
        ("jobs of m that do: none", ABOUT_STATUS),
    ),
    "resolve m.yaml --select one --abandon": (
        2,
        "none of the selected jobs waits for a decision",
        ("jobs of m that do: none", ABOUT_STATUS),
    ),
    "resolve m.yaml --select state:uncertain --abandon": (
        2,
        "--select: the selection selects no job",
        (
            "see the names with: wanbatch plan FILE",
            "no job is state:uncertain (states that there are now: done)",
        ),
    ),
    "resolve bare.yaml --select one --abandon": (
        2,
        "a selection needs a manifest without errors, and a backend",
        ("see: wanbatch validate bare.yaml; name the backend with --backend",),
    ),
    "why m.yaml tow": (
        2,
        "there is no job 'tow'",
        ("see the names with: wanbatch plan FILE",),
    ),
    "lock m.yaml": (
        2,
        "a lock says what was paid for, and the emulator costs nothing",
        ("name the backend that is paid with --backend",),
    ),
    "lock far.yaml --select one": (
        2,
        "a lock has all jobs of its manifest",
        ("leave out --select and --shard",),
    ),
    "verify far.yaml": (
        3,
        "there is no lock far.lock.json; nothing was sent",
        ("write it where the ledger is: wanbatch lock far.yaml",),
    ),
    # planning and buying
    "plan bare.yaml": (
        2,
        "no backend is named",
        (
            (
                "add --backend NAME, or 'run: {backend: NAME}' to the manifest; there are:"
                f" {BACKENDS}"
            ),
        ),
    ),
    "plan m.yaml far.yaml": (
        2,
        "the manifests name different backends: m.yaml says emulator, far.yaml says gateway",
        ("choose one with --backend",),
    ),
    "plan m.yaml --var a": (
        2,
        "--var 'a' is not NAME=VALUE",
        ("for example: --var style=noir",),
    ),
    "plan m.yaml --backend nothing": (
        2,
        "no backend is called 'nothing'",
        (f"the backends are: {BACKENDS}",),
    ),
    "run m.yaml --output picture.png/x": (
        4,
        "the output folder picture.png/x cannot be made: Not a directory",
        ("choose another with --output",),
    ),
    # the ledger and its videos
    "ledger check --output nowhere": (
        2,
        "there is no ledger in nowhere",
        ("name the folder with --output",),
    ),
    "ledger backup picture.png": (
        2,
        "picture.png exists, and a backup never replaces anything",
        ("name a new file",),
    ),
    "ledger backup no/x.db": (
        4,
        "no/x.db cannot be written: No such file or directory",
        ("name a file in a folder that exists and may be written",),
    ),
    "clean --output nowhere": (
        3,
        (
            "there is no ledger in nowhere: without it nobody knows which video is needed; nothing"
            " was moved"
        ),
        ("name the folder with --output, or put the ledger back from a copy",),
    ),
    "cancel m.yaml": (
        2,
        "backend emulator has no way to call a task off; nothing was sent",
        (
            (
                "a task that it accepted runs to its end and is charged: bring the video home with"
                " wanbatch fetch"
            ),
            "DashScope's own API can: name such a backend with --backend",
        ),
    ),
    "cancel far.yaml": (
        4,
        "backend 'gateway' needs its base URL",
        ("export WANBATCH_BASE_URL=https://api.example.com",),
    ),
    # the emulator
    "emulator --api-key-env NO_SUCH_KEY": (
        2,
        "--api-key-env: the environment variable NO_SUCH_KEY is not set",
        ("set it to the key that clients shall send: export NO_SUCH_KEY=…",),
    ),
    "emulator --store picture.png": (
        2,
        "Invalid value for '--store': Directory 'picture.png' is a file.",
        ("see 'wanbatch emulator --help'",),
    ),
    "emulator --host 0.0.0.0 --port 0": (
        2,
        "the emulator listens on loopback only, not on '0.0.0.0'",
        ("use --host 127.0.0.1",),
    ),
    "emulator --script nowhere.yaml": (
        2,
        "nowhere.yaml: cannot be read: No such file or directory",
        ("docs/emulator.md describes the fault script; its schema is schemas/faults.schema.json",),
    ),
    "validate m.yaml --max-jobs 99999999999999": (
        2,
        "Invalid value for '--max-jobs': '99999999999999' is more than can be counted to.",
        ("see 'wanbatch validate --help'",),
    ),
    "fetch m.yaml --wait long": (
        2,
        "Invalid value for '--wait': 'long' is not a number such as 2.5.",
        ("see 'wanbatch fetch --help'",),
    ),
}
"""Command line → exit code, what is wrong, what to do."""


@pytest.mark.parametrize("line", TABLE)
def test_a_refusal_says_what_is_wrong_and_what_to_do(project: Project, line: str) -> None:
    code, message, hints = TABLE[line]
    told = "".join(f"{text}\n" for text in (f"error: {message}", *(f"  help: {h}" for h in hints)))
    assert project.call(*line.split()) == (code, told)


EMPTY = (
    "it is empty: leave the option out, or give it a value (is a variable of the shell not set?)"
)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["run", "m.yaml", "--shard", ""], "--shard"),
        (["run", "m.yaml", "--backend="], "--backend"),
        (["plan", "m.yaml", "--output", ""], "--output"),
        (["plan", "m.yaml", "-o", ""], "-o"),
        (["run", "m.yaml", "--notify", ""], "--notify"),
        (["clean", "--output="], "--output"),
    ],
)
def test_an_option_with_nothing_for_its_value_does_not_mean_all(
    project: Project, words: list[str], option: str
) -> None:
    """``--shard "$SHARD"`` on each of four machines would buy everything four times."""
    assert project.call(*words) == (
        2,
        (
            f"error: Invalid value for '{option}': {EMPTY}\n"
            f"  help: see 'wanbatch {words[0]} --help'\n"
        ),
    )


def test_media_outside_of_the_folder_that_was_named_are_told_so(project: Project) -> None:
    """The way out is not the option that was given already."""
    code, told = project.call("validate", "m.yaml", "--media-root", "empty")
    assert code == 2
    assert '"picture.png" lies outside of --media-root empty\n' in told
    assert "= help: copy it into that folder, or name one that holds it\n" in told


def test_a_start_is_not_written_twice(project: Project) -> None:
    (project.folder / "first").mkdir(exist_ok=True)
    assert project.call("init", "first")[0] == 0
    assert project.call("init", "first") == (
        2,
        (
            "error: first/first.wanbatch.yaml is there already; nothing was written\n"
            "  help: name an empty folder: wanbatch init DIR\n"
        ),
    )


def test_what_nobody_approved_is_not_bought(project: Project) -> None:
    code, told = project.call("run", "paid.yaml")
    assert code == 3
    assert told.endswith(
        "error: 2 videos would be bought ($0.40) and nobody approved it; nothing was sent\n"
        f"  help: {APPROVE}\n"
    )


def test_what_goes_over_the_limit_is_not_bought(project: Project) -> None:
    code, told = project.call("run", "paid.yaml", "--max-cost", "0.3")
    assert code == 3
    assert told.endswith(
        "error: the plan would spend $0.40, and the limit is $0.30 (--max-cost); nothing was"
        " sent\n  help: select fewer jobs with --select, or raise the limit\n"
    )


def test_a_no_at_the_terminal_is_a_refusal(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanbatch.cli.run_view.Terminal.approve", lambda self, plan: False)
    code, told = project.call("run", "paid.yaml")
    assert code == 3
    assert told.endswith(
        "error: not approved; nothing was sent\n"
        "  help: run it again when you want to buy; --select and --first N buy fewer\n"
    )


def test_a_backend_that_is_not_there_costs_nothing(project: Project) -> None:
    code, told = project.call("run", "paid.yaml", "--yes")
    assert code == 4
    assert "error: backend priced did not answer as it should: the connection was refused" in told
    assert "; nothing was spent\n  help: " in told


def test_a_film_has_the_sound_of_a_video_that_has_one() -> None:
    values: dict[str, Any] = {f.name: "" for f in fields(Shot)}
    silent = Shot(**{**values, "name": "one", "footage": None, "axes": ()})
    with pytest.raises(WanbatchError) as caught:
        _sounding("one", [silent])
    assert caught.value.message == '--sound "one": its video has no sound'
    assert caught.value.hints == ("none of them has any",)


def test_what_came_to_be_meanwhile_is_not_replaced(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_: object) -> None:
        raise FileExistsError

    monkeypatch.setattr("wanbatch.operations.promote.os.link", taken)
    assert project.call(*f"{PICKS} kept.json".split()) == (
        2,
        (
            "error: -o new.yaml has come to be meanwhile, and was not touched\n"
            "  help: name another file, or add --overwrite to replace it\n"
        ),
    )
    assert not (project.folder / "new.yaml").exists()


# -- decisions that do not fit ---------------------------------------------------------


@pytest.fixture(scope="module")
def held(made: Project) -> Path:
    """A ledger in which ``a`` is uncertain, ``b`` has task t1, ``c`` is expired, and
    ``d`` waits for two manifests on two backends."""
    output = made.folder / "held"

    async def write() -> None:
        async with Ledger.open(output / "ledger.db") as ledger:

            async def add(job: str, *events: tuple[EventKind, Facts], **changes: str) -> None:
                born = replace(opening(job=job, manifest="paid", fingerprint=job), **changes)  # type: ignore[arg-type]
                row = await ledger.open_attempt(born)
                for kind, facts in events:
                    await ledger.append(Event(row.attempt_id, kind, born.at, facts))

            lost: tuple[EventKind, Facts] = (EventKind.UNCERTAIN, {"reason": "no answer"})
            await add("a", lost)
            await add("b", (EventKind.ACCEPTED, {"task_id": "t1"}))
            await add("c", (EventKind.ACCEPTED, {"task_id": "t2"}), (EventKind.EXPIRED, {}))
            await add("d", lost, manifest="x", backend="far")
            await add("d", lost, manifest="y", backend="near")

    anyio.run(write)
    return output


DECIDED = {
    "a --adopt t1": (
        "task t1 is the one of 'b' already; nothing was recorded",
        "look for one whose prompt and time are those of 'a': ",
    ),
    "a --take": (
        "a is uncertain: --take does not fit; nothing was recorded",
        "what does: --adopt TASK_ID, --resubmit, --abandon",
    ),
    "c --take": (
        "no refused bytes of c are kept; nothing was recorded",
        "decide with: --adopt TASK_ID, --resubmit, --abandon, --take",
    ),
    "d --abandon": (
        "'d' waits on several backends: far, near",
        "say which with --backend NAME",
    ),
}


@pytest.mark.parametrize("words", DECIDED)
def test_a_decision_that_does_not_fit_is_not_recorded(
    project: Project, held: Path, words: str
) -> None:
    message, hint = DECIDED[words]
    before = read_snapshot(held / "ledger.db")
    code, told = project.call("resolve", "paid.yaml", *words.split(), "--output", "held")
    assert code == 2
    assert told.startswith(f"error: {message}\n  help: {hint}")
    assert read_snapshot(held / "ledger.db") == before


def test_a_folder_that_is_gone_is_told(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        assert project.call("doctor") == (
            4,
            (
                "error: the folder in which the command runs does not exist any more\n"
                "  help: cd into one that does\n"
            ),
        )
    finally:
        os.chdir(tmp_path)
