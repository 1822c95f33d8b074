"""README is true: its commands are run as they are written, in its order, by a new
user.

How it works: a copy of what a checkout has, an empty home, a shell whose variables and
folder last from line to line, and a terminal on which a question is answered. The files
that README shows are written under the names in their first lines. The one address in
README is replaced by that of an API on loopback; no other network is there. A block or
a command that this file does not know how to run fails the test.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from wanbatch.cli.main import COMMANDS, cli
from wanbatch.emulator.process import start_emulator
from wanbatch.words.errors import ExitCode

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\S*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SPANS = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```$", "", README, flags=re.M | re.S))
ADDRESS = "https://api.example.com"
CHECKOUT = (
    *("wanbatch", "schemas", "examples", "pyproject.toml", "README.md", "LICENSE"),
    *("Makefile", "requirements.lock", "requirements-dev.lock"),
    *("package.json", "package-lock.json"),
)
BUILDERS = ("hatchling", "packaging", "pathspec", "pluggy", "trove_classifiers")
PACE = "[backends.gateway]\npoll_interval = 0.2\nrate = 50\n"
"""Nobody waits a quarter of a minute for an API on loopback; all else stays."""
WITHIN_S = 900
"""A machine that is busy is no failure; one that hangs ends here."""
LARGE, SMALL = "--latency 0.1 --render cached", "--latency 0.1 --render tiny"
"""Videos as large as asked for, and of 64 by 48 pixels: those cost a fifth of the time
to be measured, previewed and played, and are too small for another job's input."""
CHAINED = ("first", "quickstart", "sequel")
"""Manifests with jobs that go on where the video of another one ends."""
LOST = "faults: [{route: submit, call: 1, moment: after, do: close}]\n"


@dataclass
class Said:
    """What one line did; ``terminal`` is stderr."""

    line: str
    code: int
    stdout: str
    terminal: str
    bought: int = 0


@dataclass
class Reader:
    """Somebody who follows README in a terminal."""

    folder: Path
    address: str
    cwd: Path = field(init=False)
    said: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home, self.cwd = self.folder / "home", self.folder / "checkout"
        self.home.mkdir()
        self.cwd.mkdir()
        for name in CHECKOUT:
            source, target = ROOT / name, self.cwd / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        shutil.copytree(
            ROOT / "tests/editor",
            self.cwd / "tests/editor",
            ignore=shutil.ignore_patterns("node_modules", "__pycache__"),
        )
        (self.cwd / ".venv").symlink_to(sys.prefix)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "WANBATCH_EMULATOR_OPTIONS": SMALL,
            "WANBATCH_CONFIG": str(self.folder / "pace.toml"),
        }
        (self.folder / "pace.toml").write_text(PACE)

    def type(self, line: str) -> Said:
        """The line in the shell, to its end; a question is answered with yes."""
        terminal, theirs = pty.openpty()
        end = self.folder / "state"
        process = subprocess.Popen(
            ["sh", "-c", f'set -e\n{line}\npwd > "$END"\nenv -0 >> "$END"\n'],
            cwd=self.cwd,
            env={**self.environ, "END": str(end)},
            stdin=theirs,
            stderr=theirs,
            stdout=subprocess.PIPE,
        )
        os.close(theirs)
        heard: list[bytes] = []
        listener = threading.Thread(target=_listen, args=(terminal, heard))
        listener.start()
        stdout, _ = process.communicate(timeout=WITHIN_S)
        listener.join()
        os.close(terminal)
        if process.returncode == 0:
            self._remember(end)
        said = Said(line, process.returncode, stdout.decode(), b"".join(heard).decode())
        self.said.append(said)
        return said

    def _remember(self, end: Path) -> None:
        where, _, variables = end.read_text().partition("\n")
        self.cwd = Path(where)
        pairs = (one.partition("=") for one in variables.split("\0") if one)
        own = ("END", "PWD", "OLDPWD", "_", "SHLVL")
        self.environ = {name: value for name, _, value in pairs if name not in own}

    def of(self, words: str) -> Said:
        """What the line with these words said; there is one."""
        (said,) = [one for one in self.said if words in one.line]
        return said


