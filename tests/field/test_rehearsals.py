"""What public gateways answer, rehearsed: the real command against the emulator's fault
scripts.

Each script is what a user could write; what the run must make of it stands in the
lifecycle page. The emulator's own books tell what was bought.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import urlopen

import pytest
from field.scripted import Project

from wanbatch.emulator.process import start_emulator


@contextmanager
def rehearsal(folder: Path, script: str, *options: str, **given):
    """A project whose gateway is an emulator that plays ``script`` (the items of
    ``faults``)."""
    path = folder / "faults.yaml"
    path.write_text(f"faults:\n{script}\n")
    words = ("--render", "cached", "--script", str(path), *options)
    with start_emulator(folder / "store", *words) as emulator:
        yield Project(folder / "project", SimpleNamespace(address=emulator.base_url), **given)


def books(project: Project) -> dict[str, Any]:
    with urlopen(f"{project.gateway.address}/__books") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def shown(project: Project, command: str, *words: str) -> str:
    done = project.call(command, project.manifest.name, *words, "--backend", "rough")
    return done.stdout + done.stderr


def served(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in (folder / "store/videos").glob("*.mp4")}


FINISHED = "route: status, while: finished"
COMES_HOME = {
    "done": f"  - {{{FINISHED}, do: say, word: done}}",
    "SUCCESS": f"  - {{{FINISHED}, do: say, word: SUCCESS}}",
    "processing": "  - {route: status, while: running, do: say, word: processing}",
    "data": f"  - {{{FINISHED}, do: say, word: SUCCESS, progress: 100%, envelope: data}}",
    "outer": f"  - {{{FINISHED}, do: say, word: success, envelope: list, outer: failed}}",
    "output": f"  - {{{FINISHED}, do: say, word: Finished, envelope: output}}",
    "running, wrapped": (
        "  - {route: status, while: running, do: say, word: IN_PROGRESS, progress: 30%, "
        "envelope: data, outer: success}"
    ),
    "unknown word at 100": f"  - {{{FINISHED}, do: say, word: flambeed, progress: 100%}}",
    "failed for a poll": (
        f"  - {{{FINISHED}, per_task: true, times: 1, do: say, word: failed, message: too busy}}"
    ),
    "completed, then failed": (
        f"  - {{{FINISHED}, per_task: true, call: [2, 3], do: say, word: failed, reason: too"
        " busy}\n"
        "  - {route: content, times: 3, do: short_body}"
    ),
    "cancelled, then running": (
        "  - {route: status, while: running, call: 1, do: say, word: cancelled, reason: too busy}"
    ),
    "base64": "  - {route: submit, do: strange_id}",
    "number": "  - {route: submit, do: strange_id, form: number}",
    "symbols": "  - {route: submit, do: strange_id, form: symbols}",
    "wrapped id": "  - {route: submit, do: strange_id, form: wrapped}",
    "differing ids": "  - {route: submit, do: strange_id, form: differing}",
    "another task": "  - {route: status, per_task: true, times: 2, do: other_task}",
    "video.url": (
        "  - {route: status, do: address, at: video.url}\n"
        "  - {route: content, by: api, do: answer, status: 404, envelope: content}"
    ),
    "result_url": (
        "  - {route: status, do: address, at: result_url}\n"
        "  - {route: content, by: api, do: answer, status: 404, envelope: content}"
    ),
    "list": (
        "  - {route: status, do: address, at: data.0.url}\n"
        "  - {route: content, by: api, do: answer, status: 404, envelope: content}"
    ),
    "relative": "  - {route: status, do: address, at: url, to: relative}",
    "only in content": "  - {route: status, do: address, at: none}",
    "link dead": (
        "  - {route: status, do: address}\n"
        "  - {route: content, by: link, do: answer, status: 404, envelope: text}"
    ),
    "short-lived links": (
        "  - {route: status, do: address, seconds: 1}\n"
        "  - {route: content, by: link, times: 1, do: answer, status: 503, envelope: text}\n"
        "  - {route: content, by: api, do: answer, status: 404, envelope: content}"
    ),
    "gzip": "  - {route: content, do: coded}",
    "deflate": "  - {route: content, do: coded, coding: deflate}",
    "claimed": "  - {route: content, do: coded, coding: claimed}",
    "not ended": "  - {route: content, times: 2, do: chunked}",
    "ended": "  - {route: content, times: 2, do: chunked, ended: true}",
    "whole in chunks": "  - {route: content, do: chunked, share: 1, ended: true}",
    "json names it": (
        "  - {route: status, do: address, at: none}\n  - {route: content, by: api, do: address}"
    ),
    "json once": "  - {route: content, times: 1, do: address}",
    "429 page": "  - {route: submit, times: 1, do: answer, status: 429, envelope: html}",
    "probe off": "  - {route: probe, do: wrong_date, seconds: -600}",
    "post off": "  - {route: submit, do: wrong_date, seconds: -1780000000}",
    "poll off": "  - {route: status, call: 2, do: wrong_date, seconds: 93600}",
    "no date": (
        "  - {route: submit, do: no_date}\n"
        "  - {route: status, do: no_date}\n"
        "  - {route: content, do: no_date}"
    ),
}


@pytest.mark.parametrize("script", COMES_HOME.values(), ids=COMES_HOME)
def test_every_video_comes_home_and_is_bought_once(tmp_path, script):
    with rehearsal(tmp_path, script, "--latency", "0.5", jobs=2) as project:
        done = project.run(wait=30)
        assert done.returncode == 0, done.stdout + done.stderr
        assert project.states() == ["done", "done"]
        assert books(project)["accepted"] == 2
        assert any(books(project)["faults"])
        assert set(project.videos().values()) <= served(tmp_path)


def test_bytes_behind_the_last_box_are_no_damage(tmp_path):
    with rehearsal(tmp_path, "  - {route: content, do: append}") as project:
        done = project.run()
        assert done.returncode == 0, done.stderr
        (video,) = project.videos().values()
        assert video.removesuffix(b"\r\n") in served(tmp_path)


def test_a_failure_that_turns_after_the_run_is_not_bought_again(tmp_path):
    script = f"  - {{{FINISHED}, times: 2, do: say, word: failed, message: too busy}}"
    with rehearsal(tmp_path, script) as project:
        assert project.run().returncode == 1
        assert project.states() == ["failed"]
        assert project.run("--retry-failed").returncode == 0
        assert project.states() == ["done"]
        assert books(project)["accepted"] == 1


def once(fields: str) -> str:
    return f"  - {{route: submit, call: 1, {fields}}}"


REFUSAL = "do: answer, message: not here"
STOPS = {
    "503 model_not_found": once(f"{REFUSAL}, status: 503, envelope: auth, code: model_not_found"),
    "500 build_request": once(f"{REFUSAL}, status: 500, code: build_request_failed"),
    "303 after": once("moment: after, do: redirect, to: self, status: 303"),
    "302 after": once("moment: after, do: redirect, to: self, status: 302"),
    "304 before": once("do: redirect, to: self, status: 304"),
}


@pytest.mark.parametrize("script", STOPS.values(), ids=STOPS)
def test_what_the_next_job_would_meet_too_leaves_one_job_in_doubt_and_stops(tmp_path, script):
    with rehearsal(tmp_path, script, jobs=3) as project:
        done = project.run()
        assert done.returncode == 4, done.stdout + done.stderr
        assert project.states().count("uncertain") == 1
        assert books(project)["calls"]["submit"] == 1


DOUBTS = {
    "no id": once(
        "moment: after, do: answer, status: 200, envelope: json, body: {trace: kept-for-you}"
    ),
    "429 late": once("do: answer, status: 429, code: busy, message: kept-for-you, seconds: 11"),
}


@pytest.mark.parametrize("script", DOUBTS.values(), ids=DOUBTS)
def test_an_answer_that_proves_nothing_is_kept_for_a_person(tmp_path, script):
    with rehearsal(tmp_path, script) as project:
        assert project.run().returncode != 0
        assert project.states() == ["uncertain"]
        assert "kept-for-you" in project.rows()[0]["evidence"]
        assert books(project)["calls"]["submit"] == 1
        assert "kept-for-you" in shown(project, "resolve", "job[seed=0]")


FAILS = "  - {route: submit, do: fail}\n  - {route: status, while: failed, do: say, "
ENDS_FAILED = {
    "fail": FAILS + "word: fail, reason: the picture is blurred}",
    "FAILURE in data": FAILS
    + "word: FAILURE, reason: the picture is blurred, progress: 100%, envelope: data}",
    "error in words": FAILS + "word: failed, fields: {error: the picture is blurred}}",
    "cancelled": FAILS + "word: cancelled, reason: the picture is blurred}",
}


@pytest.mark.parametrize("script", ENDS_FAILED.values(), ids=ENDS_FAILED)
def test_a_failure_is_read_in_other_words_with_its_reason(tmp_path, script):
    with rehearsal(tmp_path, script) as project:
        assert project.run().returncode == 1
        assert project.states() == ["failed"]
        assert "the picture is blurred" in json.dumps(project.report())
        assert books(project)["calls"]["submit"] == 1


DEAD_LINK = "  - {route: content, by: link, do: answer, status: 403, envelope: text}\n"
STORE_SAYS = "envelope: content, message: Upstream service returned status 403"
UNFETCHED = {
    "link 403, content 502": (
        f"{DEAD_LINK}  - {{route: content, by: api, do: answer, status: 502, {STORE_SAYS}}}",
        "Upstream service returned status 403",
    ),
    "json for ever": ("  - {route: content, do: address}", ""),
}


@pytest.mark.parametrize(("script", "words"), UNFETCHED.values(), ids=UNFETCHED)
def test_a_video_that_cannot_be_had_is_shown_as_finished_with_why(tmp_path, script, words):
    where = "  - {route: status, do: address}\n"
    with rehearsal(tmp_path, where + script, "--dialect", "gateway-metadata") as project:
        project.config.write_text(
            project.config.read_text().replace('"gateway"', '"gateway-metadata"')
        )
        done = project.run(wait=4)
        assert done.returncode == 1
        assert project.states() == ["finished"]
        assert words in done.stderr + done.stdout
        assert words in json.dumps(project.report())


def test_a_word_that_nobody_knows_is_shown(tmp_path):
    script = "  - {route: status, while: running, do: say, word: flambeed}"
    with rehearsal(tmp_path, script, "--latency", "60") as project:
        done = project.run(wait=3)
        assert "flambeed" in done.stdout + done.stderr
        assert "flambeed" in json.dumps(project.report())
        assert "flambeed" in shown(project, "status")


PROBES = {
    "500": "status: 500, code: internal, message: record not found",
    "200": "status: 200, code: not_found, message: record not found",
}


@pytest.mark.parametrize("fields", PROBES.values(), ids=PROBES)
def test_an_unusual_answer_to_the_probe_is_shown_and_can_be_skipped(tmp_path, fields):
    with rehearsal(tmp_path, f"  - {{route: probe, do: answer, {fields}}}") as project:
        done = project.run()
        assert (done.returncode, books(project)["accepted"]) == (4, 0), done.stderr
        assert "record not found" in done.stderr
        assert 'probe = "skip"' in done.stderr
        project.config.write_text(project.config.read_text() + 'probe = "skip"\n')
        assert project.run().returncode == 0
        assert project.states() == ["done"]


LOST = "  - {route: submit, call: 1, moment: after, do: close}\n"
DASHSCOPE = 'quiet_period = 1\nsubmit_timeout = 3\nmedia = "upload"\n'
in_dashscope = partial(rehearsal, kind="dashscope", more=DASHSCOPE)


@pytest.mark.parametrize(
    "script",
    [
        "  - {route: probe, do: wrong_date, seconds: -600}",
        "  - {route: list, do: wrong_date, seconds: 600}",
        "  - {route: list, do: no_date}",
    ],
)
def test_a_wrong_date_makes_no_second_purchase(tmp_path, script):
    with in_dashscope(tmp_path, LOST + script, "--dialect", "dashscope") as project:
        project.run()
        project.run()
        assert books(project)["accepted"] == 1
        assert project.states() in (["done"], ["uncertain"])
