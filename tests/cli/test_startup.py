"""``wanbatch --help`` stays light: nothing heavy is imported before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest

HEAVY = {
    "yaml",
    "jsonschema",
    "jsonschema_rs",
    "jinja2",
    "httpx",
    "anyio",
    "asyncio",
    "av",
    "PIL",
    "rich",
    "starlette",
    "uvicorn",
    "sqlite3",
    "obstore",
    "numpy",
}
SHOW_MODULES = """
import json, sys
from wanbatch.cli.main import main
sys.argv = ["wanbatch", *json.loads(sys.argv[1])]
try:
    main()
except SystemExit as ending:
    code = ending.code
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def modules_after(*words):
    done = subprocess.run(
        [sys.executable, "-c", SHOW_MODULES, json.dumps(words)],
        capture_output=True,
        text=True,
        check=False,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, set(modules), done.stdout


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_imports_nothing_heavy(words):
    code, modules, shown = modules_after(*words)
    assert code == 0
    assert "wanbatch" in shown
    assert not modules & HEAVY
    assert not [
        m
        for m in modules - {"wanbatch.words", "wanbatch.words.collector", "wanbatch.words.errors"}
        if m.startswith("wanbatch.") and m.split(".")[1] != "cli"
    ]


@pytest.mark.parametrize("command", ["validate", "plan", "schema"])
def test_commands_that_only_look_never_import_what_talks_to_an_api(command):
    code, modules, shown = modules_after(command, "--help")
    assert code == 0
    assert f"wanbatch {command}" in shown
    assert not modules & {"httpx", "av", "starlette", "uvicorn"}


def test_a_sound_picture_is_checked_without_a_decoder():
    code, modules, _ = modules_after("validate", "examples/specs/seed-sweep.wanbatch.yaml")
    assert code == 0
    assert "wanbatch.media.images" in modules
    assert not modules & {"av", "wanbatch.media.decoders"}


def test_the_table_of_commands_says_what_the_commands_say():
    from wanbatch.cli.main import COMMANDS, CommandTable, cli

    assert isinstance(cli, CommandTable)
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help


def test_an_unknown_command_gets_a_suggestion_and_exit_code_2():
    done = subprocess.run(
        [sys.executable, "-m", "wanbatch", "valdate"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Did you mean 'validate'?" in done.stderr
    assert "Traceback" not in done.stderr
