"""The page of two reports in a real browser: it opens with A beside B, and both sides'
pictures are found."""

from __future__ import annotations

from report import samples

from wanbatch.model.plan import JobState
from wanbatch.operations.compare import compare_reports
from wanbatch.report.collect import collect
from wanbatch.report.write import write_report


def test_it_opens_with_a_beside_b_and_finds_the_files_of_both(visit, tmp_path):
    report = collect(*samples.make_case(JobState.DONE, JobState.DONE, JobState.FAILED))
    old, new = tmp_path / "my old #1" / "harbor", tmp_path / "new" / "harbor"
    for number, folder in enumerate((old, new)):
        for job in report.jobs:
            if job.output:
                samples.write_video(folder / job.output.path, hue=number)
        samples.write_pictures(report, folder)
        write_report(report, folder)
    page_file = tmp_path / "pages" / "report.html"
    page_file.parent.mkdir()
    found = compare_reports(old, new, "text", page_file)
    assert found.page is not None
    page_file.write_bytes(found.page)
    page = visit(page_file.parent)
    texts = page.locator(".matrix th").all_inner_texts()
    assert [text for text in texts if text in ("A", "B")] == ["A", "B"]
    assert [text for text in texts if text.startswith("opening")] == [
        job.name for job in report.jobs
    ]
    loaded = "[...document.querySelectorAll('.matrix img')].filter(i => i.naturalWidth > 0)"
    page.wait_for_function(f"() => {loaded}.length >= 2")
    sources = page.evaluate(f"() => {loaded}.map(i => i.src)")
    folders = {source.rsplit("/posters/", 1)[0] for source in sources}
    assert folders == {old.as_uri(), new.as_uri()}
    assert "A is " in page.locator(".description").inner_text()
    assert page.locator(".advice").count() == 0
