"""The event files of runs: added to and never rewritten, whole lines after a kill, each
job in its manifest's file; a disk that refuses costs the file and not the run."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import command
import pytest
from builders import attempt, job
from PIL import Image
from scene import KEY, Scene

from wanbatch.operations.events import (
    Estimated,
    Looking,
    NotPrepared,
    PaceChanged,
    RunBegins,
    RunEnds,
    Stopping,
    Submitted,
    Submitting,
)
from wanbatch.operations.journal import Journal
from wanbatch.words.schemas import gate

BEGINS = RunBegins("run-1", "gateway", "paid", ("m", "n"))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def journal(folder, echo=None):
    return Journal(folder, str, echo)


def test_each_job_stands_in_the_file_of_its_manifest_and_the_run_in_all(tmp_path):
    echoed: list[str] = []
    with journal(tmp_path, echoed.append) as kept:
        kept.take(Stopping(), 1.0)  # before the run begins
        for event in (
            BEGINS,
            Submitting("a", "f1", "m"),
            NotPrepared("b", "no room", manifest="n"),
            Submitted(attempt(job("c", manifest="gone"))),
            RunEnds(0, {}),
        ):
            kept.take(event, 1.0)
    one, other = (lines(tmp_path / name / "events.ndjson") for name in "mn")
    assert [r["job"] for r in one] == [None, "a", "c", None]
    assert [r["job"] for r in other] == [None, "b", "c", None]
    assert [json.loads(line)["job"] for line in echoed] == [None, "a", "b", "c", None]


def test_a_second_run_adds_and_a_torn_line_stands_alone(tmp_path):
    for _ in range(2):
        with journal(tmp_path) as kept:
            kept.take(BEGINS, 1.0)
        with (tmp_path / "m/events.ndjson").open("a") as file:
            file.write('{"at": "20')
    found = (tmp_path / "m/events.ndjson").read_text().splitlines()
    assert len(found) == 4
    assert found[1] == found[3] == '{"at": "20'
    assert [json.loads(found[n])["schema"] for n in (0, 2)] == ["wanbatch/events@1"] * 2


def test_a_line_is_on_disk_at_once(tmp_path):
    with journal(tmp_path) as kept:
        kept.take(BEGINS, 1.0)
        assert len(lines(tmp_path / "m/events.ndjson")) == 1


def test_estimates_and_counts_of_looks_come_half_a_minute_apart(tmp_path):
    with journal(tmp_path) as kept:
        kept.take(BEGINS, 0.0)
        for at in range(0, 70, 2):
            kept.take(Estimated(None, {}), float(at))
            kept.take(Looking(at), float(at))
    told = lines(tmp_path / "m/events.ndjson")
    assert [r["event"] for r in told[1:]] == ["estimate", "looking"] * 3


@pytest.mark.parametrize("at", [1.0, 1e300])
def test_what_no_line_can_hold_is_told_and_the_run_goes_on(tmp_path, at):
    with journal(tmp_path) as kept:
        kept.take(BEGINS, 1.0)
        kept.take(PaceChanged(None, 5, float("nan")), at)
        kept.take(Stopping(), 1.0)
    assert [r["event"] for r in lines(tmp_path / "m/events.ndjson")] == ["run_begins", "stopping"]
    (trouble,) = kept.trouble
    assert trouble.startswith("an event could not be written: ")


def test_a_link_in_its_place_is_not_followed_and_is_told(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "target").write_text("kept\n")
    (tmp_path / "m/events.ndjson").symlink_to(tmp_path / "target")
    with journal(tmp_path) as kept:
        kept.take(BEGINS, 1.0)
        kept.take(Stopping(), 1.0)
    assert (tmp_path / "target").read_text() == "kept\n"
    assert kept.trouble == [f"{tmp_path}/m/events.ndjson is not written: it is a symbolic link"]
    assert len(lines(tmp_path / "n/events.ndjson")) == 2


@pytest.mark.parametrize("kept_bytes", [0, 5])
def test_a_disk_that_takes_no_more_is_told_once(tmp_path, monkeypatch, kept_bytes):
    def write(descriptor, data):
        if not kept_bytes:
            raise OSError(28, "No space left on device")
        return kept_bytes

    with journal(tmp_path) as kept:
        kept.take(BEGINS, 1.0)
        monkeypatch.setattr(os, "write", write)
        for _ in range(3):
            kept.take(Stopping(), 1.0)
        monkeypatch.undo()
    assert len(kept.trouble) == 2, "one for each file"
    assert all("is not written: " in text for text in kept.trouble)


# -- with the real command -------------------------------------------------------------


def project(folder):
    Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
    (folder / "m.wanbatch.yaml").write_text(
        "wanbatch: 1\nname: m\nrun: {backend: emulator}\njobs:\n"
        "  - {id: one, prompt: A harbour, prompt_extend: false, seconds: 2,"
        " media: {first_frame: picture.png}, seeds: [1, 2, 3]}\n"
    )
    return command.environ(WANBATCH_EMULATOR_OPTIONS="--render tiny")


def test_a_real_run_tells_the_same_on_stdout_and_in_its_file(tmp_path):
    environ = project(tmp_path)
    words = ("run", "m.wanbatch.yaml", "--checks", "none", "--progress")
    done = command.run(tmp_path, *words, "json", env=environ)
    assert done.returncode == 0, done.stderr
    *told, last = done.stdout.splitlines()
    assert last == "reports/m/report.html"
    path = tmp_path / "reports/m/events.ndjson"
    assert path.read_text().splitlines() == told
    records = lines(path)
    for record in records:
        assert gate("events").is_valid(record), record
    by_job: dict[str | None, list[str]] = {}
    for record in records:
        by_job.setdefault(record["job"], []).append(record["event"])
    whole = ["submitting", "submitted", "polled", "downloading", "stored"]
    assert [by_job[f"one[seed={n}]"] for n in (1, 2, 3)] == [whole] * 3
    assert by_job[None][0] == "run_begins"
    assert by_job[None][-1] == "run_ends"
    assert records[-1]["states"] == {"done": 3}
    # And in every run, whatever is shown.
    again = command.run(tmp_path, *words, "none", "-q", env=environ)
    assert again.returncode == 0, again.stderr
    assert path.read_text().splitlines()[: len(told)] == told
    assert [r["event"] for r in lines(path)].count("run_ends") == 2


def test_a_killed_run_leaves_whole_lines_and_the_next_goes_on(tmp_path):
    with Scene(tmp_path, jobs=3, emulator="--latency 2 --render tiny") as scene:
        run = scene.start()
        path = scene.reports / "scene/events.ndjson"
        while not path.exists() or "submitted" not in path.read_text():
            assert run.poll() is None
        run.send_signal(signal.SIGKILL)
        run.communicate()
        before = lines(path)
        assert "run_ends" not in [r["event"] for r in before]
        scene.decide()
        assert scene.run().returncode in (0, 1)
        after = lines(path)
        assert after[: len(before)] == before
        assert after[-1]["event"] == "run_ends"
        assert KEY not in path.read_text()


def test_no_key_and_no_signature_of_a_servers_words(tmp_path):
    """The server says our key and a signed address back, wherever it can."""
    script = tmp_path / "script.yaml"
    evil = f"bad {KEY} at https://cdn.test/v.mp4?Signature=SIGNED-CANARY&Expires=99"
    script.write_text(
        "faults:\n"
        f"  - {{route: submit, call: 1, do: fail, code: Odd, message: '{evil}'}}\n"
        f"  - {{route: submit, call: 2, do: answer, status: 429, message: '{evil}'}}\n"
        f"  - {{route: submit, call: 4, do: answer, status: 400, message: '{evil}'}}\n"
    )
    with Scene(tmp_path, jobs=4, emulator=f"--render tiny --script {script}") as scene:
        done = scene.run("--progress", "json")
    told = (scene.reports / "scene/events.ndjson").read_text()
    assert "cdn.test" in told, "the words themselves are told"
    for text in (told, done.stdout, done.stderr):
        assert KEY not in text
        assert "SIGNED-CANARY" not in text


def test_a_state_of_an_attempt_is_the_ledgers_word(tmp_path):
    with journal(tmp_path) as kept:
        kept.take(BEGINS, 1.0)
        kept.take(Submitted(replace(attempt(job("a")), task_id="t")), 1.0)
    assert lines(tmp_path / "m/events.ndjson")[1]["state"] == "intent"
