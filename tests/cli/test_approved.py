"""``run --plan``: exactly what was approved, up to its total, or nothing. The real
command against a gateway on loopback whose books count charges."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import command
import pytest
from PIL import Image
from rough_road import Mishap
from scene import FILE, Scene

from wanbatch.plan.saved import digest_of
from wanbatch.report.schema import find_violation

JOBS = 3
SAVED = "plan.json"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A scene that has bought nothing; each test works on its folder as it was."""
    with Scene(
        tmp_path_factory.mktemp("approved"), jobs=JOBS, emulator="--latency 0.1 --render tiny"
    ) as scene:
        shutil.copytree(scene.folder, scene.folder.with_name("as-made"))
        shutil.copy(scene.folder.parent / "config.toml", scene.folder.parent / "config.as-made")
        yield scene


@pytest.fixture
def scene(served):
    shutil.rmtree(served.folder)
    shutil.copytree(served.folder.with_name("as-made"), served.folder)
    shutil.copy(served.folder.parent / "config.as-made", served.folder.parent / "config.toml")
    served.before = served.charges()
    return served


def charged(scene):
    return scene.charges() - scene.before


def plan(scene, *words, code=0):
    done = scene.call("plan", FILE, "--backend", "rough", "-o", SAVED, *words)
    assert done.returncode == code, done.stderr
    return document(scene)


def document(scene):
    return json.loads((scene.folder / SAVED).read_text())


def carry_out(scene, *words, **given):
    return scene.call("run", "--plan", SAVED, *words, **given)


def edit(scene, old, new):
    path = scene.folder / FILE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


AGAIN = f"wanbatch plan {FILE} --backend rough"


def refused(done, *lines, choice=""):
    """A refusal with exactly these differences; the command to plan again repeats the
    plan's own ``choice`` of jobs."""
    assert done.returncode == 3, done.stderr
    things = "1 difference" if len(lines) == 1 else f"{len(lines)} differences"
    assert done.stderr.splitlines() == [
        f"error: the plan {SAVED} is stale: {things} from what was approved; nothing was sent",
        *(f"  - {line}" for line in lines),
        f"  help: plan again, and let the new plan be approved: {AGAIN}{choice} -o {SAVED}",
    ]
    assert done.stdout == ""


def tamper(scene, change):
    """The plan with something changed by somebody who reckons its digest anew."""
    whole = document(scene)
    change(whole)
    whole["digest"] = digest_of(whole)
    (scene.folder / SAVED).write_text(json.dumps(whole))


# -- saved -----------------------------------------------------------------------------


def test_a_saved_plan_says_what_it_was_made_from(scene):
    done = scene.call("plan", FILE, "--backend", "rough", "-o", SAVED)
    whole = document(scene)
    assert find_violation(whole, "plan") is None
    assert whole["digest"] == digest_of(whole)
    assert (whole["ledger"], whole["backend"], whole["totals"]["price"]) == (None, "rough", "0.60")
    assert whole["prices"]["per_second"] == {"720P": "0.10", "1080P": "0.15"}
    assert done.stderr.endswith(
        f"Saved {SAVED}, digest {whole['digest']}.\n"
        f"Run exactly this with: wanbatch run --plan {SAVED} --digest {whole['digest']}\n"
    )
    printed = scene.call("plan", FILE, "--backend", "rough", "--json")
    assert json.loads(printed.stdout) == whole
    assert "Saved" not in printed.stderr


def test_the_ledger_and_the_last_events_are_named(scene):
    assert scene.run().returncode == 0
    whole = plan(scene, "--regenerate")
    with closing(sqlite3.connect(scene.reports / "ledger.db")) as ledger:
        ((known,),) = ledger.execute("SELECT value FROM meta WHERE name = 'ledger_id'")
    assert whole["ledger"] == known
    job = whole["jobs"][0]
    assert (job["last_event"]["state"], job["last_event"]["event"]) == ("stored", "stored")
    assert (job["authorised_by"], whole["choices"]["regenerate"]) == ("regenerate", True)


# -- carried out -----------------------------------------------------------------------


