"""Where a report's videos are read that live in a store: addresses in every format, a
page that may load them, and copies whose links are signed."""

import json
from dataclasses import replace

import pytest
from report import samples

from wanbatch.model.archive import archived_name
from wanbatch.model.plan import JobState
from wanbatch.model.storage import Storage
from wanbatch.report.addresses import (
    base_address,
    is_address,
    origins_of,
    with_addresses,
    with_signatures,
)
from wanbatch.report.collect import collect
from wanbatch.report.formats.json import parse_report, report_document
from wanbatch.report.formats.render import render, render_signed
from wanbatch.report.wording import link, reach

PUBLIC = "https://videos.example.com/clips"


@pytest.fixture(name="stored")
def _stored():
    """As the ledger tells it: one video lives in the store, by its name."""
    report = collect(*samples.make_case(*JobState))
    jobs = tuple(
        replace(job, output=replace(job.output, path=archived_name(job.output.sha256)))
        if job.output
        else job
        for job in report.jobs
    )
    return replace(report, jobs=jobs)


def paths(report):
    return [job.output.path for job in report.jobs if job.output]


@pytest.mark.parametrize(
    ("storage", "base"),
    [
        (Storage("s3", "clips", "a", public_url=PUBLIC), PUBLIC),
        (Storage("s3", "clips", "a"), "s3://clips/a"),
        (Storage("file", "", "/mnt/my videos"), "file:///mnt/my%20videos"),
    ],
)
def test_the_public_address_or_where_it_is(storage, base):
    assert base_address(storage) == base


def test_every_format_has_the_address(stored):
    report = with_addresses(stored, PUBLIC)
    assert paths(report)
    assert all(path.startswith(f"{PUBLIC}/sha256/") for path in paths(report))
    for form in ("csv", "md", "html"):
        text = render(report, form, "../reports/harbor/")
        assert paths(report)[0] in text, form
        assert f"../reports/harbor/{PUBLIC}" not in text
    assert parse_report(json.loads(render(report, "json"))).jobs == report.jobs
    assert "media-src 'self' file: https://videos.example.com;" in render(report, "html")


def test_what_lies_here_stays_as_it_is():
    report = collect(*samples.make_case(*JobState))
    assert with_addresses(report, PUBLIC) == report
    assert with_signatures(report, str.upper) == report
    assert origins_of(report) == ()
    assert "media-src 'self' file:;" in render(report, "html")


def test_a_copy_is_signed_and_says_until_when(stored):
    report = with_addresses(stored, "s3://clips/a")
    signed = with_signatures(report, lambda name: f"{PUBLIC}/{name}?X-Amz-Signature=abc")
    text = render_signed(signed, "", "2026-12-04 21:00 UTC").decode()
    assert "work until 2026-12-04 21:00 UTC" in text
    assert paths(signed)[0] in text.replace("&amp;", "&")
    assert "Signature" not in json.dumps(report_document(report))
    assert "work until" not in render(report, "html")


def test_no_other_server_gets_into_the_policy(stored):
    for base in ("https://a.example.com; script-src *", "javascript://x", "https://"):
        assert origins_of(with_addresses(stored, base)) == ()


def test_addresses_and_paths_are_told_apart():
    assert is_address("file:///mnt/a.mp4")
    assert not is_address("videos/a:b.mp4")
    assert link("https://h/a b") == "https://h/a b"
    assert reach("../", "a.mp4") == "../a.mp4"
    assert reach("../", "https://h/a") == "https://h/a"