def _listen(terminal: int, heard: list[bytes]) -> None:
    answered = False
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            return
        heard.append(piece)
        if not answered and b"[y/N]" in b"".join(heard):
            os.write(terminal, b"y\n")
            answered = True


def commands(block: str) -> list[str]:
    """The lines of a shell block, without what is said about them."""
    return [re.sub(r"\s+# .*", "", line) for line in block.splitlines()]


def accepted(books: Path) -> int:
    log = books / "tasks.jsonl"
    return log.read_text().count('"event":"accepted"') if log.exists() else 0


_FALLS_SHORT = 1
"""Of ``check``: the emulator draws one video for all here, and two seeds that give the
same bytes are what it is there to find."""


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """README from top to bottom; whatever fails, fails here."""
    folder = tmp_path_factory.mktemp("readme")
    books = folder / "books"
    with start_emulator(books, "--render", "tiny") as server:
        reader = Reader(folder, server.base_url)
        for language, block in BLOCKS:
            match language:
                case "sh":
                    for line in commands(block):
                        before = accepted(books)
                        said = _follow(reader, line)
                        wanted = _FALLS_SHORT if line.startswith("wanbatch check") else 0
                        assert said.code == wanted, f"{line}\n{said.stdout}\n{said.terminal}"
                        said.bought = accepted(books) - before
                case "yaml" | "toml" | "python":
                    named = re.match(r"# (\S+)\n", block)
                    assert named, f"the file has no name: {block[:80]}"
                    (reader.cwd / named[1]).write_text(block)
                case "text":
                    pass
                case other:
                    pytest.fail(f"nobody knows how to run a block of {other!r}: {block[:80]}")
        yield reader


def _follow(reader: Reader, line: str) -> Said:
    program, *words = line.removeprefix("~/wanbatch/bin/").split()
    if program == "make":
        return _rehearse(reader, *words)
    if program == "pip":
        return _install(reader, line)
    if program == "export":
        assert line.count(ADDRESS) == 1
        line = line.replace(ADDRESS, reader.address)
    if program == "wanbatch":
        buys = words[0] == "run" and ("--max-cost" in words or "--yes" in words)
        if buys or (words[0] == "plan" and "-o" in words):
            shutil.rmtree(reader.cwd / "reports")  # CI begins in a fresh checkout
        if words[0] == "resolve":
            return _resolve(reader, line)
        if words[0] == "cancel":  # somebody who has a DashScope account
            reader.environ |= {
                "DASHSCOPE_API_KEY": reader.environ["WANBATCH_API_KEY"],
                "DASHSCOPE_BASE_URL": reader.address,
            }
        large = any(name in line for name in CHAINED)
        reader.environ["WANBATCH_EMULATOR_OPTIONS"] = LARGE if large else SMALL
        if words[0] == "promote":
            _choose(reader, words[1], words[words.index("--picks") + 1])
    elif program not in {"export", ".", "python3", "mkdir", "cp", "cd"}:
        pytest.fail(f"nobody knows how to run: {line}")
    return reader.type(line)


def _rehearse(reader: Reader, target: str) -> Said:
    """What make would do; of `demo` also what it ends with: all is installed."""
    plan = reader.type(f"make -n {target}")
    if target == "demo":
        last = plan.stdout.strip().splitlines()[-1]
        assert last == ".venv/bin/wanbatch run examples/specs/quickstart.wanbatch.yaml"
        reader.environ["WANBATCH_EMULATOR_OPTIONS"] = LARGE
        return reader.type(last)
    assert "pytest" in plan.stdout
    return plan


def _install(reader: Reader, line: str) -> Said:
    """As written, but from what is here: builder and dependencies are lent."""
    assert line.endswith("install .")
    purelib = Path(sysconfig.get_path("purelib"))
    (place,) = (reader.home / "wanbatch/lib").glob("python*/site-packages")
    lent = reader.folder / "lent"
    lent.mkdir()
    for name in BUILDERS:
        (lent / name).symlink_to(purelib / name)
    (place / "lent.pth").write_text(f"{lent}\n")
    said = reader.type(f"{line} -q --no-index --no-deps --no-build-isolation")
    (place / "lent.pth").write_text(f"{purelib}\n")
    return said