def test_it_runs_without_asking_and_without_files(scene):
    digest = plan(scene)["digest"]
    done = carry_out(scene, "--digest", digest.upper())
    assert done.returncode == 0, done.stderr
    assert charged(scene) == JOBS
    with closing(sqlite3.connect(scene.reports / "ledger.db")) as ledger:
        assert ledger.execute("SELECT plan FROM runs").fetchall() == [(digest,)]
    again = carry_out(scene)
    assert again.returncode == 0, again.stderr
    assert "No changes. 3 up to date." in again.stderr
    assert charged(scene) == JOBS


def test_only_the_selected_jobs_are_bought(scene):
    plan(scene, "--select", "seed=0,seed=2")
    done = carry_out(scene)
    assert done.returncode == 0, done.stderr
    assert sorted(row.seed for row in scene.rows()) == [0, 2]
    assert charged(scene) == 2


def test_the_plan_may_be_carried_out_from_another_folder(scene):
    plan(scene)
    shutil.move(scene.folder / SAVED, scene.folder.parent / SAVED)
    done = command.run(
        scene.folder.parent,
        *("run", "--plan", SAVED, f"project/{FILE}", "--output", "project/reports"),
        env=scene.environ,
    )
    assert done.returncode == 0, done.stderr
    assert charged(scene) == JOBS
    assert len(scene.rows()) == JOBS


def test_an_emulator_plan_works_too(scene):
    assert scene.call("plan", FILE, "--backend", "emulator", "-o", SAVED).returncode == 0
    done = carry_out(scene)
    assert done.returncode == 0, done.stderr
    assert charged(scene) == 0


def test_regenerate_buys_once_more_and_only_once(scene):
    assert scene.run().returncode == 0
    plan(scene, "--regenerate", "--select", "seed=1")
    for _ in range(2):
        done = carry_out(scene)
        assert done.returncode == 0, done.stderr
        assert charged(scene) == JOBS + 1


def test_max_cost_may_lower(scene):
    plan(scene)
    done = carry_out(scene, "--max-cost", "0.50")
    assert done.returncode == 3
    assert (
        "error: the plan would spend $0.60, and the limit is $0.50 (--max-cost); nothing was sent\n"
        in done.stderr
    )
    assert charged(scene) == 0


def test_without_a_price_nothing_was_approved(scene):
    config = scene.folder.parent / "config.toml"
    lines = config.read_text().splitlines()
    config.write_text("\n".join(line for line in lines if not line.startswith("price")))
    plan(scene)
    done = carry_out(scene)
    assert done.returncode == 3
    assert (
        f"error: the plan {SAVED} cannot be kept: backend rough has no price; nothing was sent\n"
        in done.stderr
    )
    assert charged(scene) == 0


# -- refused before anything is looked at ----------------------------------------------


def test_another_digest_is_refused(scene):
    digest, other = plan(scene)["digest"], "ab" * 32
    done = carry_out(scene, "--digest", other)
    assert (done.returncode, done.stderr) == (
        3,
        (
            f"error: {SAVED} is not the plan that was approved: its digest is {digest}, and"
            f" {other} was demanded; nothing was sent\n"
            "  help: take the file that was approved, or have this one approved\n"
        ),
    )
    assert not scene.reports.exists()


def test_an_altered_plan_is_refused(scene):
    digest = plan(scene)["digest"]
    path = scene.folder / SAVED
    path.write_text(path.read_text().replace('"price":"0.20"', '"price":"0.02"'))
    done = carry_out(scene)
    assert done.returncode == 3
    found = digest_of(document(scene))
    assert done.stderr == (
        f"error: {SAVED} was altered since it was saved: its digest is {found[:12]}…, and it says"
        f" {digest[:12]}…; nothing was sent\n"
        "  help: take the saved file again, or plan and approve anew\n"
    )


NO_PLAN = "name the file that was saved with: wanbatch plan FILE -o plan.json"


@pytest.mark.parametrize(
    ("text", "message", "way"),
    [
        ("", "is no plan of format wanbatch/plan@1: it is not JSON", NO_PLAN),
        ("[" * 100_000, "is no plan of format wanbatch/plan@1: it is not JSON", NO_PLAN),
        ("null", "is no plan of format wanbatch/plan@1: it is not JSON", NO_PLAN),
        (
            "[]",
            'is no plan of format wanbatch/plan@1: the document: [] is not of type "object"',
            NO_PLAN,
        ),
        (
            None,
            (
                "is a plan without 'digest': an older wanbatch saved it, and nothing can be held"
                " against it"
            ),
            "save it again: wanbatch plan FILE -o plan.json",
        ),
    ],
)
def test_what_is_no_plan_is_refused(scene, text, message, way):
    if text is None:
        whole = plan(scene)
        del whole["digest"]
        text = json.dumps(whole)
    (scene.folder / SAVED).write_text(text)
    done = carry_out(scene)
    assert (done.returncode, done.stderr) == (2, f"error: {SAVED} {message}\n  help: {way}\n")


