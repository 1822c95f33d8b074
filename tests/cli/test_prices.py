"""A backend without a price: every command that misses it says how to state it, and
what it says can be pasted as it stands.

How it works: the real command, whose own words are pasted into the file that it names;
then the same command knows the price. What is bought is bought from an API on loopback.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from wanbatch.emulator.process import start_emulator

MANIFEST = """\
wanbatch: 1
name: desk
jobs:
  - id: one
    prompt: A harbour
    seconds: 2
    media: {first_frame: picture.png}
    seeds: [1, 2, 3]
"""
OWN = """\
[backends.own]
kind = "gateway"
base_url = "http://127.0.0.1:9"
api_key_env = "OWN_KEY"
"""
BUILT_IN = ("gateway", "gateway-metadata", "dashscope")
FILE = "desk.wanbatch.yaml"


class Desk:
    """A project folder, an empty home, and the command."""

    def __init__(self, folder):
        self.folder, self.home = folder / "project", folder / "home"
        self.folder.mkdir()
        self.home.mkdir()
        Image.new("RGB", (320, 240), "teal").save(self.folder / "picture.png")
        self.write(MANIFEST)
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8"}

    @property
    def config(self):
        return self.home / ".config/wanbatch/config.toml"

    def write(self, manifest):
        (self.folder / FILE).write_text(manifest)

    def configure(self, text):
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text)

    def call(self, command, *words):
        return subprocess.run(
            [sys.executable, "-m", "wanbatch", command, *words],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )

    def paste(self, said, **rates):
        """Does as ``said``: the TOML goes to the end of the file that is named."""
        path, toml = told(said)
        for size, rate in rates.items():
            toml = re.sub(rf'("{size[1:]}" = )[\d.]+', rf"\g<1>{rate}", toml)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(f"\n{toml}")


def told(said):
    """The file that is named and the TOML that is shown; once, or the test fails."""
    ((path, toml),) = re.findall(r"(/\S+\.toml):\n\n(.+?\n)(?:\n|\Z)", said, re.DOTALL)
    return Path(path), toml


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.mark.parametrize("backend", BUILT_IN)
def test_a_plan_says_once_how_to_state_a_price_and_it_works(desk, backend):
    first = desk.call("plan", FILE, "--backend", backend)
    assert first.returncode == 0
    assert "3 to generate (unknown price)" in first.stderr
    assert f"backend {backend} has no price" in first.stderr
    assert told(first.stderr)[0] == desk.config
    desk.paste(first.stderr, _720P="0.25", _1080P="0.40")
    second = desk.call("plan", FILE, "--backend", backend)
    assert "Plan: 3 to generate ($1.50)." in second.stderr
    assert "price" not in second.stderr


@pytest.mark.parametrize("backend", [*BUILT_IN, "own"])
@pytest.mark.parametrize(
    "held",
    [
        "",
        "\n# nothing yet",
        "[backends.{}]\nmax_in_flight = 3",
        '[backends.{}]\nmax_in_flight = 3\n[backends.{}.media]\nway = "s3"\nbucket = "b"\n',
        "backends.{}.max_in_flight = 3\n",
        OWN.replace("own", "other"),
    ],
)
def test_it_works_whatever_the_file_holds_already(desk, held, backend):
    text = held.replace("{}", backend)
    if backend == "own":
        table = "[backends.own]\n"
        text = text.replace(table, OWN) if table in text else f"{text}\n{OWN}"
        if text.startswith("backends.own"):
            text = OWN + "max_in_flight = 3\n"
    desk.configure(text)
    first = desk.call("plan", FILE, "--backend", backend)
    assert first.returncode == 0, first.stderr
    desk.paste(first.stderr, _720P="0.30")
    tomllib.loads(desk.config.read_text())
    second = desk.call("plan", FILE, "--backend", backend)
    assert "3 to generate ($1.80)" in second.stderr, second.stderr


def test_it_names_the_file_that_the_environment_names(desk, tmp_path):
    (tmp_path / "mine.toml").write_text("")
    desk.environ["WANBATCH_CONFIG"] = "../mine.toml"
    first = desk.call("plan", FILE, "--backend", "gateway")
    path, _ = told(first.stderr)
    assert path.is_absolute()
    assert path.samefile(tmp_path / "mine.toml")
    desk.paste(first.stderr)
    assert "unknown price" not in desk.call("plan", FILE, "--backend", "gateway").stderr


def test_a_price_for_another_size_is_no_price(desk):
    """720P at 0.10 says nothing about 1080P: the sum is unknown, not lower."""
    desk.write(MANIFEST + "  - id: large\n    size: 1080P\n    media: {first_frame: picture.png}\n")
    price = 'price = { "720P" = 0.20, currency = "EUR" }'
    desk.configure(f"[backends.gateway]\n{price}\n")
    first = desk.call("plan", FILE, "--backend", "gateway")
    assert "4 to generate (unknown price)" in first.stderr
    assert "backend gateway has no price for 1080P" in first.stderr
    desk.environ |= {"WANBATCH_BASE_URL": "http://127.0.0.1:9", "WANBATCH_API_KEY": "sk-prices"}
    limited = desk.call("run", FILE, "--backend", "gateway", "--max-cost", "99")
    assert limited.returncode == 3, "or it would buy the large one, beyond any limit"
    assert told(limited.stderr) == told(first.stderr)
    _, line = told(first.stderr)
    assert '"720P" = 0.20' in line
    assert 'currency = "EUR"' in line
    desk.configure(desk.config.read_text().replace(price, line))
    second = desk.call("plan", FILE, "--backend", "gateway")
    assert "4 to generate (€1.95)" in second.stderr


def test_what_a_project_states_is_a_price(desk):
    price = 'price = { "720P" = 0.12, "1080P" = 0.18, currency = "USD" }\n'
    (desk.folder / "wanbatch.toml").write_text(price)
    done = desk.call("plan", FILE, "--backend", "gateway")
    assert "3 to generate ($0.72)" in done.stderr
    assert "No limit" not in done.stderr


@pytest.mark.parametrize("words", [["--json"], ["--quiet"]])
def test_who_asks_for_less_gets_less(desk, words):
    done = desk.call("plan", FILE, "--backend", "gateway", *words)
    assert done.returncode == 0
    assert "price =" not in done.stderr


def test_where_nothing_is_bought_no_price_is_missed(desk):
    assert "price" not in desk.call("plan", FILE, "--backend", "emulator").stderr


@pytest.mark.parametrize(
    ("environ", "total"),
    [
        ({"DASHSCOPE_REGION": "intl"}, "$0.60"),
        ({"DASHSCOPE_REGION": "cn"}, "¥3.60"),
        # What is charged depends on where the request goes.
        (
            {
                "DASHSCOPE_REGION": "cn",
                "DASHSCOPE_BASE_URL": "https://dashscope-intl.aliyuncs.com",
            },
            "$0.60",
        ),
    ],
)
def test_dashscopes_published_prices_go_by_the_region(desk, environ, total):
    without = desk.call("plan", FILE, "--backend", "dashscope")
    assert "export DASHSCOPE_REGION=intl" in without.stderr
    desk.environ |= environ
    assert f"3 to generate ({total})" in desk.call("plan", FILE, "--backend", "dashscope").stderr


def test_run_says_the_same_and_then_keeps_the_limit(desk, tmp_path):
    with start_emulator(tmp_path / "books", "--render", "tiny") as server:
        desk.environ |= {"WANBATCH_BASE_URL": server.base_url, "WANBATCH_API_KEY": "sk-prices"}
        words = ("run", FILE, "--backend", "gateway", "--poll-interval", "0.1", "--rate", "50")
        bare = desk.call(*words)
        limited = desk.call(*words, "--max-cost", "0.60")
        planned = desk.call("plan", FILE, "--backend", "gateway")
        assert (bare.returncode, limited.returncode) == (3, 3)
        assert "add --yes; --max-cost AMOUNT cannot be kept" in bare.stderr
        assert "--max-cost cannot be kept: backend gateway has no price" in limited.stderr
        assert told(bare.stderr) == told(limited.stderr) == told(planned.stderr)
        desk.paste(limited.stderr)
        assert desk.call(*words, "--max-cost", "0.59").returncode == 3
        assert '"event":"accepted"' not in (tmp_path / "books/tasks.jsonl").read_text()
        done = desk.call(*words, "--max-cost", "0.60")
        assert done.returncode == 0, done.stderr
        assert "spent $0.60" in done.stderr


def test_a_limit_of_the_manifest_is_not_kept_in_silence_either(desk, tmp_path):
    desk.environ |= {"WANBATCH_BASE_URL": "http://127.0.0.1:9", "WANBATCH_API_KEY": "sk-prices"}
    desk.write(MANIFEST + "run: {max_cost: 5}\n")
    done = desk.call("run", FILE, "--backend", "gateway", "--yes")
    assert done.returncode == 3
    assert "run.max_cost cannot be kept" in done.stderr
    assert told(done.stderr)[0] == desk.config


def test_a_price_leaves_key_and_address_where_they_were(desk, tmp_path):
    """A table with a price alone: the built-in's variables count, and no others."""
    desk.paste(desk.call("plan", FILE, "--backend", "gateway").stderr)
    for missing in ("WANBATCH_BASE_URL", "WANBATCH_API_KEY"):
        desk.environ |= {"WANBATCH_BASE_URL": "http://127.0.0.1:9", "WANBATCH_API_KEY": "sk-one"}
        del desk.environ[missing]
        done = desk.call("run", FILE, "--backend", "gateway", "--yes")
        assert done.returncode == 4
        assert missing in done.stderr


