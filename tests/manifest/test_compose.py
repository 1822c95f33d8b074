"""A manifest that is written from jobs is read as the same jobs, whatever stands in
them."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from wanbatch.manifest.compose import compose_manifest, relative_path
from wanbatch.manifest.load import load_manifests
from wanbatch.manifest.promotion import promote_jobs
from wanbatch.media.check import check_media
from wanbatch.model.job import RunSettings, UrlMedia, trim_prompt
from wanbatch.plan.identity import identify
from wanbatch.words.diagnostics import has_errors

PIECES = [
    *("{{ a }}", "{{", "}}", "{% raw %}", "{% endraw %}", "{%- endraw -%}", "{#", "#}", "{{{"),
    *(": ", " #", "# x", "- ", "---", "...", "? ", "&a", "*a", "!tag", "|", ">", "%", "@", "`"),
    *("null", "~", "true", "on", "0x1f", "1e3", ".nan", "16:9", "2026-01-01", "<<", "=", "''"),
    *('"', "'", "\\", "\\n", "\\u0041", "\t", "\n", "\n\n", "\r\n", "\r", "  ", "\u00a0", "\u3000"),
    *("\u2028", "\u2029", "\x85", "\ufeff", "\u202e", "\u200b", "\u00ad", "\U0001f30a", "e\u0301"),
    *("</script>", "${hour}", "{hour}", "%hour%", "<hour>", "[[hour]]", "[", "]", "{", "}", ","),
    *("港の夜明け", "\U000e0001", "\ufffd", "a", "Harbour", " ", "x" * 200),
]


def hostile_texts(count: int) -> list[str]:
    """Each piece alone, then joined by chance, none of them blank."""
    dice = random.Random(2026)
    texts = [piece if piece.strip() else f"a{piece}b" for piece in PIECES]
    while len(texts) < count:
        text = "".join(dice.choices(PIECES, k=dice.randrange(2, 9)))
        if text.strip():
            texts.append(text)
    return texts[:count]


def write(folder: Path, text: str, name: str = "one.wanbatch.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def as_yaml(value: object) -> str:
    """JSON that YAML reads: no character in two halves, no line end inside a text."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isascii() or ord(c) > 0xFFFF else f"\\u{ord(c):04x}" for c in text)


def load(path: Path):
    loaded = load_manifests([path])
    errors = [d for d in loaded.diagnostics if d.severity == "error"]
    assert not errors, [(d.message, str(d.place)) for d in errors]
    return loaded.manifests[0]


def fingerprints(manifest) -> dict[str, str]:
    media = check_media([manifest], 0.0)
    assert not has_errors(media.diagnostics), media.diagnostics
    return {name: one.fingerprint for (_, name), one in identify([manifest], media.digests).items()}


def promoted(manifest, folder, names=None, changes=None, name="two"):
    """What is chosen, written to ``folder`` and read again."""
    chosen = frozenset(names or [job.name for job in manifest.jobs])
    promotion = promote_jobs(manifest.jobs, chosen, changes or {})
    text = compose_manifest(name, manifest.description, manifest.run, promotion.entries, folder)
    return load(write(folder, text, f"{name}.wanbatch.yaml")), promotion


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "media" / "picture.png"
    path.parent.mkdir()
    Image.new("RGB", (320, 240), "teal").save(path)
    return path


def test_300_hostile_texts_come_back_as_they_were(tmp_path, picture):
    texts = hostile_texts(300)
    jobs = [
        {
            "id": f"job-{number}",
            "vars": {"text": text},
            "prompt": "{{ text }}",
            "negative_prompt": "{{ text }}"[: 10 if len(text) <= 500 else 0] or None,
            "media": {"first_frame": "media/picture.png"},
            "tags": ["".join(text.split()).replace(",", "")[:200] or "a"]
            if "{" not in text and text.isprintable()
            else [],
        }
        for number, text in enumerate(texts)
    ]
    sent = [trim_prompt(text) for text in texts]
    source = write(
        tmp_path, as_yaml({"wanbatch": 1, "name": "one", "description": texts[0], "jobs": jobs})
    )
    manifest = load(source)
    assert [trim_prompt(job.prompt) for job in manifest.jobs] == sent
    again, _ = promoted(manifest, tmp_path)
    assert [job.prompt for job in again.jobs] == sent
    assert again.description == manifest.description
    assert [job.tags for job in again.jobs] == [job.tags for job in manifest.jobs]
    assert list(fingerprints(again).values()) == list(fingerprints(manifest).values())
    twice, _ = promoted(again, tmp_path, name="three")
    assert [job.prompt for job in twice.jobs] == sent


def test_several_tame_lines_stay_readable(tmp_path, picture):
    text = 'jobs: [{id: a, prompt: "One: a\\n\\n# two\\n  three", media: {first_frame: media/picture.png}}]'
    manifest = load(write(tmp_path, f"wanbatch: 1\n{text}\n"))
    entries = promote_jobs(manifest.jobs, frozenset({"a"}), {}).entries
    written = compose_manifest("two", "", RunSettings(), entries, tmp_path)
    assert '    prompt: "One: a' in written, "an indented line is not tame"
    tame = replace(entries[0], job=replace(entries[0].job, prompt="One: a\n\n# two\nthree"))
    written = compose_manifest("two", "", RunSettings(), [tame], tmp_path)
    assert "    prompt: |-\n      One: a\n\n      # two\n      three\n" in written
    again = load(write(tmp_path, written, "two.wanbatch.yaml"))
    assert again.jobs[0].prompt == "One: a\n\n# two\nthree"


