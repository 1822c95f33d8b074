"""The doctor's checks, over real sockets, a real configuration and a real S3 server."""

import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from wanbatch.config.profiles import load_profiles
from wanbatch.operations import doctor
from wanbatch.operations.doctor import Health, examine, examine_configuration, examine_disk

pytestmark = pytest.mark.anyio

KEYS = {"WANBATCH_API_KEY": "sk-canary-doctor"}
ERROR = {"code": "task_not_exist", "message": "task_not_exist", "data": None}


@pytest.fixture(name="profiles")
def _profiles(tmp_path):
    def make(text="", mode=0o600):
        path = tmp_path / "config.toml"
        path.write_text(text)
        path.chmod(mode)
        return load_profiles({}, path)

    return make


def by_subject(findings):
    return {finding.subject: finding for finding in findings}


async def test_all_is_good(serve, answer, profiles, tmp_path):
    server = serve([answer(400, ERROR, date="Sun, 22 Nov 2026 10:00:00 GMT")])
    environ = KEYS | {"WANBATCH_BASE_URL": server.url}
    priced = profiles('[backends.gateway]\nprice = { "720P" = 0.1, currency = "USD" }\n')
    found = by_subject(
        await examine(priced, "gateway", environ, tmp_path / "reports", lambda: 1795341602.0)
    )
    assert {name: finding.health for name, finding in found.items()} == dict.fromkeys(
        ("configuration", "disk", "backend", "key", "clock"),
        Health.GOOD,
    )
    assert [r.method for r in server.received] == ["GET"], "nothing is spent"
    assert "canary" not in repr(found)


async def test_what_is_wrong_is_told_with_what_to_do(serve, answer, profiles, tmp_path):
    server = serve(
        [
            answer(
                401,
                {
                    "error": {
                        "message": "no such token sk-canary-doctor",
                        "type": "new_api_error",
                        "code": "",
                    }
                },
            )
        ]
    )
    found = by_subject(
        await examine(
            profiles(), "gateway", KEYS | {"WANBATCH_BASE_URL": server.url}, tmp_path, time.time
        )
    )
    assert found["key"].health is Health.BAD
    assert found["key"].help
    assert "clock" not in found
    assert found["backend"].health is Health.WARNING, "a backend without a price keeps no budget"
    assert "canary" not in repr(found)


async def test_a_missing_key_is_told(profiles, tmp_path):
    found = by_subject(await examine(profiles(), "gateway", {}, tmp_path, time.time))
    assert found["backend"].health is Health.BAD
    assert any("export WANBATCH_" in line for line in found["backend"].help)


async def test_the_emulator_needs_nothing(profiles, tmp_path):
    found = by_subject(await examine(profiles(), "emulator", {}, tmp_path, time.time))
    assert found["key"].health is Health.GOOD


@pytest.mark.parametrize(
    ("told", "health"), [("Sun, 22 Nov 2026 10:10:00 GMT", Health.WARNING), ("", Health.WARNING)]
)
async def test_the_clock(serve, answer, profiles, tmp_path, told, health):
    server = serve([answer(400, ERROR, date=told)])
    found = by_subject(
        await examine(
            profiles(),
            "gateway",
            KEYS | {"WANBATCH_BASE_URL": server.url},
            tmp_path,
            lambda: 1795341600.0,
        )
    )
    assert found["clock"].health is health
    if told:
        assert "600 s ahead" in found["clock"].seen


@pytest.mark.parametrize(
    ("mode", "health"),
    [(0o600, Health.GOOD), (0o644, Health.WARNING), (0o664, Health.BAD), (0o666, Health.BAD)],
)
def test_who_may_change_the_configuration(profiles, mode, health):
    assert examine_configuration(profiles(mode=mode)).health is health


def test_without_a_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert examine_configuration(load_profiles({})).health is Health.GOOD


def test_room_on_the_disk(tmp_path, monkeypatch):
    assert examine_disk(tmp_path / "not" / "yet").health is Health.GOOD
    monkeypatch.setattr(doctor, "ROOM_BYTES", 2**80)
    assert examine_disk(tmp_path).health is Health.WARNING


@pytest.fixture(name="s3")
def _s3():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    make_bucket(f"http://127.0.0.1:{port}/media-bucket")
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait()


async def test_the_bucket(serve, answer, profiles, tmp_path, s3):
    api = serve([answer(400, ERROR)])
    for bucket, health in (("media-bucket", Health.GOOD), ("missing", Health.BAD)):
        text = (
            f'[backends.mine]\nkind = "gateway"\nbase_url = "{api.url}"\napi_key_env ='
            ' "WANBATCH_API_KEY"\n'
            f'media = {{ way = "s3", bucket = "{bucket}", endpoint = "{s3}", path_style = true }}\n'
        )
        environ = KEYS | {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "canary-secret"}
        found = by_subject(await examine(profiles(text), "mine", environ, tmp_path, time.time))
        assert found["bucket"].health is health, found["bucket"]
        assert "canary" not in repr(found)


def make_bucket(url):
    for _ in range(200):
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=5).close()
            return
        except OSError:
            time.sleep(0.05)
