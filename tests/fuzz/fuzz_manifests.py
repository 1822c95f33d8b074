"""Mutated manifests through the whole way from file to findings: no traceback, no hang,
every error with a place and a way out.

How it works: the example manifests and the cases are bent as text (bytes flipped, lines
moved, doubled and indented, hostile fragments put in, two manifests spliced) and as
data (values replaced, keys renamed, then written as YAML again), some also with a bent
data file beside them. All is drawn from one seed, so a failure names the seed and the
number that bring it back:

    python tests/fuzz/fuzz_manifests.py --count 100000 --seed 1
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from wanbatch.cli.findings import render, render_text
from wanbatch.manifest.load import Loaded, LoadOptions, load_manifests
from wanbatch.manifest.yaml.source import parse_source
from wanbatch.media.check import check_media
from wanbatch.model.job import Job
from wanbatch.words.diagnostics import has_errors
from wanbatch.words.schemas import gate

ROOT = Path(__file__).parent.parent.parent
FORMATS = ("json", "github", "sarif", "junit")
MOST_JOBS = 2_000

FRAGMENTS = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "{{ 2**(2**33) }}",
    "{{ x.__class__ }}",
    "{% for a in 'aaaaaaaa' %}",
    "{{ '%9999999999s' % 1 }}",
    "{{ ''|replace('','x') }}",
    "[",
    "]",
    "{",
    "}",
    "[" * 100,
    "{a: " * 100,
    "- " * 100,
    ": ",
    " #",
    "&a ",
    "*a",
    "<<: *a",
    "<<: [*a, *a]",
    "!!python/object:os.system ",
    "!x ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "\t",
    "\r",
    "\r\n",
    "\x00",
    "\x1b[2J",
    "\x85",
    "\u2028",
    "\u202e",
    "\ufeff",
    "\ud7ff",
    "\U0010ffff",
    "\ufffe",
    "'",
    '"',
    "|\n",
    ">-\n",
    "? ",
    "@",
    "`",
    "9" * 30,
    "9" * 5000,
    ".nan",
    ".inf",
    "1e999",
    "-0",
    "0x" + "f" * 40,
    "0o777777777777777777777777",
    "true",
    "null",
    "~",
    "on",
    "2026-99-99",
    "12:30:45",
    "first_clip: a.mp4",
    "driving_audio: x.mp3",
    "{job: opening}",
    "{job: opening, frame: last}",
    "{job: opening, where: {hour: dawn, hour2: x}}",
    "seconds: 99",
    "seeds: {count: 100000000}",
    "seeds: {start: 2147483647, count: 5}",
    "repeat: 1000000",
    "matrix: {a: [1, 1]}",
    "matrix: {include: [{a: 1}, {a: 1}]}",
    "matrix: {a: &b [1,2,3,4,5,6,7,8,9,0], c: *b, d: *b, e: *b, f: *b, g: *b}",
    "rows: shots.csv",
    "rows: ../../../etc/passwd",
    "rows: /dev/zero",
    "rows: {from: x.json, key: a}",
    "prompt: {file: /etc/hostname}",
    "prompt: {file: .}",
    'prompt: {file: "{{ x }}"}',
    "id: ''",
    "vars: {seed: 1, if: 2, __class__: 3}",
    "https://a/?Signature=x",
    "file:///etc/passwd",
    "x" * 6000,
    "\\",
    "\\x",
    "\\u0000",
    "\\ud800",
    "é" * 50,
    "👍",
]
VALUES: list[object] = [
    None,
    True,
    False,
    0,
    -1,
    5,
    16,
    2**31,
    10**17,
    1.5,
    -0.0,
    1e308,
    "",
    " ",
    "a",
    "5",
    "{{ x }}",
    "{{ job.id }}",
    "{{ seed }}",
    "{{ take * 2 }}",
    "720P",
    [],
    {},
    [[]],
    [None],
    {"a": []},
    {"job": "opening"},
    {"job": "opening", "frame": "last", "where": {}},
    {"file": "prompts/shot.j2"},
    {"from": "shots.csv", "key": "shot"},
    {"count": 3},
    {"start": 0, "count": 2, "step": -1},
    {"include": [{"a": 1}], "exclude": [{"b": 1}]},
    {"a": [1, 2], "b": ["x", None]},
    "x" * 6000,
    "\x1b",
    "https://e.com/a?X-Amz-Signature=1",
]
WORDS = [
    "wanbatch",
    "name",
    "description",
    "vars",
    "defaults",
    "jobs",
    "run",
    "id",
    "model",
    "prompt",
    "negative_prompt",
    "media",
    "first_frame",
    "last_frame",
    "driving_audio",
    "first_clip",
    "seconds",
    "size",
    "seed",
    "seeds",
    "seed_key",
    "prompt_extend",
    "watermark",
    "matrix",
    "rows",
    "repeat",
    "tags",
    "include",
    "exclude",
    "job",
    "where",
    "frame",
    "start",
    "count",
    "step",
    "from",
    "key",
    "file",
    "x-a",
    "<<",
    "backend",
    "max_cost",
]


@dataclass(slots=True)
class Outcome:
    """What a fuzzing came to: how often each code was seen, and the seconds of CPU time
    that each manifest took."""

    codes: Counter[str] = field(default_factory=Counter)
    valid: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def median_s(self) -> float:
        return statistics.median(self.times)

    @property
    def worst_s(self) -> float:
        return max(self.times)


def corpus() -> list[bytes]:
    """The manifests that are bent: every example and every case, but for the very long
    ones."""
    good = sorted(
        [
            *(ROOT / "examples" / "specs").glob("*.yaml"),
            *(ROOT / "tests" / "cases" / "valid").glob("*/*.wanbatch.yaml"),
        ]
    )
    bad = sorted((ROOT / "tests" / "cases" / "invalid").glob("*/*.wanbatch.yaml"))
    texts = [
        path.read_bytes() for path in [*good * 25, *bad]
    ]  # good ones more often: only they reach the later stages
    return [data for data in texts if len(data) < 6_000]


def bend(rng: random.Random, texts: list[bytes]) -> bytes:
    """One mutated manifest."""
    data = rng.choice(texts)
    as_data = rng.random() < 0.6
    if as_data:
        data = bend_data(rng, data)
    for _ in range(rng.choice((0, 0, 0, 1)) if as_data else rng.choice((1, 1, 2, 3, 8))):
        data = rng.choice((flip, insert, insert, lines, indent, splice, cut))(rng, data, texts)
    return data[:60_000]


def flip(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    changed = bytearray(data or b" ")
    for _n in range(rng.randint(1, 4)):
        changed[rng.randrange(len(changed))] = rng.choice(
            (rng.randrange(256), ord(rng.choice("{}[]:,#&*!|>'\"%@` \n\t-?")))
        )
    return bytes(changed)


def insert(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(FRAGMENTS).encode("utf-8", "surrogatepass") + data[at:]


def lines(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    parts = data.split(b"\n")
    one, other = rng.randrange(len(parts)), rng.randrange(len(parts))
    kind = rng.randrange(3)
    if kind == 0:
        del parts[one]
    elif kind == 1:
        parts.insert(other, parts[one])
    else:
        parts[one], parts[other] = parts[other], parts[one]
    return b"\n".join(parts)


def indent(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    parts = data.split(b"\n")
    at = rng.randrange(len(parts))
    parts[at] = (
        rng.choice((b" ", b"  ", b"\t", b"- ")) + parts[at]
        if rng.random() < 0.6
        else parts[at].lstrip()
    )
    return b"\n".join(parts)


def splice(rng: random.Random, data: bytes, texts: list[bytes]) -> bytes:
    other = rng.choice(texts)
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


def cut(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + data[at + rng.randint(0, 40) :]


def bend_data(rng: random.Random, data: bytes) -> bytes:
    """Parse, change some subtrees, write as YAML again."""
    document = parse_source("x", data.decode("utf-8", "replace")).document
    if document is None or not isinstance(document.data, dict):
        return data
    tree: object = document.data
    for _ in range(rng.choice((1, 1, 2, 3))):
        tree = _bend_tree(rng, tree, 0)
    try:
        return yaml.dump(
            tree,
            Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
            allow_unicode=True,
            sort_keys=False,
        ).encode("utf-8", "surrogatepass")
    except (yaml.YAMLError, RecursionError):
        return data


def _bend_tree(rng: random.Random, node: object, depth: int) -> object:
    if depth > 12 or (depth and rng.random() < 0.06):
        return rng.choice(VALUES)
    if isinstance(node, dict) and node:
        result = dict(node)
        if depth == 0 and rng.random() < 0.8 and "jobs" in node:
            result["jobs"] = _bend_tree(rng, node["jobs"], 1)
            return result
        key = rng.choice(list(node))
        kind = rng.random()
        if kind < 0.1:
            del result[key]
        elif kind < 0.2:
            result[rng.choice(WORDS)] = result.pop(key)
        elif kind < 0.3:
            result[rng.choice(WORDS)] = rng.choice(VALUES)
        else:
            result[key] = _bend_tree(rng, node[key], depth + 1)
        return result
    if isinstance(node, list) and node:
        at = rng.randrange(len(node))
        result_list = list(node)
        if rng.random() < 0.1:
            result_list.append(node[at])
        else:
            result_list[at] = _bend_tree(rng, node[at], depth + 1)
        return result_list
    return rng.choice(VALUES)


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder with the data files that manifests name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ".git").mkdir()
        (folder / "prompts").mkdir()
        (folder / "prompts" / "shot.j2").write_text(
            "{{ what }} at {{ hour | default('noon') }}, take {{ take }}\n"
        )
        (folder / "shots.csv").write_text("shot,frame,what,length\na,x,y,5\nb,y,z,6\n")
        yield folder


def fuzz(count: int, seed: int) -> Outcome:
    """Bend and load ``count`` manifests. Raises ``AssertionError`` that names seed and
    number where a promise is broken."""
    texts, outcome = corpus(), Outcome()
    before = os.getcwd()  # noqa: PTH109 - to come back to
    with workshop() as folder:
        os.chdir(folder)
        try:
            for number in range(20):
                _one(
                    number, seed, texts, Outcome()
                )  # what is imported late is no part of any manifest's time
            for number in range(count):
                _one(number, seed, texts, outcome)
        finally:
            os.chdir(before)
    return outcome


def _one(number: int, seed: int, texts: list[bytes], outcome: Outcome) -> None:
    rng = random.Random(f"{seed}/{number}")
    data = bend(rng, texts)
    path = Path("m.wanbatch.yaml")
    path.write_bytes(data)
    if rng.random() < 0.05:
        rows = rng.choice((flip, insert, lines, cut))(
            rng, b'shot,frame,what\na,"b, c",d\ne,f,g\n', texts
        )
        Path("shots.csv").write_bytes(rows)
    began = time.process_time()
    try:
        loaded = load_manifests([path], LoadOptions(max_jobs=MOST_JOBS))
        media = (
            check_media(loaded.manifests, 1_790_000_000.0).diagnostics if number % 10 == 0 else ()
        )
        text = render_text(loaded.diagnostics)
    except Exception as error:
        raise AssertionError(
            f"manifest {number} of seed {seed}: {type(error).__name__}: {error}\n{data!r}"
        ) from error
    outcome.times.append(time.process_time() - began)
    try:
        _check(loaded, text, number)
        assert all(d.place.path and d.place.line >= 1 for d in media)
    except AssertionError as error:
        raise AssertionError(f"manifest {number} of seed {seed}: {error}\n{data!r}") from error
    outcome.codes.update({d.code for d in loaded.diagnostics})
    outcome.valid += bool(loaded.manifests)


def _check(loaded: Loaded, text: str, number: int) -> None:
    """The promises."""
    assert bool(loaded.manifests) != has_errors(loaded.diagnostics), "either a manifest or an error"
    for d in loaded.diagnostics:
        assert d.place.path, f"{d.code} has no file"
        assert min(d.place.line, d.place.column) >= 1, f"{d.code} has no place"
        assert d.place.end_column >= d.place.column, f"{d.code} ends before it begins"
        assert d.help, f"{d.code} shows no way out: {d.message}"
    assert not set(text) & set(
        map(chr, [*range(9), *range(11, 32), 127, *range(128, 160), 0x202E])
    ), "the text is harmless to terminals"
    for manifest in loaded.manifests:
        names = [job.name for job in manifest.jobs]
        assert len(set(names)) == len(names), "names are unique"
        assert 0 < len(names) <= MOST_JOBS, "the ceiling holds"
        assert all(_is_good(job) for job in manifest.jobs), (
            "every job is what the strict schema allows"
        )
    if number % 20 == 0:
        for form in FORMATS:
            render(loaded.diagnostics, form)


def _is_good(job: Job) -> bool:
    value: dict[str, object] = {
        "model": job.model,
        "seconds": job.seconds,
        "size": job.size,
        "seed": job.seed,
        "prompt_extend": job.prompt_extend,
        "watermark": job.watermark,
        "media": {m.type: "a" for m in job.media},
    }
    value |= {
        name: text
        for name, text in (("prompt", job.prompt), ("negative_prompt", job.negative_prompt))
        if text is not None
    }
    return gate("job").is_valid(value)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    outcome = fuzz(given.count, given.seed)
    print(
        f"{given.count:,} manifests, seed {given.seed}: {outcome.valid:,} valid,"
        f" {len(outcome.codes)} different codes seen"
    )
    print(
        f"median {outcome.median_s * 1000:.2f} ms, worst {outcome.worst_s * 1000:.0f} ms"
        f" (manifest {outcome.times.index(outcome.worst_s)})"
    )
    print(", ".join(f"{code} {n:,}" for code, n in outcome.codes.most_common()))
    if outcome.median_s > 0.05 or outcome.worst_s > 1:
        sys.exit("slower than promised: 50 ms for the median, 1 s for the worst")


if __name__ == "__main__":
    main()
