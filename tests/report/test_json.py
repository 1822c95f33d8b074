"""The documents: what the schema says, what a program can read back, what never stands
in them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from report import samples

from wanbatch.model.lifecycle import Authority, EventKind
from wanbatch.model.plan import Action, JobState
from wanbatch.report.collect import collect
from wanbatch.report.formats.json import (
    _is_untouched,
    document_text,
    parse_report,
    plan_document,
    plan_lines,
    plan_text,
    report_document,
    to_bytes,
)
from wanbatch.report.schema import find_violation
from wanbatch.report.write import read_report
from wanbatch.words.canonical import canonical_text, without_times
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.schemas import load_schema

SCHEMAS = Path(__file__).parents[2] / "schemas"


def closed(schema):
    """The schema with every object closed: what it does not describe is an error."""
    if isinstance(schema, dict):
        shut = {key: closed(value) for key, value in schema.items()}
        if "properties" in schema and "allOf" not in schema:
            shut.setdefault("additionalProperties", False)
        return shut
    return [closed(item) for item in schema] if isinstance(schema, list) else schema


def load(name):
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


@pytest.fixture
def report():
    return collect(*samples.make_case(*JobState, former=True))


def test_the_schemas_are_valid_draft_07_and_describe_a_job_alike():
    for name in ("report", "plan"):
        jsonschema.Draft7Validator.check_schema(load(name))
    shared = load("plan")["definitions"]
    assert {key: load("report")["definitions"][key] for key in shared} == shared


def test_the_report_holds_what_the_schema_describes_and_nothing_else(report):
    document = report_document(report)
    schema = closed(load("report"))
    schema["definitions"]["request"]["properties"] |= {
        "prompt": {"type": "string"},
        "negative_prompt": {"type": "string"},
    }
    jsonschema.Draft7Validator(schema).validate(document)
    assert find_violation(document, "report") is None


def test_names_and_values_of_the_contract(report):
    document = json.loads(document_text(report_document(report)))
    assert document["schema"] == "wanbatch/report@1"
    assert document["manifest"] == {
        "name": "harbor",
        "path": "specs/harbor.wanbatch.yaml",
        "sha256": report.manifest.sha256,
    }
    assert document["run"] == {
        "id": "20260528-202640-a1b2",
        "backend": "gateway",
        "started_at": "2026-05-28T20:26:40.000Z",
        "finished_at": "2026-05-28T20:28:40.000Z",
        "wanbatch_version": "0.1.0",
        "exit_code": 0,
    }
    assert document["totals"]["cost"] == {"spent": "2.50", "reserved": "0.50", "currency": "USD"}
    done = next(job for job in document["jobs"] if job["state"] == "done")
    assert done["axes"] == {"hour": "dawn", "seed": 102}
    assert done["request"]["media"] == [
        {
            "type": "first_frame",
            "source": "media/harbor.png",
            "sha256": report.jobs[0].request["media"][0]["sha256"],
        }
    ]
    assert done["output"] | {"sha256": ""} == {
        "path": "videos/opening.hour-dawn.seed-102.1f3a9c2e.mp4",
        "sha256": "",
        "bytes": 2345678,
        "seconds": 5.0,
        "width": 1280,
        "height": 720,
        "fps": 30.0,
        "has_audio": True,
    }
    assert [check["name"] for check in done["checks"] if check["passed"]] == ["length", "size"]


def test_a_report_can_be_read_again(report):
    assert parse_report(json.loads(document_text(report_document(report)))) == replace(
        report,
        description="",
        options=(),
        time=replace(report.time, in_flight=round(report.time.in_flight, 3)),
    )


def test_one_job_per_line(report):
    lines = document_text(report_document(report)).splitlines()
    assert [
        json.loads(line.strip().rstrip(","))["name"]
        for line in lines
        if line.startswith('    {"name"')
    ] == [j.name for j in (*report.jobs, *report.former)]


def test_no_amount_has_an_exponent_and_none_is_null(report):
    odd = replace(
        report,
        totals=replace(
            report.totals, cost=replace(report.totals.cost, spent=Decimal("1E+2"), reserved=None)
        ),
    )
    assert json.loads(json.dumps(report_document(odd)))["totals"]["cost"] == {
        "spent": "100",
        "reserved": None,
        "currency": "USD",
    }


def test_what_json_and_utf8_cannot_hold_is_written_all_the_same(report):
    odd = replace(report.jobs[0], axes=(("x", float("inf")),), tags=("\ud800",))
    document = json.loads(to_bytes(document_text(report_document(replace(report, jobs=(odd,))))))
    assert (document["jobs"][0]["axes"], document["jobs"][0]["tags"]) == ({"x": "inf"}, ["\ud800"])


@pytest.mark.parametrize(
    "content", ["", "[1", "{}", '{"schema": "wanbatch/report@2"}', "[" * 100_000]
)
def test_what_is_no_report_is_refused_with_a_reason(tmp_path, content):
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(WanbatchError) as refused:
        read_report(path)
    assert refused.value.exit_code is ExitCode.INVALID
    assert str(path) in refused.value.message


def test_a_missing_report_is_refused(tmp_path):
    with pytest.raises(WanbatchError, match="cannot be read"):
        read_report(tmp_path / "report.json")


def test_the_plan_has_the_reports_entries_with_action_and_reason():
    manifest, plan, snapshot, _ = samples.make_case(
        JobState.DONE, JobState.PLANNED, JobState.UNCERTAIN
    )
    other = samples.make_planned(samples.make_job("intro", manifest="titles"), JobState.PLANNED)
    titles = samples.make_manifest([other.job], "titles")
    stranger = samples.make_attempt(77, "gone")
    plan = replace(plan, jobs=(plan.jobs[0], other, *plan.jobs[1:]), strangers=(stranger,))
    document = json.loads(document_text(plan_document(plan, [manifest, titles])))
    schema = load("plan")
    jsonschema.Draft7Validator(schema).validate(document)
    kept = {"digest", "ledger", "prices", "choices", "budget"}  # added where it is kept
    assert set(schema["properties"]) - kept == set(document)
    assert document["totals"] == {
        "jobs": 4,
        "generate": 2,
        "resume": 0,
        "reuse": 1,
        "blocked": 0,
        "skip": 0,
        "ask": 1,
        "price": "1.50",
        "currency": "USD",
    }
    assert [(job["manifest"], job["action"], job["reason"]) for job in document["jobs"]] == [
        ("harbor", Action.REUSE, "up to date"),
        ("titles", Action.GENERATE, "new"),
        ("harbor", Action.GENERATE, "new"),
        ("harbor", Action.ASK, "new"),
    ]
    whole = report_document(collect(manifest, plan, snapshot, None))
    reported = json.loads(json.dumps(whole))["jobs"][0]
    assert {key: document["jobs"][0][key] for key in reported} | {
        "attempts": [],
        "timings": {},
    } == reported | {"attempts": [], "timings": {}}
    assert document["jobs"][0]["last_event"] == {
        "attempt_id": 1,
        "state": "stored",
        "event": document["jobs"][0]["last_event"]["event"],
        "at": "2026-05-28T20:27:31.000Z",
    }
    assert [attempt["job"] for attempt in document["strangers"]] == ["gone"]


def test_the_lines_of_a_plan_are_the_entries_of_its_document():
    """Of jobs that nobody bought the text is put together, and is the same."""
    manifest, plan, _, _ = samples.make_case(*JobState)
    floats = replace(plan.jobs[1].job, axes=(("speed", 5.0), ("zoom", float("inf")), ("x", 1.5)))
    jobs = [replace(entry, attempts=(), attempt=None) for entry in plan.jobs]
    jobs += [replace(jobs[1], job=floats), replace(jobs[1], price=None, selected=False)]
    jobs += [replace(jobs[1], authorised_by="regenerate", upstream=('a"b', "c"))]
    plan = replace(plan, jobs=(*plan.jobs, *jobs))
    document: Any = plan_document(plan, [manifest])
    entries = document.pop("jobs")
    lines = plan_lines(plan, [manifest])
    assert any(_is_untouched(entry) for entry in plan.jobs)
    for line, entry in zip(lines, entries, strict=True):
        assert json.loads(line.whole) == json.loads(json.dumps(entry))
        assert line.canonical == canonical_text(without_times(json.loads(line.whole)))
    assert json.loads(plan_text(document, lines)) == {
        **document,
        "jobs": json.loads(json.dumps(entries)),
    }
    assert json.loads(plan_text(document, [])) == {**document, "jobs": []}


@pytest.mark.parametrize("name", ["report", "plan"])
@pytest.mark.parametrize(
    ("field", "words"), [("authority", Authority), ("action", Action), ("event", EventKind)]
)
def test_a_closed_list_of_the_schema_is_the_programs_own(name, field, words):
    """A word that the schema lacks would make a report, or a plan, invalid by its own
    schema."""

    def lists_of(node: Any) -> list[set[str]]:
        if isinstance(node, list):
            return [found for one in node for found in lists_of(one)]
        if not isinstance(node, dict):
            return []
        here: Any = node.get(field)
        own = [set(here["enum"]) - {None}] if isinstance(here, dict) and "enum" in here else []
        return own + [found for one in node.values() for found in lists_of(one)]

    found = lists_of(load_schema(name))
    assert all(one == set(words) for one in found), found
    assert found or field != "authority"
