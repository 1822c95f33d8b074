"""What a task's answer says, in other words: status, reasons, envelopes, ids,
addresses.

What it may not do: I/O, know a task beyond its answer.

How it works: pure functions from a rule and a JSON value to another. The task's own
object is the whole answer of the gateway, and ``output`` of DashScope's.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from wanbatch.emulator.faults.script import Rule
from wanbatch.emulator.ids import new_task_id

_ADDRESSES = ("metadata", "video_url")
"""Where the emulator puts a result's address by itself."""

Fields = Mapping[str, object]


def reworded(rule: Rule, answer: Fields) -> dict[str, object]:
    """The answer as a ``say`` rule has it. An answer without a status is left as it
    is."""
    task = answer.get("output")
    if isinstance(task, dict) and "task_status" in task:
        told = _said(rule, task, "task_status")
        return _enveloped(rule, told, {**answer, "output": told})
    if "status" not in answer:
        return dict(answer)
    said = _said(rule, answer, "status")
    return _enveloped(rule, said, said)


def _said(rule: Rule, task: Fields, word_key: str) -> dict[str, object]:
    said = dict(task)
    if "word" in rule.details:
        said[word_key] = rule.text("word")
    if "progress" in rule.details:
        said["progress"] = rule.details["progress"]
    if rule.details.keys() & {"code", "message", "reason"}:
        said = _failing(rule, said, word_key)
    fields = rule.details.get("fields")
    said |= fields if isinstance(fields, dict) else {}
    return {k: v for k, v in said.items() if v is not None}


def _failing(rule: Rule, task: Fields, word_key: str) -> dict[str, object]:
    """A failure has a reason, and no result."""
    said = {k: v for k, v in task.items() if k not in (*_ADDRESSES, "error")}
    if "reason" in rule.details:
        said["fail_reason"] = rule.text("reason")
    if rule.details.keys() & {"code", "message"}:
        error = {"code": rule.text("code"), "message": rule.text("message")}
        said |= error if word_key == "task_status" else {"error": error}
    return said


def _enveloped(rule: Rule, task: object, whole: Fields) -> dict[str, object]:
    wrapped: dict[str, object]
    match rule.text("envelope"):
        case "data":
            wrapped = {"code": "success", "message": "", "data": task}
        case "list":
            wrapped = {"code": "success", "message": "", "data": [task]}
        case "output":
            wrapped = {"output": task, "request_id": str(uuid.uuid4())}
        case _:
            wrapped = dict(whole)
    outer = rule.text("outer")
    return wrapped | {"status": outer} if outer else wrapped


def readdressed(answer: Fields, place: str, address: str) -> dict[str, object]:
    """The answer with its result's address at ``place`` alone; ``none`` is nowhere."""
    output = answer.get("output")
    if isinstance(output, dict) and "task_status" in output:
        return dict(answer) | {"output": readdressed(output, place, address)}
    bare: dict[str, object] = {k: v for k, v in answer.items() if k not in _ADDRESSES}
    if place == "none" or not address:
        return bare
    placed = put_at(bare, place.split("."), address)
    return placed if isinstance(placed, dict) else bare


def put_at(value: object, steps: list[str], what: object) -> object:
    """``value`` with ``what`` at the end of ``steps``; a number is an item of a
    list."""
    if not steps:
        return what
    step, *rest = steps
    if step.isdigit():
        return [put_at(None, rest, what)]
    fields = value if isinstance(value, dict) else {}
    return {**fields, step: put_at(fields.get(step), rest, what)}


def misplaced_id(form: str, answer: Fields) -> dict[str, object]:
    """A submit's answer with the id only in ``data``, or beside a second one."""
    output = answer.get("output")
    task = output if isinstance(output, dict) else answer
    if form == "wrapped":
        task_id = task.get("task_id") or task.get("id")
        return {"code": "success", "message": "", "data": {"task_id": task_id}}
    other = "video_" + new_task_id().removeprefix("task_")
    if isinstance(output, dict):
        return dict(answer) | {"output": output | {"id": other}}
    return dict(answer) | {"id": other}
