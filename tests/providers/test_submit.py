"""What one POST can tell: every row of the table, over real sockets."""

import json
import socket
import time

import anyio
import pytest

from wanbatch.model.outcomes import Accepted, Halted, NotAccepted, Rejected, ThrottledBy, Uncertain
from wanbatch.model.wire import Reply
from wanbatch.providers.client import Client
from wanbatch.providers.dialects.reading import judge_submit
from wanbatch.testing.pool import AtOnce
from wanbatch.words.errors import ExitCode, WanbatchError

pytestmark = pytest.mark.anyio

VIDEO = {
    "id": "task_abc",
    "task_id": "task_abc",
    "object": "video",
    "model": "wan2.7-i2v",
    "status": "queued",
    "progress": 0,
    "created_at": 1790000000,
}
TASK_ERROR = {"code": "invalid_request", "message": "prompt is bad", "data": None}
AUTH_ERROR = {"error": {"message": "no such token", "type": "new_api_error", "code": ""}}


async def submit(profile, request):
    async with Client(profile, pool=AtOnce()) as backend:
        outcome = await backend.submit(request, {ref.type: ref.url for ref in request.media})
        assert backend.requests == 1
        return outcome


async def one_reply(serve, profile_for, request_with, step):
    server = serve([step])
    outcome = await submit(profile_for(server.url), request_with())
    assert len(server.received) == 1, "a POST goes out exactly once"
    return outcome


# --- proven not accepted: no byte was written


async def test_a_refused_connection_is_not_accepted(profile_for, request_with):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert await submit(profile_for(f"http://127.0.0.1:{port}"), request_with()) == NotAccepted(
        "the connection was refused"
    )


async def test_an_unknown_host_is_not_accepted(profile_for, request_with):
    outcome = await submit(profile_for("https://no-such-host.invalid"), request_with())
    assert outcome == NotAccepted("the host's name was not found")


async def test_a_connect_timeout_is_not_accepted(profile_for, request_with):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = []
        for _ in range(3):  # fill the queue of connections that nobody accepts
            one = socket.socket()
            one.settimeout(0)
            one.connect_ex(full.getsockname())
            others.append(one)
        await anyio.sleep(0.05)
        outcome = await submit(
            profile_for(f"http://127.0.0.1:{full.getsockname()[1]}", submit_timeout_s=0.4),
            request_with(),
        )
        for one in others:
            one.close()
    assert isinstance(outcome, NotAccepted)


async def test_an_untrusted_certificate_is_not_accepted(
    serve, certificates, profile_for, request_with
):
    server = serve([b""], certificates.server)
    outcome = await submit(profile_for(server.url), request_with())
    assert isinstance(outcome, NotAccepted)
    assert "certificate is not trusted" in outcome.reason
    assert server.received == []


async def test_an_expired_certificate_is_not_accepted(
    serve, certificates, profile_for, request_with
):
    server = serve([b""], certificates.expired)
    outcome = await submit(
        profile_for(server.url, ca_file=str(certificates.ca_file)), request_with()
    )
    assert isinstance(outcome, NotAccepted)
    assert server.received == []


async def test_a_server_without_tls_is_not_accepted(serve, profile_for, request_with):
    server = serve(["close"])
    outcome = await submit(
        profile_for(server.url.replace("http:", "https:"), submit_timeout_s=0.4), request_with()
    )
    assert isinstance(outcome, NotAccepted)
    assert not any(received.headers.get("authorization") for received in server.received)


async def test_a_refusing_proxy_is_not_accepted(serve, answer, profile_for, request_with):
    proxy = serve([answer(407, b"who are you", connection="close")])
    outcome = await submit(profile_for("https://api.example.com", proxy=proxy.url), request_with())
    assert isinstance(outcome, NotAccepted)
    assert [r.method for r in proxy.received] == ["CONNECT"]
    assert "authorization" not in proxy.received[0].headers


# --- not accepted: the API says later


@pytest.mark.parametrize("status", [425, 429])
async def test_later_with_an_empty_body(serve, answer, profile_for, request_with, status):
    outcome = await one_reply(serve, profile_for, request_with, answer(status))
    assert isinstance(outcome, NotAccepted)
    assert outcome.retry_after_s is None


