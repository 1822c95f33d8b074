"""A plan for a pull request: what it says, what it leaves out, and that no text of a
manifest acts in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal

import command
import pytest
from builders import attempt, job
from PIL import Image
from plan.test_planner import NOW, plan, stored
from words.test_markdown import nasty

from wanbatch.cli.plan_markdown import render_plan_markdown
from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.words.markdown import MOST_CHARACTERS, length

DIGEST = "de" * 32
MANIFEST = """\
wanbatch: 1
name: pull
jobs:
  - id: shot
    prompt: A harbour <script> @octocat
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
    seeds: {start: 0, count: 3}
run: {backend: emulator}
"""


def markdown(made, attempts=(), ledger="abcdef0123456789"):
    return render_plan_markdown(made, Snapshot(tuple(attempts), ledger_id=ledger), DIGEST)


def test_what_it_says():
    before = job("shot[seed=1]", seed=1, prompt="a harbour at noon")
    known = (
        stored(number=1, job="done"),
        replace(stored(one=before, number=2), job="shot[seed=1]", path="m/videos/old.mp4"),
        attempt(number=3, state=State.STORED, job="gone", fingerprint="9" * 64, path="m/g.mp4"),
        attempt(job("away", seed=5), number=4, state=State.ACCEPTED, task_id="t4", accepted_at=NOW),
        attempt(number=5, state=State.STORED, job="free", fingerprint="8" * 64, realm="emulator"),
    )
    jobs = (
        job("done"),
        job("shot[seed=1]", seed=1),
        job("shot[seed=2]", seed=2),
        job("away", seed=5),
    )
    made = plan(*jobs, attempts=known, intact=("m/videos/one.mp4",))
    assert (
        markdown(made, known)
        == f"""\
### Plan: 2 to generate ($1.00), 1 to resume ($0.00), 1 up to date.

Backend `gateway`, ledger `abcdef01`, digest `{DIGEST}`.

| | jobs | price |
| --- | ---: | ---: |
| done already | 1 | $0.50 |
| under way | 1 | $0.50 |
| **to generate** | 2 | **$1.00** |
| earlier versions of these, kept | 1 | $0.50 |

<details><summary>No longer in the manifest: 1 job, $0.50 spent; their videos stay</summary>

- `gone`

</details>

<details><summary><code>shot</code>: 2 to generate ($1.00)</summary>

- **generate** 1 ($0.50), `changed: prompt`:
  - `shot[seed=1]`: prompt `a harbour [-at noon-]`
- **generate** 1 ($0.50), `new`: `shot[seed=2]`

</details>

<details><summary><code>away</code>: 1 to resume</summary>

- **resume** 1, `task t4 was accepted`: `away`

</details>

