"""Which workers a command has: its own word first, then the profile's, whose
certificates serve both."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from wanbatch.compute.threads import Threads, cores
from wanbatch.config.profiles import load_profiles, resolve_profile
from wanbatch.model.pool import Errand, Lane
from wanbatch.model.workers import FORM, Workers, read_workers
from wanbatch.operations.asking import planning_options
from wanbatch.operations.pools import choose_workers, do_all, open_pool, opened_pool, threads
from wanbatch.words.errors import ExitCode, WanbatchError


def with_files(address: str) -> Workers:
    return Workers(None, address, "/ca", "/cert", "/key")


@pytest.mark.parametrize(
    ("text", "workers"),
    [
        ("1", Workers(1)),
        ("1024", Workers(1024)),
        ("dask", Workers(address="dask")),
        ("dask://127.0.0.1:8786", Workers(address="dask://127.0.0.1:8786")),
        ("tls://[::1]:1/", Workers(address="tls://[::1]:1")),
        ("tls://gpu-1.lab.test:8786", Workers(address="tls://gpu-1.lab.test:8786")),
    ],
)
def test_what_names_workers(text: str, workers: Workers) -> None:
    assert read_workers(text) == workers


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "1025", "-1", "1.5", "²", " 1", "Dask", "dask://", "dask://h", "dask://h:0"),
        *("tls://h:65536", "tcp://h:1", "dask://u:p@h:1", "dask://h:1/path", "tls://h:1\n"),
    ],
)
def test_what_names_none(text: str) -> None:
    assert read_workers(text) is None
    with pytest.raises(WanbatchError, match="names no workers") as told:
        choose_workers(text, Workers())
    assert (told.value.exit_code, told.value.hints) == (ExitCode.INVALID, (f"it is {FORM}",))


def test_where_a_scheduler_is() -> None:
    def here(text: str) -> bool:
        found = read_workers(text)
        assert found is not None
        return found.is_on_this_machine

    assert here("dask")
    assert here("4")
    assert here("tls://localhost:1")
    assert here("dask://[::1]:1")
    assert not here("dask://10.0.0.1:1")
    assert not here("tls://localhost.test:1")


def test_a_commands_word_comes_before_the_profiles() -> None:
    profile = with_files("tls://h:1")
    assert choose_workers(None, profile) is profile
    assert choose_workers("tls://other:2", profile) == with_files("tls://other:2")
    assert choose_workers("3", profile).threads == 3
    assert choose_workers("3", profile).address == ""


def profile(tmp_path: Path, line: str) -> Workers:
    path = tmp_path / "config.toml"
    path.write_text(f"[backends.emulator]\n{line}\n")
    return resolve_profile(load_profiles({}, path), "emulator", {}).workers


def test_a_profile_names_workers(tmp_path: Path) -> None:
    assert profile(tmp_path, "") == Workers()
    assert profile(tmp_path, "workers = 3") == Workers(3)
    assert profile(tmp_path, 'workers = "dask"') == Workers(address="dask")
    table = (
        'workers = { address = "tls://h:1", ca_file = "/ca", cert_file = "/cert",'
        ' key_file = "/key" }'
    )
    assert profile(tmp_path, table) == with_files("tls://h:1")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("workers = 0", "backends.emulator.workers: must be a whole number from 1 to 1024"),
        ('workers = "many"', f"backends.emulator.workers: must be {FORM}"),
        ("workers = true", "backends.emulator.workers: must be a whole number"),
        ("workers = {}", "backends.emulator.workers.address: must be"),
        ('workers = { address = "4" }', "backends.emulator.workers.address: must be"),
        ('workers = { address = "dask", key = "x" }', "backends.emulator.workers.key: no such"),
    ],
)
def test_a_profile_that_names_none_is_refused(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(WanbatchError) as refused:
        profile(tmp_path, line)
    assert told in refused.value.message


def test_a_program_names_workers_by_number_or_text() -> None:
    assert planning_options("m.yaml", workers=3).workers == "3"
    assert planning_options("m.yaml", workers="dask").workers == "dask"
    assert planning_options("m.yaml").workers is None
    for wrong in (0, True, "many", 1.5):
        with pytest.raises(WanbatchError, match="workers="):
            planning_options("m.yaml", workers=wrong)  # type: ignore[arg-type]


def test_without_a_word_there_are_threads(tmp_path: Path) -> None:
    pool = open_pool(Workers(), tmp_path, ())
    assert isinstance(pool, Threads)
    assert pool.width == cores()
    pool.close()
    with opened_pool(Workers(5), tmp_path, ()) as five:
        assert five.width == 5


def test_a_list_comes_back_in_its_order_and_side_by_side() -> None:
    barrier = threading.Barrier(2)

    def work(number: int) -> int:
        if number < 2:
            barrier.wait(20)
        return number * number

    with threads() as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "width", 2)
        errand = Errand(work, int, Lane.SOON)
        assert do_all(pool, errand, [(n,) for n in range(7)]) == [0, 1, 4, 9, 16, 25, 36]
        assert do_all(pool, errand, []) == []
