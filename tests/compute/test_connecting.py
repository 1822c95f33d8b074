"""Which clusters may be used, and what is said of those that may not: schedulers on
other machines without TLS, those that nobody answers for, and workers that do not see
our disk."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from compute.certificates import Certificates, certificates
from compute.processes import Processes, processes
from compute.samples import opened, video

from wanbatch.compute import connecting, remote
from wanbatch.compute.connecting import open_cluster, refuse_open_road
from wanbatch.compute.remote import SEE
from wanbatch.media.errands import PROBE
from wanbatch.model.pool import Where
from wanbatch.model.workers import Workers
from wanbatch.words.errors import ExitCode, WanbatchError


def refused(workers: Workers, folder: Path) -> WanbatchError:
    with pytest.raises(WanbatchError) as told:
        open_cluster(workers, folder)
    assert told.value.hints
    return told.value


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


def test_a_scheduler_elsewhere_needs_tls_and_certificates(
    tmp_path: Path, made: Certificates
) -> None:
    plain = refused(Workers(address="dask://10.0.0.7:8786"), tmp_path)
    assert plain.exit_code is ExitCode.REFUSED
    assert "the way there is not encrypted" in plain.message
    bare = refused(Workers(address="tls://10.0.0.7:8786"), tmp_path)
    assert bare.exit_code is ExitCode.REFUSED
    assert "needs certificates, and the profile names none" in bare.message
    whole = Workers(None, "tls://10.0.0.7:8786", str(made.ca), str(made.cert), str(made.key))
    refuse_open_road(whole)
    for name in ("ca_file", "cert_file", "key_file"):
        with pytest.raises(WanbatchError, match="needs certificates"):
            refuse_open_road(replace(whole, **{name: ""}))  # type: ignore[arg-type]
    refuse_open_road(Workers(address="dask://127.0.0.1:8786"))
    refuse_open_road(Workers(address="dask://[::1]:8786"))


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "CONNECT_S", 0.5)
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"dask://127.0.0.1:{unheard.getsockname()[1]}"
        told = refused(Workers(address=url), tmp_path)
    assert told.exit_code is ExitCode.ENVIRONMENT
    assert told.message == (
        f"the scheduler at {url} cannot be reached: it does not answer; nothing was bought"
    )


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path, made: Certificates) -> None:
    files = str(made.ca), str(tmp_path / "gone.pem"), str(made.key)
    told = refused(Workers(None, "tls://127.0.0.1:1", *files), tmp_path)
    assert told.exit_code is ExitCode.ENVIRONMENT
    assert f"cannot be reached: {tmp_path / 'gone.pem'}: No such file" in told.message


def test_the_extra_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "find_spec", lambda _name: None)
    told = refused(Workers(address="dask"), tmp_path)
    assert told.exit_code is ExitCode.ENVIRONMENT
    assert "need the extra dask, which is not installed" in told.message


def test_a_scheduler_without_workers_is_refused(tmp_path: Path) -> None:
    with processes(tmp_path / "dask", 0) as dask:
        told = refused(Workers(address=dask.url), tmp_path)
    assert told.exit_code is ExitCode.ENVIRONMENT
    assert "has no worker; nothing was bought" in told.message


def test_a_worker_that_does_not_see_the_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on another machine: the sign is not there for the worker."""
    with processes(tmp_path / "dask", 1) as dask:
        real = Path.write_bytes
        monkeypatch.setattr(Path, "write_bytes", lambda path, data: real(path, b"other bytes"))
        told = refused(Workers(address=dask.url), tmp_path)
        assert told.exit_code is ExitCode.REFUSED
        assert "does not see the output folder; nothing was sent" in told.message
        monkeypatch.undo()
        monkeypatch.setattr(connecting, "__version__", "9.9")
        other = refused(Workers(address=dask.url), tmp_path)
        assert other.exit_code is ExitCode.ENVIRONMENT
        assert "and this is 9.9" in other.message
    assert list(tmp_path.glob(".workers-*")) == []


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (("failed", "ImportError"), "cannot do the work of wanbatch"),
        (("done", 7), "has wanbatch 7"),
    ],
)
def test_a_worker_that_cannot_do_it_is_refused(said: tuple[str, object], text: str) -> None:
    with pytest.raises(WanbatchError, match=text) as told:
        connecting._refuse_one("tcp://127.0.0.1:1", said)
    assert told.value.exit_code is ExitCode.ENVIRONMENT


def test_workers_that_do_not_answer_are_refused(tmp_path: Path) -> None:
    class Silent:
        workers = ("tcp://127.0.0.1:1",)

        def see(self, worker: str, where: Where) -> tuple[str, object]:
            raise TimeoutError

    with pytest.raises(WanbatchError, match="do not answer; nothing was bought") as told:
        connecting.refuse_blind(Silent(), "dask", tmp_path)  # type: ignore[arg-type]
    assert told.value.exit_code is ExitCode.ENVIRONMENT


