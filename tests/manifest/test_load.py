"""The whole way from files to jobs: what stands beside the cases, which show texts and
jobs one by one."""

from __future__ import annotations

import gc
import hashlib
import os
from decimal import Decimal
from pathlib import Path

import pytest
from spending import spending

from wanbatch.manifest.load import Loaded, LoadOptions, load_manifests
from wanbatch.model.job import FileMedia, JobMedia, RunSettings, UrlMedia
from wanbatch.words.diagnostics import Position, has_errors

JOB = "  - id: a\n    media: {first_frame: a.png}\n"


def load(tmp_path: Path, *texts: str, options: LoadOptions = LoadOptions()) -> Loaded:  # noqa: B008 - frozen
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f"m{number}.wanbatch.yaml")
        paths[-1].write_text(text)
    return load_manifests(paths, options)


def test_a_manifest_carries_what_it_says(tmp_path: Path) -> None:
    text = (
        "wanbatch: 1\ndescription: Two\nvars: {a: 1, b: x}\njobs:\n"
        + JOB
        + "run: {backend: emulator, max_cost: 5.10, max_in_flight: 3, rate: 0.5, retries: 0,"
        " on_failure: stop}\n"
    )
    (manifest,) = load(tmp_path, text).manifests
    assert (manifest.name, manifest.path, manifest.description) == (
        "m0",
        str(tmp_path / "m0.wanbatch.yaml"),
        "Two",
    )
    assert manifest.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert manifest.run == RunSettings("emulator", Decimal("5.1"), 3, 0.5, 0, "stop")
    assert manifest.vars == {"a": 1, "b": "x"}


def test_settings_that_are_not_given_have_defaults(tmp_path: Path) -> None:
    (manifest,) = load(
        tmp_path, "wanbatch: 1\nname: n\njobs:\n" + JOB + "run: {max_cost: '0.10'}\n"
    ).manifests
    assert manifest.name == "n"
    assert manifest.run == RunSettings(max_cost=Decimal("0.10"))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Harbor Two.wanbatch.yaml", "harbor-two"),
        ("a.yaml", "a"),
        ("é.yml", "manifest"),
        ("x.y.yaml", "x-y"),
    ],
)
def test_the_name_is_the_stem_as_a_slug(tmp_path: Path, file: str, name: str) -> None:
    (tmp_path / file).write_text("wanbatch: 1\njobs:\n" + JOB)
    assert load_manifests([tmp_path / file]).manifests[0].name == name


def test_places_of_jobs_and_media(tmp_path: Path) -> None:
    text = (
        "wanbatch: 1\ndefaults:\n  media: {last_frame: 'z.png'}\njobs:\n  - prompt: x\n   "
        " id: a\n    media:\n      first_frame: https://e.com/a.png\n"
        "  - id: b\n    media: {first_frame: {job: a, frame: last}}\n"
    )
    path = str(tmp_path / "m0.wanbatch.yaml")
    one, other = load(tmp_path, text).manifests[0].jobs
    assert one.place == Position(path, 6, 9, 10)
    assert [(m.type, m.source, m.place) for m in one.media] == [
        ("first_frame", UrlMedia("https://e.com/a.png"), Position(path, 8, 20, 39)),
        ("last_frame", FileMedia("z.png", tmp_path / "z.png"), Position(path, 3, 23, 30)),
    ]
    assert other.media[0].source == JobMedia("a", "last")
    assert other.media[0].place == Position(path, 10, 26, 27)


def test_one_bad_manifest_does_not_hide_the_others(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        "wanbatch: 1\njobs:\n" + JOB + "    secs: 5\n",
        "wanbatch: 1\njobs:\n" + JOB,
        "a: [",
    )
    assert [m.name for m in loaded.manifests] == ["m1"]
    assert [(d.code, Path(d.place.path).name) for d in loaded.diagnostics] == [
        ("WB201", "m0.wanbatch.yaml"),
        ("WB110", "m2.wanbatch.yaml"),
    ]