@pytest.mark.parametrize(
    ("told", "understood"),
    [
        ("7", 7.0),
        ("86400", 300.0),
        ("-3", 0.0),
        ("1e400", None),
        ("soon", None),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30.0),
    ],
)
async def test_retry_after_is_clamped(serve, answer, profile_for, request_with, told, understood):
    step = answer(429, TASK_ERROR, retry_after=told, date="Sun, 22 Nov 2026 10:00:00 GMT")
    outcome = await one_reply(serve, profile_for, request_with, step)
    assert isinstance(outcome, NotAccepted)
    assert outcome.retry_after_s == understood


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (
            {
                "code": "Throttling.RateQuota",
                "message": "Requests rate limit exceeded",
                "request_id": "1",
            },
            ThrottledBy.RATE,
        ),
        (
            {"code": "Throttling", "message": "Too many running tasks", "request_id": "1"},
            ThrottledBy.CONCURRENCY,
        ),
        (
            {"code": "fail_to_fetch_task", "message": "当前分组上游负载已饱和", "data": None},
            ThrottledBy.UNKNOWN,
        ),
        (
            {"error": {"message": "请求过于频繁", "type": "new_api_error", "code": ""}},
            ThrottledBy.RATE,
        ),
    ],
)
async def test_which_limit_a_429_speaks_of(serve, answer, profile_for, request_with, body, limit):
    outcome = await one_reply(serve, profile_for, request_with, answer(429, body))
    assert isinstance(outcome, NotAccepted)
    assert outcome.limit is limit


# --- the run stops


@pytest.mark.parametrize("status", [401, 402, 403])
@pytest.mark.parametrize("body", [AUTH_ERROR, TASK_ERROR, b"", b"<html>no</html>"])
async def test_key_and_quota_stop_the_run(serve, answer, profile_for, request_with, status, body):
    outcome = await one_reply(serve, profile_for, request_with, answer(status, body))
    assert isinstance(outcome, Halted)
    assert outcome.hint


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 306, 307, 308])
async def test_a_redirect_stops_the_run_and_is_not_followed(
    serve, answer, profile_for, request_with, status
):
    """307 and 308 repeat the POST elsewhere; after the others the video may be
    bought."""
    other = serve([answer(200, VIDEO)])
    outcome = await one_reply(
        serve, profile_for, request_with, answer(status, location=other.url + "/v1/videos")
    )
    if status in (307, 308):
        assert isinstance(outcome, Halted)
    else:
        assert isinstance(outcome, Uncertain)
        assert isinstance(outcome.halt, Halted)
    assert other.received == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (
            429,
            {
                "code": "Throttling.AllocationQuota",
                "message": "Allocated quota exceeded",
                "request_id": "1",
            },
        ),
        (429, {"code": "PrepaidBillOverdue", "message": "overdue", "request_id": "1"}),
        (429, {"code": "CommodityNotPurchased", "message": "buy it", "request_id": "1"}),
        (
            429,
            {
                "error": {
                    "message": "You exceeded your current quota",
                    "type": "insufficient_quota",
                    "code": "insufficient_quota",
                }
            },
        ),
        (
            400,
            {
                "code": "Arrearage",
                "message": "Access denied, your account is in arrears",
                "request_id": "1",
            },
        ),
        (404, {"code": "ModelNotFound", "message": "Model can not be found", "request_id": "1"}),
        (400, {"code": "insufficient_user_quota", "message": "余额不足", "data": None}),
    ],
)
async def test_what_no_waiting_mends_stops_the_run(
    serve, answer, profile_for, request_with, status, body
):
    assert isinstance(
        await one_reply(serve, profile_for, request_with, answer(status, body)), Halted
    )


# --- rejected


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415, 422])
@pytest.mark.parametrize(
    "body",
    [
        TASK_ERROR,
        {"error": {"message": "prompt is bad", "code": 3}},
        {"error": "prompt is bad"},
        {"detail": "prompt is bad"},
    ],
)
async def test_a_refusal_in_the_apis_own_words_is_rejected(
    serve, answer, profile_for, request_with, status, body
):
    outcome = await one_reply(serve, profile_for, request_with, answer(status, body))
    assert isinstance(outcome, Rejected)
    assert outcome.message == "prompt is bad"
    assert outcome.code


# --- accepted


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize(
    ("body", "task_id"),
    [
        (VIDEO, "task_abc"),
        ({"task_id": "t-1.a:b_c"}, "t-1.a:b_c"),
        ({"id": "", "task_id": "t"}, "t"),
        ({"id": "i" * 512}, "i" * 512),
        ({"id": "../../v1/keys"}, "../../v1/keys"),
        ({"id": 12345}, "12345"),
        ({"code": 200, "data": {"task_id": "t"}}, "t"),
        ({"data": {"id": 7}}, "7"),
        ({"data": [{"task_id": "t"}]}, "t"),
        ({"data": [{"id": "t"}, {"id": "u"}]}, "t"),
    ],
)
async def test_an_id_is_accepted(serve, answer, profile_for, request_with, status, body, task_id):
    assert await one_reply(serve, profile_for, request_with, answer(status, body)) == Accepted(
        task_id
    )


