"""Lost answers on an API that lists its tasks, and answers in its own spelling. What it
sees must neither be bought twice nor taken from a colleague."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from field.scripted import Answer, Project, ScriptedGateway, dated

CHINA = timezone(timedelta(hours=8))


class ScriptedStudio(ScriptedGateway):
    """DashScope's routes. ``lost`` POSTs are taken and never answered."""

    def __init__(self, *, lost=1, zone_h=0.0, **told):
        super().__init__()
        self.lost, self.told, self.zone_h = lost, told, zone_h
        self.tasks: dict[str, dict[str, str]] = {}
        self.scripts |= {
            "post": self._take,
            "poll": lambda task, n: Answer(200, self._task(task)),
            "list": lambda task, n: Answer(200, self._list()),
            "probe": lambda task, n: Answer(200, {"output": _unknown(task), "request_id": "r"}),
        }

    def _route(self, method, path):
        if method == "POST":
            return "post", ""
        rest = path.partition("/api/v1/tasks/")[2]
        if rest.startswith("?"):
            return "list", ""
        if rest.startswith("00000000"):
            return "probe", rest
        return ("poll", rest) if rest else super()._route(method, path)

    def _take(self, task, n):
        asked = self.posts[-1]
        at = datetime.now(CHINA) + timedelta(hours=self.zone_h)
        now = at.strftime("%Y-%m-%d %H:%M:%S.000")
        self.tasks[task] = {
            "model": self.told.get("model", asked["model"]),
            "prompt": self.told.get("prompt", asked["input"]["prompt"].strip()),
            "at": now,
        }
        if n < self.lost:
            return Answer(0)
        return Answer(200, {"output": {"task_id": task, "task_status": "PENDING"}})

    def _task(self, task):
        known = self.tasks[task]
        output = {
            "task_id": task,
            "task_status": "SUCCEEDED",
            "submit_time": known["at"],
            "scheduled_time": known["at"],
            "end_time": known["at"],
            "orig_prompt": known["prompt"],
            "video_url": f"{self.address}/link/{task}.mp4",
        }
        usage = self.told.get("usage", {"duration": 2, "video_count": 1, "SR": 720})
        return {"output": output, "usage": usage, "request_id": "r"}

    def _list(self):
        rows = [
            {
                "task_id": task,
                "status": "SUCCEEDED",
                "model_name": known["model"],
                "start_time": _millis(known["at"]),
                "gmt_create": _millis(known["at"]),
            }
            for task, known in self.tasks.items()
        ]
        return {"total": len(rows), "total_page": 1, "page_no": 1, "page_size": 50, "data": rows}


def _millis(text):
    return (
        int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=CHINA).timestamp())
        * 1000
    )


def _unknown(task):
    return {"task_id": task, "task_status": "UNKNOWN"}


def scene(tmp_path, studio, prompt="A harbour", more=""):
    quiet = "quiet_period = 1\nsubmit_timeout = 3\n" + more
    return Project(tmp_path, studio, prompt=prompt, kind="dashscope", more=quiet + MEDIA)


MEDIA = ""


@pytest.fixture(autouse=True)
def public_picture(monkeypatch):
    """A picture that needs no delivery: DashScope takes public addresses."""
    import field.scripted as scripted

    monkeypatch.setattr(
        scripted,
        "MANIFEST",
        scripted.MANIFEST.replace("picture.png", '"https://example.com/picture.png"'),
    )


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("|\n      A harbour\n      at dawn\n", {}),
        ('"A harbour\\n"', {"model": "WAN2.7-I2V"}),
        ('"A harbour"', {"model": "wan2.7-i2v-2026-04-25"}),
    ],
)
def test_a_lost_answer_is_found_in_the_list_however_the_service_spells_it(tmp_path, prompt, told):
    with ScriptedStudio(**told) as studio:
        project = scene(tmp_path, studio, prompt)
        project.run()
        assert project.run().returncode == 0
        assert len(studio.posts) == 1
        assert project.states() == ["done"]


