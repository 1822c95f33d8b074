"""The real command against a server that echoes the key and signs its links: no byte
that is printed or written holds key or signature.

How it works: doctor, plan, run, status and report in processes of their own; then
stdout, stderr and every file but the manifest itself are searched, in plain, base64 and
URL-encoded form. Three jobs end well, badly and in doubt, so that each kind of record
is written.
"""

import base64
import json
import os
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

KEY = "sk-canary-whole+/77"
SIGNATURE = "canaryWholeSignature+/8Zr3x=="
QUOTED = quote(SIGNATURE, safe="")
MANIFEST = f"""\
wanbatch: 1
name: canary
run: {{retries: 0}}
defaults: {{prompt: A harbour, prompt_extend: false, seconds: 2}}
jobs:
  - id: good
    media: {{first_frame: picture.png}}
  - id: bad
    media: {{first_frame: "https://media.example/p.png?Expires=4000000000&Signature={QUOTED}"}}
  - id: doubt
    media: {{first_frame: picture.png}}
    seeds: [5]
"""


def spellings(secret):
    found = {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1]}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + secret.encode()).decode()
        inner = coded[(0, 2, 3)[shift] : len(coded) - 4]
        found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form.encode() for form in found}


@pytest.fixture(name="server")
def _server(serve, answer, video):
    api: Any = None

    def post(connection, received):
        seed_five = b'"seed":5,' in received.body
        bad = b"media.example" in received.body
        if seed_five:
            step = answer(
                500,
                {
                    "error": {
                        "message": (
                            f"upstream refused Bearer {KEY} at"
                            f" https://x.example/?Signature={QUOTED}"
                        )
                    }
                },
                connection="close",
            )
        else:
            name = "task_bad" if bad else "task_good"
            step = answer(
                200,
                {"id": name, "object": "video", "status": "queued", "progress": 0},
                connection="close",
            )
        connection.sendall(step)

    def good(connection, _):
        url = f"{api.url}/file/v.mp4?Expires=4000000000&Signature={QUOTED}"
        body = {"id": "task_good", "status": "completed", "progress": 100, "metadata": {"url": url}}
        connection.sendall(answer(200, body, connection="close"))

    failed = {
        "id": "task_bad",
        "status": "failed",
        "error": {
            "code": "InvalidURL",
            "message": (
                "failed to download"
                f" https://media.example/p.png?Expires=4000000000&Signature={QUOTED} with {KEY}"
            ),
        },
    }
    api = serve(
        {
            "/v1/videos": [post],
            "/v1/videos/task_good": [good],
            "/v1/videos/task_bad": [answer(200, failed)],
            "/v1/videos/task_wanbatch": [
                answer(
                    400,
                    {"code": "task_not_exist", "message": f"no task for {KEY}", "data": None},
                    x_key=KEY,
                )
            ],
            "/file": [answer(200, video, content_type="video/mp4", x_echo=KEY)],
        }
    )
    return api


@pytest.mark.parametrize("progress", ["plain", "json"])
def test_no_byte_holds_the_key_or_a_signature(server, tmp_path, progress):
    folder = tmp_path / "project"
    folder.mkdir()
    Image.linear_gradient("L").resize((320, 256)).convert("RGB").save(folder / "picture.png")
    (folder / "canary.wanbatch.yaml").write_text(MANIFEST)
    (tmp_path / "config.toml").write_text(
        f'[backends.mine]\nkind = "gateway"\nbase_url = "{server.url}"\napi_key_env ='
        ' "MINE_KEY"\npoll_interval = 0.1\nrate = 50\n'
        'price = {720P = 0.10, 1080P = 0.15, currency = "USD"}\n'
    )
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("WANBATCH", "DASHSCOPE"))}
    environ |= {
        "WANBATCH_CONFIG": str(tmp_path / "config.toml"),
        "MINE_KEY": KEY,
        "PYTHONWARNINGS": "default",
        "PYTHONASYNCIODEBUG": "1",
    }

    def wanbatch(*words):
        return subprocess.run(
            [sys.executable, "-m", "wanbatch", *words],
            cwd=folder,
            env=environ,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=90,
            check=False,
        )

    file = "canary.wanbatch.yaml"
    doctor = wanbatch("doctor", "--backend", "mine")
    plan = wanbatch("plan", file, "--backend", "mine", "--json")
    run = wanbatch(
        "run", file, "--backend", "mine", "--yes", "--wait", "20", "--progress", progress, "-v"
    )
    status = wanbatch("status", file, "--json", "--backend", "mine")
    report = wanbatch(
        "report",
        file,
        "--backend",
        "mine",
        "-o",
        "x.html",
        "-o",
        "x.json",
        "-o",
        "x.csv",
        "-o",
        "x.md",
        "-o",
        "junit.xml",
    )
    assert run.returncode == 1, run.stderr.decode()
    assert status.returncode == 0, status.stderr.decode()
    told = json.loads(status.stdout)
    states = {job["name"].split("[")[0]: job["state"] for job in told["jobs"]}
    assert states == {"good": "done", "bad": "failed", "doubt": "uncertain"}, states

    written = {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != file
    }
    assert any(name.endswith("ledger.db") for name in written)
    assert any(name.endswith(".mp4") for name in written)
    for number, done in enumerate((doctor, plan, run, status, report)):
        written[f"command {number}"] = done.stdout + done.stderr
    for secret in (KEY, SIGNATURE):
        for form in spellings(secret):
            for where, content in written.items():
                assert form not in content, (
                    f"{form!r} in {where}: {content[max(0, content.index(form) - 80) :][:200]!r}"
                )
    posts = [r for r in server.received if r.method == "POST"]
    assert len(posts) == 3
    assert all(r.headers["authorization"] == f"Bearer {KEY}" for r in posts)
