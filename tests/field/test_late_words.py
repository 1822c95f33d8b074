"""What a gateway says after it said something else: failures that turn, words nobody
knows, links that die, clocks that lie. The real command, over real sockets."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from field.scripted import Answer, Project, ScriptedGateway, dated, sample, video_of

HOUR = 3600.0


def after(number, first, then):
    """A script: ``first`` for so many questions, ``then`` afterwards."""
    return lambda task, n: first(task) if n < number else then(task)


def test_a_failure_that_turns_is_done_and_its_retry_is_never_bought(tmp_path):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = after(1, gateway.failed, gateway.completed)
        project = Project(tmp_path, gateway, retries=1)
        done = project.run()
        assert (done.returncode, len(gateway.posts)) == (0, 1), done.stderr
        assert project.states() == ["done"]


def test_a_failure_that_turns_at_the_end_of_the_run_comes_home(tmp_path):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = after(1, gateway.failed, gateway.completed)
        project = Project(tmp_path, gateway)
        done = project.run()
        assert (done.returncode, len(gateway.posts)) == (0, 1), done.stderr
        assert list(project.videos().values()) == [video_of("task_0001")]


@pytest.mark.parametrize("flag", ["--retry-failed", "--regenerate"])
def test_a_failed_task_is_asked_again_before_a_person_has_it_bought_again(tmp_path, flag):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.failed(task)
        project = Project(tmp_path, gateway)
        assert project.run().returncode == 1
        gateway.scripts["poll"] = lambda task, n: gateway.completed(task)
        assert project.run(flag).returncode == 0
        assert len(gateway.posts) == 1


def test_fetch_brings_home_a_failure_that_turned_later(tmp_path):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.failed(task)
        project = Project(tmp_path, gateway)
        assert project.run().returncode == 1
        gateway.scripts["poll"] = lambda task, n: gateway.completed(task)
        assert project.fetch().returncode == 0
        assert project.states() == ["done"]


def test_both_videos_are_stored_where_a_failure_turns_after_its_retry(tmp_path):
    """The first task keeps saying failed until its retry was bought and came home."""
    with ScriptedGateway() as gateway:

        def poll(task, n):
            if task == "task_0001" and not gateway.asked["link", "task_0002"]:
                return gateway.failed(task)
            return gateway.completed(task)

        gateway.scripts["poll"] = poll
        project = Project(tmp_path, gateway, retries=1)
        assert project.run().returncode == 0
        assert len(gateway.posts) == 2
        assert {row["state"] for row in project.rows()} == {"stored"}
        assert set(project.videos().values()) == {video_of("task_0001"), video_of("task_0002")}
        job = project.report()["jobs"][0]
        assert job["output"]["sha256"] == hashlib.sha256(video_of("task_0001")).hexdigest()
        assert project.run().returncode == 0
        assert len(gateway.posts) == 2


def test_an_answer_a_day_ahead_expires_nothing(tmp_path):
    with ScriptedGateway() as gateway:

        def poll(task, n):
            if n == 0:
                return replace(gateway.running(task), date_s=26 * HOUR)
            return gateway.running(task) if n < 4 else gateway.completed(task)

        gateway.scripts["poll"] = poll
        project = Project(tmp_path, gateway)
        done = project.run()
        assert done.returncode == 0, done.stderr
        assert project.states() == ["done"]


def test_a_post_answered_in_1970_expires_nothing_in_this_run_or_the_next(tmp_path):
    with ScriptedGateway() as gateway:
        gateway.scripts["post"] = lambda task, n: replace(
            gateway.accepted(task), date_s=-56 * 365 * 24 * HOUR
        )
        gateway.scripts["poll"] = lambda task, n: gateway.running(task)
        project = Project(tmp_path, gateway, jobs=2)
        assert project.run(wait=4).returncode == 1
        assert project.states() == ["running", "running"]
        gateway.scripts["poll"] = lambda task, n: gateway.completed(task)
        assert project.fetch().returncode == 0
        assert project.states() == ["done", "done"]


def test_every_answer_in_the_wrong_year_still_brings_the_video_home(tmp_path):
    with ScriptedGateway() as gateway:
        for kind, script in list(gateway.scripts.items()):
            years_s = (-1 if kind == "post" else 1) * 400 * 24 * HOUR
            gateway.scripts[kind] = dated(script, years_s)
        project = Project(tmp_path, gateway)
        assert project.run().returncode == 0
        assert project.states() == ["done"]


def test_links_that_live_for_seconds_are_signed_anew_and_expire_nothing(tmp_path):
    """A link that died, a poll that was no answer, a useless expires_at: then a good
    link."""
    with ScriptedGateway() as gateway:

        def poll(task, n):
            if n == 1:
                return Answer(502, b"<html>bad gateway</html>", {"content-type": "text/html"})
            link = f"{gateway.address}/link/{task}.mp4?Expires=1000000&Signature=s{n}"
            return gateway.completed(task, url=link, expires_at=1_000_000)

        gateway.scripts["poll"] = poll
        gateway.scripts["content"] = lambda task, n: Answer(404, {"error": {"message": "no"}})
        gateway.scripts["link"] = after(
            2, lambda task: Answer(403, b"expired", {"content-type": "text/plain"}), gateway.video
        )
        project = Project(tmp_path, gateway)
        done = project.run()
        assert done.returncode == 0, done.stderr
        assert project.states() == ["done"]


def test_a_store_that_is_down_for_a_while_loses_nothing(tmp_path):
    with ScriptedGateway() as gateway:
        down = Answer(503, {"error": {"message": "down"}})
        gateway.scripts["link"] = after(3, lambda task: down, gateway.video)
        gateway.scripts["content"] = lambda task, n: down
        project = Project(tmp_path, gateway)
        assert project.run(wait=30).returncode == 0


def test_completed_then_a_broken_download_then_failed_is_asked_until_it_is_home(tmp_path):
    with ScriptedGateway() as gateway:

        def poll(task, n):
            return gateway.failed(task) if n in (1, 2) else gateway.completed(task)

        gateway.scripts["poll"] = poll
        gateway.scripts["link"] = after(
            1, lambda task: replace(gateway.video(task), cut=300), gateway.video
        )
        gateway.scripts["content"] = lambda task, n: Answer(502, b"", {})
        project = Project(tmp_path, gateway)
        done = project.run(wait=30)
        assert done.returncode == 0, done.stderr
        assert len(gateway.posts) == 1


def test_a_finished_video_that_cannot_be_had_says_so_everywhere(tmp_path):
    with ScriptedGateway() as gateway:
        gateway.scripts["link"] = lambda task, n: Answer(404, {"error": {"message": "no such"}})
        gateway.scripts["content"] = lambda task, n: Answer(404, {"error": {"message": "gone"}})
        project = Project(tmp_path, gateway)
        done = project.run(wait=3)
        assert done.returncode == 1
        job = project.report()["jobs"][0]
        assert job["state"] == "finished"
        assert "404" in job["error"]["message"]
        assert project.report()["totals"]["finished"] == 1
        status = project.call("status", project.manifest.name, "--backend", "rough").stderr
        assert "finished" in status
        assert "404" in status
        given_up = project.call("resolve", project.manifest.name, job["name"], "--abandon")
        assert given_up.returncode == 0, given_up.stderr


def test_bytes_that_came_whole_and_are_refused_are_kept_and_not_fetched_a_third_time(tmp_path):
    with ScriptedGateway() as gateway:
        junk = b"\0\0\0\x18ftypmp42" + b"\x07" * 4000
        refused = Answer(200, junk, {"content-type": "video/mp4"})
        gateway.scripts["link"] = lambda task, n: refused
        gateway.scripts["content"] = lambda task, n: refused
        project = Project(tmp_path, gateway)
        done = project.run(wait=30)
        assert done.returncode == 1
        kept = list((tmp_path / "reports/scene/videos/.part").iterdir())
        assert [p.suffix for p in kept] == [".rejected"]
        assert kept[0].read_bytes() == junk
        asked = gateway.asked["link", "task_0001"] + gateway.asked["content", "task_0001"]
        assert asked <= 4  # each of the two sources twice
        assert project.run(wait=10).returncode == 1
        again = gateway.asked["link", "task_0001"] + gateway.asked["content", "task_0001"]
        assert again == asked
        assert project.states() == ["finished"]


def test_a_fragmented_video_cut_between_fragments_is_fetched_once_more(tmp_path):
    whole = sample(fragmented=True)
    moof = whole.index(b"moof", whole.index(b"moof") + 4) - 4
    with ScriptedGateway() as gateway:

        def link(task, n):
            content = whole[:moof] if n == 0 else whole
            return Answer(200, content, {"content-type": "video/mp4"}, chunked=True)

        gateway.scripts["link"] = link
        project = Project(tmp_path, gateway)
        done = project.run()
        assert done.returncode == 0, done.stderr
        assert list(project.videos().values()) == [whole]


@pytest.mark.parametrize("word", ["brewing", "Rendering Pass 2"])
def test_a_word_that_nobody_knows_is_shown_and_the_content_route_is_asked(tmp_path, word):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.running(
            task, word, progress=100 if n > 2 else 40
        )
        project = Project(tmp_path, gateway, jobs=2)
        done = project.run()
        assert done.returncode == 0, done.stderr
        assert word in done.stderr
        assert project.states() == ["done", "done"]
        assert gateway.asked["content", "task_0001"] == 1


def test_a_word_that_nobody_knows_stands_in_status_and_report_while_it_runs(tmp_path):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.running(task, "brewing")
        gateway.scripts["content"] = lambda task, n: Answer(400, {"error": {"message": "early"}})
        project = Project(tmp_path, gateway)
        assert project.run(wait=2).returncode == 1
        assert "brewing" in str(project.report()["jobs"][0]["error"])
        status = project.call("status", project.manifest.name, "--backend", "rough").stderr
        assert "brewing" in status


def test_an_early_video_that_is_not_what_was_asked_for_is_kept_and_polling_goes_on(tmp_path):
    with ScriptedGateway() as gateway:
        preview = Answer(200, sample(0.5, 640, 360), {"content-type": "video/mp4"})
        gateway.scripts["poll"] = lambda task, n: (
            gateway.running(task, progress=100) if n < 4 else gateway.completed(task)
        )
        gateway.scripts["content"] = lambda task, n: preview
        project = Project(tmp_path, gateway)
        assert project.run().returncode == 0
        assert list(project.videos().values()) == [video_of("task_0001")]
        assert gateway.asked["content", "task_0001"] == 1
        kept = list((tmp_path / "reports/scene/videos/.part").glob("*.early"))
        assert [p.read_bytes() for p in kept] == [preview.body]


@pytest.mark.parametrize("word", ["cancelled", "expired", "error", "CANCELED"])
def test_a_failure_in_another_word_is_asked_twice_and_the_content_route_tried(tmp_path, word):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.running(task, word)
        project = Project(tmp_path, gateway)
        assert project.run().returncode == 0
        assert gateway.asked["poll", "task_0001"] >= 2
        assert project.states() == ["done"]


def test_a_run_that_is_only_refused_ends_with_one_counted_row(tmp_path):
    with ScriptedGateway() as gateway:
        gateway.scripts["post"] = lambda task, n: Answer(
            429, {"error": {"message": "rate limit"}}, {"retry-after": "0"}
        )
        project = Project(tmp_path, gateway)
        done = project.run(wait=4)
        assert done.returncode == 1
        (row,) = project.rows()
        assert row["refusals"] == len(gateway.posts) > 1
        assert project.states() == ["planned"]
        assert "refused" in done.stderr


def test_an_edited_job_waits_for_its_old_request_and_says_so(tmp_path):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.running(task)
        project = Project(tmp_path, gateway)
        assert project.run(wait=1).returncode == 1
        project.write(prompt="A quiet harbour")
        edited = project.run(wait=1)
        assert len(gateway.posts) == 1
        assert "old request is still running" in edited.stderr
        plan = project.call("plan", project.manifest.name, "--backend", "rough", "-v")
        assert "old request is still running" in plan.stderr + plan.stdout
        gateway.scripts["poll"] = lambda task, n: gateway.completed(task)
        project.run()
        assert project.run().returncode == 0
        assert len(gateway.posts) == 2


def test_what_a_person_asked_to_buy_again_is_bought_once_however_often_it_is_interrupted(tmp_path):
    with ScriptedGateway() as gateway:
        project = Project(tmp_path, gateway, jobs=3)
        assert project.run().returncode == 0
        gateway.scripts["post"] = lambda task, n: (
            gateway.accepted(task)
            if n < 4
            else Answer(403, {"error": {"message": "no quota", "code": "insufficient_user_quota"}})
        )
        assert project.run("--regenerate").returncode == 4
        gateway.scripts["post"] = lambda task, n: gateway.accepted(task)
        accepted = [row for row in project.rows() if row["task_id"]]
        assert len(accepted) == 4
        assert project.run().returncode == 0
        assert len([row for row in project.rows() if row["task_id"]]) == 6
        assert project.run().returncode == 0
        assert len([row for row in project.rows() if row["task_id"]]) == 6


def test_two_jobs_with_the_same_bytes_are_a_warning_in_the_report(tmp_path):
    with ScriptedGateway() as gateway:
        gateway.scripts["link"] = lambda task, n: gateway.video("the same")
        project = Project(tmp_path, gateway, jobs=2)
        project.run()
        checks = [check for job in project.report()["jobs"] for check in job["checks"]]
        found = [c["message"] for c in checks if not c["passed"] and c["name"] == "same"]
        assert [text.partition(" as ")[0] for text in found] == ["the same bytes"] * 2
