"""JUnit XML: counts that a CI can trust, and always well formed."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from expecting import expect
from report import samples

from wanbatch.model.plan import JobState
from wanbatch.model.report import Check, Fault
from wanbatch.report.collect import collect
from wanbatch.report.formats.junit import render_junit


def test_every_job_is_a_case_and_its_state_a_result():
    whole = ET.fromstring(render_junit(collect(*samples.make_case(*JobState))))
    suite = expect(ET.Element, whole.find("testsuite"))
    results = {
        case.get("name"): [child.tag for child in case if child.tag != "system-out"]
        for case in suite
    }
    assert list(results.values()) == [
        ["skipped"],
        ["skipped"],
        [],
        ["failure"],
        ["skipped"],
        ["error"],
        ["error"],
        ["skipped"],
        ["error"],
        ["error"],
    ]
    assert {
        key: suite.get(key) for key in ("name", "tests", "failures", "errors", "skipped", "time")
    } == {
        "name": "harbor",
        "tests": "10",
        "failures": "1",
        "errors": "4",
        "skipped": "4",
        "time": "120.000",
    }
    done = suite.findall("testcase")[2]
    assert (done.get("classname"), done.get("time")) == ("harbor.opening", "50.000")
    assert "videos/opening.hour-dawn.seed-102.1f3a9c2e.mp4" in (done.findtext("system-out") or "")
    assert (
        expect(ET.Element, suite.findall("testcase")[3].find("failure")).get("type")
        == "DataInspectionFailed"
    )


def test_what_a_check_found_is_told_and_fails_nothing():
    report = collect(*samples.make_case(JobState.DONE))
    found = Check("frozen", passed=False, message="0.8 s stand still", value=0.8)
    good = Check("size", passed=True, message="as asked for")
    job = replace(report.jobs[0], checks=(found, good))
    text = render_junit(replace(report, jobs=(job,)))
    case = expect(ET.Element, ET.fromstring(text.encode()).find(".//testcase"))
    assert (case.findtext("system-out") or "").endswith("\nfrozen: 0.8 s stand still")
    assert case.find("failure") is None


def test_an_unmet_expectation_is_a_failure_and_a_remark_is_none():
    report = collect(*samples.make_case(JobState.DONE, JobState.DONE))
    frozen = Check("frozen", passed=False, message="1.2 s where at most 0.5 is expected")
    checks = (Check("cut", passed=False, message="one cut"), frozen)
    one, two = (replace(job, checks=checks) for job in report.jobs)
    jobs = (replace(one, unmet=("frozen",)), two)
    suites = ET.fromstring(render_junit(replace(report, jobs=jobs)))
    assert (suites.get("failures"), suites.get("skipped")) == ("1", "0")
    failures = [[f.attrib for f in case.findall("failure")] for case in suites.iter("testcase")]
    said = {"message": "frozen: 1.2 s where at most 0.5 is expected", "type": "expectation"}
    assert failures == [[said], []]


def test_what_xml_forbids_is_replaced():
    report = collect(*samples.make_case(JobState.FAILED))
    odd = replace(report.jobs[0], error=Fault("<&>", 'a\x00b\x1b\ud800\uffff"]]>'))
    text = render_junit(replace(report, jobs=(odd,)))
    failure = expect(ET.Element, ET.fromstring(text.encode()).find(".//failure"))
    assert (failure.get("type"), failure.get("message")) == (
        "<&>",
        'a\ufffdb\ufffd\ufffd\ufffd"]]>',
    )
