"""Somebody follows a page: types what it says, keeps the files that it shows, and holds
what comes against what the page promises.

What it may not do: know a page by its name, or pass over a block.

How it works: an empty folder, an empty home, a terminal. A block is a file (its first
line, or a mark, names it), a shell block, the output of the shell block before it, or a
piece of YAML or TOML, which is read by the program itself. The one address of pages is
replaced by that of an API on loopback, their one port by a free one; nobody waits a
quarter of a minute for either, so a profile there is asked five times a second.
"""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import socket
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from docs.lines import Typed, is_here, typed_in, unknown_in
from docs.pages import Block
from docs.terminal import Terminal
from jsonschema import Draft7Validator

from wanbatch.config.declared import built_in_backends
from wanbatch.config.profiles import load_profiles
from wanbatch.config.project import load_project
from wanbatch.emulator.faults.script_file import read_script
from wanbatch.manifest.load import load_manifests
from wanbatch.words.schemas import load_schema

ADDRESS = "https://api.example.com"
PORT = "8787"
PACE = "poll_interval = 0.2\nrate = 50"
OPTIONS = "--latency 0.05 --render {render}"
PROFILE = '[backends.{name}]\nkind = "gateway"\nbase_url = "https://a.example"\napi_key_env = "A"\n'
"""What a piece of a profile lacks."""
FREE = {"text", "json", "ndjson", "csv", "jinja", "python", "toml", "yaml", "xml", "http"}


