"""300 hostile strings in every text field of a report, and in the notes on its videos:
the page has the structure that a harmless report's page has, and nothing else
happens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from browser.hostile import hostile_strings
from report import samples

from wanbatch.model.plan import JobState as J
from wanbatch.model.report import Check
from wanbatch.report.collect import collect
from wanbatch.report.write import write_report

STRUCTURE = """() => {
  // A command is a word an element: how many these are is the text's affair.
  const skip = (node) => node.matches('code') && node.closest('.command, dd');
  const told = (node) => {
    const names = node.getAttributeNames().filter((name) => name !== 'hidden').sort();
    const inner = skip(node) ? '' : [...node.children].map(told).join('');
    return `<${node.localName} ${names} ${node.className.baseVal ?? node.className}>${inner}`;
  };
  return told;
}"""
PANELS = """async (notes) => {
  const told = (STRUCTURE)();
  const found = [];
  for (const [at, stage] of document.querySelectorAll('#jobs .stage').entries()) {
    stage.click();
    const dialog = document.querySelector('#job');
    if (dialog.querySelector('.choosing')) {
      dialog.dispatchEvent(new KeyboardEvent('keydown', { key: 'n', bubbles: true }));
      const box = document.querySelector('dialog.note');
      box.querySelector('textarea').value = `note ${notes[at]}`;
      box.querySelector('button').click();
      await new Promise((resume) => setTimeout(resume));
    }
    found.push(told(dialog));
    dialog.close();
  }
  return found;
}""".replace("STRUCTURE", STRUCTURE)
WHOLE = "() => (STRUCTURE)()(document.documentElement)".replace("STRUCTURE", STRUCTURE)
ASKING = """(queries) => {
  const field = document.querySelector('#find');
  for (const query of queries) {
    field.value = query;
    field.dispatchEvent(new Event('input'));
  }
}"""
STATES = (J.DONE, J.FAILED, J.UNCERTAIN)
COUNT = 300
TOGETHER = 60
"""Jobs of one page. With all on one, opening each job's panel cost five times as much:
the browser lays out the whole page each time."""


def dress(job, text):
    """The job with ``text(k)`` in its k-th field."""
    error = job.error and replace(job.error, code=text(0), message=text(1))
    request = {
        **job.request,
        "model": text(2),
        "prompt": text(3),
        "negative_prompt": text(4),
        "size": text(5),
        "media": [{"type": text(6), "source": text(7), "sha256": None}],
    }
    attempts = tuple(
        replace(a, job=text(8), manifest=text(9), reason=text(10), task_id=text(11), error=error)
        for a in job.attempts
    )
    checks = (Check(text(12), passed=False, message=text(13), value=text(14)),)
    return replace(
        job,
        name=text(15),
        id=text(16),
        backend=text(17),
        task_id=text(18),
        axes=((text(19), text(20)), ("same", text(21))),
        tags=(text(22), text(23)),
        request=request,
        attempts=attempts,
        checks=checks,
        error=error,
    )


def write(folder, strings, of):
    """Those jobs of a range whose jobs have a string each; every string stands in every
    field of one of them."""
    count = len(strings)
    report = collect(*samples.make_case(*(STATES[n % 3] for n in of)))
    jobs = tuple(
        dress(job, lambda k, n=n: strings[(n + 13 * k) % count])
        for n, job in zip(of, report.jobs, strict=True)
    )
    first = of[0]
    manifest = replace(report.manifest, name=strings[first + 1], path=strings[first + 2])
    described = replace(report, jobs=jobs, description=strings[first], manifest=manifest)
    write_report(described, folder)


def look_at(visit, folder, strings, of):
    """The elements of all that the page of these jobs shows."""
    write(folder, strings, of)
    page = visit(folder, reduced_motion="reduce")
    page.on("dialog", lambda dialog: visit.complaints.append(f"dialog: {dialog.message}"))
    gallery = page.evaluate(WHOLE)
    panels = page.evaluate(PANELS, [strings[n] for n in of])
    assert page.locator(".card .chosen").count() == len(of) / 3, "each done job has its note"
    page.click("#facets")
    page.evaluate("location.hash = '#show=table'")
    page.wait_for_selector("#table:not([hidden])")
    page.wait_for_function("() => !document.querySelector('.said.on')")
    told = [gallery, *panels, page.evaluate(WHOLE)]
    assert page.evaluate("window.hacked") is None
    page.evaluate(ASKING, strings[of[0] :: 7])
    assert page.evaluate("location.protocol") == "file:"
    page.close()
    assert len(told) == len(of) + 2
    return told


@pytest.mark.parametrize("first", range(0, COUNT, TOGETHER))
def test_hostile_strings_change_nothing_but_texts(visit, tmp_path, first):
    of = range(first, first + TOGETHER)
    visit.expected.append("ERR_FILE_NOT_FOUND")
    harmless = look_at(visit, tmp_path / "harmless", [f"plain {n}" for n in range(COUNT)], of)
    hostile = look_at(visit, tmp_path / "hostile", hostile_strings(), of)
    for number, (plain, odd) in enumerate(zip(harmless, hostile, strict=True)):
        assert plain == odd, number


def test_the_strings_are_as_many_as_is_said():
    assert len(set(hostile_strings())) == COUNT