@pytest.mark.parametrize("setting", ["base_url", "api_key_env", "kind"])
def test_an_address_beside_the_price_is_refused(desk, setting):
    """The built-in's key would go to an address that it was not given for."""
    value = {"base_url": "https://a.example", "api_key_env": "A_KEY", "kind": "gateway"}[setting]
    desk.configure(f'[backends.gateway]\n{setting} = "{value}"\n')
    desk.environ |= {"WANBATCH_API_KEY": "sk-one"}
    done = desk.call("plan", FILE, "--backend", "gateway")
    assert done.returncode == 2
    assert "[backends.mine]" in done.stderr


def test_the_doctor_says_the_same(desk, tmp_path):
    with start_emulator(tmp_path / "books") as server:
        desk.environ |= {"WANBATCH_BASE_URL": server.base_url, "WANBATCH_API_KEY": "sk-prices"}
        first = desk.call("doctor", "--backend", "gateway")
        assert told(first.stderr) == told(desk.call("plan", FILE, "--backend", "gateway").stderr)
        desk.paste(first.stderr)
        assert "prices in USD" in desk.call("doctor", "--backend", "gateway").stderr


# -- a project's file ------------------------------------------------------------------


def test_a_projects_limits_hold_from_wherever_a_run_is_started(desk):
    """The file lies beside the manifest, and the command runs in the folder above."""
    (desk.folder / "wanbatch.toml").write_text(
        'max_cost = 0.71\nprice = { "720P" = 0.12, currency = "USD" }\n'
    )
    desk.environ |= {"WANBATCH_BASE_URL": "http://127.0.0.1:9", "WANBATCH_API_KEY": "sk-prices"}
    desk.folder = desk.folder.parent
    words = (f"project/{FILE}", "--backend", "gateway")
    assert "3 to generate ($0.72)" in desk.call("plan", *words).stderr
    done = desk.call("run", *words, "--yes")
    assert done.returncode == 3
    assert "project/wanbatch.toml: max_cost" in done.stderr


def test_of_several_projects_each_counts(desk):
    """The lower limit, the higher price; two backends are a question."""
    for name, text in (
        ("one", 'backend = "gateway"\nprice = { "720P" = 0.10, currency = "USD" }\n'),
        ("two", 'backend = "gateway"\nprice = { "720P" = 0.30, currency = "USD" }\n'),
    ):
        folder = desk.folder / name
        folder.mkdir()
        (folder / "wanbatch.toml").write_text(text)
        (folder / "picture.png").write_bytes((desk.folder / "picture.png").read_bytes())
        (folder / FILE).write_text(MANIFEST.replace("desk", name).replace("harbour", name))
    words = ("plan", f"one/{FILE}", f"two/{FILE}")
    assert "6 to generate ($3.60)" in desk.call(*words).stderr
    (desk.folder / "two/wanbatch.toml").write_text('backend = "gateway-metadata"\n')
    asked = desk.call(*words)
    assert asked.returncode == 2
    assert "the projects name different backends" in asked.stderr
    assert desk.call(*words, "--backend", "gateway").returncode == 0