async def test_of_two_ids_the_task_id_counts(serve, answer, profile_for, request_with):
    body = {"id": "request-7", "task_id": "t"}
    outcome = await one_reply(serve, profile_for, request_with, answer(200, body))
    assert outcome == Accepted("t", "the answer also names request-7")


async def test_a_429_that_holds_a_task_is_accepted(serve, answer, profile_for, request_with):
    outcome = await one_reply(serve, profile_for, request_with, answer(429, VIDEO))
    assert outcome == Accepted("task_abc")


@pytest.mark.parametrize(
    "body", [b"<html><h1>429</h1>nginx</html>", b"slow down", b'{"ok": false}', b'["no"]']
)
async def test_a_429_with_whatever_body_is_not_accepted(
    serve, answer, profile_for, request_with, body
):
    outcome = await one_reply(serve, profile_for, request_with, answer(429, body))
    assert isinstance(outcome, NotAccepted)
    assert outcome.limit is ThrottledBy.UNKNOWN


# --- uncertain


@pytest.mark.parametrize("status", [408, 409, 500, 501, 502, 503, 504, 520, 599])
@pytest.mark.parametrize("body", [TASK_ERROR, VIDEO, b"<html>bad gateway</html>", b""])
async def test_every_server_error_is_uncertain(
    serve, answer, profile_for, request_with, status, body
):
    assert isinstance(
        await one_reply(serve, profile_for, request_with, answer(status, body)), Uncertain
    )


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415, 422, 406, 410, 418, 451])
async def test_html_is_uncertain(serve, answer, profile_for, request_with, status):
    outcome = await one_reply(
        serve,
        profile_for,
        request_with,
        answer(status, b"<html><title>Attention</title></html>", content_type="text/html"),
    )
    assert isinstance(outcome, Uncertain)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>ok</html>",
        {"code": "ali_api_error", "message": "x", "data": None},
        {"id": ".."},
        {"id": "0"},
        {"id": "null", "task_id": "undefined"},
        {"id": "a\r\nb"},
        {"id": "a b"},
        {"id": "x" * 513},
        {"id": ["task_abc"]},
        {"id": None},
        {"id": 0},
        {"id": True},
        {"id": "täsk"},
        [VIDEO],
        "task_abc",
        b'{"id": "task_a',
        b'{"id": ' + b"[" * 100_000,
        b'{"id": ' + b"9" * 10_000 + b"}",
        b'{"id": "\xff\xfe"}',
    ],
)
async def test_success_without_a_valid_id_is_uncertain(
    serve, answer, profile_for, request_with, body
):
    assert isinstance(
        await one_reply(serve, profile_for, request_with, answer(200, body)), Uncertain
    )


async def test_a_reply_over_the_cap_is_uncertain(serve, answer, profile_for, request_with):
    outcome = await one_reply(
        serve,
        profile_for,
        request_with,
        answer(200, b'{"id": "task_abc", "x": "' + b"x" * 5_000_000 + b'"}'),
    )
    assert isinstance(outcome, Uncertain)
    assert "larger" in outcome.reason


async def test_a_gzip_bomb_is_uncertain(serve, answer, profile_for, request_with):
    import gzip

    bomb = gzip.compress(b'{"id": "task_abc", "x": "' + b"\0" * 50_000_000)
    outcome = await one_reply(
        serve, profile_for, request_with, answer(200, bomb, content_encoding="gzip")
    )
    assert isinstance(outcome, Uncertain)


async def test_a_reply_that_was_compressed_unasked_is_read(
    serve, answer, profile_for, request_with
):
    import gzip

    step = answer(200, gzip.compress(b'{"id": "task_abc"}'), content_encoding="gzip")
    assert await one_reply(serve, profile_for, request_with, step) == Accepted("task_abc")


@pytest.mark.parametrize("step", ["close", "reset"])
async def test_a_broken_connection_is_uncertain(serve, profile_for, request_with, step):
    assert isinstance(await one_reply(serve, profile_for, request_with, step), Uncertain)


@pytest.mark.parametrize(
    "step",
    [
        b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{"id": "task_abc"}',
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
            b'12\r\n{"id": "task_abc"}'
        ),
        b"HTTP/1.1 20",
        b"SSH-2.0-OpenSSH\r\nconnection: close\r\n\r\n",
    ],
)
async def test_a_short_or_garbled_reply_is_uncertain(serve, profile_for, request_with, step):
    def send_and_close(connection, _):
        connection.sendall(step)
        connection.shutdown(socket.SHUT_RDWR)

    assert isinstance(await one_reply(serve, profile_for, request_with, send_and_close), Uncertain)


async def test_silence_is_uncertain_after_the_submit_timeout(serve, profile_for, request_with):
    server = serve(["stay silent"])
    begun = time.monotonic()
    outcome = await submit(profile_for(server.url, submit_timeout_s=0.3), request_with())
    assert isinstance(outcome, Uncertain)
    assert 0.2 < time.monotonic() - begun < 3


