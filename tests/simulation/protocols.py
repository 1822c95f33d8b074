"""How the API of a seed speaks: the shapes of its requests and answers, its words and
its ids.

What it may not do: know the engine, or decide what is answered (``gateway`` does).

How it works: one class for each protocol, both made from the published descriptions
(reference A and C) and not from the dialects of the product. Instants are Unix seconds
by the API's own clock.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, Protocol
from urllib.parse import unquote

import httpx
from simulation.circumstances import Naming, Vocabulary

CHINA = timezone(timedelta(hours=8))
RUNNING = {
    "plain": ("queued", "in_progress", "processing", "running"),
    "shouting": ("TASK_STATUS_PROCESSING", "QUEUED", "InProgress", "SUBMITTED"),
    "strange": ("simmering", "kindled", "almost there"),
    "doubtful": ("queued", "in_progress"),
}
FINISHED = {
    "plain": ("completed", "succeeded", "success"),
    "shouting": ("TASK_STATUS_SUCCEED", "COMPLETED", "Success"),
    "strange": ("delivered",),
    "doubtful": ("completed",),
}
FAILED = {
    "plain": ("failed", "failure"),
    "shouting": ("TASK_STATUS_FAIL", "FAILURE"),
    "strange": ("failed",),
    "doubtful": ("cancelled", "expired", "error", "rejected"),
}


class Shapes(Protocol):
    """The answers of a protocol as JSON values."""

    kind: str
    unknown_status: int

    def prompt_of(self, body: Mapping[str, Any]) -> str: ...
    def asked_for(self, request: httpx.Request) -> str: ...
    def is_list(self, request: httpx.Request) -> bool: ...
    def accepted(self, task_id: object, at: float, chance: Random) -> object: ...
    def running(self, task_id: object, at: float, chance: Random) -> dict[str, Any]: ...
    def finished(
        self, task_id: object, began: float, ended: float, url: str, prompt: str, chance: Random
    ) -> object: ...
    def failed(
        self, task_id: object, began: float, ended: float, error: str, chance: Random
    ) -> object: ...
    def said(self, task_id: object, word: str, **more: object) -> object: ...
    def unknown(self, task_id: str) -> object: ...
    def error(self, code: str, message: str) -> object: ...


class GatewayShapes:
    """``/v1/videos`` (reference A), in one of several vocabularies."""

    kind = "gateway"
    unknown_status = 400

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def prompt_of(self, body: Mapping[str, Any]) -> str:
        return str(body["prompt"])

    def asked_for(self, request: httpx.Request) -> str:
        quoted = request.url.raw_path.decode("ascii").partition("/v1/videos/")[2]
        return unquote(quoted.removesuffix("/content"))

    def is_list(self, request: httpx.Request) -> bool:
        return False

    def accepted(self, task_id: object, at: float, chance: Random) -> object:
        name = chance.choice(("id", "task_id"))
        return {name: task_id, "object": "video", "status": "queued", "created_at": int(at)}

    def running(self, task_id: object, at: float, chance: Random) -> dict[str, Any]:
        word = chance.choice(RUNNING[self.vocabulary])
        return {**self.said(task_id, word), "created_at": int(at), "progress": 40}

    def finished(
        self, task_id: object, began: float, ended: float, url: str, prompt: str, chance: Random
    ) -> object:
        return {
            **self.said(task_id, chance.choice(FINISHED[self.vocabulary])),
            "created_at": int(began),
            "progress": 100,
            "completed_at": int(ended),
            "metadata": {"url": url},
        }

    def failed(
        self, task_id: object, began: float, ended: float, error: str, chance: Random
    ) -> object:
        return {
            **self.said(task_id, chance.choice(FAILED[self.vocabulary])),
            "created_at": int(began),
            "completed_at": int(ended),
            "error": {"code": error, "message": "it did not work"},
        }

    def said(self, task_id: object, word: str, **more: object) -> dict[str, Any]:
        return {"id": task_id, "object": "video", "status": word, **more}

    def unknown(self, task_id: str) -> object:
        return {"code": "task_not_exist", "message": "task_not_exist", "data": None}

    def error(self, code: str, message: str) -> object:
        return {"error": {"code": code, "message": message, "type": "error"}}


class DashScopeShapes:
    """``/api/v1`` (reference C): UTC+8 without saying so, failures as 200, a list."""

    kind = "dashscope"
    unknown_status = 200

    def prompt_of(self, body: Mapping[str, Any]) -> str:
        return str(body["input"]["prompt"])

    def asked_for(self, request: httpx.Request) -> str:
        return unquote(request.url.raw_path.decode("ascii").partition("/api/v1/tasks/")[2])

    def is_list(self, request: httpx.Request) -> bool:
        return request.url.path.rstrip("/").endswith("/tasks")

    def accepted(self, task_id: object, at: float, chance: Random) -> object:
        return _enveloped({"task_status": "PENDING", "task_id": task_id})

    def running(self, task_id: object, at: float, chance: Random) -> dict[str, Any]:
        word = chance.choice(("PENDING", "RUNNING", "RUNNING"))
        return _enveloped({"task_id": task_id, "task_status": word, "submit_time": in_china(at)})

    def finished(
        self, task_id: object, began: float, ended: float, url: str, prompt: str, chance: Random
    ) -> object:
        output = {
            **self._ended(task_id, "SUCCEEDED", began, ended),
            "orig_prompt": respelled(prompt, chance),
            "video_url": url,
        }
        usage = {
            "duration": chance.choice((5, 5.04)),
            "output_video_duration": 5,
            "video_count": 1,
            "SR": chance.choice((720, "720")),
        }
        return {**_enveloped(output), "usage": usage}

    def failed(
        self, task_id: object, began: float, ended: float, error: str, chance: Random
    ) -> object:
        output = self._ended(task_id, "FAILED", began, ended)
        return _enveloped({**output, "code": error, "message": "it did not work"})

    def said(self, task_id: object, word: str, **more: object) -> object:
        return _enveloped({"task_id": task_id, "task_status": word, **more})

    def unknown(self, task_id: str) -> object:
        return _enveloped({"task_id": task_id, "task_status": "UNKNOWN"})

    def error(self, code: str, message: str) -> object:
        return {"code": code, "message": message, "request_id": "r-1"}

    def listed(
        self, rows: Sequence[tuple[object, float, str]], page: int, size: int, chance: Random
    ) -> object:
        """One page of the account's tasks: ids, instants and states."""
        shown = rows[(page - 1) * size : page * size]
        names = ("wan2.7-i2v", "WAN2.7-I2V", "wan2.7-i2v-2026-04-02")
        return {
            "request_id": "r-1",
            "total": len(rows),
            "total_page": -(-len(rows) // size),
            "page_no": page,
            "page_size": size,
            "data": [
                {
                    "task_id": task_id,
                    "status": state,
                    "model_name": chance.choice(names),
                    "gmt_create": int(at * 1000),
                    "start_time": int(at * 1000),
                }
                for task_id, at, state in shown
            ],
        }

    def _ended(self, task_id: object, word: str, began: float, ended: float) -> dict[str, Any]:
        return {
            "task_id": task_id,
            "task_status": word,
            "submit_time": in_china(began),
            "scheduled_time": in_china(began),
            "end_time": in_china(ended),
        }


def _enveloped(output: Mapping[str, object]) -> dict[str, Any]:
    return {"output": dict(output), "request_id": "r-1"}


def in_china(at: float) -> str:
    return datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def instant_of(stamp: str) -> float:
    """Unix seconds of a list query's ``YYYYMMDDhhmmss``."""
    return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=CHINA).timestamp()


def respelled(prompt: str, chance: Random) -> str:
    """A prompt as a service may keep it: other line ends, another Unicode form."""
    form = chance.choice(("NFC", "NFD"))
    return unicodedata.normalize(form, prompt).replace("\n", chance.choice(("\n", "\r\n")))


def plain_prompt(prompt: str) -> str:
    """What two spellings of a prompt have in common."""
    return " ".join(unicodedata.normalize("NFC", prompt).split())


def task_name(naming: Naming, number: int) -> str:
    match naming:
        case "uuid":
            return f"{number:08x}-7d1c-4f5a-9b1e-{number * 7919 % 16**12:012x}"
        case "number":
            return str(90_000_000 + number)
        case "odd":
            return f"cgt-2026:{number}/v=1+{number % 7}"
        case _:
            return f"task_{number:04d}"


def shapes_of(protocol: str, vocabulary: Vocabulary) -> GatewayShapes | DashScopeShapes:
    return DashScopeShapes() if protocol == "dashscope" else GatewayShapes(vocabulary)