def test_a_missing_plan_is_refused(scene):
    done = carry_out(scene)
    assert (done.returncode, done.stderr) == (
        2,
        f"error: the plan {SAVED} cannot be read: No such file or directory\n  help: {NO_PLAN}\n",
    )


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--backend", "emulator"), "--backend contradicts"),
        (("--select", "seed=1"), "--select contradicts"),
        (("--first", "1", "--shard", "1/2"), "--shard and --first contradict"),
        (("--var", "style=noir"), "--var style contradicts"),
        (("--retry-failed", "--regenerate"), "--retry-failed and --regenerate contradict"),
        (("--with-upstream",), "--with-upstream contradicts"),
    ],
)
def test_what_contradicts_the_plan_is_refused(scene, words, named):
    plan(scene)
    done = carry_out(scene, *words)
    assert (done.returncode, done.stderr) == (
        2,
        (
            f"error: {named} the plan {SAVED}; nothing was sent\n"
            "  help: leave out what the plan says already: it runs as it was saved\n"
            "  help: or plan with other options, and let that plan be approved\n"
        ),
    )


def test_what_says_the_same_as_the_plan_is_taken(scene):
    plan(scene, "--select", "seed=1", "--var", "style=noir")
    words = ("--select", "seed=1", "--var", "style=noir", "--backend", "rough")
    done = carry_out(scene, *words, FILE)
    assert done.returncode == 0, done.stderr
    assert charged(scene) == 1


def test_other_manifests_are_refused(scene):
    plan(scene)
    (scene.folder / "other.yaml").write_text(
        (scene.folder / FILE).read_text().replace("name: scene", "name: other")
    )
    done = carry_out(scene, "other.yaml")
    assert (done.returncode, done.stderr) == (
        2,
        (
            f"error: the plan {SAVED} is of scene, and the files given are other; nothing was"
            " sent\n  help: leave the files out: the plan names them\n"
        ),
    )


def test_a_value_that_no_file_keeps_is_given_again(scene):
    edit(scene, "picture.png", '"{{ link }}"')
    edit(scene, "media: {", "media: { ")
    link = "link=https://cdn.example.com/a.png?Expires=1&Signature=c2VjcmV0"
    whole = plan(scene, "--var", link)
    assert "c2VjcmV0" not in (scene.folder / SAVED).read_text()
    assert whole["choices"]["hidden"] == ["link"]
    done = carry_out(scene)
    assert (done.returncode, done.stderr) == (
        2,
        (
            f"error: the plan {SAVED} was made with --var link, a URL whose query no file keeps;"
            " nothing was sent\n"
            "  help: give it again: --var link=URL\n"
        ),
    )
    done = carry_out(scene, "--var", "link=https://cdn.example.com/b.png?Signature=c2VjcmV0")
    assert "--var link contradicts the plan" in done.stderr
    done = carry_out(scene, "--var", link)
    assert "contradict" not in done.stderr
    assert "give it again" not in done.stderr


def test_neither_files_nor_a_plan(scene):
    done = scene.call("run")
    assert done.returncode == 2
    assert done.stderr.startswith("error: Missing argument 'FILE...', or --plan PLAN.\n")
    done = scene.call("run", FILE, "--digest", "ab")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --digest names the digest of a plan: add --plan PLAN.\n")


# -- stale -----------------------------------------------------------------------------


def test_changed_requests_are_told_in_words(scene):
    plan(scene)
    edit(scene, "prompt: A harbour", "prompt: A harbour at dawn")
    Image.new("RGB", (320, 240), "red").save(scene.folder / "picture.png")
    done = carry_out(scene)
    assert done.returncode == 3
    assert done.stderr.splitlines()[:2] == [
        f"error: the plan {SAVED} is stale: 3 differences from what was approved; nothing was sent",
        (
            "  - job[seed=0], job[seed=1], job[seed=2]: changed: prompt: A harbour {+at dawn+};"
            " first_frame: picture.png holds other bytes"
        ),
    ]
    assert charged(scene) == 0


