"""How seldom the collector of garbage works in a process of ours. In processes of their
own: what is put out of its sight does not come back."""

import subprocess
import sys

from wanbatch.words.collector import SELDOM

BY_A_COMMAND = """
import gc, sys
from wanbatch.cli.main import main
sys.argv = ["wanbatch", "explain", "WB101"]
try:
    main()
except SystemExit:
    print(gc.get_threshold()[0], file=sys.stderr)
"""
BY_A_RUN = """
import gc
from wanbatch.cli import run_view
from wanbatch.words.errors import ExitCode, WanbatchError
seen = []
run_view.carry_out = lambda *_, **__: seen.append(gc.get_freeze_count()) or type("R", (), {"code": 0})
options = type("O", (), {"progress": "", "quiet": True})()
run_view.show_run(options, type("R", (), {"buys": True})())
print(seen[0] > 10_000)
"""


def run(text):
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def test_a_command_lets_the_collector_work_seldom():
    assert run(BY_A_COMMAND)[1].strip() == str(SELDOM)


def test_a_run_puts_what_its_start_made_out_of_the_collectors_sight():
    assert run(BY_A_RUN)[0].strip() == "True"


def test_a_program_keeps_its_own_collector():
    text = "import gc; before = gc.get_threshold(); import wanbatch.operations.run\n"
    text += "print(gc.get_threshold() == before, gc.get_freeze_count())"
    assert run(text)[0].split() == ["True", "0"]