def test_a_cluster_of_this_machine_knows_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-canary-0123456789")
    one = video(tmp_path / "one.mp4")
    cluster = open_cluster(Workers(address="dask"), tmp_path, ["SOME_KEY"])
    try:
        found = anyio.run(cluster.submit, PROBE, Where(str(one)))
        local = cluster._local
        assert local is not None
        told = {w.pid: Path(f"/proc/{w.pid}/environ").read_bytes() for w in local.workers}
        assert os.environ["SOME_KEY"] == "sk-canary-0123456789", "ours still knows it"
        assert local.address.startswith("tls://127.0.0.1")
        files = [*Path(local._folder.name).glob("*.pem")]
        assert len(files) == 3
        assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    finally:
        cluster.close()
    assert found.bytes == one.stat().st_size  # type: ignore[union-attr]
    assert len(told) == len(os.sched_getaffinity(0))
    assert not any(b"sk-canary" in text for text in told.values())
    assert all(worker.poll() is not None for worker in local.workers)


# -- another machine -------------------------------------------------------------------


@pytest.fixture
def namespaces() -> Iterator[list[list[str]]]:
    """Two network namespaces that a cable joins: how to run something in each."""
    names = [f"wanbatch-{os.getpid()}-{side}" for side in "ab"]

    def ip(*words: str) -> bool:
        try:
            done = subprocess.run(["ip", *words], capture_output=True, check=False, timeout=20)
        except FileNotFoundError:
            return False
        return done.returncode == 0

    if not all(ip("netns", "add", name) for name in names):
        pytest.skip("this machine allows no network namespaces")
    a, b = names
    ends = "wba0", "wbb0"
    laid = ip("link", "add", ends[0], "netns", a, "type", "veth", "peer", ends[1], "netns", b)
    for name, end, host in zip(names, ends, ("10.77.0.1", "10.77.0.2"), strict=True):
        laid = laid and ip("-n", name, "addr", "add", f"{host}/24", "dev", end)
        laid = laid and ip("-n", name, "link", "set", end, "up")
        laid = laid and ip("-n", name, "link", "set", "lo", "up")
    try:
        if not laid:
            pytest.skip("this machine lets nobody join network namespaces")
        yield [["ip", "netns", "exec", name] for name in names]
    finally:
        for name in names:
            ip("netns", "del", name)


MANIFEST = """\
wanbatch: 1
name: m
defaults: {prompt_extend: false, seconds: 2, media: {first_frame: picture.png}}
jobs:
  - {id: one, prompt: A harbour, seeds: [1, 2]}
run: {backend: emulator}
"""


def test_a_worker_in_another_network_works_over_tls(
    namespaces: list[list[str]], tmp_path: Path, made: Certificates
) -> None:
    import command
    from PIL import Image

    here, there = namespaces
    Image.new("RGB", (320, 240), "teal").save(tmp_path / "picture.png")
    (tmp_path / "m.wanbatch.yaml").write_text(MANIFEST)
    (tmp_path / "dask").mkdir()
    dask = Processes(tmp_path / "dask", "mark", made.words())
    try:
        dask.start_scheduler("10.77.0.1", here)
        dask.start_worker(host="10.77.0.2", within=there)
        dask.wait_for_workers(1)
        assert dask.address.startswith("tls://10.77.0.1:")
        config = tmp_path / "config.toml"
        config.write_text(f"[backends.emulator]\nworkers = {made.table(dask.address)}\n")
        words = [*here, *command.line("run", "m.wanbatch.yaml", "--progress", "none")]
        env = command.environ(
            WANBATCH_CONFIG=str(config), WANBATCH_EMULATOR_OPTIONS="--latency 0.2 --render tiny"
        )
        done = subprocess.run(
            words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert (done.returncode, "warning" in done.stderr) == (0, False), done.stderr
        assert [*(tmp_path / "dask").glob("*.begun")], "it was the worker that worked"
        assert [*(tmp_path / "reports/m/posters").glob("*.webp")]
        stranger = certificates(tmp_path / "stranger")
        config.write_text(f"[backends.emulator]\nworkers = {stranger.table(dask.address)}\n")
        refused = subprocess.run(
            words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert refused.returncode == ExitCode.ENVIRONMENT
        assert "cannot be reached" in refused.stderr
    finally:
        dask.end()


def test_the_sign_is_seen_by_an_honest_worker(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    sign.write_bytes(b"a")
    packed = remote.perform(SEE.name, remote.pack_values([Where(str(sign))]))
    assert connecting._refuse_one("w", remote.unpack_answer(packed)) is None  # type: ignore[func-returns-value]
    with processes(tmp_path / "dask", 1) as dask, opened(dask.url, tmp_path) as pool:
        assert pool.cluster.width >= 2