class Follower:
    """A context manager. ``address`` stands for the reader's gateway; videos are
    ``tiny`` where no other is made of them, which the API's limits would refuse."""

    def __init__(self, folder: Path, address: str, *, render: str = "tiny") -> None:
        self.render = render
        self.home, self.start = folder / "home", folder / "work"
        self.home.mkdir()
        self.start.mkdir()
        self.address, self.port = address, free_port()
        self.folder = folder
        self.terminal = Terminal(folder, self.start, self._environ())
        self.last: tuple[Block, str] | None = None
        self.skipped: list[Block] = []

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "WANBATCH_EMULATOR_OPTIONS": OPTIONS.format(render=self.render),
        }

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.terminal.close()

    def follow(self, block: Block) -> None:
        """One block; whatever is not as the page says is an ``AssertionError`` with its
        place."""
        before, self.last = self.last, None
        if block.needs and not is_here(block.needs):
            self.skipped.append(block)
            self.last = (block, "")
            return
        if block.language in {"sh", "console"}:
            self._type_all(block)
        elif block.name:
            self._keep(block)
        elif block.language == "text" and before is not None:
            if before[0] not in self.skipped and not before[0].not_run:
                compare(block.place, block.text, before[1])
        else:
            check_piece(block, self.folder)

    def _type_all(self, block: Block) -> None:
        said = ""
        for typed in typed_in(block.language, block.text):
            unknown = unknown_in(typed.line)
            assert not unknown, f"{block.place}: {typed.line}\n{unknown}"
            if not block.not_run:
                self._choose(typed.line)
                said += self._type(block, typed)
        self.last = (block, said)

    def _type(self, block: Block, typed: Typed) -> str:
        if "WANBATCH_BASE_URL=" in typed.line:
            self._pace_built_in()
        shown = self.terminal.enter(self._localised(typed.line), typed.answers)
        assert shown.code == typed.code, (
            f"{block.place}: {typed.line}\nends with {shown.code}, not {typed.code}:\n{shown.text}"
        )
        text = self._as_told(shown.text)
        if typed.shown is not None:
            compare(f"{block.place}: {typed.line}", typed.shown, text)
        if re.search(r"wanbatch emulator .*&$", typed.line):
            wait_for(self.port)
        return text

    def _pace_built_in(self) -> None:
        path = self.home / ".config/wanbatch/config.toml"
        if not path.exists():
            path.parent.mkdir(parents=True)
            path.write_text(f"[backends.gateway]\n{PACE}\n")

    def _choose(self, line: str) -> None:
        """What the page exports for who keeps the first video and gives it five
        stars, where a line wants it."""
        wanted = re.search(r"promote (\S+?)\.wanbatch\.yaml.*--picks (\S+)", line)
        if wanted is None or (self._folder() / wanted[2]).exists():
            return
        report = json.loads((self._folder() / "reports" / wanted[1] / "report.json").read_text())
        job, at = report["jobs"][0], "2026-01-31T12:00:00Z"
        kept = {"video": None, "verdict": "keep", "stars": 5, "note": "", "by": "Ada", "at": at}
        review = {
            "schema": "wanbatch/review@1",
            "manifest": {name: report["manifest"][name] for name in ("name", "sha256")},
            "realm": report["realm"],
            "reviewers": ["Ada"],
            "picks": [{name: job[name] for name in ("name", "fingerprint")} | kept],
            "duels": [],
            "exported_at": at,
        }
        (self._folder() / wanted[2]).write_text(json.dumps(review))

    def _localised(self, text: str) -> str:
        return text.replace(ADDRESS, self.address).replace(PORT, str(self.port))

    def _as_told(self, text: str) -> str:
        """The other way round; the home is that of Ada, whom pages tell of."""
        text = text.replace(self.address, ADDRESS).replace(str(self.port), PORT)
        return text.replace(str(self.home), "/home/ada").replace(str(self.start), "/home/ada")

    def _keep(self, block: Block) -> None:
        """Writes the file, and lets the program read it."""
        paced = block.text.replace(f'base_url = "{ADDRESS}"', f'base_url = "{ADDRESS}"\n{PACE}')
        text = self._localised(paced if block.language == "toml" else block.text)
        path = self._folder() / Path(block.name.replace("~", str(self.home), 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        check_file(block, path)

    def _folder(self) -> Path:
        return Path(self.terminal.enter("pwd").text.strip())


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(port: int) -> None:
    """What a reader's next keystroke takes."""
    for _ in range(300):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nobody listens at {port}")


# -- what is shown ---------------------------------------------------------------------

BLURS = (
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|Z)?", "INSTANT"),
    (r"(\d+ h )?(\d+ min )?\d+(\.\d+)? s\b(?! video)", "TIME"),
    (r"\btask_[\w…]+", "TASK"),
    (r"\b\d{8}T\d{6}Z-[0-9a-f]+", "RUN"),
    (r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,64}\b", "HASH"),
    (r"\b\d+(\.\d+)? (bytes|kB|KiB|MB|MiB|GB|GiB|TiB)\b", "SIZE"),
    (r"\d+ × \d+", "PIXELS"),
    (r" +", " "),
)
"""Times, ids, hashes, sizes and folders differ each day."""


NOISE = re.compile(
    r"About .* on backend \w+( \(|\.$)|Looking at \d+ videos?; Ctrl-C"
    r"|\d+ videos? (is|are) not what was asked for|other .*\(size: "
)
"""What depends on how fast the machine is (an estimate that nothing is known for yet, a
look that was done before the run was), and what is said of the tiny videos here."""


def blurred(text: str) -> list[str]:
    """Its lines without what differs each day, and without empty ones."""
    for pattern, word in BLURS:
        text = re.sub(pattern, word, text)
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not NOISE.match(line)]


def compare(place: str, promised: str, came: str) -> None:
    """A line ``…`` stands for any lines, and ``…`` in a line for any words."""
    wanted, lines = blurred(promised), blurred(came)
    assert matches(wanted, lines), (
        f"{place}\n-- the page says\n" + "\n".join(wanted) + "\n-- what came\n" + "\n".join(lines)
    )


def matches(wanted: list[str], lines: list[str]) -> bool:
    if not wanted:
        return not lines
    if wanted[0] == "…":
        return any(matches(wanted[1:], lines[skip:]) for skip in range(len(lines) + 1))
    if not lines:
        return False
    pattern = ".*".join(re.escape(piece) for piece in wanted[0].split("…"))
    return re.fullmatch(pattern, lines[0]) is not None and matches(wanted[1:], lines[1:])


