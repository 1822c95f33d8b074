"""What travels to a worker and back: nothing that shows itself, nothing but msgpack,
and no word of an error's text."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import msgpack
import pytest

from wanbatch import __version__
from wanbatch.compute.remote import (
    ANSWER_LIMIT_BYTES,
    SEE,
    Parcel,
    errand_called,
    pack_values,
    perform,
    unpack_answer,
)
from wanbatch.media.errands import HASH, PROBE
from wanbatch.model.pool import Misfit, Where, where
from wanbatch.videos.errands import LOOK, STILL

SIGNED = "https://store.test/v.mp4?Signature=secret"


def test_a_parcel_shows_nothing_and_holds_what_was_packed(tmp_path: Path) -> None:
    parcel = pack_values([Where(SIGNED), {"a": [1, 2.5, None]}])
    for text in (repr(parcel), str(parcel), f"{parcel!r}"):
        assert text == "Parcel(…)"
    again = pickle.loads(pickle.dumps(parcel))
    assert isinstance(again, Parcel)
    assert again.packed == parcel.packed
    assert "secret" not in repr(Where(f"/folder/secret/{'v.mp4'}"))
    with pytest.raises(TypeError, match="a PosixPath does not travel"):
        pack_values([tmp_path])


@pytest.mark.parametrize("errand", [HASH, PROBE, LOOK, STILL, SEE])
def test_errands_of_this_house_are_found_by_name(errand) -> None:
    assert errand_called(errand.name) is errand


@pytest.mark.parametrize(
    "name",
    ["os:system", "wanbatch.media.errands:nothing", "wanbatch.cli.main:main", "", "subprocess:run"],
)
def test_nothing_else_is_run(name: str) -> None:
    with pytest.raises(LookupError):
        errand_called(name)
    assert unpack_answer(perform(name, pack_values([]))) == ("failed", "LookupError")


def test_a_worker_looks_whether_it_sees_the_same_bytes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a")
    digest = hashlib.sha256(b"a").hexdigest()

    def see(sha256: str, path: Path = file) -> tuple[str, object]:
        return unpack_answer(perform(SEE.name, pack_values([where(path, sha256)])))

    assert see(digest) == see("") == ("done", __version__)
    assert SEE.read(__version__) == __version__
    assert see("ab" * 32) == ("unseen", "sees other bytes in a file")
    assert see("", tmp_path / "gone") == ("unseen", "does not see a file that is there")
    with pytest.raises(Misfit):
        SEE.read(7)


def test_what_goes_wrong_is_told_by_its_kind_alone() -> None:
    assert unpack_answer(perform(HASH.name, Parcel(b"\xc1"))) == ("failed", "FormatError")
    code = msgpack.packb([msgpack.ExtType(9, b"x")])
    assert unpack_answer(perform(HASH.name, Parcel(code))) == ("failed", "ValueError")
    assert unpack_answer(perform(HASH.name, pack_values([SIGNED]))) == ("failed", "AttributeError")


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\xc1",
        msgpack.packb({}),
        msgpack.packb({"done": 1}) + b"\x01",
        msgpack.packb({"done": 1, "more": 2}),
        msgpack.packb({"unseen": 7}),
        msgpack.packb({1: 2}),
        msgpack.packb("done"),
        b"\x00" * (ANSWER_LIMIT_BYTES + 1),
    ],
    ids=range(9),
)
def test_what_is_no_answer_is_refused(packed: bytes) -> None:
    with pytest.raises(Misfit):
        unpack_answer(packed)
