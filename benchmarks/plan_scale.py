"""How long it takes to plan 100,000 jobs: a compact manifest that expands to them, and
one that writes every job out (24 MB).

Planning is everything before anything is sent: read, check, expand, render, validate,
examine the media, fingerprint, price, decide. Each measurement is a process of its own
and prints wall and CPU time, the share of loading, and peak memory; beside it stand the
bare cost of PyYAML's ``CSafeLoader`` on the same file and of jsonschema on the same
jobs. Linearity compares CPU time per job at a tenth of the size.

    python benchmarks/plan_scale.py [--jobs 100000] [--skip-peers]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

COMPACT = """\
wanbatch: 1
name: compact
vars: {{style: "35mm film, soft light"}}
defaults: {{size: 720P, seconds: 5, prompt_extend: false}}
jobs:
  - id: opening
    prompt: >-
      Harbour at {{{{ hour }}}}, {{{{ style }}}}, seen through a {{{{ lens }}}} lens, the camera
      {{{{ move }}}}, in a {{{{ mood }}}} mood
    negative_prompt: blurry, text
    media: {{first_frame: picture.png}}
    matrix:
      hour: [dawn, dusk, noon, night, a5, a6, a7, a8, a9, a10]
      lens: [24mm, 35mm, 50mm, 85mm, 135mm]
      move: [glides, rises, falls, turns, m5, m6, m7, m8, m9, m10]
      mood: [calm, loud, dark, warm, cold]
    seeds: {{start: 100, count: {seeds}}}
"""
CELLS = 2_500


def write_compact(path: Path, jobs: int) -> None:
    path.write_text(COMPACT.format(seeds=jobs // CELLS))


def write_explicit(path: Path, jobs: int, *, bad: bool = False) -> None:
    """Every job written out; with ``bad`` the last has a misspelt key."""
    lines = ["wanbatch: 1", "name: explicit", "jobs:"]
    for n in range(jobs):
        lines += [
            f"  - id: shot-{n}",
            f"    prompt: A harbour at dawn seen by camera {n}, soft light and mist over the water",
            "    media:",
            "      first_frame: picture.png",
            "    seconds: 5",
            "    size: 720P",
            f"    seed: {n}",
            "    prompt_extend: false",
            "    tags: [a, b]",
        ]
    lines += ["    scnds: 5"] if bad else []
    path.write_text("\n".join(lines) + "\n")


def measure_plan(path: Path, jobs: int) -> dict[str, float]:
    """Plan a manifest in this process."""
    from wanbatch.manifest.load import LoadOptions, load_manifests
    from wanbatch.media.check import check_media
    from wanbatch.model.lifecycle import Snapshot
    from wanbatch.model.price import PriceList
    from wanbatch.plan.planner import PlanOptions, Target, make_plan

    began, cpu = time.perf_counter(), time.process_time()
    loaded = load_manifests([path], LoadOptions(max_jobs=jobs))
    load_s, load_cpu_s = time.perf_counter() - began, time.process_time() - cpu
    media = check_media(loaded.manifests, time.time())
    prices = PriceList({"720P": Decimal("0.10"), "1080P": Decimal("0.15")}, "USD")
    plan = make_plan(
        loaded.manifests,
        media.digests,
        Snapshot(),
        frozenset(),
        Target("gateway", "paid", "o", prices),
        PlanOptions(),
        time.time(),
    )
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    if len(plan.jobs) != jobs or plan.total is None:
        raise SystemExit(f"{path}: {len(plan.jobs)} jobs, {loaded.diagnostics[:3]}")
    return {"wall_s": wall_s, "cpu_s": cpu_s, "load_s": load_s, "load_cpu_s": load_cpu_s}


def measure_load(path: Path, jobs: int) -> dict[str, float]:
    """Load alone, whether the manifest is valid or not."""
    from wanbatch.manifest.load import LoadOptions, load_manifests

    began, cpu = time.perf_counter(), time.process_time()
    loaded = load_manifests([path], LoadOptions(max_jobs=jobs))
    took = {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}
    return took | {"findings": len(loaded.diagnostics)}


def measure_yaml(path: Path, jobs: int) -> dict[str, float]:
    """PyYAML's C loader alone: no places, no checks."""
    import yaml

    began, cpu = time.perf_counter(), time.process_time()
    yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    return {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}


