"""What gateways answer, over real sockets: redirects, ids, words, codings, addresses,
echoes. Each is one member of a kind that the field or an audit found."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
from urllib.parse import quote

import pytest
from field.scripted import KEY, MISSING, Answer, Project, ScriptedGateway, video_of

HTML = {"content-type": "text/html"}


# -- the POST --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 303])
def test_a_redirect_proves_nothing_and_stops_buying(tmp_path, status):
    """The gateway has taken the task and sends the browser's way to it."""
    with ScriptedGateway() as gateway:
        gateway.scripts["post"] = lambda task, n: Answer(
            status, b"", {"location": f"/v1/videos/{task}?sig=SECRET"}
        )
        project = Project(tmp_path, gateway, jobs=3)
        assert project.run().returncode == 4
        assert len(gateway.posts) == 1
        gateway.scripts["post"] = lambda task, n: gateway.accepted(task)
        project.run()
        assert project.states().count("uncertain") == 1
        assert len(gateway.posts) == 3


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, {"error": {"code": "model_not_found", "message": "no channel", "type": "x"}}),
        (500, {"code": "build_request_failed", "message": "requires image", "data": None}),
        (500, {"code": "get_channel_failed", "message": "no channel", "data": None}),
    ],
)
def test_a_refusal_inside_a_5xx_leaves_one_job_in_doubt_and_says_why(tmp_path, status, body):
    with ScriptedGateway(post=lambda task, n: Answer(status, body)) as gateway:
        project = Project(tmp_path, gateway, jobs=5)
        done = project.run()
        assert (done.returncode, len(gateway.posts)) == (4, 1)
        assert sorted(project.states()) == ["planned"] * 4 + ["uncertain"]
        assert "help: the gateway may have tried elsewhere first" in done.stderr


@pytest.mark.parametrize(
    "answer",
    [
        Answer(429, b"<html><h1>429 Too Many Requests</h1><hr>nginx</html>", HTML),
        Answer(429, b"error code: 1015", {"content-type": "text/plain"}),
        Answer(429, b"", {}),
        Answer(425, {"message": "early"}),
    ],
)
def test_a_limit_of_whatever_proxy_is_no_purchase(tmp_path, answer):
    with ScriptedGateway() as gateway:
        gateway.scripts["post"] = lambda task, n: answer if n < 1 else gateway.accepted(task)
        project = Project(tmp_path, gateway)
        assert project.run().returncode == 0
        assert len(gateway.posts) == 2
        (row,) = project.rows()
        assert (row["state"], row["refusals"]) == ("stored", 1)


LONG = base64.b64encode(bytes(range(100, 250))).decode()


@pytest.mark.parametrize(
    ("body", "task"),
    [
        ({"id": LONG, "status": "queued"}, LONG),
        ({"id": "video_" + "x" * 490}, "video_" + "x" * 490),
        ({"code": "success", "message": "", "data": {"task_id": "t-1"}}, "t-1"),
        ({"data": [{"id": 4711}]}, "4711"),
        ({"id": "gen/1?x=2#y", "object": "video"}, "gen/1?x=2#y"),
        ({"id": "request-9", "task_id": "task:7"}, "task:7"),
        ({"id": "null", "data": {"id": "a.b"}}, "a.b"),
    ],
)
def test_any_printable_id_is_kept_and_asked_for_as_it_is(tmp_path, body, task):
    with ScriptedGateway(post=lambda _, n: Answer(200, body)) as gateway:
        quoted = quote(task, safe="")
        gateway.scripts["poll"] = lambda seen, n: (
            gateway.completed(task, url="") if seen == quoted else Answer(400, MISSING)
        )
        project = Project(tmp_path, gateway)
        done = project.run()
        assert done.returncode == 0, done.stderr
        (row,) = project.rows()
        assert (row["task_id"], row["state"]) == (task, "stored")
        assert all(task[:20] not in name for name in project.videos())


@pytest.mark.parametrize("bad", ["", "0", 0, "none", "..", "a b", "é", "x" * 513, None, True, []])
def test_what_is_no_id_is_uncertain_and_the_answer_is_kept(tmp_path, bad):
    body = {"id": bad, "status": "queued", "note": "order 5512, see https://x.test/?token=abc"}
    with ScriptedGateway(post=lambda task, n: Answer(200, body)) as gateway:
        project = Project(tmp_path, gateway)
        project.run()
        (row,) = project.rows()
        assert row["state"] == "uncertain"
        assert "order 5512" in row["evidence"]
        assert "abc" not in row["evidence"]


# -- the poll --------------------------------------------------------------------------


def wrapped(task, word, **more):
    return {"code": "success", "message": "", "data": {"task_id": task, "status": word, **more}}


