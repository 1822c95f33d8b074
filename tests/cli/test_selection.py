"""``--select`` and ``--shard`` with the real command: nothing is bought beyond what was
meant."""

from __future__ import annotations

import json

import pytest
from field.scripted import Project, ScriptedGateway

MANIFEST = """\
wanbatch: 1
name: scene
jobs:
  - id: opening
    prompt: A harbour at {{ hour }} through {{ lens }}
    prompt_extend: false
    seconds: 3
    tags: [hero]
    media: {first_frame: picture.png}
    matrix: {hour: [dawn, noon, dusk], lens: [24mm, 35mm, 50mm]}
    seeds: {start: 100, count: 5}
  - id: closing
    prompt: A lighthouse
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
"""


@pytest.fixture
def gateway():
    with ScriptedGateway() as gateway:
        yield gateway


@pytest.fixture
def project(tmp_path, gateway):
    project = Project(tmp_path / "project", gateway)
    project.manifest.write_text(MANIFEST)
    return project


def plan(project, *words):
    done = project.call("plan", "scene.wanbatch.yaml", "--backend", "rough", "--json", *words)
    jobs = json.loads(done.stdout)["jobs"] if done.stdout else []
    return done, [job["name"] for job in jobs if job["selected"]]


def test_a_comma_in_an_open_bracket_buys_nothing(project, gateway):
    done = project.run("--select", "opening[hour=noon,lens=35mm*")
    assert done.returncode == 2
    assert (
        "error: --select: a bracket is opened and never closed\n"
        "    opening[hour=noon,lens=35mm*\n"
        "           ^\n"
        "  help: did you mean opening[hour=noon,lens=35mm*]?\n"
    ) in done.stderr
    assert not gateway.posts
    assert not gateway.seen
    mended, names = plan(project, "--select", "opening[hour=noon,lens=35mm*]")
    assert (mended.returncode, len(names)) == (0, 5)


MISTAKES = (
    "opening[hour=noon,lens=35mm*",
    "opening[hour=noon]]",
    "opening[[hour=noon]]",
    "",
    "opening,",
    "len=35mm",
    "len!=35mm",
    "lens!=35m",
    "closing,len!=35mm",
    "tags:hero",
    "state:fialed",
    "seed=103..100",
    "nobody",
    "hour=nooon",
    "tag:heros",
    "*hour=noon,lens=35mm*",
    "hour==noon",
)


@pytest.mark.parametrize(
    ("command", "term"),
    [
        *(("run", term) for term in MISTAKES),
        *((command, MISTAKES[0]) for command in ("plan", "status", "fetch", "report")),
        *((command, "len!=35mm") for command in ("plan", "status", "fetch", "report")),
        *(("validate", term) for term in ("state:fialed", "len!=35mm", "nobody")),
    ],
)
def test_what_cannot_have_been_meant_ends_with_2_in_every_command(project, gateway, command, term):
    words = ["--yes"] if command == "run" else []
    done = project.call(
        command, "scene.wanbatch.yaml", "--backend", "rough", "--select", term, *words
    )
    assert done.returncode == 2, done.stderr
    assert "error: --select: " in done.stderr
    assert "help: " in done.stderr
    assert not gateway.seen


def test_validate_judges_all_of_a_choice_but_states(project):
    """Which states there are, a manifest does not say."""
    sound = project.call("validate", "scene.wanbatch.yaml", "--select", "state:failed,nobody")
    assert sound.returncode == 0
    assert "warning" not in sound.stderr
    doubtful = project.call("validate", "scene.wanbatch.yaml", "--select", "closing,tag:heros")
    assert doubtful.returncode == 0
    assert "warning: --select: no job is tag:heros\n" in doubtful.stderr
    shard = project.call("validate", "scene.wanbatch.yaml", "--shard", "3/2")
    assert shard.returncode == 2
    assert "--shard '3/2' is not I/N with 1 ≤ I ≤ N" in shard.stderr


def test_an_alternative_without_a_job_is_named_and_the_others_go_on(project):
    done, names = plan(project, "--select", "closing,hour=nooon,tag:heros")
    assert (done.returncode, names) == (0, ["closing"])
    assert "warning: --select: no job has hour nooon\n" in done.stderr
    assert "help: did you mean hour=noon?" in done.stderr
    assert "warning: --select: no job is tag:heros\n" in done.stderr
    assert "help: did you mean tag:hero?" in done.stderr


def test_what_was_selected_by_its_state_is_reported_when_the_state_has_changed(project, gateway):
    done = project.run("--select", "state:planned", "--select", "closing")
    assert done.returncode == 0, done.stderr
    assert len(gateway.posts) == 1
    assert "1 job: 1 done" in done.stderr
    again = project.run("--select", "state:planned", "--select", "closing")
    assert again.returncode == 2
    assert len(gateway.posts) == 1


def test_shards_do_not_move_when_a_prompt_is_edited(project):
    before = [plan(project, "--shard", f"{i}/4")[1] for i in (1, 2, 3, 4)]
    assert sum(map(len, before)) == 46
    project.manifest.write_text(MANIFEST.replace("A harbour", "A port").replace("seconds: 3", ""))
    assert [plan(project, "--shard", f"{i}/4")[1] for i in (1, 2, 3, 4)] == before
