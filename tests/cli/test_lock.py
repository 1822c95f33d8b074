"""A machine with manifest, media and lock alone buys nothing again; what a lock says is
held against manifest, media and videos. The real command against a gateway on loopback
whose books count charges."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image
from scene import FILE, MANIFEST, Scene

from wanbatch.words.schemas import gate

JOBS = 3


@pytest.fixture(scope="module")
def bought(tmp_path_factory):
    """A scene whose three jobs are bought and locked; each test works on its folder as
    it is after ``fresh``."""
    with Scene(
        tmp_path_factory.mktemp("lock"), jobs=JOBS, emulator="--latency 0.1 --render tiny"
    ) as scene:
        done = scene.run()
        assert done.returncode == 0, done.stderr
        done = lock(scene)
        assert done.returncode == 0, done.stderr
        shutil.copytree(scene.folder, scene.folder.with_name("as-bought"))
        yield scene


@pytest.fixture
def scene(bought):
    shutil.rmtree(bought.folder)
    shutil.copytree(bought.folder.with_name("as-bought"), bought.folder)
    yield bought
    assert bought.charges() == JOBS


def lock(scene, *words):
    return scene.call("lock", FILE, "--backend", "rough", *words)


def verify(scene, *words):
    return scene.call("verify", FILE, "--backend", "rough", *words)


def locked(scene):
    return json.loads((scene.folder / "scene.lock.json").read_text())


def clone(scene):
    """What a checkout has: manifest, media, lock."""
    shutil.rmtree(scene.reports)


def edit(scene, old, new):
    path = scene.folder / FILE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_lock_says_what_was_bought_and_nothing_that_changes_by_itself(scene):
    document = locked(scene)
    assert gate("lock").is_valid(document)
    assert list(document["jobs"]) == ["job[seed=0]", "job[seed=1]", "job[seed=2]"]
    one = document["jobs"]["job[seed=0]"]
    row = next(row for row in scene.rows() if row.seed == 0)  # not always bought first
    assert one["output"]["sha256"] == row.sha256
    assert one["output"]["bytes"] == row.bytes
    assert (one["task_id"], one["state"], one["seed"]) == (row.task_id, "done", 0)
    assert one["price"] == {"amount": "0.20", "currency": "USD"}
    assert list(one["inputs"]) == ["picture.png"]
    text = (scene.folder / "scene.lock.json").read_text()
    assert str(scene.folder) not in text
    assert "_at" not in text
    again = lock(scene)
    assert again.stderr.endswith("nothing changed.\n")
    assert again.stdout == "scene.lock.json\n"


def test_one_jobs_change_is_one_hunk(scene):
    before = (scene.folder / "scene.lock.json").read_text().splitlines()
    document = locked(scene)
    document["jobs"]["job[seed=1]"]["state"] = "expired"
    changed = json.dumps(document["jobs"]["job[seed=1]"])
    assert "expired" in changed
    start = next(i for i, line in enumerate(before) if '"job[seed=1]"' in line)
    assert before[start + 1].startswith('      "fingerprint": ')
    assert [line.strip().split('"')[1] for line in before[start + 1 : start + 10]] == sorted(
        document["jobs"]["job[seed=1]"]
    )


@pytest.mark.parametrize("where", [(), ("--output", "elsewhere")])
def test_a_clone_with_only_the_lock_buys_nothing(scene, where):
    clone(scene)
    done = scene.run(*where)
    assert done.returncode == 3, done.stderr
    assert (
        "error: all 3 jobs that would be bought were bought before, and the ledger" in done.stderr
    )
    assert "ledger.db does not know it; nothing was sent\n  help: " in done.stderr
    assert "bought before: the lock scene.lock.json has it as done, task " in done.stderr


def test_a_clone_whose_job_was_renamed_buys_nothing(scene):
    clone(scene)
    edit(scene, "id: job", "id: other")
    assert scene.run().returncode == 3


def test_a_lock_with_a_merge_conflict_still_guards(scene):
    clone(scene)
    path = scene.folder / "scene.lock.json"
    path.write_text("<<<<<<< ours\n" + path.read_text() + "=======\n>>>>>>> theirs\n")
    done = scene.run()
    assert done.returncode == 3, done.stderr
    assert "settle the merge conflict in " in done.stderr
    shown = lock(scene)
    assert shown.returncode == 2
    assert "scene.lock.json is no lock of format wanbatch/lock@1: it is not JSON" in shown.stderr


def test_the_ledger_that_wrote_the_lock_goes_on_as_before(scene):
    done = scene.run()
    assert done.returncode == 0, done.stderr


def test_locked_refuses_what_is_not_in_the_lock(scene):
    (scene.folder / FILE).write_text(MANIFEST.format(jobs=JOBS + 1))
    done = scene.run("--locked")
    assert done.returncode == 3, done.stderr
    assert (
        "manifest and lock disagree, and --locked asks that they do not; nothing was sent"
        in done.stderr
    )
    assert "job[seed=3]: not in the lock" in done.stderr
    assert scene.run("--locked", "--select", "seed=0..2").returncode == 0


def test_locked_without_a_lock_says_how_to_write_one(scene):
    (scene.folder / "scene.lock.json").unlink()
    done = scene.run("--locked")
    assert done.returncode == 3
    assert "there is no lock scene.lock.json; nothing was sent" in done.stderr
    assert "wanbatch lock scene.wanbatch.yaml" in done.stderr


def test_verify_is_content_with_what_was_bought(scene):
    done = verify(scene)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "Manifest, media and videos are what the lock says.\n"


def test_verify_names_the_words_that_changed(scene):
    edit(scene, "prompt: A harbour", "prompt: A harbour at dawn")
    edit(scene, "seconds: 2", "seconds: 3")
    done = verify(scene, "--select", "seed=1")
    assert done.returncode == 3
    assert "job[seed=1]: changed: prompt: A harbour {+at dawn+}; seconds: 2 → 3\n" in done.stderr


def test_verify_sees_another_picture(scene):
    Image.new("RGB", (320, 240), "red").save(scene.folder / "picture.png")
    done = verify(scene)
    assert done.returncode == 3
    assert "job[seed=0]: changed: first_frame: picture.png holds other bytes" in done.stderr
    assert done.stderr.endswith("3 differences from the lock.\n")


def test_verify_sees_missing_and_altered_videos(scene):
    first, second, _ = sorted((scene.reports / "scene/videos").glob("*.mp4"))
    first.unlink()
    second.write_bytes(b"another")
    done = verify(scene)
    assert done.returncode == 3
    assert "job[seed=0]: its video is not here" in done.stderr
    assert "job[seed=1]: its video was altered: reports/scene/videos/job.seed-1." in done.stderr


def test_verify_names_what_the_manifest_no_longer_has(scene):
    (scene.folder / FILE).write_text(MANIFEST.format(jobs=JOBS - 1))
    done = verify(scene)
    assert done.returncode == 3
    assert "job[seed=2]: not in the manifest" in done.stderr


def test_what_another_ledger_bought_stays_until_it_is_pruned(scene):
    document = locked(scene)
    document["ledger"] = "f" * 32
    stranger = json.loads(json.dumps(document["jobs"]["job[seed=0]"]))
    stranger["fingerprint"] = "wb2:" + "9" * 64
    document["jobs"]["theirs"] = stranger
    older = json.loads(json.dumps(stranger))
    older["fingerprint"] = "wb2:" + "8" * 64
    document["jobs"]["job[seed=1]"] = older
    (scene.folder / "scene.lock.json").write_text(json.dumps(document))
    done = lock(scene)
    assert "5 jobs bought, 2 of them of other ledgers." in done.stderr
    assert {"theirs", "job[seed=1]~88888888"} < set(locked(scene)["jobs"])
    assert "3 jobs bought." in lock(scene, "--prune").stderr
    assert "theirs" not in locked(scene)["jobs"]


def test_another_ledgers_lock_holds_also_where_this_one_failed(scene):
    """A job that failed here and was bought elsewhere since is not bought again."""
    document = locked(scene)
    document["ledger"] = "f" * 32
    clone(scene)
    (scene.folder / "scene.lock.json").write_text(json.dumps(document))
    done = scene.run("--retry-failed")
    assert done.returncode == 3, done.stderr


def test_the_emulator_writes_no_lock(scene):
    done = scene.call("lock", FILE, "--backend", "emulator")
    assert done.returncode == 2
    assert "a lock says what was paid for, and the emulator costs nothing" in done.stderr
    done = scene.call("run", FILE, "--backend", "emulator", "--output", "drafts")
    assert done.returncode == 0, done.stderr


def test_a_lock_has_all_jobs(scene):
    done = lock(scene, "--select", "seed=0")
    assert done.returncode == 2
    assert "a lock has all jobs of its manifest" in done.stderr


def test_why_names_the_part_that_changed(scene):
    same = scene.call("why", FILE, "job[seed=1]", "--backend", "rough")
    assert same.returncode == 0
    assert "nothing of its identity changed since it was bought at " in same.stdout
    edit(scene, "prompt: A harbour", "prompt: A quiet harbour")
    done = scene.call("why", FILE, "job[seed=1]", "--backend", "rough")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "job[seed=1]: generate (changed: prompt)"
    assert lines[-1] == "    prompt: A {+quiet+} harbour"
    found = json.loads(
        scene.call("why", FILE, "job[seed=1]", "--backend", "rough", "--json").stdout
    )
    assert found["changes"] == [{"part": "prompt", "words": "A {+quiet+} harbour"}]
    assert found["same"] is False


def test_why_asks_the_lock_where_there_is_no_ledger(scene):
    clone(scene)
    done = scene.call("why", FILE, "job[seed=1]", "--backend", "rough")
    assert "nothing of its identity changed since scene.lock.json has it as bought" in done.stdout
    edit(scene, "seconds: 2", "seconds: 4")
    done = scene.call("why", FILE, "job[seed=1]", "--backend", "rough")
    assert done.stdout.splitlines()[-1] == "    seconds: 2 → 4"


def test_why_of_what_is_new_or_unknown(scene):
    (scene.folder / FILE).write_text(MANIFEST.format(jobs=JOBS + 1))
    new = scene.call("why", FILE, "job[seed=3]", "--backend", "rough")
    assert "it was never bought: every part of it is new" in new.stdout
    unknown = scene.call("why", FILE, "jobs[seed=3]", "--backend", "rough")
    assert unknown.returncode == 2
    assert "there is no job 'jobs[seed=3]'" in unknown.stderr
    assert "did you mean 'job[seed=3]'" in unknown.stderr
