"""What ``plan``, ``status`` and ``run`` say of many jobs: a line for those that stand
alike, on one screen, and with ``-v`` every one."""

from __future__ import annotations

import re

import pytest
from builders import DIGESTS, attempt, job, manifest
from field.scripted import Project, ScriptedGateway

from wanbatch.cli.ending import commands_that_buy_again, commands_that_decide
from wanbatch.cli.grouping import MOST_LINES, plan_lines, state_lines
from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.model.plan import Plan
from wanbatch.plan.groups import group_jobs
from wanbatch.plan.planner import PlanOptions, Target, make_plan

FILE = "scene.wanbatch.yaml"
MANIFEST = """\
wanbatch: 1
name: {name}
jobs:
  - id: opening
    prompt: A harbour at {{{{ hour }}}} through {{{{ lens }}}}, {light} light
    prompt_extend: false
    seconds: 2
    media: {{first_frame: picture.png}}
    matrix: {{hour: [dawn, noon], lens: [24mm, 35mm]}}
    seeds: {{start: 100, count: 2}}
  - id: closing
    prompt: A lighthouse of {name}
    prompt_extend: false
    seconds: 2
    media: {{first_frame: picture.png}}
"""


@pytest.fixture
def gateway():
    with ScriptedGateway() as gateway:
        yield gateway


@pytest.fixture
def project(tmp_path, gateway):
    project = Project(tmp_path / "project", gateway)
    project.manifest.write_text(MANIFEST.format(name="scene", light="soft"))
    return project


def said(project, command, *words):
    done = project.call(command, *(words or (FILE,)), "--backend", "rough")
    assert done.returncode == 0, done.stderr
    return [line for line in done.stderr.splitlines() if not line.startswith("About ")]


def test_a_plan_is_a_line_for_each_id_and_a_job_alone_is_itself(project):
    assert said(project, "plan") == [
        "  + opening: 8 new, hour × lens × seed, $1.60",
        "  + closing  $0.20  (new)",
        "Plan: 9 to generate ($1.80).",
    ]


def test_with_v_every_job_has_its_line(project):
    lines = said(project, "plan", FILE, "-v")
    assert lines[0] == "  + opening[hour=dawn,lens=24mm,seed=100]  $0.20  (new)"
    assert sum(line.startswith("  + ") for line in lines) == 9
    assert sum(line.startswith("  planned ") for line in said(project, "status", FILE, "-v")) == 9


def test_with_q_there_is_the_sum_alone(project):
    assert said(project, "plan", FILE, "-q") == ["Plan: 9 to generate ($1.80)."]


def test_several_manifests_have_a_heading_each(project):
    (project.folder / "other.wanbatch.yaml").write_text(MANIFEST.format(name="other", light="hard"))
    lines = said(project, "plan", FILE, "other.wanbatch.yaml")
    assert [line for line in lines if not line.startswith(" ")] == [
        "scene:",
        "other:",
        "Plan: 18 to generate ($3.60).",
    ]
    every = said(project, "plan", FILE, "other.wanbatch.yaml", "-v")
    assert [line for line in every if line.endswith(":")] == ["scene:", "other:"]


def test_after_a_run_and_an_edit_it_says_what_changed_and_for_which(project, gateway):
    run = project.run("--select", "hour=dawn")
    assert run.returncode == 0, run.stderr
    assert run.stderr.startswith("  + opening: 4 new, hour=dawn × lens × seed, $0.80\nPlan: 4 to")
    assert said(project, "status") == [
        "  done       opening: 4 of 8, hour=dawn × lens × seed  (up to date)",
        "  planned    opening: 4 of 8, hour=noon × lens × seed  (new)",
        "  planned    closing  (new)",
        "4 done, 5 planned",
    ]
    lines = said(project, "plan")
    assert lines[0] == "  + opening: 4 of 8 new, hour=noon × lens × seed, $0.80"
    assert lines[2] == "Plan: 5 to generate ($1.00), 4 up to date."
    project.manifest.write_text(MANIFEST.format(name="scene", light="hard"))
    lines = said(project, "plan")
    assert lines[:3] == [
        "  + opening: 4 of 8 changed, hour=dawn × lens × seed, $0.80  (changed: prompt)",
        "      prompt: … [-soft-] {+hard+} …",
        "  + opening: 4 of 8 new, hour=noon × lens × seed, $0.80",
    ]


