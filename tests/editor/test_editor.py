"""What an editor shows while a manifest is being typed, against what wanbatch says of
it.

How it works: yaml-language-server, which VS Code and most editors use, is installed by
``make test`` from the lock file beside this test, and driven over its standard input
and output with the manifest schema. It must be silent on what is valid, and for what
the schema refuses point at the lines that we point at. Hover and completion must show
the schema's texts.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wanbatch.manifest.shape.check import check_shape
from wanbatch.manifest.yaml.source import parse_source, read_source
from wanbatch.words.schemas import load_schema, schema_path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CASES = ROOT / "tests" / "cases"
GOOD = sorted(
    [
        *(CASES / "valid").glob("*/*.wanbatch.yaml"),
        *(ROOT / "examples" / "specs").glob("*.wanbatch.yaml"),
    ]
)
BAD = sorted(
    p for p in (CASES / "invalid").glob("WB2*/*.wanbatch.yaml") if p.stat().st_size < 4_000
)
# The merge key and nulls that remove a default are beyond what an editor can follow;
# these are found after merging or rendering.
ONLY_AFTER_MERGING = {
    "WB204_from_defaults",
    "WB205_from_defaults",
    "WB206_empty_template",
    "WB208_rendered",
    "WB208_expect_rendered",
    "WB213_rendered_file",
    "WB210_negative_prompt",
}
ONLY_AFTER_MERGING |= {"WB218_control", "WB213_user", "WB203_decimal_comma"}


LONGEST_SILENCE_S = 120
"""A server that says nothing for so long has hung: the test fails instead of waiting
on."""


class Editor:
    """A client of the language server, as small as one can be."""

    def __init__(self, server: Path) -> None:
        command = ["node", str(server), "--stdio"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.number = 0
        settings = {
            "schemas": {schema_path("manifest").as_uri(): "*.yaml"},
            "schemaStore": {"enable": False},
            "validate": True,
            "hover": True,
            "completion": True,
        }
        self.settings = {"yaml": settings}
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"hover": {"contentFormat": ["plaintext"]}},
        }
        self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": None,
                "capabilities": capabilities,
                "workspaceFolders": None,
            },
        )
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": self.settings})

    def tell(self, method: str, params: object) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: object) -> Any:
        self.number += 1
        self._send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self.number and "method" not in message:
                return message.get("result")

    def open(self, uri: str, text: str) -> None:
        self.tell(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}},
        )

    def diagnose(self, uri: str, text: str) -> list[dict[str, Any]]:
        """Open a document and wait for what is said about it."""
        self.open(uri, text)
        while True:
            message = self._receive()
            if (
                message.get("method") == "textDocument/publishDiagnostics"
                and message["params"]["uri"] == uri
            ):
                return list(message["params"]["diagnostics"])

    def _send(self, message: object) -> None:
        assert self.process.stdin is not None
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        message = self.messages.get(timeout=LONGEST_SILENCE_S)
        assert message is not None, "the language server has ended"
        if "id" in message and "method" in message:
            self._answer(message)
        return message

    def _read(self) -> None:
        """Passes on every message; ``None`` at the end."""
        assert self.process.stdout is not None
        length = 0
        with contextlib.suppress(ValueError):  # the end may cut a message off
            for line in self.process.stdout:
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
                elif not line.strip():
                    self.messages.put(json.loads(self.process.stdout.read(length)))
        self.messages.put(None)

    def _answer(self, message: dict[str, Any]) -> None:
        result: object = None
        if message["method"] == "workspace/configuration":
            result = [self.settings.get(item.get("section")) for item in message["params"]["items"]]
        self._send({"jsonrpc": "2.0", "id": message["id"], "result": result})


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    server = HERE / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    assert server.exists(), "make test installs it; by hand: npm ci in tests/editor"
    client = Editor(server)
    # The server asks for its settings by itself; until it has them it knows no schema.
    for number in range(100):
        if client.diagnose(f"file:///first-{number}.yaml", "wanbatch: 1\njobs: 5\n"):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the language server never knew the schema")
    yield client
    client.process.kill()
    client.process.wait()
    client.reader.join()
    for pipe in (client.process.stdin, client.process.stdout):
        assert pipe is not None
        pipe.close()


@pytest.mark.parametrize("path", GOOD, ids=lambda p: p.parent.name + "/" + p.name)
def test_an_editor_is_silent_on_a_valid_manifest(editor: Editor, path: Path) -> None:
    text = "\n".join(
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.startswith(("# yaml-language-server", "$schema"))
    )
    found = editor.diagnose(path.as_uri(), text)
    assert [d["message"] for d in found] == []


@pytest.mark.parametrize(
    "path", [p for p in BAD if p.parent.name not in ONLY_AFTER_MERGING], ids=lambda p: p.parent.name
)
def test_an_editor_marks_the_lines_that_we_mark(editor: Editor, path: Path) -> None:
    document = read_source(path).document
    assert document is not None
    ours = {(f.place.line, f.code) for f in check_shape(document)[0]}
    assert ours, "what is only found after the schema belongs into ONLY_AFTER_MERGING"
    theirs = editor.diagnose(path.as_uri(), path.read_text(encoding="utf-8"))
    assert theirs, "the editor shows nothing"
    # Of a block the editor marks the lines below the key, we mark the key.
    lines = {
        line
        for d in theirs
        for line in range(d["range"]["start"]["line"], d["range"]["end"]["line"] + 2)
    }
    assert {line for line, _ in ours} <= lines


def test_an_editor_says_why_a_combination_is_refused(editor: Editor) -> None:
    text = (
        "wanbatch: 1\njobs:\n  - id: a\n    media:\n      first_clip: a.mp4\n      driving_audio:"
        " b.mp3\n"
    )
    found = editor.diagnose("file:///combination.yaml", text)
    assert ["the API takes driving_audio only with first_frame" in d["message"] for d in found] == [
        True
    ]
    assert found[0]["range"]["start"]["line"] == 5


def test_hover_and_completion_are_documentation(editor: Editor) -> None:
    uri = "file:///hover.yaml"
    editor.diagnose(
        uri,
        "wanbatch: 1\njobs:\n  - id: a\n    media: {first_frame: a.png}\n    seconds: 5\n    \n",
    )
    hover = editor.ask(
        "textDocument/hover",
        {"textDocument": {"uri": uri}, "position": {"line": 4, "character": 6}},
    )
    assert "Length of the video in seconds, 2 to 15" in json.dumps(hover)
    offered = editor.ask(
        "textDocument/completion",
        {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 4}},
    )
    items = {
        item["label"]: item for item in (offered["items"] if isinstance(offered, dict) else offered)
    }
    assert {"prompt", "matrix", "seeds", "rows", "tags"} <= set(items)
    assert "GitHub" in json.dumps(items["matrix"])


def test_the_url_form_is_completed_and_checked(editor: Editor) -> None:
    uri = "file:///url.yaml"
    head = "wanbatch: 1\njobs:\n  - id: a\n    media:\n      first_frame:\n        "
    editor.diagnose(uri, head + "\n")
    offered = editor.ask(
        "textDocument/completion",
        {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 8}},
    )
    labels = {
        item["label"] for item in (offered["items"] if isinstance(offered, dict) else offered)
    }
    assert {"url", "identity", "job", "frame"} <= labels
    good = editor.diagnose(
        "file:///url2.yaml", head + 'url: "https://e.com/a?v=1"\n        identity: [v]\n'
    )
    assert good == []
    bad = editor.diagnose("file:///url3.yaml", head + "identity: [v]\n")
    assert ["url" in d["message"] for d in bad] == [True]


JOB = "wanbatch: 1\njobs:\n  - id: a\n    media: {first_frame: a.png}\n"
MEDIA = "wanbatch: 1\njobs:\n  - id: a\n    media:\n"
MISSPELT = {
    "at the top": ("descripton", JOB + "descripton: x\n"),
    "in a job": ("promt", JOB + "    promt: x\n"),
    "in a job, a default's name": ("secons", JOB + "    secons: 5\n"),
    "in media": ("last_fram", MEDIA + "      {first_frame: a.png, last_fram: b.png}\n"),
    "in a picture": ("wher", MEDIA + "      first_frame: {job: b, frame: last, wher: {a: 1}}\n"),
    "in a clip": ("frame", MEDIA + "      first_clip: {job: b, frame: last}\n"),
    "in a prompt": ("fiel", JOB + "    prompt: {file: p.j2, fiel: x}\n"),
    "in matrix": ("exlude", JOB + "    matrix: {hour: [a], exlude: [{hour: a}]}\n"),
    "in matrix, transposed": ("inlcude", JOB + "    matrix: {hour: [a], inlcude: [{hour: b}]}\n"),
    "in seeds": ("setp", JOB + "    seeds: {start: 1, count: 2, setp: 3}\n"),
    "in rows": ("kye", JOB + "    rows: {from: a.csv, kye: b}\n"),
    "in run": ("max_cots", JOB + "run: {max_cots: 5}\n"),
    "in defaults": ("promt", JOB + "defaults: {promt: x}\n"),
    "in the media of defaults": ("first_frme", JOB + "defaults: {media: {first_frme: a.png}}\n"),
}


@pytest.mark.parametrize(("key", "text"), MISSPELT.values(), ids=MISSPELT)
def test_a_misspelt_key_is_named(editor: Editor, key: str, text: str) -> None:
    found = editor.diagnose(f"file:///{key}-{len(text)}.yaml", text)
    assert [d["message"] for d in found] == [f"Property {key} is not allowed."]
    lines = text.splitlines()
    begin = found[0]["range"]["start"]
    assert lines[begin["line"]][begin["character"] :].startswith(key)
    ours = check_shape(parse_source("a.yaml", text).document)[0]  # type: ignore[arg-type]
    assert [(f.message, f.place.line, f.place.column) for f in ours] == [
        (f'unknown key "{key}"', begin["line"] + 1, begin["character"] + 1)
    ]
    assert ours[0].help[0].startswith(("did you mean", "first_clip takes the whole video"))


WRONG_VALUES = {
    "job": ("  - 5\n", "a job is a mapping that begins with - id: NAME"),
    "media": ("  - {id: a, media: 5}\n", "media is a mapping of first_frame, last_frame"),
    "picture": ("  - {id: a, media: {first_frame: 5}}\n", "a picture is a path, an https:// URL"),
    "clip": ("  - {id: a, media: {first_clip: 5}}\n", "first_clip is a path, an https:// URL"),
    "prompt": ("  - {id: a, media: {first_frame: a}, prompt: 5}\n", "prompt is a text, or {file"),
    "seeds": ("  - {id: a, media: {first_frame: a}, seeds: 5}\n", "seeds is a list, {start, cou"),
    "rows": ("  - {id: a, media: {first_frame: a}, rows: 5}\n", "rows is a path, {from: PATH"),
    "matrix": ("  - {id: a, media: {first_frame: a}, matrix: 5}\n", "matrix is a mapping of axes"),
    "run": ("  - {id: a, media: {first_frame: a}}\nrun: 5\n", "run is a mapping"),
    "defaults": ("  - {id: a, media: {first_frame: a}}\ndefaults: 5\n", "defaults is a mapping of"),
    "seconds": ("  - {id: a, media: {first_frame: a}, seconds: []}\n", "seconds is a whole number"),
    "size": ("  - {id: a, media: {first_frame: a}, size: 4K}\n", "size is 720P or 1080P"),
}


@pytest.mark.parametrize(("text", "message"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_a_wrong_value_is_told_what_it_must_be(editor: Editor, text: str, message: str) -> None:
    found = editor.diagnose(f"file:///{message[:12]}.yaml", "wanbatch: 1\njobs:\n" + text)
    assert [d["message"][: len(message)] for d in found] == [message]


FIELDS = set(load_schema("manifest")["definitions"]["job"]["properties"])  # type: ignore[index]
TOP = {"$schema", "name", "description", "vars", "defaults", "jobs", "run", "wanbatch"}
IN_RUN = {"backend", "budget", "max_cost", "max_in_flight", "rate", "retries", "on_failure"}
KINDS = {"first_frame", "last_frame", "driving_audio", "first_clip"}
OFFERED: dict[str, set[str]] = {
    "¦": TOP,
    "wanbatch: 1\n¦": TOP - {"wanbatch"},
    "wanbatch: ¦": {"1"},
    "wanbatch: 1\njobs:\n  - ¦": FIELDS,
    JOB + "    ¦\n": FIELDS - {"id", "media"},
    JOB + "    pro¦\n": FIELDS - {"id", "media"},
    MEDIA + "      ¦\n": KINDS,
    MEDIA + "      first_frame: a.png\n      ¦\n": KINDS - {"first_frame"},
    MEDIA + "      first_frame: ¦\n": {"media/harbor.png", "https://example.com/harbor.png"},
    MEDIA + "      first_frame:\n        ¦\n": {"job", "where", "frame", "url", "identity"},
    MEDIA + "      first_frame:\n        job: a\n        ¦\n": {"where", "frame"},
    MEDIA + "      first_frame: {job: a, frame: ¦}\n": {"first", "last"},
    MEDIA + "      first_clip:\n        ¦\n": {"job", "where", "url", "identity"},
    MEDIA + "      first_frame:\n        url: https://e.com/a\n        ¦\n": {"identity"},
    MEDIA + "      first_frame: a.png\n      driving_audio:\n        ¦\n": {"url", "identity"},
    JOB + "    prompt:\n      ¦\n": {"file"},
    JOB + "    seconds: ¦\n": {"5", "10"},
    JOB + "    size: ¦\n": {"720P", "1080P"},
    JOB + "    model: ¦\n": {"wan2.7-i2v", "wan2.7-i2v-2026-04-25"},
    JOB + "    watermark: ¦\n": {"false", "true"},
    JOB + "    prompt_extend: ¦\n": {"false", "true"},
    JOB + "    seeds:\n      ¦\n": {"start", "count", "step"},
    JOB + "    seeds:\n      start: 1\n      ¦\n": {"count", "step"},
    JOB + "    rows:\n      ¦\n": {"from", "key", "encoding", "sheet"},
    JOB + "    rows: ¦\n": {"shots.csv"},
    JOB + "    matrix:\n      ¦\n": {"include", "exclude"},
    JOB + "    matrix:\n      hour: [a]\n      include:\n        - ¦\n": set(),
    JOB + "    matrix:\n      hour: ¦\n": set(),
    JOB + "    vars:\n      a: ¦\n": set(),
    JOB + "run:\n  ¦\n": IN_RUN,
    JOB + "run:\n  backend: emulator\n  ¦\n": IN_RUN - {"backend"},
    JOB + "run:\n  backend: ¦\n": {"emulator", "gateway", "gateway-metadata", "dashscope"},
    JOB + "run:\n  on_failure: ¦\n": {"continue", "stop"},
    JOB + "defaults:\n  ¦\n": FIELDS - {"id"},
    JOB + "¦\n": TOP - {"wanbatch", "jobs"},
}


@pytest.mark.parametrize("text", OFFERED, ids=lambda text: repr(text[-40:]))
def test_completion_offers_what_may_stand_there_and_nothing_else(editor: Editor, text: str) -> None:
    offered = complete(editor, text)
    assert sorted(offered) == sorted(OFFERED[text])


ANYWHERE = [
    JOB + f"    {key}: ¦\n"
    for key in sorted(FIELDS - {"id", "media"})
] + [
    JOB + f"{key}: ¦\n" for key in sorted(TOP - {"wanbatch", "jobs"})
] + [
    MEDIA + f"      {kind}: ¦\n" for kind in sorted(KINDS)
] + [
    JOB + f"run:\n  {key}: ¦\n" for key in sorted(IN_RUN)
] + [
    JOB + "    seeds:\n      - ¦\n",
    JOB + "    rows:\n      - ¦\n",
    JOB + "    tags:\n      - ¦\n",
    JOB + "    matrix:\n      hour:\n        - ¦\n",
    JOB + "    seeds:\n      count: ¦\n",
    JOB + "  - ¦\n",
    MEDIA + "      {¦}\n",
]  # fmt: skip


@pytest.mark.parametrize("text", ANYWHERE, ids=lambda text: repr(text[-30:]))
def test_completion_offers_no_null_no_object_and_nothing_twice(editor: Editor, text: str) -> None:
    offered = complete(editor, text)
    assert len(set(offered)) == len(offered), offered
    definitions = set(load_schema("manifest")["definitions"]) - FIELDS  # type: ignore[call-overload]
    assert not set(offered) & {"null", "[object Object]", "property", *definitions}, offered


def complete(editor: Editor, text: str) -> list[str]:
    """The labels that are offered at ¦."""
    before, after = text.split("¦")
    uri = f"file:///complete-{editor.number}.yaml"
    editor.open(uri, before + after)
    at = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
    offered = editor.ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": at})
    return [i["label"] for i in (offered["items"] if isinstance(offered, dict) else offered)]


def test_the_lock_names_no_registry_and_has_the_hash_of_every_package() -> None:
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    locked = {name: entry for name, entry in packages.items() if name}
    assert locked
    assert all("resolved" not in entry and entry["integrity"] for entry in locked.values())