def test_another_set_of_jobs(scene):
    plan(scene)
    edit(scene, "start: 0", "start: 1")
    refused(
        carry_out(scene),
        "job[seed=0]: no longer in the manifest",
        "job[seed=3]: new in the manifest",
    )


def test_a_new_job_that_was_not_selected_is_no_difference(scene):
    plan(scene, "--select", "seed=0..2")
    edit(scene, "count: 3", "count: 4")
    done = carry_out(scene)
    assert done.returncode == 0, done.stderr
    assert charged(scene) == JOBS


def test_prices_and_addresses(scene):
    plan(scene)
    config = scene.folder.parent / "config.toml"
    text = config.read_text()
    config.write_text(text.replace("720P = 0.10", "720P = 0.12"))
    refused(carry_out(scene), "a second of 720P: 0.10 → 0.12 USD")
    config.write_text(text.replace('currency = "USD"', 'currency = "CNY"'))
    refused(carry_out(scene), "the currency: USD → CNY")
    address = scene.road.base_url
    config.write_text(text.replace(address, "http://127.0.0.1:9"))
    refused(carry_out(scene), f"the backend's address: {address} → http://127.0.0.1:9")
    assert charged(scene) == 0


def test_another_ledger(scene):
    assert scene.run("--select", "seed=0").returncode == 0
    mine = plan(scene)["ledger"]
    shutil.move(scene.reports, scene.folder / "old")
    done = carry_out(scene)
    assert done.returncode == 3
    assert f"\n  - the ledger: {mine[:8]} → there is none\n" in done.stderr
    assert not scene.reports.exists()
    assert scene.run("--select", "seed=0", "--regenerate").returncode == 0
    done = carry_out(scene)
    assert re.search(f"\n  - the ledger: {mine[:8]} → [0-9a-f]{{8}}\n", done.stderr)
    assert charged(scene) == 2


def test_there_was_no_ledger(scene):
    plan(scene, "--select", "seed=0")
    assert scene.run("--select", "seed=1").returncode == 0
    told = "the ledger: there was none → one that tells of a video already"
    refused(carry_out(scene), told, choice=" --select seed=0")
    assert charged(scene) == 1


def test_an_empty_ledger_is_as_good_as_none(scene):
    plan(scene)
    scene.reports.mkdir()
    assert scene.call("fetch", FILE, "--backend", "rough").returncode == 1
    assert (scene.reports / "ledger.db").exists()
    done = carry_out(scene)
    assert done.returncode == 0, done.stderr
    assert charged(scene) == JOBS


def test_what_another_run_bought(scene):
    assert scene.run("--select", "seed=0").returncode == 0
    plan(scene)
    assert scene.run("--select", "seed=1").returncode == 0
    row = scene.rows()[-1]
    with closing(sqlite3.connect(scene.reports / "ledger.db")) as ledger:
        ((run_id,),) = ledger.execute(
            "SELECT run_id FROM attempts WHERE attempt_id = ?", (row.attempt_id,)
        )
    refused(
        carry_out(scene),
        f"job[seed=1]: bought since by another run, {run_id}, task {row.task_id}",
    )
    assert charged(scene) == 2


def test_the_command_to_plan_again_has_the_choices_of_the_plan(scene):
    words = ("--select", "seed=0..1", "--var", "x=a b", "--regenerate", "--output", "else")
    plan(scene, *words)
    edit(scene, "seconds: 2", "seconds: 3")
    done = carry_out(scene, "--output", "else")
    assert done.returncode == 3
    (way,) = [line for line in done.stderr.splitlines() if "plan again" in line]
    *_, again = way.partition("approved: ")
    assert again == (
        f"{AGAIN} --select seed=0..1 --var 'x=a b' --regenerate --output else -o {SAVED}"
    )
    assert scene.call(*shlex.split(again)[1:]).returncode == 0


def test_what_was_bought_elsewhere_meanwhile(scene):
    plan(scene)
    assert scene.run("--output", "elsewhere").returncode == 0
    shutil.copytree(scene.folder / "elsewhere/scene", scene.reports / "scene")
    done = carry_out(scene)
    assert done.returncode == 3
    assert "was to be generated, and is not now: bought before: " in done.stderr
    assert charged(scene) == JOBS


