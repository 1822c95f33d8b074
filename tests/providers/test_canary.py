"""A canary key and a canary signature through many scenarios: every byte that leaves is
searched for them, in every spelling.

How it works: servers echo the key wherever a hostile or careless one could, break off,
redirect; logging is turned up to DEBUG for everything; what came out (outcomes, logs,
terminal, files, and all that other hosts received) is searched in plain, base64 at each
alignment, and URL-encoded form.
"""

import base64
import io
import json
import logging
import socket
import warnings
from urllib.parse import quote

import anyio
import pytest

from wanbatch.model.outcomes import Downloaded, Succeeded
from wanbatch.providers.client import Client
from wanbatch.providers.scrubbing import key_spellings
from wanbatch.testing.pool import AtOnce

pytestmark = pytest.mark.anyio

SIGNATURE = "canarySignature+/7Yq2w=="


def spellings(secret):
    """Independent of the code under test: whatever decodes back to the secret."""
    found = {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1]}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + secret.encode()).decode()
        inner = coded[(0, 2, 3)[shift] : len(coded) - 4]
        found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return found


def assert_absent(secret, told, where):
    for form in spellings(secret):
        assert form not in told, (
            f"{form} stands in {where}:"
            f" …{told[max(0, told.index(form) - 200) : told.index(form) + 60]}…"
        )


