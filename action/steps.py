"""What all steps share: their inputs, the command, their outputs, and how trouble ends.

What it may not do: hand a key to a command that buys nothing.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from github import FAILED, Trouble

_SECRET = re.compile(r"(?:KEY|SECRET|TOKEN|PASSWORD)(?:_|\Z)|\AAWS_")
"""Names of variables that may hold a secret; ``check`` and ``plan`` need none."""
USAGE = 2


def files() -> list[str]:
    """The manifests that ``INPUT_FILES`` names: a path or a pattern a line. Raises
    ``Trouble``."""
    found: dict[str, None] = {}
    for line in os.environ["INPUT_FILES"].splitlines():
        pattern = line.strip()
        if not pattern:
            continue
        names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - it may be absolute
        if not names and glob.has_magic(pattern):
            raise Trouble(USAGE, f"no file is called like {pattern}", "see 'files:' of the action")
        found.update(dict.fromkeys(names or [pattern]))
    if not found:
        raise Trouble(
            USAGE, "no manifest is named", "write 'files:' with a path or a pattern a line"
        )
    strange = [name for name in found if name.startswith("-")]
    if strange:
        raise Trouble(USAGE, f"{strange[0]!r} is an option and no file", "write ./ before it")
    return list(found)


def shared_options() -> list[str]:
    """What every command is told."""
    words = ["--output", os.environ["INPUT_OUTPUT"]]
    if os.environ.get("INPUT_BACKEND"):
        words += ["--backend", os.environ["INPUT_BACKEND"]]
    return words


def output_folder() -> Path:
    return Path(os.environ["INPUT_OUTPUT"])


def has_ledger() -> bool:
    """Whether the folder has a ledger of its own, or a copy of one that is shared."""
    folder = output_folder()
    return (folder / "ledger.db").exists() or any(folder.glob("shared-*.db"))


def wanbatch(*words: str, keyless: bool, stdout: Path | None = None) -> int:
    """The command's exit code. What it prints for people is the step's own output; what
    it prints for machines goes to ``stdout`` where that is given."""
    environ = without_secrets(os.environ) if keyless else dict(os.environ)
    line = (sys.executable, "-m", "wanbatch", *words)
    with stdout.open("wb") if stdout else contextlib.nullcontext() as target:
        return _to_its_end(subprocess.Popen(line, env=environ, stdout=target))


def _to_its_end(process: subprocess.Popen[bytes]) -> int:
    """A job that is cancelled sends its signals to this process alone: the command must
    hear them, and have the time to bring home what is paid for."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda caught, _frame: process.send_signal(caught))
    try:
        return process.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables without any that may hold a secret."""
    return {name: value for name, value in environ.items() if not _SECRET.search(name.upper())}


def set_output(name: str, value: str) -> None:
    """Shows ``value`` to the later steps, whatever stands in it."""
    end = secrets.token_hex(16)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
        outputs.write(f"{name}<<{end}\n{value}\n{end}\n")


def add_summary(text: str) -> None:
    """Adds to the page that the forge shows of this job."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with Path(path).open("a", encoding="utf-8") as page:
            page.write(text + "\n")


def guarded(step: Callable[[], int]) -> int:
    """Runs a step; trouble becomes an annotation that says what to do."""
    try:
        return step()
    except Trouble as trouble:
        print(f"::error title=wanbatch::{_one_line(trouble.what)}")
        print(f"help: {trouble.instead}")
        return trouble.code
    except OSError as error:
        print(f"::error title=wanbatch::{_one_line(str(error))}")
        print("help: nothing that was recorded is lost; run the job again")
        return FAILED


def note(text: str) -> None:
    print(f"::notice title=wanbatch::{_one_line(text)}")


def _one_line(text: str) -> str:
    """A command of the forge ends with its line."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