@pytest.mark.parametrize(
    "told",
    [
        {"prompt": "A  HARBOUR"},
        {"prompt": "Another", "model": "wan2.7-i2v"},
        {"prompt": "A harbour", "model": "wan2.6-t2v"},
        {"usage": {"duration": 10, "SR": 720}},
        {"usage": {"duration": 2, "SR": "1080"}},
    ],
)
def test_what_may_be_ours_and_may_be_a_colleagues_is_neither_bought_nor_taken(tmp_path, told):
    with ScriptedStudio(**told) as studio:
        project = scene(tmp_path, studio)
        project.run()
        done = project.run()
        assert len(studio.posts) == 1
        assert project.states() == ["uncertain"]
        assert done.returncode in (1, 3)


def test_on_a_shared_account_a_person_decides(tmp_path):
    with ScriptedStudio() as studio:
        project = scene(tmp_path, studio, more="shared_account = true\n")
        project.run()
        project.run()
        assert (len(studio.posts), project.states()) == (1, ["uncertain"])


@pytest.mark.parametrize("wrong_s", [-600.0, 600.0, -56 * 365 * 86_400.0])
def test_one_wrong_date_of_the_probe_does_not_make_reconciling_blind(tmp_path, wrong_s):
    """The list of another node shows nothing: by clocks that changed it proves
    nothing."""
    with ScriptedStudio() as studio:
        real = studio.scripts["probe"]
        studio.scripts["probe"] = lambda task, n: replace(
            real(task, n), date_s=wrong_s if n == 0 else 0.0
        )
        project = scene(tmp_path, studio)
        project.run()
        project.run()
        project.run()
        assert len(studio.posts) == 1
        assert json.dumps(project.states()) in ('["done"]', '["uncertain"]')


@pytest.mark.parametrize("wrong_s", [-600.0, 600.0])
def test_a_date_that_is_always_wrong_does_not_make_reconciling_blind(tmp_path, wrong_s):
    """A proxy's clock is wrong, the service's own times are right: the task is in the
    list."""
    with ScriptedStudio() as studio:
        for kind, script in list(studio.scripts.items()):
            studio.scripts[kind] = dated(script, wrong_s)
        project = scene(tmp_path, studio)
        project.run()
        project.run()
        project.run()
        assert (len(studio.posts), project.states()) == (1, ["uncertain"])


@pytest.mark.parametrize("zone_h", [-8.0, 8.0, -13.0, 5.5])
def test_a_list_that_tells_the_time_of_another_zone_proves_no_absence(tmp_path, zone_h):
    """Its ``Date`` is right: nothing but the hours of its own tasks gives it away."""
    with ScriptedStudio(zone_h=zone_h) as studio:
        project = scene(tmp_path, studio)
        project.run()
        project.run()
        project.run()
        assert (len(studio.posts), project.states()) == (1, ["uncertain"])


class StudioInUtc(ScriptedStudio):
    """Reads the instants that it is asked for in UTC, not in China's time."""

    def answer(self, method, path, body):
        self.asked_for = parse_qs(urlsplit(path).query)
        return super().answer(method, path, body)

    def _list(self):
        begun, ended = (
            datetime.strptime(self.asked_for[name][0], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            for name in ("start_time", "end_time")
        )
        whole = super()._list()
        rows = [
            r
            for r in whole["data"]
            if begun.timestamp() <= r["gmt_create"] / 1000 < ended.timestamp()
        ]
        return whole | {"data": rows, "total": len(rows)}


def test_a_list_that_reads_our_hours_in_another_zone_is_asked_for_those_hours_too(tmp_path):
    with StudioInUtc() as studio:
        project = scene(tmp_path, studio)
        project.run()
        project.run()
        assert (len(studio.posts), project.states()) == (1, ["done"])


def test_a_list_that_lacks_what_was_accepted_since_proves_nothing(tmp_path):
    """As the list of another workspace would: the key was changed between two runs."""
    with ScriptedStudio(lost=1) as studio:
        studio.scripts["list"] = lambda task, n: Answer(
            200, {"total": 0, "total_page": 1, "page_no": 1, "page_size": 50, "data": []}
        )
        project = scene(tmp_path, studio)
        project.write(jobs=2)
        project.run()
        project.run()
        project.run()
        assert sorted(project.states()) == ["done", "uncertain"]
        assert len(studio.posts) == 2
