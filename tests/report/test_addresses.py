"""Where a report's videos are read that live in a store: addresses in every format, a
page that may load them, and copies whose links are signed."""

import json
from dataclasses import replace

import pytest
from report import samples

from wanbatch.model.archive import archived_name, archived_poster
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
from wanbatch.report.compare import merge
from wanbatch.report.formats.json import parse_report, report_document
from wanbatch.report.formats.render import render, render_signed
from wanbatch.report.schema import find_violation
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


def always(_sha256):
    return True


def with_local_posters(report):
    return replace(
        report,
        jobs=tuple(
            replace(job, poster=f"posters/{job.output.sha256[:24]}.webp") if job.output else job
            for job in report.jobs
        ),
    )


def posters(report):
    return [job.poster for job in report.jobs if job.output]


@pytest.mark.parametrize("base", [PUBLIC, "http://127.0.0.1:9000/clips", "file:///mnt/my%20clips"])
def test_a_poster_in_the_store_has_an_address_in_every_format(stored, base):
    (sha256,) = {job.output.sha256 for job in stored.jobs if job.output}
    report = with_addresses(with_local_posters(stored), base, {sha256}.__contains__)
    address = f"{base}/{archived_poster(sha256)}"
    assert posters(report) == [address]
    for form in ("csv", "html"):
        text = render(report, form, "../reports/harbor/")
        assert address in text, form
        assert f"../reports/harbor/{base}" not in text
    assert parse_report(json.loads(render(report, "json"))).jobs == report.jobs
    assert find_violation(json.loads(render(report, "json")), "report") is None
    side = merge(report, report, ("../a/", "../b/"))
    assert {job.poster for job in side.jobs if job.output} == {address}
    assert {job.output.path for job in side.jobs if job.output} == set(paths(report))


def test_a_page_may_load_the_posters(stored):
    report = with_addresses(stored, PUBLIC, always)
    jobs = tuple(replace(job, output=None) for job in report.jobs)
    assert origins_of(replace(report, jobs=jobs)) == ("https://videos.example.com",)
    assert "img-src 'self' file: https://videos.example.com;" in render(report, "html")
    without = render(with_addresses(stored, "file:///mnt", always), "html")
    assert "img-src 'self' file:;" in without


@pytest.mark.parametrize("base", ["s3://clips/a", "https://a.example.com; img-src *", "https://"])
def test_where_no_browser_reads_it_the_poster_here_is_shown(stored, base):
    local = with_local_posters(stored)
    assert posters(with_addresses(local, base, always)) == posters(local)


def test_of_a_poster_that_is_not_known_to_be_there_nothing_is_said(stored):
    local = with_local_posters(stored)
    assert posters(with_addresses(local, PUBLIC)) == posters(local)
    home = with_local_posters(collect(*samples.make_case(*JobState)))
    assert with_addresses(home, PUBLIC, always) == home, "its video is at home"
    assert with_signatures(home, str.upper, always) == home


def test_posters_are_signed_where_the_store_has_them(stored):
    report = with_addresses(with_local_posters(stored), "s3://clips/a", always)

    def sign(name):
        return f"https://s3.example.com/{name}?X-Amz-Signature=abc"

    signed = with_signatures(report, sign, always)
    assert posters(signed) == [path.replace(".mp4", ".webp") for path in paths(signed)]
    assert origins_of(signed) == ("https://s3.example.com",)
    assert "Signature" not in json.dumps(report_document(report))
    assert posters(with_signatures(report, sign)) == posters(report)


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
