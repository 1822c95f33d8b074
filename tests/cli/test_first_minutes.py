"""The first minutes of a new user: a project that runs, and a shell that completes."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import time

import command
import pytest

from wanbatch.manifest.load import load_manifests
from wanbatch.operations.starting import MANIFEST, PICTURE, SCHEMA, start_project
from wanbatch.words.schemas import load_schema


def call(folder, *words, **environ):
    return command.run(folder, *words, env=command.environ(**environ))


class Typist:
    """Somebody at the keys of an interactive program, who reads what it shows."""

    def __init__(self, words, folder, environ):
        self._words, self._folder, self._environ = words, folder, environ

    def __enter__(self):
        leader, follower = pty.openpty()
        self.leader, self.seen = leader, ""
        self.child = subprocess.Popen(
            self._words,
            cwd=self._folder,
            env=self._environ,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads
        )
        os.close(follower)
        return self

    def __exit__(self, *_):
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        os.close(self.leader)

    def type(self, keys):
        os.write(self.leader, keys.encode())

    def read(self, seconds):
        """Whether something came."""
        if not select.select([self.leader], [], [], seconds)[0]:
            return False
        self.seen += os.read(self.leader, 65536).decode(errors="replace")
        return True

    def settle(self):
        """Until it has been silent for a moment; what was shown is forgotten."""
        while self.read(0.5):
            pass
        self.seen = ""

    def wait_for(self, text):
        """Until ``text`` is shown, whatever a shell puts between its letters."""
        until = time.monotonic() + 60
        while text not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\\|\r|\x07|\x08", "", self.seen):
            assert time.monotonic() < until, f"{text!r} is not in {self.seen!r}"
            self.read(1)


# -- init ------------------------------------------------------------------------------


def test_init_writes_a_project_that_runs(tmp_path):
    done = call(tmp_path, "init", "film")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"  wrote film/{MANIFEST}",
        f"  wrote film/{PICTURE}",
        f"  wrote film/{SCHEMA}",
        "Go there: cd film",
        f"Then make six videos, for free: wanbatch run {MANIFEST}",
    ]
    options = {"WANBATCH_EMULATOR_OPTIONS": "--latency 0.1 --render tiny"}
    run = call(tmp_path / "film", "run", MANIFEST, **options)
    assert run.returncode == 0, run.stderr
    assert "6 jobs: 6 done" in run.stderr


def test_the_first_line_leads_to_the_schema(tmp_path):
    start_project(tmp_path)
    first = (tmp_path / MANIFEST).read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={SCHEMA}"
    assert json.loads((tmp_path / SCHEMA).read_text()) == load_schema("manifest")
    loaded = load_manifests([tmp_path / MANIFEST])
    assert not loaded.diagnostics
    assert len(loaded.manifests[0].jobs) == 6


@pytest.mark.parametrize("name", [MANIFEST, PICTURE, SCHEMA])
def test_init_overwrites_nothing(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    done = call(tmp_path, "init")
    assert done.returncode == 2
    assert done.stderr == (
        f"error: {name} is there already; nothing was written\n"
        "  help: name an empty folder: wanbatch init DIR\n"
    )
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / name]


def test_init_in_a_place_that_is_a_file(tmp_path):
    (tmp_path / "media").write_text("")
    done = call(tmp_path, "init")
    assert done.returncode == 4
    assert "media" in done.stderr
    assert "name another folder: wanbatch init DIR" in done.stderr


# -- completion ------------------------------------------------------------------------


def complete(folder, *words, breaks=""):
    """What bash is given for the last word."""
    line = " ".join(("wanbatch", *words))
    done = call(
        folder, _WANBATCH_COMPLETE="bash_complete", WANBATCH_LINE=line, WANBATCH_BREAKS=breaks
    )
    return [found.partition(",")[2] for found in done.stdout.splitlines() if found]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    start_project(folder)
    return folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("verif",), ["verify"]),
        (("plan", "--backend", "gate"), ["gateway", "gateway-metadata"]),
        (
            ("why", MANIFEST, "harbour[move=f"),
            [f"harbour[move=forward,seed={seed}]" for seed in (100, 101, 102)],
        ),
        (("plan", MANIFEST, "--select", "move="), ["move=forward", "move=upward"]),
        (("plan", MANIFEST, "--select", "state:d"), ["state:done"]),
        (("plan", "nothing.yaml", "--select", "harb"), []),
        (("explain", "WB20"), ["WB201", "WB202", "WB203", "WB204", "WB205", "WB206"]),
    ],
)
def test_values_are_completed(project, words, expected):
    found = complete(project, *words)
    assert set(expected) <= set(found)
    assert all(name.startswith(words[-1]) for name in found)
    assert bool(found) is bool(expected)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("move=f", ["forward"]),
        ("state:d", ["done"]),
        ("mov", ["move=forward", "move=upward"]),
        ("'move=f", ["move=forward"]),  # in a quote nothing breaks
        ('"move=f', ["move=forward"]),
    ],
)
def test_bash_gets_what_stands_behind_its_break(project, word, expected):
    assert complete(project, "plan", MANIFEST, "--select", word, breaks=" \t=:") == expected


def test_a_value_with_a_blank_is_one_word(tmp_path):
    (tmp_path / "a.wanbatch.yaml").write_text(
        "wanbatch: 1\njobs: [{id: a, prompt: '{{ lens }}', media: {first_frame: a.png},"
        " matrix: {lens: [35 mm, 'a(b)']}}]\n"
    )
    found = complete(tmp_path, "plan", "a.wanbatch.yaml", "--select", "lens=", breaks="=:")
    assert found == ["35\\ mm", "a\\(b\\)"]
    assert complete(tmp_path, "plan", "--backend=gatewa", breaks="=:")[0] == "gateway"


KEYS = [
    ("why first.wanbatch.yaml harb", "harbour[move="),
    ("plan first.wanbatch.yaml --select move=f", "move=forward"),
    ("plan first.wanbatch.yaml --select state:d", "state:done"),
    ("plan --backend dash", "dashscope"),
    ("plan fi", "first.wanbatch.yaml"),
    ("explain WB52", "WB520"),
    ("verif", "verify"),
]
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(wanbatch completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -U compinit; compinit -u; eval "$(wanbatch completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "wanbatch completion fish | source"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell_completes_at_the_tab(project, tmp_path, shell):
    """The typed line and a tab, in a real interactive shell; it is then told as it
    stands."""
    words, setup = SHELLS[shell]
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/wanbatch").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wanbatch "$@"\n')
    (tmp_path / "bin/wanbatch").chmod(0o755)
    environ = command.environ(
        PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}", HOME=str(tmp_path), TERM="dumb"
    )
    with Typist(words, project, environ) as typist:
        typist.type(f"{setup}; echo re''ady\r")
        typist.wait_for("ready")
        for line, expected in KEYS:
            typist.type(f"wanbatch {line}\t")
            typist.wait_for(expected)
            typist.type("\x15")  # Ctrl-U: an empty line again
            typist.settle()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_whole(tmp_path, shell):
    done = call(tmp_path, "completion", shell)
    assert done.returncode == 0
    assert "_WANBATCH_COMPLETE=" in done.stdout
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=done.stdout, text=True, check=False)
        assert checked.returncode == 0


def test_a_code_is_explained_by_its_number(tmp_path):
    by_number, by_code = call(tmp_path, "explain", "204"), call(tmp_path, "explain", "wb204")
    assert by_number.returncode == 0
    assert by_number.stdout == by_code.stdout


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("InternalError", "bought again with: --retry-failed InternalError"),
        ("datainspectionfailed", "refuses the content"),
        ("3", "exit code 3: refused"),
        ("130", "exit code 130: interrupted"),
    ],
)
def test_a_providers_code_and_an_exit_code_are_explained_too(tmp_path, word, says):
    done = call(tmp_path, "explain", word)
    assert done.returncode == 0
    assert says in done.stdout


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("InternalEror", "did you mean InternalError?"),
        ("WB24", "or WB204"),
        ("zzzz", "list them with: wanbatch explain"),
        ("", "list them with: wanbatch explain"),
    ],
)
def test_an_unknown_code_is_2_with_what_was_meant(tmp_path, word, hint):
    done = call(tmp_path, "explain", word)
    assert done.returncode == 2
    assert hint in done.stderr