def _resolve(reader: Reader, line: str) -> Said:
    """The line is for a bad day, so this is one: an answer is lost on its way."""
    shutil.rmtree(reader.cwd / "reports")
    (reader.folder / "lost.yaml").write_text(LOST)
    options = ("--render", "tiny", "--script", str(reader.folder / "lost.yaml"))
    address = reader.environ["WANBATCH_BASE_URL"]
    with start_emulator(reader.folder / "bad-day", *options) as server:
        reader.environ["WANBATCH_BASE_URL"] = server.base_url
        run = reader.type("wanbatch run --backend gateway --yes harbor.wanbatch.yaml")
        assert run.code == ExitCode.UNFINISHED
        said = reader.type(line)
    reader.environ["WANBATCH_BASE_URL"] = address
    return said


def _choose(reader: Reader, manifest: str, picks: str) -> None:
    """What the page would export for who keeps the last job."""
    folder = reader.cwd / "reports" / manifest.partition(".")[0]
    report = json.loads((folder / "report.json").read_text())
    job, at = report["jobs"][-1], "2026-01-31T12:00:00Z"
    kept = {"video": None, "verdict": "keep", "stars": 5, "note": "", "by": "Ada", "at": at}
    review = {
        "schema": "wanbatch/review@1",
        "manifest": {name: report["manifest"][name] for name in ("name", "sha256")},
        "realm": "emulator",
        "reviewers": ["Ada"],
        "picks": [{name: job[name] for name in ("name", "fingerprint")} | kept],
        "duels": [],
        "exported_at": at,
    }
    (reader.cwd / picks).write_text(json.dumps(review))


# -- what the commands did -------------------------------------------------------------


@pytest.mark.slow
def test_every_command_works_in_its_order(followed: Reader) -> None:
    typed = [line for language, block in BLOCKS if language == "sh" for line in commands(block)]
    assert len(typed) > 20
    assert {"make", "wanbatch", "export"} <= {line.split()[0] for line in typed}
    assert {name for name in COMMANDS if any(f"wanbatch {name}" in line for line in typed)} == {
        *COMMANDS
    } - {"emulator"}


@pytest.mark.slow
def test_the_quickstart_ends_as_shown(followed: Reader) -> None:
    (shown,) = [block for language, block in BLOCKS if language == "text"]
    said = followed.of("quickstart")
    end = "\n".join((*said.terminal.replace("\r", "").splitlines()[-2:], said.stdout))
    assert _blurred(end) == _blurred(shown)
    assert end.splitlines()[0] == shown.splitlines()[0]


def _blurred(text: str) -> str:
    """Without its times, which differ each day."""
    return re.sub(r"(\d+ h )?(\d+ min )?[\d.]+ s\b", "TIME", text).strip()


@pytest.mark.slow
def test_the_installed_command_is_this_one(followed: Reader) -> None:
    by_path = followed.of("~/wanbatch/bin/wanbatch --version")
    (activated,) = [one for one in followed.said if one.line == "wanbatch --version"]
    assert by_path.stdout == activated.stdout
    assert (followed.home / "wanbatch/bin/wanbatch").exists()


@pytest.mark.slow
def test_a_real_backend_is_asked_first_and_bought_from_once(followed: Reader) -> None:
    plan = followed.of("plan --backend gateway")
    assert "[backends.gateway.price]" in plan.terminal, "how to state a price"
    run = followed.of("run --backend gateway harbor")
    assert "Buy 4 videos on gateway" in run.terminal
    assert [one.line for one in followed.said if "[y/N]" in one.terminal] == [run.line]
    assert run.bought == 4


@pytest.mark.slow
def test_in_ci_both_lines_buy_what_is_planned(followed: Reader) -> None:
    for words in ("--max-cost", "--yes harbor", "run --plan"):
        found = [one for one in followed.said if words in one.line]
        assert found[0].bought == 4, found[0].terminal
        assert "4 to generate ($2.00)" in found[0].terminal


@pytest.mark.slow
def test_a_chain_needs_what_readme_says(followed: Reader) -> None:
    assert "4 jobs: 4 done" in followed.of("run sequel").terminal
    refused = followed.type("wanbatch plan --backend gateway sequel.wanbatch.yaml")
    assert refused.code == ExitCode.INVALID
    assert "bucket" in refused.terminal