@pytest.fixture(name="log")
def _log():
    """Everything that any logger says, at the lowest level, also with httpx's own
    handlers."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def echoes(key):
    """The spellings in which a server may hand the key back."""
    encoded = base64.b64encode(key.encode()).decode()
    basic = base64.b64encode(f"user:{key}".encode()).decode()
    return [
        key,
        f"Bearer {key}",
        encoded,
        basic,
        encoded.replace("+", "-").replace("/", "_"),
        quote(key, safe=""),
        "".join(f"\\u{ord(c):04x}" for c in key),
    ]


def echo_bodies(text):
    """Raw JSON, so that a text of escapes stays one on the wire."""
    signed = f"https://store.example/a.mp4?Expires=1&Signature={quote(SIGNATURE, safe='')}"
    for template in (
        '{"error": {"message": "TEXT", "type": "TEXT", "code": "TEXT"}}',
        '{"code": "TEXT", "message": "bad URL SIGNED", "data": null}',
        '{"detail": "TEXT"}',
        '{"id": "TEXT", "status": "TEXT", "task_id": "TEXT"}',
        '{"id": "t", "status": "failed", "error": {"code": "TEXT", "message": "TEXT and SIGNED"}}',
        (
            '{"output": {"task_id": "TEXT", "task_status": "FAILED", "code": "TEXT", "message":'
            ' "TEXT SIGNED"}}'
        ),
        "<html>TEXT SIGNED</html>",
    ):
        yield template.replace("TEXT", text).replace("SIGNED", signed).encode()


@pytest.mark.parametrize("kind", ["gateway", "gateway-metadata", "dashscope"])
async def test_an_echoing_server_gets_nothing_out(
    serve, answer, profile_for, request_with, tmp_path, key, log, capsys, kind
):
    steps = [
        answer(status, body, x_echo=text[:900])
        for status in (200, 400, 401, 429, 500)
        for text in echoes(key)
        for body in echo_bodies(text)
    ]
    server = serve([*steps, answer(500)])
    told: list[object] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with Client(profile_for(server.url, kind), pool=AtOnce()) as backend:
            for number in range(len(steps)):
                match number % 4:
                    case 0:
                        told.append(
                            await backend.submit(
                                request_with(),
                                {"first_frame": "https://x.example/?Signature=" + SIGNATURE},
                            )
                        )
                    case 1:
                        told.append(await backend.poll("task_abc", 0.0))
                    case 2:
                        told.append(await backend.probe())
                    case _:
                        told.append(await backend.list_tasks(0.0, 1.0))
    everything = (
        repr(told)
        + log.getvalue()
        + repr(capsys.readouterr())
        + repr([str(w.message) for w in caught])
        + repr(backend.profile)
    )
    assert_absent(key, everything, "what was told")
    assert_absent(SIGNATURE, everything, "what was told")
    assert len(told) == len(steps)


async def test_no_other_host_ever_sees_the_key(
    serve, answer, video, profile_for, tmp_path, key, log, capsys
):
    signed = f"/file?Signature={quote(SIGNATURE, safe='')}"
    store = serve([answer(200, video), answer(500, key.encode()), answer(200, b"<html>")])
    api = serve({"/v1": [answer(302, location=store.url + signed)]})
    told = []
    async with Client(
        profile_for(api.url, download_hosts=("127.0.0.1",)), pool=AtOnce()
    ) as backend:
        for number in range(3):
            for urls in ((), (store.url + signed,)):
                outcome = await backend.download(
                    "task_abc", Succeeded(urls), tmp_path / f"{number}.part"
                )
                told.append(repr(outcome))
                if isinstance(outcome, Downloaded):
                    assert SIGNATURE not in repr(outcome)
    seen_abroad = repr([(r.path, r.headers, r.body) for r in store.received])
    assert_absent(key, seen_abroad, "what another host received")
    written = "".join(
        path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()
    )
    everything = repr(told) + log.getvalue() + repr(capsys.readouterr()) + written
    assert_absent(key, everything, "what was told")
    assert_absent(SIGNATURE, everything, "what was told")
    assert len(api.received) >= 3


@pytest.mark.parametrize("step", ["close", "reset", "cut", "odd"])
async def test_broken_connections_tell_no_more_than_that(
    serve, answer, profile_for, request_with, tmp_path, key, log, capsys, step
):
    def cut(connection, _):
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nx-key: " + key.encode() + b"\r\ncontent-length: 99\r\n\r\n{"
        )
        connection.shutdown(socket.SHUT_RDWR)

    def odd(connection, _):
        connection.sendall(
            f"HTTP/1.1 200 OK\r\nbad header {key}: \x00 {SIGNATURE}\r\n\r\n".encode()
        )
        connection.shutdown(socket.SHUT_RDWR)

    server = serve([{"cut": cut, "odd": odd}.get(step, step)])
    signed = f"{server.url}/a?Signature={quote(SIGNATURE, safe='')}"
    async with Client(profile_for(server.url), pool=AtOnce()) as backend:
        told = [
            await backend.submit(request_with(), {"first_frame": signed}),
            await backend.poll("task_abc", 0.0),
            await backend.probe(),
            await backend.download("task_abc", Succeeded((signed,)), tmp_path / "a.part"),
        ]
        with anyio.move_on_after(0.01):
            told.append(await backend.poll("task_abc", 0.0))
    everything = repr(told) + log.getvalue() + repr(capsys.readouterr())
    assert_absent(key, everything, "what was told")
    assert_absent(SIGNATURE, everything, "what was told")


async def test_a_reply_has_lost_the_key_before_anyone_reads_it(serve, answer, profile_for, key):
    server = serve(
        [
            answer(
                200,
                f"{key} {quote(key, safe='')}".encode(),
                location=f"https://x/?k={key}",
                x_basic=base64.b64encode(key.encode()).decode(),
            ),
        ]
    )
    async with Client(profile_for(server.url), pool=AtOnce()) as backend:
        assert_absent(key, repr(await backend._http.read(backend._dialect.probe())), "a reply")


def test_the_libraries_loggers_are_silent_at_any_level(log):
    for name in ("httpx", "httpcore.connection", "httpcore.http11"):
        logging.getLogger(name).debug("%s", SIGNATURE)
        logging.getLogger(name).critical("%s", SIGNATURE)
    assert SIGNATURE not in log.getvalue()


@pytest.mark.parametrize(
    "key", ["sk-canary-1", "sk-canary-22", "sk-canary-333", "sk+canary/4444=="]
)
def test_every_spelling_of_a_key_is_known(key):
    known = key_spellings(key)
    for before in ("", "u:", "user:", "xyz"):
        for after in ("", "\n", "pad", "more"):
            coded = base64.b64encode(f"{before}{key}{after}".encode()).decode()
            assert any(spelling in coded for spelling in known)
    assert key_spellings("short") == ()