def test_urls_settings_and_media_from_another_folder_are_kept(tmp_path, picture):
    odd = picture.parent / "~a: {{b}} #1.png"
    odd.write_bytes(picture.read_bytes())
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "next" / "season"
    folder.mkdir(parents=True)
    query = "https://example.com/a.png?token={{x}}&id=1"
    manifest = load(
        write(
            tmp_path,
            as_yaml(
                {
                    "wanbatch": 1,
                    "vars": {"url": query, "file": "media/~a: {{b}} #1.png"},
                    "jobs": [
                        {
                            "id": "null",
                            "media": {"first_frame": {"url": "{{ url }}", "identity": ["id"]}},
                        },
                        {
                            "id": "1e3",
                            "media": {
                                "first_frame": "{{ file }}",
                                "last_frame": "https://example.com/b.png?v=1",
                            },
                        },
                        {
                            "id": "0-0",
                            "media": {"first_frame": "media/picture.png"},
                            "watermark": True,
                            "seconds": 15,
                        },
                    ],
                    "run": {
                        "backend": "emulator",
                        "max_cost": "2.50",
                        "rate": 0.5,
                        "retries": 3,
                        "on_failure": "stop",
                    },
                }
            ),
        )
    )
    again, _ = promoted(manifest, folder)
    assert list(fingerprints(again).values()) == list(fingerprints(manifest).values())
    assert [job.id for job in again.jobs] == ["null", "1e3", "0-0"]
    assert again.run == manifest.run
    assert again.run.max_cost == Decimal("2.50")
    source = again.jobs[0].media[0].source
    assert source == UrlMedia(query, ("id",))
    assert relative_path(odd, picture.parent) == "./~a: {{b}} #1.png"


CHAIN = """\
wanbatch: 1
jobs:
  - id: one
    prompt: a
    prompt_extend: false
    media: {first_frame: media/picture.png}
    seeds: [1, 2]
    repeat: 3
  - id: two
    prompt: b
    prompt_extend: false
    seconds: 8
    media: {first_clip: {job: one}, last_frame: {job: one, frame: first, where: {take: 1}}}
    seeds: [1, 2]
    repeat: 3
  - id: three
    prompt: c
    prompt_extend: false
    media: {first_frame: {job: two, frame: last, where: {take: 2, seed: 1}}}
"""


def test_chains_keep_their_references_and_bring_their_upstream(tmp_path, picture):
    manifest = load(write(tmp_path, CHAIN))
    before = fingerprints(manifest)
    again, promotion = promoted(manifest, tmp_path, ["three"])
    # two[seed=1,take=2] goes on from one[seed=1,take=2], and ends as take 1 begins.
    assert [entry.repeat for entry in promotion.entries] == [2, 2, 1]
    after = fingerprints(again)
    assert set(after.values()) <= set(before.values())
    assert len(after) == 5
    assert after["three"] == before["three"]
    assert any("written too" in remark for remark in promotion.remarks)
    everything, whole = promoted(manifest, tmp_path, name="all")
    assert set(fingerprints(everything).values()) == set(before.values())
    assert not whole.remarks


def test_a_late_take_brings_those_before_it_and_says_so(tmp_path, picture):
    manifest = load(write(tmp_path, CHAIN))
    before = fingerprints(manifest)
    again, promotion = promoted(manifest, tmp_path, ["one[seed=2,take=3]"])
    after = fingerprints(again)
    assert before["one[seed=2,take=3]"] in after.values()
    assert len(after) == 3
    assert "with takes 1 to 3" in promotion.remarks[0]


def test_a_change_frees_takes_from_their_numbers(tmp_path, picture):
    manifest = load(write(tmp_path, CHAIN))
    chosen = ["one[seed=2,take=3]", "two[seed=1,take=3]", "two[seed=1,take=2]"]
    again, promotion = promoted(manifest, tmp_path, chosen, {"size": "1080P"})
    assert {job.size for job in again.jobs} == {"1080P"}
    assert not set(fingerprints(again).values()) & set(fingerprints(manifest).values())
    assert [entry.repeat for entry in promotion.entries] == [3, 1, 1, 1]
    assert len(set(fingerprints(again).values())) == 6


def test_ids_are_unique_and_short(tmp_path, picture):
    values = [f"{'x' * 150}{number}" for number in range(3)] + ["a b", "a-b", "é", "É"]
    manifest = load(
        write(
            tmp_path,
            as_yaml(
                {
                    "wanbatch": 1,
                    "jobs": [
                        {
                            "id": "long-" + "y" * 90,
                            "prompt": "{{ what }}",
                            "media": {"first_frame": "media/picture.png"},
                            "matrix": {"what": values},
                        }
                    ],
                }
            ),
        )
    )
    again, _ = promoted(manifest, tmp_path)
    assert len({job.id for job in again.jobs}) == len(values)
    assert list(fingerprints(again).values()) == list(fingerprints(manifest).values())