# -- files and pieces ------------------------------------------------------------------


def check_file(block: Block, path: Path) -> None:
    """That the program, or the language, reads it."""
    match block.language:
        case "yaml":
            check_yaml(block, path)
        case "toml":
            check_toml(block, path)
        case "json":
            json.loads(path.read_text())
        case "ndjson":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            if any("event" in line for line in lines):
                schema = Draft7Validator(load_schema("events"))
                wrong = [error.message for line in lines for error in schema.iter_errors(line)]
                assert not wrong, f"{block.place}: {wrong}"
        case "csv":
            lines = path.read_text().splitlines()
            rows = list(csv.reader(lines, delimiter=";" if ";" in lines[0] else ","))
            assert len({len(row) for row in rows}) == 1, block.place
        case "python":
            ast.parse(path.read_text())
        case "jinja":
            pass  # the manifest that names it renders it
        case other:
            raise AssertionError(f"{block.place}: nobody knows how to read {other!r}")


def check_piece(block: Block, folder: Path) -> None:
    """A block that is no file: it is read as one all the same."""
    assert block.language in FREE, f"{block.place}: what is {block.language!r}?"
    if block.language == "text":
        return  # a drawing, or a formula
    path = folder / f"piece.{block.language}"
    path.write_text(block.text, encoding="utf-8")
    check_file(block, path)


def check_yaml(block: Block, path: Path) -> None:
    """A manifest, a piece of one, a fault script, or something that calls the
    command."""
    data = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
    assert isinstance(data, dict), block.place
    fields = load_schema("manifest")
    job = set(fields["definitions"]["job"]["properties"])  # type: ignore[index]
    if "faults" in data:
        read_script(path)
    elif set(data) <= set(fields["properties"]):  # type: ignore[call-overload]
        check_manifest(block, path, data)
    elif set(data) <= job:
        media = {"first_frame": "a.png"}
        check_manifest(block, path, {"jobs": [{"id": "piece", "media": media} | data]})
    else:
        for line in texts_in(data):
            assert not unknown_in(line), f"{block.place}: {line}: {unknown_in(line)}"


def check_manifest(block: Block, path: Path, data: dict[str, Any]) -> None:
    """Whole as it is; a piece gets what it lacks."""
    if "wanbatch" not in data or "jobs" not in data:
        some = {"id": "some", "media": {"first_frame": "a.png"}, "prompt": "A harbour"}
        whole = {"wanbatch": 1, "jobs": [some]} | data
        path = path.with_name("piece.wanbatch.yaml")
        path.write_text(json.dumps(whole), encoding="utf-8")
    found = [
        f"{d.code} {d.message}" for d in load_manifests([path]).diagnostics if d.severity != "note"
    ]
    assert not found, f"{block.place}: {found}"


def texts_in(value: object) -> Iterator[str]:
    """Lines of all texts that could be typed."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from texts_in(one)
    if isinstance(value, str):
        yield from (line for line in value.splitlines() if "wanbatch " in line)


def check_toml(block: Block, path: Path) -> None:
    """A configuration, a project's file, or any other table."""
    data = tomllib.loads(path.read_text())
    is_project = {"backend", "max_cost", "rate", "max_in_flight"} & set(data)
    if {"backends", "default_backend", "budget"} & set(data) and not is_project:
        for name, table in data.get("backends", {}).items():
            if "kind" not in table and name not in built_in_backends():
                head, text = f"[backends.{name}]\n", path.read_text()
                lines = PROFILE.format(name=name)
                with_it = text.replace(head, lines, 1) if head in text else lines + text
                path.write_text(with_it)
        load_profiles({}, path)
    elif "project" not in data:
        (path.parent / "wanbatch.toml").write_text(path.read_text())
        load_project(path.parent)
