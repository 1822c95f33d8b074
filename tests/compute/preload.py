"""What a worker of a test loads before it starts (``dask worker --preload``), so that
it misbehaves as the variable ``MISBEHAVE`` says: it waits, lies, fails, or answers with
an object."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from wanbatch.compute import remote

_real_pack, _real_perform = remote._pack, remote.perform
FOLDER = Path(os.environ.get("MISBEHAVE_IN", "."))
HOW = os.environ.get("MISBEHAVE", "")


class Bomb:
    """Goes off where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (FOLDER / "unpickled",))


def _tampered(found: dict[str, Any]) -> dict[str, Any]:
    if "sha256" in found:
        return found | {"sha256": "0" * 64}
    if "wrote" in found:
        return found | {"wrote": dict.fromkeys(found["wrote"], "0" * 64)}
    return found


def _pack(answer: dict[str, Any]) -> bytes:
    if HOW == "lie" and isinstance(answer.get("done"), dict):
        answer = {"done": _tampered(answer["done"])}
    if HOW == "babble" and isinstance(answer.get("done"), dict):
        return b"\xc1 no msgpack"
    return _real_pack(answer)


def perform(name: str, parcel: remote.Parcel) -> object:
    if name != remote.SEE.name:
        (FOLDER / f"{os.getpid()}.begun").touch()
        while HOW == "wait" and not (FOLDER / "go on").exists():
            time.sleep(0.02)
        if HOW == "bomb":
            return Bomb()
        if HOW == "fail":
            raise RuntimeError("a text that nobody sees")
    return _real_perform(name, parcel)


if HOW:
    remote._pack, remote.perform = _pack, perform  # type: ignore[assignment]