def measure_jsonschema(path: Path, jobs: int) -> dict[str, float]:
    """jsonschema alone on the jobs of the explicit manifest, one tenth of them, times
    ten."""
    from jsonschema import Draft7Validator

    from wanbatch.words.schemas import load_schema

    schema = load_schema("manifest")
    validator = Draft7Validator({"$ref": "#/definitions/job", "definitions": schema["definitions"]})
    values = [
        {
            "id": f"shot-{n}",
            "prompt": "x" * 70,
            "media": {"first_frame": "a.png"},
            "seconds": 5,
            "size": "720P",
            "seed": n,
            "prompt_extend": False,
        }
        for n in range(jobs // 10)
    ]
    began, cpu = time.perf_counter(), time.process_time()
    if not all(validator.is_valid(value) for value in values):
        raise SystemExit("the jobs of the benchmark are not valid")
    return {"wall_s": 10 * (time.perf_counter() - began), "cpu_s": 10 * (time.process_time() - cpu)}


MEASURES = {
    "plan": measure_plan,
    "load": measure_load,
    "yaml": measure_yaml,
    "jsonschema": measure_jsonschema,
}


def run(kind: str, path: Path, jobs: int) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [
        sys.executable,
        __file__,
        "--measure",
        kind,
        "--file",
        str(path),
        "--jobs",
        str(jobs),
    ]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def show(what: str, found: dict[str, float], more: str = "") -> None:
    loading = (
        f", loading {found['load_s']:.2f} s (CPU {found['load_cpu_s']:.2f} s)"
        if "load_s" in found
        else ""
    )
    print(
        f"{what:<46}{found['wall_s']:7.2f} s  CPU {found['cpu_s']:6.2f} s "
        f" {found['peak_mib']:5.0f} MiB{loading}{more}",
        flush=True,
    )


def compare(folder: Path, jobs: int, *, peers: bool) -> None:
    """All measurements, each beside what it is to be held against."""
    from PIL import Image

    Image.new("RGB", (1280, 720), "navy").save(folder / "picture.png")
    tenth = jobs // 10
    for name, write in (("compact", write_compact), ("explicit", write_explicit)):
        for size in (tenth, jobs):
            write(folder / f"{name}-{size}.yaml", size)
        small = run("plan", folder / f"{name}-{tenth}.yaml", tenth)
        large = run("plan", folder / f"{name}-{jobs}.yaml", jobs)
        show(f"plan, {name}, {tenth:,} jobs", small)
        show(
            f"plan, {name}, {jobs:,} jobs",
            large,
            f", per job {large['cpu_s'] / jobs / (small['cpu_s'] / tenth):.2f} times that of"
            f" {tenth:,}",
        )
    write_explicit(folder / "bad.yaml", tenth, bad=True)
    good, bad = (
        run("load", folder / name, tenth) for name in (f"explicit-{tenth}.yaml", "bad.yaml")
    )
    show(f"load, explicit, {tenth:,} jobs, valid", good)
    show(
        f"load, explicit, {tenth:,} jobs, error in the last",
        bad,
        f", {bad['cpu_s'] / good['cpu_s']:.2f} times the valid one",
    )
    if peers:
        show(
            f"peer: yaml.load(…, CSafeLoader), {jobs:,} jobs",
            run("yaml", folder / f"explicit-{jobs}.yaml", jobs),
        )
        show(
            f"peer: jsonschema, {jobs:,} jobs",
            run("jsonschema", folder / "none", jobs),
            " (a tenth, times ten)",
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--skip-peers", action="store_true")
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        found = MEASURES[given.measure](given.file, given.jobs)
        print(
            json.dumps(
                found | {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
            )
        )
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), given.jobs, peers=not given.skip_peers)


if __name__ == "__main__":
    main()
