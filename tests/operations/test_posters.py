"""Posters that the store lacks: put there by whoever comes next, from the videos that
live there alone, and never at anybody's cost."""

import math
from types import SimpleNamespace

import anyio
import pytest
from engine.scripted_api import MemoryArchive

from wanbatch.compute.threads import Threads
from wanbatch.model.archive import archived_name, archived_poster
from wanbatch.operations import posters as posters_module
from wanbatch.operations.posters import ask_for_posters, hand_in_posters, put_posters
from wanbatch.report.write import poster_name

SHA = ["ab" + "1" * 62, "ab" + "2" * 62, "cd" + "3" * 62]


@pytest.fixture(name="archive")
def _archive():
    return MemoryArchive()


def subject(sha256, path=None, manifest="m"):
    return SimpleNamespace(manifest=manifest, path=path or archived_name(sha256))


def poster_of(output, sha256, manifest="m"):
    path = output / manifest / poster_name(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a poster")
    return path


def test_it_asks_once_for_each_folder_and_never_without_a_video_there(archive):
    assert not ask_for_posters(archive, [subject(SHA[0], "m/videos/one.mp4")])
    assert archive.posters.asked == []
    archive.objects[archived_poster(SHA[0])] = b"a poster"
    assert ask_for_posters(archive, [subject(sha256) for sha256 in (*SHA, *SHA)])
    assert sorted(archive.posters.asked) == ["learn ab", "learn cd"]
    assert [archive.posters.has(sha256) for sha256 in SHA] == [True, False, False]


def test_a_silent_store_is_told_and_asked_no_more(archive, monkeypatch):
    monkeypatch.setattr(posters_module, "AT_ONCE", 1)
    archive.posters.is_silent = True
    assert not ask_for_posters(archive, [subject(sha256) for sha256 in SHA])
    assert archive.posters.asked == ["learn ab"]


def test_what_lies_here_alone_is_put(archive, tmp_path):
    for sha256 in SHA[:2]:
        poster_of(tmp_path, sha256)
    archive.sizes[archived_poster(SHA[1])] = 8
    poster_of(tmp_path, SHA[2])
    home = subject(SHA[2], "m/videos/one.mp4")
    hand_in_posters(archive, tmp_path, [*map(subject, SHA[:2]), home], math.inf)
    assert archive.objects == {archived_poster(SHA[0]): b"a poster"}
    assert archive.posters.asked == ["keep ab"], "one is there, the other's video is not"


def test_of_two_manifests_the_one_that_has_it_gives_it(archive, tmp_path):
    poster_of(tmp_path, SHA[0], "second")
    both = [subject(SHA[0], manifest=name) for name in ("first", "second")]
    hand_in_posters(archive, tmp_path, both)
    assert archive.posters.has(SHA[0])


def test_a_store_that_does_not_take_them_costs_nothing(archive, tmp_path):
    archive.posters.is_silent = True
    poster_of(tmp_path, SHA[0])
    hand_in_posters(archive, tmp_path, [subject(SHA[0])])
    assert archive.objects == {}
    assert archive.trouble == ""


def test_it_takes_no_longer_than_it_may(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(posters_module, "AT_ONCE", 1)
    for sha256 in SHA:
        poster_of(tmp_path, sha256)
    subjects = [subject(sha256) for sha256 in SHA]
    pool = Threads(1)
    anyio.run(put_posters, pool, archive, tmp_path, subjects, 0.0)
    pool.close()
    assert len(archive.objects) == 0
