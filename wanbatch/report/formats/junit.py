"""A report as JUnit XML, which every CI shows as tests: one test case per job.

What it may not do: I/O, or write a character that XML forbids.

How it works: ``failed`` is a failure, and so is a video that falls short of what the
manifest expects; ``uncertain`` and ``expired`` are errors, for a
person must decide; whatever has not come to its turn is skipped, with its reason. A
case's time is what its job took from submit to disk.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from wanbatch.model.plan import JobState
from wanbatch.model.report import Report, ReportJob
from wanbatch.report.formats.codec import instant

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


ERRORS = (JobState.UNCERTAIN, JobState.EXPIRED, JobState.FINISHED, JobState.ELSEWHERE)
"""Jobs that may have cost money and have no video here."""


def render_junit(report: Report) -> str:
    """The XML text, with its declaration."""
    totals = report.totals
    unmet = sum(bool(job.unmet) for job in report.jobs)
    errors = sum(totals.of(state) for state in ERRORS)
    counts = {
        "tests": str(totals.jobs),
        "failures": str(totals.failed + unmet),
        "errors": str(errors),
        "skipped": str(totals.jobs - totals.done - totals.failed - errors),
        "time": f"{report.time.wall_s if report.time else 0.0:.3f}",
    }
    suites = Element("testsuites", {"name": "wanbatch", **counts})
    suite = SubElement(suites, "testsuite", {"name": legal(report.manifest.name), **counts})
    if report.run:
        suite.set("timestamp", instant(report.run.started_at).removesuffix("Z"))
    for job in report.jobs:
        _add_case(suite, report, job)
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def _add_case(suite: Element, report: Report, job: ReportJob) -> None:
    timings = job.timings
    took = sum(
        part
        for part in (timings.submit_s, timings.generation_s, timings.download_s)
        if part is not None
    )
    name = {
        "classname": legal(f"{report.manifest.name}.{job.id}"),
        "name": legal(job.name),
        "file": legal(report.manifest.path),
    }
    case = SubElement(suite, "testcase", {**name, "time": f"{took:.3f}"})
    message = legal(job.error.message if job.error else job.state.value)
    kind = legal(job.error.code if job.error else job.state.value)
    if job.state is JobState.FAILED:
        SubElement(case, "failure", {"message": message, "type": kind})
    elif job.unmet:
        said = [f"{c.name}: {c.message}" for c in job.checks if c.name in job.unmet]
        SubElement(case, "failure", {"message": legal("; ".join(said)), "type": "expectation"})
    elif job.state in ERRORS:
        SubElement(case, "error", {"message": message, "type": kind})
    elif job.state is not JobState.DONE:
        SubElement(
            case,
            "skipped",
            {"message": message if job.error is None else f"{job.state.value}: {message}"},
        )
    facts = [
        f"task {job.task_id}" if job.task_id else "",
        f"video {job.output.path}" if job.output else "",
        *(f"{check.name}: {check.message}" for check in job.checks if not check.passed),
    ]
    if any(facts):
        SubElement(case, "system-out").text = legal("\n".join(fact for fact in facts if fact))


def legal(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