def test_one_bad_job_does_not_hide_the_mistakes_of_others_nor_make_new_ones(tmp_path: Path) -> None:
    text = (
        "wanbatch: 1\njobs:\n  - id: a\n    media: {first_frame: a.png}\n    secs: 5\n  - id:"
        " b\n    media: {first_frame: {job: a, frame: last}}\n"
        "  - id: c\n    prompt: '{{ x }}'\n    media: {first_frame: a.png}\n"
    )
    assert [d.code for d in load(tmp_path, text).diagnostics] == ["WB201", "WB302"]


def test_the_ceiling_counts_all_manifests_together(tmp_path: Path) -> None:
    text = (
        "wanbatch: 1\ndefaults: {prompt_extend: false}\njobs:\n"
        + JOB
        + "    seeds: {start: 0, count: 6}\n"
    )
    assert not has_errors(load(tmp_path, text, text, options=LoadOptions(max_jobs=12)).diagnostics)
    loaded = load(tmp_path, text, text, options=LoadOptions(max_jobs=11))
    assert [d.code for d in loaded.diagnostics] == ["WB402"]
    assert len(loaded.manifests) <= 1
    assert "--max-jobs 12" in loaded.diagnostics[0].help[0]


@pytest.mark.parametrize(
    "sweep",
    [
        "seeds: {count: 2147483648}",
        "seeds: {start: 0, count: 1000000000}",
        "repeat: 1000000",
        "matrix: {" + ", ".join(f"a{n}: [1,2,3,4,5,6,7,8,9]" for n in range(12)) + "}",
        "rows: big.csv",
        "matrix: {a: ["
        + ",".join(map(str, range(9000)))
        + "]}\n    repeat: 9000\n    seeds: {count: 9000}",
    ],
)
def test_what_is_too_much_is_refused_before_it_is_built(tmp_path: Path, sweep: str) -> None:
    (tmp_path / "big.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(300_000)))
    with spending() as spent:
        loaded = load(tmp_path, "wanbatch: 1\njobs:\n" + JOB + f"    {sweep}\n")
    assert "WB402" in {d.code for d in loaded.diagnostics}
    assert not loaded.manifests
    assert spent.cpu_s < 1


def test_many_matrices_that_exclude_nearly_all_are_too_much_together(tmp_path: Path) -> None:
    axis = "[" + ",".join(map(str, range(300))) + "]"
    jobs = "".join(
        (
            f"  - id: j{n}\n    media: {{first_frame: a.png}}\n    matrix: {{a: &a{n} {axis}, b:"
            f" *a{n}, exclude: [{{a: 1}}]}}\n"
        )
        for n in range(20)
    )
    with spending() as spent:
        loaded = load(tmp_path, "wanbatch: 1\njobs:\n" + jobs)
    assert "WB402" in {d.code for d in loaded.diagnostics}
    assert spent.cpu_s < 3


def test_a_long_chain_needs_no_recursion(tmp_path: Path) -> None:
    jobs = "".join(
        f"  - id: j{n}\n    media: {{first_frame: {{job: j{n - 1}, frame: last}}}}\n"
        for n in range(1, 5_000)
    )
    loaded = load(
        tmp_path, "wanbatch: 1\njobs:\n  - id: j0\n    media: {first_frame: a.png}\n" + jobs
    )
    assert not loaded.diagnostics
    assert (
        len({job.seed for job in loaded.manifests[0].jobs}) == 1
    )  # all chained to j0's drawn seed
    circle = load(
        tmp_path,
        "wanbatch: 1\njobs:\n  - id: j0\n    media: {first_frame: {job: j4999, frame: last}}\n"
        + jobs,
    )
    assert [d.code for d in circle.diagnostics] == ["WB423"]
    assert len(circle.diagnostics[0].label) < 100


def test_errors_of_many_cells_are_gathered(tmp_path: Path) -> None:
    text = (
        "wanbatch: 1\njobs:\n"
        + JOB
        + "    seconds: '{{ n }}'\n    matrix: {n: [1, 2, 3, 16, 17, 18, 19, 20]}\n"
    )
    (found,) = load(tmp_path, text).diagnostics
    assert [cell.name for cell in found.cells] == [f"a[n={n}]" for n in (1, 16, 17, 18, 19, 20)]
    assert (found.message, found.cells[5].message) == ("1 is out of range", "20 is out of range")


def test_media_and_prompts_of_other_folders(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "prompt.txt").write_text("a boat\r\n")
    manifest = tmp_path / "specs" / "m.yaml"
    manifest.write_text("wanbatch: 1\njobs:\n" + JOB + "    prompt: {file: ../prompt.txt}\n")
    assert [d.code for d in load_manifests([manifest]).diagnostics] == ["WB309"]
    loaded = load_manifests([manifest], LoadOptions(media_root=tmp_path))
    assert loaded.manifests[0].jobs[0].prompt == "a boat"
    (tmp_path / ".git").mkdir()
    assert load_manifests([manifest]).manifests


def test_pipes_and_devices_cannot_hang_a_check(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.csv")
    os.mkfifo(tmp_path / "p.txt")
    loaded = load(
        tmp_path,
        "wanbatch: 1\njobs:\n" + JOB + "    prompt: {file: p.txt}\n    rows: p.csv\n",
        "wanbatch: 1\njobs:\n" + JOB + "    rows: /dev/zero\n",
    )
    assert [d.code for d in loaded.diagnostics] == ["WB410", "WB309"]


def test_the_collector_is_left_as_it_was(tmp_path: Path) -> None:
    assert gc.isenabled()
    load(tmp_path, "wanbatch: 1\njobs:\n" + JOB, "a: [")
    assert gc.isenabled()
    gc.disable()
    try:
        load(tmp_path, "wanbatch: 1\njobs:\n" + JOB)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_twenty_thousand_jobs_take_little_time_and_more_take_proportionally_more(
    tmp_path: Path,
) -> None:
    """The figures of benchmarks/plan_scale.py, with much room for slow machines."""

    def took(count: int) -> float:
        matrix = "{a: [" + ",".join(map(str, range(count // 100))) + "], b: [1,2,3,4,5,6,7,8,9,10]}"
        sweep = (
            f"    prompt_extend: false\n    matrix: {matrix}\n    seeds: {{start: 0, count: 10}}\n"
        )
        text = f"wanbatch: 1\njobs:\n{JOB}    prompt: 'at {{{{ a }}}}'\n{sweep}"
        with spending() as spent:
            loaded = load(tmp_path, text, options=LoadOptions(max_jobs=count))
        assert len(loaded.manifests[0].jobs) == count
        return spent.cpu_s

    took(1_000)
    small, large = min(took(4_000) for _ in range(3)), min(took(20_000) for _ in range(3))
    assert large < 2
    assert large < small * 5 * 1.8


def test_thousands_of_mistakes_do_not_take_thousands_of_times_as_long(tmp_path: Path) -> None:
    """Ten times as many mistakes take about ten times as long, whatever the machine
    does besides."""
    good = "  - {id: j0, media: {first_frame: a.png}}\n"
    for mistake in (
        "media: {first_frame: {job: jj, frame: last}}",
        "media: {first_frame: a.png}, prompt: '{{ x }}'",
        "media: {first_frame: a.png}, secs: 5",
    ):
        took = []
        for count in (400, 4_000):
            text = (
                "wanbatch: 1\njobs:\n"
                + good
                + "".join(f"  - {{id: j{n}, {mistake}}}\n" for n in range(1, count))
            )
            with spending() as spent:
                loaded = load(tmp_path, text)
            took.append(spent.cpu_s)
            assert 100 <= len(loaded.diagnostics) <= count
        assert took[1] < 40 * took[0]
    repeated = "wanbatch: 1\njobs:\n" + good * 2_000
    assert {d.code for d in load(tmp_path, repeated).diagnostics} == {"WB401"}


def test_bad_jobs_beyond_the_bound_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanbatch.manifest.shape.check.MOST_EXPLAINED", 3)
    jobs = "".join(f"  - {{id: j{n}, media: {{first_frame: a.png}}, secs: 5}}\n" for n in range(5))
    found = load(tmp_path, "wanbatch: 1\njobs:\n" + jobs).diagnostics
    assert [d.code for d in found] == ["WB201"] * 3 + ["WB219"]
    assert found[-1].message == "2 more jobs have errors"
    assert found[-1].place.line == 6