1 job id without changes: not listed.
"""
    )


def test_an_empty_ledger_and_what_is_not_selected():
    made = plan(job(), job("two", seed=8), selection=lambda one, state: one.name == "two")
    text = markdown(made, ledger="")
    assert "ledger none yet" in text
    assert "\n1 job of the manifest not selected.\n" in text
    assert "<code>one</code>" not in text


@pytest.mark.parametrize("seed", range(40))
def test_no_text_acts(seed):
    # No manifest takes half a character; what a provider says may hold one.
    texts = [nasty(seed * 10 + number).replace("\ud83d", "") for number in range(3)]
    texts.append(nasty(seed * 10 + 3))
    one = job(nasty(seed, 5).replace("\ud83d", "") or "x", prompt=texts[0])
    one = replace(one, id=texts[1] or "id")
    old = attempt(job(prompt=texts[2]), state=State.STORED, job=one.name)
    old = replace(old, request=json.dumps(json.loads(old.request) | {"prompt": texts[2]}))
    failed = attempt(
        replace(one, prompt=texts[0]), 2, state=State.REMOTE_FAILED, error_message=texts[3]
    )
    for known in ((old,), (failed,), ()):
        text = markdown(plan(one, attempts=known), known)
        assert length(text) <= MOST_CHARACTERS
        assert "c2VjcmV0" not in text
        bare = re.sub(r"<summary>.*?</summary>", "", text)
        bare = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", bare)  # code spans
        for mark in ("<script", "@octocat", "javascript:", "<img", "www.", "https://", "![", "#1"):
            assert mark not in bare, text
        assert bare.count("<details>") == bare.count("</details>")
        inside = re.findall(r"<summary>(.*?)</summary>", text)
        assert len(inside) == text.count("<details><summary>")
        for title in inside:
            assert not re.search(r"<(?!/?code>)", title)
        assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2028\ud800-\udfff]", text)


@pytest.mark.parametrize("ids", [1, 300, 3000])
def test_it_never_grows_beyond_a_comment_and_says_what_it_leaves_out(ids):
    jobs = [
        job(f"{'long' * 15}-{n}[seed={n}]", seed=n, prompt="😀 word " * 200) for n in range(3000)
    ]
    jobs = [replace(one, id=f"{'long' * 15}-{n % ids}") for n, one in enumerate(jobs)]
    text = markdown(plan(*jobs))
    assert length(text) <= MOST_CHARACTERS
    assert text.count("<details>") == text.count("</details>")
    lists = text.count("<details>")
    assert "3,000 | **$1500.00** |" in text
    if lists < ids:
        left = ids - lists
        assert f"**Left out for its length:** {left} lists of " in text
    else:
        assert ("lines of" in text) is (ids == 300)


def test_unknown_and_mixed_prices_are_not_summed():
    known = (stored(price=None),)
    made = plan(job(), attempts=known, intact=("m/videos/one.mp4",))
    assert "| done already | 1 | unknown price |" in markdown(made, known)
    two = (stored(), replace(stored(number=2, currency="CNY"), price=Decimal(1)))
    made = plan(job(), attempts=two, intact=("m/videos/one.mp4",))
    assert "| done already | 1 | unknown price |" in markdown(made, two)


# -- the command -----------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    Image.new("RGB", (320, 240), "teal").save(tmp_path / "picture.png")
    (tmp_path / "pull.wanbatch.yaml").write_text(MANIFEST)
    return tmp_path


def call(folder, *words):
    return command.run(folder, *words, env=command.environ())


def test_the_command_prints_it_on_stdout_and_saves_the_same_plan(folder):
    done = call(folder, "plan", "pull.wanbatch.yaml", "--format", "markdown", "-o", "plan.json")
    assert done.returncode == 0, done.stderr
    digest = json.loads((folder / "plan.json").read_text())["digest"]
    assert done.stdout.startswith("### Plan: 3 to generate ($0.00).\n")
    assert f"digest `{digest}`." in done.stdout
    assert done.stderr.splitlines()[0] == f"Saved plan.json, digest {digest}."
    both = call(folder, "plan", "pull.wanbatch.yaml", "--format", "markdown", "--json")
    assert both.returncode == 2
    assert both.stderr.startswith(
        "error: --json and --format markdown both write to stdout: choose one.\n"
    )


def test_findings_are_markdown_too(folder):
    valid = call(folder, "validate", "pull.wanbatch.yaml", "--format", "markdown")
    assert (valid.returncode, valid.stdout) == (0, "### Valid: no findings\n")
    path = folder / "pull.wanbatch.yaml"
    path.write_text(MANIFEST.replace("seconds: 2", '"@octo `x`": 2'))
    for name in ("validate", "plan", "run"):
        done = call(folder, name, "pull.wanbatch.yaml", "--format", "markdown")
        assert done.returncode == 2
        lines = done.stdout.splitlines()
        assert lines[0].startswith("### 1 error")
        assert lines[2].startswith("- **error[WB")
        assert "`pull.wanbatch.yaml:7:" in lines[2]
        assert "@octo" not in re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", done.stdout)
