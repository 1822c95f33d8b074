"""Which task a call is about, and at which addresses its result stands.

What it may not do: change a task, answer a call.

How it works: reads ids out of paths and looks them up in the service. What the fault
script can ask about a call (``Call``) is gathered here.
"""

from __future__ import annotations

import math
import re
import time

from wanbatch.emulator.faults.script import Call
from wanbatch.emulator.ids import file_stem, id_of_segment, segment_of
from wanbatch.emulator.service import Service
from wanbatch.emulator.signed_urls import Links
from wanbatch.emulator.task import Phase, Task

_OF_A_TASK = re.compile(r"(/v1/videos/|/api/v1/tasks/)([^/]+)((?:/content|/cancel)?)")
_OF_A_RESULT = re.compile(r"/results/([^/]+)")
_PHASES = {
    Phase.PENDING: "running",
    Phase.RUNNING: "running",
    Phase.SUCCEEDED: "finished",
    Phase.FAILED: "failed",
    Phase.CANCELED: "failed",
}


class Whereabouts:
    """Tasks and addresses of one emulator."""

    def __init__(self, service: Service, links: Links) -> None:
        self._service = service
        self._links = links

    def call(self, route: str, path: str) -> Call:
        """What a fault script can ask about a call of ``route`` at ``path``."""
        by = "" if route != "content" else "link" if _OF_A_RESULT.fullmatch(path) else "api"
        task = self.task_at(path)
        if task is None:
            return Call(by=by, is_probe=route == "status")
        number = 1 + list(self._service.tasks).index(task.id)
        return Call(task.id, number, _PHASES[task.phase], by)

    def task_at(self, path: str) -> Task | None:
        """The task that an address is about."""
        result = _OF_A_RESULT.fullmatch(path)
        if result is not None:
            return self._service.find_result(result[1])
        about = _OF_A_TASK.fullmatch(path)
        return self._service.tasks.get(id_of_segment(about[2])) if about else None

    def link(self, path: str, life_s: float | None = None) -> str:
        """A signed address of the result of the task that ``path`` is about; empty
        where there is none.

        It is good for ``life_s`` seconds from now, or as long as the result.
        """
        task = self.task_at(path)
        if task is None or task.phase is not Phase.SUCCEEDED:
            return ""
        until = self._service.expires_at(task)
        if life_s is not None:
            until = min(until, math.ceil(time.time() + life_s))
        return self._links.sign(f"/results/{file_stem(task.id)}.mp4", until)

    def content_path(self, path: str) -> str:
        """The path of the content route for the task that ``path`` is about."""
        task = self.task_at(path)
        return f"/v1/videos/{segment_of(task.id)}/content" if task is not None else ""

    def path_of_another(self, path: str) -> str:
        """``path`` with the id of another task, of a finished one if any; empty where
        there is none."""
        about, task = _OF_A_TASK.fullmatch(path), self.task_at(path)
        if about is None or task is None:
            return ""
        others = [
            one
            for one in self._service.tasks.values()
            if one.dialect == task.dialect and one is not task
        ]
        if not others:
            return ""
        chosen = next((one for one in others if one.phase is Phase.SUCCEEDED), others[0])
        return f"{about[1]}{chosen.id.replace('/', '%2F')}{about[3]}"
