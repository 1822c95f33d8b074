"""What an editor shows while a manifest is being typed, against what wanbatch says of it.

How it works: yaml-language-server, which VS Code and most editors use, is installed from npm into the environment once and driven over its
standard input and output with the manifest schema. It must be silent on what is valid, and for what the schema refuses point at the lines that we
point at. Hover and completion must show the schema's texts.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wanbatch.manifest.schema import schema_path
from wanbatch.manifest.shape import check_shape
from wanbatch.manifest.source import read_source

VERSION = "1.25.0"
HOME = Path(sys.prefix) / "share" / f"yaml-language-server-{VERSION}"
ROOT = Path(__file__).parent.parent.parent
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
# The merge key and nulls that remove a default are beyond what an editor can follow; these are found after merging or rendering.
ONLY_AFTER_MERGING = {
    "WB204_from_defaults",
    "WB205_from_defaults",
    "WB206_empty_template",
    "WB208_rendered",
    "WB213_rendered_file",
    "WB210_negative_prompt",
}
ONLY_AFTER_MERGING |= {"WB218_control", "WB213_user"}


class Editor:
    """A client of the language server, as small as one can be."""

    def __init__(self, server: Path) -> None:
        command = ["node", str(server), "--stdio"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
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

    def diagnose(self, uri: str, text: str) -> list[dict[str, Any]]:
        """Open a document and wait for what is said about it."""
        self.tell(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}},
        )
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
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline().strip()) or not length:
            assert self.process.poll() is None, "the language server has ended"
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if "id" in message and "method" in message:
            self._answer(message)
        return message

    def _answer(self, message: dict[str, Any]) -> None:
        result: object = None
        if message["method"] == "workspace/configuration":
            result = [self.settings.get(item.get("section")) for item in message["params"]["items"]]
        self._send({"jsonrpc": "2.0", "id": message["id"], "result": result})


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed; the editor's language server needs them")
    server = HOME / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    if not server.exists():
        command = [
            "npm",
            "install",
            "--prefix",
            str(HOME),
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            f"yaml-language-server@{VERSION}",
        ]
        installed = subprocess.run(
            command, capture_output=True, text=True, timeout=180, check=False
        )
        if installed.returncode:
            pytest.skip(f"npm cannot install yaml-language-server: {installed.stderr[-200:]}")
    client = Editor(server)
    yield client
    client.process.kill()
    client.process.wait()
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
    text = "wanbatch: 1\njobs:\n  - id: a\n    media:\n      first_clip: a.mp4\n      driving_audio: b.mp3\n"
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
