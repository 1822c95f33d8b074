"""Queries of URLs through the real command and a real socket: sent whole, written
nowhere, bought once.

How it works: a gateway on loopback remembers every POST; after each command every byte
that was printed or lies in the project's output is searched for the secrets.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from upgrade.loopback import Loopback

CONFIG = """\
[backends.far]
kind = "gateway"
base_url = "{base_url}"
api_key_env = "FAR_KEY"
poll_interval = 0.1
rate = 50
price = {{720P = 0.10, 1080P = 0.15, currency = "USD"}}
"""
HEAD = "wanbatch: 1\nname: web\ndefaults: {prompt_extend: false, seconds: 2}\njobs:\n"
RANDOM = ("9f86d081884c7d659a2feaa0c55ad015", "a3bf4f1b2b0b822cd15d6c15b0f00a08")


class Project:
    """A folder with one manifest, and the gateway."""

    def __init__(self, folder: Path, gateway: Loopback) -> None:
        self.folder, self.gateway = folder / "project", gateway
        self.folder.mkdir()
        (folder / "config.toml").write_text(CONFIG.format(base_url=gateway.base_url))
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("WANBATCH")},
            "WANBATCH_CONFIG": str(folder / "config.toml"),
            "FAR_KEY": "sk-far-0123456789",
        }
        self.printed = ""

    def write(self, *jobs: str) -> None:
        text = "".join(f"  - {job}\n" for job in jobs)
        (self.folder / "web.wanbatch.yaml").write_text(HEAD + text)

    def write_urls(self, *urls: str, prompt: str = "A harbour") -> None:
        """One job for each media value, equal in all else."""
        self.write(
            *(
                f"{{id: j{n}, seed: 7, prompt: {prompt}, media: {{first_frame: {url}}}}}"
                for n, url in enumerate(urls)
            )
        )

    def call(self, command: str, *more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "wanbatch", command, "web.wanbatch.yaml", *more],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        self.printed += done.stdout + done.stderr
        return done

    def run(self, *more: str) -> int:
        return self.call("run", "--backend", "far", "--yes", *more).returncode

    def planned(self) -> dict[str, dict[str, Any]]:
        done = self.call("plan", "--backend", "far", "--json")
        assert done.returncode == 0, done.stderr
        return {job["name"]: job for job in json.loads(done.stdout)["jobs"]}

    def sent(self) -> list[str]:
        """The URLs of all submits."""
        return [m["url"] for post in self.gateway.posts for m in post["media"]]

    def written(self) -> bytes:
        """All that was printed or stands under reports/, names too."""
        paths = [path for path in self.folder.glob("reports/**/*") if path.is_file()]
        names = "\n".join(str(path) for path in paths)
        return self.printed.encode() + names.encode() + b"".join(p.read_bytes() for p in paths)


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Any:
    with Loopback() as gateway:
        yield Project(tmp_path, gateway)


SIGNED = [
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=SECRET{n}&X-Amz-Signature=SECRET{n}",
    "OSSAccessKeyId=SECRET{n}&Expires=17{n}0000000&Signature=SECRET{n}&security-token=SECRET{n}",
    "x-oss-signature-version=OSS4&x-oss-credential=SECRET{n}&x-oss-signature=SECRET{n}",
    "auth_key=17{n}0000000-SECRET-0-{n}",
    "hdnts=exp=17{n}0000000~acl=/*~hmac=SECRET{n}",
    "hdnea=exp=17{n}0000000~hmac=SECRET{n}",
    "sign=SECRET{n}&t=17{n}0000000",
    "token=SECRET{n}&expires=17{n}0000000",
    "bcdn_token=SECRET{n}&token_path=%2F",
    "wsSecret=SECRET{n}&wsTime=17{n}0000000",
    "txSecret=SECRET{n}&txTime=6{n}5fa3b0",
    "q-sign-algorithm=sha1&q-ak=SECRET{n}&q-signature=SECRET{n}&q-sign-time=1;2{n}",
    "sv=2024-01-0{n}&se=2026-01-0{n}&sr=b&sp=r&sig=SECRET{n}",
    "Policy=SECRET{n}&Signature=SECRET{n}&Key-Pair-Id=K{n}",
    "X-Goog-Date=2024010{n}T000000Z&X-Goog-Signature=SECRET{n}",
    "authorization=bce-auth-v1%2FSECRET{n}&x-bce-date=2024{n}",
    "X-Tos-Signature=SECRET{n}&X-Tos-Date=2024010{n}T000000Z",
    "AccessKeyId=SECRET{n}&Expires=17{n}0000000&Signature=SECRET{n}",
    "AWSAccessKeyId=SECRET{n}&Expires=17{n}0000000&Signature=SECRET{n}",
    "st=SECRET{n}&e=17{n}0000000",
    "ex=6{n}a0b1&is=6{n}a0b0&hm=SECRET{n}",
    "oh=SECRET{n}&oe=6{n}A0B1",
    "verify=17{n}0000000-SECRET{n}",
    "exp=17{n}0000000&s=SECRET{n}",
    "jwt=SECRET{n}.a.b",
    "access_token=SECRET{n}",
    "md5=SECRET{n}&expires=17{n}0000000",
    "Expires=17{n}0000000&KeyName=k{n}&Signature=SECRET{n}",
    "x-expires=17{n}0000000&x-signature=SECRET{n}",
    "e=17{n}0000000&token=ak{n}:SECRET{n}",
    "_upt=SECRET{n}17{n}0000000",
    "alt=media&token=SECRET{n}",
]


def test_a_fresh_signature_never_buys_again_and_is_written_nowhere(project: Project) -> None:
    def media(number: int) -> list[str]:
        return [
            f'"https://pictures.test/p{n}.png?{query.replace("{n}", str(number))}"'
            for n, query in enumerate(SIGNED)
        ]

    project.write_urls(*media(1))
    assert project.run() == 0
    assert sorted(project.sent()) == sorted(url.strip('"') for url in media(1))
    project.write_urls(*media(2))
    assert {job["action"] for job in project.planned().values()} == {"reuse"}
    assert project.run() == 0
    assert len(project.sent()) == len(SIGNED)
    assert b"SECRET" not in project.written()


def test_two_signatures_of_one_picture_are_one_purchase(project: Project) -> None:
    project.write_urls(*(f'"https://h.test/a.png?auth_key=17{n}-0-0-SECRET"' for n in "12"))
    assert project.run() == 0
    assert len(project.sent()) == 1


def test_pictures_that_a_plain_parameter_tells_apart_never_merge(project: Project) -> None:
    project.write_urls('"https://h.test/get?id=1"', '"https://h.test/get?id=2"')
    assert project.run() == 0
    assert len(project.sent()) == 2
    project.write_urls('"https://h.test/get?id=1"', '"https://h.test/get?id=3"')
    assert project.run() == 0
    assert project.sent()[2:] == ["https://h.test/get?id=3"]
    assert b"get?id" not in project.written()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (f"id=1&k={RANDOM[0]}", f"id=2&k={RANDOM[1]}"),
        (f"k={RANDOM[0]}", f"k={RANDOM[1]}"),
        ("id=1&token=SECRET", "id=2&token=SECRET"),
        ("h=9f8a7b6c&t=1712345678", "h=0a1b2c3d&t=1712349999"),
        (RANDOM[0], RANDOM[1]),
        ("x=eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4", "x=eyJhbGciOiJIUzI1.eyJzdWIiOiI5OTk5.AbcdefRJSMeKKF2QT4"),
        ("k=Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA%3D%3D", "k=cXV4MTIzNDU2Nzg5MGZvb2JhcmJheg%3D%3D"),
    ],
)  # fmt: skip
def test_what_may_be_one_picture_or_two_is_an_error_that_says_what_to_write(
    project: Project, one: str, two: str
) -> None:
    project.write_urls(f'"https://h.test/get?{one}"', f'"https://h.test/get?{two}"')
    done = project.call("run", "--backend", "far", "--yes")
    assert (done.returncode, project.gateway.posts) == (2, [])
    assert "identity: [id]" in done.stderr
    assert "identity: []" in done.stderr
    written = project.written()
    assert not any(value.encode() in written for value in [*RANDOM, "SECRET", one, two])


def test_what_looks_signed_and_differs_from_what_was_bought_is_asked(project: Project) -> None:
    project.write_urls(f'"https://h.test/get?id=1&k={RANDOM[0]}"')
    assert project.run() == 0
    assert project.run() == 0
    project.write_urls(f'"https://h.test/get?id=1&k={RANDOM[1]}"')
    assert project.planned()["j0"]["action"] == "ask"
    assert project.run() in (1, 3)
    assert len(project.sent()) == 1
    for named in ("[]", "[id]"):
        project.write_urls(f'{{url: "https://h.test/get?id=1&k={RANDOM[1]}", identity: {named}}}')
        assert project.planned()["j0"]["action"] == "reuse", named
    project.write_urls(f'{{url: "https://h.test/get?id=2&k={RANDOM[1]}", identity: [id]}}')
    assert project.run() == 0
    assert len(project.sent()) == 2
    written = project.written()
    assert not any(value.encode() in written for value in RANDOM)


def test_named_parameters_count_and_are_shown_and_no_others(project: Project) -> None:
    url = '{{url: "https://h.test/a.png?version={}&Signature=SECRET{}", identity: [version]}}'
    project.write_urls(url.format(3, 1))
    assert project.run() == 0
    project.write_urls(url.format(3, 2))
    assert project.planned()["j0"]["action"] == "reuse"
    project.write_urls(url.format(4, 2))
    assert project.run() == 0
    assert [sent.partition("&")[0] for sent in project.sent()] == [
        "https://h.test/a.png?version=3",
        "https://h.test/a.png?version=4",
    ]
    assert b"https://h.test/a.png?version=4&\xe2\x80\xa6" in project.written()
    assert b"SECRET" not in project.written()


def test_a_fragment_is_not_sent_and_a_user_is_refused(project: Project) -> None:
    project.write_urls('"https://h.test/a.png?v=1#SECRET"')
    assert project.run() == 0
    assert project.sent() == ["https://h.test/a.png?v=1"]
    project.write_urls('"https://user:SECRET@h.test/a.png"')
    done = project.call("validate")
    assert (done.returncode, "WB213" in done.stderr) == (2, True)
    assert b"SECRET" not in project.written()


BROKEN = {
    "flow": 'media: {first_frame: "http://h.test/a?SIG", last_frame: 5}',
    "upper case": 'media: {first_frame: "HTTPS://h.test/a?SIG"}',
    "no scheme": 'media: {first_frame: "//h.test/a?SIG"}',
    "white space": 'media: {first_frame: "https://h.test/a?SIG x SECRET"}',
    "plain": "media:\n      first_frame: https://h.test/a?SIG SECRET",
    "folded": 'media:\n      first_frame: "http://h.test/a\n        ?SIG&x=1"',
    "folded plain": "media:\n      first_frame: http://h.test/\n        a?SIG",
    "escaped": r'media: {first_frame: "http://h.test/a\x3fSIG"}',
    "very long": f'media: {{first_frame: "http://h.test/{"a" * 90}?SIG{"b" * 90}SECRET"}}',
    "unknown key": 'media: {frist_frame: "https://h.test/a?SIG"}',
    "template": 'media: {first_frame: "https://h.test/{{ nothing }}?SIG"}',
    "template that renders badly": 'vars: {u: "http://h.test/a?SIG"}\n    media: {first_frame: "{{ u }}"}',
    "axis": (
        'media: {first_frame: "{{ u }}", last_frame: gone.png}\n    matrix: {u:'
        ' ["https://h.test/a?SIG", "https://h.test/b?SIG"]}'
    ),
    "row": (
        'media: {first_frame: "{{ u }}", last_frame: gone.png}\n    rows: [{id:'
        ' "https://h.test/a?SIG", u: "https://h.test/a?SIG"}]'
    ),
    "same value": (
        'media: {first_frame: "{{ u }}"}\n    matrix: {u: ["https://h.test/a?SIG",'
        ' "https://h.test/a?SIG"]}'
    ),
    "wrong list": 'media: {first_frame: ["https://h.test/a?SIG"]}',
    "other scheme": 'media: {first_frame: "oss://b/a?SIG"}',
    "audio": 'media: {first_frame: gone.png, driving_audio: "http://h.test/a.mp3?SIG"}',
    "url form": 'media: {first_frame: {url: "http://h.test/a?SIG", identity: [x]}}',
    "missing parameter": 'media: {first_frame: {url: "https://h.test/a?SIG", identity: [x]}}',
    "expired": 'media: {first_frame: "https://h.test/a?SIG&Expires=1700000000", last_frame: gone.png}',
    "comment": "media: {first_frame: 5} # https://h.test/a?SIG",
    "CSV": "rows: bad.csv\n    media: {first_frame: a.png}",
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit"])
def test_no_finding_shows_a_query(project: Project, broken: str, form: str) -> None:
    job = BROKEN[broken].replace("SIG", "Signature=SECRET")
    project.write(f"id: one\n    prompt: x\n    {job}")
    (project.folder / "bad.csv").write_text("a,b\nhttps://h.test/a?Signature=SECRET,1,2\n")
    done = project.call("validate", "--format", form)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "SECRET" not in project.printed, project.printed


def test_axes_that_are_urls_are_named_without_their_query(project: Project) -> None:
    urls = '["https://h.test/get?id=1&k=SECRET", "https://h.test/get?id=2&k=SECRET"]'
    job = 'id: one\n    prompt: x\n    media: {first_frame: "{{ u }}"}\n    matrix: {u: %s}'
    project.write(job % urls)
    assert len(project.planned()) == 2
    assert project.run() == 0
    assert project.call("status", "--backend", "far").returncode == 0
    for ending in ("csv", "md", "json", "xml"):
        assert (
            project.call("report", "--backend", "far", "-o", f"reports/x.{ending}").returncode == 0
        )
    assert len(project.sent()) == 2
    assert b"SECRET" not in project.written()
    assert b"get%3Fid" not in project.written()
    assert b"get?id" not in project.written()


def test_validate_says_what_each_url_was_taken_for(project: Project) -> None:
    project.write_urls(
        '"https://h.test/a.png"',
        '"https://h.test/b.png?v=1"',
        '"https://h.test/c.png?sign=SECRET"',
        f'"https://h.test/d.png?k={RANDOM[0]}"',
        '{url: "https://h.test/e.png?version=3&sign=SECRET", identity: [version]}',
    )
    done = project.call("validate", "-v")
    assert done.returncode == 0
    lines = [line.strip() for line in done.stderr.splitlines() if "h.test" in line]
    assert [line.partition(": ")[0] for line in lines] == [
        "https://h.test/a.png",
        "https://h.test/b.png?…",
        "https://h.test/c.png?…",
        "https://h.test/d.png?…",
        "https://h.test/e.png?version=3&…",
    ]
    assert len({line.partition(": ")[2] for line in lines}) == 5


def test_prompts_are_sent_and_kept_without_white_space_at_their_ends(project: Project) -> None:
    (project.folder / "shots.csv").write_text('shot,text\none," a boat\t"\ntwo,"  "\n')
    project.write(
        "id: literal\n    prompt: |\n      A harbour\n\n      at dawn\n    negative_prompt:"
        " |\n      blurry\n"
        "    media: {first_frame: https://h.test/a.png}",
        'id: row\n    rows: {from: shots.csv, key: shot}\n    prompt: "{{ text }}"\n   '
        ' negative_prompt: "\\n"\n'
        "    media: {first_frame: https://h.test/a.png}",
        f"id: longest\n    prompt: |\n      {'x' * 5000}\n    media: {{first_frame:"
        f" https://h.test/a.png}}",
    )
    assert project.run() == 0
    sent = [(post.get("prompt"), post.get("negative_prompt")) for post in project.gateway.posts]
    assert sorted(sent, key=str) == sorted(
        [("A harbour\n\nat dawn", "blurry"), ("a boat", None), (None, None), ("x" * 5000, None)],
        key=str,
    )
    report = json.loads((project.folder / "reports/web/report.json").read_text())
    kept = [
        (j["request"].get("prompt"), j["request"].get("negative_prompt")) for j in report["jobs"]
    ]
    assert sorted(kept, key=str) == sorted(sent, key=str)


def test_a_url_given_as_a_variable_stands_in_no_printed_command(project: Project) -> None:
    project.gateway.ready = False
    project.write('id: one\n    prompt: x\n    media: {first_frame: "{{ u }}"}')
    path = project.folder / "web.wanbatch.yaml"
    path.write_text("description: from https://h.test/a?sign=SECRET\n" + path.read_text())
    more = ("--var", "u=https://h.test/a.png?sign=SECRET", "--wait", "1")
    assert project.run(*more) == 1
    assert "Continue with: " in project.printed
    assert project.sent() == ["https://h.test/a.png?sign=SECRET"]
    assert b"SECRET" not in project.written()
