"""What the page's data cost, and that the page reads what was packed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

from report import samples

from wanbatch.model.plan import JobState
from wanbatch.model.report import Check, Report
from wanbatch.report.collect import collect
from wanbatch.report.formats.json import report_document
from wanbatch.report.formats.packing import SHAPES, pack_jobs
from wanbatch.report.formats.page import render_page

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node") or "node"
BYTES_A_JOB = 1_200
"""Beyond the user's own text: the contract of the report."""

CHECKS = (
    *("length", "size", "frames", "decodes", "shape", "frozen", "black", "flicker", "cut"),
    *("motion", "blur", "exposure", "colour_drift", "first_frame", "last_frame", "joint"),
    *("sound", "silence", "clipping", "sound_length", "same", "reproduces"),
)


def make_report(count: int) -> Report:
    """Jobs with every check, all measured differently, every ninth short of one."""
    states = [JobState.DONE if n % 10 else JobState.FAILED for n in range(count)]
    report = collect(*samples.make_case(*states, former=True))
    jobs = tuple(
        replace(
            job,
            poster=f"posters/{job.output.sha256[:24]}.webp",
            preview=f"previews/{job.output.sha256[:24]}.mp4",
            frames=f"frames/{job.output.sha256[:24]}.webp",
            checks=tuple(
                Check(name, (n + k) % 9 != 0, f"{name} is {n * k % 997}", (n * 7 + k) % 997 / 1000)
                for k, name in enumerate(CHECKS)
            ),
        )
        if job.output
        else job
        for n, job in enumerate(report.jobs)
    )
    return replace(report, jobs=jobs)


def own_text(job: dict[str, Any]) -> int:
    """The bytes that the user, or the provider, wrote."""
    request, error = job["request"], job["error"] or {}
    texts = [job["name"], job["id"], *job["tags"], request["prompt"], request["negative_prompt"]]
    texts += [str(part) for pair in job["axes"].items() for part in pair]
    texts += [medium["source"] for medium in request["media"]]
    texts += [error.get("message", ""), error.get("code", "")]
    return sum(len(text.encode()) for text in texts if text)


def test_a_job_costs_little_beyond_the_users_own_text() -> None:
    report = make_report(200)
    document: dict[str, Any] = report_document(report)
    page = render_page(report, document)
    (block,) = re.findall(r'<script[^>]*id="data">(.*?)</script>', page, re.S)
    own = sum(own_text(job) for job in document["jobs"])
    a_job = (len(block.encode()) - own) / len(report.jobs)
    assert a_job <= BYTES_A_JOB, f"{a_job:.0f} bytes a job"


def read_by_the_page(shape: str, record: dict[str, Any]) -> dict[str, Any]:
    """What is left of a record of ``report.json``."""
    found: dict[str, Any] = {}
    for field in SHAPES[shape]:
        value = record.get(field.name)
        if field.kind == "record" and value is not None:
            value = read_by_the_page(field.of, value)
        elif field.kind == "records":
            value = [read_by_the_page(field.of, one) for one in value or ()]
        found[field.name] = value
    if shape == "check" and found["passed"]:
        found["message"] = ""
    return found


def test_the_page_reads_what_was_packed() -> None:
    states = [*JobState, JobState.DONE]
    report = make_report(30)
    odd = collect(*samples.make_case(*(s for s in states if s is not JobState.ELSEWHERE)))
    document: dict[str, Any] = report_document(replace(report, jobs=(*report.jobs, *odd.jobs)))
    packed = pack_jobs(document["jobs"], document["former"])
    script = f"""
        import {{ load }} from {json.dumps((Path(__file__).parent / "web/load.mjs").as_uri())};
        import {{ readFileSync }} from "node:fs";
        const {{ unpackJobs }} = load("unpack.js");
        console.log(JSON.stringify(unpackJobs(JSON.parse(readFileSync(0, "utf8")))));
    """
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script],
        input=json.dumps(packed),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    for part in ("jobs", "former"):
        wanted = [read_by_the_page("job", job) for job in document[part]]
        assert json.loads(done.stdout)[part] == wanted


def test_the_shapes_are_those_of_the_pages_types() -> None:
    text = (ROOT / "wanbatch/report/web/types.d.ts").read_text()
    found = dict(re.findall(r"^interface (\w+) \{\n(.*?)^\}", text, re.M | re.S))
    for shape, fields in SHAPES.items():
        named = re.findall(r"^  (\w+)\??:", found[shape.capitalize()], re.M)
        assert sorted(named) == sorted(field.name for field in fields), shape
