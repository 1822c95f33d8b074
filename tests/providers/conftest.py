"""Servers on real sockets that do exactly what a test scripts, and the requests and
profiles that the tests share.

How it works: one thread per connection reads whole requests, notes them, and does what
the script says next: send bytes, close, reset, stay silent, or call a function with the
socket. So the tests run on any event loop.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from wanbatch.model.job import MediaType
from wanbatch.model.plan import MediaRef, Request
from wanbatch.model.wire import Profile, Secret

KEY = "sk-canary-7f3a+9/2c41"


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Step = bytes | str | Callable[[socket.socket, Received], None]


def answer(status: int = 200, body: object = b"", **headers: str) -> bytes:
    """An HTTP answer; JSON for anything that is no bytes; ``content_length=""`` leaves
    the header out."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content-type": "application/json", "content-length": str(len(payload))} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    lines = [
        f"HTTP/1.1 {status} Whatever",
        *(f"{name}: {value}" for name, value in named.items() if value),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


class Scripted:
    """A server on loopback. ``script`` holds steps per request, the last one stays; a
    dict maps path beginnings to scripts."""

    def __init__(
        self,
        script: list[Step] | dict[str, list[Step]],
        context: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.scripts = script if isinstance(script, dict) else {"": script}
        self.received: list[Received] = []
        self.connections = 0
        self.open_sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._context = context
        self._ended = threading.Event()
        self._listener = socket.create_server((host, 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = (
            f"{'https' if context else 'http'}://{'localhost' if context else host}:{self.port}"
        )
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        for one in [self._listener, *self.open_sockets]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self.open_sockets.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError):
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
                self.open_sockets.append(connection)
            buffered = connection.makefile("rb")
            while (request := _read(buffered)) is not None:
                with self._lock:
                    self.received.append(request)
                    step = self._next(request.path)
                if not self._do(step, connection, request):
                    return

    def _next(self, path: str) -> Step:
        best = max((p for p in self.scripts if path.startswith(p)), key=len, default=None)
        if best is None:
            return answer(
                404, {"error": {"message": "no such thing", "type": "invalid_request_error"}}
            )
        steps = self.scripts[best]
        return steps.pop(0) if len(steps) > 1 else steps[0]

    def _do(self, step: Step, connection: socket.socket, request: Received) -> bool:
        if callable(step):
            step(connection, request)
            return False
        if isinstance(step, bytes):
            connection.sendall(step)
            if b"connection: close" in step.split(b"\r\n\r\n")[0].lower():
                connection.shutdown(socket.SHUT_RDWR)
                return False
            return True
        if step == "stay silent":
            self._ended.wait(30)
        elif step == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        elif step == "close":
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        else:
            raise AssertionError(step)
        return False


def _read(stream: BinaryIO) -> Received | None:
    line = stream.readline()
    if not line:
        return None
    method, path, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (raw := stream.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = raw.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return Received(method, path, headers, stream.read(int(headers.get("content-length", "0"))))


@pytest.fixture(autouse=True)
def _probes_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of answers here fail the probe; the second that it waits tests
    nothing."""
    monkeypatch.setattr("wanbatch.providers.client.PROBE_AGAIN_S", 0.01)


@pytest.fixture(name="serve")
def _serve() -> Iterator[Callable[..., Scripted]]:
    running: list[Scripted] = []

    def start(
        script: list[Step] | dict[str, list[Step]],
        context: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> Scripted:
        running.append(Scripted(script, context, host))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture(name="answer")
def _answer() -> Callable[..., bytes]:
    return answer


@pytest.fixture(name="key")
def _key() -> str:
    return KEY


@pytest.fixture(name="profile_for")
def _profile_for() -> Callable[..., Profile]:
    def make(url: str, kind: str = "gateway", **changes: Any) -> Profile:
        profile = Profile(kind, kind, url, url, Secret(KEY), submit_timeout_s=2.0)
        return replace(profile, **changes)

    return make


@pytest.fixture(name="request_with")
def _request_with() -> Callable[..., Request]:
    def make(*types: MediaType, **changes: Any) -> Request:
        media = tuple(
            MediaRef(one, f"{one}.bin", url=f"https://media.example/{one}")
            for one in types or ("first_frame",)
        )
        request = Request(
            "wan2.7-i2v", "a boat", None, media, 5, "720P", 0, prompt_extend=False, watermark=False
        )
        return replace(request, **changes)

    return make


@dataclass(frozen=True)
class Certificates:
    """An authority of our own and a server context for ``localhost`` that it vouches
    for."""

    ca_file: Path
    server: ssl.SSLContext
    expired: ssl.SSLContext


@pytest.fixture(scope="session", name="certificates")
def _certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder = tmp_path_factory.mktemp("certificates")
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    def context(
        stem: str, certificate: x509.Certificate, secret: ec.EllipticCurvePrivateKey
    ) -> ssl.SSLContext:
        (folder / f"{stem}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        encoded = secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (folder / f"{stem}.key").write_bytes(encoded)
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(folder / f"{stem}.pem", folder / f"{stem}.key")
        return made

    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = (
        x509.CertificateBuilder()
        .subject_name(name("test authority"))
        .issuer_name(name("test authority"))
        .public_key(authority_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 9 * day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "authority.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))

    def leaf(stem: str, begin: dt.datetime, end: dt.datetime) -> ssl.SSLContext:
        secret = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name("localhost"))
            .issuer_name(name("test authority"))
            .public_key(secret.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(names, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
                critical=False,
            )
            .sign(authority_key, hashes.SHA256())
        )
        return context(stem, certificate, secret)

    good, expired = leaf("server", now - day, now + day), leaf("expired", now - 3 * day, now - day)
    return Certificates(folder / "authority.pem", good, expired)


@pytest.fixture(scope="session", name="video")
def _video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real MP4 of one second, some hundred kilobytes long."""
    import random

    import av

    path = tmp_path_factory.mktemp("video") / "v.mp4"
    noise = random.Random(7)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        track = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "qp": "0"})
        track.width, track.height, track.pix_fmt = 128, 96, "yuv420p"
        for _ in range(10):
            frame = av.VideoFrame(128, 96, "yuv420p")
            for plane in frame.planes:
                plane.update(noise.randbytes(plane.buffer_size))
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return path.read_bytes()