@pytest.mark.parametrize(
    "tell",
    [
        lambda g, t: {"id": t, "status": "done", "video": {"url": f"{g.address}/link/{t}.mp4"}},
        lambda g, t: {"id": t, "status": "SUCCEED", "result_url": f"/link/{t}.mp4"},
        lambda g, t: wrapped(t, "SUCCESS", progress="100%", video_url=f"{g.address}/link/{t}.mp4"),
        lambda g, t: {"status": "success", "data": {"id": t, "state": "Finished"}},
        lambda g, t: {"id": t, "task_status": "TASK_STATUS_SUCCEEDED"},
        lambda g, t: {"id": t, "status": "completed", "output": [f"{g.address}/link/{t}.mp4"]},
        lambda g, t: {"task_id": t, "done": True, "response": {"x": 1}},
    ],
)
def test_a_finished_task_in_other_words_and_other_places_comes_home(tmp_path, tell):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: (
            Answer(200, tell(gateway, task)) if n else Answer(200, wrapped(task, "IN_PROGRESS"))
        )
        project = Project(tmp_path, gateway)
        done = project.run()
        assert done.returncode == 0, done.stderr
        assert list(project.videos().values()) == [video_of("task_0001")]


@pytest.mark.parametrize(
    "tell",
    [
        lambda t: {"id": t, "status": "fail", "fail_reason": "the picture is too dark"},
        lambda t: wrapped(t, "FAILURE", fail_reason="the picture is too dark"),
        lambda t: {"status": "FAILED", "error": {"message": "the picture is too dark"}},
        lambda t: {
            "id": t,
            "status": "failed",
            "base_resp": {"status_msg": "the picture is too dark"},
        },
    ],
)
def test_a_failure_says_its_reason_wherever_it_stands(tmp_path, tell):
    with ScriptedGateway(poll=lambda task, n: Answer(200, tell(task))) as gateway:
        project = Project(tmp_path, gateway)
        done = project.run()
        assert done.returncode == 1
        assert project.states() == ["failed"]
        assert "the picture is too dark" in done.stderr


@pytest.mark.parametrize(
    "tell",
    [
        lambda t: {"status": "failed", "message": "the query failed", "data": {"progress": 40}},
        lambda t: {"status": "error", "data": {"task_id": t, "status": "processing"}},
        lambda t: [{"status": "failed"}],
        lambda t: {"id": "task_9999", "status": "failed"},
        lambda t: {"id": t, "status": "running", "error": {"message": "a hiccup"}},
    ],
)
def test_a_failure_of_the_query_or_of_another_task_ends_nothing(tmp_path, tell):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: (
            Answer(200, tell(task)) if n < 3 else gateway.completed(task)
        )
        project = Project(tmp_path, gateway)
        assert project.run().returncode == 0
        assert len(gateway.posts) == 1


def test_another_tasks_answer_is_never_taken(tmp_path):
    """A cache in front answers every poll with the first task's end."""
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.completed("task_0001" if n < 3 else task)
        project = Project(tmp_path, gateway, jobs=2)
        assert project.run().returncode == 0
        assert set(project.videos().values()) == {video_of("task_0001"), video_of("task_0002")}


# -- the video -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        lambda v: Answer(200, gzip.compress(v), {"content-encoding": "gzip"}),
        lambda v: Answer(200, v, {"content-encoding": "gzip"}),
        lambda v: Answer(200, v, {"content-encoding": "br"}),
        lambda v: Answer(200, v + b"\r\n", {"content-type": "video/mp4"}),
    ],
    ids=["gzip", "said to be gzip", "said to be brotli", "bytes behind the last box"],
)
def test_a_coded_video_and_one_with_bytes_behind_it_are_whole(tmp_path, answer):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.completed(task, url="")
        gateway.scripts["content"] = lambda task, n: answer(video_of(task))
        project = Project(tmp_path, gateway)
        done = project.run()
        assert done.returncode == 0, done.stderr
        (made,) = project.videos().values()
        assert made.startswith(video_of("task_0001"))


def test_a_content_route_that_names_an_address_is_followed_without_the_key(tmp_path):
    with ScriptedGateway() as gateway:
        gateway.scripts["poll"] = lambda task, n: gateway.completed(task, url="")
        gateway.scripts["content"] = lambda task, n: Answer(
            200, {"url": f"{gateway.address}/link/{task}.mp4"}
        )
        project = Project(tmp_path, gateway)
        assert project.run().returncode == 0


# -- the key, the probe, the words -----------------------------------------------------

