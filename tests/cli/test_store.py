"""Videos in an object store, by the real command against a real S3 server: where they
are, that they are read there, that they come home, and that nothing secret is left."""

import hashlib
import re
import signal
import time
import urllib.request
from collections import Counter
from itertools import count

import pytest
from scene import FILE, Scene
from stores.faulty_proxy import FaultyProxy
from stores.s3_server import ACCESS_KEY, SECRET_KEY, started_s3

import wanbatch
from wanbatch.model.archive import archived_name, archived_poster

CONFIG = """
[backends.rough.store]
url = "{url}"
endpoint = "{endpoint}"
path_style = true
public_url = "{public}"
"""
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
NUMBERS = count(1)
ROUGH = ("--backend", "rough")


@pytest.fixture(scope="module", name="s3")
def _s3():
    with started_s3() as server:
        yield server


class InStore(Scene):
    """A scene whose profile has a store, reached through a proxy that can fail."""

    def __init__(self, folder, proxy, text=CONFIG, bucket="clips", **given):
        super().__init__(folder, **given)
        self.proxy, self.text, self.bucket = proxy, text, bucket

    def __enter__(self):
        super().__enter__()
        url, public = f"s3://{self.bucket}/studio", f"{self.proxy.url}/{self.bucket}/studio"
        self.put(self.text.format(url=url, endpoint=self.proxy.url, public=public))
        return self

    def put(self, text):
        self._config.write_text(self._config.read_text() + text)

    @property
    def environ(self):
        return super().environ | KEYS

    def texts(self):
        """All that was written, in one."""
        found = [path for path in self.folder.rglob("*") if path.is_file()]
        return b"\n".join(path.read_bytes() for path in found)

    def copies(self):
        return [*self.reports.rglob("videos/*.mp4"), *self.reports.glob("sha256/*/*.mp4")]


@pytest.fixture(name="scene")
def _scene(tmp_path, s3):
    bucket = f"clips-{next(NUMBERS)}"
    s3.bucket(bucket)
    with FaultyProxy(s3.url) as proxy, InStore(tmp_path, proxy, jobs=3, bucket=bucket) as scene:
        proxy.is_public = True
        yield scene


def get(url):
    with urllib.request.urlopen(url, timeout=30) as reply:
        return reply.headers["content-type"], reply.read()


def outputs_of(report):
    return [job["output"] for job in report["jobs"]]