@pytest.mark.slow
def test_what_was_chosen_is_a_manifest_that_says_what_it_costs(followed: Reader) -> None:
    said = followed.of("promote")
    assert "Plan: 2 to generate" in said.terminal
    assert "opening[seed=101] is written too" in said.terminal


@pytest.mark.slow
def test_an_uncertain_job_is_shown_with_its_ways_out(followed: Reader) -> None:
    said = followed.of("resolve")
    assert "is uncertain" in said.terminal
    for way in ("--adopt", "--resubmit", "--abandon"):
        assert way in said.terminal


@pytest.mark.slow
def test_no_key_is_left_anywhere(followed: Reader) -> None:
    assert not (followed.home / ".config").exists()
    (key,) = re.findall(r"WANBATCH_API_KEY=(\S+)", README)
    for path in (followed.folder / "checkout/films").rglob("*"):
        if path.is_file():
            assert key.encode() not in path.read_bytes(), path


# -- what stands between the commands --------------------------------------------------


def test_each_block_says_what_it_is() -> None:
    assert {language for language, _ in BLOCKS} == {"sh", "text", "yaml", "toml", "python"}
    assert README.count("```") == 2 * len(BLOCKS)


@pytest.mark.parametrize("span", sorted({s for s in SPANS if re.match(r"(wanbatch|make) ", s)}))
def test_a_command_within_a_sentence_exists(span: str) -> None:
    program, word, *options = span.split()
    if program == "make":
        assert re.search(rf"^{word}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    for name in COMMANDS if word == "COMMAND" else (word,):
        told = CliRunner().invoke(cli, [name, "--help"])
        assert told.exit_code == 0
        for option in options:
            assert option in told.output


def test_an_option_within_a_sentence_exists() -> None:
    options = {word for span in SPANS for word in span.split() if word.startswith("--")}
    known = "".join(CliRunner().invoke(cli, [name, "--help"]).output for name in COMMANDS)
    assert {"--yes", "--max-cost"} <= options
    assert not {option for option in options if option not in known}


def test_every_installer_takes_the_same_argument() -> None:
    installs = [s for s in SPANS if " install " in s]
    assert installs == ["pipx install .", "uv tool install .", "pip install ."]
    uv = Path(sys.prefix, "bin/uv")
    told = subprocess.run([uv, "tool", "install", "--help"], capture_output=True, check=True)
    assert b"<PACKAGE>" in told.stdout


@pytest.mark.slow
def test_the_tour_makes_six_videos_and_does_it_once(followed: Reader) -> None:
    (run,) = [one for one in followed.said if one.line == "wanbatch run first.wanbatch.yaml"]
    assert "6 jobs: 6 done" in run.terminal
    folder = followed.folder / "checkout/first"
    assert len(list(folder.glob("reports/first/videos/*.mp4"))) == 6
    followed.cwd, before = folder, followed.cwd
    again = followed.type(run.line)
    (folder / "wrong.yaml").write_text(
        (folder / "first.wanbatch.yaml").read_text().replace("prompt:", "promt:")
    )
    wrong = followed.type("wanbatch validate wrong.yaml")
    followed.cwd = before
    assert "No changes. 6 up to date." in again.terminal
    assert wrong.code == ExitCode.INVALID
    assert "did you mean prompt?" in wrong.terminal


def test_every_path_within_a_sentence_exists() -> None:
    """Links are held by ``docs/test_links.py``."""
    for span in SPANS:
        if re.fullmatch(r"(examples|schemas|docs)/\S*", span):
            assert (ROOT / span).exists(), span


def test_every_exit_code_is_told() -> None:
    (told,) = re.findall(r"Exit codes: (.*?)\.", README, re.DOTALL)
    codes = {int(number) for number in re.findall(r"(?:^|,\s)(\d+) ", told)}
    assert codes == {int(code) for code in ExitCode} - {ExitCode.TERMINATED}


def test_the_prose_is_88_wide() -> None:
    prose = re.sub(r"^```text\n.*?^```$", "", README, flags=re.M | re.S)
    assert not [line for line in prose.splitlines() if len(line) > 88]