async def test_a_trickling_reply_ends_too(serve, profile_for, request_with):
    def trickle(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n")
        for _ in range(100):
            connection.sendall(b" ")
            time.sleep(0.05)

    server = serve([trickle])
    begun = time.monotonic()
    outcome = await submit(profile_for(server.url, submit_timeout_s=0.5), request_with())
    assert isinstance(outcome, Uncertain)
    assert time.monotonic() - begun < 3


async def test_a_connection_lost_while_the_body_is_sent_is_uncertain(profile_for, request_with):
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up():
        connection, _ = listener.accept()
        connection.recv(10)
        connection.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    request = request_with(prompt="x" * 3_000_000)
    outcome = await submit(profile_for(f"http://127.0.0.1:{listener.getsockname()[1]}"), request)
    thread.join()
    listener.close()
    assert isinstance(outcome, Uncertain)


async def test_an_early_refusal_of_a_large_body_is_read(serve, answer, profile_for, request_with):
    outcome = await one_reply(
        serve, profile_for, request_with, answer(413, TASK_ERROR, connection="close")
    )
    assert isinstance(outcome, Rejected)


# --- how it is sent


async def test_each_submit_has_a_fresh_connection_and_the_key(
    serve, answer, profile_for, request_with, key
):
    server = serve([answer(200, VIDEO)])
    async with Client(profile_for(server.url), pool=AtOnce()) as backend:
        for _ in range(3):
            assert isinstance(
                await backend.submit(
                    request_with(), {"first_frame": "https://media.example/x.png"}
                ),
                Accepted,
            )
    assert server.connections == len(server.received) == 3
    for received in server.received:
        assert (received.method, received.path) == ("POST", "/v1/videos")
        assert received.headers["authorization"] == f"Bearer {key}"
        assert received.headers["content-type"] == "application/json"
        assert received.headers["accept-encoding"] == "identity"


async def test_proxies_and_certificates_from_the_environment_are_not_used(
    serve, answer, certificates, profile_for, request_with, monkeypatch
):
    proxy, server = serve(["close"]), serve([answer(200, VIDEO)])
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    assert isinstance(await submit(profile_for(server.url), request_with()), Accepted)
    assert proxy.connections == 0
    secure = serve([answer(200, VIDEO)], certificates.server)
    assert isinstance(await submit(profile_for(secure.url), request_with()), NotAccepted)
    assert isinstance(
        await submit(profile_for(secure.url, ca_file=str(certificates.ca_file)), request_with()),
        Accepted,
    )


async def test_a_missing_file_of_certificates_is_told(profile_for, tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("gone.pem", "empty.pem"):
        with pytest.raises(WanbatchError) as caught:
            async with Client(
                profile_for("https://a.example", ca_file=str(tmp_path / name)), pool=AtOnce()
            ):
                pass
        assert caught.value.exit_code is ExitCode.ENVIRONMENT


@pytest.mark.parametrize("base_url", ["https://xn--a", ""])
def test_a_base_url_that_no_name_server_would_take_is_refused(profile_for, base_url):
    with pytest.raises(WanbatchError) as caught:
        Client(profile_for(base_url), pool=AtOnce())
    assert caught.value.exit_code is ExitCode.ENVIRONMENT


async def test_a_base_path_is_kept(serve, answer, profile_for, request_with):
    server = serve([answer(200, VIDEO)])
    await submit(profile_for(server.url + "/wan/api"), request_with())
    assert server.received[0].path == "/wan/api/v1/videos"


async def test_a_task_id_that_holds_the_key_is_not_kept(serve, answer, profile_for, request_with):
    from wanbatch.model.wire import Secret

    server = serve([answer(200, {"id": "sk-plain-key-123"})])
    outcome = await submit(
        profile_for(server.url, api_key=Secret("sk-plain-key-123")), request_with()
    )
    assert isinstance(outcome, Uncertain)
    assert "sk-plain" not in repr(outcome)


@pytest.mark.parametrize("elapsed_s", [0.2, 11.0])
@pytest.mark.parametrize("code", ["rate_limit", "insufficient_user_quota"])
def test_a_limiter_answers_at_once_and_later_its_answer_proves_nothing(elapsed_s, code):
    body = json.dumps({"error": {"code": code, "message": "too many requests"}}).encode()
    outcome = judge_submit(Reply(429, {}, body, elapsed_s))
    if elapsed_s > 10:
        assert isinstance(outcome, Uncertain)
        assert (outcome.halt is not None) is (code != "rate_limit")
    else:
        assert isinstance(outcome, NotAccepted if code == "rate_limit" else Halted)
