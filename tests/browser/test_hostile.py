"""300 hostile strings in every text field of a report, and in the notes on its videos:
the page has the structure that a harmless report's page has, and nothing else
happens."""

from __future__ import annotations

from dataclasses import replace

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


def write(folder, strings):
    """A job for each string; every string stands in every field of one of them."""
    count = len(strings)
    report = collect(*samples.make_case(*(STATES[n % 3] for n in range(count))))
    jobs = tuple(
        dress(job, lambda k, n=n: strings[(n + 13 * k) % count])
        for n, job in enumerate(report.jobs)
    )
    manifest = replace(report.manifest, name=strings[1], path=strings[2])
    described = replace(report, jobs=jobs, description=strings[0], manifest=manifest)
    write_report(described, folder)


def test_hostile_strings_change_nothing_but_texts(visit, tmp_path):
    hostile = hostile_strings()
    assert len(set(hostile)) == 300
    harmless = [f"plain {number}" for number in range(300)]
    visit.expected.append("ERR_FILE_NOT_FOUND")
    told = {}
    for name, strings in (("harmless", harmless), ("hostile", hostile)):
        write(tmp_path / name, strings)
        page = visit(tmp_path / name, reduced_motion="reduce")
        page.on("dialog", lambda dialog: visit.complaints.append(f"dialog: {dialog.message}"))
        gallery = page.evaluate(WHOLE)
        panels = page.evaluate(PANELS, strings)
        assert page.locator(".card .chosen").count() == 100, "each done job has its note"
        page.click("#facets")
        page.evaluate("location.hash = '#show=table'")
        page.wait_for_selector("#table:not([hidden])")
        page.wait_for_function("() => !document.querySelector('.said.on')")
        told[name] = [gallery, *panels, page.evaluate(WHOLE)]
        assert page.evaluate("window.hacked") is None
        page.evaluate(ASKING, strings[::7])
        assert page.evaluate("location.protocol") == "file:"
    assert len(told["hostile"]) == 302
    for number, (plain, odd) in enumerate(zip(told["harmless"], told["hostile"], strict=True)):
        assert plain == odd, number