def test_what_is_up_to_date_is_no_change(project, gateway):
    assert project.run().returncode == 0
    assert said(project, "plan") == ["No changes. 9 up to date."]


def test_an_unknown_price_is_told_once(project):
    text = project.config.read_text()
    project.config.write_text(re.sub(r"price = .*\n", "", text))
    told = "\n".join(said(project, "plan"))
    assert "  + opening: 8 new, hour × lens × seed\n" in told
    assert told.count("[backends.rough.price]") == told.count("has no price") == 1
    comment = "# What your provider charges per second of video; these numbers are examples."
    assert f"\n\n[backends.rough.price]\n{comment}\n" in told


# -- many ------------------------------------------------------------------------------


def planned(jobs, *attempts) -> Plan:
    target = Target("gateway", "paid", "https://api.test", None)
    return make_plan(
        [manifest(*jobs)], DIGESTS, Snapshot(attempts, ()), frozenset(), target, PlanOptions(), 9.0
    )


def test_a_hundred_ids_are_one_screen_and_the_rest_is_counted():
    plan = planned([job(f"id{n}[seed={s}]", seed=s) for n in range(100) for s in (1, 2)])
    lines = plan_lines(plan, plan.selected())
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == "  … and 120 jobs more: 120 to generate (every job: -v)"
    states = state_lines(group_jobs(plan.selected()), lambda entry: entry.name)
    assert states[-1] == "  … and 120 jobs more: 120 planned (every job: -v)"


def test_ten_thousand_cells_are_one_line():
    jobs = [job(f"a[seed={s}]", seed=s, axes=(("seed", s),)) for s in range(10_000)]
    plan = planned(jobs)
    assert plan_lines(plan, plan.selected()) == ["  + a: 10,000 new, seed"]


def test_what_a_terminal_would_obey_is_shown_as_escapes():
    axes = (("v", "a\x1b[2J" + "x" * 90),)
    plan = planned([job(f"a[seed={s}]", seed=s, axes=axes) for s in (1, 2)])
    (line,) = plan_lines(plan, plan.selected())
    assert "\x1b" not in line
    assert len(line) < 60


# -- what to do ------------------------------------------------------------------------


def waiting(count, state=State.UNCERTAIN):
    jobs = [job(f"a[seed={s}]", seed=s, axes=(("seed", s),)) for s in range(count)]
    rows = [attempt(one, number, state=state) for number, one in enumerate(jobs, start=1)]
    return planned(jobs, *rows)


def test_a_few_that_wait_have_a_command_each_and_many_one_by_state():
    files = {"m": "m.yaml"}
    assert commands_that_decide(waiting(2), files, ()) == [
        "wanbatch resolve m.yaml 'a[seed=0]'",
        "wanbatch resolve m.yaml 'a[seed=1]'",
    ]
    assert commands_that_decide(waiting(4), files, ("--output", "out")) == [
        "wanbatch resolve m.yaml --select state:uncertain --output out"
    ]
    assert commands_that_decide(waiting(4, State.EXPIRED), files, ()) == [
        "wanbatch resolve m.yaml --select state:expired"
    ]


def test_what_cannot_be_had_here_has_the_command_that_buys_it_again():
    files = {"m": "m.yaml"}
    lost = waiting(3, State.STORED)
    assert commands_that_buy_again(lost, files, ("--output", "out")) == [
        "wanbatch run m.yaml --select state:expired --regenerate --output out"
    ]
    assert commands_that_buy_again(waiting(3), files, ()) == []


def test_status_prints_a_command_that_works(project, gateway):
    from field.scripted import Answer

    gateway.scripts["post"] = lambda task, n: Answer(0)
    for _ in range(2):  # a run stops buying after three that nobody answers
        project.run("--select", "opening")
    done = project.call("status", FILE, "--backend", "rough")
    assert "  (nobody knows whether it was bought: wanbatch resolve)" in done.stderr
    uncertain = int(re.findall(r"(\d+) uncertain", done.stderr)[0])
    assert uncertain > 3
    (command,) = re.findall(r"help: wanbatch (resolve .*)", done.stderr)
    assert command == f"resolve {FILE} --select state:uncertain --backend rough"
    shown = project.call(*command.split())
    assert shown.returncode == 0
    assert shown.stderr.count(" is uncertain") == uncertain