def test_videos_live_there_and_the_report_leads_to_them(scene):
    done = scene.run()
    assert done.returncode == 0, done.stderr
    assert scene.copies() == [], "nothing of them is left here"
    for output in outputs_of(scene.report()):
        assert output["path"].endswith(archived_name(output["sha256"]))
        mime, content = get(output["path"])
        assert mime == "video/mp4"
        assert hashlib.sha256(content).hexdigest() == output["sha256"]
    for address in posters_of(scene.report()):
        mime, content = get(address)
        assert (mime, content[:4], content[8:12]) == ("image/webp", b"RIFF", b"WEBP")
    assert scene.proxy.count("PUT", "webp") == 1
    page = (scene.reports / "scene/report.html").read_text()
    assert f"img-src 'self' file: {scene.proxy.url}" in page
    assert f"media-src 'self' file: {scene.proxy.url}" in page
    assert len(list((scene.reports / "scene/posters").iterdir())) == 1, "they are the same bytes"
    # Again, and from another folder with the same ledger: nothing is bought.
    again = scene.run()
    assert (again.returncode, scene.charges()) == (0, 3)
    assert "3 up to date" in again.stderr
    checked = scene.call("ledger", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr

    # A copy for others: its links work without a key, and it says how long.
    signed = scene.call("report", FILE, *ROUGH, "--presign", "1h", "-o", "copy.html")
    assert signed.returncode == 0, signed.stderr
    copy = (scene.folder / "copy.html").read_text()
    assert "The links to the videos of this copy work until" in copy
    link = re.search(r'href="(http[^"]*X-Amz-Signature[^"]*)"', copy)
    assert link is not None
    assert get(link[1].replace("&amp;", "&"))[0] == "video/mp4"
    assert get(signed_poster(copy))[0] == "image/webp"
    (scene.folder / "copy.html").unlink()

    # Home again, each under its job's name, and with its poster.
    one = scene.call("fetch", FILE, *ROUGH, "--store", "--select", "job[seed=0]")
    assert "brought 1 video home" in one.stderr
    assert [poster.startswith("http") for poster in posters_of(scene.report())] == [
        False,
        True,
        True,
    ], "those of the others are still shown from there"
    for path in local_posters(scene):
        path.unlink()
    home = scene.call("fetch", FILE, *ROUGH, "--store")
    assert home.returncode == 0, home.stderr
    assert "brought 2 videos home" in home.stderr
    assert len(scene.copies()) == 3
    for output in outputs_of(scene.report()):
        content = (scene.reports / "scene" / output["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == output["sha256"]
    for poster in posters_of(scene.report()):
        assert (scene.reports / "scene" / poster).is_file()
    assert "brought 0 videos home" in scene.call("fetch", FILE, *ROUGH, "--store").stderr
    assert (scene.run().returncode, scene.charges()) == (0, 3)

    # Nothing secret in anything that was written or said.
    said = "".join(one.stdout + one.stderr for one in (done, again, signed, home)).encode()
    for secret in (SECRET_KEY, ACCESS_KEY, "Signature"):
        assert secret.encode() not in scene.texts() + said


def posters_of(report):
    return [job["poster"] for job in report["jobs"]]


def signed_poster(copy):
    """The address of a poster in a copy's data."""
    found = re.search(r'"(http[^"]*\.webp\?[^"]*X-Amz-Signature[^"]*)"', copy)
    assert found is not None
    return found[1].replace("\\u0026", "&")


def lose_poster(scene):
    """As in a store of an earlier version: the videos without their poster."""
    (sha256,) = {output["sha256"] for output in outputs_of(scene.report())}
    url = f"{scene.proxy.url}/{scene.bucket}/studio/{archived_poster(sha256)}"
    was, scene.proxy.is_public = scene.proxy.is_public, True
    urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=30).close()
    scene.proxy.is_public = was
    return url


def local_posters(scene):
    return list((scene.reports / "scene/posters").iterdir())


def test_posters_follow_come_back_and_hold_nothing_up(scene):
    assert scene.call("report", FILE, *ROUGH).returncode == 0
    assert scene.proxy.seen == [], "no video lives there"
    assert scene.run().returncode == 0
    url = lose_poster(scene)

    # A store that does not answer: the report shows what is here, at once.
    scene.proxy.add(do="delay", seconds=300.0, times=0)
    began, asked = time.monotonic(), len(scene.proxy.seen)
    assert scene.call("report", FILE, *ROUGH).returncode == 0
    assert time.monotonic() - began < 60.0
    assert len(scene.proxy.seen) == asked + 1
    (poster,) = set(posters_of(scene.report()))
    assert (scene.reports / "scene" / poster).is_file()
    scene.proxy.clear()

    # It answers again: the poster follows, by a report as by a run.
    for command in (lambda: scene.call("report", FILE, *ROUGH), scene.run):
        assert command().returncode == 0
        assert set(posters_of(scene.report())) == {url}
        assert get(url)[0] == "image/webp"
        lose_poster(scene)
    assert scene.run().returncode == 0

    # Another machine needs the poster alone, and brings no video for it.
    for path in local_posters(scene):
        path.unlink()
    videos, pictures = (scene.proxy.count("GET", kind) for kind in ("mp4", "webp"))
    assert scene.call("report", FILE, *ROUGH).returncode == 0
    assert len(local_posters(scene)) == 1
    assert scene.proxy.count("GET", "mp4") == videos
    assert scene.proxy.count("GET", "webp") == pictures + 1
    assert scene.charges() == 3


def test_a_store_that_takes_no_poster_costs_a_run_nothing(scene):
    scene.proxy.add(do="delay", method="PUT", path="webp", seconds=300.0, times=0)
    began = time.monotonic()
    done = scene.run()
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 60.0
    assert scene.proxy.count("PUT", "webp") == 1, "nobody tries again"
    assert [row.state for row in scene.rows()] == ["stored"] * 3
    assert scene.copies() == []
    (poster,) = set(posters_of(scene.report()))
    assert (scene.reports / "scene" / poster).is_file()


def test_a_signed_copy_brings_its_posters_where_no_browser_reads_the_store(tmp_path, s3):
    s3.bucket("private")
    text = CONFIG.replace('public_url = "{public}"\n', "")
    with (
        FaultyProxy(s3.url) as proxy,
        InStore(tmp_path, proxy, text=text, jobs=2, bucket="private") as scene,
    ):
        assert scene.run().returncode == 0
        lose_poster(scene)
        (poster,) = set(posters_of(scene.report()))
        assert (scene.reports / "scene" / poster).is_file()
        signed = scene.call("report", FILE, *ROUGH, "--presign", "1h", "-o", "copy.html")
        assert signed.returncode == 0, signed.stderr
        copy = (scene.folder / "copy.html").read_text()
        assert get(signed_poster(copy))[0] == "image/webp"
        assert f"img-src 'self' file: {proxy.url}" in copy
        assert set(posters_of(scene.report())) == {poster}, "the report's own stay as they are"
        (scene.folder / "copy.html").unlink()
        assert b"X-Amz-Signature" not in scene.texts()


def test_what_needs_the_videos_here_says_how_they_come_home(scene):
    assert scene.run().returncode == 0
    film = scene.call("film", FILE, *ROUGH, "-o", "film.mp4")
    export = scene.call("report", FILE, *ROUGH, "--export", "videofolder", "set")
    assert "the videos of the selected jobs live in a store" in film.stderr
    assert "the videos live in a store, and an export copies them" in export.stderr
    for done in (film, export):
        assert done.returncode == 2
        assert "wanbatch fetch --store brings them home" in done.stderr
    check = scene.call("check", "reports/scene/report.json")
    assert check.returncode == 1
    assert "file: it lives in a store; wanbatch fetch --store brings them home" in check.stderr
    opened = wanbatch.open_report(scene.reports / "scene/report.json")
    assert [opened.video(job) for job in opened.jobs] == [None] * 3
    assert scene.call("fetch", FILE, *ROUGH, "--store").returncode == 0
    for done in (
        scene.call("film", FILE, *ROUGH, "-o", "film.mp4"),
        scene.call("report", FILE, *ROUGH, "--export", "videofolder", "set"),
    ):
        assert done.returncode == 0, done.stderr


def test_wrong_bytes_in_the_store_do_not_come_home(scene):
    assert scene.run().returncode == 0
    output = outputs_of(scene.report())[0]
    wrong = urllib.request.Request(output["path"], data=bytes(output["bytes"]), method="PUT")
    urllib.request.urlopen(wrong, timeout=30).close()
    home = scene.call("fetch", FILE, *ROUGH, "--store")
    assert home.returncode == 1
    assert "brought 0 videos home" in home.stderr, "they are all the same bytes"
    assert home.stderr.count("holds other bytes under sha256/") == 3
    assert scene.copies() == []


def test_killed_between_the_put_and_its_record_it_goes_on(scene):
    scene.proxy.add(do="delay", late=True, method="PUT", seconds=200.0, times=3)
    run = scene.start()
    give_up_at = time.monotonic() + 60.0
    while scene.proxy.count("PUT") < 3:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    time.sleep(0.5)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert Counter(row.state for row in scene.rows()) == {"staged": 3}
    scene.proxy.clear()
    done = scene.run()
    assert done.returncode == 0, done.stderr
    assert scene.charges() == 3
    assert [row.state for row in scene.rows()] == ["stored"] * 3
    assert scene.copies() == []


def test_a_store_that_refuses_ends_the_run_with_4_and_loses_nothing(tmp_path, s3):
    text = CONFIG.replace("{url}", "s3://no-such-bucket")
    with FaultyProxy(s3.url) as proxy, InStore(tmp_path, proxy, text=text, jobs=2) as scene:
        done = scene.run()
        assert done.returncode == 4, done.stderr
        assert "NoSuchBucket: check the bucket's name" in done.stderr
        assert "go to the store when the same command is run again" in done.stderr
        staged = scene.charges()
        assert Counter(row.state for row in scene.rows()) == {"staged": staged}
        s3.bucket("no-such-bucket")
        done = scene.run()
        assert (done.returncode, scene.charges()) == (0, 2)


def test_what_is_asked_of_it_without_a_store_or_without_sense(tmp_path, s3):
    with FaultyProxy(s3.url) as proxy, InStore(tmp_path, proxy, text="", jobs=1) as scene:
        for words, said in (
            (("fetch", FILE, *ROUGH, "--store"), "has no store: its videos are at home"),
            (
                ("report", FILE, *ROUGH, "--presign", "1d", "-o", "c.html"),
                "has no store: its videos lie beside the report",
            ),
            (
                ("report", FILE, *ROUGH, "--presign", "8d", "-o", "c.html"),
                "--presign 8d: it takes a time of at most seven days",
            ),
            (
                ("report", FILE, *ROUGH, "--presign", "soon", "-o", "c.html"),
                ": it takes a time of at most seven days",
            ),
            (
                ("report", FILE, *ROUGH, "--presign", "1d", "-o", "c.json"),
                "--presign writes a copy of the page, whose links work for a while",
            ),
            (
                ("report", FILE, *ROUGH, "--presign", "1d"),
                "--presign writes a copy of the page, whose links work for a while",
            ),
        ):
            refused = scene.call(*words)
            assert refused.returncode == 2, refused.stderr
            assert said in refused.stderr


def test_a_folder_holds_them_too(tmp_path, s3):
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    text = f'store = "file://{mounted}"\n'
    with FaultyProxy(s3.url) as proxy, InStore(tmp_path, proxy, text=text, jobs=2) as scene:
        done = scene.run()
        assert done.returncode == 0, done.stderr
        for output in outputs_of(scene.report()):
            assert output["path"] == f"file://{mounted}/{archived_name(output['sha256'])}"
            assert (mounted / archived_name(output["sha256"])).is_file()
            poster = archived_poster(output["sha256"])
            assert (mounted / poster).is_file()
            assert set(posters_of(scene.report())) == {f"file://{mounted}/{poster}"}
        assert scene.copies() == []
        signed = scene.call("report", FILE, *ROUGH, "--presign", "1h", "-o", "copy.html")
        assert signed.returncode == 2
        assert "is a folder, which signs no addresses" in signed.stderr
        assert scene.call("fetch", FILE, *ROUGH, "--store").returncode == 0
        assert len(scene.copies()) == 2


def test_nothing_is_signed_without_keys(scene):
    class Keyless(InStore):
        environ = Scene.environ

    assert scene.run().returncode == 0
    scene.__class__ = Keyless
    refused = scene.call("report", FILE, *ROUGH, "--presign", "1h", "-o", "copy.html")
    assert refused.returncode == 4
    assert "has no keys here, and nothing is signed without" in refused.stderr
    run = scene.run()
    assert run.returncode == 4
    assert "the store of backend 'rough' needs AWS_ACCESS_KEY_ID" in run.stderr