def test_a_tampered_plan_with_a_new_digest_is_stale(scene):
    """Who reckons the digest anew gets past the first look, and not past the second."""
    plan(scene)
    tamper(scene, lambda whole: whole["jobs"].pop())
    refused(carry_out(scene), "job[seed=2]: new in the manifest")
    plan(scene)
    tamper(scene, lambda whole: whole["jobs"][0].update(fingerprint="wb2:" + "0" * 64))
    refused(
        carry_out(scene),
        "job[seed=0]: changed: its upstream, its take or the query of a URL",
    )
    assert charged(scene) == 0


# -- continued -------------------------------------------------------------------------


def killed(scene, after):
    """A run of the plan, killed once ``after`` jobs are bought. So slow that none goes
    out together with another, nor until the kill."""
    process = subprocess.Popen(
        command.line("run", "--plan", SAVED, "--rate", "1"),
        cwd=scene.folder,
        env=scene.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while charged(scene) < after and time.monotonic() < until and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert charged(scene) > 0


@pytest.mark.parametrize("after", [1, 4])
def test_a_killed_run_is_continued_without_a_second_purchase(tmp_path, after):
    with Scene(tmp_path, jobs=8, emulator="--latency 0.3 --render tiny") as scene:
        plan(scene, "--select", "seed=0..5")
        killed(scene, after)
        assert charged(scene) < 6
        done = carry_out(scene)
        waiting = [row for row in scene.rows() if row.state == "uncertain"]
        assert done.returncode == (1 if waiting else 0), done.stderr
        scene.decide()
        done = carry_out(scene)
        assert "would be bought once more" not in done.stderr or waiting
        bought = scene.bought()
        assert set(bought) <= set(range(6))
        assert all(len(tasks) == 1 for tasks in bought.values())
        assert len(bought) >= 6 - len(waiting)
        assert not scene.purchases_without_intent()
        spent = sum(row.state == "stored" for row in scene.rows())
        assert spent == len(bought)


def test_a_fetch_and_an_abandoning_between_are_no_difference(scene):
    plan(scene)
    killed(scene, 1)
    assert scene.call("fetch", FILE, "--backend", "rough").returncode in (0, 1)
    for row in scene.rows():
        if row.state == "uncertain":
            assert scene.call("resolve", FILE, row.job, "--abandon").returncode == 0
    done = carry_out(scene)
    assert done.returncode in (0, 1), done.stderr
    assert all(len(tasks) == 1 for tasks in scene.bought().values() if tasks) or scene.before


class Road:
    """Lets things happen to the submits, in turn."""

    def __init__(self, *mishaps):
        self.mishaps = list(mishaps)

    def __call__(self, method, path, body):
        is_submit = method == "POST"
        return self.mishaps.pop(0) if is_submit and self.mishaps else Mishap.NONE


def test_a_resubmit_after_the_plan_is_a_difference(tmp_path):
    with Scene(
        tmp_path, jobs=2, emulator="--latency 0.1 --render tiny", choose=Road(Mishap.SWALLOWED)
    ) as scene:
        plan(scene)
        assert carry_out(scene).returncode == 1
        (lost,) = [row.job for row in scene.rows() if row.state == "uncertain"]
        again = carry_out(scene)
        assert again.returncode == 1, again.stderr
        assert scene.call("resolve", FILE, lost, "--resubmit").returncode == 0
        refused(
            carry_out(scene),
            f"{lost}: would be bought once more, as decided since with wanbatch resolve",
        )
        assert charged(scene) == 2


def test_a_continued_run_keeps_to_what_is_left(tmp_path):
    """As if the killed run's purchases had cost more than was planned."""
    with Scene(tmp_path, jobs=3, emulator="--latency 0.1 --render tiny", rate=2) as scene:
        assert plan(scene)["totals"]["price"] == "0.60"
        killed(scene, 1)
        before = charged(scene)
        assert before == 1
        with closing(sqlite3.connect(scene.reports / "ledger.db")) as ledger:
            ledger.execute("UPDATE attempts SET price = '0.30'")
            ledger.commit()
        done = carry_out(scene)
        assert done.returncode == 1, done.stderr
        assert charged(scene) == 2
        assert len([row for row in scene.rows() if row.task_id or row.state == "uncertain"]) == 2
    assert "what the plan plan.json has left does not allow it" in done.stderr + done.stdout
