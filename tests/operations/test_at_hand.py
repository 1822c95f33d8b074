"""Copies of videos in a store: brought for a look, gone after it, and never removed
where the store is not known to have the video."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from builders import attempt, follow, job
from engine.scripted_api import MemoryArchive

from wanbatch.model.archive import archived_name, archived_poster
from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.model.looked import Undecodable
from wanbatch.model.measures import Level, References, Targets
from wanbatch.operations.at_hand import drop_copies, look_with_copies
from wanbatch.operations.viewings import Viewing
from wanbatch.testing.pool import AtOnce

SHA = {"ab": "ab" + "1" * 62, "cd": "cd" + "2" * 62}
NAME = {key: archived_name(sha) for key, sha in SHA.items()}
FOUND = Undecodable("it is no video")


@pytest.fixture(name="archive")
def _archive():
    archive = MemoryArchive()
    archive.objects = {NAME["ab"]: b"a video", NAME["cd"]: b"another"}
    archive.sizes = {name: len(data) for name, data in archive.objects.items()}
    return archive


def plan(*media):
    request = SimpleNamespace(media=media)
    return SimpleNamespace(jobs=[SimpleNamespace(request=request)])


def answering(found):
    """A look that finds this, whatever it sees."""

    async def look(_pool, _viewing):
        return found

    return look


def look_at(look, output, archive, plan, viewing):
    """One wrapped look."""
    return anyio.run(look_with_copies(look, output, archive, plan), AtOnce(), viewing)


def viewing(video, **references):
    return Viewing(("sha", ""), video, References(**references), Targets(), Level.ALL)


def test_a_video_is_brought_looked_at_and_goes(tmp_path, archive):
    seen = []

    async def look(_pool, viewing):
        seen.append((viewing.video.read_bytes(), viewing.references.first_clip.read_bytes()))
        return FOUND

    video, clip = tmp_path / NAME["ab"], tmp_path / NAME["cd"]
    given = viewing(video, first_clip=clip)
    assert look_at(look, tmp_path, archive, plan(), given) is FOUND
    assert seen == [(b"a video", b"another")]
    assert not video.exists()


def test_what_cannot_be_had_is_not_known(tmp_path, archive):
    del archive.objects[NAME["ab"]]
    given = viewing(tmp_path / NAME["ab"])
    assert look_at(answering(FOUND), tmp_path, archive, plan(), given) is None


def test_a_copy_stays_where_another_is_made_from_one_or_nothing_was_found(tmp_path, archive):
    video = tmp_path / NAME["ab"]
    chained = plan(SimpleNamespace(upstream="fingerprint"))
    assert look_at(answering(FOUND), tmp_path, archive, chained, viewing(video)) is FOUND
    assert video.exists()
    assert look_at(answering(None), tmp_path, archive, plan(), viewing(video)) is None
    assert video.exists()
    archive.sizes.clear()
    look_at(answering(FOUND), tmp_path, archive, plan(), viewing(video))
    assert video.exists(), "the store is not known to have it"


POSTER = archived_poster(SHA["ab"])


def showing(viewing, output, *, is_known=False, **targets):
    """The viewing with files that are missing."""
    poster = output / "m" / "posters" / "one.webp"
    wanted = Targets(poster, **targets)
    return replace(viewing, targets=wanted, is_known=is_known)


def painting(seen):
    """A look that makes the poster."""

    async def look(_pool, viewing):
        seen.append(viewing.video.read_bytes())
        viewing.targets.poster.parent.mkdir(parents=True, exist_ok=True)
        viewing.targets.poster.write_bytes(b"painted here")
        return FOUND

    return look


def test_a_poster_that_was_made_goes_to_the_store_once(tmp_path, archive):
    given = showing(viewing(tmp_path / NAME["ab"]), tmp_path)
    assert look_at(painting([]), tmp_path, archive, plan(), given) is FOUND
    assert archive.objects[POSTER] == b"painted here"
    look_at(painting([]), tmp_path, archive, plan(), given)
    assert archive.posters.asked == ["keep ab"]


def test_a_poster_that_cannot_be_put_costs_nothing(tmp_path, archive):
    archive.posters.is_silent = True
    given = showing(viewing(tmp_path / NAME["ab"]), tmp_path)
    assert look_at(painting([]), tmp_path, archive, plan(), given) is FOUND
    assert not given.video.exists(), "the copy went as always"
    assert archive.trouble == ""
    look_at(answering(FOUND), tmp_path, archive, plan(), viewing(tmp_path / NAME["cd"]))
    given.targets.poster.unlink()
    archive.posters.is_silent = False
    assert look_at(answering(FOUND), tmp_path, archive, plan(), given) is FOUND, "none was made"


def test_of_a_video_that_lives_here_no_poster_is_put(tmp_path, archive):
    video = tmp_path / "m" / "videos" / "one.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"mine")
    look_at(painting([]), tmp_path, archive, plan(), showing(viewing(video), tmp_path))
    assert archive.posters.asked == []


def test_where_the_poster_alone_is_missing_the_video_stays_there(tmp_path, archive):
    archive.objects[POSTER] = b"from the store"
    seen: list[Viewing] = []
    given = showing(viewing(tmp_path / NAME["ab"]), tmp_path, is_known=True)
    assert look_at(painting(seen), tmp_path, archive, plan(), given) is None
    assert given.targets.poster.read_bytes() == b"from the store"
    assert seen == []
    assert not given.video.exists()


def test_where_more_is_missing_or_no_poster_is_there_it_is_looked_at(tmp_path, archive):
    seen: list[Viewing] = []
    given = viewing(tmp_path / NAME["ab"])
    assert look_at(
        painting(seen), tmp_path, archive, plan(), showing(given, tmp_path, is_known=True)
    )
    archive.objects[POSTER] = b"from the store"
    for one in (
        showing(given, tmp_path),
        showing(given, tmp_path, is_known=True, frames=tmp_path / "m" / "frames.webp"),
    ):
        assert look_at(painting(seen), tmp_path, archive, plan(), one) is FOUND
        assert one.targets.poster.read_bytes() == b"painted here"
    assert len(seen) == 3


def test_what_lies_elsewhere_is_left_alone(tmp_path, archive):
    own, other = tmp_path / "m" / "videos" / "one.mp4", tmp_path.parent / "outside.mp4"
    own.parent.mkdir(parents=True)
    for path in (own, other):
        path.write_bytes(b"mine")
        look_at(answering(FOUND), tmp_path, archive, plan(), viewing(path))
        assert path.read_bytes() == b"mine"


def test_at_the_end_copies_go_but_those_that_were_not_looked_at(tmp_path, archive):
    rows = [
        replace(attempt(job(), n), state=State.STORED, path=NAME[key], sha256=SHA[key])
        for n, key in ((1, "ab"), (2, "cd"))
    ]
    rows.append(replace(attempt(job(), 3), state=State.STAGED, path="m/videos/one.mp4"))
    for row in rows:
        (tmp_path / row.path).parent.mkdir(parents=True)
        (tmp_path / row.path).write_bytes(b"bytes")
    subject = SimpleNamespace(path=NAME["cd"])
    viewings: Any = SimpleNamespace(subjects=lambda *_: [subject], needed=lambda one: one)
    snapshot = Snapshot(tuple(rows), ())
    drop_copies(tmp_path, archive, viewings, plan(), snapshot)
    assert [(tmp_path / row.path).exists() for row in rows] == [False, True, True]
    drop_copies(tmp_path, archive, None, plan(), snapshot)
    assert [(tmp_path / row.path).exists() for row in rows] == [False, False, True]
    drop_copies(tmp_path, archive, None, plan(*follow("x")[:0]), snapshot)