ECHOES = [
    KEY,
    KEY.upper(),
    "".join(f"\\u{ord(c):04x}" for c in KEY),
    quote(KEY, safe="").replace("-", "%2D"),
    base64.b64encode(KEY.encode()).decode(),
    "x" * 490 + KEY,
    "x" * 480 + "".join(f"\\u{ord(c):04x}" for c in KEY),  # meets the cut at 500 characters
    KEY[3:14],
]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [400, 401, 502, 200])
def test_no_echo_of_the_key_is_printed_or_kept(tmp_path, echo, status):
    text = json.dumps({"error": {"code": "bad", "message": "your key ECHO is bad"}})
    body = text.replace("ECHO", echo).encode()
    with ScriptedGateway(post=lambda task, n: Answer(status, body)) as gateway:
        project = Project(tmp_path, gateway)
        done = project.run()
        said = [done.stdout, done.stderr]
        with sqlite3.connect(tmp_path / "reports/ledger.db") as connection:
            said += list(connection.iterdump())
        connection.close()
        said += [p.read_text() for p in (tmp_path / "reports").rglob("*.json")]
        said += [p.read_text() for p in (tmp_path / "reports").rglob("*.html")]
        pieces = {KEY.lower()[i : i + 8] for i in range(len(KEY) - 7)}
        for one in said:
            assert not any(piece in one.lower() for piece in pieces)


def test_the_key_as_the_host_of_a_result_is_not_printed_or_kept(tmp_path):
    with ScriptedGateway() as gateway:
        link = f"https://{KEY}.invalid/a.mp4"
        gateway.scripts["poll"] = lambda task, n: gateway.completed(task, url=link)
        gateway.scripts["content"] = lambda task, n: Answer(404, {"error": "not here"})
        project = Project(tmp_path, gateway)
        done = project.run(wait=3)
        said = [done.stdout, done.stderr, *map(str, project.rows())]
        said += [p.read_text() for p in (tmp_path / "reports").rglob("*.json")]
        said += [p.read_text() for p in (tmp_path / "reports").rglob("*.html")]
    pieces = {KEY.lower()[i : i + 8] for i in range(len(KEY) - 7)}
    assert not [one for one in said if any(piece in one.lower() for piece in pieces)]
    assert len(gateway.posts) == 1


class BelowApi(ScriptedGateway):
    def answer(self, method: str, path: str, body: bytes) -> Answer:
        return super().answer(method, path.replace("/api", "", 1), body)


def test_below_a_base_path_the_key_stays_below_it(tmp_path):
    with BelowApi() as gateway:
        project = Project(tmp_path, gateway)
        text = project.config.read_text()
        project.config.write_text(text.replace(gateway.address, f"{gateway.address}/api"))
        assert project.run().returncode == 0
        outside = [key for path, key in gateway.keys if not path.startswith("/api/")]
        assert outside == [None]
        assert all(key for path, key in gateway.keys if path.startswith("/api/"))


def test_a_gateway_that_answers_the_probe_oddly_is_shown_and_can_be_skipped(tmp_path):
    odd = Answer(500, {"code": "get_task_failed", "message": "record not found"})
    with ScriptedGateway(probe=lambda task, n: odd) as gateway:
        project = Project(tmp_path, gateway)
        done = project.run()
        assert (done.returncode, len(gateway.posts)) == (4, 0)
        assert "record not found" in done.stderr
        assert 'probe = "skip"' in done.stderr
        told = project.call("doctor", "--backend", "rough")
        assert 'probe = "skip"' in told.stdout + told.stderr
        project.config.write_text(project.config.read_text() + 'probe = "skip"\n')
        assert project.run().returncode == 0


@pytest.mark.parametrize("key", ['"{}"', "'{}'", "“{}”", "Bearer {}", "API_KEY={}"])
def test_a_key_that_was_pasted_with_more_than_itself_is_refused_unshown(tmp_path, key):
    with ScriptedGateway() as gateway:
        project = Project(tmp_path, gateway)
        words = ("run", project.manifest.name, "--backend", "rough", "--yes")
        done = project.call(*words, ROUGH_KEY=key.format(KEY))
        assert (done.returncode, gateway.seen) == (4, [])
        assert KEY not in done.stderr
        assert "ROUGH_KEY" in done.stderr


def test_the_key_itself_in_place_of_its_variables_name_is_not_echoed(tmp_path):
    with ScriptedGateway() as gateway:
        project = Project(tmp_path, gateway)
        for name in (KEY, KEY.replace("-", "_"), "sk_live_4242"):
            text = project.config.read_text()
            project.config.write_text(text.replace('"ROUGH_KEY"', f'"{name}"'))
            done = project.run()
            assert done.returncode in (2, 4)
            assert name not in done.stderr
            project.config.write_text(text)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(401, b"<html>401 Authorization Required</html>", HTML), "the key was refused"),
        (Answer(403, b"<html>403 Forbidden</html>", HTML), "check its permissions"),
        (
            Answer(403, {"code": "insufficient_user_quota", "message": "quota", "data": None}),
            "account's balance",
        ),
        (Answer(402, {"error": {"message": "pay"}}), "top it up"),
    ],
)
def test_what_to_do_about_a_refusal_that_stops_the_run_is_printed(tmp_path, answer, words):
    with ScriptedGateway(post=lambda task, n: answer) as gateway:
        project = Project(tmp_path, gateway)
        done = project.run()
        assert done.returncode == 4
        assert words in done.stderr
        assert project.states() == ["planned"]
