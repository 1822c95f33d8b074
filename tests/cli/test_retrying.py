"""``--retry-failed`` alone and by error code: what is bought again is what was meant,
and a file's name is never taken for a code."""

from __future__ import annotations

import json

import pytest
from field.scripted import Project, ScriptedGateway

from wanbatch.model.lifecycle import State
from wanbatch.model.retrying import failure_code, retries

FILE = "scene.wanbatch.yaml"
CODES = {0: "InternalError", 1: "DataInspectionFailed", 2: "InternalError"}


@pytest.fixture
def gateway():
    with ScriptedGateway() as gateway:
        yield gateway


@pytest.fixture
def project(tmp_path, gateway):
    """Three failed jobs, two of them by the same code; from now on all succeeds, and
    the failed tasks go on being failed."""
    code_of: dict[str, str] = {}

    def poll(task, n):
        number = int(task[-4:]) - 1
        if number >= len(CODES):
            return gateway.completed(task)
        code_of.setdefault(task, CODES[gateway.posts[number]["seed"]])
        return gateway.failed(task, code_of[task])

    gateway.scripts["poll"] = poll
    project = Project(tmp_path / "project", gateway, jobs=3)
    done = project.run()
    assert (done.returncode, len(gateway.posts)) == (1, 3), done.stderr
    return project


def bought(gateway):
    return sorted(post["seed"] for post in gateway.posts[3:])


def run(project, *words):
    return project.call("run", "--backend", "rough", "--yes", "--wait", "20", *words)


@pytest.mark.parametrize(
    ("words", "seeds"),
    [
        (["--retry-failed", FILE], [0, 1, 2]),
        ([FILE, "--retry-failed"], [0, 1, 2]),
        ([FILE, "--retry-failed", "--quiet"], [0, 1, 2]),
        ([FILE, "--retry-failed", "all"], [0, 1, 2]),
        ([FILE, "--retry-failed", "InternalError"], [0, 2]),
        (["--retry-failed", "InternalError", FILE], [0, 2]),
        (["--retry-failed=DataInspectionFailed", FILE], [1]),
        ([FILE, "--retry-failed", "InternalError,DataInspectionFailed"], [0, 1, 2]),
        ([FILE, *("--retry-failed", "InternalError") * 2], [0, 2]),
        (
            [FILE, "--retry-failed=InternalError", "--retry-failed", "DataInspectionFailed"],
            [0, 1, 2],
        ),
        ([FILE, "--retry-failed", "InternalError", "--select", "seed=1..2"], [2]),
        ([FILE], []),
    ],
)
def test_what_is_bought_again_is_what_was_meant(project, gateway, words, seeds):
    done = run(project, *words)
    assert bought(gateway) == seeds, done.stderr
    assert done.returncode == (0 if len(seeds) == 3 else 1)


def test_the_plan_says_the_same_and_records_nothing(project, gateway):
    words = ("plan", FILE, "--backend", "rough", "--json", "--retry-failed")
    document = json.loads(project.call(*words, "InternalError").stdout)
    actions = {job["name"]: job["action"] for job in document["jobs"]}
    assert actions == {"job[seed=0]": "generate", "job[seed=1]": "skip", "job[seed=2]": "generate"}
    run(project, FILE)
    assert not bought(gateway)


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("InternalEror", "did you mean InternalError?"),
        ("internalerror", "did you mean InternalError?"),
        ("Throttling", "the failed jobs have: InternalError and DataInspectionFailed"),
        (
            "InternalError,Throttling",
            "--retry-failed: no job has failed with Throttling; nothing was sent",
        ),
    ],
)
def test_an_unknown_code_is_refused_with_those_that_there_are(
    project, gateway, command, given, says
):
    yes = ["--yes"] if command == "run" else []
    done = project.call(command, FILE, "--backend", "rough", *yes, "--retry-failed", given)
    assert done.returncode == 2
    assert says in done.stderr
    assert "help: the failed jobs have: InternalError and DataInspectionFailed" in done.stderr
    assert not bought(gateway)


@pytest.mark.parametrize("given", ["", ",", "InternalError,"])
def test_an_empty_code_is_not_all(project, gateway, given):
    assert run(project, FILE, f"--retry-failed={given}").returncode == 2
    assert not bought(gateway)


def test_once_all_went_well_the_same_line_has_nothing_to_do(project, gateway):
    words = (FILE, "--retry-failed", "InternalError", "--select", "seed=0")
    assert run(project, *words).returncode == 0
    again = run(project, *words)
    assert (again.returncode, bought(gateway)) == (0, [0]), again.stderr


def test_a_file_that_has_the_name_of_a_code_is_a_file(project, gateway):
    project.manifest.rename(project.folder / "InternalError")
    done = run(project, "--retry-failed", "InternalError")
    assert bought(gateway) == [0, 1, 2], done.stderr


def test_a_manifest_that_is_not_there_is_no_code(project, gateway):
    done = run(project, "--retry-failed", "secne.wanbatch.yaml")
    assert done.returncode == 2
    assert "secne.wanbatch.yaml" in done.stderr
    assert not bought(gateway)


def test_the_line_that_continues_leaves_the_code_out(project, gateway):
    poll = gateway.scripts["poll"]
    gateway.scripts["poll"] = lambda task, n: (
        gateway.running(task) if int(task[-4:]) > 3 else poll(task, n)
    )
    words = ("--retry-failed", "InternalError", FILE, "--wait", "1")
    done = project.call("run", "--backend", "rough", "--yes", *words)
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("Continue with: ")]
    assert line == f"Continue with: wanbatch run --backend rough --yes {FILE} --wait 1"


def test_a_failure_without_a_code_has_a_word(project):
    from builders import attempt

    nameless = attempt(state=State.REJECTED)
    assert failure_code(nameless) == "error"
    assert retries(frozenset({"error"}), nameless)
    assert not retries(frozenset({"InternalError"}), nameless)
